//! Which topics there are and whether they fit each other: asked at start, and again for topics that appear later. Creates
//! what may be created.

mod create;
mod owned;
mod pattern;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka_sys::types::RDKafkaRespErr as Known;
use tracing::{info, warn};

use super::Error;
use super::properties::{Role, client_config};
use super::raw::{Client, Code, Fault, Polled, Queue};
use crate::config::{self, PartitionBy, Pipeline, TopicFilter, TopicPattern};

pub(super) use pattern::subscription;

pub use owned::{Owned, unowned};

/// How long one question may take. Twice this is the longest until an unreachable broker is spoken of.
const PATIENCE: Duration = Duration::from_secs(4);

/// A view of the cluster's topics, and of who in the group owns them.
#[derive(Debug)]
pub struct Topics {
    events: Queue,
    client: Arc<Client>,
    config: ClientConfig,
    brokers: String,
    group: String,
}

/// A topic of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    pub partitions: i32,
}

/// Why the cluster does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    #[error(
        "the brokers \"{brokers}\" refuse our credentials; check sasl.* and security.protocol under [kafka.properties]"
    )]
    Credentials {
        brokers: String,
        #[source]
        cause: Fault,
    },
    #[error("no TLS connection to the brokers \"{brokers}\"; check ssl.* under [kafka.properties]")]
    Tls {
        brokers: String,
        #[source]
        cause: Fault,
    },
    #[error(
        "no broker of \"{brokers}\" answers; check \"brokers\" under [kafka] and that they are running"
    )]
    Silent {
        brokers: String,
        #[source]
        cause: Fault,
    },
}

/// What keeps a pipeline from running.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error(
        "source topic \"{topic}\" of pipeline \"{pipeline}\" does not exist; create it, or correct \"from\""
    )]
    NoSource { pipeline: String, topic: String },
    #[error(
        "{key} topic \"{topic}\" of pipeline \"{pipeline}\" does not exist; create it with {partitions} partitions, as \
         source topic \"{source_topic}\" has, or set create_topics = true"
    )]
    Missing {
        pipeline: String,
        key: &'static str,
        topic: String,
        source_topic: String,
        partitions: i32,
    },
    #[error(
        "{key} topic \"{topic}\" of pipeline \"{pipeline}\" has {partitions} partitions, fewer than the {wanted} of source \
         topic \"{source_topic}\"; add partitions{advice}"
    )]
    TooFewPartitions {
        pipeline: String,
        key: &'static str,
        topic: String,
        partitions: i32,
        source_topic: String,
        wanted: i32,
        advice: &'static str,
    },
    #[error("creating {key} topic \"{topic}\" of pipeline \"{pipeline}\"")]
    NotCreated {
        pipeline: String,
        key: &'static str,
        topic: String,
        #[source]
        cause: Fault,
    },
}

/// A pipeline whose topics are as they should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The source topics there are now. None match yet where a pattern waits for its first topic.
    pub sources: Vec<Topic>,
    /// The largest record that every output and dead-letter topic takes; none where the broker does not say.
    pub record_bytes: Option<usize>,
}

impl Topics {
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub fn connect(kafka: &config::Kafka) -> Result<Self, Error> {
        let config = client_config(kafka, Role::Topics);
        let client = Client::producer(&config).map_err(|cause| {
            Error::new("making a client from [kafka] and [kafka.properties]", cause)
        })?;
        Ok(Self {
            events: client.main_queue(),
            client,
            config,
            brokers: kafka.brokers.clone(),
            group: kafka.group.clone(),
        })
    }

    /// Every topic of the cluster, by one attempt of a few seconds.
    pub fn list(&self) -> Result<Vec<Topic>, Unreachable> {
        self.list_within(PATIENCE)
    }

    /// As [`Self::list`], by one attempt of `patience`.
    pub fn list_within(&self, patience: Duration) -> Result<Vec<Topic>, Unreachable> {
        let found = self.client.topics(patience).map_err(|fault| self.explain(fault))?;
        let topics = found.into_iter().map(|(name, partitions)| Topic { name, partitions });
        Ok(topics.collect())
    }

