//! Mistakes in a plugin's file, and in the places that stand for secrets.

use insta::assert_snapshot;

use super::*;

fn plugin_refusal(text: &str) -> String {
    let error = plugin_given(text, &Given::default()).expect_err("the text is refused");
    format!("{:#}", anyhow::Error::new(error))
}

#[test]
fn a_missing_secret_file_is_named_with_its_cause() {
    assert_snapshot!(plugin_refusal("settings.key = '${file:/run/secrets/hmac}'"), @r#"
    plugins/20-mask.toml:1:16: reading the secret file "/run/secrets/hmac": entity not found
      |
    1 | settings.key = '${file:/run/secrets/hmac}'
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_place_of_no_known_kind_is_refused() {
    assert_snapshot!(plugin_refusal("settings.key = 'a${HOME}'"), @r#"
    plugins/20-mask.toml:1:16: "${HOME}" is not known
      |
    1 | settings.key = 'a${HOME}'
      |                ^^^^^^^^^^
      = write ${env:NAME} or ${file:PATH}; a literal "${" is written "$${"
    "#);
}

#[test]
fn a_place_without_its_end_is_refused() {
    assert_snapshot!(plugin_refusal("settings.list = ['a', '${env:HOME']"), @r#"
    plugins/20-mask.toml:1:23: "${" without its "}"
      |
    1 | settings.list = ['a', '${env:HOME']
      |                       ^^^^^^^^^^^^
      = a literal "${" is written "$${"
    "#);
}

#[test]
fn a_plugin_deadline_without_its_unit_is_refused() {
    assert_snapshot!(plugin_refusal("deadline = 50"), @r#"
    plugins/20-mask.toml:1:12: expected a duration with its unit, such as "50ms" or "2s", found integer
      |
    1 | deadline = 50
      |            ^^
    "#);
}

#[test]
fn a_plugin_deadline_past_the_longest_is_refused() {
    assert_snapshot!(plugin_refusal("deadline = '10m'"), @"
    plugins/20-mask.toml:1:12: a deadline lies between 1ms and 60s
      |
    1 | deadline = '10m'
      |            ^^^^^
    ");
}

#[test]
fn plugin_memory_below_one_page_is_refused() {
    assert_snapshot!(plugin_refusal("memory = '1kB'"), @"
    plugins/20-mask.toml:1:10: a plugin's memory lies between 64KiB and 4GiB
      |
    1 | memory = '1kB'
      |          ^^^^^
    ");
}

#[test]
fn a_bad_table_glob_is_refused() {
    assert_snapshot!(plugin_refusal("tables = ['public.*', 'public.{a']"), @"
    plugins/20-mask.toml:1:23: a bad glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
      |
    1 | tables = ['public.*', 'public.{a']
      |                       ^^^^^^^^^^^
    ");
}

#[test]
fn settings_that_are_no_table_are_refused() {
    assert_snapshot!(plugin_refusal("settings = 'keep = x'"), @"
    plugins/20-mask.toml:1:12: expected a table, as in [settings]
      |
    1 | settings = 'keep = x'
      |            ^^^^^^^^^^
    ");
}

#[test]
fn a_setting_that_json_cannot_hold_is_refused() {
    assert_snapshot!(plugin_refusal("[settings]\nrate = nan"), @"
    plugins/20-mask.toml:2:8: JSON has no such number
      |
    2 | rate = nan
      |        ^^^
    ");
}

#[test]
fn a_misspelt_key_of_a_plugin_is_refused() {
    assert_snapshot!(plugin_refusal("[setings]\nrate = 1"), @r#"
    plugins/20-mask.toml:1:2: there is no key "setings" here
      |
    1 | [setings]
      |  ^^^^^^^
      = did you mean "settings"?
    "#);
}
