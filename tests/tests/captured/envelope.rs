//! Rows in the envelope of Connect's converter, whose schema follows what becomes of its columns.

use super::plugins::{Changes, postgres_with_schema};
use super::rows::{ANNA, ANNAS_UID, ID_1001, ID_1101};

const CUSTOMERS: &str = "pgschema.public.customers";

/// In the schema of both images alike.
const SCHEMA: &[(usize, &str, &str)] = &[
    (
        2,
        r#"{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":false,"field":"email"}"#,
        r#"{"type":"string","optional":false,"field":"id"},{"type":"string","optional":false,"field":"email"}"#,
    ),
    (2, r#""field":"full_name"}"#, r#""field":"name"}"#),
    (
        2,
        r#"{"type":"int32","optional":true,"name":"io.debezium.time.Date","version":1,"field":"birth_date"}"#,
        r#"{"type":"string","optional":true,"field":"birth_date"}"#,
    ),
    (2, r#",{"type":"bytes","optional":true,"field":"avatar"}"#, ""),
    (
        2,
        r#",{"type":"string","optional":true,"name":"io.debezium.data.Xml","version":1,"field":"xmlcol"}"#,
        r#",{"type":"string","optional":true,"field":"region"}"#,
    ),
];

const KEY_SCHEMA: (usize, &str, &str) = (
    1,
    r#"{"type":"int64","optional":false,"field":"id"}"#,
    r#"{"type":"string","optional":false,"field":"id"}"#,
);

#[test]
fn a_schema_follows_its_columns() {
    let Some(postgres) = postgres_with_schema() else { return };
    let own = [
        (1, r#"{"id":1001,"#, &*format!(r#"{{"id":"{ID_1001}","#)),
        (1, r#""phone":"+47 000 00 000""#, r#""phone":"********** 000""#),
    ];
    postgres.check(
        (CUSTOMERS, 0, 7),
        &Changes {
            topic: Some("pii.customers"),
            key: &[KEY_SCHEMA, (1, "1001", &format!("\"{ID_1001}\""))],
            value: &[SCHEMA, &own, ANNA].concat(),
            headers: &[("customer", ANNAS_UID)],
        },
    );
}

#[test]
fn a_tombstone_has_only_its_key_in_an_envelope() {
    let Some(postgres) = postgres_with_schema() else { return };
    let new = format!(r#"{{"id":"{ID_1101}"}}"#);
    postgres.check(
        (CUSTOMERS, 0, 20),
        &Changes {
            topic: Some("pii.customers"),
            key: &[KEY_SCHEMA, (1, "1001", &format!("\"{ID_1001}\""))],
            headers: &[("__debezium.newkey", &new)],
            ..Changes::default()
        },
    );
}

#[test]
fn placeholders_leave_value_and_schema_as_they_came() {
    let Some(postgres) = postgres_with_schema() else { return };
    postgres.check(("pgschema.public.toasty", 2, 1), &Changes::default());
}
