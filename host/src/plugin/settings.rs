//! Checks a plugin's settings against the JSON Schema that it publishes. Pure; says which setting is wrong and what it should be,
//! never what it is, since settings hold secrets.

mod bounds;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError};
use serde_json::Value;

use super::compile::LoadError;

/// Wrong settings that one message lists.
const LISTED: usize = 5;

/// Checks `settings` against the text of `schema`.
pub(super) fn check(schema: &str, settings: &Value) -> Result<(), LoadError> {
    if schema.len() > bounds::BYTES {
        let (has, may) = (schema.len(), bounds::BYTES);
        return Err(LoadError::new(format!(
            "the settings schema it publishes has {has} bytes, more than the {may} it may have"
        )));
    }
    let schema: Value = serde_json::from_str(schema).map_err(|err| {
        LoadError::new(format!("the settings schema it publishes is not JSON: {err}"))
    })?;
    bounds::check(&schema).map_err(|reason| {
        LoadError::new(format!("the settings schema it publishes cannot be checked: {reason}"))
    })?;
    // The other engine backtracks, and a schema is the plugin's text.
    let patterns = PatternOptions::regex();
    let patterns = patterns.size_limit(bounds::PATTERN_BYTES).dfa_size_limit(bounds::PATTERN_BYTES);
    let validator =
        jsonschema::options().with_pattern_options(patterns).build(&schema).map_err(|err| {
            let wrong = err.masked();
            LoadError::new(format!("the settings schema it publishes is no JSON Schema: {wrong}"))
        })?;
    let errors = validator.iter_errors(settings).take(LISTED);
    let wrong: Vec<String> = errors.map(|error| describe(&error, &schema)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(LoadError::new(wrong.join("; "))) }
}

fn describe(error: &ValidationError<'_>, schema: &Value) -> String {
    let path: Vec<String> = segments(error);
    let setting = match (error.kind(), path.as_slice()) {
        (ValidationErrorKind::Required { property }, path) => {
            let name = property.as_str().unwrap_or_default();
            let missing: Vec<&str> = path.iter().map(String::as_str).chain([name]).collect();
            return format!("setting \"{}\" is missing", missing.join("."));
        }
        (ValidationErrorKind::AdditionalProperties { unexpected }, path) => {
            return unknown(path, unexpected, known(error, schema));
        }
        (ValidationErrorKind::FalseSchema, []) => {
            return "it takes no settings; leave [settings] out".to_owned();
        }
        (_, []) => "settings".to_owned(),
        (_, path) => format!("setting \"{}\"", path.join(".")),
    };
    format!("{setting}: {}", expectation(error, schema))
}

/// Settings of the table at `path` that the schema does not have, and those it has.
fn unknown(path: &[String], unexpected: &[String], known: Vec<&str>) -> String {
    let whole = |name: &str| {
        let parts: Vec<&str> = path.iter().map(String::as_str).chain([name]).collect();
        format!("\"{}\"", parts.join("."))
    };
    let listed = |names: &mut dyn Iterator<Item = &str>| -> String {
        names.map(whole).collect::<Vec<_>>().join(", ")
    };
    let unknown = listed(&mut unexpected.iter().map(String::as_str));
    let known = listed(&mut known.into_iter());
    format!("there is no setting {unknown}; there is {known}")
}

