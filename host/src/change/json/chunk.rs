//! Eight bytes at a time, in safe code: a word whose bytes are judged in their places. Vector instructions through a safe
//! crate were measured 8 % faster for a whole event, which did not earn the dependency.

pub(super) const SIZE: usize = 8;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Some of a chunk's bytes: the high bit of each.
#[derive(Clone, Copy)]
pub(super) struct Marks(u64);

/// The chunk at `at`; none where the text is nearer to its end.
#[inline(always)]
pub(super) fn at(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// Quotes, backslashes and control characters.
#[inline(always)]
pub(super) fn special(chunk: u64) -> Marks {
    let quote = chunk ^ (LOW * 0x22);
    let backslash = chunk ^ (LOW * 0x5c);
    // Sums of seven bits each: nothing carries into the byte beside. A high bit says "not this one".
    let others = (((quote & !HIGH) + !HIGH) | quote)
        & (((backslash & !HIGH) + !HIGH) | backslash)
        & (((chunk & !HIGH) + LOW * (0x80 - 0x20)) | chunk);
    Marks(!others & HIGH)
}

/// Everything but digits. Only the first mark can be trusted: the sum may carry beyond it.
#[inline(always)]
pub(super) fn other_than_digits(chunk: u64) -> Marks {
    let values = chunk ^ (LOW * 0x30);
    Marks((values | values.wrapping_add(LOW * (0x80 - 10))) & HIGH)
}

impl Marks {
    /// How many bytes come before the first mark.
    #[inline(always)]
    pub(super) fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize / 8)
    }

    /// Forgets the marks of the first `length` bytes; false where the chunk is not that long.
    #[inline(always)]
    pub(super) fn skip(&mut self, length: usize) -> bool {
        self.0 = if length < SIZE { self.0 & (u64::MAX << (length * 8)) } else { 0 };
        length <= SIZE
    }
}
