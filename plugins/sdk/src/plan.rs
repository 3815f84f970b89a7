//! What a plugin wants of a table. Plain values; must not know how the gateway carries it out.

/// Where a field lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Image {
    /// The row before the change.
    Before,
    /// The row after the change.
    After,
    /// The record's key.
    Key,
    /// A Kafka header.
    Header,
    /// What the gateway knows of the record: `topic`, `partition`, `offset`, `timestamp`, `operation`, `database`, `schema`,
    /// `table`, `transaction`, and `value`, the whole value as it arrived. Writing `topic` routes the record.
    Meta,
}

/// One named place in an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field {
    /// Where it lives.
    pub image: Image,
    /// The column, header or meta name.
    pub name: String,
    /// A JSON pointer (RFC 6901) into the cell, also into JSON kept in a string; empty for the whole cell.
    pub pointer: String,
}

impl Field {
    /// A field of any image.
    pub fn new(image: Image, name: impl Into<String>) -> Self {
        Self { image, name: name.into(), pointer: String::new() }
    }

    /// A column of the row before the change.
    pub fn before(column: impl Into<String>) -> Self {
        Self::new(Image::Before, column)
    }

    /// A column of the row after the change.
    pub fn after(column: impl Into<String>) -> Self {
        Self::new(Image::After, column)
    }

    /// A column of the record's key.
    pub fn key(column: impl Into<String>) -> Self {
        Self::new(Image::Key, column)
    }

    /// A Kafka header.
    pub fn header(name: impl Into<String>) -> Self {
        Self::new(Image::Header, name)
    }

    /// What the gateway knows of the record; see [`Image::Meta`] for the names.
    pub fn meta(name: impl Into<String>) -> Self {
        Self::new(Image::Meta, name)
    }

    /// The place that `pointer` (`/contact/email`) leads to inside this field.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }
}

/// Position of a field among a plan's reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read(pub usize);

/// Position of a field among a plan's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write(pub usize);

/// A field that leaves under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The field as it arrives.
    pub field: Field,
    /// Its name when it leaves.
    pub to: String,
}

/// What a plugin wants of one table, decided once in [`Plugin::open`](crate::Plugin::open). `S` is what the plugin keeps for
/// the table and gets back with every batch.
///
/// A plan without reads and writes is carried out by the gateway alone: removes and renames cost no call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<S = ()> {
    /// Handed over with every batch, in this order; [`Read`] numbers them.
    pub reads: Vec<Field>,
    /// What edits may touch; [`Write`] numbers them. What the table does not have is added: a column, a header, the topic.
    pub writes: Vec<Field>,
    /// Taken out by the gateway.
    pub removes: Vec<Field>,
    /// Renamed by the gateway.
    pub renames: Vec<Rename>,
    /// The operations to be called for: `c` create, `u` update, `d` delete, `r` snapshot read. Empty for all.
    pub operations: Vec<u8>,
    /// Rows do not depend on one another, so that the gateway may split, retry and replay batches.
    pub independent: bool,
    /// What the plugin keeps for the table.
    pub state: S,
}

impl Plan {
    /// An empty plan: no calls, no changes.
    pub fn new() -> Self {
        Self {
            reads: Vec::new(),
            writes: Vec::new(),
            removes: Vec::new(),
            renames: Vec::new(),
            operations: Vec::new(),
            independent: true,
            state: (),
        }
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Plan<S> {
    /// Adds fields to read, in order.
    #[must_use]
    pub fn reads(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.reads.extend(fields);
        self
    }

    /// Adds fields to write, in order.
    #[must_use]
    pub fn writes(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.writes.extend(fields);
        self
    }

    /// Adds fields for the gateway to take out.
    #[must_use]
    pub fn removes(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.removes.extend(fields);
        self
    }

    /// Adds a field for the gateway to rename.
    #[must_use]
    pub fn renames(mut self, field: Field, to: impl Into<String>) -> Self {
        self.renames.push(Rename { field, to: to.into() });
        self
    }

    /// Asks to be called for these operations only, as in `b"cu"`.
    #[must_use]
    pub fn operations(mut self, codes: &[u8]) -> Self {
        self.operations.extend_from_slice(codes);
        self
    }

    /// Says that rows depend on those before them: no batch is split or replayed, and a fault refuses all of it.
    #[must_use]
    pub fn dependent(mut self) -> Self {
        self.independent = false;
        self
    }

    /// What to keep for the table.
    #[must_use]
    pub fn with<T>(self, state: T) -> Plan<T> {
        let Self { reads, writes, removes, renames, operations, independent, state: _ } = self;
        Plan { reads, writes, removes, renames, operations, independent, state }
    }

    /// Adds a field to read, unless it is there, and tells its position.
    pub fn read(&mut self, field: Field) -> Read {
        Read(position(&mut self.reads, field))
    }

    /// Adds a field to write, unless it is there, and tells its position.
    pub fn write(&mut self, field: Field) -> Write {
        Write(position(&mut self.writes, field))
    }
}

fn position(fields: &mut Vec<Field>, field: Field) -> usize {
    fields.iter().position(|known| *known == field).unwrap_or_else(|| {
        fields.push(field);
        fields.len() - 1
    })
}