/// The settings that stand beside the keyword that was broken.
fn known<'s>(error: &ValidationError<'_>, schema: &'s Value) -> Vec<&'s str> {
    let path = error.schema_path().as_str();
    let beside = path.rsplit_once('/').and_then(|(beside, _)| schema.pointer(beside));
    let properties = beside.and_then(|beside| beside.get("properties")).and_then(Value::as_object);
    properties.map(|all| all.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn segments(error: &ValidationError<'_>) -> Vec<String> {
    let pointer = error.instance_path().as_str();
    let unescape = |part: &str| part.replace("~1", "/").replace("~0", "~");
    pointer.split('/').skip(1).map(unescape).collect()
}

/// What was expected instead. A choice is told by its branches, and a pattern by what its schema says of it, where it does.
fn expectation(error: &ValidationError<'_>, schema: &Value) -> String {
    let branches = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context
        }
        ValidationErrorKind::Pattern { .. } => {
            if let Some(text) = description(error, schema) {
                return format!("it is none of what is described: {text}");
            }
            return lower_first(&error.masked_with("it").to_string());
        }
        ValidationErrorKind::Required { property } => return format!("{property} is missing"),
        _ => return lower_first(&error.masked_with("it").to_string()),
    };
    let branches = branches.iter().filter_map(|branch| branch.first());
    branches.map(|branch| expectation(branch, schema)).collect::<Vec<_>>().join(", or ")
}

