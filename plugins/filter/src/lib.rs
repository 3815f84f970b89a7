//! The `filter` plugin: keeps or drops rows by an expression in CEL. What the expression reads is all that the gateway hands
//! over; a table for which it is decided without looking at rows costs nothing.

mod program;
mod compile;
mod literals;
mod evaluate;
mod compare;
mod decimal;

use lockgate_plugin::{Cell, Field, Image, Plan, Plugin, Read, Rows, Settings, Table};
use serde::Deserialize;

use evaluate::{Batch, Truth, Values};
use program::{Place, Program};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    keep: Option<String>,
    drop: Option<String>,
    #[serde(default)]
    on_absent: Verdict,
    #[serde(default)]
    on_unavailable: Verdict,
    #[serde(default)]
    on_mismatch: Verdict,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Keep,
    Drop,
    /// Neither lost nor passed unseen.
    #[default]
    Reject,
}

#[derive(Debug)]
pub struct Filter {
    program: Program,
    if_true: Verdict,
    if_false: Verdict,
    on_absent: Verdict,
    on_unavailable: Verdict,
    on_mismatch: Verdict,
}

/// Where the program's places are found in the rows of one table.
#[derive(Debug)]
pub struct Sources(Vec<Source>);

#[derive(Debug)]
enum Source {
    Read(Read),
    Header(Read),
    Operation,
    /// The same in every row of the table.
    Text(String),
    Absent,
}

impl Plugin for Filter {
    const NAME: &'static str = "filter";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SETTINGS_SCHEMA: &'static str = include_str!("../settings.schema.json");
    type State = Sources;

    fn configure(settings: Settings) -> Result<Self, String> {
        let raw: Raw = settings.parse()?;
        let (name, expression, if_true, if_false) = match (&raw.keep, &raw.drop) {
            (Some(keep), None) => ("keep", keep, Verdict::Keep, Verdict::Drop),
            (None, Some(drop)) => ("drop", drop, Verdict::Drop, Verdict::Keep),
            _ => return Err("settings need either \"keep\" or \"drop\", an expression".into()),
        };
        let program =
            compile::program(expression).map_err(|reason| format!("reading {name:?}: {reason}"))?;
        Ok(Self {
            program,
            if_true,
            if_false,
            on_absent: raw.on_absent,
            on_unavailable: raw.on_unavailable,
            on_mismatch: raw.on_mismatch,
        })
    }

    fn open(&mut self, table: &Table) -> Result<Option<Plan<Sources>>, String> {
        let mut plan = Plan::new();
        let places = self.program.places.iter();
        let sources = Sources(places.map(|place| source(place, table, &mut plan)).collect());
        if self.always_keeps(&sources) {
            return Ok(None);
        }
        if plan.reads.is_empty() {
            // Without a read there would be no call.
            plan.read(Field::meta("operation"));
        }
        Ok(Some(plan.with(sources)))
    }

    fn process(&mut self, sources: &mut Sources, rows: &mut Rows<'_>) -> Result<(), String> {
        let batch = Batch { rows: rows.len(), places: sources.values(rows) };
        let truths = evaluate::test(&self.program.root, &batch);
        for (row, truth) in (0u32..).zip(truths) {
            match self.verdict(truth) {
                Verdict::Keep => {}
                Verdict::Drop => rows.drop(row),
                Verdict::Reject => rows.reject(row, self.reason(truth, row as usize, &batch)),
            }
        }
        Ok(())
    }
}

impl Filter {
    fn verdict(&self, truth: Truth) -> Verdict {
        match truth {
            Truth::True => self.if_true,
            Truth::False => self.if_false,
            Truth::Absent => self.on_absent,
            Truth::Unavailable => self.on_unavailable,
            Truth::Mismatch => self.on_mismatch,
        }
    }

    /// Whether every row of a table stays, whatever the places hold that have to be read.
    fn always_keeps(&self, sources: &Sources) -> bool {
        let batch = Batch { rows: 1, places: sources.0.iter().map(Source::known).collect() };
        let known = |source: &Source| matches!(source, Source::Text(_) | Source::Absent);
        let all_known = sources.0.iter().all(known);
        evaluate::test(&self.program.root, &batch).iter().all(|truth| {
            let decided = all_known || matches!(truth, Truth::True | Truth::False);
            decided && self.verdict(*truth) == Verdict::Keep
        })
    }

    /// Names fields, never what they hold.
    fn reason(&self, truth: Truth, row: usize, batch: &Batch<'_>) -> String {
        let named = |wanted: fn(Cell<'_>) -> bool| {
            let places = self.program.places.iter().zip(&batch.places);
            let found = places.filter(|(_, values)| wanted(values.get(row)));
            let names: Vec<String> = found.map(|(place, _)| format!("{place:?}")).collect();
            names.join(", ")
        };
        match truth {
            Truth::Absent => {
                let names = named(|cell| cell == Cell::Absent);
                format!("the expression does not hold without {names}, which the row does not have")
            }
            Truth::Unavailable => {
                let names = named(|cell| cell == Cell::Unavailable);
                format!(
                    "the expression does not hold without {names}, which the database did not send"
                )
            }
            Truth::Mismatch => "the expression compares values that do not compare".into(),
            Truth::True | Truth::False => "the expression decided so".into(),
        }
    }
}

impl Source {
    /// What the place holds in every row. What is not known before there are rows is made an error, which logic absorbs where
    /// the rest decides.
    fn known(&self) -> Values<'_> {
        Values::Same(match self {
            Self::Read(_) | Self::Header(_) | Self::Operation => Cell::Unknown(0),
            Self::Text(text) => Cell::String(text),
            Self::Absent => Cell::Absent,
        })
    }
}

impl Sources {
    fn values<'b>(&'b self, rows: &Rows<'b>) -> Vec<Values<'b>> {
        let value = |source: &'b Source| match source {
            Source::Read(read) => Values::Cells(rows.cells(*read)),
            Source::Header(read) => Values::Headers(rows.cells(*read)),
            Source::Operation => Values::Operations(rows.operations()),
            Source::Text(text) => Values::Same(Cell::String(text)),
            Source::Absent => Values::Same(Cell::Absent),
        };
        self.0.iter().map(value).collect()
    }
}

fn source(place: &Place, table: &Table, plan: &mut Plan) -> Source {
    let text = |text: &String| match text.is_empty() {
        true => Source::Absent,
        false => Source::Text(text.clone()),
    };
    let Field { image, name, .. } = &place.field;
    let column = || table.column(name);
    match (image, name.as_str()) {
        (Image::Meta, "operation") => Source::Operation,
        (Image::Meta, "table") => text(&table.name),
        (Image::Meta, "schema") => text(&table.schema),
        (Image::Meta, "database") => text(&table.database),
        (Image::Meta, "topic") => text(&table.topic),
        // A column never seen is in no row; once it is, the table opens anew.
        (Image::Before | Image::After, _) if column().is_none() => Source::Absent,
        (Image::Key, _) if !column().is_some_and(|column| column.key) => Source::Absent,
        (Image::Header, _) => Source::Header(plan.read(place.field.clone())),
        _ => Source::Read(plan.read(place.field.clone())),
    }
}

lockgate_plugin::export!(Filter);

#[cfg(test)]
mod tests;
