//! Turns the plans of a chain's stages for one table into targets: which bytes a field stands for at each stage, and what
//! the renames and removes add up to. Pure; the calls to `open_table` go through the stages' own `Transform`.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::cell::Pointer;
use crate::config;
use crate::contract::{Fault, FaultClass, Field, Image, Plan, Rename};
use crate::outcome_check;
use crate::overlay::{Created, Fate, Layout, Target};
use crate::protect::unlisted::{self, Listing};
use crate::table::{Column, Table};

use super::Stage;
use super::weight::Weight;

/// A table as the whole chain treats it.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The table's id it was made for; another id means: compile again.
    pub id: u32,
    /// One entry a stage; none where the stage is not interested.
    pub stages: Vec<Option<StagePlan>>,
    pub layout: Layout,
    /// Columns that no one has listed, where the pipeline does not let them pass.
    pub unlisted: unlisted::Columns,
}

/// What one stage reads and writes of one table.
#[derive(Debug)]
pub struct StagePlan {
    pub plan: Plan,
    pub reads: Vec<Access>,
    pub writes: Vec<Access>,
    /// Removes that reach into a JSON cell, and those of headers; the others are in the layout.
    pub removes: Vec<Access>,
    /// Columns of the source that it removes or renames as a whole.
    pub removed: Vec<Target>,
    pub renamed: Vec<Target>,
    /// What a call takes for each row.
    pub weight: Weight,
}

impl StagePlan {
    /// Whether the plugin has to be called at all.
    pub fn is_called(&self) -> bool {
        !self.reads.is_empty() || !self.writes.is_empty()
    }

    pub fn wants(&self, operation: u8) -> bool {
        self.plan.operations.is_empty() || self.plan.operations.contains(&operation)
    }

    /// Whether it changes a column of the key.
    pub fn touches_key(&self) -> bool {
        let is_key = |access: &Access| match access.place {
            Place::Target(Target::Column { image, .. }) => image == Image::Key,
            _ => false,
        };
        self.writes.iter().chain(&self.removes).any(is_key)
            || self.plan.removes.iter().any(|field| field.image == Image::Key)
            || self.plan.renames.iter().any(|rename| rename.column.image == Image::Key)
    }
}

/// A field, resolved.
#[derive(Clone, Debug)]
pub struct Access {
    pub place: Place,
    /// Reaches into the cell; none for the whole of it.
    pub pointer: Option<Pointer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Target(Target),
    Meta(Meta),
    /// No such column: absent in every row.
    Nowhere,
}

/// What the gateway itself knows of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meta {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Operation,
    Database,
    Schema,
    Table,
    Transaction,
    Value,
}

impl Meta {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "topic" => Self::Topic,
            "partition" => Self::Partition,
            "offset" => Self::Offset,
            "timestamp" => Self::Timestamp,
            "operation" => Self::Operation,
            "database" => Self::Database,
            "schema" => Self::Schema,
            "table" => Self::Table,
            "transaction" => Self::Transaction,
            "value" => Self::Value,
            _ => return None,
        })
    }
}

/// Opens `table` at every stage that takes it, in chain order: each stage sees the columns as the stages before it leave
/// them. The number of the stage that refused stands beside its fault.
pub(super) fn compile(
    table: &Table,
    stages: &mut [Stage],
    listing: &Listing,
) -> Result<Compiled, (usize, Fault)> {
    let mut view = View::of(table);
    let mut compiled = Compiled { id: table.id, ..Compiled::default() };
    for (number, stage) in stages.iter_mut().enumerate() {
        let plan = if stage.takes(table) {
            let seen = view.table(table);
            match stage.transform.open_table(&seen).map_err(|fault| (number, fault))? {
                Some(plan) => {
                    outcome_check::check_plan(&seen, &plan)
                        .map_err(|violation| (number, broken(&violation.to_string())))?;
                    Some(view.apply(plan).map_err(|fault| (number, fault))?)
                }
                None => None,
            }
        } else {
            None
        };
        compiled.stages.push(plan);
    }
    compiled.unlisted = listing.unlisted(table, compiled.stages.iter().flatten());
    if listing.policy() == config::Unlisted::Remove {
        view.remove(&compiled.unlisted);
    }
    compiled.layout = view.layout(table);
    Ok(compiled)
}

fn broken(message: &str) -> Fault {
    Fault::new(FaultClass::ContractViolated, message)
}

/// The columns of each image at one point of the chain, under the names they have there.
struct View {
    before: Vec<(Arc<str>, Target)>,
    after: Vec<(Arc<str>, Target)>,
    key: Vec<(Arc<str>, Target)>,
    created: Vec<Image>,
    headers: Vec<Arc<str>>,
    /// By name.
    header_numbers: FxHashMap<Arc<str>, u16>,
}

