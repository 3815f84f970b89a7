//! One look at a plugin folder: which files make which plugins, with their bytes and settings, and what is wrong with the rest.
//! Writes nothing, so a read-only folder is as good as any. Must not know what is loaded already.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use super::compile::FILE_BYTES;
use super::trust::{self, Candidate, Seal};
use super::version::{Place, digest};
use crate::config::{PluginFile, PluginMessages, Trust};

/// The longest name of a plugin, which becomes a label of metrics.
const NAME_BYTES: usize = 64;

/// The largest settings file.
const SETTINGS_BYTES: usize = 1 << 20;

/// The largest file of a signature, which takes 64 bytes, or as text at most 128 and its line breaks.
const SEAL_BYTES: usize = 4 << 10;

/// What a folder's files refer to and the folder does not hold.
pub struct Sources {
    /// Reads the text of `NAME.toml`, which stands at the path given; the error is for the user.
    pub read_settings: ReadSettings,
    /// The bytes of the official plugin of that name.
    pub official: fn(&str) -> Option<&'static [u8]>,
    /// What becomes of what the plugins say.
    pub messages: PluginMessages,
}

pub type ReadSettings = Box<dyn Fn(&str, &Path) -> Result<PluginFile, String> + Send + Sync>;

/// A plugin as its files are now.
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) setup: PluginFile,
    /// As [`super::Version::written`].
    pub(super) written: String,
    pub(super) bytes: Cow<'static, [u8]>,
    pub(super) digest: String,
    /// What vouches for the bytes, where that is asked for.
    pub(super) seal: Seal,
}

impl Found {
    /// Why it does not become a plugin that serves.
    pub(super) fn problem(&self, reason: String) -> Problem {
        problem(&self.place.file, Some(&self.place.name), reason)
    }
}

/// What keeps a file from becoming a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file within the folder.
    pub file: String,
    /// Whose file it is, where its name says so.
    pub plugin: Option<Arc<str>>,
    /// It is being written just now; a later look may find it whole.
    pub pending: bool,
    pub reason: String,
}

/// What one look saw.
#[derive(Default)]
pub(super) struct Look {
    pub(super) found: Vec<Found>,
    pub(super) problems: Vec<Problem>,
}

/// The files of one plugin.
#[derive(Default)]
struct Files {
    wasm: Option<PathBuf>,
    toml: Option<PathBuf>,
}

/// Reads the folder. Hidden files and files of other kinds are nobody's plugin. What `trust` does not let in is told as a problem, at
/// every look anew: the file that vouches for a plugin may come or go while the plugin's own stays as it is.
pub(super) fn look(folder: &Path, sources: &Sources, trust: &Trust) -> io::Result<Look> {
    let mut files: BTreeMap<String, Files> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(stem), Some(extension)) = (path.file_stem(), path.extension()) else { continue };
        // A name that is not UTF-8 is refused with the other bad names.
        let stem = stem.to_string_lossy().into_owned();
        if stem.starts_with('.') {
            continue;
        }
        if extension == "wasm" {
            files.entry(stem).or_default().wasm = Some(path);
        } else if extension == "toml" {
            files.entry(stem).or_default().toml = Some(path);
        }
    }
    let mut look = Look::default();
    for (stem, files) in files {
        match read(&stem, &files, sources, trust) {
            Ok(found) => look.found.push(found),
            Err(problem) => look.problems.push(problem),
        }
    }
    Ok(look)
}

fn read(stem: &str, files: &Files, sources: &Sources, trust: &Trust) -> Result<Found, Problem> {
    let main = files.wasm.as_ref().or(files.toml.as_ref()).cloned().unwrap_or_default();
    let (order, name) = parse_stem(stem).map_err(|reason| problem(&main, None, reason))?;
    let plugin = Some(&name);
    let (setup, written) = match &files.toml {
        Some(path) => read_settings(path, sources).map_err(|refused| refused.of(path, plugin))?,
        None => (PluginFile::default(), String::new()),
    };
    let bytes = match (&files.wasm, &setup.official) {
        (Some(path), None) => read_whole(path, FILE_BYTES)
            .map(Cow::Owned)
            .map_err(|refused| refused.of(path, plugin))?,
        (None, Some(official)) => {
            let bytes = (sources.official)(official).ok_or_else(|| {
                let known = lockgate_plugins::NAMES.join("\", \"");
                let reason =
                    format!("there is no official plugin \"{official}\"; there is \"{known}\"");
                problem(&main, plugin, reason)
            })?;
            Cow::Borrowed(bytes)
        }
        (Some(_), Some(official)) => {
            let reason = format!(
                "it names the official plugin \"{official}\", and \"{stem}.wasm\" stands beside it; keep one of them"
            );
            return Err(problem(&main.with_extension("toml"), plugin, reason));
        }
        (None, None) => {
            let reason = format!(
                "there is no \"{stem}.wasm\" beside it, and it names no official plugin (`plugin = \"...\"`)"
            );
            return Err(problem(&main, plugin, reason));
        }
    };
    let (digest, mut seal) = (digest(&bytes), Seal::Missing);
    if let Some(path) = &files.wasm {
        seal = read_seal(path, &name, trust)?;
        judge(trust, path, (&bytes, &digest), &seal)
            .map_err(|reason| problem(path, plugin, reason))?;
    }
    Ok(Found { place: Place { order, name, file: main }, setup, written, bytes, digest, seal })
}

