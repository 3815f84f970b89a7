//! Over whole files: no value of a masked column is left in clear anywhere in what leaves, and nothing is refused.

use std::collections::BTreeSet;

use lockgate_tests::corpora::Captured;
use serde_json::Value;

use super::plugins::{Carried, mariadb, postgres, postgres_with_schema, text};

const MASKED: [&str; 5] = ["email", "phone", "ssn", "full_name", "card_number"];

/// The values of masked columns in both images; shorter ones may stand in a record by chance.
fn secrets(came: &[Captured]) -> BTreeSet<String> {
    let values = came.iter().filter_map(|one| serde_json::from_str(text(&one.record.value)).ok());
    let mut secrets = BTreeSet::new();
    for value in values {
        let value: Value = value;
        let change = value.get("payload").unwrap_or(&value);
        for image in ["before", "after"].iter().filter_map(|image| change.get(image)) {
            let cells = MASKED.iter().filter_map(|column| image[column].as_str());
            secrets.extend(cells.filter(|cell| cell.len() > 8).map(str::to_owned));
        }
    }
    secrets
}

/// `seen` gives what of a value counts.
fn check(carried: &Carried, count: usize, seen: impl Fn(&str) -> String) {
    let secrets = secrets(&carried.came);
    assert_eq!(secrets.len(), count);
    for (came, left) in carried.came.iter().zip(&carried.left) {
        let left = match left {
            Ok(Captured { record, .. }) => record,
            Err(reason) => {
                assert!(["Plugin(\"filter\")", "FollowsDelete"].contains(&&**reason), "{reason}");
                continue;
            }
        };
        let parts = left.headers.iter().map(|(_, value)| text(value).to_owned());
        for part in parts.chain([text(&left.key).to_owned(), seen(text(&left.value))]) {
            let found = secrets.iter().find(|secret| part.contains(secret.as_str()));
            assert_eq!(found, None, "{}-{}@{}", came.topic, left.partition, left.offset);
        }
    }
}

#[test]
fn no_masked_value_of_postgresql_is_left() {
    let (Some(plain), Some(with_schema)) = (postgres(), postgres_with_schema()) else { return };
    check(plain, 104, str::to_owned);
    check(with_schema, 104, str::to_owned);
}

/// Statements, which MariaDB's connector quotes in `source.query`, hold values that no plugin can reach.
#[test]
fn no_masked_value_of_mariadb_is_left_outside_of_statements() {
    let Some(mariadb) = mariadb() else { return };
    check(mariadb, 74, |value| {
        let Ok(mut value) = serde_json::from_str::<Value>(value) else { return String::new() };
        if let Some(query) = value.pointer_mut("/source/query") {
            *query = Value::Null;
        }
        value.to_string()
    });
}
