//! The mark of the chain that an output went through. Pure.

use std::borrow::Cow;

use crate::outcome::Outcome;
use crate::record::{Output, OutputHeader};

/// Where an output names its chain.
const HEADER: &[u8] = b"lockgate.chain";

/// Marks every output; a dead letter gets its mark with its other headers, whatever is left of those of its record.
pub(super) fn stamped<'a>(stamp: Option<&[u8]>, mut outcome: Outcome<'a>) -> Outcome<'a> {
    let Some(digest) = stamp else { return outcome };
    let mark = |output: &mut Output<'a>| output.headers.push(header(digest));
    match &mut outcome {
        Outcome::Forward { record, emissions } => {
            mark(record);
            emissions.iter_mut().for_each(mark);
        }
        Outcome::Replace(emissions) => emissions.iter_mut().for_each(mark),
        Outcome::Drop(_) | Outcome::DeadLetter { .. } | Outcome::Halt(_) | Outcome::Hold(_) => {}
    }
    outcome
}

/// The header of an output of the chain with this digest.
pub fn header(digest: &[u8]) -> OutputHeader<'static> {
    OutputHeader { name: Cow::Borrowed(HEADER), value: Some(Cow::Owned(digest.to_vec())) }
}
