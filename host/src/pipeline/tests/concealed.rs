//! What stands beside the columns: statements, and the headers of a changed key.

use super::fake::{Fake, Given, carry, field};
use super::protected::{SECRET, protecting};
use super::spy::{self, Copy, Spy};
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Image, Plan, kind};
use crate::table::Dialect;

fn canal(protect: &[&str]) -> Settings {
    Settings { dialects: Dialect::Canal.into(), ..protecting(protect) }
}

fn spy() -> Vec<Fake> {
    vec![Spy::new(Copy::Nowhere).fake()]
}

/// A message of one row with the statement that made it.
fn row(table: &str, column: &str, sql: &str) -> Given {
    Given::value(format!(
        r#"{{"data":[{{"id":"1","{column}":"{SECRET}"}}],"database":"shop","isDdl":false,"mysqlType":{{"id":"int"}},"old":null,"pkNames":["id"],"sql":{sql},"table":"{table}","type":"INSERT"}}"#
    ))
}

fn statement(kind: &str, is_ddl: bool, sql: &str) -> Given {
    Given::value(format!(
        r#"{{"data":null,"database":"shop","isDdl":{is_ddl},"sql":{sql},"table":"","type":"{kind}"}}"#
    ))
}

/// The `sql` member of what left.
fn sql_of(told: &str) -> &str {
    assert!(told.starts_with("forward"), "{told}");
    told.split_once(r#""sql":"#).unwrap().1.split_once(r#","table""#).unwrap().0
}

#[test]
fn the_statement_beside_a_protected_row_loses_its_values() {
    let sql = r#""insert into people values (1, '078-05-1120', 'a\"b\u0020c') -- by anna""#;
    let told = carry(canal(&["people.ssn"]), spy(), &[row("people", "ssn", sql)]);
    assert_eq!(sql_of(&told), r#""insert into people values (?, ?, ?) /* ? */""#);
    assert!(!told.contains(SECRET), "{told}");
    // What is in doubt goes as a whole.
    for sql in [r#""insert 'half""#, r#""lone \ud800 078-05-1120""#] {
        let told = carry(canal(&["people.ssn"]), spy(), &[row("people", "ssn", sql)]);
        assert_eq!(sql_of(&told), r#""[redacted]""#);
    }
}

#[test]
fn a_statement_that_says_nothing_protected_stays_byte_for_byte() {
    for (protect, table, sql) in [
        (&[][..], "people", r#""insert into people values ('x')""#),
        (&["people.ssn"], "orders", r#""insert into\torders values ('x') -- y""#),
        (&["*.ssn"], "orders", r#""insert into orders values ('x')""#),
        (&["people.ssn"], "people", r#""\u0063ommit""#),
    ] {
        let column = if table == "people" { "ssn" } else { "n" };
        let told = carry(canal(protect), spy(), &[row(table, column, sql)]);
        assert_eq!(sql_of(&told), sql, "{protect:?}");
    }
}

#[test]
fn a_statement_is_redacted_where_it_may_speak_of_another_table_or_a_column_left_out() {
    for (protect, table, sql) in [
        // The rows of a trigger have the statement that set it off.
        ("people.ssn", "audit", r#""insert into people values ('x')""#),
        ("people.ssn", "audit", r#""update p set SSN = 'x'""#),
        ("*.ssn", "audit", r#""update p set `ssn` = 'x'""#),
        ("*.s*n", "audit", r#""update p set n = 'x'""#),
        ("people.ssn", "people", r#""insert into p values ('x')""#),
    ] {
        let told = carry(canal(&[protect]), spy(), &[row(table, "n", sql)]);
        assert_eq!(sql_of(&told), sql.replace("'x'", "?"), "{protect}");
    }
}

#[test]
fn statements_without_rows_lose_their_values_wherever_anything_is_protected() {
    let given = [
        statement("QUERY", false, r#""delete from people where ssn = '078-05-1120'""#),
        statement("ALTER", true, r#""alter table people add a varchar(10) default '078-05-1120'""#),
    ];
    let told = carry(canal(&["people.ssn"]), spy(), &given);
    assert_eq!(told.matches("forward").count(), 2, "{told}");
    assert!(
        !told.contains(SECRET) && told.contains("where ssn = ?") && told.contains("varchar(10)")
    );
    let told = carry(canal(&[]), spy(), &given);
    assert_eq!(told.matches(SECRET).count(), 2, "{told}");
}

#[test]
fn the_statement_in_a_dead_letter_loses_its_values() {
    let sql = r#""insert into people values ('078-05-1120')""#;
    let reasons = || vec![Spy::new(Copy::Reason).fake()];
    let told = carry(canal(&["people.ssn"]), reasons(), &[row("people", "ssn", sql)]);
    assert!(told.contains("(masked)") && told.contains("values (?)"), "{told}");
    assert!(!told.contains(SECRET), "{told}");
}

/// A row whose key changed from one with the secret.
fn moved(old_key: &str) -> Given {
    let value = r#"{"before":null,"after":{"id":1,"ssn":"-new-"},"source":{"db":"shop","table":"people"},"op":"c"}"#;
    Given::value(value)
        .key(r#"{"id":1,"ssn":"-new-"}"#.to_owned())
        .header("__debezium.oldkey", Some(old_key))
        .header("trace", Some("t"))
}

fn after_move(old_key: &str) -> String {
    let told = carry(
        protecting(&["people.ssn", "people.profile#/a", "people.n"]),
        vec![Spy::new(Copy::Nowhere).keyed().fake()],
        &[moved(old_key)],
    );
    assert!(told.starts_with("forward") && told.ends_with(" trace=t\n"), "{told}");
    let (_, headers) = told.split_once(r#""op":"c"}"#).unwrap();
    headers.strip_suffix(" trace=t\n").unwrap().trim().to_owned()
}

#[test]
fn the_old_key_in_a_header_loses_its_protected_columns() {
    for (old, new) in [
        (r#"{"id":1,"ssn":"078-05-1120"}"#, r#"{"id":1,"ssn":"[redacted]"}"#),
        (r#"{"n":42, "id":1}"#, r#"{"n":null, "id":1}"#),
        (r#"{"ss\u006e":"078-05-1120"}"#, r#"{"ss\u006e":"[redacted]"}"#),
        (
            r#"{"schema":{"fields":[{"field":"ssn"}]},"payload":{"ssn":"078-05-1120"}}"#,
            r#"{"schema":{"fields":[{"field":"ssn"}]},"payload":{"ssn":"[redacted]"}}"#,
        ),
        (r#"{"profile":{"a":"x","b":1}}"#, r#"{"profile":{"a":"[redacted]","b":1}}"#),
        (r#"{"id": 1}"#, r#"{"id": 1}"#),
    ] {
        assert_eq!(after_move(old), format!("__debezium.oldkey={new}"));
    }
}

#[test]
fn an_old_key_that_cannot_be_read_is_left_out() {
    for old in
        ["078-05-1120", "{\"ssn\":", "[\"078-05-1120\"]", r#"{"schema":1,"payload":"078-05-1120"}"#]
    {
        assert_eq!(after_move(old), "", "{old}");
    }
}

/// Masks `ssn`, and writes the old key's header: with `text`, or as it came.
fn writes_old_key(text: Option<&'static str>) -> Fake {
    let mut fields: Vec<_> =
        [Image::Before, Image::After, Image::Key].map(|image| field(image, "ssn")).into();
    fields.push(field(Image::Header, "__debezium.oldkey"));
    let plan = Plan { reads: fields.clone(), writes: fields, ..Plan::default() };
    Fake::new(plan, move |batch| {
        let edit = |(write, cells)| {
            let held = spy::cells_of(cells).filter(|(_, code, _)| *code != kind::ABSENT);
            let masked = held.map(|(row, _, came)| {
                let came = std::str::from_utf8(came).unwrap();
                let text = if write == 3 { text.unwrap_or(came) } else { "<>" };
                (row, kind::STRING, text.as_bytes().to_vec())
            });
            spy::edit(write, masked.collect())
        };
        Answer { edits: (0u32..).zip(batch.reads).map(edit).collect(), ..Answer::default() }
    })
}

#[test]
fn a_key_header_that_a_plugin_writes_is_left_to_it_and_watched() {
    let old = r#"{"ssn":"078-05-1120"}"#;
    let carry =
        |text| carry(protecting(&["people.ssn"]), vec![writes_old_key(text)], &[moved(old)]);
    assert!(carry(Some("mine")).contains("__debezium.oldkey=mine"), "{}", carry(Some("mine")));
    for text in [None, Some(r#"{"ssn":"-new-"}"#)] {
        let told = carry(text);
        assert!(told.starts_with("dead-letter protected-in-clear"), "{told}");
        assert!(told.contains(r#"in clear in header "__debezium.oldkey""#), "{told}");
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[test]
fn a_dead_letter_shows_no_old_key() {
    let told = carry(
        protecting(&["people.ssn"]),
        vec![Spy::new(Copy::Reason).keyed().fake()],
        &[moved(r#"{"id":1,"ssn":"078-05-1120"}"#)],
    );
    assert!(told.contains(r#"__debezium.oldkey={"id":1,"ssn":"[redacted]"}"#), "{told}");
}

#[test]
fn nothing_is_hidden_where_nothing_is_protected() {
    let plan = Plan { reads: vec![field(Image::After, "id")], ..Plan::default() };
    let looks = Fake::new(plan, |_| Answer::default());
    let told = carry(protecting(&[]), vec![looks], &[moved(r#"{"ssn":"078-05-1120"}"#)]);
    assert!(told.contains(r#"__debezium.oldkey={"ssn":"078-05-1120"}"#), "{told}");
}

#[test]
fn debeziums_statements_messages_and_definitions_lose_what_they_hold() {
    let source = r#""source":{"connector":"mysql","db":"shop","table":"people","query":"insert into people values ('078-05-1120')"}"#;
    let given = [
        Given::value(format!(
            r#"{{"before":null,"after":{{"id":1,"ssn":"{SECRET}"}},{source},"op":"c"}}"#
        )),
        Given::value(format!(
            r#"{{{source},"databaseName":"shop","ddl":"alter table people alter ssn set default '{SECRET}'","tableChanges":[{{"type":"ALTER","id":"\"shop\".\"people\"","table":{{"comment":"as {SECRET}","columns":[]}}}}]}}"#
        )),
        Given::value(format!(
            r#"{{"op":"m","source":{{"connector":"postgresql"}},"message":{{"prefix":"p","content":"{SECRET}"}}}}"#
        )),
    ];
    let told = carry(protecting(&["people.ssn"]), spy(), &given);
    assert_eq!(told.matches("forward").count(), 3, "{told}");
    assert!(!told.contains(SECRET), "{told}");
    for hidden in [
        "insert into people values (?)",
        "set default ?",
        r#""comment":"[redacted]""#,
        r#""id":"\"shop\".\"people\"""#,
        r#""content":"W3JlZGFjdGVkXQ==""#,
    ] {
        assert!(told.contains(hidden), "{hidden}: {told}");
    }
    let open = carry(protecting(&[]), spy(), &given);
    assert_eq!(open.matches(SECRET).count(), 5, "{open}");
}
