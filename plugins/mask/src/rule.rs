//! The rules and how they are written. Must not know tables, settings files or cells.

use std::fmt;

use lockgate_plugin::Kind;
use serde_json::Value;

use crate::date::Unit;
use crate::debezium::Hash;
use crate::digest::Encoding;

/// How the values of a column, or of a place inside it, are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Null,
    Constant {
        kind: Kind,
        text: String,
    },
    Redact,
    /// For strings that hold JSON.
    RedactJsonText,
    KeepFirst(usize),
    KeepLast(usize),
    KeepDomain,
    Email,
    Phone,
    Card,
    CardLuhn,
    /// With what the column's numbers count, where its type says so.
    DateYear(Option<Unit>),
    Zip3,
    NumberBucket(u64),
    Hmac(Hmac),
    Debezium(Hash),
}

/// How a keyed digest is made and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hmac {
    pub(crate) encoding: Encoding,
    /// Of the value's canonical text, so that `42` and `"42.0"` are alike.
    pub(crate) canonical: bool,
    /// Without the key's id.
    pub(crate) bare: bool,
    /// Another key than the current one.
    pub(crate) key: Option<String>,
}

/// The rule cannot treat the value: its row must not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Untreatable;

const RULES: &str = "\"null\", \"constant:TEXT\", \"redact\", \"keep-first:N\", \"keep-last:N\", \"keep-domain\", \"email\", \
                     \"phone\", \"card\", \"card:luhn\", \"date-year\", \"zip3\", \"number-bucket:N\", \"hmac\" with options \
                     (\"hmac:base64url:canonical\"), \"debezium-v1:ALGORITHM\" and \"debezium-v2:ALGORITHM\"";

impl Rule {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        match (name, argument) {
            ("null", None) => Ok(Self::Null),
            ("constant", Some(text)) => {
                Ok(Self::Constant { kind: Kind::String, text: text.into() })
            }
            ("redact", None) => Ok(Self::Redact),
            ("keep-first", Some(count)) => kept(count).map(Self::KeepFirst),
            ("keep-last", Some(count)) => kept(count).map(Self::KeepLast),
            ("keep-domain", None) => Ok(Self::KeepDomain),
            ("email", None) => Ok(Self::Email),
            ("phone", None) => Ok(Self::Phone),
            ("card", None) => Ok(Self::Card),
            ("card", Some("luhn")) => Ok(Self::CardLuhn),
            ("date-year", None) => Ok(Self::DateYear(None)),
            ("zip3", None) => Ok(Self::Zip3),
            ("number-bucket", Some(size)) => bucket(size).map(Self::NumberBucket),
            ("hmac", options) => Hmac::parse(options).map(Self::Hmac),
            ("debezium-v1" | "debezium-v2", Some(algorithm)) => {
                Hash::parse(name, algorithm).map(Self::Debezium).ok_or_else(|| {
                    format!("{algorithm:?} is no algorithm of {name:?}: write MD5, SHA-1, SHA-256 or SHA-512")
                })
            }
            _ => Err(format!("{text:?} is no rule: they are {RULES}")),
        }
    }

    pub(crate) fn constant(value: &Value) -> Result<Self, String> {
        let (kind, text) = match value {
            Value::Bool(value) => (Kind::Boolean, value.to_string()),
            Value::Number(number) => (Kind::Number, number.to_string()),
            Value::String(text) => (Kind::String, text.clone()),
            Value::Null => return Err("a constant null is the rule \"null\"".into()),
            Value::Array(_) | Value::Object(_) => (Kind::Json, value.to_string()),
        };
        Ok(Self::Constant { kind, text })
    }

    /// Whether different values stay different.
    pub(crate) fn keeps_values_apart(&self) -> bool {
        matches!(self, Self::Hmac(_) | Self::Debezium(_))
    }
}

impl Hmac {
    fn parse(options: Option<&str>) -> Result<Self, String> {
        let mut encoding = None;
        let mut hmac = Self { encoding: Encoding::Hex, canonical: false, bare: false, key: None };
        for option in options.into_iter().flat_map(|options| options.split(':')) {
            let repeated = match option {
                "hex" => encoding.replace(Encoding::Hex).is_some(),
                "base64url" => encoding.replace(Encoding::Base64Url).is_some(),
                "canonical" => std::mem::replace(&mut hmac.canonical, true),
                "bare" => std::mem::replace(&mut hmac.bare, true),
                _ => match option.strip_prefix("key=") {
                    Some(id) => hmac.key.replace(id.to_owned()).is_some(),
                    None => {
                        return Err(format!(
                            "{option:?} is no option of \"hmac\": they are \"hex\" or \"base64url\", \"canonical\", \
                             \"bare\" and \"key=ID\""
                        ));
                    }
                },
            };
            if repeated {
                return Err(format!("{option:?} sets an option of \"hmac\" that is set already"));
            }
        }
        hmac.encoding = encoding.unwrap_or(Encoding::Hex);
        Ok(hmac)
    }
}

fn kept(count: &str) -> Result<usize, String> {
    match count.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("{count:?} is no number of characters to keep: write 1 or more")),
    }
}

/// A bucket of one would hold every whole number in clear.
fn bucket(size: &str) -> Result<u64, String> {
    match size.parse() {
        Ok(size) if size > 1 => Ok(size),
        _ => Err(format!("{size:?} is no size of a bucket: write a whole number, 2 or more")),
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("\"null\""),
            Self::Constant { .. } => f.write_str("\"constant\""),
            Self::Redact | Self::RedactJsonText => f.write_str("\"redact\""),
            Self::KeepFirst(kept) => write!(f, "\"keep-first:{kept}\""),
            Self::KeepLast(kept) => write!(f, "\"keep-last:{kept}\""),
            Self::KeepDomain => f.write_str("\"keep-domain\""),
            Self::Email => f.write_str("\"email\""),
            Self::Phone => f.write_str("\"phone\""),
            Self::Card => f.write_str("\"card\""),
            Self::CardLuhn => f.write_str("\"card:luhn\""),
            Self::DateYear(_) => f.write_str("\"date-year\""),
            Self::Zip3 => f.write_str("\"zip3\""),
            Self::NumberBucket(size) => write!(f, "\"number-bucket:{size}\""),
            Self::Hmac(_) => f.write_str("\"hmac\""),
            Self::Debezium(hash) => write!(f, "\"{hash}\""),
        }
    }
}