/// By image and name.
type Places = FxHashMap<(Image, Arc<str>), Target>;

impl View {
    fn of(table: &Table) -> Self {
        let image = |image: Image| {
            (0u16..)
                .zip(&table.columns)
                .filter(|(_, column)| image != Image::Key || column.key)
                .map(|(number, column)| {
                    (Arc::clone(&column.name), Target::Column { image, column: number })
                })
                .collect()
        };
        Self {
            before: image(Image::Before),
            after: image(Image::After),
            key: image(Image::Key),
            created: Vec::new(),
            headers: Vec::new(),
            header_numbers: FxHashMap::default(),
        }
    }

    /// The table as a stage at this point sees it.
    fn table(&self, source: &Table) -> Table {
        let in_key: FxHashSet<&str> = self.key.iter().map(|(name, _)| &**name).collect();
        let mut listed: FxHashSet<&str> = FxHashSet::default();
        let mut columns: Vec<Column> = Vec::new();
        for (name, target) in self.after.iter().chain(&self.before).chain(&self.key) {
            if !listed.insert(name) {
                continue;
            }
            let origin = match target {
                Target::Column { column, .. } => source.columns.get(usize::from(*column)),
                Target::Created(_) | Target::Header(_) | Target::Topic => None,
            };
            let source_type = origin.map_or_else(|| Arc::from(""), |o| Arc::clone(&o.source_type));
            let key = in_key.contains(&**name);
            columns.push(Column { name: Arc::clone(name), source_type, key });
        }
        Table { columns, ..source.clone() }
    }

    /// Resolves the plan's fields against this point of the chain, then moves the point behind the stage.
    fn apply(&mut self, plan: Plan) -> Result<StagePlan, Fault> {
        let weight = Weight::of(&plan).map_err(|reason| broken(&format!("the plan: {reason}")))?;
        let mut places = self.places();
        let reads = plan.reads.iter().map(|field| self.resolve(field, &places));
        let reads = reads.collect::<Result<_, _>>()?;
        let writes = plan.writes.iter().map(|field| self.resolve_write(field, &mut places));
        let writes = writes.collect::<Result<_, _>>()?;
        let (mut removes, mut removed) = (Vec::new(), Vec::new());
        let mut whole: FxHashSet<(Image, &str)> = FxHashSet::default();
        for field in &plan.removes {
            if field.pointer.is_empty() && field.image != Image::Header {
                whole.insert((field.image, &field.name));
            } else {
                removes.push(self.resolve(field, &places)?);
            }
        }
        for image in [Image::Before, Image::After, Image::Key] {
            let is_gone = |(name, _): &mut (Arc<str>, Target)| whole.contains(&(image, &**name));
            removed.extend(self.image_mut(image).extract_if(.., is_gone).map(|(_, target)| target));
        }
        // Together what is removed from one cell, in the plan's order.
        removes.sort_by_key(|access| access.place);
        // All renames of a plan happen at once, so that two columns can swap names.
        let new = |rename: &Rename| Arc::<str>::from(rename.to.as_str());
        let renames = plan.renames.iter();
        let renames: FxHashMap<(Image, &str), Arc<str>> = renames
            .map(|rename| ((rename.column.image, &*rename.column.name), new(rename)))
            .collect();
        let mut renamed = Vec::new();
        for image in [Image::Before, Image::After, Image::Key] {
            for (name, target) in self.image_mut(image) {
                if let Some(to) = renames.get(&(image, &**name)) {
                    *name = Arc::clone(to);
                    renamed.push(*target);
                }
            }
        }
        self.refuse_twins()?;
        Ok(StagePlan { plan, reads, writes, removes, removed, renamed, weight })
    }

    /// Takes columns away from every image, after all stages.
    fn remove(&mut self, columns: &unlisted::Columns) {
        for image in [&mut self.before, &mut self.after, &mut self.key] {
            image.retain(|(_, target)| match target {
                Target::Column { column, .. } => !columns.has(*column),
                Target::Created(_) | Target::Header(_) | Target::Topic => true,
            });
        }
    }

    fn refuse_twins(&self) -> Result<(), Fault> {
        for image in [&self.before, &self.after, &self.key] {
            let mut names: Vec<&str> = image.iter().map(|(name, _)| &**name).collect();
            names.sort_unstable();
            if let Some([twin, _]) = names.array_windows().find(|[a, b]| a == b) {
                return Err(broken(&format!(
                    "the plan leaves two columns called \"{twin}\"; rename one of them to another name"
                )));
            }
        }
        Ok(())
    }

