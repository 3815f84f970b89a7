//! Which tool a value comes from, where it is not what the pipeline was told to expect. For diagnoses and `detect` only: a
//! pipeline's dialect is pinned, since a row may have columns of any name.

use super::json;
use crate::compress::Compression;
use crate::record::Record;
use crate::table::Dialect;

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Looks {
    Debezium,
    DebeziumFlat,
    TicdcDebezium,
    Maxwell,
    TicdcMaxwell,
    Canal,
    Ticdc,
    GoldenGate,
    Dms,
    CloudEvents,
    DataWorks,
    Drs,
    Confluent,
    Apicurio,
    Glue,
    CanalProtobuf,
    /// One block without a frame, as TiCDC writes it.
    Snappy,
    FramedSnappy,
    Lz4,
    Zstd,
    Gzip,
}

impl Looks {
    /// In the plural, as messages say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debezium => "Debezium events",
            Self::DebeziumFlat => "flattened Debezium events",
            Self::TicdcDebezium => "TiCDC's Debezium events",
            Self::Maxwell => "Maxwell events",
            Self::TicdcMaxwell => "TiCDC's Maxwell events",
            Self::Canal => "Canal events",
            Self::Ticdc => "TiCDC's Canal-JSON events",
            Self::GoldenGate => "Oracle GoldenGate events",
            Self::Dms => "AWS DMS events",
            Self::CloudEvents => "CloudEvents",
            Self::DataWorks => "Aliyun DataWorks events",
            Self::Drs => "Huawei DRS events",
            Self::Confluent => "Confluent Schema Registry records (Avro or Protobuf)",
            Self::Apicurio => "Apicurio Registry records (Avro or Protobuf)",
            Self::Glue => "AWS Glue Schema Registry records",
            Self::CanalProtobuf => "Canal protobuf packets (canal.mq.flatMessage = false)",
            Self::Snappy | Self::FramedSnappy => "snappy-compressed values",
            Self::Lz4 => "LZ4-compressed values",
            Self::Zstd => "zstd-compressed values",
            Self::Gzip => "gzip-compressed values",
        }
    }

    /// The dialect to read it with; none where no dialect does.
    pub fn dialect(self) -> Option<Dialect> {
        Some(match self {
            Self::Debezium => Dialect::Debezium,
            Self::DebeziumFlat => Dialect::DebeziumFlat,
            Self::TicdcDebezium => Dialect::TicdcDebezium,
            Self::Maxwell => Dialect::Maxwell,
            Self::TicdcMaxwell => Dialect::TicdcMaxwell,
            Self::Canal => Dialect::Canal,
            Self::Ticdc => Dialect::Ticdc,
            Self::GoldenGate => Dialect::Ogg,
            Self::Dms => Dialect::Dms,
            Self::CloudEvents => Dialect::CloudEvents,
            _ => return None,
        })
    }

    /// How to unpack it, where a pipeline can.
    pub fn compression(self) -> Option<Compression> {
        match self {
            Self::Snappy => Some(Compression::Snappy),
            Self::Lz4 => Some(Compression::Lz4),
            _ => None,
        }
    }

    /// What to do about values that no setting makes readable.
    pub fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::Confluent | Self::Apicurio | Self::Glue => {
                "let the producer write JSON: set value.converter to org.apache.kafka.connect.json.JsonConverter"
            }
            Self::CanalProtobuf => "set canal.mq.flatMessage = true in Canal",
            Self::FramedSnappy | Self::Zstd | Self::Gzip => {
                "compress in the producer (compression.type) and not in the value"
            }
            Self::DataWorks | Self::Drs => "dialect \"json\" carries them, each value as one row",
            _ => return None,
        })
    }

    /// Whether `dialect` reads it, perhaps among others.
    fn is_own(self, dialect: Dialect) -> bool {
        match dialect {
            Dialect::Debezium | Dialect::TicdcDebezium => {
                matches!(self, Self::Debezium | Self::TicdcDebezium)
            }
            Dialect::Maxwell | Dialect::TicdcMaxwell => {
                matches!(self, Self::Maxwell | Self::TicdcMaxwell)
            }
            Dialect::Canal | Dialect::Ticdc => matches!(self, Self::Canal | Self::Ticdc),
            dialect => self.dialect() == Some(dialect),
        }
    }
}

/// What the value looks like; none where it looks like nothing known.
pub fn recognise(value: &[u8]) -> Option<Looks> {
    framing(value).or_else(|| json_family(value)).or_else(|| enveloped(value))
}

