//! A plugin that masks a protected column and does with its value what a plugin must not.

use super::fake::{Fake, Given, field};
use crate::contract::{
    Answer, Batch, Cells, Edit, Emission, EmissionHeader, Field, Image, Plan, Rejection, kind,
};

/// What it does with the value beside masking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copy {
    Nowhere,
    /// It does not mask it either.
    Unmasked,
    /// It writes it back as its mask.
    Itself,
    Column(&'static str),
    Key,
    Header,
    Topic,
    Json(&'static str),
    Bytes(&'static str),
    EmissionValue,
    EmissionKey,
    EmissionHeader,
    EmissionTopic,
    /// It drops the row and sends the value for it.
    InItsPlace,
    /// It refuses the row, quoting it.
    Reason,
}

pub(super) struct Spy {
    column: &'static str,
    copy: Copy,
    key: bool,
}

const IMAGES: [Image; 3] = [Image::Before, Image::After, Image::Key];

/// A row of `shop.orders`, which has nothing to protect.
pub(super) fn elsewhere(ssn: &str) -> Given {
    let image = format!(r#"{{"id":1,"ssn":"{ssn}"}}"#);
    Given::value(format!(
        r#"{{"before":null,"after":{image},"source":{{"db":"shop","table":"orders"}},"op":"c"}}"#
    ))
}

impl Spy {
    pub(super) fn new(copy: Copy) -> Self {
        Self::of("ssn", copy)
    }

    pub(super) fn of(column: &'static str, copy: Copy) -> Self {
        Self { column, copy, key: false }
    }

    /// Where the column is part of the key.
    pub(super) fn keyed(self) -> Self {
        Self { key: true, ..self }
    }

    pub(super) fn fake(self) -> Fake {
        let images = if self.key { &IMAGES[..] } else { &IMAGES[..2] };
        let own: Vec<Field> = images.iter().map(|image| field(*image, self.column)).collect();
        let mut writes = own.clone();
        writes.extend(match self.copy {
            Copy::Column(name) | Copy::Json(name) | Copy::Bytes(name) => {
                Some(field(Image::After, name))
            }
            Copy::Key => Some(field(Image::Key, "id")),
            Copy::Header => Some(field(Image::Header, "x-ssn")),
            Copy::Topic => Some(field(Image::Meta, "topic")),
            _ => None,
        });
        let plan = Plan { reads: own, writes, ..Plan::default() };
        Fake::new(plan, move |batch| self.answer(batch))
    }

    fn answer(&self, batch: Batch<'_>) -> Answer {
        let mut answer = Answer::default();
        for (write, cells) in (0u32..).zip(batch.reads) {
            let edits = cells_of(cells).filter_map(|(row, code, text)| match self.copy {
                _ if matches!(code, kind::ABSENT | kind::NULL | kind::UNAVAILABLE) => None,
                Copy::Unmasked => None,
                Copy::Itself => Some((row, code, text.to_vec())),
                _ => Some((row, kind::STRING, format!("<{write}>").into_bytes())),
            });
            answer.edits.push(edit(write, edits.collect()));
        }
        let values: Vec<(u32, Vec<u8>)> = self.values(batch);
        let other = u32::try_from(batch.reads.len()).unwrap();
        for (row, value) in values {
            self.copy(row, value, other, &mut answer);
        }
        answer.edits.retain(|edit| !edit.rows.is_empty());
        answer
    }

    /// The clear value of each row that has one.
    fn values(&self, batch: Batch<'_>) -> Vec<(u32, Vec<u8>)> {
        let mut values: Vec<(u32, Vec<u8>)> = Vec::new();
        for cells in batch.reads {
            for (row, code, text) in cells_of(cells) {
                let known = values.iter().any(|(known, _)| *known == row);
                if !known && !matches!(code, kind::ABSENT | kind::NULL | kind::UNAVAILABLE) {
                    values.push((row, text.to_vec()));
                }
            }
        }
        values.sort_unstable();
        values
    }

    fn copy(&self, row: u32, value: Vec<u8>, other: u32, answer: &mut Answer) {
        let emission = || Emission {
            row,
            topic: "audit".to_owned(),
            key: None,
            value: Some(b"seen".to_vec()),
            headers: Vec::new(),
        };
        let mut write = |code: u8, text: Vec<u8>| {
            let at = answer.edits.iter().position(|edit| edit.write == other);
            match at {
                Some(at) => add(&mut answer.edits[at], (row, code, text)),
                None => answer.edits.push(edit(other, vec![(row, code, text)])),
            }
        };
        match self.copy {
            Copy::Nowhere | Copy::Unmasked | Copy::Itself => {}
            Copy::Column(_) | Copy::Key | Copy::Header | Copy::Topic => write(kind::STRING, value),
            Copy::Json(_) => {
                let text = serde_json::json!({ "in": [String::from_utf8(value).unwrap()] });
                write(kind::JSON, text.to_string().into_bytes());
            }
            Copy::Bytes(_) => write(kind::BYTES, value),
            Copy::EmissionValue => {
                answer.emissions.push(Emission { value: Some(value), ..emission() });
            }
            Copy::EmissionKey => answer.emissions.push(Emission { key: Some(value), ..emission() }),
            Copy::EmissionHeader => {
                let header = EmissionHeader { name: "h".to_owned(), value: Some(value) };
                answer.emissions.push(Emission { headers: vec![header], ..emission() });
            }
            Copy::EmissionTopic => {
                let topic = String::from_utf8(value).unwrap();
                answer.emissions.push(Emission { topic, ..emission() });
            }
            Copy::InItsPlace => {
                answer.drops.push(row);
                answer.emissions.push(Emission { value: Some(value), ..emission() });
            }
            Copy::Reason => {
                let reason = format!("no {}", String::from_utf8(value).unwrap());
                answer.rejections.push(Rejection { row, reason });
            }
        }
    }
}

/// Row, kind and bytes of each cell.
pub(super) fn cells_of(cells: &Cells) -> impl Iterator<Item = (u32, u8, &[u8])> {
    let mut start = 0;
    (0u32..).zip(&cells.kinds).zip(&cells.ends).map(move |((row, code), end)| {
        let text = &cells.data[start..*end as usize];
        start = *end as usize;
        (row, *code, text)
    })
}

pub(super) fn edit(write: u32, list: Vec<(u32, u8, Vec<u8>)>) -> Edit {
    let mut edit = Edit { write, ..Edit::default() };
    list.into_iter().for_each(|one| add(&mut edit, one));
    edit
}

fn add(edit: &mut Edit, (row, code, text): (u32, u8, Vec<u8>)) {
    edit.rows.push(row);
    edit.cells.kinds.push(code);
    edit.cells.data.extend_from_slice(&text);
    edit.cells.ends.push(u32::try_from(edit.cells.data.len()).unwrap());
}
