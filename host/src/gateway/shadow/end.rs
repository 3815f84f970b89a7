//! What became of one record in one of the chains, kept until the other has had it too. Must not know how it is shown.

use std::sync::Arc;

use crate::outcome::{Outcome, Refusal};
use crate::record::{Output, OutputHeader, Partition};

/// The end of a record's journey, without what its dead letter would hold.
#[derive(Debug)]
pub(super) enum End {
    /// The first is the record, the others plugins made beside it.
    Forward(Sent, Vec<Sent>),
    Replace(Vec<Sent>),
    Drop,
    DeadLetter(Refusal),
    Halt(Refusal),
    Hold,
}

/// An output that is not sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) topic: Arc<str>,
    pub(super) partition: Partition,
    pub(super) timestamp: Option<i64>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<OutputHeader<'static>>,
}

impl End {
    pub(super) fn of(outcome: Outcome<'_>) -> Self {
        let sent = |outputs: Vec<Output<'_>>| outputs.into_iter().map(Sent::of).collect();
        match outcome {
            Outcome::Forward { record, emissions } => {
                Self::Forward(Sent::of(record), sent(emissions))
            }
            Outcome::Replace(emissions) => Self::Replace(sent(emissions)),
            Outcome::Drop(_) => Self::Drop,
            Outcome::DeadLetter { refusal, .. } => Self::DeadLetter(refusal),
            Outcome::Halt(refusal) => Self::Halt(refusal),
            Outcome::Hold(_) => Self::Hold,
        }
    }

    /// Why the record did not pass; none where it did, or was dropped.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::DeadLetter(refusal) | Self::Halt(refusal) => Some(refusal),
            Self::Forward(..) | Self::Replace(_) | Self::Drop | Self::Hold => None,
        }
    }
}

/// Whether the same leaves. Why a record was refused may be told in other words, and by another version.
impl PartialEq for End {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Forward(a, beside_a), Self::Forward(b, beside_b)) => {
                a == b && beside_a == beside_b
            }
            (Self::Replace(a), Self::Replace(b)) => a == b,
            (Self::Drop, Self::Drop) | (Self::Hold, Self::Hold) => true,
            (Self::DeadLetter(a), Self::DeadLetter(b)) | (Self::Halt(a), Self::Halt(b)) => {
                a.code == b.code
            }
            _ => false,
        }
    }
}

impl Sent {
    fn of(output: Output<'_>) -> Self {
        let header = |header: OutputHeader<'_>| OutputHeader {
            name: header.name.into_owned().into(),
            value: header.value.map(|value| value.into_owned().into()),
        };
        Self {
            topic: output.topic,
            partition: output.partition,
            timestamp: output.timestamp,
            key: output.key.map(|key| key.into_owned()),
            value: output.value.map(|value| value.into_owned()),
            headers: output.headers.into_iter().map(header).collect(),
        }
    }

    /// Bytes of key, value and headers together.
    pub(super) fn size(&self) -> usize {
        crate::record::size(self.key.as_deref(), self.value.as_deref(), &self.headers)
    }
}
