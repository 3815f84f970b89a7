//! Files in, files out, around a chain that is a few lines long.

mod choice;

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use clap::Parser as _;
use tempfile::TempDir;

use super::*;
use crate::outcome::{Code, DropCause, Refusal};
use crate::record::{Output, Partition};

/// Drops, refuses, halts or repeats a record whose value begins with that word; passes every other.
struct Words;

impl Engine for Words {
    fn process(
        &mut self,
        records: &[Record<'_>],
        settle: &mut dyn FnMut(Settled<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for record in records {
            let value = record.value.unwrap_or_default();
            let refusal = || Refusal::new(Code::Undecodable, "a word was found");
            let outcome = match value.split(|byte| *byte == b' ').next() {
                Some(b"drop") => Outcome::Drop(DropCause::Policy),
                Some(b"refuse") => Outcome::DeadLetter { refusal: refusal(), kept: whole(record) },
                Some(b"halt") => Outcome::Halt(refusal()),
                Some(b"repeat") => {
                    Outcome::Forward { record: output(record), emissions: vec![output(record)] }
                }
                _ => Outcome::Forward { record: output(record), emissions: Vec::new() },
            };
            settle(Settled { table: (!value.is_empty()).then_some("shop.orders"), outcome })?;
        }
        Ok(())
    }
}

fn output<'r>(record: &Record<'r>) -> Output<'r> {
    Output {
        topic: Arc::clone(record.topic),
        partition: Partition::Same(record.partition),
        timestamp: record.timestamp,
        key: record.key.map(Cow::Borrowed),
        value: record.value.map(Cow::Borrowed),
        headers: Vec::new(),
    }
}

fn whole<'r>(record: &Record<'r>) -> Kept<'r> {
    Kept {
        key: record.key.map(Cow::Borrowed),
        value: record.value.map(Cow::Borrowed),
        headers: record.headers.iter().map(OutputHeader::from).collect(),
        ..Kept::default()
    }
}

/// Loses the last record of every batch.
struct Leaky;

impl Engine for Leaky {
    fn process(
        &mut self,
        records: &[Record<'_>],
        settle: &mut dyn FnMut(Settled<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (_, kept) = records.split_last().unwrap();
        Words.process(kept, settle)
    }
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Args,
}

/// A folder with `in` in it, which the arguments may name as `{}/in`.
struct Given(TempDir);

fn given(input: &str) -> Given {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), input).unwrap();
    Given(folder)
}

impl Given {
    fn arguments(&self, line: &str) -> Args {
        let line = line.replace("{}", self.0.path().to_str().unwrap());
        Line::try_parse_from(["apply"].into_iter().chain(line.split(' '))).unwrap().arguments
    }

