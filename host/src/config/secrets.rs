//! Puts the values of `${env:NAME}` and `${file:PATH}` into a document. Errors name the place, never the value.

use std::env;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::error::Error;

/// Where values outside the file come from.
pub(super) trait Surroundings {
    fn variable(&self, name: &str) -> Result<String, env::VarError>;
    fn file(&self, path: &Path) -> io::Result<String>;
}

/// The process's own environment and file system.
pub(super) struct Process;

impl Surroundings for Process {
    fn variable(&self, name: &str) -> Result<String, env::VarError> {
        env::var(name)
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        fs::read_to_string(path)
    }
}

/// Replaces the places in every string value, and lists the files that were read.
pub(super) fn expand(
    document: &Document<'_>,
    table: &mut DeTable<'_>,
    surroundings: &dyn Surroundings,
) -> Result<Vec<PathBuf>, Error> {
    let mut expansion = Expansion { document, surroundings, files: Vec::new() };
    for (_, value) in table.iter_mut() {
        let span = value.span();
        expansion.value(value.get_mut(), span)?;
    }
    expansion.files.sort();
    expansion.files.dedup();
    Ok(expansion.files)
}

struct Expansion<'d> {
    document: &'d Document<'d>,
    surroundings: &'d dyn Surroundings,
    files: Vec<PathBuf>,
}

impl Expansion<'_> {
    fn value(&mut self, value: &mut DeValue<'_>, span: Range<usize>) -> Result<(), Error> {
        match value {
            DeValue::String(text) if text.contains("${") => {
                *text = self.text(text, span)?.into();
            }
            DeValue::Array(items) => {
                for item in items.iter_mut() {
                    let span = item.span();
                    self.value(item.get_mut(), span)?;
                }
            }
            DeValue::Table(table) => {
                for (_, item) in table.iter_mut() {
                    let span = item.span();
                    self.value(item.get_mut(), span)?;
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str, span: Range<usize>) -> Result<String, Error> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(literal) = before.strip_suffix('$') {
                expanded.push_str(literal);
                expanded.push_str("${");
                rest = after;
                continue;
            }
            let Some((place, after)) = after.split_once('}') else {
                let error = self.document.error(span, "\"${\" without its \"}\"");
                return Err(error.help("a literal \"${\" is written \"$${\""));
            };
            expanded.push_str(before);
            expanded.push_str(&self.place(place, span.clone())?);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn place(&mut self, place: &str, span: Range<usize>) -> Result<String, Error> {
        match place.split_once(':') {
            Some(("env", name)) => self.variable(name, span),
            Some(("file", path)) => self.file(path, span),
            _ => {
                let message = format!("\"${{{place}}}\" is not known");
                let help = "write ${env:NAME} or ${file:PATH}; a literal \"${\" is written \"$${\"";
                Err(self.document.error(span, message).help(help))
            }
        }
    }

    fn variable(&self, name: &str, span: Range<usize>) -> Result<String, Error> {
        let why = match self.surroundings.variable(name) {
            Ok(value) if value.is_empty() => "empty",
            Ok(value) => return Ok(value),
            Err(env::VarError::NotPresent) => "not set",
            Err(env::VarError::NotUnicode(_)) => "not UTF-8",
        };
        Err(self.document.error(span, format!("the environment variable \"{name}\" is {why}")))
    }

    fn file(&mut self, path: &str, span: Range<usize>) -> Result<String, Error> {
        let path = self.document.folder().join(path);
        let name = path.display();
        let read = self.surroundings.file(&path);
        // The cause stands in the message: after the caret, at the end of a chain, it would be lost.
        let mut value = read.map_err(|cause| {
            let message = format!("reading the secret file \"{name}\": {cause}");
            self.document.error(span.clone(), message)
        })?;
        // Editors and `echo` end a file with a newline that is not part of the secret.
        let kept = value.trim_end_matches(['\n', '\r']).len();
        value.truncate(kept);
        if value.is_empty() {
            return Err(self.document.error(span, format!("the secret file \"{name}\" is empty")));
        }
        self.files.push(path);
        Ok(value)
    }
}
