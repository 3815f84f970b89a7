//! Values that the source compressed inside its records: unpacked for the plugins, packed again where they changed. What nobody
//! touched leaves in the bytes it came in.

use std::borrow::Cow;
use std::mem;
use std::ops::Range;

use super::{About, Pipeline, limit, stamp};
use crate::change::json;
use crate::compress::{Compression, Error};
use crate::outcome::{Code, Outcome, Refusal};
use crate::record::Record;

/// The values of some records, unpacked.
#[derive(Default)]
pub(super) struct Unpacked {
    bytes: Vec<u8>,
    /// Of each record: where its value is; none where it leaves as it came.
    places: Vec<Option<Range<usize>>>,
}

impl Pipeline {
    /// Carries a batch through and hands the outcome of each record, in their order, to `settle`. Where `settle` answers
    /// false the rest of the batch is left alone.
    pub fn process(
        &mut self,
        records: &[Record<'_>],
        mut settle: impl FnMut(usize, About<'_>, Outcome<'_>) -> bool,
    ) {
        let limits = self.settings.limits;
        self.held.clear();
        let mark = self.stamp.clone();
        self.undecoded.clear();
        let Some(compression) = self.settings.compression else {
            self.batch(records, |number, about, outcome| {
                settle(number, about, finished(mark.as_deref(), limits.record_bytes, outcome))
            });
            return;
        };
        let mut unpacked = mem::take(&mut self.unpacked);
        let mut done = 0;
        while let Some(rest) = records.get(done..).filter(|rest| !rest.is_empty()) {
            self.undecoded.clear();
            let taken =
                unpacked.fill(compression, limits.in_flight_bytes, rest, &mut self.undecoded);
            let packed = rest.get(..taken).unwrap_or_default();
            let plain = unpacked.records(packed);
            let go_on = self.batch(&plain, |number, about, outcome| {
                let outcome = match packed.get(number) {
                    Some(packed) => unpacked.packed(number, compression, packed, outcome),
                    None => outcome,
                };
                let outcome = finished(mark.as_deref(), limits.record_bytes, outcome);
                settle(done + number, about, outcome)
            });
            if !go_on {
                break;
            }
            done += taken;
        }
        self.unpacked = unpacked;
    }
}

/// As it leaves: marked, and no larger than Kafka takes.
fn finished<'a>(mark: Option<&[u8]>, limit: usize, outcome: Outcome<'a>) -> Outcome<'a> {
    limit::within(limit, stamp::stamped(mark, outcome))
}

impl Unpacked {
    /// Unpacks the values of the first of `records`, until together they have `most` bytes, and notes in `refused` why one could
    /// not be: there is one entry for each record taken. Gives their number, at least one.
    fn fill(
        &mut self,
        compression: Compression,
        most: usize,
        records: &[Record<'_>],
        refused: &mut Vec<Option<Refusal>>,
    ) -> usize {
        self.bytes.clear();
        self.places.clear();
        for record in records {
            let start = self.bytes.len();
            if start >= most {
                break;
            }
            let value = record.value.filter(|value| !is_plain(value));
            let result = value.map(|value| compression.unpack(value, most, &mut self.bytes));
            let end = self.bytes.len();
            match result {
                Some(Ok(())) => self.places.push(Some(start..end)),
                Some(Err(_)) | None => {
                    self.bytes.truncate(start);
                    self.places.push(None);
                }
            }
            // What begins like an object is read as one, and if it is none, refused for that.
            let error = result.and_then(Result::err);
            let error = error.filter(|error| *error != Error::Broken || !begins_an_object(record));
            refused.push(error.map(|error| refusal(error, compression, most)));
        }
        self.places.len()
    }

    fn value(&self, number: usize) -> Option<&[u8]> {
        self.bytes.get(self.places.get(number)?.clone()?)
    }

    /// The records with their values unpacked.
    fn records<'u>(&'u self, packed: &[Record<'u>]) -> Vec<Record<'u>> {
        let unpacked = |(number, record): (usize, &Record<'u>)| Record {
            value: self.value(number).or(record.value),
            ..record.clone()
        };
        packed.iter().enumerate().map(unpacked).collect()
    }

    /// What became of a record, its value packed as it came: in the output, and in the dead letter that shows what may be shown.
    /// What plugins emitted beside it is theirs, and stays as they wrote it.
    fn packed<'u>(
        &'u self,
        number: usize,
        compression: Compression,
        came: &Record<'u>,
        mut outcome: Outcome<'u>,
    ) -> Outcome<'u> {
        let Some(unpacked) = self.value(number) else { return outcome };
        let value = match &mut outcome {
            Outcome::Forward { record, .. } => &mut record.value,
            Outcome::DeadLetter { kept, .. } => &mut kept.value,
            Outcome::Drop(_) | Outcome::Replace(_) | Outcome::Halt(_) | Outcome::Hold(_) => {
                return outcome;
            }
        };
        *value = match value.take() {
            None => None,
            Some(Cow::Borrowed(value)) if std::ptr::eq(value, unpacked) => {
                came.value.map(Cow::Borrowed)
            }
            Some(value) => Some(Cow::Owned(compression.pack(&value))),
        };
        outcome
    }
}

/// Whether a value is no packed one: `large-message-handle-compression` may have been switched on later. A packed value can begin
/// like an object, but not be one to its end.
fn is_plain(value: &[u8]) -> bool {
    json::document(value).is_ok_and(|whole| whole.of(value).starts_with(b"{"))
}

fn begins_an_object(record: &Record<'_>) -> bool {
    let value = record.value.unwrap_or_default();
    let text = value.strip_prefix("\u{feff}".as_bytes()).unwrap_or(value);
    text.trim_ascii_start().starts_with(b"{")
}

#[cold]
fn refusal(error: Error, compression: Compression, most: usize) -> Refusal {
    let name = compression.as_str();
    match error {
        Error::Broken => Refusal::new(
            Code::Undecodable,
            format!(
                "the value is neither JSON nor compressed with {name}, as `compression` says, or it is damaged"
            ),
        ),
        Error::TooLarge => Refusal::new(
            Code::TooLarge,
            format!(
                "the value, compressed with {name}, has more than {most} bytes when it is unpacked; raise in_flight_bytes"
            ),
        ),
    }
}
