//! T50, T54: values that look like something else, and values that are.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Left, Offline};

use super::bench::{CLEAR, MASKED, debezium, refused, stays};

/// A row may have columns of any name: the dialect is pinned, and nobody guesses.
#[test]
fn t50_columns_named_like_parts_of_an_event_are_columns() {
    let row = format!(
        r#""op":"d","source":{{"table":"x"}},"payload":{{"a":1}},"before":null,"after":{{}},"__deleted":"false","type":"t","database":"d","schema":{{}},"email":"{CLEAR}""#
    );
    stays(Dialect::Debezium, &debezium(&row));
    stays(Dialect::Json, &format!("{{{row}}}"));
    stays(Dialect::Maxwell, &super::bench::maxwell(&row));
    stays(Dialect::Canal, &super::bench::canal(&row));
    let chain = Offline::new(Dialect::Json).mask("op", &format!("constant:{MASKED}"));
    let value = format!("{{{row}}}");
    assert_eq!(chain.value(&value).text(), value.replace(r#""op":"d""#, r#""op":"masked""#));
}

#[test]
fn t54_records_of_a_registry_are_named() {
    let mut confluent = vec![0, 0, 0, 0, 7];
    confluent.extend_from_slice(b"\x02\x0aavro!");
    let refused_by = refused(Dialect::Debezium, &confluent);
    assert!(refused_by.contains("Confluent"), "{refused_by}");
    let mut glue = vec![0x03, 0x00];
    glue.extend_from_slice(&[7; 16]);
    glue.extend_from_slice(b"\x02\x0aavro!");
    let refused_by = refused(Dialect::Debezium, &glue);
    assert!(refused_by.contains("Glue"), "{refused_by}");
    let mut apicurio = vec![0, 0, 0, 0, 0, 0, 0, 0, 7];
    apicurio.extend_from_slice(b"\x02\x0aavro!");
    let refused_by = refused(Dialect::Debezium, &apicurio);
    assert!(refused_by.contains("Apicurio"), "{refused_by}");
    // The schema's id in a header leaves a value of bare Avro.
    let given = Given::value(b"\x02\x0aavro!").header("__value_schema_id", [1; 17]);
    let Left::Refused { refusal, .. } = Offline::new(Dialect::Debezium).one(given) else {
        panic!("passed");
    };
    assert!(refusal.contains("Confluent"), "{refusal}");
}
