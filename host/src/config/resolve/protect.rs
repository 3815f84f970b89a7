//! Columns that are protected or listed, and what else in a pipeline would let protected values out.

use std::ops::Range;

use toml::Spanned;

use crate::change::Class;
use crate::config::document::Document;
use crate::config::error::Error;
use crate::config::raw::{self, Text};
use crate::config::{ClassPolicy, ColumnPattern, Payload, Pipeline};

pub(super) fn column_patterns(
    document: &Document<'_>,
    typed: &[Text],
) -> Result<Vec<ColumnPattern>, Error> {
    let pattern = |typed: &Text| {
        ColumnPattern::parse(typed.get_ref()).map_err(|why| document.error(typed.span(), why))
    };
    typed.iter().map(pattern).collect()
}

/// The columns of `protect`. A place inside one is a place, not many: a wildcard would be taken for a name and guard nothing.
pub(super) fn protected(
    document: &Document<'_>,
    typed: &[Text],
) -> Result<Vec<ColumnPattern>, Error> {
    let patterns = column_patterns(document, typed)?;
    for (typed, pattern) in typed.iter().zip(&patterns) {
        if ["*", "**"].into_iter().any(|wildcard| pattern.pointer().has_token(wildcard)) {
            let message = "the place inside a protected column has no wildcards";
            let help = "protect the whole column, or the part that holds all of them";
            return Err(document.error(typed.span(), message).help(help));
        }
    }
    Ok(patterns)
}

/// Where keys stand that could undo `protect`.
pub(super) struct Spans {
    payload: Range<usize>,
    unknown: Range<usize>,
}

impl Spans {
    pub(super) fn of(raw: &raw::Pipeline) -> Self {
        let payload = raw.dead_letter_payload.as_ref().map_or(0..0, Spanned::span);
        let unknown =
            raw.classes.iter().find(|(class, _)| class.get_ref() == Class::Unknown.as_str());
        Self { payload, unknown: unknown.map_or(0..0, |(_, policy)| policy.span()) }
    }
}

/// Refuses what would let out in clear what nobody looked into.
pub(super) fn check(
    document: &Document<'_>,
    pipeline: &Pipeline,
    spans: Spans,
) -> Result<(), Error> {
    if pipeline.protect.is_empty() {
        return Ok(());
    }
    if pipeline.dead_letter_payload == Payload::Raw {
        let message = "dead letters in clear would let out what \"protect\" names";
        let help = "write \"masked\" or \"omit\"";
        return Err(document.error(spans.payload, message).help(help));
    }
    if pipeline.classes.get(&Class::Unknown) == Some(&ClassPolicy::Pass) {
        let message = "a record that nobody can read may hold what \"protect\" names";
        let help = "write \"dead-letter\", \"halt\" or \"drop\", or give such topics a pipeline of their own";
        return Err(document.error(spans.unknown, message).help(help));
    }
    Ok(())
}
