//! Maxwell's events: masked, losing and renaming columns, in value, key and the places beside the row.

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Cells, Edit, Image, Plan, Rename, kind};
use crate::table::Dialect;

const UPDATE: &str = r#"{"database":"d","table":"t","type":"update","ts":1,"primary_key":[7, "a"],"primary_key_columns":["ID", "user_id"] ,"data":{"ID":7,"user_id":"a","doc":{"x":1}},"old":{"user_id":"b"}}"#;
const HASH: &str = r#"{"database":"d","table":"t","pk.id":7, "pk.user_id":"a"}"#;
const ARRAY: &str = r#"["d","t",[{"id":7}, {"user_id":"a"}]]"#;

fn maxwell() -> Settings {
    Settings { dialects: Dialect::Maxwell.into(), ..settings() }
}

const IMAGES: [Image; 3] = [Image::Before, Image::After, Image::Key];

/// Writes `*` into the column in all three images of the first row.
fn masks(column: &'static str) -> Fake {
    let writes = IMAGES.map(|image| field(image, column)).to_vec();
    let plan = Plan { writes, ..Plan::default() };
    Fake::new(plan, |_| {
        let edits = (0..3).flat_map(|write| answer(write, &[0], "*").edits);
        Answer { edits: edits.collect(), ..Answer::default() }
    })
}

fn removes(column: &str) -> Fake {
    let removes = IMAGES.map(|image| field(image, column)).to_vec();
    Fake::new(Plan { removes, ..Plan::default() }, |_| Answer::default())
}

fn renames(column: &str, to: &str) -> Fake {
    let rename = |image| Rename { column: field(image, column), to: to.to_owned() };
    let renames = IMAGES.map(rename).to_vec();
    Fake::new(Plan { renames, ..Plan::default() }, |_| Answer::default())
}

/// Key and value that leave.
fn left(plugin: Fake, key: &str, value: &str) -> [String; 2] {
    let seen = carry(maxwell(), vec![plugin], &[Given::value(value).key(key.to_owned())]);
    let seen = seen.strip_prefix("forward clean.t-0 key=").unwrap_or_else(|| panic!("{seen}"));
    let (key, value) = seen.split_once(" value=").unwrap();
    [key.to_owned(), value.trim_end().to_owned()]
}

