//! The breaker of one plugin version, shared by its instances on all lanes: whether the plugin may be called, judged by how its
//! latest batches went. Pure: the time is handed in. Must not know plugins, lanes, or what waiting means.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many faults within ten seconds open it, unless most batches around them went well. The time in which the plugin did nothing but
/// fail does not count: else one that takes its time to fail never would.
pub const FAULTS: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);

/// It also opens where more than half of so many latest batches had a fault.
const BATCHES: usize = 20;

/// Probes in a row that have to go well, and the events of one.
const PROBES: u32 = 3;
pub const PROBE_ROWS: usize = 16;

/// How long it stays open: the first time, and at the most. Each time in a row takes twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Closed for this long, the next trip is a first one again.
const HEALTHY: Duration = Duration::from_secs(10);

/// A probe that has not come back for so long is given up: its lane is gone. Longer than three tries at the longest deadline.
const LOST_PROBE: Duration = Duration::from_secs(300);

/// How soon to ask again while another lane probes.
pub const SOON: Duration = Duration::from_millis(500);

/// One for each version of a plugin in a pipeline.
#[derive(Debug, Default)]
pub struct Breaker {
    inner: Mutex<Inner>,
    /// How often it let go of what had been told to wait for longer.
    releases: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    state: Inside,
    pin: Option<Pin>,
    /// When each of the latest faults was, while it is closed; moved on by the time that faults behind it took.
    faults: VecDeque<Instant>,
    /// Whether each of the latest batches had a fault, newest last, while it is closed.
    batches: VecDeque<bool>,
    /// Trips in a row, without a healthy time between them.
    streak: u32,
    closed_at: Option<Instant>,
    trips: u64,
    /// Of those, how many were asked for.
    told: u64,
    cause: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Inside {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        clean: u32,
        /// When the probe under way began.
        probing: Option<Instant>,
    },
}

/// An operator's word, which stands until it is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pin {
    Open,
    Closed,
}

/// Whether a batch may go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Full,
    /// It is held closed by hand: whatever the plugin does, nothing waits.
    Forced,
    /// [`PROBE_ROWS`] events at the most, whose end has to be told with [`Breaker::note`].
    Probe {
        /// The breaker is half open from here on.
        begins: bool,
    },
    /// Not before then.
    Wait {
        until: Instant,
    },
}

/// How a batch went in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    Well,
    /// Only a fresh instance could do it.
    Recovered,
    /// It was split, and `refused` of its `rows` were left that the plugin could not do alone.
    Split {
        rows: usize,
        refused: usize,
    },
    /// It could not be done and not be split.
    Refused,
    /// It was split, and the plugin could not do a single one of its events.
    Hopeless,
    /// The plugin did not get to show what it can do.
    Unjudged,
}

impl Went {
    /// Faults that are the plugin's. An event that cannot be done among many that can is the event's own fault; where more than a
    /// quarter cannot, each of them is the plugin's.
    pub fn faults(self) -> usize {
        match self {
            Self::Well | Self::Unjudged => 0,
            Self::Recovered | Self::Refused => 1,
            Self::Split { rows, refused } if refused * 4 > rows => refused,
            Self::Split { .. } => 0,
            Self::Hopeless => FAULTS,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Closed,
    HalfOpen,
    Open,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Closed, Self::HalfOpen, Self::Open];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }
}

/// What a person may know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub state: State,
    /// An operator holds it there.
    pub by_hand: bool,
    /// Why it last opened; none while it is closed and healthy.
    pub cause: Option<String>,
    /// Until it is tried again; none where it is not open by itself.
    pub next_probe: Option<Duration>,
    /// How often it has opened.
    pub trips: u64,
}

/// What an operator can do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Holds it open.
    Open,
    /// Holds it closed, whatever the plugin does: each event takes the plugin's fault policy.
    Close,
    /// Lets it go by itself again, closed and with a clean slate.
    Reset,
}

