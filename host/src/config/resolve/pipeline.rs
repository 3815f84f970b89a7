//! One `[[pipeline]]`, checked by itself and against those above it.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use toml::Spanned;

use super::{check_identifier, count, one_of, protect};
use crate::cell::Placeholder;
use crate::change::Class;
use crate::compress::Compression;
use crate::config::document::{Document, suggestion};
use crate::config::error::Error;
use crate::config::raw::{self, Text};
use crate::config::units::Size;
use crate::config::{
    ClassPolicy, DroppedCommits, Limits, LostOffsets, PartitionBy, Payload, Pipeline,
    PluginMessages, Start, Template, TopicFilter, TopicPattern, Unlisted, plugin_file,
};
use crate::table::{Dialect, Dialects};

const DEFAULT_PLUGINS: &str = "plugins";
const DEFAULT_DEAD_LETTER: &str = "{topic}.dlq";
const MOST_LANES: i64 = 256;
const MOST_RECORDS: i64 = 1_000_000;

/// `others` are the pipelines above it in the file.
pub(super) fn resolve(
    document: &Document<'_>,
    raw: raw::Pipeline,
    others: &[Pipeline],
) -> Result<Pipeline, Error> {
    check_identifier(document, &raw.name)?;
    if others.iter().any(|other| other.name == *raw.name.get_ref()) {
        return Err(document.error(raw.name.span(), "another pipeline has this name"));
    }
    let patterns = patterns(document, &raw.from)?;
    let spans = protect::Spans::of(&raw);
    let to = template(document, &raw.to)?;
    let plugins = raw.plugins.as_ref().map_or(DEFAULT_PLUGINS, |typed| typed.get_ref());
    let dead_letter = dead_letter(document, raw.dead_letter.as_ref(), &to)?;
    let pipeline = Pipeline {
        name: raw.name.into_inner(),
        from: patterns.iter().map(|(_, pattern)| pattern.clone()).collect(),
        dialects: dialects(document, &raw.dialect, raw.dialects)?,
        compression: match raw.compression {
            Some(typed) => Some(one_of(document, &typed, &COMPRESSIONS)?),
            None => None,
        },
        unavailable: unavailable(document, raw.unavailable.as_ref())?,
        protect: protect::protected(document, &raw.protect)?,
        listed: protect::column_patterns(document, &raw.listed)?,
        unlisted: or_default(document, raw.unlisted, &UNLISTED)?,
        dropped_commits: or_default(document, raw.dropped_commits, &DROPPED_COMMITS)?,
        plugin_messages: match raw.plugin_messages {
            Some(typed) => one_of(document, &typed, &PLUGIN_MESSAGES)?,
            None if raw.protect.is_empty() => PluginMessages::Show,
            None => PluginMessages::Withhold,
        },
        to,
        plugins: document.folder().join(plugins),
        required: required(document, raw.required)?,
        dead_letter,
        dead_letter_payload: or_default(document, raw.dead_letter_payload, &PAYLOADS)?,
        start: start(document, raw.start)?,
        on_lost_offsets: or_default(document, raw.on_lost_offsets, &LOST_OFFSETS)?,
        partition: or_default(document, raw.partition.clone(), &PARTITIONS)?,
        lanes: count(document, raw.lanes, 1..=MOST_LANES, 1)?,
        create_topics: raw.create_topics.unwrap_or_default(),
        stamp: raw.stamp.unwrap_or_default(),
        classes: classes(document, raw.classes)?,
        limits: limits(document, raw.limits)?,
    };
    check_watermarks(document, raw.partition.as_ref(), &pipeline)?;
    protect::check(document, &pipeline, spans)?;
    check_loop(document, &patterns, &pipeline)?;
    for other in others {
        check_overlap(document, &patterns, &pipeline, other)?;
    }
    Ok(pipeline)
}

const COMPRESSIONS: [(&str, Compression); 2] =
    [("snappy", Compression::Snappy), ("lz4", Compression::Lz4)];
const UNLISTED: [(&str, Unlisted); 4] = [
    ("pass", Unlisted::Pass),
    ("remove", Unlisted::Remove),
    ("dead-letter", Unlisted::DeadLetter),
    ("halt", Unlisted::Halt),
];
const PLUGIN_MESSAGES: [(&str, PluginMessages); 2] =
    [("show", PluginMessages::Show), ("withhold", PluginMessages::Withhold)];
const DROPPED_COMMITS: [(&str, DroppedCommits); 2] =
    [("drop", DroppedCommits::Drop), ("keep", DroppedCommits::Keep)];
const PAYLOADS: [(&str, Payload); 3] =
    [("masked", Payload::Masked), ("raw", Payload::Raw), ("omit", Payload::Omit)];
const LOST_OFFSETS: [(&str, LostOffsets); 3] = [
    ("halt", LostOffsets::Halt),
    ("earliest", LostOffsets::Earliest),
    ("latest", LostOffsets::Latest),
];
const PARTITIONS: [(&str, PartitionBy); 2] =
    [("same", PartitionBy::Same), ("key", PartitionBy::Key)];
