//! Whether a text is JSON, as RFC 8259 has it. Not recursive, so that nesting costs a bit a level and no stack.

/// Whether `text` is one JSON value and nothing else. How deep it nests does not matter, and neither do names that stand twice or
/// escapes of half a surrogate pair: the grammar allows them.
pub fn is_well_formed(text: &str) -> bool {
    let mut check = Check { bytes: text.as_bytes(), at: 0, open: Vec::new() };
    check.document().is_some()
}

struct Check<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The containers that are open, outermost first; true for objects.
    open: Vec<bool>,
}

impl Check<'_> {
    /// None where the text is not what the grammar wants.
    fn document(&mut self) -> Option<()> {
        loop {
            if !self.value()? {
                // An empty container or a scalar: commas and closing brackets follow.
                while self.after_value()? {
                    if self.open.is_empty() {
                        return (self.at == self.bytes.len()).then_some(());
                    }
                }
            }
        }
    }

    /// Reads a value; true where that opened a container whose first value is next.
    fn value(&mut self) -> Option<bool> {
        self.space();
        match self.peek()? {
            b'{' => {
                self.at += 1;
                self.space();
                if self.peek()? == b'}' {
                    self.at += 1;
                    return Some(false);
                }
                self.open.push(true);
                self.name()?;
                Some(true)
            }
            b'[' => {
                self.at += 1;
                self.space();
                if self.peek()? == b']' {
                    self.at += 1;
                    return Some(false);
                }
                self.open.push(false);
                Some(true)
            }
            b'"' => self.string().map(|()| false),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number().map(|()| false),
        }
    }

    /// What follows a value: true where a container closed or the document ended, false where another value is next.
    fn after_value(&mut self) -> Option<bool> {
        self.space();
        let Some(object) = self.open.last().copied() else { return Some(true) };
        let (closing, byte) = (if object { b'}' } else { b']' }, self.peek()?);
        self.at += 1;
        if byte == closing {
            self.open.pop();
            self.space();
            return Some(true);
        }
        if byte != b',' {
            return None;
        }
        if object {
            self.space();
            self.name()?;
        }
        Some(false)
    }

    fn name(&mut self) -> Option<()> {
        self.string()?;
        self.space();
        self.take(b':')
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let hex = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                hex.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// One or more.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<bool> {
        let found = self.bytes.get(self.at..)?.starts_with(word);
        self.at += word.len();
        found.then_some(false)
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        let found = self.peek()? == wanted;
        self.at += 1;
        found.then_some(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}
