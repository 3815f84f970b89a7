//! The functions a plugin may call, and what a store keeps for its plugin: memory in use, and what it said last. Must not know
//! how instances come and go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::bindings::{host, types};
use super::limits::MemoryLimiter;
use super::text;
use crate::config::PluginMessages;

/// The longest line of a plugin's log, in bytes.
const LINE_BYTES: usize = 1 << 10;

/// Lines a plugin may log in one window, over all lanes.
const LINES: u32 = 100;
const WINDOW: Duration = Duration::from_secs(1);

/// The most names a plugin may count under, and their longest.
const NAMES: usize = 64;
const NAME_BYTES: usize = 64;

/// Stands for the names that a plugin came up with once it had seen data, where its words are withheld: they may spell a value.
const OTHER: &str = "other";

/// How the SDK's panic hook begins its line.
const PANIC: &str = "panicked at";

/// What a store holds beside its instance.
pub(super) struct Guest {
    pub(super) memory: MemoryLimiter,
    voice: Arc<Voice>,
    /// The message of a panic in the current call.
    panic: Option<String>,
    /// Whether a batch was handed to it.
    has_data: bool,
}

impl Guest {
    pub(super) fn new(memory: usize, voice: &Arc<Voice>) -> Self {
        Self {
            memory: MemoryLimiter::new(memory),
            voice: Arc::clone(voice),
            panic: None,
            has_data: false,
        }
    }

    /// The call to come hands rows to the plugin.
    pub(super) fn begin_batch(&mut self) {
        self.has_data = true;
    }

    /// Forgets what belongs to the call before.
    pub(super) fn begin_call(&mut self) {
        self.memory.forget_denial();
        self.panic = None;
    }

    pub(super) fn take_panic(&mut self) -> Option<String> {
        self.panic.take()
    }
}

impl types::Host for Guest {}

impl host::Host for Guest {
    fn log(&mut self, level: host::Level, message: String) {
        if level == host::Level::Error && message.starts_with(PANIC) {
            self.panic = Some(text::tame(&message, LINE_BYTES));
        }
        self.voice.log(level, &message);
    }

    fn count(&mut self, name: String, delta: u32) {
        self.voice.count(name, delta, self.has_data);
    }
}

/// What one plugin says to the outside, over all its versions, lanes and instances.
#[derive(Debug)]
pub struct Voice {
    plugin: Arc<str>,
    messages: PluginMessages,
    /// Says and counts nothing.
    is_mute: bool,
    /// Log lines whose text was withheld, by level as in [`LEVELS`].
    withheld: [AtomicU64; LEVELS.len()],
    lines: Mutex<Lines>,
    counts: Mutex<BTreeMap<String, u64>>,
}

/// How much of the current window is used up.
#[derive(Debug)]
struct Lines {
    since: Instant,
    written: u32,
    suppressed: u64,
}

/// The levels of a plugin's log, as metrics spell them; in the order of the contract.
pub(super) const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

impl Voice {
    pub fn new(plugin: &Arc<str>, messages: PluginMessages) -> Arc<Self> {
        Self::with(plugin, messages, false)
    }

    /// Of the same plugin, for instances that nobody is to hear.
    pub(super) fn muted(&self) -> Arc<Self> {
        Self::with(&self.plugin, self.messages, true)
    }

    fn with(plugin: &Arc<str>, messages: PluginMessages, is_mute: bool) -> Arc<Self> {
        let lines = Lines { since: Instant::now(), written: 0, suppressed: 0 };
        let (lines, counts) = (Mutex::new(lines), Mutex::new(BTreeMap::new()));
        let withheld = Default::default();
        Arc::new(Self { plugin: Arc::clone(plugin), messages, is_mute, withheld, lines, counts })
    }

    pub fn plugin(&self) -> &Arc<str> {
        &self.plugin
    }

