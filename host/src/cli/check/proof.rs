//! The proof of a pipeline as a person reads it: who covers each protected column, place by place. Must not know how that is
//! found out.

use std::fmt::Write as _;

use crate::chain::Chain;
use crate::gateway::Loaded;
use crate::protect::Rules;
use crate::protect::proof::Proof;
use crate::table::Table;

const HEAD: [&str; 4] = ["TABLE", "COLUMN", "PLACE", "COVERED BY"];

/// Shows the proofs of `tables`, and of those that `protect` names without globs and that are not among them. Gives whether all
/// of them hold.
pub(super) fn show<'t>(
    loaded: &Loaded,
    tables: impl Iterator<Item = &'t Table>,
    text: &mut String,
) -> anyhow::Result<bool> {
    let settings = &loaded.settings;
    let rules = Rules::of(settings);
    if rules.protection.is_off() {
        writeln!(text, "  proof        nothing to prove: the pipeline has no `protect`")?;
        return Ok(true);
    }
    let mut holds = true;
    let mut proofs: Vec<Proof> = Vec::new();
    // Plugins know tables by numbers, and those of the sample and those that are foreseen have the same.
    let mut chain = Chain::new(loaded.stages(), rules.clone());
    let mut seen: Vec<String> = Vec::new();
    for table in tables {
        seen.extend(table.names());
        match chain.prove(table) {
            Ok(proof) => proofs.push(proof),
            Err(refusal) => {
                holds = false;
                writeln!(text, "  proof        none of \"{}\": {refusal}", table.qualified_name())?;
            }
        }
    }
    let mut chain = Chain::new(loaded.stages(), rules);
    let foreseen = chain.foreseen(&settings.dialects).into_iter();
    proofs.extend(foreseen.filter(|proof| !seen.contains(&proof.table)));
    holds &= proofs.iter().all(Proof::holds);
    if let Err(why) = chain.check_plugins() {
        holds = false;
        writeln!(text, "  proof        none: {why}")?;
    }
    write_table(&proofs, text)?;
    writeln!(text, "  proof        {}", verdict(&proofs, holds))?;
    Ok(holds)
}

fn verdict(proofs: &[Proof], holds: bool) -> String {
    let places: usize = proofs.iter().map(|proof| proof.lines.len()).sum();
    match (holds, places) {
        (false, _) => "does not hold: `run` would not start, or halt the partitions of the tables above".to_owned(),
        (true, 0) => "nothing to prove in the tables known: `protect` names others, or show some with --events".to_owned(),
        (true, _) => format!("holds in all {places} places"),
    }
}

/// Aligned, each word under its head.
fn write_table(proofs: &[Proof], text: &mut String) -> std::fmt::Result {
    let lines = proofs.iter().flat_map(|proof| {
        let lines = proof.lines.iter();
        lines.map(|line| {
            [proof.table.clone(), line.cell.clone(), line.place.to_string(), line.by.to_string()]
        })
    });
    let mut lines: Vec<[String; 4]> = lines.collect();
    if lines.is_empty() {
        return Ok(());
    }
    lines.insert(0, HEAD.map(str::to_owned));
    let mut widths = [0; 4];
    for line in &lines {
        for (width, word) in widths.iter_mut().zip(line) {
            *width = word.chars().count().max(*width);
        }
    }
    for [table, column, place, by] in &lines {
        let [tables, columns, places, _] = widths;
        writeln!(text, "  {table:<tables$}  {column:<columns$}  {place:<places$}  {by}")?;
    }
    Ok(())
}
