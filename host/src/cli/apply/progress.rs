//! The bar that someone at a terminal sees; nothing where stderr is no terminal.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};

pub(super) struct Progress(ProgressBar);

impl Progress {
    /// `bytes` is the input's length; none where it is not known.
    pub(super) fn start(bytes: Option<u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = match bytes {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{bar:40} {percent}% of {total_bytes}, {binary_bytes_per_sec}, {eta} left",
            ),
            None => (ProgressBar::no_length(), "{spinner} {bytes}, {binary_bytes_per_sec}"),
        };
        let style = ProgressStyle::with_template(template).expect("the templates are well formed");
        bar.set_style(style);
        Self(bar)
    }

    /// Bytes read so far.
    pub(super) fn set(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
