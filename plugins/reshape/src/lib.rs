//! The `reshape` plugin: renames, removes and adds columns, copies columns to headers, sets the topic. Removes and renames are
//! left to the gateway: a table that needs no more is never handed over.

mod settings;
mod layout;
mod topic;

use lockgate_plugin::{
    Cell, ColumnGlob, Field, Image, Kind, Plan, Plugin, Read, Rows, Settings, Table, TableGlob,
    Write,
};

use layout::Layout;
use topic::Template;

#[derive(Debug)]
pub struct Reshape {
    tables: Vec<TableGlob>,
    layout: Layout,
    adds: Vec<(ColumnGlob, Constant)>,
    headers: Vec<(String, ColumnGlob)>,
    topic: Option<Template>,
}

/// A value to add, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Constant {
    kind: Kind,
    text: String,
}

/// What is done to the rows of one table.
#[derive(Debug, Default)]
pub struct Steps {
    after: Vec<(Write, Constant)>,
    before: Vec<(Write, Constant)>,
    /// Columns that tell whether a row has its before image.
    before_columns: Vec<Read>,
    headers: Vec<Copy>,
    topic: Option<(Write, String)>,
}

/// A column that is copied to a header.
#[derive(Debug)]
struct Copy {
    header: String,
    write: Write,
    /// The column in the images, the first that has a value counts.
    from: Vec<Read>,
}

impl Plugin for Reshape {
    const NAME: &'static str = "reshape";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SETTINGS_SCHEMA: &'static str = include_str!("../settings.schema.json");
    type State = Steps;

    fn configure(settings: Settings) -> Result<Self, String> {
        settings::read(&settings)
    }

    fn open(&mut self, table: &Table) -> Result<Option<Plan<Steps>>, String> {
        if !self.tables.is_empty() && !self.tables.iter().any(|glob| glob.matches(table)) {
            return Ok(None);
        }
        let mut plan = Plan::new();
        self.layout.plan(table, &mut plan)?;
        let mut steps = Steps::default();
        self.plan_adds(table, &mut plan, &mut steps)?;
        self.plan_headers(table, &mut plan, &mut steps);
        if let Some(template) = &self.topic {
            steps.topic = Some((plan.write(Field::meta("topic")), template.fill(table)?));
        }
        let idle = plan.writes.is_empty() && plan.removes.is_empty() && plan.renames.is_empty();
        Ok((!idle).then(|| plan.with(steps)))
    }

    fn process(&mut self, steps: &mut Steps, rows: &mut Rows<'_>) -> Result<(), String> {
        if let Some((write, topic)) = &steps.topic {
            let every_row = 0..rows.operations().len();
            set_each(rows, *write, every_row, Kind::String, topic);
        }
        // A delete and its tombstone are the rows without an after image.
        let after: Vec<usize> =
            present(rows, |row, rows| rows.operations().get(row) != Some(&b'd'));
        for (write, constant) in &steps.after {
            set_each(rows, *write, after.iter().copied(), constant.kind, &constant.text);
        }
        if !steps.before.is_empty() {
            let absent =
                |row, read: &Read, rows: &Rows<'_>| rows.cells(*read).get(row) == Cell::Absent;
            let before = present(rows, |row, rows| {
                !steps.before_columns.iter().all(|read| absent(row, read, rows))
            });
            for (write, constant) in &steps.before {
                set_each(rows, *write, before.iter().copied(), constant.kind, &constant.text);
            }
        }
        for copy in &steps.headers {
            copy.run(rows);
        }
        Ok(())
    }
}

impl Reshape {
    fn plan_adds(&self, table: &Table, plan: &mut Plan, steps: &mut Steps) -> Result<(), String> {
        for (glob, constant) in self.adds.iter().filter(|(glob, _)| glob.matches_table(table)) {
            let name = glob.literal_column().unwrap_or_default();
            let field = Field::after(name);
            let taken = plan.renames.iter().any(|rename| rename.to == name);
            if taken || table.column(name).is_some() || plan.writes.contains(&field) {
                return Err(format!(
                    "adding column {name:?} to {:?}, which has one of that name: choose another",
                    table.qualified_name()
                ));
            }
            steps.after.push((plan.write(field), constant.clone()));
            steps.before.push((plan.write(Field::before(name)), constant.clone()));
        }
        if !steps.before.is_empty() {
            // An image that is there has its key.
            let keyed = table.columns.iter().any(|column| column.key);
            let telling = table.columns.iter().filter(|column| column.key || !keyed);
            let reads = telling.map(|column| plan.read(Field::before(&column.name)));
            steps.before_columns = reads.collect();
        }
        Ok(())
    }

    fn plan_headers(&self, table: &Table, plan: &mut Plan, steps: &mut Steps) {
        for (header, glob) in &self.headers {
            let mut columns = table.columns.iter();
            let Some(column) = columns.find(|column| glob.matches(table, column)) else { continue };
            let key = column.key.then_some(Image::Key);
            let images = [Image::After, Image::Before].into_iter().chain(key);
            let from = images
                .map(|image| plan.read(Field::new(image, &column.name).at(glob.pointer())))
                .collect();
            let write = plan.write(Field::header(header));
            steps.headers.push(Copy { header: header.clone(), write, from });
        }
    }
}

impl Copy {
    fn run(&self, rows: &mut Rows<'_>) {
        for row in 0..rows.len() {
            let mut cells = self.from.iter().map(|read| rows.cells(*read).get(row));
            // A value that the database did not send may stand in another image.
            let cell = cells.find(|cell| !matches!(cell, Cell::Absent | Cell::Unavailable));
            let Some(cell) = cell else { continue };
            let row = number(row);
            let kind = match cell {
                Cell::Null => Kind::Null,
                Cell::Bytes(_) => Kind::Bytes,
                Cell::Unknown(_) => {
                    rows.reject(
                        row,
                        format!("header {:?} cannot take a value of unknown kind", self.header),
                    );
                    continue;
                }
                _ => Kind::String,
            };
            rows.edit(self.write).set_with(row, kind, |out| out.extend_from_slice(cell.as_bytes()));
        }
    }
}

fn present(rows: &Rows<'_>, is: impl Fn(usize, &Rows<'_>) -> bool) -> Vec<usize> {
    (0..rows.len()).filter(|row| is(*row, rows)).collect()
}

fn set_each(
    rows: &mut Rows<'_>,
    write: Write,
    numbers: impl IntoIterator<Item = usize>,
    kind: Kind,
    text: &str,
) {
    let edit = rows.edit(write);
    for row in numbers {
        edit.set_with(number(row), kind, |out| out.extend_from_slice(text.as_bytes()));
    }
}

fn number(row: usize) -> u32 {
    u32::try_from(row).expect("the contract numbers rows in 32 bits")
}

lockgate_plugin::export!(Reshape);

#[cfg(test)]
mod tests;
