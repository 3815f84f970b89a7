//! Values of another type than their key has, as its reader calls types.

use insta::assert_snapshot;

use super::refusals::refusal;
use super::*;

#[test]
fn one_topic_without_its_brackets_is_refused_with_them() {
    assert_snapshot!(refusal(&SHOP.replace("['orders']", "'orders'")), @r#"
    /etc/lockgate/lockgate.toml:5:8: expected a list, found string
      |
    5 | from = 'orders'
      |        ^^^^^^^^
      = write it between brackets, as in ["..."]
    "#);
}

#[test]
fn a_pipeline_in_one_bracket_is_refused_with_two() {
    assert_snapshot!(refusal(&SHOP.replace("[[pipeline]]", "[pipeline]")), @r#"
    /etc/lockgate/lockgate.toml:3:1: expected a list, found table
      |
    3 | [pipeline]
      | ^^^^^^^^^^
      = a table of which there may be several stands in two brackets, as in [[pipeline]]
    "#);
}

#[test]
fn kafka_that_is_no_table_is_refused() {
    assert_snapshot!(refusal("kafka = 'localhost:9092'"), @r#"
    /etc/lockgate/lockgate.toml:1:9: expected a table, found string
      |
    1 | kafka = 'localhost:9092'
      |         ^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_property_whose_dots_make_tables_of_it_is_refused() {
    let text = SHOP.replace("[[pipe", "[kafka.properties]\nsecurity.protocol = 'SSL'\n[[pipe");
    assert_snapshot!(refusal(&text), @r#"
    /etc/lockgate/lockgate.toml:4:1: expected text, a whole number or a boolean; a name with dots stands in quotes
      |
    4 | security.protocol = 'SSL'
      | ^^^^^^^^
    "#);
}
