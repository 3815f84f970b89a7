//! The settings an operator wrote for a plugin. Must not know what any plugin makes of them.

use serde::de::DeserializeOwned;

/// A plugin's settings, as the JSON object that stands under `[settings]` in its `NAME.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    json: String,
}

impl Settings {
    /// Takes a JSON object as text; in a plugin the gateway provides it.
    pub fn new(json: impl Into<String>) -> Self {
        Self { json: json.into() }
    }

    /// The settings as a type of the plugin's own. Derive `serde::Deserialize` with `deny_unknown_fields`, so that a misspelt
    /// name is refused. The error names the place and never quotes a value that is as it should be.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(&self.json).map_err(|error| format!("reading the settings: {error}"))
    }

    /// The JSON object as text.
    pub fn as_json(&self) -> &str {
        &self.json
    }
}
