//! T51: names of columns that break paths and settings.

use lockgate::table::Dialect;
use lockgate_tests::offline::Offline;

use super::bench::{MASKED, debezium};

#[test]
fn t51_columns_of_any_name_can_be_masked() {
    for (name, pattern, written) in [
        ("e.mail", r"e\.mail", "e.mail"),
        ("$id", "$id", "$id"),
        ("épost", "épost", "épost"),
        ("邮件", "邮件", "邮件"),
        ("a/b~c#d", r"a/b~c\#d", "a/b~c#d"),
        ("with \"quotes\"", "with \"quotes\"", r#"with \"quotes\""#),
        ("with space", "with space", "with space"),
    ] {
        let text = format!(
            "plugin = \"mask\"
[settings.columns]
'{pattern}' = \"constant:{MASKED}\"
"
        );
        let chain = Offline::new(Dialect::Debezium).plugin("20-mask", &text);
        let value = debezium(&format!(r#""id":1,"{written}":"clear""#));
        let left = chain.value(&value).text();
        assert_eq!(left, value.replace("\"clear\"", &format!("\"{MASKED}\"")), "{name}");
    }
}

#[test]
fn t51_empty_and_very_long_names_pass() {
    let long = "x".repeat(64 << 10);
    for name in ["", &long, "\\u0000", "\\ud83d\\ude00"] {
        let value = debezium(&format!(r#""{name}":1,"email":"anna@example.com""#));
        super::bench::stays(Dialect::Debezium, &value);
    }
}
