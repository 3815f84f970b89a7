//! Mistakes and the words that answer them.

use insta::assert_snapshot;

use super::*;

/// The report on a whole file.
pub(super) fn refusal(text: &str) -> String {
    let error = parse_given(text, &Given::default()).expect_err("the text is refused");
    format!("{:#}", anyhow::Error::new(error))
}

/// The report on [`SHOP`] with more lines in its pipeline.
fn shop_refusal(more: &str) -> String {
    refusal(&format!("{SHOP}{more}"))
}

#[test]
fn a_misspelt_key_is_refused_where_it_stands() {
    assert_snapshot!(shop_refusal("lane = 4"), @r#"
    /etc/lockgate/lockgate.toml:8:1: there is no key "lane" here
      |
    8 | lane = 4
      | ^^^^
      = did you mean "lanes"?
    "#);
}

#[test]
fn a_placeholder_of_half_a_byte_is_refused() {
    assert_snapshot!(shop_refusal("unavailable = \"hex:5f5\""), @r#"
/etc/lockgate/lockgate.toml:8:15: after "hex:" stand pairs of hexadecimal digits
  |
8 | unavailable = "hex:5f5"
  |               ^^^^^^^^^
  = write what the connector has as unavailable.value.placeholder
"#);
}

#[test]
fn a_key_like_no_other_is_answered_with_all_of_them() {
    assert_snapshot!(refusal("[admin]\nport = 9400"), @r#"
    /etc/lockgate/lockgate.toml:2:1: there is no key "port" here
      |
    2 | port = 9400
      | ^^^^
      = known here: listen, token
    "#);
}

#[test]
fn broken_toml_is_shown_with_its_place() {
    assert_snapshot!(refusal("[kafka\nbrokers = 'x'"), @r#"
    /etc/lockgate/lockgate.toml:1:7: unclosed table, expected "]"
      |
    1 | [kafka
      |       ^
    "#);
}

#[test]
fn a_missing_key_is_named() {
    assert_snapshot!(refusal("[kafka]\ngroup = 'g'"), @r#"
    /etc/lockgate/lockgate.toml:1:1: key "brokers" is missing
      |
    1 | [kafka]
      | ^^^^^^^
    "#);
}

#[test]
fn a_file_without_pipelines_is_refused() {
    assert_snapshot!(refusal("[kafka]\nbrokers = 'b'"), @"
    /etc/lockgate/lockgate.toml:1:1: there is no [[pipeline]]
      |
    1 | [kafka]
      | ^
      = `lockgate detect` proposes one for your events
    ");
}

#[test]
fn a_value_of_another_type_is_refused_without_quoting_it() {
    assert_snapshot!(shop_refusal("create_topics = 'hunter2'"), @"
    /etc/lockgate/lockgate.toml:8:17: expected a boolean, found string
      |
    8 | create_topics = 'hunter2'
      |                 ^^^^^^^^^
    ");
}

#[test]
fn a_duration_without_its_unit_is_refused() {
    assert_snapshot!(refusal(&format!("drain = 25\n{SHOP}")), @r#"
    /etc/lockgate/lockgate.toml:1:9: expected a duration with its unit, such as "50ms" or "2s", found integer
      |
    1 | drain = 25
      |         ^^
    "#);
}

#[test]
fn an_unknown_unit_is_refused() {
    assert_snapshot!(shop_refusal("[pipeline.limits]\nrecord_bytes = '1Mb'"), @r#"
    /etc/lockgate/lockgate.toml:9:16: expected a size with its unit, such as "64MiB" or "1MB"
      |
    9 | record_bytes = '1Mb'
      |                ^^^^^
    "#);
}

#[test]
fn an_unknown_value_is_answered_with_the_nearest() {
    assert_snapshot!(shop_refusal("on_lost_offsets = 'earlist'"), @r#"
    /etc/lockgate/lockgate.toml:8:19: this value is not known
      |
    8 | on_lost_offsets = 'earlist'
      |                   ^^^^^^^^^
      = did you mean "earliest"?
    "#);
}

#[test]
fn an_unknown_dialect_is_refused() {
    let text = SHOP.replace("'debezium'", "'maxwel'");
    assert_snapshot!(refusal(&text), @r#"
    /etc/lockgate/lockgate.toml:6:11: this value is not known
      |
    6 | dialect = 'maxwel'
      |           ^^^^^^^^
      = did you mean "maxwell"?
    "#);
}

#[test]
fn a_start_without_its_zone_is_refused() {
    assert_snapshot!(shop_refusal("start = 'timestamp:2026-01-01'"), @r#"
    /etc/lockgate/lockgate.toml:8:9: expected a time in UTC, such as "timestamp:2026-01-31T12:00:00Z"
      |
    8 | start = 'timestamp:2026-01-01'
      |         ^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_bad_glob_is_refused() {
    assert_snapshot!(refusal(&SHOP.replace("['orders']", "['a', 'shop.[ab']")), @"
    /etc/lockgate/lockgate.toml:5:14: a bad glob: unclosed character class; missing ']'
      |
    5 | from = ['a', 'shop.[ab']
      |              ^^^^^^^^^^
    ");
}

#[test]
fn an_illegal_topic_name_is_refused() {
    assert_snapshot!(refusal(&SHOP.replace("['orders']", "['shop orders']")), @r#"
    /etc/lockgate/lockgate.toml:5:9: a topic name has only letters, digits, ".", "_" and "-"
      |
    5 | from = ['shop orders']
      |         ^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_template_with_an_unknown_place_is_refused() {
    assert_snapshot!(shop_refusal("dead_letter = '{table}.dlq'"), @r#"
    /etc/lockgate/lockgate.toml:8:15: only "{topic}" can stand between braces
      |
    8 | dead_letter = '{table}.dlq'
      |               ^^^^^^^^^^^^^
    "#);
}

#[test]
fn an_unclosed_place_in_a_template_is_refused() {
    assert_snapshot!(shop_refusal("dead_letter = '{topic.dlq'"), @r#"
    /etc/lockgate/lockgate.toml:8:15: only "{topic}" can stand between braces
      |
    8 | dead_letter = '{topic.dlq'
      |               ^^^^^^^^^^^^
    "#);
}

#[test]
fn a_pipeline_that_reads_its_own_output_is_refused() {
    let text = SHOP.replace("['orders']", "['orders', 'clean.orders']");
    assert_snapshot!(refusal(&text), @r#"
    /etc/lockgate/lockgate.toml:5:19: the pipeline would read what it writes here
      |
    5 | from = ['orders', 'clean.orders']
      |                   ^^^^^^^^^^^^^^
      = change "to" or "dead_letter", for example to = "clean.{topic}"
    "#);
}

#[test]
fn an_output_template_that_changes_nothing_is_refused() {
    let text = SHOP.replace("['orders']", "['shop.*']").replace("clean.{topic}", "{topic}");
    assert_snapshot!(refusal(&text), @r#"
    /etc/lockgate/lockgate.toml:5:9: the pipeline would read what it writes here
      |
    5 | from = ['shop.*']
      |         ^^^^^^^^
      = change "to" or "dead_letter", for example to = "clean.{topic}"
    "#);
}

#[test]
fn dead_letters_among_the_outputs_are_refused() {
    assert_snapshot!(shop_refusal("dead_letter = 'clean.{topic}'"), @"
    /etc/lockgate/lockgate.toml:8:15: dead letters cannot go where the outputs go
      |
    8 | dead_letter = 'clean.{topic}'
      |               ^^^^^^^^^^^^^^^
    ");
}

/// [`SHOP`] and another pipeline that differs from it in name and topics.
fn second(name: &str, from: &str) -> String {
    let (_, pipeline) = SHOP.split_once("[[pipeline]]").unwrap();
    let pipeline = pipeline.replace("'shop'", name).replace("['orders']", from);
    format!("{SHOP}[[pipeline]]{pipeline}")
}

#[test]
fn two_pipelines_of_one_name_are_refused() {
    assert_snapshot!(refusal(&second("'shop'", "['customers']")), @"
    /etc/lockgate/lockgate.toml:9:8: another pipeline has this name
      |
    9 | name = 'shop'
      |        ^^^^^^
    ");
}

#[test]
fn a_topic_of_two_pipelines_is_refused() {
    assert_snapshot!(refusal(&second("'eu'", "['customers', 'orders']")), @r#"
    /etc/lockgate/lockgate.toml:10:22: pipeline "shop" already reads a topic of these
       |
    10 | from = ['customers', 'orders']
       |                      ^^^^^^^^
       = a topic belongs to one pipeline of a gateway
    "#);
}

#[test]
fn a_glob_over_the_topic_of_another_pipeline_is_refused() {
    assert_snapshot!(refusal(&second("'eu'", "['o*']")), @r#"
    /etc/lockgate/lockgate.toml:10:9: pipeline "shop" already reads a topic of these
       |
    10 | from = ['o*']
       |         ^^^^
       = a topic belongs to one pipeline of a gateway
    "#);
}

#[test]
fn an_unsafe_property_is_refused_with_its_reason() {
    let text = SHOP.replace("[[pipe", "[kafka.properties]\n'enable.auto.commit' = true\n[[pipe");
    assert_snapshot!(refusal(&text), @r#"
    /etc/lockgate/lockgate.toml:4:1: the property "enable.auto.commit" cannot be set
      |
    4 | 'enable.auto.commit' = true
      | ^^^^^^^^^^^^^^^^^^^^
      = an offset is committed once its record is settled, never by a clock
    "#);
}

#[test]
fn a_key_of_our_own_is_named_for_a_property() {
    let text = SHOP.replace("[[pipe", "properties = { \"group.id\" = 'g' }\n[[pipe");
    assert_snapshot!(refusal(&text), @r#"
    /etc/lockgate/lockgate.toml:3:16: the property "group.id" cannot be set
      |
    3 | properties = { "group.id" = 'g' }
      |                ^^^^^^^^^^
      = set it as "group" under [kafka]
    "#);
}

#[test]
fn a_pattern_that_names_no_column_is_refused() {
    assert_snapshot!(shop_refusal("protect = ['*.ssn', 'customers.']"), @r#"
    /etc/lockgate/lockgate.toml:8:21: "customers." has an empty part: write "column" or "table.column"
      |
    8 | protect = ['*.ssn', 'customers.']
      |                     ^^^^^^^^^^^^
    "#);
}

#[test]
fn a_required_plugin_is_named_without_its_number() {
    assert_snapshot!(shop_refusal("required = ['20-mask-pii.wasm']"), @r#"
    /etc/lockgate/lockgate.toml:8:13: a plugin's name is its file name without the number and the extension
      |
    8 | required = ['20-mask-pii.wasm']
      |             ^^^^^^^^^^^^^^^^^^
      = write "mask-pii"
    "#);
}

#[test]
fn rows_have_no_policy() {
    assert_snapshot!(shop_refusal("classes = { row = 'drop' }"), @"
    /etc/lockgate/lockgate.toml:8:13: records of this class go through the plugins
      |
    8 | classes = { row = 'drop' }
      |             ^^^
      = a plugin drops them, or refuses them
    ");
}

#[test]
fn an_unknown_class_is_answered_with_the_nearest() {
    assert_snapshot!(shop_refusal("[pipeline.classes]\nhearbeat = 'drop'"), @r#"
    /etc/lockgate/lockgate.toml:9:1: there is no class "hearbeat"
      |
    9 | hearbeat = 'drop'
      | ^^^^^^^^
      = did you mean "heartbeat"?
    "#);
}

#[test]
fn a_number_of_lanes_out_of_range_is_refused() {
    assert_snapshot!(shop_refusal("lanes = 0"), @"
    /etc/lockgate/lockgate.toml:8:9: expected 1 to 256
      |
    8 | lanes = 0
      |         ^
    ");
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    assert_snapshot!(shop_refusal("limits = { batch_records = 20000 }"), @r#"
    /etc/lockgate/lockgate.toml:8:28: a batch would never fit: "in_flight_records" is below "batch_records"
      |
    8 | limits = { batch_records = 20000 }
      |                            ^^^^^
    "#);
}

#[test]
fn an_address_without_its_port_is_refused() {
    assert_snapshot!(refusal(&format!("{SHOP}[admin]\nlisten = '0.0.0.0'")), @r#"
    /etc/lockgate/lockgate.toml:9:10: expected an IP address and a port
      |
    9 | listen = '0.0.0.0'
      |          ^^^^^^^^^
      = for example "127.0.0.1:9400", "0.0.0.0:9400", or "off"
    "#);
}

#[test]
fn a_dynamic_member_has_no_instance() {
    let text = SHOP.replace("[[pipe", "membership = 'dynamic'\ninstance = 'a'\n[[pipe");
    assert_snapshot!(refusal(&text), @r#"
    /etc/lockgate/lockgate.toml:4:12: a dynamic member has no "instance"
      |
    4 | instance = 'a'
      |            ^^^
      = remove it, or set membership = "static"
    "#);
}

#[test]
fn a_missing_variable_is_named() {
    assert_snapshot!(refusal(&SHOP.replace("localhost:9092", "${env:BROKERS}")), @r#"
    /etc/lockgate/lockgate.toml:2:11: the environment variable "BROKERS" is not set
      |
    2 | brokers = '${env:BROKERS}'
      |           ^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_secret_is_never_quoted_by_an_error() {
    let given = Given { variables: [("LEVEL", "hunter2")].into(), ..Given::default() };
    for line in ["start", "dialect", "on_lost_offsets", "create_topics", "lanes", "drain"] {
        let text = format!("{line} = '${{env:LEVEL}}'\n");
        let text = match line {
            "drain" => format!("{text}{SHOP}"),
            "dialect" => SHOP.replace("'debezium'", "'${env:LEVEL}'"),
            _ => format!("{SHOP}{text}"),
        };
        let error = parse_given(&text, &given).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Path::new("/nowhere/lockgate.toml")).unwrap_err();
    assert_snapshot!(format!("{:#}", anyhow::Error::new(error)), @"/nowhere/lockgate.toml: reading the configuration (--config gives another): No such file or directory (os error 2)");
}
