//! Files of the corpora as records, and plugins that are nothing but a plan.

use std::path::PathBuf;
use std::sync::Arc;

use lockgate::chain::Stage;
use lockgate::change::Class;
use lockgate::config::{self, ClassPolicy, FaultPolicy};
use lockgate::contract::{Answer, Batch, Fault, Plan, Transform};
use lockgate::outcome::{Identity, Outcome};
use lockgate::pipeline::{About, Pipeline};
use lockgate::record::Record;
use lockgate::table::{Dialect, Table};
use lockgate_tests::corpora::{Corpora, Event};

/// A pipeline that passes what is no event, so that everything can be compared.
pub(crate) fn pipeline(dialect: Dialect, stages: Vec<Stage>) -> Pipeline {
    let mut settings = config::Pipeline::offline(PathBuf::new(), dialect);
    settings.classes.insert(Class::Unknown, ClassPolicy::Pass);
    Pipeline::new(Arc::new(settings), stages)
}

/// Carries the chosen events of every file as one batch a file, each under its own text as its key: any JSON may stand
/// there. Returns how many there were.
pub(crate) fn carry(
    corpora: &Corpora,
    pipeline: &mut Pipeline,
    chosen: impl Fn(&Event<'_>) -> bool,
    mut settled: impl FnMut(&str, &Event<'_>, About<'_>, Outcome<'_>),
) -> usize {
    let mut carried = 0;
    for file in corpora.files().unwrap() {
        let events: Vec<Event<'_>> = file.events().into_iter().filter(&chosen).collect();
        let topic: Arc<str> = file.listed.name.as_str().into();
        let records: Vec<Record<'_>> = (0i64..)
            .zip(&events)
            .map(|(offset, event)| Record {
                topic: &topic,
                partition: 0,
                offset,
                timestamp: None,
                key: Some(event.text),
                value: Some(event.text),
                headers: Vec::new(),
            })
            .collect();
        pipeline.process(&records, |number, about, outcome| {
            carried += 1;
            settled(&file.listed.name, &events[number], about, outcome);
            true
        });
    }
    carried
}

/// Carries the chosen events of each file as one value, with `separator` between them. Returns how many values there were.
pub(crate) fn carry_joined(
    corpora: &Corpora,
    pipeline: &mut Pipeline,
    chosen: impl Fn(&Event<'_>) -> bool,
    separator: &str,
    mut settled: impl FnMut(&str, &[u8], About<'_>, Outcome<'_>),
) -> usize {
    let mut carried = 0;
    for file in corpora.files().unwrap() {
        let events = file.events();
        let texts: Vec<&[u8]> =
            events.iter().filter(|event| chosen(event)).map(|event| event.text).collect();
        if texts.is_empty() {
            continue;
        }
        let value = texts.join(separator.as_bytes());
        let record = Record {
            topic: &file.listed.name.as_str().into(),
            partition: 0,
            offset: 0,
            timestamp: None,
            key: None,
            value: Some(&value),
            headers: Vec::new(),
        };
        pipeline.process(&[record], |_, about, outcome| {
            carried += 1;
            settled(&file.listed.name, &value, about, outcome);
            true
        });
    }
    carried
}

/// A plugin that answers every table with a plan, and every batch with nothing.
pub(crate) struct Plans<P>(pub(crate) P);

impl<P: FnMut(&Table) -> Plan + Send + 'static> Plans<P> {
    pub(crate) fn stage(self) -> Stage {
        Stage {
            identity: Arc::new(Identity {
                name: "plans".into(),
                version: "1".into(),
                digest: String::new(),
            }),
            transform: Box::new(self),
            tables: None,
            on_fault: FaultPolicy::DeadLetter,
            on_open: lockgate::config::OnOpen::Halt,
            breaker: std::sync::Arc::default(),
            calls: Vec::new(),
            bypassed: 0,
        }
    }
}

impl<P: FnMut(&Table) -> Plan + Send> Transform for Plans<P> {
    fn open_table(&mut self, table: &Table) -> Result<Option<Plan>, Fault> {
        Ok(Some((self.0)(table)))
    }

    fn process(&mut self, _: Batch<'_>) -> Result<Answer, Fault> {
        Ok(Answer::default())
    }
}
