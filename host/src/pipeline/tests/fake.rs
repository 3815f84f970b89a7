//! Stand-in plugins and records for the journey's tests, and the one door through which they run.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::breaker::Breaker;
use crate::chain::{Stage, Turned};
use crate::config::{FaultPolicy, OnOpen, Pipeline as Settings, Template};
use crate::contract::{
    Answer, Batch, Cells, Edit, Fault, FaultClass, Field, Image, Plan, Transform, kind,
};
use crate::outcome::{Identity, Outcome};
use crate::pipeline::Pipeline;
use crate::record::{Header, Output, Partition, Record};
use crate::table::{Dialect, Table};

/// A record, owned.
#[derive(Clone, Default)]
pub(super) struct Given {
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, Option<String>)>,
}

impl Given {
    pub(super) fn value(value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    pub(super) fn tombstone(key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::default() }
    }

    pub(super) fn key(self, key: String) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(super) fn without_key(self) -> Self {
        Self { key: None, ..self }
    }

    pub(super) fn header(mut self, name: &str, value: Option<&str>) -> Self {
        self.headers.push((name.to_owned(), value.map(str::to_owned)));
        self
    }
}

type Answers = Box<dyn FnMut(Batch<'_>) -> Result<Answer, Fault> + Send>;

/// A plugin made of a plan and a closure.
pub(super) struct Fake {
    open: Result<Plan, String>,
    answers: Answers,
    on_fault: FaultPolicy,
    on_open: OnOpen,
    tables: Option<globset::GlobSet>,
    /// How the first times end that it opens a table, and how many those are.
    opens_with: Option<(FaultClass, usize)>,
    pub(super) calls: Arc<AtomicUsize>,
    pub(super) opened: Arc<AtomicUsize>,
    pub(super) breaker: Arc<Breaker>,
}

impl Fake {
    pub(super) fn new(
        plan: Plan,
        mut answers: impl FnMut(Batch<'_>) -> Answer + Send + 'static,
    ) -> Self {
        Self::with(Ok(plan), Box::new(move |batch| Ok(answers(batch))))
    }

    pub(super) fn faulting(plan: Plan, class: FaultClass) -> Self {
        let fault = Fault::new(class, "it failed");
        Self::with(Ok(plan), Box::new(move |_| Err(fault.clone())))
    }

    /// Answers or faults as `answers` says.
    pub(super) fn answering(
        plan: Plan,
        answers: impl FnMut(Batch<'_>) -> Result<Answer, Fault> + Send + 'static,
    ) -> Self {
        Self::with(Ok(plan), Box::new(answers))
    }

    pub(super) fn refusing(reason: &str) -> Self {
        Self::with(Err(reason.to_owned()), Box::new(|_| Ok(Answer::default())))
    }

    fn with(open: Result<Plan, String>, answers: Answers) -> Self {
        Self {
            open,
            answers,
            on_fault: FaultPolicy::DeadLetter,
            on_open: OnOpen::Halt,
            tables: None,
            opens_with: None,
            calls: Arc::default(),
            opened: Arc::default(),
            breaker: Arc::default(),
        }
    }

    pub(super) fn on_open(self, on_open: OnOpen) -> Self {
        Self { on_open, ..self }
    }

    /// Fails to open a table so many times.
    pub(super) fn opens_with(self, class: FaultClass, times: usize) -> Self {
        Self { opens_with: Some((class, times)), ..self }
    }

    pub(super) fn on_fault(self, on_fault: FaultPolicy) -> Self {
        Self { on_fault, ..self }
    }

    pub(super) fn only_table(self, glob: &str) -> Self {
        let glob = globset::Glob::new(glob).unwrap();
        let set = globset::GlobSetBuilder::new().add(glob).build().unwrap();
        Self { tables: Some(set), ..self }
    }

    pub(super) fn stage(self) -> Stage {
        Stage {
            identity: Arc::new(Identity {
                name: "fake".into(),
                version: "1".into(),
                digest: String::new(),
            }),
            on_fault: self.on_fault,
            on_open: self.on_open,
            breaker: Arc::clone(&self.breaker),
            tables: self.tables.clone(),
            calls: Vec::new(),
            bypassed: 0,
            transform: Box::new(self),
        }
    }
}

impl Transform for Fake {
    fn open_table(&mut self, _: &Table) -> Result<Option<Plan>, Fault> {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        if let Some((class, times)) = self.opens_with
            && opened < times
        {
            return Err(Fault::new(class, "it failed"));
        }
        match &self.open {
            Ok(plan) => Ok(Some(plan.clone())),
            Err(reason) => Err(Fault {
                said: Some(reason.clone()),
                ..Fault::new(FaultClass::Rejected, "the plugin refused")
            }),
        }
    }

    fn process(&mut self, batch: Batch<'_>) -> Result<Answer, Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        (self.answers)(batch)
    }
}

pub(super) fn field(image: Image, name: &str) -> Field {
    Field { image, name: name.to_owned(), pointer: String::new() }
}

/// One edit that sets `rows` of `write` to the string `text`.
pub(super) fn answer(write: u32, rows: &[u32], text: &str) -> Answer {
    let cells = Cells {
        kinds: vec![kind::STRING; rows.len()],
        ends: (1..=rows.len()).map(|row| u32::try_from(row * text.len()).unwrap()).collect(),
        data: text.repeat(rows.len()).into_bytes(),
    };
    Answer { edits: vec![Edit { write, rows: rows.to_vec(), cells }], ..Answer::default() }
}

pub(super) fn settings() -> Settings {
    let template =
        |prefix: &str| Template { prefix: prefix.to_owned(), suffix: Some(String::new()) };
    Settings {
        name: "p".into(),
        to: template("clean."),
        dead_letter: template("dead."),
        ..Settings::offline("plugins".into(), Dialect::Debezium)
    }
}

/// Carries the records of topic `t` through the plugins as one batch and tells what became of each.
pub(super) fn carry(settings: Settings, plugins: Vec<Fake>, given: &[Given]) -> String {
    Lane::new(settings, plugins).carry(given)
}

/// A pipeline that batch after batch goes through.
pub(super) struct Lane(Pipeline);

impl Lane {
    pub(super) fn new(settings: Settings, plugins: Vec<Fake>) -> Self {
        let stages = plugins.into_iter().map(Fake::stage).collect();
        Self(Pipeline::new(Arc::new(settings), stages).stamped("first"))
    }

    pub(super) fn take_turned(&mut self) -> Vec<Turned> {
        self.0.take_turned()
    }

    /// Rows that went by a plugin since this was last asked.
    pub(super) fn take_bypassed(&mut self) -> u64 {
        let mut bypassed = 0;
        self.0.take_calls(|_, _, rows| bypassed += rows);
        bypassed
    }

    pub(super) fn releases(&self) -> u64 {
        self.0.releases()
    }

    pub(super) fn replace(&mut self, plugins: Vec<Fake>) {
        let stages = plugins.into_iter().map(Fake::stage).collect();
        self.0.replace_stages(stages, "second", || true);
    }

    pub(super) fn pipeline(&mut self) -> &mut Pipeline {
        &mut self.0
    }

    /// As [`carry`].
    pub(super) fn carry(&mut self, given: &[Given]) -> String {
        self.carry_from(0, given)
    }

    /// As [`carry`], from this offset on.
    pub(super) fn carry_from(&mut self, first: i64, given: &[Given]) -> String {
        let topic: Arc<str> = "t".into();
        let numbered = (first..).zip(given);
        let records: Vec<Record<'_>> =
            numbered.map(|(offset, given)| record(&topic, offset, given)).collect();
        let mut seen = String::new();
        self.0.process(&records, |_, _, outcome| {
            tell(&mut seen, outcome);
            true
        });
        seen
    }
}

fn record<'a>(topic: &'a Arc<str>, offset: i64, given: &'a Given) -> Record<'a> {
    let header = |(name, value): &'a (String, Option<String>)| Header {
        name: name.as_bytes(),
        value: value.as_deref().map(str::as_bytes),
    };
    Record {
        topic,
        partition: 0,
        offset,
        timestamp: Some(1),
        key: given.key.as_deref().map(str::as_bytes),
        value: given.value.as_deref().map(str::as_bytes),
        headers: given.headers.iter().map(header).collect(),
    }
}

fn tell(seen: &mut String, outcome: Outcome<'_>) {
    match outcome {
        Outcome::Forward { record, emissions } => {
            writeln!(seen, "forward {}", shown(&record)).unwrap();
            for emission in emissions {
                writeln!(seen, "  {}", shown(&emission)).unwrap();
            }
        }
        Outcome::Replace(emissions) => {
            writeln!(seen, "replace").unwrap();
            for emission in emissions {
                writeln!(seen, "  {}", shown(&emission)).unwrap();
            }
        }
        Outcome::Drop(cause) => writeln!(seen, "drop {cause:?}").unwrap(),
        Outcome::DeadLetter { refusal, kept } => {
            let payload = Output {
                topic: "".into(),
                partition: Partition::ByKey,
                timestamp: None,
                key: kept.key,
                value: kept.value,
                headers: kept.headers,
            };
            let payload = if payload.value.is_some() { shown(&payload) } else { String::new() };
            let line =
                format!("dead-letter {refusal} ({}) {}", kept.payload.as_str(), payload.trim());
            writeln!(seen, "{}", line.trim_end()).unwrap();
        }
        Outcome::Halt(refusal) => writeln!(seen, "halt {refusal}").unwrap(),
        Outcome::Hold(hold) => {
            writeln!(seen, "hold by {}: {}", hold.plugin.name, hold.reason).unwrap()
        }
    }
}

fn shown(output: &Output<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut shown = match output.partition {
        Partition::Same(partition) => format!("{}-{partition}", output.topic),
        Partition::ByKey => output.topic.to_string(),
    };
    if let Some(key) = &output.key {
        write!(shown, " key={}", text(key)).unwrap();
    }
    let value = output.value.as_deref().map_or_else(|| "null".to_owned(), text);
    write!(shown, " value={value}").unwrap();
    for header in &output.headers {
        let value = header.value.as_deref().map_or_else(|| "null".to_owned(), text);
        write!(shown, " {}={value}", text(&header.name)).unwrap();
    }
    shown
}
