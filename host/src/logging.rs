//! Where log lines go and which are kept. Set up once, from the command line; must not know what is logged.

use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, anyhow};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// What is kept where nobody says.
pub const DEFAULT_FILTER: &str = "info";

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One object a line, for programs.
    Json,
}

/// Sends log lines to stderr, so that stdout is left to the data. `filter` is as in `info,lockgate::plugin=debug`.
pub fn set_up(format: Format, filter: &str) -> anyhow::Result<()> {
    let filter = parse(filter)?;
    let result: Result<(), TryInitError> = match format {
        Format::Text => {
            let lines = tracing_subscriber::fmt().with_ansi(io::stderr().is_terminal());
            lines.with_env_filter(filter).with_writer(io::stderr).finish().try_init()
        }
        Format::Json => json(filter, io::stderr).try_init(),
    };
    result.context("setting up the log")
}

fn json<W>(filter: EnvFilter, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().json().flatten_event(true);
    lines.with_env_filter(filter).with_writer(writer).finish()
}

fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    // Its `Display` has its cause in it already.
    EnvFilter::try_new(filter).map_err(|error| {
        anyhow!(
            "reading the log filter \"{filter}\", which is as in \"info,lockgate::plugin=debug\": {error}"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps what is written, to be read afterwards.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_json_line_is_one_object_with_its_fields() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = json(parse("info").unwrap(), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(pipeline = "shop", "pipeline started");
            tracing::debug!("not kept");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&line["message"], &line["pipeline"]),
            (&"pipeline started".into(), &"shop".into())
        );
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = format!("{:#}", parse("lockgate=loud").unwrap_err());
        assert!(error.starts_with("reading the log filter \"lockgate=loud\""), "{error}");
        assert_eq!(error.matches("expected one of").count(), 1, "{error}");
    }
}
