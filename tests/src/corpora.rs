//! Change events that nobody here wrote, kept beside the repository: finds them and cuts them out of their files as exact
//! bytes. Knows nothing of the gateway, so that its mistakes cannot hide here.

mod cut;
mod kind;
mod captured;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

pub use captured::Captured;
pub use kind::Kind;

/// The folder of the corpora. They are data of others and no part of the repository.
pub struct Corpora {
    root: PathBuf,
}

/// What an index says of a file.
pub struct Listed {
    /// Its path below the folder of the index.
    pub name: String,
    /// How many objects or records of each kind it holds.
    pub kinds: BTreeMap<String, usize>,
    /// How many of them count: change events of a known tool in a data file, every record in a captured one.
    pub count: usize,
}

/// One data file.
pub struct File {
    pub listed: Listed,
    pub text: Vec<u8>,
}

/// One object of a file.
#[derive(Clone, Copy, Debug)]
pub struct Event<'f> {
    pub kind: Kind,
    /// From brace to brace, as it stands in the file.
    pub text: &'f [u8],
}

impl Corpora {
    /// None where they are not there, after saying so: the tests of theirs count as skipped.
    pub fn find() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
        if root.join("INDEX.tsv").is_file() {
            return Some(Self { root });
        }
        let test = std::thread::current().name().unwrap_or("test").to_owned();
        // Past the harness, which keeps what a passing test prints to itself.
        writeln!(std::io::stderr(), "{test}: skipped: no corpora").ok();
        None
    }

    /// Every file that `INDEX.tsv` lists.
    pub fn files(&self) -> anyhow::Result<Vec<File>> {
        let read = |listed: Listed| {
            let text = fs::read(self.root.join(&listed.name));
            Ok(File { text: text.with_context(|| format!("reading {}", listed.name))?, listed })
        };
        self.index("INDEX.tsv")?.into_iter().map(read).collect()
    }

    /// The files of records as Kafka held them.
    pub fn captured_index(&self) -> anyhow::Result<Vec<Listed>> {
        self.index("captured/INDEX.tsv")
    }

    /// The records of one of those files.
    pub fn captured(&self, file: &str) -> anyhow::Result<Vec<Captured>> {
        let path = self.root.join("captured").join(file);
        let text = fs::read_to_string(path).with_context(|| format!("reading {file}"))?;
        let lines = (1..).zip(text.lines());
        lines
            .map(|(number, line)| {
                Captured::parse(line).with_context(|| format!("reading line {number} of {file}"))
            })
            .collect()
    }

    /// Rows of a count, a name, and counts by kind as a JSON object, below a heading.
    fn index(&self, name: &str) -> anyhow::Result<Vec<Listed>> {
        let text = fs::read_to_string(self.root.join(name)).context("reading the index")?;
        let rows = text.lines().skip(1).map(|line| {
            let mut cells = line.splitn(3, '\t');
            let mut cell = || cells.next().with_context(|| format!("reading the line {line:?}"));
            let (count, name, kinds) = (cell()?.parse()?, cell()?.to_owned(), cell()?);
            Ok(Listed { name, kinds: serde_json::from_str(kinds)?, count })
        });
        let rows: Vec<_> = rows.collect::<anyhow::Result<_>>()?;
        ensure!(!rows.is_empty(), "{name} lists nothing");
        Ok(rows)
    }
}

impl File {
    /// Its outermost objects, in order.
    pub fn events(&self) -> Vec<Event<'_>> {
        let events = cut::objects(&self.text).into_iter();
        events.map(|(text, object)| Event { kind: Kind::of(&object), text }).collect()
    }
}
