//! Masks seen through the harness.

use lockgate_plugin::testing::golden;

use super::Mask;

#[test]
fn golden_events() {
    golden::<Mask>(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"));
}
