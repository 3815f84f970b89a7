//! The exports of a plugin: turns the contract's calls into those of its [`Plugin`]. Must not know any plugin.

use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Once;

use crate::answer::{Answer, Edit, Emission};
use crate::bindings::exports::lockgate::plugin::transform::Guest;
use crate::bindings::lockgate::plugin::types as wit;
use crate::cell::Cells;
use crate::host::{Level, log};
use crate::plan::{Field, Image, Plan};
use crate::plugin::{Instance, Plugin};
use crate::settings::Settings;
use crate::table;

/// What [`export!`](crate::export) exports on a plugin's behalf.
#[derive(Debug)]
pub struct Exported<P>(PhantomData<P>);

thread_local! {
    /// The one instance of this module, an `Instance<P>`. A static cannot be generic.
    static INSTANCE: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

impl<P: Plugin> Guest for Exported<P> {
    fn describe() -> wit::Info {
        report_panics();
        wit::Info {
            name: P::NAME.into(),
            version: P::VERSION.into(),
            settings_schema: P::SETTINGS_SCHEMA.into(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        report_panics();
        let instance = Instance::<P>::configure(Settings::new(settings))?;
        INSTANCE.set(Some(Box::new(instance)));
        Ok(())
    }

    fn open_table(table: wit::Table) -> Result<Option<wit::Plan>, String> {
        with_instance::<P, _>(|instance| Ok(instance.open(&table.into())?.map(wit::Plan::from)))
    }

    fn process(batch: wit::Batch) -> Result<wit::Outcome, String> {
        let columns = batch.reads.iter();
        let columns = columns.map(|c| Cells::new(&c.kinds, &c.ends, &c.data)).collect();
        with_instance::<P, _>(|instance| {
            instance.process(batch.table, &batch.operations, columns).map(wit::Outcome::from)
        })
    }
}

fn with_instance<P: Plugin, T>(
    call: impl FnOnce(&mut Instance<P>) -> Result<T, String>,
) -> Result<T, String> {
    INSTANCE.with_borrow_mut(|instance| {
        let instance = instance.as_mut().and_then(|any| any.downcast_mut());
        call(instance.ok_or("the plugin was called before it was configured")?)
    })
}

/// A panic ends in a trap that says nothing of its own: what happened must be told before.
fn report_panics() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
    });
}

impl From<wit::Table> for table::Table {
    fn from(table: wit::Table) -> Self {
        let columns = table.columns.into_iter().map(|column| table::Column {
            name: column.name,
            source_type: column.source_type,
            key: column.key,
        });
        Self {
            id: table.id,
            topic: table.topic,
            dialect: table.dialect,
            database: table.database,
            schema: table.schema,
            name: table.name,
            columns: columns.collect(),
        }
    }
}

impl From<Field> for wit::Field {
    fn from(field: Field) -> Self {
        let image = match field.image {
            Image::Before => wit::Image::Before,
            Image::After => wit::Image::After,
            Image::Key => wit::Image::Key,
            Image::Header => wit::Image::Header,
            Image::Meta => wit::Image::Meta,
        };
        Self { image, name: field.name, pointer: field.pointer }
    }
}

impl From<Plan> for wit::Plan {
    fn from(plan: Plan) -> Self {
        let fields = |fields: Vec<Field>| fields.into_iter().map(wit::Field::from).collect();
        let renames = plan.renames.into_iter();
        Self {
            reads: fields(plan.reads),
            writes: fields(plan.writes),
            removes: fields(plan.removes),
            renames: renames
                .map(|rename| wit::Rename { column: rename.field.into(), to: rename.to })
                .collect(),
            operations: plan.operations,
            independent: plan.independent,
        }
    }
}

impl From<Answer> for wit::Outcome {
    fn from(answer: Answer) -> Self {
        let rejections = answer.rejections.into_iter();
        let edits = (0u32..).zip(answer.edits).filter(|(_, edit)| !edit.is_empty());
        let emissions = answer.emissions.into_iter();
        Self {
            drops: answer.drops,
            rejections: rejections.map(|(row, reason)| wit::Rejection { row, reason }).collect(),
            edits: edits.map(|(write, edit)| edit_to_wit(write, edit)).collect(),
            emissions: emissions.map(|(row, emission)| emission_to_wit(row, emission)).collect(),
        }
    }
}

fn edit_to_wit(write: u32, edit: Edit) -> wit::Edit {
    let Edit { rows, kinds, ends, data, .. } = edit;
    wit::Edit { write, rows, cells: wit::Cells { kinds, ends, data } }
}

fn emission_to_wit(row: u32, emission: Emission) -> wit::Emission {
    let Emission { topic, key, value, headers } = emission;
    let headers = headers.into_iter().map(|(name, value)| wit::Header { name, value }).collect();
    wit::Emission { row, topic, key, value, headers }
}
