//! Nothing of a trial reaches what serves.

use std::io::Write;
use std::sync::Mutex;

use super::*;
use crate::breaker::State;
use crate::plugin::Stats;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(act: impl FnOnce()) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, act);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn figures_counters_and_breaker_of_the_versions_are_untouched_and_the_log_is_silent() {
    let serving = [guest("tells"), guest("stars")];
    let candidate = [guest("tells"), guest("trap")];
    let untouched = Stats::default().figures();
    let given: Vec<Given> = (0..40).map(|id| email(id, "poison")).collect();
    let log = logged(|| {
        assert!(tried(&settings(&[]), (&serving, &candidate), &given).0.is_err());
        assert!(tried(&settings(&[]), (&candidate, &serving), &given).0.is_ok());
    });
    assert_eq!(log, "");
    for version in serving.iter().chain(&candidate) {
        assert_eq!(version.stats().figures(), untouched);
        assert!(version.voice().counts().is_empty(), "{:?}", version.voice().counts());
        assert!(version.voice().withheld().iter().all(|(_, lines)| *lines == 0));
        let view = version.breaker().view(Instant::now());
        assert_eq!((view.state, view.trips, view.by_hand), (State::Closed, 0, false));
    }
}

#[test]
fn the_breaker_of_a_trial_is_held_closed() {
    let view = guest("pass").aside().breaker().view(Instant::now());
    assert_eq!((view.state, view.by_hand), (State::Closed, true));
}
