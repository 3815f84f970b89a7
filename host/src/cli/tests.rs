//! The command line as a whole, and what a person is shown of it.

use super::*;

fn usage(line: &str) -> clap::Error {
    Cli::try_parse_from(line.split(' ')).expect_err("the line is no use")
}

#[test]
fn the_arguments_of_every_command_are_consistent() {
    use clap::{Args as _, CommandFactory as _};
    Cli::command().debug_assert();
    for augment in [
        apply::Args::augment_args as fn(clap::Command) -> clap::Command,
        check::Args::augment_args,
        inspect::Args::augment_args,
        run::Args::augment_args,
    ] {
        augment(clap::Command::new("x")).debug_assert();
    }
}

#[test]
fn a_wrong_flag_is_a_usage_error_with_the_right_one() {
    let error = usage("lockgate detect --limits 3 x");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("'--limit'"), "{error}");
}

#[test]
fn help_is_no_error() {
    assert_eq!(usage("lockgate --help").exit_code(), 0);
}

#[test]
fn a_closed_pipe_is_told_from_other_failures() {
    let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
    let wrapped = anyhow::Error::new(broken()).context("writing the outputs");
    assert!(is_broken_pipe(&wrapped));
    assert!(!is_broken_pipe(&anyhow::anyhow!("broken pipe")));
}

#[test]
fn an_inspection_is_shown_with_its_verdict() {
    let inspection = inspect::Inspection {
        contract: Some("lockgate:plugin@0.1.0".to_owned()),
        imports: vec!["wasi:clocks/wall-clock@0.2.0".to_owned()],
        exports: vec!["lockgate:plugin/transform@0.1.0".to_owned()],
        size: 48_213,
        digest: "9f86d081".to_owned(),
        signature: "in \"20-mask.wasm.sig\"".to_owned(),
        trust: Some("signed by key 2 of 3".to_owned()),
        producers: vec![
            ("language", vec!["Rust".to_owned()]),
            ("processed-by", vec!["rustc 1.95.0".to_owned(), "wit-component 0.254.2".to_owned()]),
        ],
        info: Some(("mask".to_owned(), "1.0.0".to_owned())),
        schema: None,
        limits: vec![("memory".to_owned(), "64 MiB".to_owned())],
        problems: vec!["it imports a clock: build it for wasm32-unknown-unknown".to_owned()],
    };
    insta::assert_snapshot!(inspection.to_string(), @r#"
    plugin    mask 1.0.0
    contract  lockgate:plugin@0.1.0
    size      48213 bytes
    sha256    9f86d081
    signature in "20-mask.wasm.sig"
    trust     signed by key 2 of 3
    language  Rust
    made by   rustc 1.95.0, wit-component 0.254.2
    import    wasi:clocks/wall-clock@0.2.0
    export    lockgate:plugin/transform@0.1.0
    limit     memory 64 MiB
    verdict   refused
      it imports a clock: build it for wasm32-unknown-unknown
    "#);
}
