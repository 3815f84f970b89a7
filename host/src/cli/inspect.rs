//! `lockgate inspect`: what a plugin file is, for a person. Owns the words; must not know how a file is read.

use std::fmt;
use std::path::PathBuf;

/// Show what a WebAssembly file is, and whether it would be accepted as a plugin
///
/// Prints the contract version, imports and exports, the size and SHA-256 of the file, what `describe` says, the limits it
/// would run under, and every reason for which it would be refused. No settings are handed to it. The exit code is 1 when it
/// would be refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  lockgate inspect plugins/20-mask-pii.wasm")]
pub struct Args {
    /// The file: a component, or a core module that can be made one
    #[arg(value_name = "FILE.wasm")]
    pub file: PathBuf,

    /// Also print the JSON Schema of its settings
    #[arg(long)]
    pub schema: bool,
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
    /// Name and value of each limit that it would run under.
    pub limits: Vec<(String, String)>,
    /// Why it would be refused, with advice; none where it would be accepted.
    pub problems: Vec<String>,
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