const CLASS_POLICIES: [(&str, ClassPolicy); 4] = [
    ("pass", ClassPolicy::Pass),
    ("drop", ClassPolicy::Drop),
    ("dead-letter", ClassPolicy::DeadLetter),
    ("halt", ClassPolicy::Halt),
];

fn or_default<T: Copy + Default>(
    document: &Document<'_>,
    typed: Option<Text>,
    values: &[(&str, T)],
) -> Result<T, Error> {
    typed.map_or(Ok(T::default()), |typed| one_of(document, &typed, values))
}

fn dialects(
    document: &Document<'_>,
    default: &Text,
    by_topic: BTreeMap<Text, Text>,
) -> Result<Dialects, Error> {
    let known = Dialect::ALL.map(|dialect| (dialect.as_str(), dialect));
    let mut dialects = Dialects::from(one_of(document, default, &known)?);
    for (topics, dialect) in by_topic {
        let glob = plugin_file::glob(document, &topics)?.compile_matcher();
        dialects.by_topic.push((glob, one_of(document, &dialect, &known)?));
    }
    Ok(dialects)
}

fn unavailable(document: &Document<'_>, typed: Option<&Text>) -> Result<Placeholder, Error> {
    let Some(typed) = typed else { return Ok(Placeholder::default()) };
    Placeholder::parse(typed.get_ref()).map_err(|why| {
        let help = "write what the connector has as unavailable.value.placeholder";
        document.error(typed.span(), why).help(help)
    })
}

fn patterns<'r>(
    document: &Document<'_>,
    from: &'r Spanned<Vec<Text>>,
) -> Result<Vec<(&'r Text, TopicPattern)>, Error> {
    if from.get_ref().is_empty() {
        return Err(document.error(from.span(), "a pipeline reads at least one topic"));
    }
    let mut patterns = Vec::with_capacity(from.get_ref().len());
    for typed in from.get_ref() {
        let pattern = TopicPattern::parse(typed.get_ref());
        patterns.push((typed, pattern.map_err(|why| document.error(typed.span(), why))?));
    }
    Ok(patterns)
}

fn template(document: &Document<'_>, typed: &Text) -> Result<Template, Error> {
    Template::parse(typed.get_ref()).map_err(|why| document.error(typed.span(), why))
}

fn dead_letter(
    document: &Document<'_>,
    typed: Option<&Text>,
    to: &Template,
) -> Result<Template, Error> {
    let Some(typed) = typed else {
        return Ok(Template::parse(DEFAULT_DEAD_LETTER).expect("the default is a template"));
    };
    let dead_letter = template(document, typed)?;
    if dead_letter == *to {
        let message = "dead letters cannot go where the outputs go";
        return Err(document.error(typed.span(), message));
    }
    Ok(dead_letter)
}

fn required(document: &Document<'_>, typed: Vec<Text>) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::with_capacity(typed.len());
    for name in typed {
        let text = name.get_ref();
        let plain = text.strip_suffix(".wasm").unwrap_or(text);
        let plain = match plain.split_once('-') {
            Some((number, rest)) if number.chars().all(|c| c.is_ascii_digit()) => rest,
            _ => plain,
        };
        if plain != text || plain.is_empty() {
            let message = "a plugin's name is its file name without the number and the extension";
            let help = (!plain.is_empty()).then(|| format!("write \"{plain}\""));
            return Err(document.error(name.span(), message).maybe_help(help));
        }
        if names.contains(text) {
            return Err(document.error(name.span(), "this plugin is listed twice"));
        }
        names.push(name.into_inner());
    }
    Ok(names)
}

fn start(document: &Document<'_>, typed: Option<Text>) -> Result<Start, Error> {
    let Some(typed) = typed else { return Ok(Start::default()) };
    let Some(time) = typed.get_ref().strip_prefix("timestamp:") else {
        let words = [("earliest", Start::Earliest), ("latest", Start::Latest)];
        return one_of(document, &typed, &words).map_err(|error| {
            error.help("known here: earliest, latest, timestamp:2026-01-31T12:00:00Z")
        });
    };
    let since = humantime::parse_rfc3339(time).ok().and_then(|time| {
        let since = time.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    });
    since.map(Start::Timestamp).ok_or_else(|| {
        let message = "expected a time in UTC, such as \"timestamp:2026-01-31T12:00:00Z\"";
        document.error(typed.span(), message)
    })
}

fn classes(
    document: &Document<'_>,
    typed: BTreeMap<Text, Text>,
) -> Result<BTreeMap<Class, ClassPolicy>, Error> {
    let mut classes = ClassPolicy::defaults();
    for (name, policy) in typed {
        let class = Class::ALL.into_iter().find(|class| class.as_str() == name.get_ref());
        let known: Vec<&str> = classes.keys().map(|class| class.as_str()).collect();
        let place = class.and_then(|class| classes.get_mut(&class)).ok_or_else(|| match class {
            Some(_) => document
                .error(name.span(), "records of this class go through the plugins")
                .help("a plugin drops them, or refuses them"),
            None => document
                .error(name.span(), format!("there is no class \"{}\"", name.get_ref()))
                .help(suggestion(name.get_ref(), &known)),
        })?;
        *place = one_of(document, &policy, &CLASS_POLICIES)?;
    }
    Ok(classes)
}

