//! T25 to T27: places outside the images where a value stands once more.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Given, Offline};

use super::bench::{MASKED, SOURCE, masking};

/// The document, what of it changed, and the key: Extended JSON in strings, in two of its versions.
#[test]
fn t25_a_document_is_masked_in_all_three_places() {
    let value = r#"{"before":null,"after":"{\"_id\": {\"$oid\": \"5f\"},\"email\": \"anna@example.com\",\"n\": {\"$numberLong\": \"42\"}}","updateDescription":{"removedFields":null,"updatedFields":"{\"email\": \"anna@example.com\"}","truncatedArrays":null},"source":{"connector":"mongodb","db":"shop","collection":"customers","ord":1},"op":"u"}"#;
    let left = masking(Dialect::Debezium).value(value).text();
    assert_eq!(left, value.replace("anna@example.com", MASKED));
    let chain = Offline::new(Dialect::Debezium).mask("_id", &format!("constant:{MASKED}"));
    let left = chain.one(Given::value(value).key(r#"{"id":"{\"$oid\": \"5f\"}"}"#)).sent();
    assert_eq!(left.key_text(), format!(r#"{{"id":"{MASKED}"}}"#));
    assert!(left.text().contains(&format!(r#"{{\"_id\": \"{MASKED}\","#)), "{}", left.text());
}

#[test]
fn t26_sql_text_loses_its_literals_where_a_column_is_protected() {
    let sql = "update customers set email = 'anna@example.com' where id = 7";
    let cases = [
        (
            Dialect::Debezium,
            format!(
                r#"{{"before":null,"after":{{"id":7,"email":"anna@example.com"}},"source":{{"connector":"mysql","db":"shop","table":"customers","query":"{sql}"}},"op":"c"}}"#
            ),
        ),
        (
            Dialect::Debezium,
            format!(
                r#"{{"before":null,"after":{{"id":7,"email":"anna@example.com"}},"source":{{"connector":"oracle","db":"shop","schema":"shop","table":"customers","redo_sql":"{sql}"}},"op":"c"}}"#
            ),
        ),
        (
            Dialect::Maxwell,
            format!(
                r#"{{"database":"shop","table":"customers","query":"{sql}","type":"insert","ts":1,"data":{{"id":7,"email":"anna@example.com"}}}}"#
            ),
        ),
        (
            Dialect::Canal,
            format!(
                r#"{{"data":[{{"id":"7","email":"anna@example.com"}}],"database":"shop","isDdl":false,"old":null,"sql":"{sql}","table":"customers","type":"INSERT"}}"#
            ),
        ),
        (
            Dialect::Canal,
            format!(
                r#"{{"data":null,"database":"","isDdl":false,"old":null,"sql":"{sql}","table":"","type":"QUERY"}}"#
            ),
        ),
        (
            Dialect::Debezium,
            format!(
                r#"{{"source":{{"connector":"mysql","db":"shop"}},"databaseName":"shop","ddl":"{sql}","tableChanges":[]}}"#
            ),
        ),
    ];
    for (dialect, value) in cases {
        let left = masking(dialect).protect(&["customers.email"]).value(&value).text();
        let redacted = "update customers set email = ? where id = ?";
        let expected = value.replace(sql, redacted).replace("anna@example.com", MASKED);
        assert_eq!(left, expected, "{dialect}");
        let other = masking(dialect).mask("iban", "null").protect(&["orders.iban"]).value(&value);
        if value.contains(r#""table":"customers""#) {
            let expected = value.replace("\"anna@example.com\"", &format!("\"{MASKED}\""));
            assert_eq!(other.text(), expected, "{dialect}: a table of no concern keeps its SQL");
        }
    }
}

#[test]
fn t27_the_headers_of_a_changed_key_are_masked() {
    let value = format!(r#"{{"before":null,"after":{{"email":"new"}},{SOURCE},"op":"c"}}"#);
    let given = Given::value(value)
        .key(r#"{"email":"new"}"#)
        .header("__debezium.oldkey", r#"{"email":"anna@example.com"}"#);
    let left = masking(Dialect::Debezium).one(given).sent();
    assert_eq!(left.header("__debezium.oldkey"), Some(format!(r#"{{"email":"{MASKED}"}}"#)));
}
