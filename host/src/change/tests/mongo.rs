//! Documents in strings: which fields are found, and where they stand.

use super::Lane;
use crate::change::{Form, SideKind};
use crate::table::Dialect;

const SOURCE: &str = r#""source":{"connector":"mongodb","db":"shop","collection":"people"}"#;
const KEY: &str = r#"{"id":"{\"$oid\":\"596e\"}"}"#;

fn mongo(value: &str) -> String {
    Lane::new(Dialect::Debezium).meets("p.shop.people", Some(KEY), Some(value.as_bytes()))
}

#[test]
fn the_fields_of_a_document_are_columns_and_the_key_is_its_id() {
    let value = format!(
        r#"{{"after":"{{\"_id\" : {{\"$oid\":\"596e\"}}, \"na\\\"me\": \"\\u00e9\u00e9\ud83d\ude00\", \"n\":{{\"$numberLong\":\"1\"}}}}","updateDescription":null,{SOURCE},"op":"c"}}"#
    );
    assert_eq!(
        mongo(&value),
        r#"row c shop.people after={_id*:{\"$oid\":\"596e\"} na"me:\"\\u00e9\u00e9\ud83d\ude00\" n:{\"$numberLong\":\"1\"}} key={_id*:"{\"$oid\":\"596e\"}"}"#
    );
}

