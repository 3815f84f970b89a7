//! Whether a settings schema can be checked against in good time. The gateway does that itself and nothing could end it, and the
//! schema is the plugin's text. Pure; must not know settings.

use serde_json::Value;

/// The longest text of a schema. Those of the official plugins have 3 KiB.
pub(super) const BYTES: usize = 256 << 10;

/// The most values of a schema once each reference is replaced by what it names. Twenty definitions that each name the next one twice
/// are a million.
const VALUES: usize = 20_000;

/// The deepest that one may lie within another, references followed: the checker recurses, and where its stack ends the process does.
const DEEPEST: usize = 128;

/// The most patterns, each of which takes [`PATTERN_BYTES`] at the most.
const PATTERNS: usize = 100;
pub(super) const PATTERN_BYTES: usize = 256 << 10;

/// Why `schema` is none that the gateway checks against.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    let mut walk = Walk { whole: schema, values: 0, patterns: 0 };
    walk.visit(schema, 0)
}

/// What was met so far.
struct Walk<'a> {
    whole: &'a Value,
    values: usize,
    patterns: usize,
}

impl<'a> Walk<'a> {
    /// Goes by names alone, whether they are keywords where they stand or not: rather too much is counted than too little.
    fn visit(&mut self, value: &'a Value, depth: usize) -> Result<(), String> {
        self.values += 1;
        if self.values > VALUES {
            return Err(format!(
                "with its references followed it has more than {VALUES} values, or no end"
            ));
        }
        if depth > DEEPEST {
            return Err(format!(
                "with its references followed it is more than {DEEPEST} levels deep, or has no end"
            ));
        }
        match value {
            Value::Array(values) => {
                values.iter().try_for_each(|value| self.visit(value, depth + 1))
            }
            Value::Object(members) => members.iter().try_for_each(|(name, value)| {
                self.member(name, value, depth)?;
                self.visit(value, depth + 1)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn member(&mut self, name: &str, value: &'a Value, depth: usize) -> Result<(), String> {
        match (name, value) {
            ("$ref", Value::String(place)) => {
                // A name inside a pointer may be percent-encoded; ours have no need to be.
                let part = place.strip_prefix('#').and_then(|pointer| self.whole.pointer(pointer));
                let part = part.ok_or(
                    "it refers to something else than a part of itself by its path, as in \"#/$defs/name\"",
                )?;
                self.visit(part, depth + 1)?;
            }
            // What these refer to depends on the way there.
            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                return Err(format!("it uses \"{name}\"; use \"$ref\""));
            }
            // Paths of references inside such a part begin at the part.
            ("$id" | "id", Value::String(_)) if depth > 0 => {
                return Err(format!("a part of it has an \"{name}\" of its own; leave it out"));
            }
            ("pattern", Value::String(_)) => self.patterns += 1,
            ("patternProperties", Value::Object(patterns)) => self.patterns += patterns.len(),
            _ => {}
        }
        if self.patterns > PATTERNS {
            return Err(format!("it has more than {PATTERNS} patterns"));
        }
        Ok(())
    }
}
