//! Secrets, and the records they stand in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lockgate_tests::client::Record;

/// The records of one topic, and every secret in them.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    pub(crate) dialect: &'static str,
    pub(crate) records: Vec<Record>,
    pub(crate) secrets: Vec<Secret>,
    /// More lines of the pipeline.
    pub(crate) pipeline: &'static str,
    /// A guest that stands before the official plugins.
    pub(crate) guest: Option<&'static str>,
    /// Bytes that a plugin adds to every row.
    pub(crate) added: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) place: String,
    pub(crate) text: String,
}

impl Planted {
    pub(crate) fn new(name: &'static str, dialect: &'static str) -> Self {
        Self {
            name,
            dialect,
            records: Vec::new(),
            secrets: Vec::new(),
            pipeline: "",
            guest: None,
            added: 0,
        }
    }

    /// A text that stands nowhere else.
    pub(crate) fn secret(&mut self, place: &str) -> String {
        let text = format!("zq{}-{:03}@secret.example", self.name, self.secrets.len());
        self.secrets.push(Secret { place: format!("{}: {place}", self.name), text: text.clone() });
        text
    }

    /// The same in digits.
    pub(crate) fn number(&mut self, place: &str) -> String {
        let name: u64 = self.name.bytes().fold(7, |sum, byte| sum * 31 % 99_991 + u64::from(byte));
        let text = format!("77{name:06}{:03}4242", self.secrets.len());
        self.secrets.push(Secret { place: format!("{}: {place}", self.name), text: text.clone() });
        text
    }

    pub(crate) fn write(&mut self, key: Option<&str>, value: impl AsRef<[u8]>) -> &mut Record {
        self.records.push(Record {
            key: key.map(|key| key.as_bytes().to_vec()),
            value: Some(value.as_ref().to_vec()),
            ..Record::default()
        });
        self.records.last_mut().expect("it was pushed")
    }
}

/// The ways in which a secret may hide: as it is, and in base64 however it is cut.
pub(crate) fn spellings(text: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![text.as_bytes().to_vec()];
    for shift in 0..3 {
        let shifted = [vec![b'.'; shift], text.as_bytes().to_vec()].concat();
        let encoded = BASE64.encode(shifted);
        // The characters that the bytes around it have no part in.
        let inner = encoded.get(4..encoded.len() - 4).unwrap_or_default();
        spellings.push(inner.as_bytes().to_vec());
    }
    spellings
}