    fn image_mut(&mut self, image: Image) -> &mut Vec<(Arc<str>, Target)> {
        match image {
            Image::Before => &mut self.before,
            Image::After => &mut self.after,
            // The plan check lets renames and removes name no headers and no meta fields by column.
            Image::Key | Image::Header | Image::Meta => &mut self.key,
        }
    }

    /// Where each column is now. A plan may name thousands, so none is searched for.
    fn places(&self) -> Places {
        let images =
            [(Image::Before, &self.before), (Image::After, &self.after), (Image::Key, &self.key)];
        let named = |(image, columns): (Image, &Vec<(Arc<str>, Target)>)| {
            let place = |(name, target): &(Arc<str>, Target)| ((image, Arc::clone(name)), *target);
            columns.iter().map(place).collect::<Vec<_>>()
        };
        images.into_iter().flat_map(named).collect()
    }

    fn resolve(&mut self, field: &Field, places: &Places) -> Result<Access, Fault> {
        let place = match field.image {
            Image::Header => Place::Target(self.header(&field.name)?),
            Image::Meta => Meta::named(&field.name).map_or(Place::Nowhere, Place::Meta),
            image => {
                let name = Arc::from(field.name.as_str());
                places.get(&(image, name)).map_or(Place::Nowhere, |at| Place::Target(*at))
            }
        };
        Ok(Access { place, pointer: pointer(field)? })
    }

    /// As [`Self::resolve`], but what does not exist comes to exist.
    fn resolve_write(&mut self, field: &Field, places: &mut Places) -> Result<Access, Fault> {
        let found = self.resolve(field, places)?;
        let place = match found.place {
            Place::Target(target) => Place::Target(target),
            Place::Meta(_) => Place::Target(Target::Topic),
            Place::Nowhere => {
                let number = u16::try_from(self.created.len())
                    .map_err(|_| broken("the plans add more than 65,535 columns"))?;
                self.created.push(field.image);
                let (name, target) = (Arc::from(field.name.as_str()), Target::Created(number));
                self.image_mut(field.image).push((Arc::clone(&name), target));
                places.insert((field.image, name), target);
                Place::Target(target)
            }
        };
        Ok(Access { place, pointer: found.pointer })
    }

    fn header(&mut self, name: &str) -> Result<Target, Fault> {
        if let Some(known) = self.header_numbers.get(name) {
            return Ok(Target::Header(*known));
        }
        let number = u16::try_from(self.headers.len())
            .map_err(|_| broken("the plans name more than 65,535 headers"))?;
        let name = Arc::<str>::from(name);
        self.headers.push(Arc::clone(&name));
        self.header_numbers.insert(name, number);
        Ok(Target::Header(number))
    }

    /// What is left to do for every row once all plans have had their say.
    fn layout(self, table: &Table) -> Layout {
        let all = || self.before.iter().chain(&self.after).chain(&self.key);
        let names: FxHashMap<Target, &Arc<str>> =
            all().map(|(name, target)| (*target, name)).collect();
        let fates = |image: Image| -> Vec<Fate> {
            let fate = |(number, column): (u16, &Column)| {
                if image == Image::Key && !column.key {
                    return Fate::Keep;
                }
                match names.get(&Target::Column { image, column: number }) {
                    None => Fate::Remove,
                    Some(name) if **name == column.name => Fate::Keep,
                    Some(name) => Fate::Rename(Arc::clone(name)),
                }
            };
            let mut fates: Vec<Fate> = (0u16..).zip(&table.columns).map(fate).collect();
            let last = fates.iter().rposition(|fate| *fate != Fate::Keep);
            fates.truncate(last.map_or(0, |last| last + 1));
            fates
        };
        let created = (0u16..).zip(&self.created).map(|(number, image)| {
            let name = names.get(&Target::Created(number));
            Created { image: *image, name: name.map(|name| Arc::clone(name)) }
        });
        Layout {
            created: created.collect(),
            before: fates(Image::Before),
            after: fates(Image::After),
            key: fates(Image::Key),
            headers: self.headers,
        }
    }
}

fn pointer(field: &Field) -> Result<Option<Pointer>, Fault> {
    if field.pointer.is_empty() {
        return Ok(None);
    }
    match Pointer::parse(&field.pointer) {
        Ok(pointer) => Ok(Some(pointer)),
        Err(error) => Err(broken(&format!("field \"{}#{}\": {error}", field.name, field.pointer))),
    }
}
