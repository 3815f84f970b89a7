//! Evaluates a program over the columns of a batch: each part of the expression runs over all rows before the next one.

use std::collections::BTreeMap;

use lockgate_plugin::{Cell, Cells, Kind};
use serde::de::IgnoredAny;

use crate::compare;
use crate::program::{Comparison, Operand, Search, Test};

/// What a test says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    False,
    True,
    /// It needs a field that the row does not have.
    Absent,
    /// It needs a value that the database did not send.
    Unavailable,
    /// It puts values together that do not go together, such as null < 3.
    Mismatch,
}

impl Truth {
    /// What a cell without a value makes of every test of it.
    pub(crate) fn missing(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Absent => Some(Self::Absent),
            Cell::Unavailable => Some(Self::Unavailable),
            Cell::Unknown(_) => Some(Self::Mismatch),
            _ => None,
        }
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            error => error,
        }
    }

    /// An error on one side is nothing to worry about where the other side decides.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, other) => other,
            (error, _) => error,
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// A batch as a program sees it.
#[derive(Debug)]
pub(crate) struct Batch<'b> {
    pub(crate) rows: usize,
    /// By number of the program's places.
    pub(crate) places: Vec<Values<'b>>,
}

/// The values of one place in every row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Values<'b> {
    Cells(Cells<'b>),
    /// Headers are bytes that mostly hold text.
    Headers(Cells<'b>),
    Operations(&'b [u8]),
    Same(Cell<'b>),
}

impl<'b> Values<'b> {
    fn judge(&self, rows: usize, judge: impl Fn(Cell<'_>) -> Truth) -> Vec<Truth> {
        match self {
            Self::Cells(cells) => cells.iter().map(judge).collect(),
            Self::Same(cell) => vec![judge(*cell); rows],
            Self::Headers(_) | Self::Operations(_) => {
                (0..rows).map(|row| judge(self.get(row))).collect()
            }
        }
    }

    pub(crate) fn get(&self, row: usize) -> Cell<'b> {
        match self {
            Self::Cells(cells) => cells.get(row),
            Self::Headers(cells) => match cells.get(row) {
                Cell::Bytes(bytes) => {
                    std::str::from_utf8(bytes).map_or(Cell::Bytes(bytes), Cell::String)
                }
                cell => cell,
            },
            Self::Operations(codes) => {
                let code = codes.get(row..).and_then(|codes| codes.get(..1)).unwrap_or_default();
                std::str::from_utf8(code).map_or(Cell::Unknown(0), Cell::String)
            }
            Self::Same(cell) => *cell,
        }
    }
}

/// What `test` says of each row.
pub(crate) fn test(test: &Test, batch: &Batch<'_>) -> Vec<Truth> {
    match test {
        Test::And(sides) => combine(sides, batch, Truth::and),
        Test::Or(sides) => combine(sides, batch, Truth::or),
        Test::Not(inner) => {
            let mut truths = self::test(inner, batch);
            truths.iter_mut().for_each(|truth| *truth = truth.not());
            truths
        }
        Test::Compare { comparison, left, right } => {
            pairs(left, right, batch, |left, right| compare::cells(*comparison, left, right))
        }
        Test::In { item, list } => contained(item, list, batch),
        Test::Text { search, text, wanted } => {
            pairs(text, wanted, batch, |text, wanted| found(*search, text, wanted))
        }
        Test::Matches { text, pattern } => each(text, batch, |text| match text {
            Cell::String(text) => pattern.is_match(text).into(),
            other => Truth::missing(other).unwrap_or(Truth::Mismatch),
        }),
        Test::Has(place) => {
            let values = batch.places.get(*place);
            let has = |row| match values.map_or(Cell::Absent, |values| values.get(row)) {
                Cell::Absent => Truth::False,
                Cell::Unknown(_) => Truth::Mismatch,
                _ => Truth::True,
            };
            (0..batch.rows).map(has).collect()
        }
        Test::Holds(operand) => each(operand, batch, |value| match value {
            Cell::Boolean(value) => value.into(),
            other => Truth::missing(other).unwrap_or(Truth::Mismatch),
        }),
    }
}

fn combine(sides: &[Test; 2], batch: &Batch<'_>, logic: fn(Truth, Truth) -> Truth) -> Vec<Truth> {
    let [left, right] = sides;
    let mut truths = test(left, batch);
    for (truth, other) in truths.iter_mut().zip(test(right, batch)) {
        *truth = logic(*truth, other);
    }
    truths
}

fn each(operand: &Operand, batch: &Batch<'_>, judge: impl Fn(Cell<'_>) -> Truth) -> Vec<Truth> {
    Held::of(operand, batch).lend().judge(batch.rows, judge)
}

fn pairs(
    left: &Operand,
    right: &Operand,
    batch: &Batch<'_>,
    judge: impl Fn(Cell<'_>, Cell<'_>) -> Truth,
) -> Vec<Truth> {
    let (left, right) = (Held::of(left, batch), Held::of(right, batch));
    match (left.lend(), right.lend()) {
        (left, Values::Same(right)) => left.judge(batch.rows, |left| judge(left, right)),
        (Values::Same(left), right) => right.judge(batch.rows, |right| judge(left, right)),
        (left, right) => (0..batch.rows).map(|row| judge(left.get(row), right.get(row))).collect(),
    }
}

fn contained(item: &Operand, list: &[Operand], batch: &Batch<'_>) -> Vec<Truth> {
    let mut contained = vec![Truth::False; batch.rows];
    // The list is made before it is searched: an element without a value spoils it even where another one is the item.
    let mut broken = each(item, batch, |item| Truth::missing(item).unwrap_or(Truth::True));
    for element in list {
        let found = pairs(item, element, batch, |item, element| {
            compare::cells(Comparison::Equal, item, element)
        });
        let whole = each(element, batch, |element| Truth::missing(element).unwrap_or(Truth::True));
        for row in contained.iter_mut().zip(found).zip(broken.iter_mut().zip(whole)) {
            let ((contained, found), (broken, whole)) = row;
            *contained = contained.or(found);
            *broken = broken.and(whole);
        }
    }
    for (contained, broken) in contained.iter_mut().zip(broken) {
        if broken != Truth::True {
            *contained = broken;
        }
    }
    contained
}

fn found(search: Search, text: Cell<'_>, wanted: Cell<'_>) -> Truth {
    if let Some(missing) = Truth::missing(text).or_else(|| Truth::missing(wanted)) {
        return missing;
    }
    match (text, wanted) {
        (Cell::String(text), Cell::String(wanted)) => match search {
            Search::StartsWith => text.starts_with(wanted),
            Search::EndsWith => text.ends_with(wanted),
            Search::Contains => text.contains(wanted),
        }
        .into(),
        _ => Truth::Mismatch,
    }
}

/// The values of an operand.
enum Held<'a> {
    Lent(Values<'a>),
    Computed(Computed),
}

impl<'a> Held<'a> {
    fn of(operand: &'a Operand, batch: &Batch<'a>) -> Self {
        match operand {
            Operand::Literal(literal) => Self::Lent(Values::Same(literal.cell())),
            Operand::Place(place) => {
                let values = batch.places.get(*place).copied();
                Self::Lent(values.unwrap_or(Values::Same(Cell::Absent)))
            }
            Operand::Size(inner) => {
                Self::Computed(Computed::sizes(Self::of(inner, batch).lend(), batch.rows))
            }
            Operand::Test(inner) => Self::Computed(Computed::truths(&test(inner, batch))),
        }
    }

    fn lend(&self) -> Values<'_> {
        match self {
            Self::Lent(values) => *values,
            Self::Computed(computed) => Values::Cells(computed.lend()),
        }
    }
}

/// Values that no column holds as they are.
#[derive(Default)]
struct Computed {
    kinds: Vec<u8>,
    ends: Vec<u32>,
    data: Vec<u8>,
}

impl Computed {
    /// The kind of what does not go together; none that the contract knows.
    const MISMATCH: u8 = u8::MAX;
    const UNAVAILABLE: u8 = 7;

    fn push(&mut self, kind: u8, text: &str) {
        self.data.extend_from_slice(text.as_bytes());
        self.kinds.push(kind);
        self.ends.push(u32::try_from(self.data.len()).expect("a few bytes a row stay below 4 GiB"));
    }

    fn push_truth(&mut self, truth: Truth) {
        match truth {
            Truth::True => self.push(Kind::Boolean as u8, "true"),
            Truth::False => self.push(Kind::Boolean as u8, "false"),
            Truth::Absent => self.push(Kind::Absent as u8, ""),
            Truth::Unavailable => self.push(Self::UNAVAILABLE, ""),
            Truth::Mismatch => self.push(Self::MISMATCH, ""),
        }
    }

    fn truths(truths: &[Truth]) -> Self {
        let mut computed = Self::default();
        truths.iter().for_each(|truth| computed.push_truth(*truth));
        computed
    }

    fn sizes(values: Values<'_>, rows: usize) -> Self {
        let mut computed = Self::default();
        for row in 0..rows {
            let cell = values.get(row);
            match size(cell) {
                Some(size) => computed.push(Kind::Number as u8, &size.to_string()),
                None => computed.push_truth(Truth::missing(cell).unwrap_or(Truth::Mismatch)),
            }
        }
        computed
    }

    fn lend(&self) -> Cells<'_> {
        Cells::new(&self.kinds, &self.ends, &self.data)
    }
}

/// Characters of a string, bytes of bytes, elements of JSON; none for what has no size.
fn size(cell: Cell<'_>) -> Option<usize> {
    match cell {
        Cell::String(text) => Some(text.chars().count()),
        Cell::Bytes(bytes) => Some(bytes.len()),
        Cell::Json(json) if json.starts_with('[') => {
            serde_json::from_str::<Vec<IgnoredAny>>(json).ok().map(|elements| elements.len())
        }
        Cell::Json(json) => serde_json::from_str::<BTreeMap<String, IgnoredAny>>(json)
            .ok()
            .map(|members| members.len()),
        _ => None,
    }
}
