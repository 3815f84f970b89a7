//! Makes a fetch answer of krafka's broker what a real one gives: no more than was asked for, and an error below the start
//! of the log. Pure.

use std::collections::HashMap;

use super::wire::{Reader, Writer};

const OFFSET_OUT_OF_RANGE: i16 = 1;

/// What a request asks, by topic and partition.
type AskedOf<'a> = HashMap<(&'a str, i32), Asked>;

/// What a request asks of one partition.
#[derive(Clone, Copy)]
struct Asked {
    offset: i64,
    max_bytes: usize,
}

/// Rewrites the answer (version 11) to the request whose body is `request`; None where either makes no sense.
pub(super) fn shape(request: Reader<'_>, answer: &[u8]) -> Option<Vec<u8>> {
    let (mut budget, asked) = asked(request)?;
    let mut reader = Reader::new(answer);
    let mut out = Writer::default();
    // Correlation, throttle, error, session.
    out.raw(reader.take(14)?);
    let topics = reader.array()?;
    out.array(topics);
    for _ in 0..topics {
        let topic = reader.string()?;
        let partitions = reader.array()?;
        out.string(topic).array(partitions);
        for _ in 0..partitions {
            let partition = reader.i32()?;
            let error = reader.i16()?;
            let marks = reader.take(16)?;
            let log_start = reader.i64()?;
            let aborted = reader.array()?;
            let aborted = (aborted, reader.take(aborted * 16)?);
            let replica = reader.i32()?;
            let records = reader.bytes()?.unwrap_or_default();
            let asked = asked.get(&(topic, partition))?;
            let lost = error == 0 && asked.offset < log_start;
            let records = if lost { &[] } else { cut(records, asked.max_bytes.min(budget)) };
            budget = budget.saturating_sub(records.len());
            out.i32(partition).i16(if lost { OFFSET_OUT_OF_RANGE } else { error }).raw(marks);
            out.i64(log_start).array(aborted.0).raw(aborted.1).i32(replica).bytes(records);
        }
    }
    Some(out.frame)
}

/// The most bytes the whole answer may have, and what is asked of each partition.
fn asked(mut request: Reader<'_>) -> Option<(usize, AskedOf<'_>)> {
    // Replica, longest wait, fewest bytes.
    request.take(12)?;
    let budget = usize::try_from(request.i32()?).ok()?;
    // Isolation, session, epoch.
    request.take(9)?;
    let mut all = HashMap::new();
    for _ in 0..request.array()? {
        let topic = request.string()?;
        for _ in 0..request.array()? {
            let (partition, _epoch) = (request.i32()?, request.i32()?);
            let (offset, _log_start) = (request.i64()?, request.i64()?);
            let max_bytes = usize::try_from(request.i32()?).ok()?;
            all.insert((topic, partition), Asked { offset, max_bytes });
        }
    }
    Some((budget, all))
}

/// Whole batches of `records` up to `limit` bytes; the first one in any case, so that a large record gets through.
fn cut(records: &[u8], limit: usize) -> &[u8] {
    let mut end = 0;
    loop {
        let mut reader = Reader::new(records.get(end..).unwrap_or_default());
        let batch =
            reader.i64().and_then(|_| reader.i32()).and_then(|len| usize::try_from(len).ok());
        let Some(batch) = batch else { break };
        let next = end + 12 + batch;
        if next > records.len() || (end > 0 && next > limit) {
            break;
        }
        end = next;
    }
    records.get(..end).unwrap_or_default()
}
