//! What a person sees: a record before and after, the figures of the moment, the gateway's log lines, the summary. Turns values
//! into lines; writes nothing.

use serde_json::Value;

use super::child::LogLine;
use super::ledger::{Live, Pair, Report};
use super::screen::{Line, Style, fit};
use super::stage::Topics;

/// Columns of the row that are shown; the others only take room.
const SHOWN: [&str; 6] = ["email", "full_name", "card", "phone", "country", "balance"];

/// Width of a column's name.
const NAME: usize = 10;

/// What stands under a scene begins here.
pub(super) const MARGIN: usize = 11;

/// The widest that one side of a pair is useful.
const WIDEST: usize = 62;

/// A record and what came of it, side by side; what differs is marked.
pub(super) fn pair(pair: &Pair, topics: &Topics, width: usize) -> Vec<Line> {
    let side = (width.saturating_sub(6) / 2).clamp(NAME + 10, WIDEST);
    let topic = topics.outputs.get(pair.topic).map(String::as_str).unwrap_or_default();
    let (source, topic) = (topics.plain(&topics.source), topics.plain(topic));
    let mut lines = vec![two_sides(("topic", source), ("topic", topic), side)];
    let row = |event: &'_ Value| event.get("after").and_then(Value::as_object).cloned();
    let (before, after) = (row(&pair.source), row(&pair.output));
    // A renamed column stands where it stood.
    let columns = before.iter().flatten().zip(after.iter().flatten());
    for ((name, value), (new_name, new_value)) in columns {
        if SHOWN.contains(&name.as_str()) {
            lines.push(two_sides((name, &text(value)), (new_name, &text(new_value)), side));
        }
    }
    for (name, value) in &pair.headers {
        lines.push(two_sides(("", ""), ("header", &format!("{name}: {value}")), side));
    }
    lines
}

fn two_sides(before: (&str, &str), after: (&str, &str), side: usize) -> Line {
    let is_changed = before != after;
    let (mark, style) = if is_changed { ("→", Style::Changed) } else { (" ", Style::Plain) };
    let cell = |value: &str| fit(value, side - NAME - 1);
    Line::plain("  ")
        .and(Style::Dim, format!("{} ", fit(before.0, NAME)))
        .and(Style::Plain, cell(before.1))
        .and(style, format!(" {mark} "))
        .and(Style::Dim, format!("{} ", fit(after.0, NAME)))
        .and(style, cell(after.1))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The figures of the moment, in two lines.
pub(super) fn figures(live: &Live) -> Vec<Line> {
    let wait = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
    let lag = if live.missing > 0 { Style::Changed } else { Style::Plain };
    vec![
        Line::styled(Style::Dim, "  events/s   ")
            .and(Style::Plain, format!("written {:>6.0}", live.written_per_second))
            .and(Style::Plain, format!("   forwarded {:>6.0}", live.forwarded_per_second))
            .and(Style::Plain, format!("   dropped {:>6.0}", live.dropped_per_second)),
        Line::styled(Style::Dim, "  end to end ")
            .and(Style::Plain, format!("p50 {:>9}", wait(live.median_ms)))
            .and(Style::Plain, format!("   p99 {:>12}", wait(live.p99_ms)))
            .and(lag, format!("   on the way {:>3}", live.missing)),
    ]
}

/// A line of the gateway's log, without what only machines need.
pub(super) fn log_line(line: &LogLine, width: usize) -> Vec<Line> {
    let style = if line.level == "INFO" { Style::Dim } else { Style::Changed };
    let fields = line.fields.iter().filter(|(name, _)| name != "serving" && name != "folder");
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!("{} {} {}", line.level, line.message, fields.join(" "));
    quotation("log", style, &text, width)
}

/// What someone said, in as many lines as it takes.
pub(super) fn quotation(who: &str, style: Style, text: &str, width: usize) -> Vec<Line> {
    let mut lines: Vec<String> = Vec::new();
    let room = width.saturating_sub(MARGIN + NAME).max(30);
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let label = |number| if number == 0 { who } else { "" };
    let line = |(number, text): (usize, String)| {
        let label = format!("{:MARGIN$}{}", "", fit(label(number), NAME));
        Line::styled(Style::Dim, label).and(style, text)
    };
    lines.into_iter().enumerate().map(line).collect()
}

/// The summary, figure by figure.
pub(super) fn summary(report: &Report) -> Vec<Line> {
    let dropped = report.written - report.due;
    let wait = |ms: Option<i64>| ms.map_or_else(|| "none".to_owned(), |ms| format!("{ms} ms"));
    let megabytes = report.scanned_bytes / 1_000_000;
    let mut lines = vec![
        Line::default(),
        Line::styled(
            Style::Bold,
            "Counted by an independent reader of every topic, from the first record to the last",
        ),
        Line::default(),
        figure("written", report.written, "read back from the source topic"),
        figure("forwarded", report.forwarded, "each of them at least once"),
        figure("dropped", dropped, "by the filter, as the reader decides by itself"),
        figure(
            "duplicates",
            report.duplicates,
            "at least once: what was not yet committed at a kill is read again",
        ),
    ];
    let secrets =
        format!("of {} secrets sought in {megabytes} MB of output and log", report.secrets);
    let checks = [
        ("lost", report.lost, ""),
        ("dropped, yet out", report.unwanted, ""),
        ("of no record", report.strangers, ""),
        ("dead letters", report.dead_letters, ""),
        ("out of order", report.disordered, "within a partition"),
        (
            "changed elsewhere",
            report.altered,
            "keys, headers and every cell that no plugin was to touch",
        ),
        ("in clear", report.clear_texts, &secrets),
    ];
    lines.extend(checks.map(|(name, count, about)| check(name, count, about)));
    lines.push(Line::default());
    let around = if report.kills > 0 { ", for records written around the kill" } else { "" };
    lines.push(Line::plain(format!(
        "  end to end: p50 {}, p99 {}; the longest wait was {}{around}",
        wait(report.median_ms),
        wait(report.p99_ms),
        wait(report.longest_ms)
    )));
    lines
}

fn figure(name: &str, count: u64, about: &str) -> Line {
    Line::plain(format!("  {} {count:>9}", fit(name, 18)))
        .and(Style::Dim, format!("       {about}"))
}

/// A figure that must be zero.
fn check(name: &str, count: u64, about: &str) -> Line {
    let (style, word) = if count == 0 { (Style::Good, "ok ") } else { (Style::Bad, "OFF") };
    Line::plain(format!("  {} {count:>9}   ", fit(name, 18)))
        .and(style, word)
        .and(Style::Dim, format!(" {about}"))
}