fn limits(document: &Document<'_>, typed: raw::Limits) -> Result<Limits, Error> {
    let default = Limits::default();
    let records = typed.in_flight_records.as_ref().or(typed.batch_records.as_ref());
    let records = records.map_or(0..0, Spanned::span);
    let bytes = typed.in_flight_bytes.as_ref().or(typed.record_bytes.as_ref());
    let bytes = bytes.map_or(0..0, Spanned::span);
    let limits = Limits {
        batch_records: count(document, typed.batch_records, 1..=65_536, default.batch_records)?,
        in_flight_records: count(
            document,
            typed.in_flight_records,
            1..=MOST_RECORDS,
            default.in_flight_records,
        )?,
        in_flight_bytes: size(document, typed.in_flight_bytes, default.in_flight_bytes)?,
        record_bytes: size(document, typed.record_bytes, default.record_bytes)?,
    };
    if limits.in_flight_records < limits.batch_records {
        let message = "a batch would never fit: \"in_flight_records\" is below \"batch_records\"";
        return Err(document.error(records, message));
    }
    if limits.in_flight_bytes < limits.record_bytes {
        let message = "a record would never fit: \"in_flight_bytes\" is below \"record_bytes\"";
        return Err(document.error(bytes, message));
    }
    Ok(limits)
}

fn size(
    document: &Document<'_>,
    typed: Option<Spanned<Size>>,
    default: usize,
) -> Result<usize, Error> {
    // Librdkafka's own bounds for a message.
    let (least, most) = (1_000, 1_000_000_000);
    match typed {
        None => Ok(default),
        Some(typed) if (least..=most).contains(&typed.get_ref().0) => Ok(typed.into_inner().0),
        Some(typed) => Err(document.error(typed.span(), "a limit lies between 1kB and 1GB")),
    }
}

/// TiCDC writes each watermark to every partition: no older change follows it there. In partitions that were filled anew by key that
/// would be untrue, wherever the watermark went.
fn check_watermarks(
    document: &Document<'_>,
    partition: Option<&Text>,
    pipeline: &Pipeline,
) -> Result<(), Error> {
    let dialects = &pipeline.dialects;
    let mut all = dialects.by_topic.iter().map(|(_, dialect)| *dialect).chain([dialects.default]);
    let passes = pipeline.classes.get(&Class::Watermark) == Some(&ClassPolicy::Pass);
    let Some(typed) = partition.filter(|_| passes && pipeline.partition == PartitionBy::Key) else {
        return Ok(());
    };
    match all.find(|dialect| matches!(dialect, Dialect::Ticdc | Dialect::TicdcDebezium)) {
        None => Ok(()),
        Some(dialect) => {
            let message = format!(
                "a watermark of \"{dialect}\" holds for the partition it is in, and these would be filled anew by key"
            );
            let help =
                "keep partition = \"same\", or set `watermark = \"drop\"` under [pipeline.classes]";
            Err(document.error(typed.span(), message).help(help))
        }
    }
}

/// A topic that is both read and written would be carried round for ever.
fn check_loop(
    document: &Document<'_>,
    patterns: &[(&Text, TopicPattern)],
    pipeline: &Pipeline,
) -> Result<(), Error> {
    let filter = TopicFilter::new(pipeline);
    for (typed, pattern) in patterns {
        let is_loop = match pattern {
            TopicPattern::Exact(name) => filter.writes(name),
            TopicPattern::Glob(_) => {
                [&pipeline.to, &pipeline.dead_letter].contains(&&Template::identity())
            }
        };
        if is_loop {
            let message = "the pipeline would read what it writes here";
            let help = "change \"to\" or \"dead_letter\", for example to = \"clean.{topic}\"";
            return Err(document.error(typed.span(), message).help(help));
        }
    }
    Ok(())
}

/// All lanes are members of one consumer group, which gives a topic to one of two pipelines and leaves the other without.
fn check_overlap(
    document: &Document<'_>,
    patterns: &[(&Text, TopicPattern)],
    pipeline: &Pipeline,
    other: &Pipeline,
) -> Result<(), Error> {
    let (filter, others) = (TopicFilter::new(pipeline), TopicFilter::new(other));
    for (typed, pattern) in patterns {
        let is_taken = match pattern {
            TopicPattern::Exact(name) => others.takes(name),
            TopicPattern::Glob(glob) => other.from.iter().any(|taken| match taken {
                TopicPattern::Exact(name) => {
                    glob.compile_matcher().is_match(name) && filter.takes(name)
                }
                TopicPattern::Glob(taken) => taken == glob,
            }),
        };
        if is_taken {
            let message = format!("pipeline \"{}\" already reads a topic of these", other.name);
            let help = "a topic belongs to one pipeline of a gateway";
            return Err(document.error(typed.span(), message).help(help));
        }
    }
    Ok(())
}