impl Breaker {
    /// Asked before each batch.
    pub fn admit(&self, now: Instant) -> Admission {
        let mut inner = self.lock();
        if let Some(until) = inner.waits(now) {
            return Admission::Wait { until };
        }
        let (clean, begins) = match (inner.pin, inner.state) {
            (Some(_), _) => return Admission::Forced,
            (None, Inside::Closed) => return Admission::Full,
            (None, Inside::Open { .. }) => (0, true),
            (None, Inside::HalfOpen { clean, .. }) => (clean, false),
        };
        inner.state = Inside::HalfOpen { clean, probing: Some(now) };
        Admission::Probe { begins }
    }

    /// Until when nobody else may call the plugin; none where the next who asks may.
    pub fn waits(&self, now: Instant) -> Option<Instant> {
        self.lock().waits(now)
    }

    /// Until when what the plugin failed on has to wait; none while it is closed.
    pub fn open_until(&self, now: Instant) -> Option<Instant> {
        let inner = self.lock();
        match (inner.pin, inner.state) {
            (Some(Pin::Closed), _) | (None, Inside::Closed) => None,
            _ => Some(inner.waits(now).unwrap_or(now + SOON)),
        }
    }

    /// Takes in how a batch went that was admitted, and how long that `took` until `now`. `cause` says in the gateway's own words
    /// what its last fault was. Gives the state where it changed.
    pub fn note(
        &self,
        admitted: Admission,
        went: Went,
        cause: Option<&str>,
        (took, now): (Duration, Instant),
    ) -> Option<State> {
        self.change(|inner| match (inner.state, admitted) {
            (Inside::Closed, _) => inner.judge(went, cause, (took, now)),
            (Inside::HalfOpen { clean, .. }, Admission::Probe { .. }) => match went {
                Went::Unjudged => inner.state = Inside::HalfOpen { clean, probing: None },
                _ if went.faults() > 0 => {
                    inner.trip("it failed again when it was tried", cause, now);
                }
                _ if clean + 1 < PROBES => {
                    inner.state = Inside::HalfOpen { clean: clean + 1, probing: None };
                }
                _ => inner.close(now),
            },
            // A batch that went in before it opened proves nothing.
            _ => {}
        })
    }

    /// The plugin failed outside of a batch, in something that whoever asked [`Self::waits`] was free to try.
    pub fn failed(&self, cause: &str, now: Instant) -> Option<State> {
        self.change(|inner| match inner.state {
            Inside::Closed => inner.judge(Went::Refused, Some(cause), (Duration::ZERO, now)),
            Inside::Open { until } if now < until => {}
            Inside::Open { .. } | Inside::HalfOpen { .. } => {
                inner.trip("it failed again when it was tried", Some(cause), now);
            }
        })
    }

    pub fn order(&self, order: Order, now: Instant) {
        let mut inner = self.lock();
        match order {
            Order::Open => inner.pin = Some(Pin::Open),
            Order::Close => inner.pin = Some(Pin::Closed),
            Order::Reset => {
                let (trips, told) = (inner.trips, inner.told);
                *inner = Inner { trips, told, closed_at: Some(now), ..Inner::default() };
            }
        }
        self.releases.fetch_add(1, Ordering::Relaxed);
    }

    /// Grows whenever who was told to wait may ask again before the time that was told.
    pub fn releases(&self) -> u64 {
        self.releases.load(Ordering::Relaxed)
    }

    /// How often it has opened since this was last asked, for the metrics.
    pub fn take_new_trips(&self) -> u64 {
        let mut inner = self.lock();
        let trips = inner.trips;
        trips.saturating_sub(std::mem::replace(&mut inner.told, trips))
    }

