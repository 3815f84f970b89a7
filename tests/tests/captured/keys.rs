//! Masked keys: deletes, their tombstones, and primary keys that change.

use super::plugins::{Changes, postgres};
use super::rows::{ANNA, ANNAS_UID, ID_1001, ID_1101};

const CUSTOMERS: &str = "pgplain.public.customers";
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// A delete's row holds its key and what the database invented for the rest.
fn delete(id: &str, masked: &str) -> Vec<(usize, String, String)> {
    vec![
        (1, format!(r#"{{"id":{id},"#), format!(r#"{{"id":"{masked}","#)),
        (1, r#""full_name":null"#.into(), r#""name":null"#.into()),
        (1, r#","avatar":null"#.into(), String::new()),
        (1, r#","xmlcol":null"#.into(), r#","region":"eu""#.into()),
    ]
}

fn check_delete(position: (&str, i32, i64), id: &str, masked: &str, headers: &[(&str, &str)]) {
    let Some(postgres) = postgres() else { return };
    let edits = delete(id, masked);
    let value: Vec<(usize, &str, &str)> =
        edits.iter().map(|(times, from, to)| (*times, &**from, &**to)).collect();
    let key = format!("\"{masked}\"");
    let key = [(1, id, &*key)];
    let topic = Some("pii.customers");
    postgres.check(
        position,
        &Changes {
            topic,
            key: &key,
            value: &value,
            headers: &[headers, &[("customer", NOBODY)]].concat(),
        },
    );
    let tombstone = (position.0, position.1, position.2 + 1);
    postgres.check(tombstone, &Changes { topic, key: &key, value: &[], headers });
}

#[test]
fn a_delete_and_its_tombstone_leave_under_the_same_masked_key() {
    let masked = "k1:06b267acef6fad0e39dac109ab116fb1b213fa9ed395775e82e9ac2ed3517558";
    check_delete((CUSTOMERS, 2, 12), "2002", masked, &[]);
}

#[test]
fn a_changed_key_is_masked_in_all_three_records_and_their_headers() {
    let Some(postgres) = postgres() else { return };
    let header = |id: &str| format!(r#"{{"id":"{id}"}}"#);
    let (old, new) = (header(ID_1001), header(ID_1101));
    check_delete((CUSTOMERS, 2, 21), "1001", ID_1001, &[("__debezium.newkey", &new)]);
    let own = [
        (1, r#"{"id":1101,"#, &*format!(r#"{{"id":"{ID_1101}","#)),
        (1, r#""phone":"+47 000 00 000""#, r#""phone":"********** 000""#),
    ];
    postgres.check(
        (CUSTOMERS, 2, 23),
        &Changes {
            topic: Some("pii.customers"),
            key: &[(1, "1101", &format!("\"{ID_1101}\""))],
            value: &[&own, ANNA].concat(),
            headers: &[("__debezium.oldkey", &old), ("customer", ANNAS_UID)],
        },
    );
}

#[test]
fn of_a_key_of_two_columns_only_the_masked_one_changes() {
    let Some(postgres) = postgres() else { return };
    let code = r#""code":"k1:1aef4558f6f221db88e08cbdd3e8c573affa1cbfa9afab69e2c02c10eca530b7""#;
    let changes = Changes {
        key: &[(1, r#""code":"b""#, code)],
        value: &[(1, r#""code":"b""#, code)],
        headers: &[(
            "__debezium.newkey",
            r#"{"tenant_id":9,"code":"k1:1aef4558f6f221db88e08cbdd3e8c573affa1cbfa9afab69e2c02c10eca530b7"}"#,
        )],
        ..Changes::default()
    };
    postgres.check(("pgplain.public.composite_pk", 0, 2), &changes);
}
