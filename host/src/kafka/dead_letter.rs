//! Makes a dead letter of a record that was refused: what it was, where it stood, why it was refused. Pure; what of the
//! payload may be kept is decided by the caller.

use std::borrow::Cow;
use std::sync::Arc;

use crate::outcome::{Kept, Refusal};
use crate::record::{Output, OutputHeader, Partition, Record};

/// The longest text a header may hold, in bytes, and the longest list of functions.
const MAX_TEXT: usize = 1_024;
const MAX_FRAMES: usize = 4_096;

/// What the dead letter needs beyond record and refusal.
#[derive(Clone, Debug)]
pub struct Circumstances<'a> {
    /// The dead-letter topic.
    pub topic: Arc<str>,
    pub pipeline: &'a str,
    pub lane: usize,
    /// When the record was refused for the first time, in milliseconds since 1970.
    pub first_seen: i64,
}

/// The dead letter for `record`: its own headers first, then Kafka Connect's (`__connect.errors.*`) and ours
/// (`lockgate.error.*`), all of them text; key, value and headers of its own as `kept` has them. Where a record is a dead letter already, the last header of a name is the latest.
pub fn dead_letter<'a>(
    record: &Record<'a>,
    refusal: &Refusal,
    circumstances: &Circumstances<'_>,
    kept: Kept<'a>,
) -> Output<'a> {
    let Kept { key, value, mut headers, payload } = kept;
    let mut add = |name: &'static str, text: &str| headers.push(header(name, text, MAX_TEXT));
    connect_headers(record, refusal, circumstances, &mut add);
    own_headers(record, refusal, circumstances, &mut add);
    add("lockgate.error.payload", payload.as_str());
    if !refusal.frames.is_empty() {
        let frames = refusal.frames.join(" < ");
        headers.push(header("lockgate.error.backtrace", &frames, MAX_FRAMES));
        let name = "__connect.errors.exception.stacktrace";
        headers.push(header(name, &stacktrace(refusal), MAX_FRAMES));
    }
    Output {
        topic: Arc::clone(&circumstances.topic),
        partition: Partition::Same(record.partition),
        timestamp: record.timestamp,
        key,
        value,
        headers,
    }
}

