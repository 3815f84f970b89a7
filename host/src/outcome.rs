//! What became of a record. Every record read ends in exactly one of these; which of them may be committed is the tracker's
//! business.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::contract::FaultClass;
use crate::record::{self, Output, OutputHeader};

/// The end of a record's journey.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// Write `record`, then each of `emissions`, in this order.
    Forward { record: Output<'a>, emissions: Vec<Output<'a>> },
    /// A plugin or a policy decided that the record ends here.
    Drop(DropCause),
    /// The record ends here, but plugins made these in its place.
    Replace(Vec<Output<'a>>),
    /// Keep the record and the reason on the dead-letter topic.
    DeadLetter { refusal: Refusal, kept: Kept<'a> },
    /// Nothing of this partition may go on from here until someone mends the cause.
    Halt(Refusal),
    /// Nothing of this partition may go on from here until the plugin may be called again.
    Hold(Hold),
}

/// Why a record waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub plugin: Arc<Identity>,
    /// As in [`Refusal::reason`].
    pub reason: String,
    /// When to try again.
    pub until: Instant,
}

/// What a dead letter shows of its record, as `dead_letter_payload` decided.
#[derive(Debug, Default)]
pub struct Kept<'a> {
    pub key: Option<Cow<'a, [u8]>>,
    pub value: Option<Cow<'a, [u8]>>,
    pub headers: Vec<OutputHeader<'a>>,
    pub payload: Shown,
}

impl Kept<'_> {
    /// Bytes of key, value and headers together.
    pub fn size(&self) -> usize {
        record::size(self.key.as_deref(), self.value.as_deref(), &self.headers)
    }
}

/// How much of the record a dead letter shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Key, value and headers as they came.
    #[default]
    Whole,
    /// Cells that plugins write are replaced.
    Masked,
    /// Neither key, value nor headers.
    Nothing,
}

impl Shown {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "raw",
            Self::Masked => "masked",
            Self::Nothing => "omitted",
        }
    }
}

/// Who decided that a record ends here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropCause {
    Plugin(Arc<str>),
    /// The policy for its class, or `on_fault = "drop"`.
    Policy,
    /// A tombstone whose delete was dropped.
    FollowsDelete,
}

/// Why a record could not be transformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    /// The gateway's own words; they never quote data of the record.
    pub reason: String,
    /// The plugin's own words, which may. They are as long as [`Self::LONGEST_WORDS`] at most.
    pub said: Option<String>,
    /// None where no plugin took part.
    pub plugin: Option<Arc<Identity>>,
    /// How often it was tried, from 1.
    pub attempt: u32,
    /// None where no call failed.
    pub fault: Option<FaultClass>,
    /// As [`crate::contract::Fault::frames`].
    pub frames: Vec<String>,
    /// Later records with the same key follow this one.
    pub parks_key: bool,
    /// The offset of the refused record whose key it has; none where it was refused for itself.
    pub follows: Option<i64>,
}

/// Which plugin, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The file name without the leading number and the extension.
    pub name: Arc<str>,
    /// As the plugin's `describe` gives it.
    pub version: String,
    /// SHA-256 of the file's bytes, lower-case hex.
    pub digest: String,
}

impl Refusal {
    pub fn new(code: Code, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            said: None,
            plugin: None,
            attempt: 1,
            fault: None,
            frames: Vec::new(),
            parks_key: false,
            follows: None,
        }
    }

    pub fn by(code: Code, plugin: &Arc<Identity>, reason: impl Into<String>) -> Self {
        Self { plugin: Some(Arc::clone(plugin)), ..Self::new(code, reason) }
    }

    /// Characters of a plugin's own words that are kept.
    pub const LONGEST_WORDS: usize = 256;

    /// With what the plugin said of it, cut where it says too much.
    pub fn said(self, words: Option<&str>) -> Self {
        let cut = |words: &str| match words.char_indices().nth(Self::LONGEST_WORDS) {
            Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
            None => words.to_owned(),
        };
        Self { said: words.map(cut), ..self }
    }

    /// Without what the plugin said, which may hold what must not leave.
    pub fn without_words(mut self) -> Self {
        if self.said.take().is_some() {
            self.reason.push_str("; its own words are withheld");
        }
        self
    }

    /// All that is known, the plugin's words behind ours.
    pub fn in_full(&self) -> String {
        match &self.said {
            Some(said) => format!("{}: {said}", self.reason),
            None => self.reason.clone(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.plugin {
            Some(plugin) => {
                write!(f, "{} by plugin \"{}\": {}", self.code, plugin.name, self.in_full())
            }
            None => write!(f, "{}: {}", self.code, self.in_full()),
        }
    }
}

/// The closed list of reasons, as dead letters, metrics and logs spell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    Undecodable,
    UnknownClass,
    PluginRejected,
    PluginTrapped,
    PluginTimeout,
    PluginOutOfMemory,
    ContractViolated,
    ProtectedInClear,
    TooLarge,
    SchemaUnknown,
}

impl Code {
    pub const ALL: [Self; 10] = [
        Self::Undecodable,
        Self::UnknownClass,
        Self::PluginRejected,
        Self::PluginTrapped,
        Self::PluginTimeout,
        Self::PluginOutOfMemory,
        Self::ContractViolated,
        Self::ProtectedInClear,
        Self::TooLarge,
        Self::SchemaUnknown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::UnknownClass => "unknown-class",
            Self::PluginRejected => "plugin-rejected",
            Self::PluginTrapped => "plugin-trapped",
            Self::PluginTimeout => "plugin-timeout",
            Self::PluginOutOfMemory => "plugin-out-of-memory",
            Self::ContractViolated => "contract-violated",
            Self::ProtectedInClear => "protected-in-clear",
            Self::TooLarge => "too-large",
            Self::SchemaUnknown => "schema-unknown",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
