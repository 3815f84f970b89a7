//! Which texts speak of a column.

use super::super::mentions;

#[test]
fn a_name_is_mentioned_bare_or_quoted_in_any_case() {
    let texts = [
        "update t set ssn = 1",
        "update t set SSN=1",
        "select t.Ssn from t",
        "select `ssn` from t",
        "select \"SSN\" from t",
        "select [ssn] from t",
        "do $$ begin update t set ssn = 'x'; end $$",
        "/*!40101 alter table t drop ssn */ select a",
        "select U&\"\\0073sn\" from t",
        "select 'open, ssn",
        "select 2024_t.ssn from t",
    ];
    for text in texts {
        assert!(mentions(text, "ssn"), "{text:?}");
        assert!(mentions(text, "SSN"), "{text:?}");
    }
    assert!(mentions("select ÉTÉ from t", "été"));
    assert!(mentions("select `a``b` from t", "a`b"));
    assert!(mentions("select \"it's 1\" from t", "it's 1"));
}

#[test]
fn a_value_or_a_part_of_a_name_is_no_mention() {
    let texts = [
        "",
        "update t set ssn_hash = 1, xssn = 2, ssn2 = 3",
        "update t set a = 'ssn'",
        "update t set a = 'my ssn is'",
        "select \"my ssn\" from t",
    ];
    for text in texts {
        assert!(!mentions(text, "ssn"), "{text:?}");
    }
}
