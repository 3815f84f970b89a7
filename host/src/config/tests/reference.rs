//! The reference tells no lies: it names every key there is, and its examples are read.

use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor, value};
use serde::forward_to_deserialize_any;

use super::*;
use crate::config::plugin_file::{FAULT_POLICIES, ON_OPEN, RELOADS};

const REFERENCE: &str = include_str!("../../../../docs/configuration.md");

/// Writes down the keys of the type that is read from it, and gives it nothing.
struct Keys<'k>(&'k mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Keys<'_> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(value::Error::custom("not a table"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.extend(keys);
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Whether the table under `heading` has a row for each key of `T`, and for nothing else.
fn check<T: DeserializeOwned>(heading: &str) {
    let mut keys = Vec::new();
    assert!(T::deserialize(Keys(&mut keys)).is_err());
    assert!(!keys.is_empty());
    keys.sort_unstable();
    assert_eq!(rows(heading), keys, "{heading}");
}

/// The first cells of the table under `heading`, sorted.
fn rows(heading: &str) -> Vec<&'static str> {
    let (_, section) = REFERENCE.split_once(&format!("\n{heading}\n")).expect(heading);
    let section = section.split("\n#").next().unwrap_or(section);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut rows: Vec<&str> = rows.collect();
    rows.sort_unstable();
    rows
}

#[test]
fn every_key_is_documented() {
    check::<raw::Config>("## Top level");
    check::<raw::Kafka>("## `[kafka]`");
    check::<raw::Admin>("## `[admin]`");
    check::<raw::Trust>("## `[trust]`");
    check::<raw::Pipeline>("## `[[pipeline]]`");
    check::<raw::Limits>("### `[pipeline.limits]`");
    check::<raw::PluginFile>("## `NAME.toml` beside a plugin");
}

#[test]
fn every_class_is_documented_with_its_default() {
    let defaults = ClassPolicy::defaults();
    let mut names: Vec<&str> = defaults.keys().map(|class| class.as_str()).collect();
    names.sort_unstable();
    assert_eq!(rows("### `[pipeline.classes]`"), names);
    for (class, policy) in defaults {
        let policy = if policy == ClassPolicy::Pass { "pass" } else { "dead-letter" };
        assert!(
            REFERENCE.contains(&format!("| `{class}` | `\"{policy}\"` |", class = class.as_str()))
        );
    }
}

#[test]
fn every_fault_policy_is_documented() {
    let names = |key: &str, names: &[&str]| {
        let (_, row) = REFERENCE.split_once(&format!("| `{key}` |")).unwrap();
        let row = row.lines().next().unwrap();
        for name in names {
            assert!(row.contains(&format!("`\"{name}\"`")), "{name}");
        }
    };
    names("on_fault", &FAULT_POLICIES.map(|(name, _)| name));
    names("on_open", &ON_OPEN.map(|(name, _)| name));
    names("reload", &RELOADS.map(|(name, _)| name));
}

#[test]
fn the_examples_are_read() {
    let mut examples = REFERENCE.split("```toml\n").skip(1).map(|rest| {
        let (example, _) = rest.split_once("```").unwrap();
        example
    });
    let config = parse(examples.next().unwrap());
    assert_eq!(config.pipelines[0].lanes, 2);
    let file = plugin(examples.next().unwrap());
    assert_eq!(file.settings["columns"]["email"], "keep-domain");
    assert!(examples.next().is_none());
}