    fn apply(&self, line: &str) -> anyhow::Result<ExitCode> {
        self.arguments(&format!("--plugins none {line}")).execute(|_, _| Ok(Words))
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// Names in the folder, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn what_passes_is_written_in_order_with_its_emissions() {
    let given = given("one\ndrop 2\nrepeat 3\nfour\n");
    assert_eq!(given.apply("-o {}/out {}/in").unwrap(), ExitCode::SUCCESS);
    assert_eq!(given.text("out"), "one\nrepeat 3\nrepeat 3\nfour\n");
}

#[test]
fn many_batches_come_out_whole() {
    let input: String = (0..5_000).map(|number| format!("{{\"id\": {number}}}\n")).collect();
    let given = given(&input);
    given.apply("-o {}/out {}/in").unwrap();
    assert!(given.text("out") == input);
}

#[test]
fn refused_records_stand_aside_with_their_reason_and_set_the_exit_code() {
    let given = given("one\nrefuse 2\nthree\n");
    let code = given.apply("--refused {}/refused -o {}/out {}/in").unwrap();
    assert_eq!(code, ExitCode::from(SOME_REFUSED));
    assert_eq!(given.text("out"), "one\nthree\n");
    assert_eq!(
        given.text("refused"),
        r#"{"topic":"in","partition":0,"offset":2,"timestamp":null,"key":null,"value":"refuse 2","headers":[],"code":"undecodable","reason":"a word was found","said":null,"plugin":null,"position":"in-0@2"}
"#
    );
}

#[test]
fn without_refusals_an_old_file_of_them_is_emptied() {
    let given = given("one\n");
    fs::write(given.path("refused"), "of yesterday").unwrap();
    given.apply("--refused {}/refused -o {}/out {}/in").unwrap();
    assert_eq!(given.text("refused"), "");
}

#[test]
fn records_go_in_and_out_as_records() {
    let input = concat!(
        r#"{"topic":"orders","partition":1,"offset":5,"timestamp":17,"key":"k","value":null,"headers":[]}"#,
        "\n"
    );
    let given = given(input);
    given.apply("--format records -o {}/out {}/in").unwrap();
    assert_eq!(given.text("out"), input);
}

#[test]
fn a_run_that_fails_leaves_the_old_output_and_nothing_else() {
    let given = given("{\"topic\":\"t\",\"value\":\"one\"}\nnot a record\n");
    fs::write(given.path("out"), "of yesterday").unwrap();
    let error = given.apply("--format records -o {}/out --refused {}/refused {}/in").unwrap_err();
    assert!(error.to_string().starts_with("reading \"in\": line 2, column"), "{error:#}");
    assert_eq!(given.text("out"), "of yesterday");
    assert_eq!(given.names(), ["in", "out"]);
}

#[test]
fn a_record_that_halts_ends_the_run() {
    let given = given("one\nhalt 2\nthree\n");
    let error = given.apply("-o {}/out {}/in").unwrap_err().to_string();
    assert_eq!(error, "carrying in-0@2: the pipeline halts: undecodable: a word was found");
    assert_eq!(given.names(), ["in"]);
}

#[test]
fn an_engine_that_loses_a_record_is_found_out() {
    let given = given("one\ntwo\n");
    let arguments = given.arguments("--plugins none -o {}/out {}/in");
    let error = arguments.execute(|_, _| Ok(Leaky)).unwrap_err().to_string();
    assert_eq!(error, "settling a batch of 2 records: 1 are left");
}

#[test]
fn an_output_may_replace_its_input_and_a_link_stays_one() {
    let given = given("one\ndrop 2\n");
    std::os::unix::fs::symlink(given.path("in"), given.path("link")).unwrap();
    given.apply("-o {}/link {}/in").unwrap();
    assert_eq!(given.text("in"), "one\n");
    assert!(fs::symlink_metadata(given.path("link")).unwrap().is_symlink());
}

#[test]
fn a_device_is_written_in_place() {
    let given = given("one\n");
    assert_eq!(given.apply("-o /dev/null {}/in").unwrap(), ExitCode::SUCCESS);
    assert!(!Path::new("/dev/null").is_file());
}

#[test]
fn a_full_device_is_told_with_what_was_being_written() {
    let given = given("one\nrefuse 2\n");
    let told = |line: &str| format!("{:#}", given.apply(line).unwrap_err());
    let full = "No space left on device (os error 28)";
    assert_eq!(told("-o /dev/full {}/in"), format!("writing the outputs: {full}"));
    let refused = told("-o {}/out --refused /dev/full {}/in");
    assert_eq!(refused, format!("writing the refused records: {full}"));
}

#[test]
fn outputs_and_refused_records_do_not_go_into_one_file() {
    let given = given("one\nrefuse 2\n");
    let error = format!("{:#}", given.apply("-o {}/out --refused {}/./out {}/in").unwrap_err());
    let words = "/out\" to write: --output and --refused both name it; give each a file of its own";
    assert!(error.starts_with("opening \"") && error.ends_with(words), "{error}");
    assert_eq!(given.names(), ["in"]);
    given.apply("-o /dev/null --refused /dev/null {}/in").unwrap();
}

#[test]
fn an_input_that_is_not_there_is_named() {
    let given = given("");
    let error = format!("{:#}", given.apply("{}/nowhere").unwrap_err());
    assert!(error.contains("nowhere\": No such file"), "{error}");
}

#[test]
fn the_summary_counts_by_outcome_table_and_code() {
    let mut counts = Counts::new(true);
    let mut batch = Batch::default();
    let words = "one\ndrop\nrefuse\nrefuse\nrefuse\nrefuse\nrefuse\nrefuse\n";
    Reader::new(words.as_bytes(), Format::Lines, "in").read(&mut batch).unwrap();
    let records = batch.records();
    let mut left = records.iter();
    Words
        .process(&records, &mut |settled| {
            counts.add(left.next().unwrap(), &settled);
            Ok(())
        })
        .unwrap();
    insta::assert_snapshot!(counts.summary(2).to_string(), @"
    refused in-0@3: undecodable: a word was found
    refused in-0@4: undecodable: a word was found
    refused in-0@5: undecodable: a word was found
    refused in-0@6: undecodable: a word was found
    refused in-0@7: undecodable: a word was found
    refused 1 more
    table             read  forwarded    dropped    refused
    shop.orders          8          1          1          6
    read 8, forwarded 1, dropped 1, refused 6 (6 undecodable); empty lines left out: 2
    ");
}