/// The description beside the keyword that was broken, on one line.
fn description(error: &ValidationError<'_>, schema: &Value) -> Option<String> {
    let (beside, _) = error.schema_path().as_str().rsplit_once('/')?;
    let text = schema.pointer(beside)?.get("description")?.as_str()?;
    let text: Vec<&str> = text.split_whitespace().collect();
    Some(text.join(" ").trim_end_matches('.').to_owned())
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(schema: &Value, settings: &Value) -> String {
        check(&schema.to_string(), settings).unwrap_err().to_string()
    }

    fn mask() -> Value {
        json!({
            "type": "object",
            "required": ["columns"],
            "additionalProperties": false,
            "properties": {
                "columns": { "type": "object", "additionalProperties": { "type": "string", "pattern": "^keep" } },
                "key": { "anyOf": [{ "type": "string" }, { "type": "object", "required": ["id"] }] },
                "keep": { "type": "integer", "minimum": 1 },
            },
        })
    }

    #[test]
    fn settings_that_fit_are_taken() {
        let settings = json!({ "columns": { "email": "keep-domain" }, "key": "k", "keep": 4 });
        assert_eq!(check(&mask().to_string(), &settings), Ok(()));
        assert_eq!(check("{}", &json!({ "anything": [1] })), Ok(()));
    }

    #[test]
    fn a_wrong_setting_is_named_and_never_quoted() {
        let settings = json!({ "columns": { "ssn": "hunter2", "a.b": 5 }, "keep": 0 });
        assert_eq!(
            refusal(&mask(), &settings),
            "setting \"columns.ssn\": it does not match \"^keep\"; \
             setting \"columns.a.b\": it is not of type \"string\"; \
             setting \"keep\": it is less than the minimum of 1"
        );
    }

    #[test]
    fn a_pattern_with_a_description_is_told_by_it() {
        let rule =
            json!({ "pattern": "^(null|redact)$", "description": "The rule: null\n or redact." });
        let schema = json!({ "properties": { "rule": rule } });
        assert_eq!(
            refusal(&schema, &json!({ "rule": "hide" })),
            "setting \"rule\": it is none of what is described: The rule: null or redact"
        );
    }

    #[test]
    fn a_missing_and_a_misspelt_setting_are_named() {
        assert_eq!(refusal(&mask(), &json!({})), "setting \"columns\" is missing");
        assert_eq!(
            refusal(&mask(), &json!({ "columns": {}, "kep": 1 })),
            "there is no setting \"kep\"; there is \"columns\", \"key\", \"keep\""
        );
    }

    #[test]
    fn settings_of_a_plugin_that_has_none_are_refused_in_words() {
        let schema = json!({ "type": "object", "additionalProperties": false });
        assert_eq!(
            refusal(&schema, &json!({ "columns": 1 })),
            "it takes no settings; leave [settings] out"
        );
    }

    #[test]
    fn of_settings_of_which_one_must_be_there_all_are_named() {
        let schema = json!({ "anyOf": [{ "required": ["keep"] }, { "required": ["drop"] }] });
        assert_eq!(
            refusal(&schema, &json!({})),
            "settings: \"keep\" is missing, or \"drop\" is missing"
        );
    }

    #[test]
    fn a_choice_is_told_by_its_branches() {
        assert_eq!(
            refusal(&mask(), &json!({ "columns": {}, "key": 7 })),
            "setting \"key\": it is not of type \"string\", or it is not of type \"object\""
        );
    }

    #[test]
    fn a_schema_that_is_none_is_the_plugins_fault() {
        assert_eq!(
            check("{", &json!({})).unwrap_err().to_string(),
            "the settings schema it publishes is not JSON: EOF while parsing an object at line 1 column 1"
        );
        assert!(
            refusal(&json!({ "type": "text" }), &json!({}))
                .starts_with("the settings schema it publishes is no JSON Schema: ")
        );
    }

    #[test]
    fn a_schema_never_makes_the_gateway_fetch_anything() {
        let schema = json!({ "$ref": "https://example.com/schema.json" });
        assert_eq!(
            refusal(&schema, &json!({})),
            "the settings schema it publishes cannot be checked: it refers to something else than a part of itself by its path, as \
             in \"#/$defs/name\""
        );
    }

    /// Definitions `d0` to `d{last}`, each made of the next.
    fn chain(last: usize, link: impl Fn(Value) -> Value) -> Value {
        let part = |n: usize| json!({ "$ref": format!("#/$defs/d{n}") });
        let mut parts: serde_json::Map<String, Value> =
            (0..last).map(|n| (format!("d{n}"), link(part(n + 1)))).collect();
        parts.insert(format!("d{last}"), json!({ "type": "object" }));
        json!({ "allOf": [part(0)], "$defs": parts })
    }

    /// Checked against, the first ends the process and the second never ends.
    #[test]
    fn a_schema_cannot_exhaust_the_stack_or_the_time_of_the_gateway() {
        let cannot =
            "the settings schema it publishes cannot be checked: with its references followed it ";
        for (schema, reason) in [
            (chain(5_000, |next| next), "is more than 128 levels deep, or has no end"),
            (
                chain(30, |next| json!({ "allOf": [next, next] })),
                "has more than 20000 values, or no end",
            ),
            (json!({ "$ref": "#" }), "is more than 128 levels deep, or has no end"),
        ] {
            assert_eq!(refusal(&schema, &json!({})), format!("{cannot}{reason}"));
        }
        assert_eq!(check(&chain(20, |next| next).to_string(), &json!({})), Ok(()));
    }

    #[test]
    fn a_schema_cannot_fill_the_memory_of_the_gateway() {
        let large = json!({ "description": "x".repeat(300 << 10) });
        assert!(refusal(&large, &json!({})).contains("bytes, more than the 262144 it may have"));
        let many = |n: usize| (0..n).map(|n| (n.to_string(), json!({ "pattern": "^a" })));
        let many = |n| json!({ "properties": many(n).collect::<serde_json::Map<_, _>>() });
        assert_eq!(check(&many(100).to_string(), &json!({})), Ok(()));
        assert!(refusal(&many(101), &json!({})).ends_with("it has more than 100 patterns"));
        let wide = json!({ "properties": { "a": { "pattern": "(\\w{200}){200}" } } });
        assert!(
            refusal(&wide, &json!({ "a": "b" }))
                .starts_with("the settings schema it publishes is no JSON Schema: ")
        );
    }

    #[test]
    fn what_a_reference_means_does_not_depend_on_the_way_there() {
        for (schema, told) in [
            (json!({ "$dynamicRef": "#a" }), "it uses \"$dynamicRef\"; use \"$ref\""),
            (
                json!({ "$defs": { "a": { "$id": "urn:a" } } }),
                "has an \"$id\" of its own; leave it out",
            ),
        ] {
            assert!(refusal(&schema, &json!({})).ends_with(told));
        }
        let named = json!({ "$id": "urn:mask", "properties": { "id": { "type": "string" } } });
        assert_eq!(check(&named.to_string(), &json!({ "id": "x" })), Ok(()));
    }
}
