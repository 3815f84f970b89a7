//! The edits of a batch, kept beside the records until they are rendered. Pure: knows neither plugins nor JSON.

use std::sync::Arc;

use crate::contract::Image;
use crate::table;

/// What an edit replaces in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A column of the table, in the before, after or key image. Every occurrence of it, where its name stands twice.
    Column { image: Image, column: u16 },
    /// A column that the source does not have: number of `Layout::created`.
    Created(u16),
    /// Number of `Layout::headers`.
    Header(u16),
    /// The output topic.
    Topic,
}

/// The edits of one batch. The latest edit of a target wins.
#[derive(Debug, Default)]
pub struct Overlay {
    /// By row: one more than the number of its latest edit; 0 for none.
    latest: Vec<u32>,
    edits: Vec<Entry>,
    data: Vec<u8>,
    /// Rows that leave their records, while others of the record stay; ascending.
    removed: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    target: Target,
    kind: u8,
    start: u32,
    end: u32,
    /// As `Overlay::latest`.
    previous: u32,
}

/// One edit of a row. `text` is ready to be spliced: JSON text for columns, plain bytes for a header or the topic.
/// `kind` is one of `contract::kind`; `ABSENT` removes the target, and a null header keeps its name without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit<'a> {
    pub target: Target,
    pub kind: u8,
    pub text: &'a [u8],
}

impl Overlay {
    /// Forgets every edit and makes room for `rows` rows.
    pub fn reset(&mut self, rows: usize) {
        self.latest.clear();
        self.latest.resize(rows, 0);
        self.edits.clear();
        self.data.clear();
        self.removed.clear();
    }

    /// Takes a row out of its record. Rows are taken out in their order.
    pub fn remove_row(&mut self, row: u32) {
        self.removed.push(row);
    }

    pub fn is_removed(&self, row: u32) -> bool {
        self.removed.binary_search(&row).is_ok()
    }

    /// Whether any row of the batch leaves its record.
    pub fn removes_rows(&self) -> bool {
        !self.removed.is_empty()
    }

    /// Adds an edit whose text `write` appends to the buffer it is given. Whoever calls keeps [`Self::bytes`] far below 4 GiB.
    pub fn set(&mut self, row: u32, target: Target, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(latest) = self.latest.get_mut(row as usize) else { return };
        let start = offset(self.data.len());
        write(&mut self.data);
        let end = offset(self.data.len());
        self.edits.push(Entry { target, kind, start, end, previous: *latest });
        *latest = offset(self.edits.len());
    }

    /// What all edits take, those that do not count any more included.
    pub fn bytes(&self) -> usize {
        self.data.len() + self.edits.len() * size_of::<Entry>()
    }

    /// What [`Self::rewind`] goes back to.
    pub fn mark(&self) -> u32 {
        offset(self.edits.len())
    }

    /// Takes back the row's edits since `mark`.
    pub fn rewind(&mut self, row: u32, mark: u32) {
        let Some(latest) = self.latest.get_mut(row as usize) else { return };
        while let Some(number) = latest.checked_sub(1).filter(|number| *number >= mark) {
            *latest = self.edits.get(number as usize).map_or(0, |entry| entry.previous);
        }
    }

    pub fn is_edited(&self, row: u32) -> bool {
        self.latest.get(row as usize).is_some_and(|latest| *latest != 0)
    }

    /// The edit of `target` that counts, if there is one.
    pub fn get(&self, row: u32, target: Target) -> Option<Edit<'_>> {
        self.edits(row).find(|edit| edit.target == target)
    }

    /// The edit of that number, as [`Self::numbers`] gives them.
    pub fn edit(&self, number: u32) -> Option<Edit<'_>> {
        let entry = self.edits.get(number as usize)?;
        let text = self.data.get(entry.start as usize..entry.end as usize).unwrap_or_default();
        Some(Edit { target: entry.target, kind: entry.kind, text })
    }

    /// Target and number of each of the row's edits, latest first, those that do not count included.
    pub fn numbers(&self, row: u32) -> impl Iterator<Item = (Target, u32)> {
        let mut next = self.latest.get(row as usize).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let number = next.checked_sub(1)?;
            let entry = self.edits.get(number as usize)?;
            next = entry.previous;
            Some((entry.target, number))
        })
    }

    /// The row's edits, latest first; an earlier edit of a target follows a later one and does not count.
    pub fn edits(&self, row: u32) -> impl Iterator<Item = Edit<'_>> {
        self.numbers(row).filter_map(|(_, number)| self.edit(number))
    }
}

fn offset(len: usize) -> u32 {
    u32::try_from(len)
        .expect("a batch's edits stay below 4 GiB: no further answer is taken long before")
}

