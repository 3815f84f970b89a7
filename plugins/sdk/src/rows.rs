//! A batch as rows: reads come straight from the columns, decisions go into the answer. Must not know tables or plans.

use std::cell::{RefCell, RefMut};

use crate::answer::{Answer, Edit, Emission};
use crate::cell::{Cell, Cells};
use crate::plan::{Read, Write};

/// The rows of one batch, all of one table, in order.
///
/// What is not mentioned leaves the gateway byte for byte as it came.
#[derive(Debug)]
pub struct Rows<'b> {
    operations: &'b [u8],
    columns: Vec<Cells<'b>>,
    answer: RefCell<Answer>,
}

impl<'b> Rows<'b> {
    pub(crate) fn new(operations: &'b [u8], columns: Vec<Cells<'b>>, writes: usize) -> Self {
        Self { operations, columns, answer: RefCell::new(Answer::new(writes)) }
    }

    pub(crate) fn into_answer(self) -> Answer {
        self.answer.into_inner().ordered()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_, 'b>> {
        (0u32..).zip(self.operations).map(|(number, operation)| Row {
            rows: self,
            number,
            operation: *operation,
        })
    }

    /// The operation of every row: `c`, `u`, `d`, `r`. A tombstone is a `d` of which only the key is there.
    pub fn operations(&self) -> &'b [u8] {
        self.operations
    }

    /// One of the plan's reads over all rows: the fast way, where a plugin works column by column.
    ///
    /// # Panics
    ///
    /// Where the plan has no such read.
    pub fn cells(&self, read: Read) -> Cells<'b> {
        *self.columns.get(read.0).expect("the plan of this table has a read of that number")
    }

    /// The edits of one of the plan's writes: the fast way, where a plugin works column by column.
    ///
    /// # Panics
    ///
    /// Where the plan has no such write.
    pub fn edit(&mut self, write: Write) -> &mut Edit {
        edit(self.answer.get_mut(), write)
    }

    /// Drops a row.
    pub fn drop(&mut self, row: u32) {
        self.answer.get_mut().drops.push(row);
    }

    /// Refuses a row; see [`Row::reject`].
    pub fn reject(&mut self, row: u32, reason: impl Into<String>) {
        self.answer.get_mut().rejections.push((row, reason.into()));
    }
}

fn edit(answer: &mut Answer, write: Write) -> &mut Edit {
    answer.edits.get_mut(write.0).expect("the plan of this table has a write of that number")
}

/// One row of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r, 'b> {
    rows: &'r Rows<'b>,
    number: u32,
    operation: u8,
}

impl<'b> Row<'_, 'b> {
    /// Its place in the batch.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// `c` create, `u` update, `d` delete, `r` snapshot read. A tombstone is a `d` of which only the key is there.
    pub fn operation(&self) -> u8 {
        self.operation
    }

    /// The cell of one of the plan's reads.
    ///
    /// # Panics
    ///
    /// Where the plan has no such read.
    pub fn get(&self, read: Read) -> Cell<'b> {
        self.rows.cells(read).get(self.number as usize)
    }

    /// Sets one of the plan's writes. The last call counts; [`Cell::Absent`] removes the field from the row.
    ///
    /// [`Cell::Unavailable`] and [`Cell::Unknown`] are no values: setting one rejects the row, since neither leaving the field
    /// as it is nor emptying it can be what was meant.
    ///
    /// # Panics
    ///
    /// Where the plan has no such write.
    pub fn set(&self, write: Write, cell: Cell<'_>) {
        let set = edit(&mut self.answer(), write).set(self.number, cell);
        if !set {
            self.reject("a value that the database did not send cannot be written");
        }
    }

    /// Takes the row out of the stream. The tombstone that follows a delete goes with it.
    pub fn drop(&self) {
        self.answer().drops.push(self.number);
    }

    /// Refuses the row: it goes to the dead letters with this reason. The reason must not quote what the row holds.
    pub fn reject(&self, reason: impl Into<String>) {
        self.answer().rejections.push((self.number, reason.into()));
    }

    /// Sends a record of the plugin's own making right after the row.
    pub fn emit(&self, emission: Emission) {
        self.answer().emissions.push((self.number, emission));
    }

    fn answer(&self) -> RefMut<'_, Answer> {
        self.rows.answer.borrow_mut()
    }
}