/// As [`recognise`], for a whole record: some registries write what a value is into its headers.
pub fn recognise_record(record: &Record<'_>) -> Option<Looks> {
    let value = record.value?;
    recognise(value).or_else(|| {
        let framed = by_header(record)?;
        json::document(value).is_err().then_some(framed)
    })
}

/// What the headers say of a value that is not JSON.
pub(super) fn by_header(record: &Record<'_>) -> Option<Looks> {
    record.headers.iter().find_map(|header| match header.name {
        b"__value_schema_id" => Some(Looks::Confluent),
        name if name.starts_with(b"apicurio.value.") => Some(Looks::Apicurio),
        _ => None,
    })
}

/// JSON of another dialect than `dialect`.
pub(super) fn foreign(value: &[u8], dialect: Dialect) -> Option<Looks> {
    json_family(value).filter(|looks| !looks.is_own(dialect))
}

/// Why the value of `record`, which is JSON, is no event of `dialect`, and what to do about it.
pub fn unknown(record: &Record<'_>, dialect: Dialect) -> String {
    let value = record.value.unwrap_or_default();
    match recognise(value) {
        Some(looks) if looks.is_own(dialect) => format!(
            "the value is one of {}, but what happened in it is not known, or it has no row; set `unknown = \"pass\"` under \
             [pipeline.classes] to let such events through as they are",
            looks.as_str()
        ),
        Some(looks) => format!(
            "the value looks like one of {}, the pipeline expects {dialect}; check `dialect` and `from`",
            looks.as_str()
        ),
        None => format!(
            "the value is no {dialect} event; check `dialect` and `from`, or set `unknown = \"pass\"` \
             under [pipeline.classes]"
        ),
    }
}

/// What a value that is not JSON looks like, and what to do about it.
pub(super) fn not_json(value: &[u8]) -> Option<String> {
    let looks = framing(value)?;
    let help = match looks.compression() {
        Some(compression) => {
            format!("; `compression = \"{}\"` unpacks them", compression.as_str())
        }
        None => looks.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default(),
    };
    Some(format!("it looks like one of {}{help}", looks.as_str()))
}

/// What is not JSON at all, by its first bytes.
fn framing(value: &[u8]) -> Option<Looks> {
    match value {
        // Four bytes of schema id, which is never 0, or eight of them.
        [0x00, 0, 0, 0, 0, _, _, _, _, ..] => Some(Looks::Apicurio),
        [0x00, _, _, _, _, _, ..] => Some(Looks::Confluent),
        // Version, compression, and the sixteen bytes of a schema's UUID.
        [0x03, 0x00 | 0x05, rest @ ..] if rest.len() > 16 => Some(Looks::Glue),
        [0x1f, 0x8b, ..] => Some(Looks::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Looks::Zstd),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some(Looks::Lz4),
        [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', ..]
        | [0xff, 0x06, 0x00, 0x00, b's', b'N', b'a', b'P', b'p', b'Y', ..] => {
            Some(Looks::FramedSnappy)
        }
        // A packet of type "messages" (field 3 = 7) whose body (field 5) follows, perhaps after magic number and version.
        [0x18, 0x07, 0x2a, ..] | [0x08, 0x11, 0x10, 0x01, 0x18, 0x07, ..] => {
            Some(Looks::CanalProtobuf)
        }
        _ if is_raw_snappy(value) => Some(Looks::Snappy),
        _ => None,
    }
}

/// Snappy without a frame: the length as a varint, then a literal that opens an object.
fn is_raw_snappy(value: &[u8]) -> bool {
    let Some(length) = value.iter().take(5).position(|byte| byte & 0x80 == 0) else { return false };
    match value.get(length + 1..) {
        Some([tag, b'{', ..]) => tag & 3 == 0 && tag >> 2 < 60,
        Some([0xf0, _, b'{', ..] | [0xf4, _, _, b'{', ..]) => true,
        _ => false,
    }
}

fn json_family(value: &[u8]) -> Option<Looks> {
    let start = json::begin(value).ok()?;
    let end = json::value(value, start).ok()?;
    let at = u32::try_from(start).ok()?;
    if json::finish(value, end).is_err() {
        // One object after the other, as nobody else writes them.
        let is_another = json::byte(value, json::blanks(value, end)) == b'{';
        let first = family(value, at).filter(|_| is_another);
        return first
            .filter(|first| Looks::TicdcMaxwell.is_like(*first))
            .map(|_| Looks::TicdcMaxwell);
    }
    let payload = json::members(value, at)
        .find(|(name, _)| name.of(value) == b"payload")
        .map(|(_, payload)| payload.start);
    payload.and_then(|at| family(value, at)).or_else(|| family(value, at))
}

impl Looks {
    fn is_like(self, other: Self) -> bool {
        self.dialect().is_some_and(|dialect| other.is_own(dialect))
    }
}

/// The members of one object, unread.
#[derive(Clone, Copy)]
struct Members<'v> {
    text: &'v [u8],
    object: u32,
}