/// What happens to every row of a table whatever its cells hold: the plans' removes and renames, and the names of what the
/// source does not have. Compiled once per table; `Layout::default()` changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// By column number; shorter than the table where the rest is kept.
    pub before: Vec<Fate>,
    pub after: Vec<Fate>,
    pub key: Vec<Fate>,
    pub created: Vec<Created>,
    /// Names of the headers that edits may set.
    pub headers: Vec<Arc<str>>,
}

/// The layouts of the tables that a record's rows are of. Nearly always one.
#[derive(Clone, Copy, Debug)]
pub struct Layouts<'a> {
    one: &'a Layout,
    /// Those of the other tables.
    others: &'a [(table::Index, &'a Layout)],
}

impl<'a> Layouts<'a> {
    /// `one` is the layout of every table that is not among `others`.
    pub fn new(one: &'a Layout, others: &'a [(table::Index, &'a Layout)]) -> Self {
        Self { one, others }
    }

    #[inline]
    pub fn of(self, table: table::Index) -> &'a Layout {
        let other = self.others.iter().find(|(other, _)| *other == table);
        other.map_or(self.one, |(_, layout)| layout)
    }

    pub fn all(self) -> impl Iterator<Item = &'a Layout> {
        std::iter::once(self.one).chain(self.others.iter().map(|(_, layout)| *layout))
    }
}

impl<'a> From<&'a Layout> for Layouts<'a> {
    fn from(one: &'a Layout) -> Self {
        Self::new(one, &[])
    }
}

/// What becomes of a column in one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Keep,
    Remove,
    /// To this name, unescaped.
    Rename(Arc<str>),
}

/// A column that a plugin added, under its final name; none where a later plugin removed it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    pub image: Image,
    pub name: Option<Arc<str>>,
}

impl Layout {
    pub fn fate(&self, image: Image, column: u16) -> &Fate {
        self.fates(image).get(usize::from(column)).unwrap_or(&Fate::Keep)
    }

    /// By column number; shorter than the table where the rest is kept.
    pub fn fates(&self, image: Image) -> &[Fate] {
        match image {
            Image::Before => &self.before,
            Image::After => &self.after,
            Image::Key => &self.key,
            Image::Header | Image::Meta => &[],
        }
    }

    /// What becomes of a column wherever it is only spoken of: what its values' images agree on.
    pub fn fate_of_name(&self, column: u16) -> &Fate {
        match (self.fate(Image::Before, column), self.fate(Image::After, column)) {
            (Fate::Remove, after) => after,
            (before, Fate::Remove) => before,
            (_, after) => after,
        }
    }

    /// Whether a row without edits leaves as it came.
    pub fn is_identity(&self) -> bool {
        let kept = |fates: &[Fate]| fates.iter().all(|fate| *fate == Fate::Keep);
        kept(&self.before) && kept(&self.after) && kept(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::kind;

    #[test]
    fn the_latest_edit_of_a_target_counts() {
        let mut overlay = Overlay::default();
        overlay.reset(2);
        let email = Target::Column { image: Image::After, column: 3 };
        overlay.set(1, email, kind::STRING, |out| out.extend_from_slice(b"\"a\""));
        overlay.set(1, Target::Topic, kind::STRING, |out| out.extend_from_slice(b"t"));
        overlay.set(1, email, kind::NULL, |out| out.extend_from_slice(b"null"));
        assert_eq!(
            overlay.get(1, email),
            Some(Edit { target: email, kind: kind::NULL, text: b"null" })
        );
        assert_eq!(overlay.get(0, email), None);
        assert_eq!(overlay.edits(1).count(), 3);
    }

    #[test]
    fn a_row_goes_back_to_where_it_was() {
        let mut overlay = Overlay::default();
        overlay.reset(2);
        let text = |text: &'static [u8]| move |out: &mut Vec<u8>| out.extend_from_slice(text);
        overlay.set(0, Target::Topic, kind::STRING, text(b"first"));
        let mark = overlay.mark();
        overlay.set(0, Target::Topic, kind::STRING, text(b"second"));
        overlay.set(1, Target::Topic, kind::STRING, text(b"other"));
        overlay.set(0, Target::Header(0), kind::STRING, text(b"third"));
        overlay.rewind(0, mark);
        assert_eq!(overlay.edits(0).map(|edit| edit.text).collect::<Vec<_>>(), [b"first"]);
        assert_eq!(overlay.edits(1).count(), 1);
        overlay.rewind(1, mark);
        assert!(!overlay.is_edited(1));
    }

    #[test]
    fn a_reset_forgets_every_edit() {
        let mut overlay = Overlay::default();
        overlay.reset(1);
        overlay.set(0, Target::Topic, kind::STRING, |out| out.extend_from_slice(b"t"));
        overlay.reset(1);
        assert!(!overlay.is_edited(0));
    }
}
