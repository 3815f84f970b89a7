//! Cuts a text into tokens whose spans follow each other without a gap, as one reading has it. Stops where it is in doubt.
//! Must not know what becomes of a token.

use memchr::{memchr, memchr2, memmem};

use super::reading::{Doubles, Reading};

/// A text cannot be read with certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InDoubt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Blank,
    Comment,
    /// A keyword or an identifier without quotes.
    Word,
    /// An identifier with its quotes.
    Name,
    /// A string of any kind, with its prefix.
    Literal,
    /// Whatever begins with a digit.
    Number,
    /// `$1`, `:1`; others are a mark and a word.
    Placeholder,
    /// One byte of an operator or of punctuation.
    Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    reading: Reading,
    doubles: Doubles,
}

impl Iterator for Lexer<'_> {
    type Item = Result<Token, InDoubt>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        if start >= self.text.len() {
            return None;
        }
        let kind = self.token();
        let end = self.at;
        Some(kind.map(|kind| Token { kind, start, end }))
    }
}

impl<'a> Lexer<'a> {
    /// `text` holds no NUL, so that 0 can mean its end.
    pub(super) fn new(text: &'a str, reading: Reading, doubles: Doubles) -> Self {
        Self { text, at: 0, reading, doubles }
    }

    /// The byte `ahead` of the place reached; 0 after the end.
    fn peek(&self, ahead: usize) -> u8 {
        let at = self.at.checked_add(ahead);
        at.and_then(|at| self.text.as_bytes().get(at)).copied().unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn token(&mut self) -> Result<Kind, InDoubt> {
        let reading = self.reading;
        match (self.peek(0), self.peek(1)) {
            (b' ' | b'\t'..=b'\r', _) => {
                Ok(self.run(Kind::Blank, |byte| matches!(byte, b' ' | b'\t'..=b'\r')))
            }
            (b'\'', _) => self.string(b'\'', reading.escapes(b'\'')),
            (b'"', _) if self.doubles == Doubles::Names => self.name(b'"'),
            (b'"', _) => self.string(b'"', reading.escapes(b'"')),
            (b'`', _) if reading.is_mysql() => self.name(b'`'),
            (b'[', _) if reading == Reading::SqlServer => self.name(b']'),
            (b'-', b'-') if reading.comments_after_dashes(self.peek(2)) => self.line_comment(),
            (b'#', _) if reading.is_mysql() => self.line_comment(),
            (b'/', b'*') => self.block_comment(),
            (b'$', _) if reading.has_dollar_strings() => self.dollar(),
            // An amount of money, or a placeholder of another server.
            (b'$', b'0'..=b'9') if reading == Reading::SqlServer => Err(InDoubt),
            (b':', b'0'..=b'9') if reading == Reading::Oracle => {
                self.at += 1;
                Ok(self.run(Kind::Placeholder, |byte| byte.is_ascii_digit()))
            }
            (b'0'..=b'9', _) => self.number(),
            (b'.', b'0'..=b'9') if !self.is_after_name() => self.number(),
            (byte, _) if reading.is_in_word(byte) || !byte.is_ascii() => self.word(),
            (byte, _) if byte.is_ascii_punctuation() && byte != b'\\' => {
                self.at += 1;
                Ok(Kind::Mark)
            }
            _ => Err(InDoubt),
        }
    }

    fn run(&mut self, kind: Kind, belongs: impl Fn(u8) -> bool) -> Kind {
        self.at += self.rest().iter().take_while(|byte| belongs(**byte)).count();
        kind
    }

    /// Whether a dot here would stand between the parts of a name.
    fn is_after_name(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.text.as_bytes().get(at));
        before.is_some_and(|byte| {
            self.reading.is_in_word(*byte) || matches!(byte, b'"' | b'`' | b']') || !byte.is_ascii()
        })
    }

