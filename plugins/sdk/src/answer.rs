//! What a plugin decided about a batch, built in any order and handed over in the contract's. Must not know how it was read.

use crate::cell::{Cell, Cells, Kind};

/// New cells for some rows of one of the plan's writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    pub(crate) rows: Vec<u32>,
    pub(crate) kinds: Vec<u8>,
    pub(crate) ends: Vec<u32>,
    pub(crate) data: Vec<u8>,
    /// Some row was set before a smaller one, or twice.
    disordered: bool,
}

impl Edit {
    /// Sets the cell of a row. The last call for a row counts.
    ///
    /// False for [`Cell::Unavailable`] and [`Cell::Unknown`]: they are no values, and nothing was set.
    pub fn set(&mut self, row: u32, cell: Cell<'_>) -> bool {
        let Some(kind) = cell.kind() else { return false };
        self.set_with(row, kind, |out| out.extend_from_slice(cell.as_bytes()));
        true
    }

    /// Sets the cell of a row to the bytes that `write` appends. They must fit `kind`: UTF-8 for a string, a JSON number for a
    /// number, `true` or `false` for a boolean, nothing for null and absent.
    pub fn set_with(&mut self, row: u32, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
        self.disordered |= self.rows.last().is_some_and(|last| *last >= row);
        write(&mut self.data);
        self.rows.push(row);
        self.kinds.push(kind as u8);
        self.ends.push(offset(self.data.len()));
    }

    /// As [`Edit::set_with`], where only `write` can tell the kind of what it appends. On an error nothing is set.
    pub fn try_set_with<E>(
        &mut self,
        row: u32,
        write: impl FnOnce(&mut Vec<u8>) -> Result<Kind, E>,
    ) -> Result<(), E> {
        let start = self.data.len();
        match write(&mut self.data) {
            Ok(kind) => {
                self.set_with(row, kind, |_| {});
                Ok(())
            }
            Err(error) => {
                self.data.truncate(start);
                Err(error)
            }
        }
    }

    /// Makes room, so that edits of `rows` rows and `bytes` bytes do not grow the lists step by step.
    pub fn reserve(&mut self, rows: usize, bytes: usize) {
        self.rows.reserve(rows);
        self.kinds.reserve(rows);
        self.ends.reserve(rows);
        self.data.reserve(bytes);
    }

    /// What was set so far, by row, in the order of the calls.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Cell<'_>)> {
        let cells = Cells::new(&self.kinds, &self.ends, &self.data);
        self.rows.iter().copied().zip(cells.iter())
    }

    /// Whether no row was set.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows ascending, each once.
    fn ordered(self) -> Self {
        if !self.disordered {
            return self;
        }
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let mut cells: Vec<(u32, u8, u32, u32)> = (self.rows.iter().zip(&self.kinds))
            .zip(starts.zip(&self.ends))
            .map(|((row, kind), (start, end))| (*row, *kind, start, *end))
            .collect();
        // Stable: of the cells of one row the last set comes last.
        cells.sort_by_key(|(row, ..)| *row);
        let mut edit = Self::default();
        for (at, (row, kind, start, end)) in cells.iter().enumerate() {
            if cells.get(at + 1).is_some_and(|(next, ..)| next == row) {
                continue;
            }
            let bytes = self.data.get(*start as usize..*end as usize).unwrap_or_default();
            edit.rows.push(*row);
            edit.kinds.push(*kind);
            edit.data.extend_from_slice(bytes);
            edit.ends.push(offset(edit.data.len()));
        }
        edit
    }
}

fn offset(len: usize) -> u32 {
    u32::try_from(len).expect("an edit of 4 GiB exceeds what a plugin's memory can hold")
}

/// A record of the plugin's own making, sent right after its row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emission {
    /// The topic to send it to.
    pub topic: String,
    /// The record's key; none for a null key.
    pub key: Option<Vec<u8>>,
    /// The record's value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers by name, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Everything a plugin decided about a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) drops: Vec<u32>,
    pub(crate) rejections: Vec<(u32, String)>,
    /// By position in the plan's writes.
    pub(crate) edits: Vec<Edit>,
    pub(crate) emissions: Vec<(u32, Emission)>,
}

impl Answer {
    pub(crate) fn new(writes: usize) -> Self {
        Self { edits: vec![Edit::default(); writes], ..Self::default() }
    }

    /// The answer as the contract wants it: rows ascending in every list. Where a row is rejected that verdict stands alone: the
    /// first reason counts, and neither a drop nor an emission of the row is left beside it.
    pub(crate) fn ordered(mut self) -> Self {
        self.rejections.sort_by_key(|(row, _)| *row);
        self.rejections.dedup_by_key(|(row, _)| *row);
        self.drops.sort_unstable();
        self.drops.dedup();
        self.emissions.sort_by_key(|(row, _)| *row);
        if !self.rejections.is_empty() {
            let rejected = |row: &u32| self.rejections.binary_search_by_key(row, |(row, _)| *row);
            self.drops.retain(|row| rejected(row).is_err());
            self.emissions.retain(|(row, _)| rejected(row).is_err());
        }
        self.edits = self.edits.into_iter().map(Edit::ordered).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cell_set_for_a_row_counts_and_rows_ascend() {
        let mut edit = Edit::default();
        edit.set(2, Cell::String("early"));
        edit.set(0, Cell::Null);
        edit.set(2, Cell::String("late"));
        let edit = edit.ordered();
        assert_eq!((edit.rows, edit.kinds, edit.ends), (vec![0, 2], vec![1, 4], vec![0, 4]));
        assert_eq!(edit.data, b"late");
    }

    #[test]
    fn what_is_no_value_cannot_be_set() {
        let mut edit = Edit::default();
        assert!(!edit.set(0, Cell::Unavailable));
        assert!(!edit.set(0, Cell::Unknown(200)));
        assert!(edit.is_empty());
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_behind() {
        let mut edit = Edit::default();
        let half = edit.try_set_with(0, |out| {
            out.extend_from_slice(b"half");
            Err(())
        });
        assert_eq!((half, edit.is_empty()), (Err(()), true));
        let whole = edit.try_set_with::<()>(1, |out| {
            out.extend_from_slice(b"42");
            Ok(Kind::Number)
        });
        assert_eq!(whole, Ok(()));
        assert_eq!(edit.iter().collect::<Vec<_>>(), [(1, Cell::Number("42"))]);
    }

    #[test]
    fn a_rejection_stands_alone() {
        let mut answer = Answer::new(0);
        answer.drops = vec![3, 1, 1];
        answer.rejections = vec![(3, "first".into()), (0, "other".into()), (3, "second".into())];
        answer.emissions = vec![(3, Emission::default()), (1, Emission::default())];
        let answer = answer.ordered();
        assert_eq!(answer.drops, [1]);
        assert_eq!(answer.rejections, [(0, "other".to_owned()), (3, "first".to_owned())]);
        assert_eq!(answer.emissions, [(1, Emission::default())]);
    }
}
