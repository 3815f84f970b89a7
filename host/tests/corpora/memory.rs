//! What a decoder remembers of earlier records changes nothing: a warm one finds what a cold one finds.

use std::sync::Arc;

use lockgate::change::{Class, Decoder, Event, Events, Form, NO_COLUMN, Row, RowImage, json};
use lockgate::record::Record;
use lockgate::table::{Dialect, Tables};

use crate::texts::{Dice, corpora, damage};

/// One decoder, its tables, and the batch it fills.
struct Lane {
    decoder: Decoder,
    tables: Tables,
    events: Events,
}

impl Lane {
    fn new(dialect: Dialect) -> Self {
        let decoder = Decoder::new(dialect);
        Self { decoder, tables: Tables::default(), events: Events::default() }
    }

    /// All that decoding says of a record, without the numbers that depend on what came before.
    fn says(&mut self, topic: &Arc<str>, text: &[u8]) -> String {
        let (key, value) = (Some(text), Some(text));
        let (partition, offset, timestamp, headers) = (0, 0, None, Vec::new());
        let record = Record { topic, partition, offset, timestamp, key, value, headers };
        self.events.clear();
        if let Err(refusal) = self.decoder.decode(0, &record, &mut self.tables, &mut self.events) {
            return refusal.to_string();
        }
        let Event { class, value_schema, key_schema, transaction, .. } = self.events.events[0];
        let mut said = format!("{class:?} {value_schema:?} {key_schema:?} {transaction:?}");
        for row in &self.events.rows {
            // A tombstone follows the row before it, by design.
            if class != Class::Tombstone {
                said += &self.tables.get(row.table).unwrap().qualified_name();
            }
            for image in [&row.before, &row.after, &row.key] {
                said += &self.image(row, image, text);
            }
        }
        said
    }

    fn image(&self, row: &Row, image: &RowImage, text: &[u8]) -> String {
        let table = self.tables.get(row.table).unwrap();
        let columns = &table.columns;
        let maxwell = matches!(table.dialect, Dialect::Maxwell | Dialect::TicdcMaxwell);
        let mut said = format!(" {:?} {:?}", image.presence, image.span);
        for member in self.events.members_of(image) {
            let mut name = json::unescape(member.name.of(text));
            if member.form == Form::Escaped {
                name = json::unescape(name.as_bytes()).into_owned().into();
            }
            match columns.get(usize::from(member.column)) {
                // Maxwell's keys spell columns in their own way.
                Some(_) if maxwell => assert!(table.column_like(&name).is_some()),
                Some(column) if &*column.name == "_id" => assert!(matches!(&*name, "_id" | "id")),
                Some(column) => assert_eq!(*column.name, name),
                None => assert_eq!(member.column, NO_COLUMN),
            }
            said += &format!(" {name}={:?}", member.value);
        }
        said
    }
}

#[test]
fn a_warm_decoder_finds_what_a_cold_one_finds() {
    let texts = corpora();
    let topic: Arc<str> = "a.b.c".into();
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for dialect in Dialect::ALL {
        let mut warm = Lane::new(dialect);
        for text in texts.iter().filter(|text| (1..16 * 1024).contains(&text.len())) {
            // Objects that are no events would grow the one plain table beyond what a table may have.
            if dialect == Dialect::Json
                && warm.tables.iter().any(|(_, table)| table.columns.len() > 9_000)
            {
                warm = Lane::new(dialect);
            }
            warm.says(&topic, text);
            for text in [text.clone(), damage(text, &mut dice), damage(text, &mut dice)] {
                let cold = Lane::new(dialect).says(&topic, &text);
                assert_eq!(warm.says(&topic, &text), cold, "{}", String::from_utf8_lossy(&text));
            }
        }
    }
}
