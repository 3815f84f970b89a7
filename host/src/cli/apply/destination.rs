//! Where lines are written: stdout, or a file that takes its name only when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::cli::BUFFER;

/// A destination that was not committed leaves nothing behind.
pub(super) struct Destination {
    out: BufWriter<Box<dyn Write>>,
    /// The temporary file and the name it will have; none for what is written in place.
    rename: Option<Rename>,
}

struct Rename {
    file: File,
    from: PathBuf,
    to: PathBuf,
    is_done: bool,
}

impl Destination {
    /// None is stdout. What is no regular file, such as a pipe or a terminal, is written in place.
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::direct(io::stdout())) };
        let opening = || format!("opening \"{}\" to write", path.display());
        let is_special = fs::metadata(path).is_ok_and(|about| !about.is_file());
        if is_special {
            return Ok(Self::direct(File::options().write(true).open(path).with_context(opening)?));
        }
        // A link stays a link, and its target is what is replaced.
        let to = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let from = to.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::options().write(true).create_new(true).open(&from);
        let file = file.with_context(opening)?;
        let copy = file.try_clone().with_context(opening)?;
        Ok(Self {
            rename: Some(Rename { file: copy, from, to, is_done: false }),
            ..Self::direct(file)
        })
    }

    fn direct(out: impl Write + 'static) -> Self {
        Self { out: BufWriter::with_capacity(BUFFER, Box::new(out)), rename: None }
    }

    /// Makes what was written durable under its name.
    pub(super) fn commit(mut self) -> anyhow::Result<()> {
        self.out.flush().context("writing the last lines")?;
        let Some(rename) = &mut self.rename else { return Ok(()) };
        let naming = || format!("completing \"{}\"", rename.to.display());
        rename.file.sync_all().with_context(naming)?;
        fs::rename(&rename.from, &rename.to).with_context(naming)?;
        rename.is_done = true;
        Ok(())
    }
}

/// Refuses one file for both, of which one would take the place of the other. Of what is written in place, such as a terminal,
/// nothing is lost.
pub(super) fn ensure_apart(output: &Path, refused: &Path) -> anyhow::Result<()> {
    // What is not there yet has no whole name, but its folder has.
    let whole = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
        let name = path.file_name().unwrap_or_default();
        fs::canonicalize(path).unwrap_or_else(|_| folder.unwrap_or_default().join(name))
    };
    let is_special = fs::metadata(output).is_ok_and(|about| !about.is_file());
    ensure!(
        is_special || whole(output) != whole(refused),
        "opening \"{}\" to write: --output and --refused both name it; give each a file of its own",
        output.display()
    );
    Ok(())
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Rename {
    fn drop(&mut self) {
        if !self.is_done {
            // The run has failed already; a file that cannot be removed either says so by its name.
            fs::remove_file(&self.from).unwrap_or_default();
        }
    }
}
