//! The breaker of one plugin version, shared by its instances on all lanes: whether the plugin may be called, judged by how its
//! latest batches went. Pure: the time is handed in. Must not know plugins, lanes, or what waiting means.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many faults within [`WINDOW`] open it, unless most batches around them went well.
const FAULTS: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);

/// It also opens where more than half of so many latest batches had a fault.
const BATCHES: usize = 20;

/// Probes in a row that have to go well, and the events of one.
const PROBES: u32 = 3;
pub const PROBE_ROWS: usize = 16;

/// How long it stays open: the first time, and at the most. Each time in a row takes twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Closed for this long, the next trip is a first one again.
const HEALTHY: Duration = Duration::from_secs(10);

/// A probe that has not come back for so long is given up: its lane is gone. Longer than any deadline.
const LOST_PROBE: Duration = Duration::from_secs(90);

/// How soon to ask again while another lane probes, and while it is held open by hand.
const SOON: Duration = Duration::from_millis(100);

/// One for each version of a plugin in a pipeline.
#[derive(Debug, Default)]
pub struct Breaker {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Inside,
    pin: Option<Pin>,
    /// When each counted fault of the window was.
    faults: VecDeque<Instant>,
    /// Whether each of the latest batches had a counted fault, newest last.
    batches: VecDeque<bool>,
    /// Trips in a row, without a healthy time between them.
    streak: u32,
    closed_at: Option<Instant>,
    trips: u64,
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
    /// [`PROBE_ROWS`] events at the most, whose end has to be told with [`Breaker::note`].
    Probe,
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
}

impl Went {
    /// Faults that are the plugin's. An event that cannot be done among many that can is the event's own fault; where more than a
    /// quarter cannot, each of them is the plugin's.
    fn faults(self) -> usize {
        match self {
            Self::Well => 0,
            Self::Recovered | Self::Refused => 1,
            Self::Split { rows, refused } if refused * 4 > rows => refused,
            Self::Split { .. } => 0,
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
    /// Until it is tried again.
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
        match (inner.pin, inner.state) {
            (Some(Pin::Open), _) => Admission::Wait { until: now + SOON },
            (Some(Pin::Closed), _) | (None, Inside::Closed) => Admission::Full,
            (None, Inside::Open { until }) if now < until => Admission::Wait { until },
            (None, Inside::HalfOpen { probing: Some(begun), .. }) if now < begun + LOST_PROBE => {
                Admission::Wait { until: now + SOON }
            }
            (None, Inside::Open { .. }) => {
                inner.state = Inside::HalfOpen { clean: 0, probing: Some(now) };
                Admission::Probe
            }
            (None, Inside::HalfOpen { clean, .. }) => {
                inner.state = Inside::HalfOpen { clean, probing: Some(now) };
                Admission::Probe
            }
        }
    }

    /// Takes in how a batch went that was admitted. `cause` says in the gateway's own words what its last fault was. Gives the
    /// state where it changed.
    pub fn note(
        &self,
        admitted: Admission,
        went: Went,
        cause: Option<&str>,
        now: Instant,
    ) -> Option<State> {
        let mut inner = self.lock();
        let before = inner.state.shown();
        let faults = went.faults();
        inner.remember(faults, now);
        match (inner.state, admitted) {
            (Inside::Closed, _) if inner.is_too_much() => inner.trip(cause, now),
            (Inside::HalfOpen { .. }, Admission::Probe) if faults > 0 => inner.trip(cause, now),
            (Inside::HalfOpen { clean, .. }, Admission::Probe) if clean + 1 < PROBES => {
                inner.state = Inside::HalfOpen { clean: clean + 1, probing: None };
            }
            (Inside::HalfOpen { .. }, Admission::Probe) => inner.close(now),
            // A batch that went in before it opened proves nothing.
            _ => {}
        }
        inner.settle(now);
        let after = inner.state.shown();
        (after != before).then_some(after)
    }

    pub fn order(&self, order: Order, now: Instant) {
        let mut inner = self.lock();
        match order {
            Order::Open => inner.pin = Some(Pin::Open),
            Order::Close => inner.pin = Some(Pin::Closed),
            Order::Reset => {
                let trips = inner.trips;
                *inner = Inner { trips, closed_at: Some(now), ..Inner::default() };
            }
        }
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
            cause: inner.cause.clone(),
            next_probe,
            trips: inner.trips,
        }
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
    fn remember(&mut self, faults: usize, now: Instant) {
        self.faults.extend(std::iter::repeat_n(now, faults.min(FAULTS)));
        while self.faults.front().is_some_and(|at| now.saturating_duration_since(*at) > WINDOW) {
            self.faults.pop_front();
        }
        while self.faults.len() > FAULTS {
            self.faults.pop_front();
        }
        self.batches.push_back(faults > 0);
        if self.batches.len() > BATCHES {
            self.batches.pop_front();
        }
    }

    fn is_too_much(&self) -> bool {
        let faulty = self.batches.iter().filter(|faulty| **faulty).count();
        let many = self.faults.len() >= FAULTS && faulty * 4 > self.batches.len();
        let most = self.batches.len() == BATCHES && faulty * 2 > BATCHES;
        many || most
    }

    fn trip(&mut self, cause: Option<&str>, now: Instant) {
        if self.closed_at.is_some_and(|at| now.saturating_duration_since(at) >= HEALTHY) {
            self.streak = 0;
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.streak.min(10)).min(LONGEST_WAIT);
        self.streak += 1;
        self.trips += 1;
        self.closed_at = None;
        self.state = Inside::Open { until: now + jittered(wait) };
        self.cause = cause.map(str::to_owned);
        self.faults.clear();
        self.batches.clear();
    }

    fn close(&mut self, now: Instant) {
        self.state = Inside::Closed;
        self.closed_at = Some(now);
        self.faults.clear();
        self.batches.clear();
    }

    /// Forgets the last trip once it lies far enough behind.
    fn settle(&mut self, now: Instant) {
        if self.closed_at.is_some_and(|at| now.saturating_duration_since(at) >= HEALTHY) {
            self.streak = 0;
            self.cause = None;
        }
    }
}

/// A fifth more or less, so that plugins that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let percent = RandomState::new().hash_one(wait) % 41;
    wait * (80 + u32::try_from(percent).unwrap_or(20)) / 100
}
