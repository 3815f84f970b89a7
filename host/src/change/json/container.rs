//! Objects and arrays, however deep, without recursion.

use super::{Error, Expected, Step, blanks, byte, name, scalar};

/// Reads the object or array at `at`, however deep: one bit a level says which of the two it is in.
#[inline(never)]
pub(super) fn read(text: &[u8], mut at: usize) -> Step {
    let mut levels = Levels::default();
    let mut first = byte(text, at);
    loop {
        let mut closed = false;
        if matches!(first, b'{' | b'[') {
            let object = first == b'{';
            levels.enter(object);
            at = blanks(text, at + 1);
            let next = byte(text, at);
            if next == if object { b'}' } else { b']' } {
                at += 1;
                closed = true;
            } else {
                (at, first) = element(text, at, object)?;
                continue;
            }
        } else {
            at = scalar(text, at, first)?;
        }
        loop {
            if closed && levels.leave() {
                return Ok(at);
            }
            at = blanks(text, at);
            let object = levels.in_object();
            match byte(text, at) {
                b',' => {
                    (at, first) = element(text, blanks(text, at + 1), object)?;
                    break;
                }
                b'}' if object => {}
                b']' if !object => {}
                _ if object => return Err(Expected::MemberEnd.error(at)),
                _ => return Err(Expected::ElementEnd.error(at)),
            }
            at += 1;
            closed = true;
        }
    }
}

/// Where the next value of a container starts, past its name if the container is an object, and its first byte.
#[inline(always)]
fn element(text: &[u8], at: usize, object: bool) -> Result<(usize, u8), Error> {
    let at = if object { blanks(text, name(text, at)?.1) } else { at };
    Ok((at, byte(text, at)))
}

/// The open containers, a bit each.
#[derive(Default)]
struct Levels {
    /// The innermost up to 64 of them, the innermost lowest.
    word: u64,
    depth: u32,
    /// The others, 64 to a word.
    outer: Vec<u64>,
}

impl Levels {
    #[inline(always)]
    fn enter(&mut self, object: bool) {
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.outer.push(self.word);
        }
        self.word = self.word << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Closes the innermost; whether it was the last.
    #[inline(always)]
    fn leave(&mut self) -> bool {
        self.depth -= 1;
        self.word >>= 1;
        if self.depth == 0 {
            return true;
        }
        if self.depth.is_multiple_of(64) {
            self.word = self.outer.pop().unwrap_or(0);
        }
        false
    }

    #[inline(always)]
    fn in_object(&self) -> bool {
        self.word & 1 == 1
    }
}