    pub fn view(&self, now: Instant) -> View {
        let inner = self.lock();
        let (state, next_probe) = match (inner.pin, inner.state) {
            (Some(Pin::Open), _) => (State::Open, None),
            (Some(Pin::Closed), _) => (State::Closed, None),
            (None, Inside::Open { until }) => {
                (State::Open, Some(until.saturating_duration_since(now)))
            }
            (None, state) => (state.shown(), None),
        };
        View {
            state,
            by_hand: inner.pin.is_some(),
            cause: inner.cause.clone().filter(|_| !inner.is_healthy(now)),
            next_probe,
            trips: inner.trips,
        }
    }

    /// What an operator holds in place stays there, whatever comes of batches.
    fn change(&self, change: impl FnOnce(&mut Inner)) -> Option<State> {
        let mut inner = self.lock();
        if inner.pin.is_some() {
            return None;
        }
        let before = inner.state.shown();
        change(&mut inner);
        let after = inner.state.shown();
        if after == before {
            return None;
        }
        if after == State::Closed {
            self.releases.fetch_add(1, Ordering::Relaxed);
        }
        Some(after)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn shown(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
        }
    }
}

impl Inner {
    fn waits(&self, now: Instant) -> Option<Instant> {
        match (self.pin, self.state) {
            // Whoever waits hears of the next order by itself.
            (Some(Pin::Open), _) => Some(now + LONGEST_WAIT),
            (None, Inside::Open { until }) if now < until => Some(until),
            (None, Inside::HalfOpen { probing: Some(begun), .. }) if now < begun + LOST_PROBE => {
                Some(now + SOON)
            }
            (Some(Pin::Closed) | None, _) => None,
        }
    }

    /// Takes in how a batch of the closed breaker went.
    fn judge(&mut self, went: Went, cause: Option<&str>, (took, now): (Duration, Instant)) {
        if went == Went::Unjudged {
            return;
        }
        let faults = went.faults();
        if faults > 0 {
            self.faults.iter_mut().for_each(|at| *at = (*at + took).min(now));
        }
        self.faults.extend(std::iter::repeat_n(now, faults.min(FAULTS)));
        while self.faults.len() > FAULTS
            || self.faults.front().is_some_and(|at| now.saturating_duration_since(*at) > WINDOW)
        {
            self.faults.pop_front();
        }
        self.batches.push_back(faults > 0);
        if self.batches.len() > BATCHES {
            self.batches.pop_front();
        }
        let faulty = self.batches.iter().filter(|faulty| **faulty).count();
        if went == Went::Hopeless {
            self.trip("it could not do a single event of a batch", cause, now);
        } else if self.faults.len() == FAULTS && faulty * 4 > self.batches.len() {
            self.trip("it failed 5 times within 10 s", cause, now);
        } else if self.batches.len() == BATCHES && faulty * 2 > BATCHES {
            self.trip("it failed on over half of its last 20 batches", cause, now);
        }
    }

    fn trip(&mut self, why: &str, cause: Option<&str>, now: Instant) {
        if self.is_healthy(now) {
            self.streak = 0;
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.streak.min(10)).min(LONGEST_WAIT);
        self.streak += 1;
        self.trips += 1;
        self.closed_at = None;
        self.state = Inside::Open { until: now + jittered(wait) };
        self.cause = Some(match cause {
            Some(cause) => format!("{why}, the last time: {cause}"),
            None => why.to_owned(),
        });
    }

    fn close(&mut self, now: Instant) {
        self.state = Inside::Closed;
        self.closed_at = Some(now);
        self.faults.clear();
        self.batches.clear();
    }

    /// Whether the last trip lies so far behind that it says nothing any more.
    fn is_healthy(&self, now: Instant) -> bool {
        self.closed_at.is_some_and(|at| now.saturating_duration_since(at) >= HEALTHY)
    }
}

/// A fifth more or less, so that plugins that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let percent = RandomState::new().hash_one(wait) % 41;
    wait * (80 + u32::try_from(percent).unwrap_or(20)) / 100
}

#[cfg(test)]
mod tests;
