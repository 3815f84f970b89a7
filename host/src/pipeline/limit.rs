//! What becomes of an outcome that is larger than Kafka takes. Pure.

use crate::outcome::{Code, Kept, Outcome, Refusal, Shown};
use crate::record::Output;

/// Turns what Kafka would refuse into a dead letter. It holds no payload: that would be as large again.
pub(super) fn within<'a>(limit: usize, outcome: Outcome<'a>) -> Outcome<'a> {
    let largest = match &outcome {
        Outcome::Forward { record, emissions } => {
            emissions.iter().map(Output::size).chain([record.size()]).max()
        }
        Outcome::Replace(emissions) => emissions.iter().map(Output::size).max(),
        Outcome::DeadLetter { refusal, kept } if kept.size() > limit => {
            let kept = Kept { payload: Shown::Nothing, ..Kept::default() };
            return Outcome::DeadLetter { refusal: refusal.clone(), kept };
        }
        Outcome::Drop(_) | Outcome::DeadLetter { .. } | Outcome::Halt(_) | Outcome::Hold(_) => None,
    };
    match largest.filter(|size| *size > limit) {
        None => outcome,
        Some(size) => {
            let reason = format!(
                "the output has {size} bytes, the limit is {limit}; raise record_bytes here and \
                 max.message.bytes on the topic, or let a plugin make it smaller"
            );
            let refusal = Refusal::new(Code::TooLarge, reason);
            let kept = Kept { payload: Shown::Nothing, ..Kept::default() };
            Outcome::DeadLetter { refusal, kept }
        }
    }
}
