//! Names of topics: patterns that select them, templates that make them, and the rule that a pipeline never reads what it
//! writes. Knows no broker.

use globset::{Glob, GlobMatcher};

use super::Pipeline;

const GLOB_MARKS: [char; 6] = ['*', '?', '[', ']', '{', '}'];

/// A topic name, or a glob over topic names.
#[derive(Clone, Debug)]
pub enum TopicPattern {
    Exact(String),
    Glob(Glob),
}

impl TopicPattern {
    /// What `text`, an entry of `from`, selects; the error says why it selects nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains(GLOB_MARKS) {
            // The kind alone: globset's whole message quotes the glob, which is shown beside it.
            let glob = Glob::new(text).map_err(|error| format!("a bad glob: {}", error.kind()))?;
            return Ok(Self::Glob(glob));
        }
        check_name(text)?;
        Ok(Self::Exact(text.to_owned()))
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exact(name) => name,
            Self::Glob(glob) => glob.glob(),
        }
    }
}

/// Text with at most one `{topic}`, checked when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub prefix: String,
    /// What follows `{topic}`; none where the template is a plain name.
    pub suffix: Option<String>,
}

impl Template {
    pub fn render(&self, topic: &str) -> String {
        match &self.suffix {
            Some(suffix) => [&self.prefix, topic, suffix].concat(),
            None => self.prefix.clone(),
        }
    }

    /// The topic from which `{topic}` itself is left as it is.
    pub fn identity() -> Self {
        Self { prefix: String::new(), suffix: Some(String::new()) }
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let template = match text.split_once("{topic}") {
            Some((prefix, suffix)) => {
                Self { prefix: prefix.to_owned(), suffix: Some(suffix.to_owned()) }
            }
            None => Self { prefix: text.to_owned(), suffix: None },
        };
        let suffix = template.suffix.as_deref().unwrap_or_default();
        if suffix.contains("{topic}") {
            return Err("\"{topic}\" can stand only once in a template".to_owned());
        }
        if [&template.prefix, suffix].iter().any(|part| part.contains(['{', '}'])) {
            return Err("only \"{topic}\" can stand between braces".to_owned());
        }
        check_name(&template.render("t"))?;
        Ok(template)
    }
}

/// Refuses what no broker takes as the name of a topic.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Err("a topic name cannot be empty".to_owned())
    } else if name.len() > 249 {
        Err("a topic name has at most 249 characters".to_owned())
    } else if matches!(name, "." | "..") {
        Err("\".\" and \"..\" are no topic names".to_owned())
    } else if !name.chars().all(is_legal) {
        Err("a topic name has only letters, digits, \".\", \"_\" and \"-\"".to_owned())
    } else {
        Ok(())
    }
}

/// Which topics a pipeline reads.
///
/// A glob often takes the pipeline's own output or dead letters too (`shop.*` takes `shop.orders.dlq`), and reading those
/// would go round for ever: what the templates make of a topic that is read, is not read.
#[derive(Clone, Debug)]
pub struct TopicFilter {
    exact: Vec<String>,
    globs: Vec<GlobMatcher>,
    written: [Template; 2],
}

impl TopicFilter {
    pub fn new(pipeline: &Pipeline) -> Self {
        Self::of(&pipeline.from, [pipeline.to.clone(), pipeline.dead_letter.clone()])
    }

    /// For what reads `from` and writes what the templates make of it.
    pub fn of(from: &[TopicPattern], written: [Template; 2]) -> Self {
        let mut filter = Self { exact: Vec::new(), globs: Vec::new(), written };
        for pattern in from {
            match pattern {
                TopicPattern::Exact(name) => filter.exact.push(name.clone()),
                TopicPattern::Glob(glob) => filter.globs.push(glob.compile_matcher()),
            }
        }
        filter
    }

    pub fn takes(&self, topic: &str) -> bool {
        self.names(topic) && !self.writes(topic)
    }

    /// Whether a template makes `topic` of a topic that the pipeline reads.
    pub(super) fn writes(&self, topic: &str) -> bool {
        self.written.iter().any(|template| match &template.suffix {
            None => template.prefix == topic,
            Some(suffix) => topic
                .strip_prefix(template.prefix.as_str())
                .and_then(|rest| rest.strip_suffix(suffix.as_str()))
                .is_some_and(|source| self.names(source)),
        })
    }

    /// Topics that begin with two underscores are Kafka's and Debezium's own: a glob takes them only if it says so.
    fn names(&self, topic: &str) -> bool {
        let is_internal = topic.starts_with("__");
        self.exact.iter().any(|name| name == topic)
            || self.globs.iter().any(|glob| {
                glob.is_match(topic) && (!is_internal || glob.glob().glob().starts_with("__"))
            })
    }
}
