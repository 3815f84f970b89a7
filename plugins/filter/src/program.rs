//! An expression after it was read and before it meets rows. Plain values.

use std::fmt;

use lockgate_plugin::{Cell, Field, Image};
use regex_lite::Regex;

#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) root: Test,
    /// What the expression reads; [`Operand::Place`] numbers them.
    pub(crate) places: Vec<Place>,
}

/// Something an expression names in an event.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) field: Field,
}

impl fmt::Debug for Place {
    /// As messages quote it: `"after.profile#/address/zip"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Field { image, name, pointer } = &self.field;
        let image = match image {
            Image::Before => "before.",
            Image::After => "after.",
            Image::Key => "key.",
            Image::Header => "header.",
            Image::Meta => "",
        };
        let hash = if pointer.is_empty() { "" } else { "#" };
        write!(f, "{:?}", format!("{image}{name}{hash}{pointer}"))
    }
}

/// A part of an expression that is true or false.
#[derive(Debug)]
pub(crate) enum Test {
    And(Box<[Test; 2]>),
    Or(Box<[Test; 2]>),
    Not(Box<Test>),
    Compare {
        comparison: Comparison,
        left: Operand,
        right: Operand,
    },
    In {
        item: Operand,
        list: Vec<Operand>,
    },
    Text {
        search: Search,
        text: Operand,
        wanted: Operand,
    },
    Matches {
        text: Operand,
        pattern: Regex,
    },
    Has(usize),
    /// An operand that is a boolean itself.
    Holds(Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    StartsWith,
    EndsWith,
    Contains,
}

/// A part of an expression that has a value.
#[derive(Debug)]
pub(crate) enum Operand {
    Literal(Literal),
    Place(usize),
    Size(Box<Operand>),
    Test(Box<Test>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Boolean(bool),
    /// As decimal text.
    Number(String),
    String(String),
    Bytes(Vec<u8>),
}

impl Literal {
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Boolean(value) => Cell::Boolean(*value),
            Self::Number(text) => Cell::Number(text),
            Self::String(text) => Cell::String(text),
            Self::Bytes(bytes) => Cell::Bytes(bytes),
        }
    }
}
