//! The bytes of hostile plugins, put together from the texts in `tests/guests`. Knows no gateway.

use std::path::Path;

/// `tests/guests/NAME.wat` as a core module.
pub(crate) fn module(name: &str) -> Vec<u8> {
    module_of(name, "1.0.0")
}

/// The same under another version, and so with another digest.
pub(crate) fn module_of(name: &str, version: &str) -> Vec<u8> {
    assemble(&in_version(&format!("(module\n{}\n)", text(name)), version))
}

/// The guest with more in its module.
pub(crate) fn module_with(name: &str, more: &str) -> Vec<u8> {
    assemble(&format!("(module\n{}\n{more}\n)", text(name)))
}

/// The guest in a component, beside `parts` of its own.
pub(crate) fn component_with(name: &str, parts: &str) -> Vec<u8> {
    let handle = r#"(import "handles" "new" (func $handle (param i32) (result i32)))"#;
    let module = format!("{handle}\n{}", text(name));
    let component = read("component");
    assemble(&component.replace("  PARTS\n", parts).replace("    MODULE\n", &module))
}

pub(crate) fn component(name: &str) -> Vec<u8> {
    component_with(name, "")
}

/// What stands in the module of a guest. What it has of its own among the functions around a call stands in place of the common one.
fn text(name: &str) -> String {
    let (mut common, own) = (read("common"), read(name));
    for function in ["cabi_realloc", "cabi_post_lockgate:plugin/transform@0.1.0#process"] {
        let export = format!("(export \"{function}\")");
        if own.contains(&export) {
            common = common.replace(&export, "");
        }
    }
    format!("{common}\n{own}")
}

fn in_version(text: &str, version: &str) -> String {
    text.replace("\"1.0.0\"", &format!("\"{version}\""))
}

/// Two components in one, whose memories are two: what they hand each other goes through code that knows both.
pub(crate) const FUSED: &str = r#"
  (component $Shelf
    (core module $Core
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16))
      (func (export "keep") (param i32 i32)))
    (core instance $core (instantiate $Core))
    (func (export "keep") (param "text" string)
      (canon lift (core func $core "keep") (memory (core memory $core "memory")) (realloc (core func $core "realloc")))))
  (component $Hand
    (import "keep" (func $keep (param "text" string)))
    (core module $Own (memory (export "memory") 1))
    (core instance $own (instantiate $Own))
    (core func $kept (canon lower (func $keep) (memory (core memory $own "memory"))))
    (core module $Core
      (import "shelf" "keep" (func $keep (param i32 i32)))
      (func (export "give") (call $keep (i32.const 0) (i32.const 4))))
    (core instance $shelf (export "keep" (func $kept)))
    (core instance $core (instantiate $Core (with "shelf" (instance $shelf))))
    (func (export "give") (canon lift (core func $core "give"))))
  (instance $shelf (instantiate $Shelf))
  (instance $hand (instantiate $Hand (with "keep" (func $shelf "keep"))))
"#;

pub(crate) fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    std::fs::read_to_string(folder.join(name).with_extension("wat")).unwrap()
}
