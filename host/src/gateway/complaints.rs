//! Keeps refusals from flooding the log: the first of a kind is told in full, those that follow are counted and told now and
//! then. Knows no record but by its position.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tracing::warn;

use crate::outcome::{Code, Refusal};
use crate::record::Record;

/// How often refusals of one kind are told.
const PERIOD: Duration = Duration::from_secs(10);

/// The refusals of one lane.
#[derive(Default)]
pub(super) struct Complaints {
    kinds: FxHashMap<Kind, Told>,
}

/// What goes wrong in the same way.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    topic: Arc<str>,
    code: Code,
    plugin: Option<Arc<str>>,
}

struct Told {
    at: Instant,
    /// Refusals since then.
    untold: u64,
}

impl Complaints {
    /// Tells of a refused record, or counts it.
    pub(super) fn add(&mut self, record: &Record<'_>, refusal: &Refusal, now: Instant) {
        let plugin = refusal.plugin.as_ref().map(|plugin| Arc::clone(&plugin.name));
        let kind = Kind { topic: Arc::clone(record.topic), code: refusal.code, plugin };
        if let Some(told) = self.kinds.get_mut(&kind) {
            told.untold += 1;
            return;
        }
        warn!(
            position = %record.position(),
            code = refusal.code.as_str(),
            plugin = kind.plugin.as_deref(),
            // Not what the plugin said: it may hold data of the record.
            reason = refusal.reason,
            "record refused"
        );
        self.kinds.insert(kind, Told { at: now, untold: 0 });
    }

    /// Tells of each kind whose time has come how many more were refused, and forgets those that have ceased.
    pub(super) fn tell_due(&mut self, now: Instant) {
        self.kinds.retain(|kind, told| {
            if now.saturating_duration_since(told.at) < PERIOD {
                return true;
            }
            let goes_on = told.untold > 0;
            kind.tell(told, now);
            goes_on
        });
    }

    /// Tells what has not been told yet; nobody will ask again.
    pub(super) fn tell_rest(&mut self) {
        let now = Instant::now();
        self.kinds.iter_mut().for_each(|(kind, told)| kind.tell(told, now));
    }
}

impl Kind {
    fn tell(&self, told: &mut Told, now: Instant) {
        let count = std::mem::take(&mut told.untold);
        if count > 0 {
            let (topic, code, plugin) = (&*self.topic, self.code.as_str(), self.plugin.as_deref());
            warn!(topic, code, plugin, count, "more records refused");
        }
        told.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untold(complaints: &Complaints) -> Vec<u64> {
        complaints.kinds.values().map(|told| told.untold).collect()
    }

    #[test]
    fn the_first_is_told_the_rest_counted_and_what_ceased_is_forgotten() {
        let topic: Arc<str> = "t".into();
        let record = Record {
            topic: &topic,
            partition: 0,
            offset: 0,
            timestamp: None,
            key: None,
            value: None,
            headers: Vec::new(),
        };
        let refusal = Refusal::new(Code::Undecodable, "no JSON");
        let (mut complaints, start) = (Complaints::default(), Instant::now());
        for _ in 0..3 {
            complaints.add(&record, &refusal, start);
        }
        assert_eq!(untold(&complaints), [2]);
        complaints.tell_due(start + PERIOD / 2);
        assert_eq!(untold(&complaints), [2]);
        complaints.tell_due(start + PERIOD);
        assert_eq!(untold(&complaints), [0]);
        complaints.tell_due(start + PERIOD * 2);
        assert_eq!(untold(&complaints), [0_u64; 0]);
    }
}
