//! `lockgate inspect`: what a plugin file is, for a person. Owns the words; must not know how a file is read.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::engine;
use crate::config::{Config, PluginFile, Trust};
use crate::plugin::{self, Candidate, Compiled, Limits, Runtime, Seal};

/// Show what a WebAssembly file is, and whether it would be accepted as a plugin
///
/// Prints the contract version, imports and exports, the size and SHA-256 of the file, what `describe` says, the limits it
/// would run under, what made it, whether it is signed, and every reason for which it would be refused. With --config it also
/// has to be trusted, as `[trust]` there says. No settings are handed to it. The exit code is 1 when it would be refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lockgate inspect plugins/20-mask-pii.wasm
  lockgate inspect --config /etc/lockgate/lockgate.toml plugins/20-mask-pii.wasm")]
pub struct Args {
    /// The file: a component, or a core module that can be made one
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,

    /// Also print the JSON Schema of its settings
    #[arg(long)]
    schema: bool,

    /// The configuration whose `[trust]` is asked about the file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Args {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let bytes =
            read(&self.file).with_context(|| format!("reading \"{}\"", self.file.display()))?;
        let config = self.config.as_deref().map(Config::load).transpose()?;
        let runtime = Runtime::start_with(engine::options(config.as_ref())?)?;
        let mut inspection = Inspection::of(&runtime, &bytes, self.schema);
        inspection.ask_trust(config.as_ref().map(|config| &config.trust), &self.file, &bytes)?;
        io::stdout().write_all(inspection.to_string().as_bytes()).context("writing to stdout")?;
        Ok(if inspection.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Reads no more than a plugin may have.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let most = plugin::FILE_BYTES as u64;
    let file = std::fs::File::open(file)?;
    let size = file.metadata()?.len();
    ensure!(size <= most, "{size} bytes are more than the {most} a plugin may have");
    let mut bytes = Vec::new();
    // A pipe does not say its size before.
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A plugin file, looked at from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// As in `lockgate:plugin@0.1.0`; none where it follows no contract.
    pub contract: Option<String>,
    /// Names of imported and exported instances and functions.
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file, lower-case hex.
    pub digest: String,
    /// Name and version that `describe` gave; none where it was not reached.
    pub info: Option<(String, String)>,
    /// The settings schema as JSON text; none where it is not to be shown.
    pub schema: Option<String>,
    /// What stands beside it to vouch for it.
    pub signature: String,
    /// What a configuration makes of digest and signature; none where none was given.
    pub trust: Option<String>,
    /// What made it, by the kind of thing: `language`, `processed-by`, `sdk`.
    pub producers: Vec<(&'static str, Vec<String>)>,
    /// Name and value of each limit that it would run under.
    pub limits: Vec<(String, String)>,
    /// Why it would be refused, with advice; none where it would be accepted.
    pub problems: Vec<String>,
}

impl Inspection {
    /// Looks at a file as the gateway would when it lay in a plugin folder without settings.
    fn of(runtime: &Arc<Runtime>, bytes: &[u8], with_schema: bool) -> Self {
        let defaults = PluginFile::default();
        let limits = Limits::of(&defaults);
        let mut inspection = Self {
            size: bytes.len() as u64,
            digest: plugin::digest(bytes),
            producers: plugin::producers(bytes),
            limits: vec![
                ("deadline".to_owned(), format!("{:?} a batch", limits.deadline)),
                ("memory".to_owned(), format!("{} MiB", limits.memory >> 20)),
                ("transfer".to_owned(), format!("{} MiB a call", limits.transfer >> 20)),
            ],
            ..Self::default()
        };
        match Compiled::load(runtime, bytes, limits) {
            Ok(compiled) => {
                inspection.imports = compiled.imports().to_vec();
                inspection.exports = compiled.exports().to_vec();
                inspection.contract = contract_of(compiled.exports());
                let info = &compiled.info;
                inspection.info = Some((info.name.clone(), info.version.clone()));
                inspection.schema = with_schema.then(|| info.settings_schema.clone());
            }
            Err(error) => inspection.problems.push(error.to_string()),
        }
        inspection
    }

    /// Looks for the signature beside `file`, whose bytes are `bytes`, and has `trust` judge both.
    fn ask_trust(
        &mut self,
        trust: Option<&Trust>,
        file: &Path,
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let sealed = plugin::seal_of(&name);
        let seal = read_seal(&file.with_file_name(&sealed))?;
        self.signature = match seal {
            Seal::Missing => format!("no \"{sealed}\" beside it"),
            Seal::NoSignature => format!("none in \"{sealed}\""),
            Seal::Signature(_) => format!("in \"{sealed}\""),
        };
        let Some(trust) = trust else { return Ok(()) };
        let candidate = Candidate { name: &name, bytes, digest: &self.digest, seal: &seal };
        if let Err(problem) = plugin::judge(trust, candidate) {
            self.problems.push(problem);
        }
        let listed = match trust.digests.contains(&self.digest) {
            _ if trust.digests.is_empty() => None,
            true => Some("its digest is listed"),
            false => Some("its digest is not listed"),
        };
        let signed = (!trust.keys.is_empty()).then(|| {
            let keys = trust.keys.len();
            seal.signer(&trust.keys, bytes).map_or_else(
                || format!("signed by none of {keys} {}", if keys == 1 { "key" } else { "keys" }),
                |key| format!("signed by key {} of {keys}", key + 1),
            )
        });
        let said: Vec<String> = listed.map(str::to_owned).into_iter().chain(signed).collect();
        self.trust = Some(if said.is_empty() {
            "[trust] asks for nothing".to_owned()
        } else {
            said.join(", ")
        });
        Ok(())
    }
}

fn read_seal(path: &Path) -> anyhow::Result<Seal> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Seal::parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Seal::Missing),
        Err(error) => Err(error).with_context(|| format!("reading \"{}\"", path.display())),
    }
}

/// `lockgate:plugin@0.1.0` of `lockgate:plugin/transform@0.1.0`.
fn contract_of(exports: &[String]) -> Option<String> {
    exports.iter().find_map(|export| {
        let (package, rest) = export.split_once('/')?;
        let (_, version) = rest.split_once('@')?;
        Some(format!("{package}@{version}"))
    })
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &str| writeln!(f, "{name:<10}{value}");
        if let Some((name, version)) = &self.info {
            line("plugin", &format!("{name} {version}"))?;
        }
        line("contract", self.contract.as_deref().unwrap_or("none"))?;
        line("size", &format!("{} bytes", self.size))?;
        line("sha256", &self.digest)?;
        line("signature", &self.signature)?;
        if let Some(trust) = &self.trust {
            line("trust", trust)?;
        }
        for (field, names) in &self.producers {
            line(if *field == "processed-by" { "made by" } else { field }, &names.join(", "))?;
        }
        for import in &self.imports {
            line("import", import)?;
        }
        for export in &self.exports {
            line("export", export)?;
        }
        for (name, value) in &self.limits {
            line("limit", &format!("{name} {value}"))?;
        }
        if let Some(schema) = &self.schema {
            line("settings", schema)?;
        }
        if self.problems.is_empty() {
            return line("verdict", "accepted");
        }
        line("verdict", "refused")?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
    }
}

#[cfg(test)]
mod tests;