    /// Goes to the end of a word. Characters that are neither letters nor digits are in doubt: some servers read them as part
    /// of a word, some as blanks or quotes.
    fn rest_of_word(&mut self) -> Result<(), InDoubt> {
        loop {
            let byte = self.peek(0);
            if self.reading.is_in_word(byte) {
                self.at += 1;
            } else if byte.is_ascii() {
                return Ok(());
            } else {
                let next = self.text.get(self.at..).and_then(|rest| rest.chars().next());
                let next = next.filter(|next| next.is_alphanumeric()).ok_or(InDoubt)?;
                self.at += next.len_utf8();
            }
        }
    }

    fn word(&mut self) -> Result<Kind, InDoubt> {
        let start = self.at;
        self.rest_of_word()?;
        let word = self.text.get(start..self.at).unwrap_or_default();
        let is_prefix = |prefix: &str| word.eq_ignore_ascii_case(prefix);
        let (reading, is_introducer) = (self.reading, word.starts_with('_'));
        match (self.peek(0), self.peek(1)) {
            (b'&', b'\'') if reading.is_postgresql() && is_prefix("u") => {
                self.at += 1;
                self.string(b'\'', false)
            }
            (b'&', b'"') if reading.is_postgresql() && is_prefix("u") => {
                self.at += 1;
                match self.doubles {
                    Doubles::Names => self.name(b'"'),
                    Doubles::Literals => self.string(b'"', false),
                }
            }
            (quote @ (b'\'' | b'"'), _) if reading.is_mysql() && is_introducer => {
                self.string(quote, reading.escapes(quote))
            }
            (b'\'', _) => self.prefixed(word),
            (b'"', _) if self.doubles == Doubles::Literals => Err(InDoubt),
            _ => Ok(Kind::Word),
        }
    }

    /// A string right behind `word`, from its opening quote.
    fn prefixed(&mut self, word: &str) -> Result<Kind, InDoubt> {
        let is_one_of = |prefixes: &[&str]| super::is_one_of(word, prefixes);
        let reading = self.reading;
        if is_one_of(&["n"]) {
            self.string(b'\'', reading.escapes(b'\''))
        } else if is_one_of(&["x", "b"]) {
            self.digits()
        } else if reading.is_postgresql() && is_one_of(&["e"]) {
            self.string(b'\'', true)
        } else if reading == Reading::Oracle && is_one_of(&["q", "nq"]) {
            self.oracle_quote()
        } else if is_one_of(&["date", "time", "timestamp", "interval"]) {
            Ok(Kind::Word)
        } else {
            // Another server's prefix, or the inside of a string whose beginning was lost.
            Err(InDoubt)
        }
    }

    /// A string, from its opening quote; the quote itself stands twice inside.
    fn string(&mut self, quote: u8, escapes: bool) -> Result<Kind, InDoubt> {
        self.quoted(quote, escapes)?;
        self.literal()
    }

    /// A quoted identifier, from its opening quote.
    fn name(&mut self, close: u8) -> Result<Kind, InDoubt> {
        self.quoted(close, false)?;
        Ok(Kind::Name)
    }

    fn quoted(&mut self, close: u8, escapes: bool) -> Result<(), InDoubt> {
        self.at += 1;
        loop {
            let rest = self.rest();
            let found = if escapes { memchr2(close, b'\\', rest) } else { memchr(close, rest) };
            self.at += found.ok_or(InDoubt)?;
            match (self.peek(0), self.peek(1)) {
                (b'\\', _) if escapes => self.at += 2,
                (_, next) if next == close => self.at += 2,
                _ => break,
            }
        }
        self.at += 1;
        Ok(())
    }

    /// The end of a literal: what follows it without a gap would be the inside of another whose quote was lost.
    fn literal(&self) -> Result<Kind, InDoubt> {
        let next = self.peek(0);
        let goes_on = self.reading.is_in_word(next) || !next.is_ascii();
        if goes_on { Err(InDoubt) } else { Ok(Kind::Literal) }
    }

    /// What follows `x` or `b`.
    fn digits(&mut self) -> Result<Kind, InDoubt> {
        self.at += 1;
        self.run(Kind::Literal, |byte| byte.is_ascii_hexdigit());
        if self.peek(0) != b'\'' || self.peek(1) == b'\'' {
            return Err(InDoubt);
        }
        self.at += 1;
        self.literal()
    }

