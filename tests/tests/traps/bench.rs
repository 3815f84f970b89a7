//! The shapes that the traps come in.

use lockgate::table::Dialect;
use lockgate_tests::offline::{Left, Offline};

/// Stands where a test masks something.
pub(crate) const CLEAR: &str = "anna@example.com";
pub(crate) const MASKED: &str = "masked";

/// A chain that masks every column called `email`.
pub(crate) fn masking(dialect: Dialect) -> Offline {
    Offline::new(dialect).mask("email", &format!("constant:{MASKED}"))
}

/// Carries a value through an empty chain and through one that masks `email`: but for that nothing may change.
pub(crate) fn stays(dialect: Dialect, value: &str) {
    assert!(value.contains(CLEAR), "the value has something to mask");
    assert_eq!(Offline::new(dialect).value(value).text(), value, "through an empty chain");
    assert_eq!(masking(dialect).value(value).text(), value.replace(CLEAR, MASKED), "masked");
}

/// Carries a value that has nothing to mask.
pub(crate) fn passes(dialect: Dialect, value: &str) {
    assert_eq!(masking(dialect).value(value).text(), value);
}

/// Code and words of the refusal of a value that nothing is asked of.
pub(crate) fn refused(dialect: Dialect, value: impl AsRef<[u8]>) -> String {
    match Offline::new(dialect).value(value) {
        Left::Refused { refusal, .. } => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// A row of Debezium's, with an after image of these members.
pub(crate) fn debezium(after: &str) -> String {
    format!(r#"{{"before":null,"after":{{{after}}},{SOURCE},"op":"c","ts_ms":1795000000000}}"#)
}

pub(crate) const SOURCE: &str = r#""source":{"db":"shop","schema":"public","table":"customers"}"#;

/// An insert of Maxwell's.
pub(crate) fn maxwell(data: &str) -> String {
    format!(
        r#"{{"database":"shop","table":"customers","type":"insert","ts":1795000000,"xid":7,"commit":true,"data":{{{data}}}}}"#
    )
}

/// A message of Canal's with one row.
pub(crate) fn canal(data: &str) -> String {
    format!(
        r#"{{"data":[{{{data}}}],"database":"shop","es":1795000000000,"id":1,"isDdl":false,"mysqlType":null,"old":null,"pkNames":["id"],"sql":"","sqlType":null,"table":"customers","ts":1795000000001,"type":"INSERT"}}"#
    )
}
