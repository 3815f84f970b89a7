//! What the records of a topic looked like last time: a guess that saves reading names and constant parts byte by byte. Only
//! ever an exact comparison of bytes; whatever differs takes the full path, so a wrong guess costs time and never truth.

use std::collections::HashMap;

use super::json::{self, Error};
use super::{Form, Member, Presence, RowImage};

/// The column number of a member whose name the table does not have yet.
pub(super) const NEW: u16 = u16::MAX;

/// The bytes `"name":`, ready to be compared with a text.
#[derive(Debug)]
pub(super) struct Pattern {
    head: u128,
    mask: u128,
    text: Box<[u8]>,
}

impl Pattern {
    const HEAD: usize = 16;
    /// Longer names are read in full each time.
    const LONGEST: usize = 1024;

    /// For a name as it stands in the text, still escaped.
    fn new(name: &[u8]) -> Self {
        if name.len() > Self::LONGEST {
            // No UTF-8 text holds these bytes.
            return Self { head: u128::MAX, mask: u128::MAX, text: [0xff; Self::HEAD + 1].into() };
        }
        let text: Box<[u8]> = [b"\"", name, b"\":"].concat().into();
        let mut head = [0; Self::HEAD];
        let mut mask = [0; Self::HEAD];
        for ((head, mask), byte) in head.iter_mut().zip(&mut mask).zip(&text) {
            (*head, *mask) = (*byte, 0xff);
        }
        Self { head: u128::from_le_bytes(head), mask: u128::from_le_bytes(mask), text }
    }

    /// Whether it was made for `name`.
    fn is_of(&self, name: &[u8]) -> bool {
        matches!(&*self.text, [b'"', own @ .., b'"', b':'] if own == name)
    }

    /// The index after the colon, if the pattern stands at `at`.
    #[inline(always)]
    fn after(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let found = match rest.first_chunk() {
            Some(chunk) => {
                (u128::from_le_bytes(*chunk) ^ self.head) & self.mask == 0
                    && (self.text.len() <= Self::HEAD || rest.starts_with(&self.text))
            }
            None => rest.starts_with(&self.text),
        };
        found.then_some(at + self.text.len())
    }
}

/// The members of one kind of object, by position: their names, and what each name means.
#[derive(Debug)]
pub(super) struct Names<A> {
    list: Vec<(Pattern, A)>,
}

impl<A> Default for Names<A> {
    fn default() -> Self {
        Self { list: Vec::new() }
    }
}

impl<A: Copy> Names<A> {
    /// Positions beyond are read in full: no object of a known format is that wide.
    const WIDEST: usize = 64;

    /// Reads the name of the member at `at`, the object's `position`th: its meaning, and the index after the colon.
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        text: &[u8],
        at: usize,
        position: usize,
        meaning: impl Fn(&str) -> A,
    ) -> Result<(A, usize), Error> {
        if let Some((pattern, meaning)) = self.list.get(position)
            && let Some(end) = pattern.after(text, at)
        {
            return Ok((*meaning, end));
        }
        self.learn(text, at, position, meaning)
    }

    #[inline(never)]
    fn learn(
        &mut self,
        text: &[u8],
        at: usize,
        position: usize,
        meaning: impl Fn(&str) -> A,
    ) -> Result<(A, usize), Error> {
        let (name, end) = json::name(text, at)?;
        let meaning = meaning(&json::unescape(name.of(text)));
        let entry = (Pattern::new(name.of(text)), meaning);
        if let Some(known) = self.list.get_mut(position) {
            *known = entry;
        } else if position == self.list.len() && position < Self::WIDEST {
            self.list.push(entry);
        }
        Ok((meaning, end))
    }
}

/// A table's columns by name, and the order in which they follow one another.
#[derive(Debug, Default)]
pub(super) struct Columns {
    patterns: Vec<Pattern>,
    /// Names come from strangers, hence the standard library's hasher with its random seed.
    numbers: HashMap<Box<str>, u16>,
    pub(super) row: Order,
    pub(super) key: Order,
}

/// Which column followed which: entry 0 is the first column of an object, entry n+1 what came after column n.
#[derive(Debug, Default)]
pub(super) struct Order(Vec<u16>);

impl Order {
    #[inline(always)]
    fn after(&self, position: usize) -> u16 {
        self.0.get(position).copied().unwrap_or(NEW)
    }

    pub(super) fn learn(&mut self, members: &[Member]) {
        let mut position = 0;
        for member in members {
            if position >= self.0.len() {
                self.0.resize(position + 1, NEW);
            }
            if let Some(next) = self.0.get_mut(position) {
                *next = member.column;
            }
            position = usize::from(member.column) + 1;
        }
    }
}

impl Columns {
    /// Columns left out in a row, up to which finding the next is cheaper than reading its name.
    const AHEAD: usize = 32;

    pub(super) fn len(&self) -> usize {
        self.patterns.len()
    }

    /// The number of the column whose escaped name is `name`; [`NEW`] if there is none.
    pub(super) fn number(&self, name: &[u8]) -> u16 {
        self.numbers.get(&*json::unescape(name)).copied().unwrap_or(NEW)
    }