    /// As [`Self::list`], again and again until there is an answer; none once `stopped` says so. Blocks its thread, and says
    /// in the log what it waits for.
    pub fn wait(&self, stopped: impl Fn() -> bool) -> Option<Vec<Topic>> {
        while !stopped() {
            match self.list() {
                Ok(topics) => return Some(topics),
                Err(unreachable) => {
                    let cause = std::error::Error::source(&unreachable).map(ToString::to_string);
                    warn!(error = %unreachable, cause, "waiting for the cluster");
                }
            }
            let again = Instant::now() + PATIENCE;
            while Instant::now() < again && !stopped() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        None
    }

    /// The reason behind a failed question: what connections met meanwhile says more than that time ran out.
    fn explain(&self, fault: Fault) -> Unreachable {
        let mut causes = Vec::new();
        while let Some(polled) = self.events.poll(Duration::ZERO) {
            if let Polled::Error(cause) = polled {
                causes.push(cause);
            }
        }
        let brokers = self.brokers.clone();
        let find = |codes: &[Known]| {
            let met = causes.iter().rev();
            met.chain([&fault])
                .find(|f| codes.iter().any(|code| f.code == Code::of(*code)))
                .cloned()
        };
        let refused = [
            Known::RD_KAFKA_RESP_ERR__AUTHENTICATION,
            Known::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
        ];
        if let Some(cause) = find(&refused) {
            return Unreachable::Credentials { brokers, cause };
        }
        if let Some(cause) = find(&[Known::RD_KAFKA_RESP_ERR__SSL]) {
            return Unreachable::Tls { brokers, cause };
        }
        let cause = find(&[Known::RD_KAFKA_RESP_ERR__RESOLVE, Known::RD_KAFKA_RESP_ERR__TRANSPORT]);
        Unreachable::Silent { brokers, cause: cause.unwrap_or(fault) }
    }

    /// Checks every topic a pipeline needs against what the cluster has (`found`, from [`Self::list`]), and creates those it
    /// may create. Blocks; not to be called on a thread that runs async tasks.
    ///
    /// # Errors
    ///
    /// All problems there are, not only the first.
    pub fn prepare(&self, pipeline: &Pipeline, found: &[Topic]) -> Result<Prepared, Vec<Problem>> {
        let (sources, mut problems) = sources(pipeline, found);
        let mut outputs = Vec::new();
        for source in &sources {
            for need in needs(pipeline, source) {
                match self.meet(pipeline, source, &need, found) {
                    Ok(()) => outputs.push(need.topic),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if problems.is_empty() {
            Ok(Prepared { record_bytes: create::record_bytes(&self.config, &outputs), sources })
        } else {
            Err(problems)
        }
    }

    fn meet(
        &self,
        pipeline: &Pipeline,
        source: &Topic,
        need: &Need,
        found: &[Topic],
    ) -> Result<(), Problem> {
        let (pipeline_name, topic) = (pipeline.name.clone(), need.topic.clone());
        let key = need.key;
        match found.iter().find(|found| found.name == need.topic) {
            None if pipeline.create_topics => {
                create::create(&self.config, &need.topic, source.partitions).map_err(|cause| {
                    Problem::NotCreated { pipeline: pipeline_name, key, topic, cause }
                })?;
                info!(topic = need.topic, partitions = source.partitions, "topic created");
                Ok(())
            }
            None => Err(Problem::Missing {
                pipeline: pipeline_name,
                key,
                topic,
                source_topic: source.name.clone(),
                partitions: source.partitions,
            }),
            Some(there) if need.same_partitions && there.partitions < source.partitions => {
                Err(Problem::TooFewPartitions {
                    pipeline: pipeline_name,
                    key,
                    topic,
                    partitions: there.partitions,
                    source_topic: source.name.clone(),
                    wanted: source.partitions,
                    advice: need.advice,
                })
            }
            Some(_) => Ok(()),
        }
    }
}

/// A topic that a source topic's records go to.
struct Need {
    key: &'static str,
    topic: String,
    same_partitions: bool,
    advice: &'static str,
}

fn needs(pipeline: &Pipeline, source: &Topic) -> [Need; 2] {
    let same = pipeline.partition == PartitionBy::Same;
    [
        Need {
            key: "output",
            topic: pipeline.to.render(&source.name),
            same_partitions: same,
            advice: ", or set partition = \"key\"",
        },
        Need {
            key: "dead-letter",
            topic: pipeline.dead_letter.render(&source.name),
            same_partitions: true,
            advice: "",
        },
    ]
}

/// The source topics there are, and a problem for each one that is named and is not.
fn sources(pipeline: &Pipeline, found: &[Topic]) -> (Vec<Topic>, Vec<Problem>) {
    let mut sources: Vec<Topic> = Vec::new();
    let mut problems = Vec::new();
    let filter = TopicFilter::new(pipeline);
    for pattern in &pipeline.from {
        let matches: Vec<&Topic> = match pattern {
            TopicPattern::Exact(name) => found.iter().filter(|topic| topic.name == *name).collect(),
            TopicPattern::Glob(glob) => {
                let matcher = glob.compile_matcher();
                let wanted =
                    |topic: &&Topic| matcher.is_match(&topic.name) && filter.takes(&topic.name);
                found.iter().filter(wanted).collect()
            }
        };
        match pattern {
            TopicPattern::Exact(name) if matches.is_empty() => problems
                .push(Problem::NoSource { pipeline: pipeline.name.clone(), topic: name.clone() }),
            TopicPattern::Glob(glob) if matches.is_empty() => {
                let (pattern, pipeline) = (glob.glob(), &*pipeline.name);
                warn!(
                    pattern,
                    pipeline, "no topic matches yet; topics that appear later are taken in"
                );
            }
            TopicPattern::Exact(_) | TopicPattern::Glob(_) => {}
        }
        for topic in matches {
            if !sources.contains(topic) {
                sources.push(topic.clone());
            }
        }
    }
    (sources, problems)
}
