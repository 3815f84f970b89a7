//! TiCDC's watermarks, and the partitions they hold for.

use super::*;

fn pipeline(more: &str) -> String {
    SHOP.replace("dialect = 'debezium'\n", more)
}

#[test]
fn partitions_filled_anew_by_key_are_refused_where_watermarks_pass() {
    let text = pipeline("dialect = 'ticdc'\npartition = 'key'\n");
    let error = parse_given(&text, &Given::default()).expect_err("the text is refused");
    insta::assert_snapshot!(format!("{:#}", anyhow::Error::new(error)), @r#"
    /etc/lockgate/lockgate.toml:7:13: a watermark of "ticdc" holds for the partition it is in, and these would be filled anew by key
      |
    7 | partition = 'key'
      |             ^^^^^
      = keep partition = "same", or set `watermark = "drop"` under [pipeline.classes]
    "#);
    let text =
        pipeline("dialect = 'json'\npartition = 'key'\ndialects = { x = 'ticdc-debezium' }\n");
    assert!(parse_given(&text, &Given::default()).is_err());
}

#[test]
fn partitions_by_key_are_fine_where_no_watermark_passes() {
    for more in [
        "dialect = 'debezium'\npartition = 'key'\n",
        "dialect = 'ticdc-maxwell'\npartition = 'key'\n",
        "dialect = 'ticdc'\npartition = 'same'\n",
        "dialect = 'ticdc-debezium'\npartition = 'key'\nclasses = { watermark = 'drop' }\n",
    ] {
        assert_eq!(parse(&pipeline(more)).pipelines.len(), 1, "{more}");
    }
}
