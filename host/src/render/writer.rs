//! A text with some of its parts replaced, in order; a copy only once something is.

use std::borrow::Cow;
use std::ops::Range;

pub(super) struct Writer<'t> {
    text: &'t [u8],
    /// How much of the text is in `out`, or was replaced.
    copied: usize,
    /// None while nothing was replaced.
    out: Option<Vec<u8>>,
}

impl<'t> Writer<'t> {
    /// Room for what edits add, so that most records are written without growing.
    const SLACK: usize = 256;

    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, copied: 0, out: None }
    }

    /// The text as it came.
    pub(super) fn text(&self) -> &'t [u8] {
        self.text
    }

    /// Writes something in place of `range`, which must not begin before the end of the one before it.
    #[inline]
    pub(super) fn replace(&mut self, range: Range<usize>, write: impl FnOnce(&mut Vec<u8>)) {
        let out = self.out.get_or_insert_with(|| Vec::with_capacity(self.text.len() + Self::SLACK));
        out.extend_from_slice(self.text.get(self.copied..range.start).unwrap_or_default());
        write(out);
        self.copied = range.end;
    }

    pub(super) fn finish(self) -> Cow<'t, [u8]> {
        match self.out {
            Some(mut out) => {
                out.extend_from_slice(self.text.get(self.copied..).unwrap_or_default());
                Cow::Owned(out)
            }
            None => Cow::Borrowed(self.text),
        }
    }
}