impl<'v> Members<'v> {
    fn get(self, wanted: &str) -> Option<&'v [u8]> {
        let mut members = json::members(self.text, self.object);
        members
            .find(|(name, _)| json::unescape(name.of(self.text)) == wanted)
            .map(|(_, at)| at.of(self.text))
    }

    fn has(self, names: &[&str]) -> bool {
        names.iter().all(|name| self.get(name).is_some())
    }

    fn any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    /// Whether there is a member of another name.
    fn any_but(self, names: &[&str]) -> bool {
        let mut members = json::members(self.text, self.object);
        members.any(|(name, _)| !names.contains(&&*json::unescape(name.of(self.text))))
    }

    fn opens(self, name: &str, first: u8) -> bool {
        self.get(name).is_some_and(|value| value.first() == Some(&first))
    }

    /// The object that a member holds.
    fn within(self, name: &str) -> Option<Self> {
        self.get(name).map(|text| Members { text, object: 0 })
    }
}

fn family(text: &[u8], object: u32) -> Option<Looks> {
    let it = Members { text, object };
    if it.has(&["specversion", "id", "type"]) {
        return Some(Looks::CloudEvents);
    }
    if it.has(&["op"]) && it.any(&["source", "before", "after"]) {
        let connector = it.within("source").and_then(|source| source.get("connector"));
        return Some(if it.has(&["sequenceId"]) && it.opens("timestamp", b'{') {
            Looks::DataWorks
        } else if connector == Some(b"\"TiCDC\"") {
            Looks::TicdcDebezium
        } else {
            Looks::Debezium
        });
    }
    if it.has(&["op_type", "table"]) {
        return Some(Looks::GoldenGate);
    }
    if let Some(metadata) = it.within("metadata")
        && (metadata.has(&["record-type"]) || metadata.has(&["operation"]) && it.has(&["data"]))
    {
        return Some(Looks::Dms);
    }
    canal_or_maxwell(it).or_else(|| flat(it))
}

fn canal_or_maxwell(it: Members<'_>) -> Option<Looks> {
    let is_canal = it.any(&["isDdl", "mysqlType", "pkNames"]) || it.opens("data", b'[');
    if is_canal && (it.has(&["database", "type"]) || it.has(&["data", "old", "type"])) {
        return Some(match it.get("type") {
            Some(b"\"INIT\"" | b"\"INIT_DDL\"") => Looks::Drs,
            _ if it.has(&["_tidb"]) => Looks::Ticdc,
            _ => Looks::Canal,
        });
    }
    if it.opens("encrypted", b'{') && it.within("encrypted")?.has(&["iv", "bytes"]) {
        return Some(Looks::Maxwell);
    }
    if !it.has(&["database", "type"]) || !it.any(&["data", "def", "old", "ts"]) {
        return None;
    }
    // TiCDC leaves out the row that a delete leaves behind, which is none.
    let is_bare_delete = it.get("type") == Some(b"\"delete\"") && !it.has(&["data"]);
    Some(if is_bare_delete && it.has(&["old"]) { Looks::TicdcMaxwell } else { Looks::Maxwell })
}

/// A row in the envelope of Connect's JSON converter, which `json` would take for two columns. A key stands so, too.
fn enveloped(value: &[u8]) -> Option<Looks> {
    let it = Members { text: value, object: json::document(value).ok()?.start };
    let is_struct = it.within("schema")?.get("type") == Some(b"\"struct\"");
    let whole = json::members(it.text, it.object).count() == 2 && it.opens("payload", b'{');
    (is_struct && whole && !is_control(it.within("payload")?)).then_some(Looks::DebeziumFlat)
}

/// Debezium's records that have no row stand in such an envelope, too.
fn is_control(it: Members<'_>) -> bool {
    let is_marker = it.has(&["status", "id"]) && it.any(&["event_count", "data_collections"]);
    it.any(&["ddl", "op"]) || is_marker || !it.any_but(&["ts_ms", "ts_us", "ts_ns"])
}

/// A guess: that a topic is flattened is written nowhere in it.
fn flat(it: Members<'_>) -> Option<Looks> {
    let marks = ["__deleted", "__op", "__source_ts_ms", "__lsn", "__source_lsn", "__table"];
    it.any(&marks).then_some(Looks::DebeziumFlat)
}