    /// What follows `q`: a delimiter of the text's own choice inside the quotes.
    fn oracle_quote(&mut self) -> Result<Kind, InDoubt> {
        self.at += 1;
        let open = self.text.get(self.at..).and_then(|rest| rest.chars().next()).ok_or(InDoubt)?;
        let close = match open {
            '[' => ']',
            '{' => '}',
            '<' => '>',
            '(' => ')',
            blank if blank.is_whitespace() => return Err(InDoubt),
            other => other,
        };
        self.at += open.len_utf8();
        self.past(format!("{close}'").as_bytes())?;
        self.literal()
    }

    /// Goes behind the next place where `end` stands.
    fn past(&mut self, end: &[u8]) -> Result<(), InDoubt> {
        self.at += memmem::find(self.rest(), end).ok_or(InDoubt)? + end.len();
        Ok(())
    }

    /// `$1`, or a string between two equal `$tag$`.
    fn dollar(&mut self) -> Result<Kind, InDoubt> {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_ascii_digit() {
            return Ok(self.run(Kind::Placeholder, |byte| byte.is_ascii_digit()));
        }
        self.run(Kind::Literal, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
        });
        if self.peek(0) != b'$' {
            return Err(InDoubt);
        }
        self.at += 1;
        let delimiter = self.text.as_bytes().get(start..self.at).unwrap_or_default();
        self.past(delimiter)?;
        self.literal()
    }

    fn number(&mut self) -> Result<Kind, InDoubt> {
        let start = self.at;
        let mut is_decimal = true;
        loop {
            let (byte, next) = (self.peek(0), self.peek(1));
            let is_exponent = is_decimal && matches!(byte, b'e' | b'E') && self.at > start;
            if is_exponent && matches!(next, b'+' | b'-') && self.peek(2).is_ascii_digit() {
                self.at += 2;
            } else if byte == b'$' && self.reading.has_dollar_strings() {
                return Err(InDoubt);
            } else if byte == b'.' || self.reading.is_in_word(byte) {
                self.at += 1;
            } else if byte.is_ascii() {
                break;
            } else {
                self.rest_of_word()?;
            }
            is_decimal &= matches!(byte, b'0'..=b'9' | b'.' | b'_');
        }
        // No server's literal, but some would read a prefix here.
        if matches!(self.peek(0), b'\'' | b'"') { Err(InDoubt) } else { Ok(Kind::Number) }
    }

    fn line_comment(&mut self) -> Result<Kind, InDoubt> {
        let rest = self.rest();
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // For some servers the line ends there.
        if line.contains(&b'\r') {
            return Err(InDoubt);
        }
        self.at += line.len();
        Ok(Kind::Comment)
    }

    fn block_comment(&mut self) -> Result<Kind, InDoubt> {
        let start = self.at;
        self.at += 2;
        if self.reading.nests_comments() {
            return self.nested_comment();
        }
        self.past(b"*/")?;
        let inside = self.text.get(start + 2..self.at - 2).unwrap_or_default();
        // Not nested for this server, but whoever wrote it may have meant it so.
        if inside.contains("/*") {
            return Err(InDoubt);
        }
        let executed = inside.strip_prefix('!').or_else(|| inside.strip_prefix("M!"));
        if let Some(statement) = executed.filter(|_| self.reading.is_mysql()) {
            // A quote or a comment that is open at its end would hide that end.
            for token in Lexer::new(statement, self.reading, self.doubles) {
                if token?.kind == Kind::Comment {
                    return Err(InDoubt);
                }
            }
        }
        Ok(Kind::Comment)
    }

    fn nested_comment(&mut self) -> Result<Kind, InDoubt> {
        let mut depth = 1;
        while depth > 0 {
            self.at += memchr2(b'*', b'/', self.rest()).ok_or(InDoubt)?;
            let step = match (self.peek(0), self.peek(1)) {
                (b'*', b'/') => -1,
                (b'/', b'*') => 1,
                _ => 0,
            };
            depth += step;
            self.at += if step == 0 { 1 } else { 2 };
        }
        Ok(Kind::Comment)
    }
}