    /// The sums of what the plugin counted, by name. The names are the plugin's, at most 64 of them.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        lock(&self.counts).clone()
    }

    /// Log lines whose text was withheld so far, by level.
    pub fn withheld(&self) -> [(&'static str, u64); LEVELS.len()] {
        let counts = self.withheld.each_ref().map(|count| count.load(Ordering::Relaxed));
        std::array::from_fn(|at| {
            (LEVELS.get(at).copied().unwrap_or_default(), counts.get(at).copied().unwrap_or(0))
        })
    }

    fn log(&self, level: host::Level, message: &str) {
        if self.is_mute {
            return;
        }
        let shows = self.messages == PluginMessages::Show;
        if !shows && let Some(count) = self.withheld.get(level as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if !is_heard(level) || !self.may_write() {
            return;
        }
        let plugin = &*self.plugin;
        let text = shows.then(|| text::tame(message, LINE_BYTES));
        match level {
            host::Level::Trace => tracing::trace!(target: "plugin", plugin, text, "plugin says"),
            host::Level::Debug => tracing::debug!(target: "plugin", plugin, text, "plugin says"),
            host::Level::Info => tracing::info!(target: "plugin", plugin, text, "plugin says"),
            host::Level::Warn => tracing::warn!(target: "plugin", plugin, text, "plugin says"),
            host::Level::Error => tracing::error!(target: "plugin", plugin, text, "plugin says"),
        }
    }

    /// Takes one line from the budget; reports what the window before swallowed.
    fn may_write(&self) -> bool {
        let mut lines = lock(&self.lines);
        let now = Instant::now();
        if now.duration_since(lines.since) >= WINDOW {
            let suppressed = lines.suppressed;
            *lines = Lines { since: now, written: 0, suppressed: 0 };
            if suppressed > 0 {
                let plugin = &*self.plugin;
                tracing::warn!(target: "plugin", plugin, suppressed, "plugin logs too much");
            }
        }
        if lines.written >= LINES {
            lines.suppressed += 1;
            return false;
        }
        lines.written += 1;
        true
    }

    fn count(&self, name: String, delta: u32, has_data: bool) {
        if self.is_mute {
            return;
        }
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(&name) {
            *count = count.saturating_add(u64::from(delta));
        } else if has_data && self.messages == PluginMessages::Withhold {
            let others = counts.entry(OTHER.to_owned()).or_default();
            *others = others.saturating_add(u64::from(delta));
        } else if counts.len() < NAMES && is_countable(&name) {
            counts.insert(name, u64::from(delta));
        }
    }
}

/// Names that a metrics label can carry.
fn is_countable(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(legal)
}

fn is_heard(level: host::Level) -> bool {
    match level {
        host::Level::Trace => tracing::enabled!(target: "plugin", tracing::Level::TRACE),
        host::Level::Debug => tracing::enabled!(target: "plugin", tracing::Level::DEBUG),
        host::Level::Info => tracing::enabled!(target: "plugin", tracing::Level::INFO),
        host::Level::Warn => tracing::enabled!(target: "plugin", tracing::Level::WARN),
        host::Level::Error => tracing::enabled!(target: "plugin", tracing::Level::ERROR),
    }
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice() -> Arc<Voice> {
        Voice::new(&Arc::from("loud"), PluginMessages::Show)
    }

    #[test]
    fn counts_are_summed_by_name() {
        let voice = voice();
        voice.count("masked".to_owned(), 3, false);
        voice.count("masked".to_owned(), u32::MAX, true);
        assert_eq!(voice.counts(), BTreeMap::from([("masked".to_owned(), 4_294_967_298)]));
    }

    /// Four billion calls reach it, which takes a plugin minutes.
    #[test]
    fn a_sum_ends_where_no_more_can_be_counted() {
        let voice = Voice::new(&Arc::from("loud"), PluginMessages::Withhold);
        for name in ["masked", OTHER] {
            lock(&voice.counts).insert(name.to_owned(), u64::MAX - 1);
        }
        voice.count("masked".to_owned(), 5, true);
        voice.count("078-05-1120".to_owned(), 5, true);
        assert!(voice.counts().values().all(|count| *count == u64::MAX));
    }

    #[test]
    fn names_are_capped_and_those_that_no_label_can_carry_are_left_out() {
        let voice = voice();
        for name in ["", "two words", "line\nbreak", &"x".repeat(65)] {
            voice.count(name.to_owned(), 1, true);
        }
        assert!(voice.counts().is_empty());
        for number in 0..1_000 {
            voice.count(format!("n{number}"), 1, true);
        }
        assert_eq!(voice.counts().len(), NAMES);
    }

    #[test]
    fn a_flood_of_lines_is_cut_off() {
        let voice = voice();
        let written = (0..10_000).filter(|_| voice.may_write()).count();
        assert!((LINES as usize..5 * LINES as usize).contains(&written), "{written}");
    }

    #[test]
    fn a_panic_that_came_through_the_log_is_kept_for_the_fault() {
        let mut guest = Guest::new(0, &voice());
        host::Host::log(&mut guest, host::Level::Error, "an error of its own".to_owned());
        assert_eq!(guest.take_panic(), None);
        host::Host::log(&mut guest, host::Level::Error, "panicked at src/lib.rs:4:\nno".to_owned());
        assert_eq!(guest.take_panic().as_deref(), Some("panicked at src/lib.rs:4:\\nno"));
    }

    #[test]
    fn a_name_that_comes_up_with_the_data_is_one_of_others_where_words_are_withheld() {
        let voice = Voice::new(&Arc::from("loud"), PluginMessages::Withhold);
        let mut guest = Guest::new(0, &voice);
        host::Host::count(&mut guest, "masked".to_owned(), 0);
        guest.begin_batch();
        host::Host::count(&mut guest, "masked".to_owned(), 2);
        host::Host::count(&mut guest, "078-05-1120".to_owned(), 3);
        host::Host::count(&mut guest, "078-05-1121".to_owned(), 4);
        let expected = BTreeMap::from([("masked".to_owned(), 2), ("other".to_owned(), 7)]);
        assert_eq!(voice.counts(), expected);
        // A fresh instance has seen nothing yet.
        host::Host::count(&mut Guest::new(0, &voice), "rows".to_owned(), 1);
        assert_eq!(voice.counts().get("rows"), Some(&1));
    }

    /// What is logged while `act` runs.
    fn logged(act: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Sink(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                lock(&self.0).extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, act);
        String::from_utf8(lock(&sink.0).clone()).unwrap()
    }

    #[test]
    fn what_a_plugin_logs_is_counted_and_not_shown_where_words_are_withheld() {
        let told = |messages| {
            let voice = Voice::new(&Arc::from("loud"), messages);
            let text = logged(|| {
                voice.log(host::Level::Warn, "cannot mask 078-05-1120");
                voice.log(host::Level::Info, "078-05-1120 again");
                voice.log(host::Level::Warn, "and again");
            });
            (text, voice.withheld())
        };
        let (text, withheld) = told(PluginMessages::Withhold);
        assert!(!text.contains("078-05-1120") && text.contains("loud"), "{text}");
        assert_eq!(text.matches("WARN").count(), 2, "{text}");
        assert_eq!(withheld, [("trace", 0), ("debug", 0), ("info", 1), ("warn", 2), ("error", 0)]);
        let (text, withheld) = told(PluginMessages::Show);
        assert_eq!(text.matches("078-05-1120").count(), 2, "{text}");
        assert!(withheld.iter().all(|(_, count)| *count == 0));
    }
}