fn connect_headers(
    record: &Record<'_>,
    refusal: &Refusal,
    circumstances: &Circumstances<'_>,
    add: &mut impl FnMut(&'static str, &str),
) {
    add("__connect.errors.topic", record.topic);
    add("__connect.errors.partition", &record.partition.to_string());
    add("__connect.errors.offset", &record.offset.to_string());
    add("__connect.errors.connector.name", circumstances.pipeline);
    add("__connect.errors.task.id", &circumstances.lane.to_string());
    add("__connect.errors.stage", "TRANSFORMATION");
    let class = refusal.plugin.as_ref().map_or("lockgate", |plugin| &plugin.name);
    add("__connect.errors.class.name", class);
    add("__connect.errors.exception.class.name", refusal.code.as_str());
    add("__connect.errors.exception.message", &refusal.in_full());
}

fn own_headers(
    record: &Record<'_>,
    refusal: &Refusal,
    circumstances: &Circumstances<'_>,
    add: &mut impl FnMut(&'static str, &str),
) {
    add("lockgate.error.code", refusal.code.as_str());
    add("lockgate.error.reason", &refusal.reason);
    if let Some(said) = &refusal.said {
        add("lockgate.error.said", said);
    }
    if let Some(class) = refusal.fault {
        add("lockgate.error.fault", class.as_str());
    }
    if let Some(plugin) = &refusal.plugin {
        add("lockgate.error.plugin", &plugin.name);
        // Of one that parked a key before a restart only the name is known.
        let exact = [
            ("lockgate.error.version", &plugin.version),
            ("lockgate.error.digest", &plugin.digest),
        ];
        for (name, text) in exact.into_iter().filter(|(_, text)| !text.is_empty()) {
            add(name, text);
        }
    }
    if let Some(offset) = refusal.follows {
        add("lockgate.error.follows", &offset.to_string());
    }
    add("lockgate.error.attempt", &refusal.attempt.to_string());
    add("lockgate.error.first-seen", &circumstances.first_seen.to_string());
    add("lockgate.error.pipeline", circumstances.pipeline);
    add("lockgate.error.topic", record.topic);
    add("lockgate.error.partition", &record.partition.to_string());
    add("lockgate.error.offset", &record.offset.to_string());
    if let Some(timestamp) = record.timestamp {
        add("lockgate.error.timestamp", &timestamp.to_string());
    }
    // The same for each time the record is refused, so that a replay can tell what it has seen.
    let dedup = format!("{}/{}/{}", record.topic, record.partition, record.offset);
    add("lockgate.error.dedup-id", &dedup);
}

/// The functions that were running as Java would write them, which is what reads this header.
fn stacktrace(refusal: &Refusal) -> String {
    let head = format!("{}: {}", refusal.code, refusal.reason);
    refusal.frames.iter().fold(head, |text, frame| text + "\n\tat " + frame)
}

fn header(name: &'static str, text: &str, max: usize) -> OutputHeader<'static> {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.as_bytes().get(..end).unwrap_or_default();
    OutputHeader { name: Cow::Borrowed(name.as_bytes()), value: Some(Cow::Owned(kept.to_vec())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::FaultClass;
    use crate::outcome::{Code, Identity, Shown};
    use crate::record::Header;

    fn letter(refusal: &Refusal, payload: Shown) -> String {
        let topic: Arc<str> = "shop.orders".into();
        let record = Record {
            topic: &topic,
            partition: 3,
            offset: 42,
            timestamp: Some(1_700_000_000_000),
            key: Some(b"k"),
            value: Some(b"v"),
            headers: vec![Header { name: b"trace\xff", value: None }],
        };
        let circumstances = Circumstances {
            topic: "shop.orders.dlq".into(),
            pipeline: "shop",
            lane: 1,
            first_seen: 1_700_000_000_500,
        };
        let kept = match payload {
            Shown::Nothing => Kept { payload, ..Kept::default() },
            Shown::Whole | Shown::Masked => Kept {
                key: record.key.map(Cow::Borrowed),
                value: record.value.map(Cow::Borrowed),
                headers: record.headers.iter().map(OutputHeader::from).collect(),
                payload,
            },
        };
        let output = dead_letter(&record, refusal, &circumstances, kept);
        let text = |bytes: &Option<Cow<'_, [u8]>>| {
            bytes.as_ref().map_or("null".to_owned(), |b| String::from_utf8_lossy(b).into_owned())
        };
        let headers = output.headers.iter().map(|header| {
            format!("\n{}: {}", String::from_utf8_lossy(&header.name), text(&header.value))
        });
        format!(
            "{} {:?} at {:?}, key {}, value {}{}",
            output.topic,
            output.partition,
            output.timestamp,
            text(&output.key),
            text(&output.value),
            headers.collect::<String>()
        )
    }

    fn trapped() -> Refusal {
        let plugin = Arc::new(Identity {
            name: "mask".into(),
            version: "1.2.0".to_owned(),
            digest: "ab12".to_owned(),
        });
        let refusal = Refusal::by(Code::PluginTrapped, &plugin, "unreachable executed");
        let frames = ["mask::cut", "process"].map(str::to_owned).to_vec();
        Refusal { attempt: 2, fault: Some(FaultClass::Trap), frames, ..refusal }
    }

    #[test]
    fn a_dead_letter_says_what_where_and_why() {
        insta::assert_snapshot!(letter(&trapped(), Shown::Whole), @"
        shop.orders.dlq Same(3) at Some(1700000000000), key k, value v
        trace�: null
        __connect.errors.topic: shop.orders
        __connect.errors.partition: 3
        __connect.errors.offset: 42
        __connect.errors.connector.name: shop
        __connect.errors.task.id: 1
        __connect.errors.stage: TRANSFORMATION
        __connect.errors.class.name: mask
        __connect.errors.exception.class.name: plugin-trapped
        __connect.errors.exception.message: unreachable executed
        lockgate.error.code: plugin-trapped
        lockgate.error.reason: unreachable executed
        lockgate.error.fault: trap
        lockgate.error.plugin: mask
        lockgate.error.version: 1.2.0
        lockgate.error.digest: ab12
        lockgate.error.attempt: 2
        lockgate.error.first-seen: 1700000000500
        lockgate.error.pipeline: shop
        lockgate.error.topic: shop.orders
        lockgate.error.partition: 3
        lockgate.error.offset: 42
        lockgate.error.timestamp: 1700000000000
        lockgate.error.dedup-id: shop.orders/3/42
        lockgate.error.payload: raw
        lockgate.error.backtrace: mask::cut < process
        __connect.errors.exception.stacktrace: plugin-trapped: unreachable executed
        	at mask::cut
        	at process
        ");
    }

    #[test]
    fn an_omitted_payload_leaves_only_the_reasons() {
        let letter = letter(&Refusal::new(Code::TooLarge, "too large"), Shown::Nothing);
        assert!(
            letter.starts_with(
                "shop.orders.dlq Same(3) at Some(1700000000000), key null, value null\n__connect"
            ),
            "{letter}"
        );
        assert!(letter.ends_with("lockgate.error.payload: omitted"), "{letter}");
    }

    #[test]
    fn what_the_plugin_said_stands_apart_from_what_we_say_of_it() {
        let refusal = trapped().said(Some("no key \"é\""));
        let letter = letter(&refusal, Shown::Nothing);
        let told: Vec<&str> =
            letter.lines().filter(|line| line.contains("reason") || line.contains('é')).collect();
        assert_eq!(
            told,
            [
                "__connect.errors.exception.message: unreachable executed: no key \"é\"",
                "lockgate.error.reason: unreachable executed",
                "lockgate.error.said: no key \"é\"",
            ]
        );
        let withheld = self::letter(&refusal.without_words(), Shown::Nothing);
        assert!(!withheld.contains('é') && !withheld.contains("lockgate.error.said"), "{withheld}");
        let reason = "lockgate.error.reason: unreachable executed; its own words are withheld";
        assert!(withheld.contains(reason), "{withheld}");
    }

    #[test]
    fn a_plugins_words_are_cut_between_characters() {
        let said = |words: &str| trapped().said(Some(words)).said.unwrap();
        assert_eq!(said(&"é".repeat(1_000)), format!("{}…", "é".repeat(256)));
        assert_eq!(said(&"é".repeat(256)), "é".repeat(256));
    }

    #[test]
    fn the_longest_list_of_functions_is_kept_whole() {
        let frames = vec!["x".repeat(120 + "…".len()); 16];
        let letter = letter(&Refusal { frames, ..trapped() }, Shown::Nothing);
        let trace = letter.lines().filter(|line| line.starts_with("\tat x"));
        assert_eq!(trace.map(str::len).collect::<Vec<_>>(), [127; 16]);
        let listed = letter.lines().find(|line| line.starts_with("lockgate.error.backtrace"));
        assert_eq!(listed.unwrap().matches(" < ").count(), 15);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let refusal = Refusal::new(Code::PluginRejected, "é".repeat(2_000));
        let letter = letter(&refusal, Shown::Nothing);
        let reason = letter.lines().find(|line| line.starts_with("lockgate.error.reason")).unwrap();
        assert_eq!(reason.len(), "lockgate.error.reason: ".len() + MAX_TEXT);
    }
}
