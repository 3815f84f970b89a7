//! What a reader of the configuration is shown: file, line, the line itself, a caret. Knows no key and no meaning.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why a configuration cannot be used. Never quotes a value: the values of secrets are put in before they are read.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    path: PathBuf,
    place: Option<Box<Place>>,
    message: String,
    help: Option<String>,
    source: Option<io::Error>,
}

/// Where in the file, counted from 1, and the line as it was typed.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    text: String,
    width: usize,
}

impl Error {
    pub(super) fn at(path: &Path, text: &str, span: Range<usize>, message: String) -> Self {
        let place = Some(Box::new(Place::find(text, span)));
        Self { path: path.to_owned(), place, message, help: None, source: None }
    }

    /// The file as a whole could not be read.
    pub(super) fn reading(path: &Path, source: io::Error) -> Self {
        let message = match source.kind() {
            io::ErrorKind::NotFound => "reading the configuration (--config gives another)",
            _ => "reading the configuration",
        };
        Self {
            path: path.to_owned(),
            place: None,
            message: message.to_owned(),
            help: None,
            source: Some(source),
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

impl Place {
    fn find(text: &str, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let marked = text.get(span.clone()).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(start..).unwrap_or_default().chars().count() + 1,
            text: line.to_owned(),
            width: marked.chars().count().max(1),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        let Some(place) = &self.place else { return write!(f, " {}", self.message) };
        write!(f, "{}:{}: {}", place.line, place.column, self.message)?;
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs are kept, so that the caret stands under its text whatever a tab's width is.
        let indent: String = place
            .text
            .chars()
            .take(place.column - 1)
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        write!(f, "\n{margin} |\n{number} | {}\n", place.text)?;
        write!(f, "{margin} | {indent}{}", "^".repeat(place.width))?;
        match &self.help {
            Some(help) => write!(f, "\n{margin} = {help}"),
            None => Ok(()),
        }
    }
}
