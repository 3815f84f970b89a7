//! What happens on the way out: a protected value that is still there, or that turned up elsewhere, stops its record.

use super::fake::{Given, Lane, carry, settings};
use super::spy::{self, Copy, Spy};
use crate::config::{ColumnPattern, Payload, Pipeline as Settings, PluginMessages};
use crate::table::Dialect;

pub(super) const SECRET: &str = "078-05-1120";

pub(super) fn protecting(protect: &[&str]) -> Settings {
    let pattern = |text: &&str| ColumnPattern::parse(text).unwrap();
    Settings {
        protect: protect.iter().map(pattern).collect(),
        plugin_messages: PluginMessages::Withhold,
        ..settings()
    }
}

/// A row of `shop.people` whose images are `{"id":1,"ssn":"…"` and `more`.
fn person(ssn: &str, more: &str) -> Given {
    let image = format!(r#"{{"id":1,"ssn":{ssn}{more}}}"#);
    let value = format!(
        r#"{{"before":{image},"after":{image},"source":{{"db":"shop","table":"people","query":null}},"op":"u","ts_ms":1700001234000}}"#
    );
    Given::value(value).key(r#"{"id":1}"#.to_owned())
}

/// What becomes of one person with that number, as its first words, after a plugin that masks `ssn` and copies it as told.
fn fate(copy: Copy, ssn: &str, more: &str) -> String {
    let told =
        carry(protecting(&["people.ssn"]), vec![Spy::new(copy).fake()], &[person(ssn, more)]);
    let plain = ssn.trim_matches('"');
    assert!(told.starts_with("forward") || plain.len() < 4 || !told.contains(plain), "{told}");
    told
}

fn refused(told: &str) -> bool {
    told.starts_with("dead-letter protected-in-clear: ")
}

#[test]
fn a_masked_row_leaves() {
    let told = fate(Copy::Nowhere, r#""078-05-1120""#, "");
    assert!(told.starts_with("forward") && told.contains(r#""ssn":"<1>""#), "{told}");
}

#[test]
fn what_is_no_value_may_stay_as_it_is() {
    for ssn in ["null", "true", r#""""#, r#""__debezium_unavailable_value""#, "{}", "[null,\"\"]"] {
        let told = fate(Copy::Unmasked, ssn, "");
        assert!(told.starts_with("forward"), "{ssn}: {told}");
    }
}

#[test]
fn a_cell_that_the_plugin_left_alone_stops_its_record() {
    for ssn in [r#""078-05-1120""#, "42", r#""*""#, r#"{"a":7}"#, "[\"x7\"]"] {
        let told = fate(Copy::Unmasked, ssn, "");
        assert!(refused(&told), "{ssn}: {told}");
        assert!(
            told.contains(r#"protected column "ssn" would leave in clear in the before image"#)
        );
    }
}

#[test]
fn a_cell_that_was_only_written_otherwise_stops_its_record() {
    for ssn in [r#""\u0030\u0037\u0038-é""#, r#""a\/b""#, "42", r#"{"a":7}"#] {
        let told = fate(Copy::Itself, ssn, "");
        assert!(refused(&told), "{ssn}: {told}");
    }
    // What covers any value may cover itself.
    for ssn in [r#""***""#, "111", "0", r#"{"a":1,"b":"**"}"#, r#""[redacted]""#] {
        let told = fate(Copy::Itself, ssn, "");
        assert!(told.starts_with("forward"), "{ssn}: {told}");
    }
}

#[test]
fn a_copy_stops_the_record_wherever_it_is() {
    for (copy, place) in [
        (Copy::Column("note"), r#"column "note" of "after""#),
        (Copy::Column("new"), r#"column "new" of "after""#),
        (Copy::Key, "the key"),
        (Copy::Header, r#"header "x-ssn""#),
        (Copy::Topic, "the topic"),
        (Copy::Json("note"), r#"column "note" of "after""#),
        (Copy::Bytes("note"), "bytes that a plugin wrote"),
        (Copy::EmissionValue, "a record that a plugin made beside it"),
        (Copy::EmissionKey, "a record that a plugin made beside it"),
        (Copy::EmissionHeader, "a record that a plugin made beside it"),
        (Copy::EmissionTopic, "a record that a plugin made beside it"),
        (Copy::InItsPlace, "a record that a plugin made beside it"),
    ] {
        let told = fate(copy, r#""078-05-1120""#, r#","note":"-""#);
        assert!(refused(&told), "{copy:?}: {told}");
        assert!(told.contains(&format!("would leave in clear in {place};")), "{copy:?}: {told}");
    }
}

#[test]
fn a_value_that_the_source_repeats_stops_the_record() {
    let told = fate(Copy::Nowhere, r#""078-05-1120""#, r#","note":"his number is 078-05-1120""#);
    assert!(refused(&told), "{told}");
    // Where nothing can be left out of it, the dead letter leaves out everything.
    assert!(told.ends_with("too (omitted)\n"), "{told}");
}

#[test]
fn a_short_value_counts_only_where_it_stands_by_itself() {
    assert!(fate(Copy::Nowhere, "1234", "").starts_with("forward"));
    assert!(fate(Copy::Nowhere, "1234", r#","n":91234"#).starts_with("forward"));
    assert!(refused(&fate(Copy::Nowhere, "1234", r#","n":1234"#)));
    assert!(fate(Copy::Nowhere, "123", r#","n":123"#).starts_with("forward"));
}

#[test]
fn what_belongs_to_the_format_is_no_hit() {
    for ssn in [r#""people""#, r#""shop""#, "1700001234000"] {
        let told = fate(Copy::Nowhere, ssn, "");
        assert!(told.starts_with("forward"), "{ssn}: {told}");
    }
    let told = fate(Copy::Column("note"), r#""people""#, r#","note":"-""#);
    assert!(refused(&told), "{told}");
    let schema = r#"{"type":"struct","fields":[{"field":"ssn","type":"string"}]}"#;
    let image = r#"{"id":1,"ssn":"string"}"#;
    let value = format!(
        r#"{{"schema":{schema},"payload":{{"before":null,"after":{image},"source":{{"db":"shop","table":"people"}},"op":"c"}}}}"#
    );
    let spy = || vec![Spy::new(Copy::Nowhere).fake()];
    let told = carry(protecting(&["people.ssn"]), spy(), &[Given::value(&value)]);
    assert!(told.starts_with("forward"), "{told}");
    // The same with the schema behind.
    let (schema, payload) = value.split_once(r#","payload":"#).unwrap();
    let (schema, payload) = (schema.trim_start_matches('{'), payload.strip_suffix('}').unwrap());
    let behind = format!(r#"{{"payload":{payload},{schema}}}"#);
    let told = carry(protecting(&["people.ssn"]), spy(), &[Given::value(behind)]);
    assert!(told.starts_with("forward"), "{told}");
}

#[test]
fn leaves_of_a_protected_document_are_values_too() {
    let given = r#"{"name":"Anna Berg","tags":["vip-4711"],"n":1234567}"#;
    for (note, stops) in
        [("x Anna Berg", true), ("vip-4711", true), ("1234567", true), ("tags", false)]
    {
        for given in [given.to_owned(), serde_json::to_string(given).unwrap()] {
            let told = fate(Copy::Nowhere, &given, &format!(r#","note":"{note}""#));
            assert_eq!(refused(&told), stops, "{note}: {told}");
        }
    }
}

#[test]
fn a_place_inside_a_document_is_watched_alone() {
    let carry = |copy, profile: &str| {
        let given = person(r#""-""#, &format!(r#","profile":{profile}"#));
        carry(
            protecting(&["people.profile#/email"]),
            vec![Spy::of("profile", copy).fake()],
            &[given],
        )
    };
    assert!(carry(Copy::Nowhere, r#"{"email":"anna@x.io","n":"anna"}"#).starts_with("forward"));
    assert!(refused(&carry(Copy::Unmasked, r#"{"email":"anna@x.io","n":"anna"}"#)));
    assert!(carry(Copy::Unmasked, r#"{"n":"anna"}"#).starts_with("forward"));
}

#[test]
fn a_tombstone_whose_key_is_in_clear_is_stopped() {
    let row = |op: &str| {
        let value = format!(
            r#"{{"before":{{"ssn":"{SECRET}"}},"after":null,"source":{{"db":"shop","table":"people"}},"op":"{op}"}}"#
        );
        Given::value(value).key(format!(r#"{{"ssn":"{SECRET}"}}"#))
    };
    let tombstone = Given::tombstone(&format!(r#"{{"ssn":"{SECRET}"}}"#));
    let mut lane =
        Lane::new(protecting(&["people.ssn"]), vec![Spy::new(Copy::Nowhere).keyed().fake()]);
    let told = lane.carry(&[row("d"), tombstone.clone()]);
    assert_eq!(told.lines().filter(|line| line.starts_with("forward")).count(), 2, "{told}");
    lane.replace(vec![Spy::new(Copy::Unmasked).keyed().fake()]);
    let told = lane.carry(std::slice::from_ref(&tombstone));
    assert!(refused(&told) && !told.contains(SECRET), "{told}");
    // A delete that was stopped stops its tombstone, whatever the plugin makes of that.
    lane.carry(&[row("d")]);
    lane.replace(vec![Spy::new(Copy::Nowhere).keyed().fake()]);
    let told = lane.carry(&[tombstone]);
    assert!(refused(&told) && !told.contains(SECRET), "{told}");
}

#[test]
fn a_message_of_many_rows_is_watched_as_a_whole() {
    let row = |number: usize, note: &str| {
        format!(r#"{{"id":"{number}","ssn":"S-{number:07}","note":"{note}"}}"#)
    };
    let message = |notes: &[String]| {
        let rows: Vec<String> = notes.iter().enumerate().map(|(n, note)| row(n, note)).collect();
        let rows = rows.join(",");
        Given::value(format!(
            r#"{{"data":[{rows}],"database":"shop","mysqlType":{{"ssn":"enum('S-0000007')"}},"old":null,"pkNames":["id"],"table":"people","type":"INSERT"}}"#
        ))
    };
    let settings = || Settings { dialects: Dialect::Canal.into(), ..protecting(&["people.ssn"]) };
    let mut notes = vec!["-".to_owned(); 300];
    let mut lane = Lane::new(settings(), vec![Spy::new(Copy::Nowhere).fake()]);
    let told = lane.carry(&[message(&notes)]);
    assert!(told.starts_with("forward"), "{told}");
    notes[7] = "of S-0000299".to_owned();
    let told = lane.carry(&[message(&notes)]);
    assert!(refused(&told) && told.contains(r#"column "note" of "data""#), "{told}");
}

#[test]
fn what_nobody_can_read_is_not_passed_and_not_kept() {
    let unknown = [(crate::change::Class::Unknown, crate::config::ClassPolicy::Pass)];
    let given =
        [Given::value(format!(r#"{{"what":"{SECRET}"}}"#)), Given::value(format!("{SECRET}?"))];
    let passes = Settings { classes: unknown.into(), ..protecting(&["people.ssn"]) };
    for payload in [Payload::Masked, Payload::Raw, Payload::Omit] {
        let settings = Settings { dead_letter_payload: payload, ..passes.clone() };
        let told = carry(settings, vec![Spy::new(Copy::Nowhere).fake()], &given);
        assert_eq!(told.matches("(omitted)").count(), 2, "{told}");
        assert!(!told.contains(SECRET), "{told}");
    }
    let open = Settings { protect: Vec::new(), ..passes };
    let told = carry(open, vec![Spy::new(Copy::Nowhere).fake()], &given);
    assert_eq!(told.matches("forward").count(), 2, "{told}");
}

#[test]
fn a_dead_letter_hides_what_is_protected_even_where_it_may_show_everything() {
    let raw = Settings { dead_letter_payload: Payload::Raw, ..protecting(&["people.ssn"]) };
    let spy = || vec![Spy::new(Copy::Reason).fake()];
    let told = carry(raw, spy(), &[person(&format!(r#""{SECRET}""#), r#","note":"open""#)]);
    assert!(told.contains(r#""ssn":"[redacted]","note":"open""#), "{told}");
    assert!(!told.contains(SECRET), "{told}");
}

#[test]
fn what_a_plugin_says_of_a_row_is_withheld_where_the_table_has_protected_columns() {
    let given = [person(&format!(r#""{SECRET}""#), ""), spy::elsewhere(SECRET)];
    let told = carry(protecting(&["people.ssn"]), vec![Spy::new(Copy::Reason).fake()], &given);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].contains("the plugin refused the row; its own words are withheld (masked)"));
    assert!(!lines[0].contains(SECRET));
    assert!(lines[1].contains(&format!("the plugin refused the row: no {SECRET}")), "{told}");
    let shows = Settings { plugin_messages: PluginMessages::Show, ..protecting(&["people.ssn"]) };
    let told = carry(shows, vec![Spy::new(Copy::Reason).fake()], &given);
    assert!(told.contains(&format!("the plugin refused the row: no {SECRET} (masked)")), "{told}");
    let all = Settings { protect: Vec::new(), ..protecting(&[]) };
    let told = carry(all, vec![Spy::new(Copy::Reason).fake()], &given);
    assert_eq!(told.matches("its own words are withheld").count(), 2, "{told}");
}

#[test]
fn a_document_in_a_string_is_watched_with_what_changed_in_it() {
    let document = |ssn: &str, note: &str| {
        let inner = format!(r#"{{"_id":1,"ssn":"{ssn}","note":"{note}"}}"#);
        let changed = format!(r#"{{"ssn":"{ssn}"}}"#);
        let json = |text: &str| serde_json::to_string(text).unwrap();
        Given::value(format!(
            r#"{{"before":null,"after":{},"updateDescription":{{"removedFields":["note.old"],"updatedFields":{},"truncatedArrays":null}},"source":{{"connector":"mongodb","db":"shop","collection":"people"}},"op":"u"}}"#,
            json(&inner),
            json(&changed),
        ))
    };
    let carry = |copy, ssn, note| {
        carry(protecting(&["people.ssn"]), vec![Spy::new(copy).fake()], &[document(ssn, note)])
    };
    let told = carry(Copy::Nowhere, SECRET, "-");
    assert!(told.starts_with("forward") && !told.contains(SECRET), "{told}");
    // A value that is called as a field is, or as one that is gone.
    for name in ["note", "note.old"] {
        let told = carry(Copy::Nowhere, name, "-");
        assert!(told.starts_with("forward"), "{told}");
    }
    for (copy, note) in [
        (Copy::Unmasked, "-"),
        (Copy::Nowhere, "it is 078-05-1120"),
        (Copy::Nowhere, r"078-05-\\u0031120"),
        (Copy::Column("note"), "-"),
    ] {
        let told = carry(copy, SECRET, note);
        assert!(refused(&told) && !told.contains(SECRET), "{copy:?} {note}: {told}");
    }
}
