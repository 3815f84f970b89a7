//! The chains under measurement, made of the official plugins as they are shipped.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use lockgate::config::Config;
use lockgate::gateway::Loaded;
use lockgate::outcome::Outcome;
use lockgate::pipeline::Pipeline;
use lockgate::plugin::Runtime;
use lockgate::record::Record;
use lockgate_tests::shop::{Framing, Shop};

use crate::native;
use crate::shadow::Offered;

/// What is done to every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Identity,
    IdentityEnveloped,
    /// Keeps five in six events by a column.
    Filter,
    /// Two columns in both images.
    Mask,
    MaskEnveloped,
    /// The same masks, with one of the columns under `protect`: what the look at every output costs.
    Protected,
    ProtectedEnveloped,
    /// One column renamed, one removed, in both images.
    Reshape,
    /// The filter, then the mask.
    All,
}

impl std::fmt::Display for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Work {
    pub(crate) const ALL: [Self; 9] = [
        Self::Identity,
        Self::IdentityEnveloped,
        Self::Filter,
        Self::Mask,
        Self::MaskEnveloped,
        Self::Protected,
        Self::ProtectedEnveloped,
        Self::Reshape,
        Self::All,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity, validated",
            Self::IdentityEnveloped => "identity, with schema",
            Self::Filter => "filter on a column",
            Self::Mask => "mask 2 columns x 2 images",
            Self::MaskEnveloped => "mask, with schema",
            Self::Protected => "mask, protected",
            Self::ProtectedEnveloped => "mask, protected, with schema",
            Self::Reshape => "rename and remove",
            Self::All => "filter and mask",
        }
    }

    fn framing(self) -> Framing {
        match self {
            Self::IdentityEnveloped | Self::MaskEnveloped | Self::ProtectedEnveloped => {
                Framing::Envelope
            }
            _ => Framing::Bare,
        }
    }

    /// Lines for the pipeline's table.
    fn keys(self) -> &'static str {
        match self {
            Self::Protected | Self::ProtectedEnveloped => "protect = [\"customers.card\"]\n",
            _ => "",
        }
    }

    /// The plugin files of the chain.
    fn plugins(self) -> &'static [(&'static str, &'static str)] {
        const FILTER: (&str, &str) = (
            "10-filter.toml",
            "plugin = \"filter\"\n[settings]\nkeep = 'after.country != \"NO\"'\n",
        );
        const MASK: (&str, &str) = (
            "20-mask.toml",
            "plugin = \"mask\"\n[settings.columns]\nemail = \"keep-domain\"\ncard = \"keep-last:4\"\n",
        );
        const RESHAPE: (&str, &str) = (
            "30-reshape.toml",
            "plugin = \"reshape\"\n[settings]\nremove = [\"profile\"]\nrename = { full_name = \"name\" }\n",
        );
        match self {
            Self::Identity | Self::IdentityEnveloped => &[],
            Self::Filter => &[FILTER],
            Self::Mask | Self::MaskEnveloped | Self::Protected | Self::ProtectedEnveloped => {
                &[MASK]
            }
            Self::Reshape => &[RESHAPE],
            Self::All => &[FILTER, MASK],
        }
    }
}

/// One chain with the events it is fed.
pub(crate) struct Bench {
    work: Work,
    pipeline: Pipeline,
    topic: Arc<str>,
    events: Vec<(String, String)>,
    out: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(work: Work, batch: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let pipeline = pipeline(work, folder.path());
        let mut shop = Shop::new(11, 1_000).framed(work.framing());
        let events = (0..batch as u64).map(|number| {
            let change = shop.update(number % 1_000 + 1);
            (change.key, change.value.expect("an update has a value"))
        });
        let events = events.collect();
        Self {
            work,
            pipeline,
            topic: "shop.public.customers".into(),
            events,
            out: Vec::new(),
            _folder: folder,
        }
    }

    /// Carries one batch through the gateway's pipeline, up to where Kafka would copy the bytes. Gives how many events.
    pub(crate) fn carry(&mut self) -> usize {
        self.carry_offered(None)
    }

    /// The same, with the batch offered to a tap first.
    pub(crate) fn carry_offered(&mut self, offered: Option<&Offered>) -> usize {
        let read = Instant::now();
        let topic = &self.topic;
        let records: Vec<Record<'_>> = (0i64..)
            .zip(&self.events)
            .map(|(offset, (key, value))| Record {
                topic,
                partition: 0,
                offset,
                timestamp: Some(0),
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                headers: Vec::new(),
            })
            .collect();
        if let Some(offered) = offered {
            offered.offer(&records, read);
        }
        process(&mut self.pipeline, &records, &mut self.out);
        records.len()
    }

    /// The same batch through the hand-written loop.
    pub(crate) fn native(&mut self) -> usize {
        self.out.clear();
        for (_, value) in &self.events {
            native::carry(self.work, value.as_bytes(), &mut self.out);
        }
        self.events.len()
    }
}

/// Carries one batch up to where Kafka would copy the bytes.
pub(crate) fn process(pipeline: &mut Pipeline, records: &[Record<'_>], out: &mut Vec<u8>) {
    out.clear();
    let mut refused = 0;
    pipeline.process(records, |_, _, outcome| {
        match outcome {
            Outcome::Forward { record, .. } => {
                out.extend_from_slice(record.value.as_deref().unwrap_or_default());
            }
            Outcome::Drop(_) => {}
            Outcome::Replace(_)
            | Outcome::DeadLetter { .. }
            | Outcome::Halt(_)
            | Outcome::Hold(_) => refused += 1,
        }
        true
    });
    assert_eq!(refused, 0, "the bench's events pass");
}

fn pipeline(work: Work, folder: &Path) -> Pipeline {
    for (file, text) in work.plugins() {
        std::fs::write(folder.join(file), text).expect("the temporary folder takes files");
    }
    let config = format!(
        "[kafka]\nbrokers = \"unused:9092\"\ngroup = \"bench\"\n\
         [[pipeline]]\nname = \"bench\"\nfrom = [\"shop.public.customers\"]\ndialect = \"debezium\"\n\
         to = \"clean.{{topic}}\"\nplugins = \"{}\"\ndead_letter = \"{{topic}}.dlq\"\n{}",
        folder.display(),
        work.keys()
    );
    let config =
        Config::parse(&config, &folder.join("lockgate.toml")).expect("it is a configuration");
    let settings = config.pipelines.first().expect("there is one pipeline");
    let runtime = Runtime::start().expect("the plugin runtime starts");
    let loaded = Loaded::load(&runtime, settings).expect("the official plugins load");
    Pipeline::new(Arc::new(settings.clone()), loaded.stages())
}
