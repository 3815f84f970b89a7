//! What isolation costs and what it is worth: how soon a plugin works again after a trap, what one poisonous event among a thousand
//! costs its batch, and how fast a healthy pipeline is beside a hostile one. Ratios of one run; the last part takes the embedded
//! broker in this process.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

mod chain;
mod neighbours;
mod poison;
mod recovery;

fn main() -> anyhow::Result<()> {
    // Under `cargo test --benches` it is enough that everything runs.
    let is_test = std::env::args().any(|argument| argument == "--test");
    recovery::report(if is_test { 3 } else { 2_000 })?;
    poison::report(if is_test { 1 } else { 200 })?;
    if is_test { neighbours::report(1, 2_000) } else { neighbours::report(7, 100_000) }
}

fn median(samples: &mut [f64]) -> f64 {
    quantile(samples, 50)
}

/// What so many of a hundred samples do not exceed.
fn quantile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_by(f64::total_cmp);
    let at = (samples.len() * percent / 100).min(samples.len().saturating_sub(1));
    samples.get(at).copied().unwrap_or(f64::NAN)
}
