//! Schemas of envelopes, in step with their payloads.

use super::*;

const FIELDS: &str = r#"[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":false,"field":"ssn"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"default":"AA==","field":"paid"}]"#;

fn schema(before: &str, after: &str) -> String {
    format!(
        r#"{{"type":"struct","fields":[{{"type":"struct","fields":{before},"optional":true,"name":"V","field":"before"}},{{"type":"struct","fields":{after},"optional":true,"name":"V","field":"after"}},{{"type":"string","optional":false,"field":"op"}}],"optional":false,"name":"E","version":2}}"#
    )
}

fn event(schema: &str, before: &str, after: &str) -> String {
    format!(
        r#"{{"schema":{schema},"payload":{{"before":{before},"after":{after},"source":{{"db":"d","table":"t"}},"op":"u"}}}}"#
    )
}

const ROW: &str = r#"{"id":1,"ssn":"a","paid":"AQ=="}"#;

fn update() -> Bench {
    Bench::new(Dialect::Debezium, None, Some(&event(&schema(FIELDS, FIELDS), ROW, ROW)))
}

/// The fields of the before and after images as they leave.
fn fields(bench: &Bench) -> (String, String) {
    let left: serde_json::Value = serde_json::from_str(&bench.leaves().value.unwrap()).unwrap();
    let of = |image: usize| left["schema"]["fields"][image]["fields"].to_string();
    (of(0), of(1))
}