/// A plugin whose files no longer lie in the folder, from what is left of them.
pub(super) struct Kept<'a> {
    pub(super) place: Place,
    /// As [`super::Version::written`].
    pub(super) written: &'a str,
    /// Of its bytes.
    pub(super) digest: &'a str,
    /// None for an official plugin.
    pub(super) file: Option<(Vec<u8>, Seal)>,
}

/// What a look would find if these files lay in the folder; it has to be let in now as any file has.
pub(super) fn find_kept(kept: Kept<'_>, sources: &Sources, trust: &Trust) -> Result<Found, String> {
    let Kept { place, written, digest: expected, file } = kept;
    let setup = match written {
        "" => PluginFile::default(),
        text => (sources.read_settings)(text, &place.file.with_extension("toml"))?,
    };
    let (bytes, seal) = match (file, &setup.official) {
        (Some((bytes, seal)), None) => {
            judge(trust, &place.file, (&bytes, expected), &seal)?;
            (Cow::Owned(bytes), seal)
        }
        (None, Some(official)) => {
            let bytes = (sources.official)(official);
            (Cow::Borrowed(bytes.unwrap_or_default()), Seal::Missing)
        }
        _ => return Err("its file and its settings do not belong together".to_owned()),
    };
    let digest = digest(&bytes);
    if digest != expected {
        return Err("its bytes are not what they were".to_owned());
    }
    Ok(Found { place, setup, written: written.to_owned(), bytes, digest, seal })
}

/// What stands beside the file at `path`, where anybody asks for it.
fn read_seal(path: &Path, plugin: &Arc<str>, trust: &Trust) -> Result<Seal, Problem> {
    if trust.keys.is_empty() {
        return Ok(Seal::Missing);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let path = path.with_file_name(trust::seal_of(&name));
    match fs::symlink_metadata(&path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Seal::Missing),
        _ => match read_whole(&path, SEAL_BYTES) {
            Ok(bytes) => Ok(Seal::parse(&bytes)),
            Err(refused) => Err(refused.of(&path, Some(plugin))),
        },
    }
}

/// Why the file at `path` may not be loaded.
fn judge(
    trust: &Trust,
    path: &Path,
    (bytes, digest): (&[u8], &str),
    seal: &Seal,
) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    trust::judge(trust, Candidate { name: &name, bytes, digest, seal })
}

/// Takes `10-mask` apart.
fn parse_stem(stem: &str) -> Result<(Option<u32>, Arc<str>), String> {
    let numbered = stem
        .split_once('-')
        .filter(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    let (order, name) = match numbered {
        Some((number, name)) => {
            let order = number.parse().map_err(|_| format!("the number {number} is too large"))?;
            (Some(order), name)
        }
        None => (None, stem),
    };
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts_well && name.len() <= NAME_BYTES && name.bytes().all(legal) {
        return Ok((order, name.into()));
    }
    Err(format!(
        "a plugin's file is called \"NN-name\" or \"name\", where the name begins with a letter and has at most \
         {NAME_BYTES} letters, digits, \"-\" and \"_\""
    ))
}

fn problem(file: &Path, plugin: Option<&Arc<str>>, reason: String) -> Problem {
    let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Problem { file, plugin: plugin.cloned(), pending: false, reason }
}

/// Why a file could not be read.
enum Unread {
    Failed(String),
    /// It changed under the reader.
    Pending(&'static str),
}

impl Unread {
    fn of(self, file: &Path, plugin: Option<&Arc<str>>) -> Problem {
        match self {
            Self::Failed(reason) => problem(file, plugin, reason),
            Self::Pending(reason) => {
                Problem { pending: true, ..problem(file, plugin, reason.to_owned()) }
            }
        }
    }
}

/// The settings, and what was written of them.
fn read_settings(path: &Path, sources: &Sources) -> Result<(PluginFile, String), Unread> {
    let bytes = read_whole(path, SETTINGS_BYTES)?;
    let text =
        String::from_utf8(bytes).map_err(|_| Unread::Failed("it is not UTF-8".to_owned()))?;
    let setup = (sources.read_settings)(&text, path).map_err(Unread::Failed)?;
    Ok((setup, text))
}

/// Reads a file that nobody writes to meanwhile.
fn read_whole(path: &Path, max: usize) -> Result<Vec<u8>, Unread> {
    let failed = |err: io::Error| match err.kind() {
        // Removed since it was listed, or a link whose target is being exchanged.
        io::ErrorKind::NotFound => Unread::Pending("it is gone, or a link to nothing"),
        _ => Unread::Failed(format!("reading it: {err}")),
    };
    // What has taken the place of a file meanwhile, a pipe without a writer, must not hold up whoever opens it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = fs::File::from(opened.map_err(|err| failed(err.into()))?);
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(Unread::Failed("it is not a file".to_owned()));
    }
    if before.len() > max as u64 {
        return Err(Unread::Failed(format!(
            "{} bytes are more than the {max} it may have",
            before.len()
        )));
    }
    // It may have grown since it was asked for its size.
    let mut bytes = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let after = fs::metadata(path).map_err(failed)?;
    let whole = bytes.len() as u64 == after.len() && stamp(&before) == stamp(&after);
    if whole { Ok(bytes) } else { Err(Unread::Pending("it is being written")) }
}

fn stamp(file: &Metadata) -> (u64, u64, u64, i64, i64) {
    (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}
