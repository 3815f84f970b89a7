//! What cannot stand beside `protect`.

use insta::assert_snapshot;

use super::*;

fn refusal(more: &str) -> String {
    let text = format!("{SHOP}protect = ['*.ssn']\n{more}");
    let error = parse_given(&text, &Given::default()).expect_err("the text is refused");
    format!("{:#}", anyhow::Error::new(error))
}

#[test]
fn dead_letters_of_protected_columns_are_not_raw() {
    assert_snapshot!(refusal("dead_letter_payload = 'raw'"), @r#"
    /etc/lockgate/lockgate.toml:9:23: dead letters in clear would let out what "protect" names
      |
    9 | dead_letter_payload = 'raw'
      |                       ^^^^^
      = write "masked" or "omit"
    "#);
}

#[test]
fn what_nobody_can_read_does_not_pass_beside_protected_columns() {
    assert_snapshot!(refusal("[pipeline.classes]\nheartbeat = 'drop'\nunknown = 'pass'"), @r#"
    /etc/lockgate/lockgate.toml:11:11: a record that nobody can read may hold what "protect" names
       |
    11 | unknown = 'pass'
       |           ^^^^^^
       = write "dead-letter", "halt" or "drop", or give such topics a pipeline of their own
    "#);
}

#[test]
fn classes_and_payloads_that_let_nothing_out_stand_beside_protected_columns() {
    shop(
        "protect = ['*.ssn']\ndead_letter_payload = 'omit'\n[pipeline.classes]\nencrypted = 'pass'",
    );
    shop("dead_letter_payload = 'raw'\n[pipeline.classes]\nunknown = 'pass'");
}

#[test]
fn a_wildcard_inside_a_protected_column_is_refused() {
    let text = format!("{SHOP}protect = ['people.profile#/contacts/*/email']");
    let error = parse_given(&text, &Given::default()).expect_err("the text is refused");
    assert_snapshot!(format!("{:#}", anyhow::Error::new(error)), @"
    /etc/lockgate/lockgate.toml:8:12: the place inside a protected column has no wildcards
      |
    8 | protect = ['people.profile#/contacts/*/email']
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = protect the whole column, or the part that holds all of them
    ");
}
