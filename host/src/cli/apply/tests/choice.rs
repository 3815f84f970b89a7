//! Which chain the arguments choose.

use super::*;

const CONFIG: &str = "kafka.brokers = 'b'
[[pipeline]]
name = 'shop'
from = ['shop']
dialect = 'json'
to = 'clean.{topic}'
";

/// The pipeline that is opened where `config` stands in a file that the arguments may name as `{}/in`.
fn opened(config: &str, line: &str) -> anyhow::Result<config::Pipeline> {
    let given = given(config);
    let mut opened = None;
    given
        .arguments(&format!("{line} -o /dev/null /dev/null"))
        .execute(|pipeline, _| {
            opened = Some(pipeline.clone());
            Ok(Words)
        })
        .map(|_| opened.unwrap())
}

fn refusal(config: &str, line: &str) -> String {
    format!("{:#}", opened(config, line).unwrap_err())
}

#[test]
fn the_only_pipeline_of_the_configuration_needs_no_name() {
    let pipeline = opened(CONFIG, "--config {}/in").unwrap();
    assert_eq!((pipeline.name.as_str(), pipeline.dialects.default), ("shop", Dialect::Json));
    assert!(pipeline.plugins.ends_with("plugins"));
}

#[test]
fn arguments_override_the_pipeline_they_name() {
    let line = "--config {}/in --pipeline shop --plugins other --dialect debezium";
    let pipeline = opened(CONFIG, line).unwrap();
    assert_eq!((pipeline.plugins, pipeline.dialects.default), ("other".into(), Dialect::Debezium));
    assert_eq!(pipeline.to.render("shop"), "clean.shop");
}

#[test]
fn a_folder_alone_needs_no_configuration() {
    let pipeline = opened("", "--plugins folder").unwrap();
    assert_eq!((pipeline.plugins, pipeline.dialects.default), ("folder".into(), Dialect::Debezium));
    assert_eq!(pipeline.to.render("orders"), "orders");
}

#[test]
fn of_several_pipelines_one_must_be_named() {
    let (_, second) = CONFIG.split_once('\n').unwrap();
    let config = format!("{CONFIG}{}", second.replace("shop", "eu"));
    let error = refusal(&config, "--config {}/in");
    assert_eq!(error, "choosing a pipeline: name one of \"shop\", \"eu\" with --pipeline");
    let error = refusal(&config, "--config {}/in --pipeline us");
    assert_eq!(error, "choosing pipeline \"us\": there are \"shop\", \"eu\"");
}

#[test]
fn without_any_chain_the_way_out_is_told() {
    let error = refusal("", "--pipeline shop");
    assert!(error.starts_with("choosing the chain (with --plugins DIR alone"), "{error}");
    assert!(error.contains("lockgate.toml"), "{error}");
}

#[test]
fn an_unknown_dialect_is_a_usage_error() {
    let Err(error) = Line::try_parse_from(["apply", "--dialect", "oracle"]) else {
        panic!("it was taken");
    };
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("the dialects are debezium, "), "{error}");
}
