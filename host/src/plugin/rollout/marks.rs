//! Versions that are known to be bad, by their bytes and settings. Pure; must not know where they are kept.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use serde_json::json;

use super::{Decided, Verdict};
use crate::config::{PluginFile, Rollout};
use crate::plugin::kept::{Learned, Mark};
use crate::plugin::version::digest;

/// So many are remembered of a plugin; the oldest goes first.
const MARKS: usize = 16;

/// By plugin name, oldest first.
pub(in crate::plugin) struct Marks {
    /// Stands before settings when they are digested, so that nobody can look up what a digest in a backup was made from.
    pub(super) salt: String,
    pub(super) of: BTreeMap<Arc<str>, Vec<Mark>>,
}

impl Default for Marks {
    fn default() -> Self {
        let random = |part: u8| RandomState::new().hash_one(part);
        Self { salt: format!("{:016x}{:016x}", random(0), random(1)), of: BTreeMap::new() }
    }
}

impl Marks {
    /// Takes over what an earlier process knew.
    pub(super) fn restore(&mut self, learned: Learned) {
        if learned.salt.is_empty() {
            return;
        }
        let of = learned.plugins.into_iter().map(|(name, lesson)| (name.into(), lesson.bad));
        *self = Self { salt: learned.salt, of: of.collect() };
    }

    /// What speaks against the version of these bytes and settings.
    pub(super) fn find(&self, plugin: &str, bytes: &str, setup: &PluginFile) -> Option<&Mark> {
        let marks = self.of.get(plugin)?;
        let settings = self.digest(setup);
        marks.iter().find(|mark| mark.digest == bytes && mark.settings == settings)
    }

    /// Takes in what was decided about a version, whichever way.
    pub(super) fn take(&mut self, plugin: &Arc<str>, decided: &Decided) {
        let (served, reason) = match &decided.verdict {
            Verdict::Refused(reason) => (false, reason.clone()),
            Verdict::RolledBack(reason) => (true, reason.clone()),
            Verdict::Promoted { .. } => {
                return self.forgive(plugin, &decided.digest, &decided.setup);
            }
        };
        let settings = self.digest(&decided.setup);
        let (version, digest) = (decided.version.clone(), decided.digest.clone());
        let mark = Mark { version, digest, settings, served, reason };
        let marks = self.of.entry(Arc::clone(plugin)).or_default();
        if !marks.contains(&mark) {
            marks.retain(|old| (&old.digest, &old.settings) != (&mark.digest, &mark.settings));
            marks.push(mark);
            marks.drain(..marks.len().saturating_sub(MARKS));
        }
    }

    pub(super) fn forgive(&mut self, plugin: &str, bytes: &str, setup: &PluginFile) {
        let settings = self.digest(setup);
        if let Some(marks) = self.of.get_mut(plugin) {
            marks.retain(|mark| mark.digest != bytes || mark.settings != settings);
        }
    }

    fn digest(&self, setup: &PluginFile) -> String {
        digest(format!("{}\n{}", self.salt, meant(setup)).as_bytes())
    }
}