    /// As [`Self::number`]; fast where it is the column numbered `guess`, and stands as it usually does.
    pub(super) fn number_near(&self, guess: u16, name: &[u8]) -> u16 {
        let pattern = self.patterns.get(usize::from(guess));
        match pattern.is_some_and(|pattern| pattern.is_of(name)) {
            true => guess,
            false => self.number(name),
        }
    }

    /// Adds the next column, called `name`, which usually stands in texts as `escaped`.
    pub(super) fn push(&mut self, name: &str, escaped: &[u8]) {
        let number = u16::try_from(self.patterns.len()).unwrap_or(NEW);
        self.numbers.entry(name.into()).or_insert(number);
        self.patterns.push(Pattern::new(escaped));
    }

    /// The column at `at` where some that were expected before it are left out, as in an image of what changed, and the index
    /// after the colon.
    #[inline(never)]
    fn ahead(&self, order: &Order, expected: u16, text: &[u8], at: usize) -> Option<(u16, usize)> {
        let mut next = expected;
        for _ in 0..Self::AHEAD {
            next = order.after(usize::from(next) + 1);
            let end = self.patterns.get(usize::from(next))?.after(text, at);
            if let Some(end) = end {
                return Some((next, end));
            }
        }
        None
    }

    /// Reads the object at `at`. Also says whether all went as guessed: if not, some columns may be [`NEW`], and the order has
    /// something to learn.
    #[inline(never)]
    pub(super) fn image(
        &self,
        order: &Order,
        text: &[u8],
        start: usize,
        members: &mut Vec<Member>,
    ) -> Result<(RowImage, bool, usize), Error> {
        let first_member = members.len();
        let mut guessed = true;
        let mut at = json::blanks(text, start + 1);
        let mut more = json::byte(text, at) != b'}';
        if !more {
            at += 1;
        }
        let mut position = 0;
        while more {
            let expected = order.after(position);
            let (name, column);
            let pattern = self.patterns.get(usize::from(expected));
            match pattern.and_then(|pattern| pattern.after(text, at)) {
                Some(end) => {
                    name = json::span(at + 1, end - 2);
                    column = expected;
                    at = end;
                }
                None => match self.ahead(order, expected, text, at) {
                    Some((found, end)) => {
                        name = json::span(at + 1, end - 2);
                        column = found;
                        at = end;
                    }
                    None => {
                        guessed = false;
                        (name, at) = json::name(text, at)?;
                        column = self.number(name.of(text));
                    }
                },
            }
            position = usize::from(column) + 1;
            at = json::blanks(text, at);
            let value = at;
            at = json::value(text, at)?;
            let value = json::span(value, at);
            members.push(Member { name, value, column, form: Form::Plain });
            (more, at) = json::after_member(text, at)?;
        }
        let image = RowImage {
            presence: Presence::Present,
            span: json::span(start, at),
            first_member: index(first_member),
            last_member: index(members.len()),
            form: Form::Plain,
        };
        Ok((image, guessed, at))
    }
}

/// A position in one of the batch's lists.
pub(super) fn index(length: usize) -> u32 {
    u32::try_from(length).expect(
        "a batch's lists are shorter than its bytes, and those fit in memory many times over",
    )
}

/// Constant objects by their exact bytes. What was valid JSON once is valid wherever it stands.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// Most recently used first.
    slots: Vec<Slot>,
    last_number: u32,
}

#[derive(Debug)]
struct Slot {
    number: u32,
    text: Box<[u8]>,
}

impl Memo {
    /// The number of what is too small or too large to be remembered.
    pub(super) const UNKNOWN: u32 = 0;
    const SLOTS: usize = 8;
    const SMALLEST: usize = 64;
    const LARGEST: usize = 256 * 1024;

    /// The number that what was new last has.
    pub(super) fn last_number(&self) -> u32 {
        self.last_number
    }

    /// Reads the value at `at`, from memory if it stands there: its number, the same for the same bytes, and the index after.
    #[inline(always)]
    pub(super) fn read(&mut self, text: &[u8], at: usize) -> Result<(u32, usize), Error> {
        match self.slots.first() {
            Some(slot) if text.get(at..).is_some_and(|rest| rest.starts_with(&slot.text)) => {
                Ok((slot.number, at + slot.text.len()))
            }
            _ => self.find(text, at),
        }
    }

    #[inline(never)]
    fn find(&mut self, text: &[u8], at: usize) -> Result<(u32, usize), Error> {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(found) = self.slots.iter().position(|slot| rest.starts_with(&slot.text)) {
            let slot = self.slots.remove(found);
            let known = (slot.number, at + slot.text.len());
            self.slots.insert(0, slot);
            return Ok(known);
        }
        let end = json::value(text, at)?;
        let value = text.get(at..end).unwrap_or_default();
        if !value.starts_with(b"{") || !(Self::SMALLEST..=Self::LARGEST).contains(&value.len()) {
            return Ok((Self::UNKNOWN, end));
        }
        self.last_number = self.last_number.wrapping_add(1).max(Self::UNKNOWN + 1);
        self.slots.truncate(Self::SLOTS - 1);
        self.slots.insert(0, Slot { number: self.last_number, text: value.into() });
        Ok((self.last_number, end))
    }
}
