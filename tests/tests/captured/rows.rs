//! Rows without a schema: inserts, updates, what stands in odd cells.

use super::plugins::{Changes, mariadb, postgres, text};

const CUSTOMERS: &str = "pgplain.public.customers";

/// HMAC-SHA-256 of `1001` and others under the key of the settings, by another program.
pub(crate) const ID_1001: &str =
    "k1:d1c31f5484cd4e5c09760ae20521729cd8f7d510d10fac66cc296c9afe8d9940";
pub(crate) const ID_1101: &str =
    "k1:06197b410309bdbf867c0543c3888b89857dfd608546e239c5d48ba496fa5e7f";
const ID_1002: &str = "k1:c82e2868d581da39fd7b6d6970972ab1f49e0fe58fd5d28cd7f5bb137f4ba01d";

/// What the plugins do to Anna's row, wherever it stands.
pub(crate) const ANNA: &[(usize, &str, &str)] = &[
    (1, r#""email":"anna.ødegård@example.no""#, r#""email":"************@example.no""#),
    (1, r#""ssn":"900-45-6789""#, r#""ssn":"***********""#),
    (1, r#""full_name":"Anna Ødegård""#, r#""name":"************""#),
    (1, r#""birth_date":5172"#, r#""birth_date":"withheld""#),
    (1, r#"\"4242 4242 4242 4242\""#, r#"\"***************4242\""#),
    (1, r#"\"900-11-2222\""#, r#"\"***********\""#),
    (1, r#""balance":"SZYC0g==""#, r#""balance":null"#),
    (1, r#","avatar":"AP8Q3g==""#, ""),
    (1, r#","xmlcol":"<a>x</a>""#, r#","region":"eu""#),
];

pub(crate) const ANNAS_UID: &str = "f339038d-5f25-4c35-af00-ee9d404b395f";

#[test]
fn an_insert_with_every_kind_of_column() {
    let Some(postgres) = postgres() else { return };
    let own = [
        (1, r#"{"id":1001,"#, &*format!(r#"{{"id":"{ID_1001}","#)),
        (1, r#""phone":"+47 912 34 567""#, r#""phone":"********** 567""#),
    ];
    postgres.check(
        (CUSTOMERS, 2, 5),
        &Changes {
            topic: Some("pii.customers"),
            key: &[(1, "1001", &format!("\"{ID_1001}\""))],
            value: &[&own, ANNA].concat(),
            headers: &[("customer", ANNAS_UID)],
        },
    );
}

#[test]
fn empty_strings_nulls_emoji_and_nan() {
    let Some(postgres) = postgres() else { return };
    let name = r#""full_name":"李小龍 \uD83D\uDC69‍\uD83D\uDC69‍\uD83D\uDC67 ﷽ \"quote\" \\ back / slash\t\n\u0001""#;
    postgres.check(
        (CUSTOMERS, 2, 9),
        &Changes {
            topic: Some("pii.customers"),
            key: &[(1, "1002", &format!("\"{ID_1002}\""))],
            value: &[
                (1, r#"{"id":1002,"#, &format!(r#"{{"id":"{ID_1002}","#)),
                (1, name, r#""name":"*************************************""#),
                // `score` and `ratio` beside it stay the strings they are.
                (1, r#""balance":"AA==","score":"NaN""#, r#""balance":null,"score":"NaN""#),
                (1, r#","avatar":null"#, ""),
                (1, r#","xmlcol":null"#, r#","region":"eu""#),
            ],
            headers: &[("customer", "4b336864-efec-4b07-9ebd-c8fd1b79a8b5")],
        },
    );
}

/// The key of MariaDB's unsigned numbers is a decimal in base64.
#[test]
fn an_update_with_both_images() {
    let Some(mariadb) = mariadb() else { return };
    let id = "k1:c9c7eb692ce3b0f68a14558a7653a4806240bae61c3e02c6c809eaf87ba85a0e";
    mariadb.check(
        ("maplain.shop.customers", 0, 10),
        &Changes {
            topic: Some("pii.customers"),
            key: &[(1, "AQ==", id)],
            value: &[
                (2, r#""id":"AQ==""#, &format!(r#""id":"{id}""#)),
                (2, "snap1@example.com", "*****@example.com"),
                (2, "+1-202-555-0123", "***********0123"),
                (2, "900-12-0001", "***********"),
                (2, r#""full_name":"Snapshot 1""#, r#""name":"**********""#),
                (1, r#""balance":"A+k=""#, r#""balance":null"#),
                (1, r#""balance":"BE0=""#, r#""balance":null"#),
                (2, r#","avatar":null"#, ""),
                (2, r#","pt":null}"#, r#","pt":null,"region":"eu"}"#),
            ],
            headers: &[],
        },
    );
}

#[test]
fn placeholders_of_unsent_values_are_left_alone() {
    let Some(postgres) = postgres() else { return };
    postgres.check(("pgplain.public.toasty", 0, 1), &Changes::default());
    // The row as it was sent first is masked.
    let number = postgres.came.iter().position(|one| one.topic == "pgplain.public.toasty");
    let left = postgres.left[number.unwrap()].as_ref().unwrap();
    let value: serde_json::Value = serde_json::from_str(text(&left.record.value)).unwrap();
    assert_eq!(value["after"]["b"], serde_json::Value::Null);
    assert_eq!(value["after"]["t"], "*".repeat(20_000));
    assert_eq!(value["after"]["dom"], r#"{"dup":1,"dup":2, "sp" : 1.10}"#);
}

#[test]
fn names_that_are_not_ascii() {
    let Some(postgres) = postgres() else { return };
    let changes = Changes {
        value: &[(1, r#""Ünïcode col 漢字":"値""#, r#""Ünïcode col 漢字":"*""#)],
        ..Changes::default()
    };
    postgres.check(("pgplain.public.Weird_Na_me", 0, 0), &changes);
    postgres.check(("pgplain.public.Weird_Na_me", 0, 1), &changes);
}

#[test]
fn json_in_a_text_column() {
    let Some(postgres) = postgres() else { return };
    let changes = Changes {
        value: &[(1, r#"\"tx@example.com\""#, r#"\"**@example.com\""#)],
        ..Changes::default()
    };
    postgres.check(("pgplain.public.outbox", 2, 0), &changes);
}

#[test]
fn what_is_no_row_leaves_as_it_came() {
    let (Some(postgres), Some(mariadb)) = (postgres(), mariadb()) else { return };
    for position in [
        ("pgplain.public.audit_nopk", 0, 6),
        ("pgplain.message", 1, 0),
        ("__debezium-heartbeat.pgplain", 0, 0),
        ("pgplain.transaction", 2, 0),
    ] {
        postgres.check(position, &Changes::default());
    }
    mariadb.check(("maplain", 0, 1), &Changes::default());
}

#[test]
fn rows_that_the_filter_drops() {
    let Some(postgres) = postgres() else { return };
    let dropped = r#"Plugin("filter")"#;
    postgres.check_ended(("pgplain.public.audit_nopk", 0, 3), dropped);
    postgres.check_ended(("pgplain.public.outbox", 2, 2), dropped);
    postgres.check_ended(("pgplain.public.outbox", 2, 3), "FollowsDelete");
}
