//! What became of a record. Every record read ends in exactly one of these; which of them may be committed is the tracker's
//! business.

use std::fmt;
use std::sync::Arc;

use crate::record::Output;

/// The end of a record's journey.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// Write `record`, then each of `emissions`, in this order.
    Forward { record: Output<'a>, emissions: Vec<Output<'a>> },
    /// A plugin or a policy decided that the record ends here.
    Drop(DropCause),
    /// Keep the record and the reason on the dead-letter topic.
    DeadLetter(Refusal),
    /// Nothing of this partition may go on from here until someone mends the cause.
    Halt(Refusal),
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

/// Why a record could not be transformed. `reason` never quotes data of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    pub reason: String,
    /// None where no plugin took part.
    pub plugin: Option<Arc<Identity>>,
    /// How often it was tried, from 1.
    pub attempt: u32,
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
        Self { code, reason: reason.into(), plugin: None, attempt: 1 }
    }

    pub fn by(code: Code, plugin: &Arc<Identity>, reason: impl Into<String>) -> Self {
        Self { plugin: Some(Arc::clone(plugin)), ..Self::new(code, reason) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.plugin {
            Some(plugin) => {
                write!(f, "{} by plugin \"{}\": {}", self.code, plugin.name, self.reason)
            }
            None => write!(f, "{}: {}", self.code, self.reason),
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