#[test]
fn an_image_spans_its_document_and_not_the_quotes() {
    let value = format!(r#"{{"after":" {{\"a\":1}} ",{SOURCE},"op":"c"}}"#);
    let mut lane = Lane::new(Dialect::Debezium);
    lane.meets("t", None, Some(value.as_bytes()));
    let image = lane.events.rows[0].after;
    assert_eq!(image.span.of(value.as_bytes()), br#"{\"a\":1}"#);
    assert_eq!(image.form, Form::Escaped);
    let member = lane.events.members_of(&image)[0];
    assert_eq!(&value.as_bytes()[member.whole()], br#"\"a\":1"#);
}

#[test]
fn updated_fields_are_a_companion_and_gone_fields_are_names() {
    let value = format!(
        r#"{{"before":null,"after":"{{\"_id\":1,\"contact\":{{}}}}","updateDescription":{{"removedFields":["phone","contact.fax"],"updatedFields":"{{\"contact.email\":\"a\",\"_id\":1}}","truncatedArrays":[{{"field":"tags.all","size":2}}]}},{SOURCE},"op":"u"}}"#
    );
    let mut lane = Lane::new(Dialect::Debezium);
    for _ in 0..2 {
        assert_eq!(
            lane.meets("t", Some(r#"{"id":"1"}"#), Some(value.as_bytes())),
            r#"row u shop.people before=null after={_id*:1 contact:{}} key={_id*:"1"} +u shop.people after={contact.email:\"a\" _id*:1}"#
        );
        let sides = lane.events.sides_of(&lane.events.events[0]);
        let texts: Vec<&[u8]> = sides.iter().map(|side| side.span.of(value.as_bytes())).collect();
        assert_eq!(
            texts,
            [&br#"["phone","contact.fax"]"#[..], br#"[{"field":"tags.all","size":2}]"#]
        );
        assert!(sides.iter().all(|side| side.kind == SideKind::FieldNames && side.row == Some(0)));
    }
    let table = lane.tables.iter().next().unwrap().1;
    let names: Vec<&str> = table.columns.iter().map(|column| &*column.name).collect();
    let wanted = ["_id", "contact", "phone", "contact.fax", "contact.email", "tags.all", "tags"];
    assert_eq!(names, wanted, "what is inside a column is known with its column");
}

#[test]
fn patches_and_filters_of_old_connectors_are_companions() {
    let row = |patch: &str| {
        mongo(&format!(
            r#"{{"after":null,"patch":"{patch}","filter":"{{\"_id\":1}}",{SOURCE},"op":"u"}}"#
        ))
    };
    let key = r#"key={_id*:"{\"$oid\":\"596e\"}"}"#;
    assert_eq!(
        row(
            r#"{\"$v\":1,\"$set\":{\"name\":\"A\",\"contact.email\":\"b\"},\"$unset\":{\"x\":true}}"#
        ),
        format!(
            r#"row u shop.people after=null {key} +u shop.people after={{name:\"A\" contact.email:\"b\"}} +u shop.people after={{x:true}} +u shop.people after={{_id*:1}}"#
        )
    );
    assert_eq!(
        row(r#"{\"_id\":1,\"name\":\"A\"}"#),
        format!(
            r#"row u shop.people after=null {key} +u shop.people after={{_id*:1 name:\"A\"}} +u shop.people after={{_id*:1}}"#
        )
    );
    for unknown in [
        r#"{\"$v\":2,\"diff\":{\"u\":{\"name\":\"A\"}}}"#,
        r#"{\"$inc\":{\"n\":1}}"#,
        r#"{\"$set\":1}"#,
    ] {
        assert!(row(unknown).starts_with("undecodable: the value's \"patch\" is"), "{unknown}");
    }
}

#[test]
fn a_deleted_document_has_no_image_but_its_key() {
    let value = format!(r#"{{"before":null,"after":null,{SOURCE},"op":"d"}}"#);
    let mut lane = Lane::new(Dialect::Debezium);
    assert_eq!(
        lane.meets("t", Some(KEY), Some(value.as_bytes())),
        r#"row d shop.people before=null after=null key={_id*:"{\"$oid\":\"596e\"}"}"#
    );
    assert_eq!(
        lane.meets("t", Some(r#"{"id":"7"}"#), None),
        r#"tombstone d shop.people key={_id*:"7"}"#
    );
}

#[test]
fn a_tombstone_that_comes_first_is_known_as_a_documents_by_its_key() {
    let first = |key| Lane::new(Dialect::Debezium).meets("p.shop.people", Some(key), None);
    assert_eq!(first(KEY), r#"tombstone d shop.people key={_id*:"{\"$oid\":\"596e\"}"}"#);
    assert_eq!(first(r#"{"id":"596e"}"#), r#"tombstone d shop.people key={id*:"596e"}"#);
}

#[test]
fn a_field_called_id_is_not_the_id_of_the_key() {
    let value = format!(r#"{{"after":"{{\"id\":5,\"_id\":1}}",{SOURCE},"op":"c"}}"#);
    let mut lane = Lane::new(Dialect::Debezium);
    for _ in 0..3 {
        assert_eq!(
            lane.meets("t", Some(r#"{"id":"1"}"#), Some(value.as_bytes())),
            r#"row c shop.people after={id:5 _id*:1} key={_id*:"1"}"#
        );
    }
}

#[test]
fn one_document_among_rows_does_not_rename_their_keys() {
    let mut lane = Lane::new(Dialect::Debezium);
    let value = |after: &str| {
        format!(r#"{{"after":{after},"source":{{"db":"shop","table":"people"}},"op":"c"}}"#)
    };
    lane.meets("t", Some(r#"{"id":1}"#), Some(value(r#""{\"id\":1}""#).as_bytes()));
    assert_eq!(
        lane.meets("t", Some(r#"{"id":1}"#), Some(value(r#"{"id":1}"#).as_bytes())),
        "row c shop.people after={id*:1} key={id*:1}"
    );
}

#[test]
fn documents_in_objects_are_rows_like_any() {
    let value = format!(r#"{{"after":{{"_id":1,"n":"a"}},{SOURCE},"op":"c"}}"#);
    let mut lane = Lane::new(Dialect::Debezium);
    for _ in 0..2 {
        assert_eq!(
            lane.meets("t", Some(r#"{"id":"1"}"#), Some(value.as_bytes())),
            r#"row c shop.people after={_id*:1 n:"a"} key={_id*:"1"}"#
        );
    }
}

#[test]
fn what_holds_no_document_is_refused_since_nothing_in_it_could_be_found() {
    for after in [
        r#""""#,
        r#""text""#,
        r#""[1]""#,
        r#""{\"a\":1""#,
        r#""{\"a\":\"\ud800\"}""#,
        r#""{\"a\":1}{}""#,
        "7",
        "true",
        "[]",
    ] {
        let read = mongo(&format!(r#"{{"after":{after},{SOURCE},"op":"c"}}"#));
        assert!(read.starts_with("undecodable: the value's \"after\" is"), "{after}: {read}");
    }
    for update in [r#""x""#, r#"{"updatedFields":"x"}"#, r#"{"updatedFields":{"a":1}}"#] {
        let value = format!(r#"{{"after":null,"updateDescription":{update},{SOURCE},"op":"u"}}"#);
        assert!(mongo(&value).starts_with("undecodable: "), "{update}");
    }
    let odd = format!(r#"{{"after":"{{\u0022a\u0022:1}}",{SOURCE},"op":"c"}}"#);
    assert!(mongo(&odd).contains("spells braces or quotes"));
}

#[test]
fn a_document_that_stands_twice_is_refused() {
    let value = format!(
        r#"{{"after":null,"updateDescription":{{}},"updateDescription":{{}},{SOURCE},"op":"u"}}"#
    );
    assert!(mongo(&value).contains("the member \"updateDescription\" twice"));
    let value = format!(
        r#"{{"after":null,"updateDescription":{{"updatedFields":"{{\"a\":1}}","updatedFields":"{{\"a\":2}}"}},{SOURCE},"op":"u"}}"#
    );
    assert!(mongo(&value).ends_with("+u shop.people after={a:1} +u shop.people after={a:2}"));
}
