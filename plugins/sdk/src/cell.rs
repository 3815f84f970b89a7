//! One value of one row, and one field over all rows of a batch. Borrows from the batch; must not know plans or edits.

/// What a [`Cell`] holds, as the contract numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The row has no such field. In an edit: remove it from the row.
    Absent = 0,
    /// The database's NULL.
    Null = 1,
    /// The text `true` or `false`.
    Boolean = 2,
    /// A JSON number as text.
    Number = 3,
    /// UTF-8 text, unescaped.
    String = 4,
    /// A JSON object or array, as it stands.
    Json = 5,
    /// Any bytes.
    Bytes = 6,
}

/// The contract's number for a value that the database did not send. Read only, hence no [`Kind`].
pub(crate) const UNAVAILABLE: u8 = 7;

/// The value of a field in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// The row has no such field: the column is not in this image, or the image itself is missing.
    Absent,
    /// The database's NULL.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A JSON number, as text so that it stays exact: `18446744073709551615`, `1.0E10`.
    Number(&'a str),
    /// Text, unescaped.
    String(&'a str),
    /// A JSON object or array, as it stands in the event.
    Json(&'a str),
    /// Any bytes.
    Bytes(&'a [u8]),
    /// The database did not send the value, because it did not change. Not a value: there is nothing to mask or compare.
    Unavailable,
    /// A kind that this version of the crate does not know. Leave it alone, or reject the row where that would not be safe.
    Unknown(u8),
}

impl<'a> Cell<'a> {
    /// The kind to write the cell with; none for what cannot be written.
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::Absent => Some(Kind::Absent),
            Self::Null => Some(Kind::Null),
            Self::Boolean(_) => Some(Kind::Boolean),
            Self::Number(_) => Some(Kind::Number),
            Self::String(_) => Some(Kind::String),
            Self::Json(_) => Some(Kind::Json),
            Self::Bytes(_) => Some(Kind::Bytes),
            Self::Unavailable | Self::Unknown(_) => None,
        }
    }

    /// The bytes of the cell as they travel; empty for what has none.
    pub fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Boolean(true) => b"true",
            Self::Boolean(false) => b"false",
            Self::Number(text) | Self::String(text) | Self::Json(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Absent | Self::Null | Self::Unavailable | Self::Unknown(_) => &[],
        }
    }

    /// The text of a string cell; none for every other kind.
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// One field over all rows of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    kinds: &'a [u8],
    ends: &'a [u32],
    data: &'a [u8],
    /// All of `data`, where it is text throughout: checked once here rather than once a cell.
    text: Option<&'a str>,
}

impl<'a> Cells<'a> {
    /// Lays cells over the three lists of the contract's `cells`: one kind and one end a row, and the cells' bytes end to end.
    /// In a plugin the gateway provides them.
    pub fn new(kinds: &'a [u8], ends: &'a [u32], data: &'a [u8]) -> Self {
        Self { kinds, ends, data, text: std::str::from_utf8(data).ok() }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// The length of all cells together, in bytes.
    pub fn data_len(&self) -> usize {
        self.data.len()
    }

    /// Whether the batch has no rows.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The cell of a row; [`Cell::Absent`] past the last.
    pub fn get(&self, row: usize) -> Cell<'a> {
        let start = match row.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        match (self.kinds.get(row), self.ends.get(row)) {
            (Some(kind), Some(end)) => self.cell(*kind, start, *end),
            _ => Cell::Absent,
        }
    }

    /// The cells in row order.
    pub fn iter(&self) -> impl Iterator<Item = Cell<'a>> + use<'a> {
        let cells = *self;
        let mut start = 0;
        self.kinds.iter().zip(self.ends).map(move |(kind, end)| {
            let cell = cells.cell(*kind, start, *end);
            start = *end;
            cell
        })
    }

    #[inline]
    fn cell(&self, kind: u8, start: u32, end: u32) -> Cell<'a> {
        let range = start as usize..end as usize;
        let text = || match self.text {
            Some(text) => text.get(range.clone()),
            None => std::str::from_utf8(self.data.get(range.clone())?).ok(),
        };
        let cell = match kind {
            0 => Some(Cell::Absent),
            1 => Some(Cell::Null),
            2 => text().map(|text| Cell::Boolean(text == "true")),
            3 => text().map(Cell::Number),
            4 => text().map(Cell::String),
            5 => text().map(Cell::Json),
            6 => self.data.get(range).map(Cell::Bytes),
            UNAVAILABLE => Some(Cell::Unavailable),
            _ => None,
        };
        // The gateway promises UTF-8 in every text cell; a plugin must not take bytes for text should it ever fail.
        cell.unwrap_or(Cell::Unknown(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_without_bytes_repeats_the_end_before_it() {
        let column = Cells::new(&[4, 1, 0, 3, 7, 2], &[3, 3, 3, 5, 5, 9], b"abc42true");
        let cells: Vec<Cell<'_>> = column.iter().collect();
        let expected = [
            Cell::String("abc"),
            Cell::Null,
            Cell::Absent,
            Cell::Number("42"),
            Cell::Unavailable,
            Cell::Boolean(true),
        ];
        assert_eq!(cells, expected);
        let one_by_one: Vec<Cell<'_>> = (0..6).map(|row| column.get(row)).collect();
        assert_eq!(one_by_one, expected);
    }

    #[test]
    fn bytes_beside_text_do_not_spoil_the_text() {
        let column = Cells::new(&[6, 4], &[2, 4], b"\xff\xfe\xc3\xa9");
        assert_eq!(column.get(0), Cell::Bytes(b"\xff\xfe"));
        assert_eq!(column.get(1), Cell::String("é"));
    }

    #[test]
    fn text_that_is_none_and_kinds_to_come_are_unknown() {
        let column = Cells::new(&[4, 4, 200], &[1, 2, 2], "é".as_bytes());
        assert_eq!(
            column.iter().collect::<Vec<_>>(),
            [Cell::Unknown(4), Cell::Unknown(4), Cell::Unknown(200)]
        );
    }
}
