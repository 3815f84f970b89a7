//! Where plans and answers are tried: real events of one table, and stand-ins for plugins that say what they are told to.

use std::sync::{Arc, Mutex};

use lockgate::chain::Stage;
use lockgate::change::{Class, Decoder, Events};
use lockgate::config::{FaultPolicy, OnOpen};
use lockgate::contract::{Answer, Batch, Cells, Fault, Field, Image, Plan, Transform};
use lockgate::outcome::Identity;
use lockgate::record::{Header, Record};
use lockgate::table::{Dialect, Table, Tables};
use serde_json::Value;

/// Events of one table, with which any plan and answer are tried. All have one row.
pub(crate) struct Scene {
    pub(crate) table: Table,
    pub(crate) given: Vec<Given>,
}

/// An event, owned.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) operation: u8,
}

impl Given {
    pub(crate) fn record<'a>(&'a self, topic: &'a Arc<str>, offset: usize) -> Record<'a> {
        let header = |(name, value): &'a (Vec<u8>, Option<Vec<u8>>)| Header {
            name,
            value: value.as_deref(),
        };
        let headers = self.headers.iter().map(header).collect();
        let (key, value, timestamp) = (self.key.as_deref(), Some(&*self.value), Some(7));
        let offset = i64::try_from(offset).expect("few events");
        Record { topic, partition: 0, offset, timestamp, key, value, headers }
    }
}

impl Scene {
    /// Of keys and values; those that are no row of the first one's table, or no text for serde_json, are left out.
    pub(crate) fn of(events: &[(Option<Vec<u8>>, Vec<u8>)]) -> Option<Self> {
        let topic: Arc<str> = "shop".into();
        let (mut tables, mut decoder) = (Tables::default(), Decoder::new(Dialect::Debezium));
        let mut given = Vec::new();
        let mut first = None;
        for (key, value) in events {
            let trace = (b"trace".to_vec(), Some(b"\xff1".to_vec()));
            let headers = vec![trace.clone(), (b"other".to_vec(), None), trace];
            let event = Given { key: key.clone(), value: value.clone(), headers, operation: 0 };
            let is_text = |text: &Vec<u8>| serde_json::from_slice::<Value>(text).is_ok();
            let mut found = Events::default();
            let record = event.record(&topic, 0);
            let decoded = decoder.decode(0, &record, &mut tables, &mut found).is_ok();
            let ([row], [of], true) = (&found.rows[..], &found.events[..], decoded) else {
                continue;
            };
            let is_row = of.class == Class::Row && row.table == *first.get_or_insert(row.table);
            if is_row && event.key.iter().chain([&event.value]).all(is_text) {
                given.push(Given { operation: row.operation, ..event.clone() });
            }
        }
        let table = tables.get(first?)?.clone();
        Some(Self { table, given })
    }
}

/// The events that the fuzzer has: those of the example.
pub(crate) fn example() -> Scene {
    let lines = include_str!("../../../examples/mask-pii/events.jsonl").lines();
    let keyed = lines.take(6).map(|line| {
        let event: Value = serde_json::from_str(line).expect("the example is JSON");
        let row = [&event["after"], &event["before"]].into_iter().find(|row| row.is_object());
        let key = row.map(|row| format!("{{\"id\":{}}}", row["id"]).into_bytes());
        (key, line.as_bytes().to_vec())
    });
    Scene::of(&keyed.collect::<Vec<_>>()).expect("the example holds rows")
}

impl Given {
    pub(crate) fn has_schema(&self) -> bool {
        [self.key.as_deref(), Some(&*self.value)].into_iter().flatten().any(|text| {
            let tree: Value = serde_json::from_slice(text).expect("parsed before");
            tree["schema"].is_object()
        })
    }
}

pub(crate) fn stage(transform: Box<dyn Transform>, on_fault: FaultPolicy) -> Stage {
    let identity = Identity { name: "p".into(), version: "1".into(), digest: String::new() };
    Stage {
        identity: Arc::new(identity),
        transform,
        tables: None,
        on_fault,
        on_open: OnOpen::Halt,
        breaker: Arc::default(),
        calls: Vec::new(),
        bypassed: 0,
    }
}

/// Gives one plan and one answer, whatever it is asked.
pub(crate) struct Says {
    pub(crate) plan: Plan,
    pub(crate) answer: Answer,
}

impl Transform for Says {
    fn open_table(&mut self, _: &Table) -> Result<Option<Plan>, Fault> {
        Ok(Some(self.plan.clone()))
    }

    fn process(&mut self, _: Batch<'_>) -> Result<Answer, Fault> {
        Ok(self.answer.clone())
    }
}

/// Kind and bytes of each cell of a row.
pub(crate) type Heard = Vec<(u8, Vec<u8>)>;

/// Reads whole columns that the plugin before it writes, and keeps what it sees, row by row.
pub(crate) struct Echo {
    pub(crate) plan: Plan,
    pub(crate) heard: Arc<Mutex<Vec<Heard>>>,
}

impl Echo {
    pub(crate) fn of(plan: &Plan, table: &Table) -> Self {
        let in_key = |field: &Field| {
            table.columns.iter().any(|column| *column.name == *field.name && column.key)
        };
        let is_column = |field: &&Field| match field.image {
            Image::Before | Image::After => true,
            Image::Key => in_key(field),
            Image::Header | Image::Meta => false,
        };
        let named = |field: &Field| {
            let mut renames = plan.renames.iter();
            let is_it = |from: &Field| (from.image, &from.name) == (field.image, &field.name);
            let to = renames.find(|rename| is_it(&rename.column)).map(|rename| rename.to.clone());
            let name = to.unwrap_or_else(|| field.name.clone());
            Field { image: field.image, name, pointer: String::new() }
        };
        let reads = plan.writes.iter().filter(is_column).map(named).collect();
        Self { plan: Plan { reads, ..Plan::default() }, heard: Arc::default() }
    }
}

impl Transform for Echo {
    fn open_table(&mut self, _: &Table) -> Result<Option<Plan>, Fault> {
        Ok(Some(self.plan.clone()))
    }

    fn process(&mut self, batch: Batch<'_>) -> Result<Answer, Fault> {
        let cell = |cells: &Cells, row: usize| {
            let end = |row: usize| cells.ends[row] as usize;
            let start = row.checked_sub(1).map_or(0, end);
            (cells.kinds[row], cells.data[start..end(row)].to_vec())
        };
        let rows = 0..batch.operations.len();
        let heard = rows.map(|row| batch.reads.iter().map(|cells| cell(cells, row)).collect());
        self.heard.lock().expect("no thread has it").extend(heard);
        Ok(Answer::default())
    }
}