/// What two settings have in common exactly where they are equal, in this version of the program and in others: what is as
/// usual is left out, so that a key which is yet to come changes nothing. The values of secrets count, and where they came
/// from does not.
fn meant(setup: &PluginFile) -> String {
    let PluginFile {
        official,
        tables,
        deadline,
        memory,
        on_fault,
        on_open,
        rollout: Rollout { reload, shadow, probation, p99 },
        settings,
        secret_files: _,
    } = setup;
    let usual = PluginFile::default();
    let rollout = Rollout::with_deadline(*deadline);
    let mut settings = settings.clone();
    settings.sort_all_objects();
    let tables: Vec<&str> = tables.iter().map(globset::Glob::glob).collect();
    let parts = [
        (official != &usual.official).then(|| json!({ "plugin": official })),
        (!tables.is_empty()).then(|| json!({ "tables": tables })),
        (deadline != &usual.deadline).then(|| json!({ "deadline": format!("{deadline:?}") })),
        (memory != &usual.memory).then(|| json!({ "memory": memory })),
        (on_fault != &usual.on_fault).then(|| json!({ "on_fault": format!("{on_fault:?}") })),
        (on_open != &usual.on_open).then(|| json!({ "on_open": format!("{on_open:?}") })),
        (reload != &rollout.reload).then(|| json!({ "reload": format!("{reload:?}") })),
        (shadow != &rollout.shadow).then(|| json!({ "shadow": format!("{shadow:?}") })),
        (probation != &rollout.probation).then(|| json!({ "probation": format!("{probation:?}") })),
        (p99 != &rollout.p99).then(|| json!({ "p99": format!("{p99:?}") })),
        (settings != usual.settings).then(|| json!({ "settings": settings })),
    ];
    serde_json::Value::from_iter(parts.into_iter().flatten()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FaultPolicy, OnOpen, Reload};

    fn parsed(text: &str) -> PluginFile {
        PluginFile::parse(text, std::path::Path::new("plugins/10-a.toml"))
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn settings_have_one_digest_exactly_where_they_are_equal() {
        let texts = [
            "",
            "deadline = \"200ms\"",
            "deadline = \"300ms\"",
            "memory = \"32MiB\"",
            "tables = [\"a\"]",
            "tables = [\"a\", \"b\"]",
            "on_fault = \"drop\"",
            "on_open = \"bypass\"",
            "reload = \"immediate\"",
            "shadow = \"3s\"",
            "shadow_events = 5",
            "probation = \"3s\"",
            "probation_events = 5",
            "p99 = \"7ms\"",
            "p99 = \"100ms\"",
            "plugin = \"mask\"",
            "[settings]\na = 1\nb = 2",
            "[settings]\nb = 2\na = 1",
            "[settings]\na = 1.0\nb = 2",
            "[settings]\na = '1'\nb = 2",
            "[settings.inner]\na = 1\nb = 2",
        ];
        let marks = Marks::default();
        for one in texts {
            for other in texts {
                let (a, b) = (parsed(one), parsed(other));
                assert_eq!(marks.digest(&a) == marks.digest(&b), a == b, "{one}\n---\n{other}");
            }
        }
    }

    /// What lies in a folder from before an upgrade has to mean the same after it.
    #[test]
    fn what_settings_mean_is_written_as_ever() {
        insta::assert_snapshot!(meant(&PluginFile::default()), @"[]");
        let all = PluginFile {
            on_fault: FaultPolicy::DeadLetterKey,
            on_open: OnOpen::Bypass,
            ..parsed(
                "plugin = \"mask\"\ntables = [\"a\"]\ndeadline = \"1s\"\nmemory = \"1MiB\"\nreload = \"immediate\"\n\
                 shadow = \"3s\"\nprobation_events = 7\np99 = \"20ms\"\n[settings]\nkeep = 1.50",
            )
        };
        assert_eq!(all.rollout.reload, Reload::Immediate);
        insta::assert_snapshot!(meant(&all), @r#"[{"plugin":"mask"},{"tables":["a"]},{"deadline":"1s"},{"memory":1048576},{"on_fault":"DeadLetterKey"},{"on_open":"Bypass"},{"reload":"Immediate"},{"shadow":"Length { time: 3s, events: 1000 }"},{"probation":"Length { time: 60s, events: 7 }"},{"p99":"20ms"},{"settings":{"keep":1.50}}]"#);
    }

    #[test]
    fn the_value_of_a_secret_counts_and_cannot_be_read_or_looked_up() {
        let with = |value: &str| PluginFile {
            settings: json!({ "key": value }),
            secret_files: vec!["anywhere".into()],
            ..PluginFile::default()
        };
        let (one, other) = (Marks::default(), Marks::default());
        assert_ne!(one.digest(&with("hunter2")), one.digest(&with("hunter3")));
        assert_ne!(one.digest(&with("hunter2")), other.digest(&with("hunter2")));
        let elsewhere = PluginFile { secret_files: Vec::new(), ..with("hunter2") };
        assert_eq!(one.digest(&with("hunter2")), one.digest(&elsewhere));
    }

    #[test]
    fn no_more_than_a_few_are_remembered_of_a_plugin() {
        let mut marks = Marks::default();
        let plugin: Arc<str> = "a".into();
        let bad = |number: usize| Decided {
            version: "1".to_owned(),
            digest: number.to_string(),
            setup: PluginFile::default(),
            verdict: Verdict::RolledBack("it trapped".to_owned()),
            recalled: false,
        };
        for number in 0..100 {
            marks.take(&plugin, &bad(number));
            marks.take(&plugin, &bad(number));
        }
        let found: Vec<usize> = (0..100)
            .filter(|at| marks.find("a", &at.to_string(), &PluginFile::default()).is_some())
            .collect();
        assert_eq!(found, (100 - MARKS..100).collect::<Vec<_>>());
        marks.forgive("a", "99", &PluginFile::default());
        assert!(marks.find("a", "99", &PluginFile::default()).is_none());
        assert_eq!(marks.of["a"].len(), MARKS - 1);
    }
}
