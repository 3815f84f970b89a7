//! Records in files, in the two formats that commands read and write. Byte-exact both ways; must not know what a record says.

mod read;
mod write;

use clap::ValueEnum;

pub use self::read::Reader;
pub use self::write::Writer;
pub use crate::record::Copies as Batch;

/// The most records, and about the most bytes, that are held at a time.
pub const BATCH_RECORDS: usize = 1_024;
const BATCH_BYTES: usize = 8 << 20;
/// A longer line is no record: brokers take 1 MB unless told otherwise, and some are told 100.
const LONGEST_LINE: usize = 256 << 20;

/// How records stand in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One record's value a line
    #[default]
    Lines,
    /// One JSON object a line, with topic, partition, offset, timestamp, key, value and headers
    Records,
}

#[cfg(test)]
mod tests;
