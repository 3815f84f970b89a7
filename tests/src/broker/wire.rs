//! Kafka's primitive types in a frame, as far as the shim must read and write them. Knows no request.

/// Reads forward through a frame; every method gives None where the frame is too short.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(frame: &'a [u8]) -> Self {
        Self { rest: frame }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A length of 32 bits, then that many bytes; -1 is null.
    pub(super) fn bytes(&mut self) -> Option<Option<&'a [u8]>> {
        match self.i32()? {
            -1 => Some(None),
            len => Some(Some(self.take(usize::try_from(len).ok()?)?)),
        }
    }

    /// A length of 16 bits, then that many bytes of UTF-8; -1 is null.
    pub(super) fn nullable_string(&mut self) -> Option<Option<&'a str>> {
        match self.i16()? {
            -1 => Some(None),
            len => Some(Some(std::str::from_utf8(self.take(usize::try_from(len).ok()?)?).ok()?)),
        }
    }

    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.nullable_string()?
    }

    /// The number of elements that follow; a null array has none.
    pub(super) fn array(&mut self) -> Option<usize> {
        Some(usize::try_from(self.i32()?).unwrap_or(0))
    }
}

/// Writes a frame.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) frame: Vec<u8>,
}

impl Writer {
    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.frame.extend_from_slice(bytes);
        self
    }

    pub(super) fn i16(&mut self, value: i16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(super) fn i64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(super) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.array(value.len()).raw(value)
    }

    pub(super) fn nullable_string(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            None => self.i16(-1),
            Some(text) => self
                .i16(i16::try_from(text.len()).expect("names in tests are short"))
                .raw(text.as_bytes()),
        }
    }

    pub(super) fn string(&mut self, value: &str) -> &mut Self {
        self.nullable_string(Some(value))
    }

    pub(super) fn array(&mut self, len: usize) -> &mut Self {
        self.i32(i32::try_from(len).expect("a frame is far below 2 GiB"))
    }
}