#[test]
fn an_edit_that_fits_leaves_the_schema_alone() {
    let bench = update()
        .edit(Image::After, "ssn", kind::STRING, "\"*\"")
        .edit(Image::After, "id", kind::NUMBER, "7")
        .edit(Image::After, "paid", kind::NULL, "null");
    let expected = event(&schema(FIELDS, FIELDS), ROW, r#"{"id":7,"ssn":"*","paid":null}"#);
    assert_eq!(bench.leaves().value.unwrap(), expected);
}

#[test]
fn a_null_makes_a_required_field_optional_and_keeps_the_rest() {
    let bench = update().edit(Image::After, "ssn", kind::NULL, "null");
    let optional =
        FIELDS.replace(r#""optional":false,"field":"ssn""#, r#""optional":true,"field":"ssn""#);
    let expected = event(&schema(FIELDS, &optional), ROW, &ROW.replace("\"a\"", "null"));
    assert_eq!(bench.leaves().value.unwrap(), expected);
}

#[test]
fn another_type_loses_what_belonged_to_the_old_one() {
    let bench = update().edit(Image::After, "paid", kind::STRING, "\"***\"");
    let (before, after) = fields(&bench);
    assert_eq!(before, FIELDS);
    assert_eq!(
        after,
        r#"[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":false,"field":"ssn"},{"type":"string","optional":true,"field":"paid"}]"#
    );
}

#[test]
fn the_type_follows_the_cell() {
    for (kind, text, r#type) in [
        (kind::STRING, "\"x\"", r#""type":"string""#),
        (kind::BOOLEAN, "true", r#""type":"boolean""#),
        (kind::NUMBER, "1.5", r#""type":"double""#),
        (kind::NUMBER, "9223372036854775808", r#""type":"double""#),
        (kind::BYTES, "\"AA==\"", r#""type":"bytes""#),
        (kind::JSON, r#"[1,null,2]"#, r#""type":"array","items":{"type":"int64","optional":true}"#),
        (
            kind::JSON,
            r#"{"a":true,"b":[]}"#,
            r#""type":"struct","fields":[{"type":"boolean","optional":true,"field":"a"},{"type":"array","items":{"type":"string","optional":true},"optional":true,"field":"b"}]"#,
        ),
    ] {
        let (_, after) = fields(&update().edit(Image::After, "id", kind, text));
        let field = format!(r#"[{{{type},"optional":false,"field":"id"}},"#);
        assert!(after.starts_with(&field), "{text}: {after}");
    }
}

#[test]
fn json_that_connect_cannot_describe_is_refused() {
    for text in [r#"[1,"a"]"#, r#"{"a":1,"a":2}"#, r#"[[1],["a"]]"#] {
        let bench = update().edit(Image::After, "id", kind::JSON, text);
        let refusal = bench.leaves_by(&mut Renderer::default()).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "schema-unknown: column \"id\" now holds JSON that no Connect schema describes (an array of different types, or a \
             name that stands twice): write it as a string"
        );
    }
}

#[test]
fn an_image_that_is_not_there_keeps_the_shape_of_the_other() {
    let value = event(&schema(FIELDS, FIELDS), "null", ROW);
    let bench = Bench::new(Dialect::Debezium, None, Some(&value));
    let (before, after) = fields(&bench.edit(Image::After, "id", kind::STRING, "\"x\""));
    assert_eq!(before, after);
    assert!(before.contains(r#"{"type":"string","optional":false,"field":"id"}"#));
}

#[test]
fn removed_and_renamed_columns_are_so_in_the_schema() {
    let bench = update().fates(&[rename("num\"ber"), Fate::Remove]);
    let fields = FIELDS
        .replace(r#","field":"id"}"#, r#","field":"num\"ber"}"#)
        .replace(r#",{"type":"string","optional":false,"field":"ssn"}"#, "");
    let row = r#"{"num\"ber":1,"paid":"AQ=="}"#;
    assert_eq!(bench.leaves().value.unwrap(), event(&schema(&fields, &fields), row, row));
}

#[test]
fn each_image_has_fates_of_its_own() {
    let mut bench = update().fates(&[Fate::Keep, Fate::Remove]);
    bench.layout.before = vec![rename("nr")];
    let before = FIELDS.replace(r#","field":"id"}"#, r#","field":"nr"}"#);
    let after = FIELDS.replace(r#",{"type":"string","optional":false,"field":"ssn"}"#, "");
    let expected = event(
        &schema(&before, &after),
        &ROW.replace("\"id\"", "\"nr\""),
        &ROW.replace(r#","ssn":"a""#, ""),
    );
    assert_eq!(bench.leaves().value.unwrap(), expected);
}

#[test]
fn an_edit_of_a_removed_column_asks_nothing_of_the_schema() {
    let bench = update().fates(&[Fate::Remove]).edit(Image::After, "id", kind::JSON, r#"[1,"a"]"#);
    assert!(!fields(&bench).1.contains("\"id\""));
}

#[test]
fn a_renamed_column_may_change_its_type_too() {
    let bench = update().fates(&[rename("nr")]).edit(Image::After, "id", kind::STRING, "\"x\"");
    let (before, after) = fields(&bench);
    assert!(before.starts_with(r#"[{"type":"int64","optional":false,"field":"nr"}"#));
    assert!(after.starts_with(r#"[{"type":"string","optional":false,"field":"nr"}"#));
}

#[test]
fn a_created_column_is_declared_and_stays_so() {
    let bench =
        update().created(Image::After, Some("new")).at(Place::Created(0), kind::NUMBER, "1");
    let (before, after) = fields(&bench);
    assert_eq!(before, FIELDS);
    let declared = r#",{"type":"int64","optional":true,"field":"new"}]"#;
    assert_eq!(after, FIELDS.replace(']', declared));

    let mut renderer = Renderer::default();
    bench.leaves_by(&mut renderer).unwrap();
    let later = update().created(Image::After, Some("new")).leaves_by(&mut renderer).unwrap();
    let expected = event(&schema(FIELDS, &FIELDS.replace(']', declared)), ROW, ROW);
    assert_eq!(later.value.unwrap(), expected);
}

#[test]
fn a_created_column_is_declared_in_the_image_that_is_not_there() {
    let insert =
        Bench::new(Dialect::Debezium, None, Some(&event(&schema(FIELDS, FIELDS), "null", ROW)));
    let bench = insert.created(Image::After, Some("new")).created(Image::Before, Some("new")).at(
        Place::Created(0),
        kind::NUMBER,
        "1",
    );
    let (before, after) = fields(&bench);
    assert_eq!(after, FIELDS.replace(']', r#",{"type":"int64","optional":true,"field":"new"}]"#));
    assert_eq!(before, after);
}

#[test]
fn a_key_in_an_envelope_is_edited_in_its_payload() {
    let schema = r#"{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}],"optional":false,"name":"K"}"#;
    let value = event(&super::envelope::schema(FIELDS, FIELDS), "null", ROW);
    for (key, to) in [
        (
            format!(r#"{{"schema":{schema},"payload":{{"id":1}}}}"#),
            format!(r#"{{"schema":{},"payload":{{"nr":"x"}}}}"#, anew(schema)),
        ),
        (
            format!(r#"{{"payload":{{"id":1}},"schema":{schema}}}"#),
            format!(r#"{{"payload":{{"nr":"x"}},"schema":{}}}"#, anew(schema)),
        ),
    ] {
        let bench = Bench::new(Dialect::Debezium, Some(&key), Some(&value));
        let left =
            bench.edit(Image::Key, "id", kind::STRING, "\"x\"").fates(&[rename("nr")]).leaves();
        assert_eq!(left.key.unwrap(), to);
    }
    fn anew(schema: &str) -> String {
        schema.replace(r#""type":"int32""#, r#""type":"string""#).replace("\"id\"", "\"nr\"")
    }
}

#[test]
fn a_pseudo_tombstones_schema_follows_the_layout() {
    let value = format!(r#"{{"schema":{},"payload":null}}"#, schema(FIELDS, FIELDS));
    let mut bench = Bench::new(Dialect::Debezium, Some(r#"{"id":1}"#), Some(&value));
    bench = bench.fates(&[rename("nr")]);
    let fields = FIELDS.replace(r#""field":"id""#, r#""field":"nr""#);
    let expected = format!(r#"{{"schema":{},"payload":null}}"#, schema(&fields, &fields));
    assert_eq!(bench.leaves().value.unwrap(), expected);
}

#[test]
fn a_schema_that_says_nothing_stays() {
    for schema in ["null", "{}", r#"{"fields":7}"#, r#"{"fields":[{"field":"after"}]}"#] {
        let value = event(schema, "null", ROW);
        let bench = Bench::new(Dialect::Debezium, None, Some(&value));
        let bench = bench.edit(Image::After, "ssn", kind::NULL, "null").fates(&[rename("nr")]);
        let bench = bench.edit(Image::After, "paid", kind::NUMBER, "0");
        let expected = event(schema, "null", r#"{"nr":1,"ssn":null,"paid":0}"#);
        assert_eq!(bench.leaves().value.unwrap(), expected);
    }
}

#[test]
fn one_renderer_serves_changing_layouts_and_schemas() {
    let mut renderer = Renderer::default();
    let wider = FIELDS.replace(']', r#",{"type":"int32","optional":true,"field":"x"}]"#);
    for _ in 0..3 {
        for fields in [FIELDS, &wider] {
            let came = event(&schema(fields, fields), ROW, ROW);
            for fates in [&[][..], &[rename("nr")], &[Fate::Keep, Fate::Remove]] {
                for kind in [kind::NULL, kind::NUMBER] {
                    let bench = Bench::new(Dialect::Debezium, None, Some(&came)).fates(fates);
                    let bench = bench.edit(
                        Image::Before,
                        "id",
                        kind,
                        if kind == kind::NULL { "null" } else { "2" },
                    );
                    let fresh = bench.leaves();
                    assert_eq!(bench.leaves_by(&mut renderer).unwrap(), fresh);
                }
            }
        }
    }
}
