//! The contract of `wit/plugin.wit` as plain Rust values, so that the chain, the outcome check and their tests need no
//! WebAssembly. Must not know wasmtime; `plugin/bindings` converts, mostly by moving vectors.

use std::fmt;

use crate::outcome::Code;
use crate::table::Table;

/// Where a field lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Image {
    Before,
    After,
    Key,
    Header,
    Meta,
}

/// One named place in an event. A non-empty `pointer` (RFC 6901) reaches into a JSON cell, also into JSON kept in a string.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field {
    pub image: Image,
    pub name: String,
    pub pointer: String,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Key => "key",
            Self::Header => "header",
            Self::Meta => "meta",
        })
    }
}

/// As settings and messages spell it: `after.profile#/contact/email`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.image, self.name)?;
        if self.pointer.is_empty() { Ok(()) } else { write!(f, "#{}", self.pointer) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    pub column: Field,
    pub to: String,
}

/// What a plugin wants of one table, decided once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub reads: Vec<Field>,
    pub writes: Vec<Field>,
    pub removes: Vec<Field>,
    pub renames: Vec<Rename>,
    /// Operation codes it wants to see; empty for all.
    pub operations: Vec<u8>,
    pub independent: bool,
}

/// The codes of `cells.kinds`. More may come: what is not listed here is refused in an edit.
pub mod kind {
    pub const ABSENT: u8 = 0;
    pub const NULL: u8 = 1;
    /// The text `true` or `false`.
    pub const BOOLEAN: u8 = 2;
    /// Text, exact.
    pub const NUMBER: u8 = 3;
    /// UTF-8, unescaped.
    pub const STRING: u8 = 4;
    /// An object or array, raw.
    pub const JSON: u8 = 5;
    pub const BYTES: u8 = 6;
    /// The database did not send it.
    pub const UNAVAILABLE: u8 = 7;
}

/// One field over all rows of a batch, on its way in. `kinds` and `ends` have one entry a row; row i is
/// `data[ends[i-1]..ends[i]]`, the first row starts at 0, a cell without bytes repeats the end before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    pub kinds: Vec<u8>,
    pub ends: Vec<u32>,
    pub data: Vec<u8>,
}

/// What `process` is called with; borrows the chain's gathering buffers.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    pub table: u32,
    /// One operation code a row.
    pub operations: &'a [u8],
    /// In the order of the plan's reads.
    pub reads: &'a [Cells],
}

/// New cells for some rows of the plan's `writes[write]`. Unchecked until `outcome_check` has seen it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    pub write: u32,
    pub rows: Vec<u32>,
    pub cells: Cells,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub row: u32,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmissionHeader {
    pub name: String,
    pub value: Option<Vec<u8>>,
}

/// A record of the plugin's own making, sent right after its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emission {
    pub row: u32,
    pub topic: String,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<EmissionHeader>,
}

/// A plugin's answer to a batch. Row numbers ascend in each list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub drops: Vec<u32>,
    pub rejections: Vec<Rejection>,
    pub edits: Vec<Edit>,
    pub emissions: Vec<Emission>,
}

/// A plugin that can be called: an instance on one lane, or a stand-in in a test.
///
/// After an `Err` the implementation has already thrown its state away; the next call meets a fresh instance.
pub trait Transform: Send {
    /// Asks for the plan of `table`; none where the plugin is not interested.
    fn open_table(&mut self, table: &Table) -> Result<Option<Plan>, Fault>;

    /// Hands over one batch. The answer is as the plugin gave it: nothing of it is checked yet.
    fn process(&mut self, batch: Batch<'_>) -> Result<Answer, Fault>;

    /// Throws the state away: the last answer was found to break the contract, and `fault` says how.
    fn discard(&mut self, _fault: &Fault) {}
}

/// Why a call into a plugin gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub class: FaultClass,
    /// The gateway's own words: functions and limits, never data.
    pub message: String,
    /// The plugin's own words, capped and escaped. They may hold data: not for whoever may not see a protected column.
    pub said: Option<String>,
    /// Functions of the plugin that were running, innermost first.
    pub frames: Vec<String>,
}

impl Fault {
    pub fn new(class: FaultClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), said: None, frames: Vec::new() }
    }
}

/// With the plugin's own words behind ours.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.said.as_ref().map_or(Ok(()), |said| write!(f, ": {said}"))
    }
}

impl std::error::Error for Fault {}

/// The closed list of fault classes, as metrics spell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultClass {
    /// The plugin answered with its own error text.
    Rejected,
    Trap,
    StackOverflow,
    MemoryFault,
    Timeout,
    OutOfMemory,
    /// It handed over more bytes than one call may.
    Transfer,
    /// What it handed over is no value of the contract (bad UTF-8, a list out of bounds).
    BadValue,
    /// The answer broke its plan.
    ContractViolated,
    /// The gateway could not run it, whatever the plugin is like: no event is to blame.
    NotRun,
}

impl FaultClass {
    pub const ALL: [Self; 10] = [
        Self::Rejected,
        Self::Trap,
        Self::StackOverflow,
        Self::MemoryFault,
        Self::Timeout,
        Self::OutOfMemory,
        Self::Transfer,
        Self::BadValue,
        Self::ContractViolated,
        Self::NotRun,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Trap => "trap",
            Self::StackOverflow => "stack-overflow",
            Self::MemoryFault => "memory-fault",
            Self::Timeout => "timeout",
            Self::OutOfMemory => "out-of-memory",
            Self::Transfer => "transfer",
            Self::BadValue => "bad-value",
            Self::ContractViolated => "contract-violated",
            Self::NotRun => "not-run",
        }
    }

    /// The refusal code of a record that met this fault.
    pub fn code(self) -> Code {
        match self {
            Self::Rejected => Code::PluginRejected,
            Self::Trap | Self::StackOverflow | Self::MemoryFault => Code::PluginTrapped,
            Self::Timeout | Self::NotRun => Code::PluginTimeout,
            Self::OutOfMemory => Code::PluginOutOfMemory,
            Self::Transfer | Self::BadValue | Self::ContractViolated => Code::ContractViolated,
        }
    }
}