/// T44, T28.
#[test]
fn a_masked_key_column_is_masked_in_every_key_and_in_the_keys_values() {
    let value = UPDATE
        .replace(r#"[7, "a"]"#, r#"[7, "*"]"#)
        .replace(r#""user_id":"a""#, r#""user_id":"*""#)
        .replace(r#""user_id":"b""#, r#""user_id":"*""#);
    let masked = |key: &str| key.replace(r#""a""#, r#""*""#);
    for key in [HASH, ARRAY] {
        assert_eq!(left(masks("user_id"), key, UPDATE), [masked(key), value.clone()]);
    }
    let value = UPDATE.replace(r#"[7, "a"]"#, r#"["*", "a"]"#).replace(r#""ID":7"#, r#""ID":"*""#);
    for key in [HASH, ARRAY] {
        let masked = key.replace('7', r#""*""#);
        assert_eq!(left(masks("ID"), key, UPDATE), [masked, value.clone()], "in another case");
    }
}

/// T44.
#[test]
fn a_removed_key_column_goes_from_every_key_and_from_names_and_values() {
    let value = UPDATE
        .replace(r#"[7, "a"]"#, r#"["a"]"#)
        .replace(r#"["ID", "user_id"]"#, r#"["user_id"]"#)
        .replace(r#""ID":7,"#, "");
    let hash = HASH.replace(r#","pk.id":7"#, "");
    assert_eq!(left(removes("ID"), HASH, UPDATE), [hash, value.clone()]);
    let array = ARRAY.replace(r#"{"id":7}, "#, "");
    assert_eq!(left(removes("ID"), ARRAY, UPDATE), [array, value]);
}

/// T44.
#[test]
fn a_renamed_key_column_is_renamed_in_every_key_and_in_the_names() {
    let value =
        UPDATE.replace(r#", "user_id"]"#, r#", "who"]"#).replace(r#""user_id":"#, r#""who":"#);
    let hash = HASH.replace("pk.user_id", "pk.who");
    assert_eq!(left(renames("user_id", "who"), HASH, UPDATE), [hash, value.clone()]);
    let array = ARRAY.replace("user_id", "who");
    assert_eq!(left(renames("user_id", "who"), ARRAY, UPDATE), [array, value]);
}

/// T44, T66.
#[test]
fn a_key_without_columns_stays_as_it_is() {
    for key in [r#"{"database":"d","table":"t","_uuid":"6a0b"}"#, "null"] {
        let [kept, value] = left(removes("user_id"), key, UPDATE);
        assert_eq!(kept, key);
        assert!(value.contains(r#""primary_key":[7],"#), "{value}");
    }
}

/// T44.
#[test]
fn a_key_that_nobody_can_read_passes_unless_a_plugin_changes_it() {
    let key = "6a0b4d4c-0c3f-4a08-9a39-3c6f2ac2a6ce";
    let removes_from = |images: &[Image]| {
        let removes = images.iter().map(|image| field(*image, "user_id")).collect();
        Fake::new(Plan { removes, ..Plan::default() }, |_| Answer::default())
    };
    let [kept, _] = left(removes_from(&[Image::Before, Image::After]), key, UPDATE);
    assert_eq!(kept, key);
    let given = [Given::value(UPDATE).key(key.to_owned())];
    let seen = carry(maxwell(), vec![removes_from(&IMAGES)], &given);
    assert!(seen.starts_with("dead-letter undecodable by plugin"), "{seen}");
}

#[test]
fn the_keys_values_follow_the_records_key_where_they_have_no_names() {
    let bare = UPDATE.replace(r#""primary_key_columns":["ID", "user_id"] ,"#, "");
    for key in [HASH, ARRAY] {
        let [_, value] = left(masks("user_id"), key, &bare);
        assert!(value.contains(r#""primary_key":[7, "*"]"#), "{value}");
        let [_, value] = left(removes("ID"), key, &bare);
        assert!(value.contains(r#""primary_key":["a"]"#), "{value}");
    }
    let [_, value] = left(removes("ID"), "null", &bare);
    assert!(value.contains(r#""primary_key":[7, "a"]"#), "nobody knows which is which: {value}");
}

#[test]
fn the_keys_values_may_stand_behind_their_names() {
    let other = r#"{"database":"d","table":"t","type":"delete","primary_key_columns":["id","n"],"data":{"id":7,"n":1},"primary_key":[7,1],"query":"x"}"#;
    let [_, value] = left(masks("id"), "null", other);
    assert_eq!(value, other.replace('7', r#""*""#));
    let [_, value] = left(removes("id"), "null", other);
    assert_eq!(
        value,
        other
            .replace(r#""id":7,"#, "")
            .replace("[7,1]", "[1]")
            .replace(r#"["id","n"]"#, r#"["n"]"#)
    );
}

#[test]
fn more_values_than_names_stay_behind_what_is_removed() {
    let other = r#"{"database":"d","table":"t","type":"insert","primary_key":[7,1],"primary_key_columns":["id"],"data":{"id":7}}"#;
    let [_, value] = left(removes("id"), "null", other);
    assert_eq!(
        value,
        r#"{"database":"d","table":"t","type":"insert","primary_key":[1],"primary_key_columns":[],"data":{}}"#
    );
}

#[test]
fn a_key_value_whose_cell_is_taken_away_is_null_while_its_name_stays() {
    let plan = Plan { writes: vec![field(Image::After, "user_id")], ..Plan::default() };
    let takes = Fake::new(plan, |_| {
        let cells = Cells { kinds: vec![kind::ABSENT], ends: vec![0], data: vec![] };
        let edits = vec![Edit { write: 0, rows: vec![0], cells }];
        Answer { edits, ..Answer::default() }
    });
    let [_, value] = left(takes, "null", UPDATE);
    assert!(value.contains(r#""primary_key":[7, null]"#), "{value}");
    assert!(value.contains(r#""data":{"ID":7,"doc""#), "{value}");

    let removes = vec![field(Image::After, "user_id")];
    let plan = Plan { removes, ..Plan::default() };
    let [_, value] = left(Fake::new(plan, |_| Answer::default()), "null", UPDATE);
    assert!(value.contains(r#"[7, null],"primary_key_columns":["ID", "user_id"]"#), "{value}");
    assert!(value.ends_with(r#""old":{"user_id":"b"}}"#), "{value}");
}

/// T48.
#[test]
fn names_of_the_database_are_found_in_a_row_of_camel_case() {
    let value = r#"{"database":"d","table":"t","type":"insert","primaryKey":["a"],"primaryKeyColumns":["user_id"],"data":{"userId":"a","n":1}}"#;
    let key = r#"{"database":"d","table":"t","pk.user_id":"a"}"#;
    let masked = |text: &str| text.replace(r#""a""#, r#""*""#);
    assert_eq!(left(masks("userId"), key, value), [masked(key), masked(value)]);
    let [key, value] = left(removes("userId"), key, value);
    assert_eq!(key, r#"{"database":"d","table":"t"}"#);
    assert_eq!(
        value,
        r#"{"database":"d","table":"t","type":"insert","primaryKey":[],"primaryKeyColumns":[],"data":{"n":1}}"#
    );
}

/// T24.
#[test]
fn a_pointer_reaches_into_a_json_column_that_is_no_string() {
    let mut inside = field(Image::After, "doc");
    inside.pointer = "/x".into();
    let plan = Plan { writes: vec![inside], ..Plan::default() };
    let [_, value] = left(Fake::new(plan, |_| answer(0, &[0], "*")), "null", UPDATE);
    assert_eq!(value, UPDATE.replace(r#"{"x":1}"#, r#"{"x":"*"}"#));
}

#[test]
fn a_created_column_of_the_key_is_written_as_the_key_is() {
    let plan = || Plan { writes: vec![field(Image::Key, "new")], ..Plan::default() };
    let adds = || Fake::new(plan(), |_| answer(0, &[0], "x"));
    let [key, _] = left(adds(), HASH, UPDATE);
    assert_eq!(key, HASH.replace('}', r#","pk.new":"x"}"#));
    let [key, _] = left(adds(), ARRAY, UPDATE);
    assert_eq!(key, ARRAY.replace("]]", r#",{"new":"x"}]]"#));
    let [key, _] = left(adds(), r#"["d","t",[]]"#, UPDATE);
    assert_eq!(key, r#"["d","t",[{"new":"x"}]]"#);
    let [key, _] = left(adds(), r#"{"id":7}"#, UPDATE);
    assert_eq!(key, r#"{"id":7,"new":"x"}"#, "what is not Maxwell's hash gets no prefix");
}

#[test]
fn a_dropped_row_is_dropped() {
    let plan = Plan { reads: vec![field(Image::After, "ID")], ..Plan::default() };
    let drops = Fake::new(plan, |_| Answer { drops: vec![0], ..Answer::default() });
    let seen = carry(maxwell(), vec![drops], &[Given::value(UPDATE)]);
    assert_eq!(seen, "drop Plugin(\"fake\")\n");
}

/// T46, T47, T49.
#[test]
fn markers_and_encrypted_events_pass_and_the_unknown_are_refused() {
    let encrypted =
        r#"{"database":"d","table":"t","type":"insert","encrypted":{"iv":"a","bytes":"b"}}"#;
    let start = r#"{"database":"d","table":"t","type":"bootstrap-start","data":{}}"#;
    let unknown = r#"{"database":"d","table":"t","type":"upsert"}"#;
    let given = [encrypted, start, unknown].map(Given::value);
    let seen = carry(maxwell(), vec![masks("id")], &given);
    let mut lines = seen.lines();
    assert_eq!(lines.next(), Some(&*format!("forward clean.t-0 value={encrypted}")));
    assert_eq!(lines.next(), Some(&*format!("forward clean.t-0 value={start}")));
    let refused = lines.next().unwrap();
    assert!(refused.starts_with("dead-letter unknown-class: the value is no maxwell"), "{refused}");
}
