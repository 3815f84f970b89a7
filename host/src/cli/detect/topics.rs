//! The sample that is taken from topics: which, from where, and what is said where nothing came. What the records are is asked in
//! `shape`, as for a file.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{anyhow, bail};

use super::proposal::Findings;
use crate::cli::records::Format;
use crate::config::{Kafka, Template, TopicFilter, TopicPattern};
use crate::kafka::sample::{self, Extent, Failure, Wanted};
use crate::kafka::topics::Unreachable;

/// More topics than this are not named one by one in an error.
const NAMED_TOPICS: usize = 8;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Look at the latest records of this topic, or of those that a glob matches, as in "from" of a pipeline; may be repeated.
    /// A glob leaves out what the proposed pipeline would write (clean.*, *.dlq)
    #[arg(
        id = "topics",
        long = "topic",
        value_name = "TOPIC",
        value_parser = TopicPattern::parse,
        conflicts_with = "input",
        requires = "cluster"
    )]
    topics: Vec<TopicPattern>,

    /// Where the topics are, without TLS and credentials
    #[arg(long, value_name = "HOST:PORT,...", group = "cluster", requires = "topics")]
    brokers: Option<String>,

    /// The configuration whose `[kafka]` says where the topics are; it needs no pipeline yet
    #[arg(long, value_name = "FILE", group = "cluster", requires = "topics")]
    config: Option<PathBuf>,

    /// How long reading topics may take
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = humantime::parse_duration,
        default_value = "10s",
        requires = "topics"
    )]
    within: Duration,
}

impl Args {
    pub(super) fn look(&self, limit: u64) -> anyhow::Result<Findings> {
        let kafka = match (&self.brokers, &self.config) {
            (Some(brokers), _) => Kafka::plain(brokers),
            (None, Some(path)) => Kafka::load(path)?,
            (None, None) => bail!("--topic needs --brokers or --config"),
        };
        let wanted = Wanted {
            kafka: &kafka,
            topics: &self.topics,
            filter: &TopicFilter::of(&self.topics, written()),
            limit,
            patience: self.within,
        };
        let mut findings = Findings::new(Format::Records);
        let extents = sample::latest(&wanted, |record| findings.add(record))
            .map_err(|failure| self.explain(failure))?;
        if findings.events == 0 {
            return Err(self.nothing(&extents));
        }
        findings.extents = extents;
        Ok(findings)
    }

    /// The hint of an unreachable broker is about the configuration, which here may not be where it was named.
    fn explain(&self, failure: Failure) -> anyhow::Error {
        match failure {
            Failure::Unreachable(Unreachable::Silent { brokers, cause })
                if self.config.is_none() =>
            {
                anyhow::Error::new(cause).context(format!(
                    "no broker of \"{brokers}\" answers; check --brokers and that they are running; where they want TLS or \
                     credentials, name them in a [kafka] and give it as --config"
                ))
            }
            failure => failure.into(),
        }
    }

    fn nothing(&self, extents: &[Extent]) -> anyhow::Error {
        let within = humantime::format_duration(self.within);
        let short = extents.iter().find_map(|extent| Some((extent, extent.shortfall.as_ref()?)));
        if let Some((extent, why)) = short {
            return anyhow!("no record of \"{}\" came within {within}: {why}", extent.topic);
        }
        let names = extents.iter().map(|extent| format!("\"{}\"", extent.topic));
        let names: Vec<String> = names.take(NAMED_TOPICS).collect();
        let more = match extents.len().saturating_sub(NAMED_TOPICS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = names.join(", ");
        anyhow!("there is nothing to look at: no record stands in {names}{more}")
    }
}

/// What a pipeline writes that is proposed: its outputs, and its dead letters where they go unless it says otherwise.
fn written() -> [Template; 2] {
    let template = |prefix: &str, suffix: &str| Template {
        prefix: prefix.to_owned(),
        suffix: Some(suffix.to_owned()),
    };
    [template("clean.", ""), template("", ".dlq")]
}
