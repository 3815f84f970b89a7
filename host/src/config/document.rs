//! One TOML file between its text and its raw types: secrets are put in, and every error finds its place in the text. Knows
//! no key of its own.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use super::error::Error;
use super::secrets::{self, Surroundings};

/// The text of a file, for as long as errors may point into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'t> {
    path: &'t Path,
    text: &'t str,
}

/// A document's tree, with the values of its secrets in place.
pub(super) struct Tree<'t> {
    pub(super) table: Spanned<DeTable<'t>>,
    pub(super) secret_files: Vec<PathBuf>,
}

impl<'t> Document<'t> {
    pub(super) fn new(path: &'t Path, text: &'t str) -> Self {
        Self { path, text }
    }

    pub(super) fn path(&self) -> &'t Path {
        self.path
    }

    /// The folder that relative paths in the document start from.
    pub(super) fn folder(&self) -> &'t Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    pub(super) fn parse(&self, surroundings: &dyn Surroundings) -> Result<Tree<'t>, Error> {
        let mut table = DeTable::parse(self.text).map_err(|error| self.rephrase(&error))?;
        let secret_files = secrets::expand(self, table.get_mut(), surroundings)?;
        Ok(Tree { table, secret_files })
    }

    pub(super) fn read<T: DeserializeOwned>(
        &self,
        table: Spanned<DeTable<'t>>,
    ) -> Result<T, Error> {
        T::deserialize(Deserializer::from(table)).map_err(|error| self.rephrase(&error))
    }

    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>) -> Error {
        Error::at(self.path, self.text, span, message.into())
    }

    /// Serde's words in ours, and without the value that it would quote.
    fn rephrase(&self, error: &toml::de::Error) -> Error {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        let first = quoted.next().unwrap_or_default();
        if message.starts_with("unknown field") {
            let known: Vec<&str> = quoted.collect();
            return self
                .error(span, format!("there is no key \"{first}\" here"))
                .help(suggestion(first, &known));
        }
        if message.starts_with("missing field") {
            return self.error(span, format!("key \"{first}\" is missing"));
        }
        match found_and_expected(message) {
            Some((found, expected)) => {
                let (found, expected) = (in_toml(found), in_toml(expected));
                let error = self.error(span, format!("expected {expected}, found {found}"));
                error.maybe_help(list_advice(expected, found).map(str::to_owned))
            }
            None => self.error(span, message.replace('`', "\"")),
        }
    }
}

/// Serde's name of a type as TOML calls it.
fn in_toml(name: &str) -> &str {
    match name {
        "sequence" => "list",
        "a sequence" => "a list",
        "map" => "table",
        "a map" => "a table",
        name if name.starts_with("struct ") => "a table",
        name => name,
    }
}

/// How to write the one thing of which a list is to consist.
fn list_advice(expected: &str, found: &str) -> Option<&'static str> {
    match (expected, found) {
        ("a list", "string") => Some("write it between brackets, as in [\"...\"]"),
        ("a list", "table") => {
            Some("a table of which there may be several stands in two brackets, as in [[pipeline]]")
        }
        _ => None,
    }
}

/// The parts of serde's ``invalid type: string `secret`, expected a boolean``, the value left out.
fn found_and_expected(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("invalid type: ")?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let kind = found.split(['`', '"']).next().unwrap_or(found).trim_end();
    Some((kind, expected))
}

/// The nearest of `known`, or all of them.
pub(super) fn suggestion(typed: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(3) / 3)
        .min();
    match near {
        Some((_, name)) => format!("did you mean \"{name}\"?"),
        None => format!("known here: {}", known.join(", ")),
    }
}
