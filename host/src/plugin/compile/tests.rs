//! What is refused as a plugin, and in which words.

use super::*;
use crate::plugin::encode::Encoder;
use crate::plugin::guests::{compiled, guest, runtime, text};

fn encoder() -> Encoder {
    Encoder::new().unwrap()
}

/// The reason why the text of `wat` is no plugin.
fn refusal(wat: &str) -> String {
    refusal_of(&wat::parse_str(wat).unwrap())
}

fn refusal_of(bytes: &[u8]) -> String {
    compiled(bytes).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_core_module_is_wrapped_as_a_component() {
    let plugin = compiled(&guest("stars")).unwrap();
    assert_eq!(plugin.imports(), ["lockgate:plugin/host@0.1.0", "lockgate:plugin/types@0.1.0"]);
    assert_eq!(plugin.exports(), ["lockgate:plugin/transform@0.1.0"]);
    assert_eq!((plugin.info.name.as_str(), plugin.info.version.as_str()), ("guest", "1.0.0"));
    assert_eq!(plugin.info.settings_schema, "{}");
    assert_eq!(plugin.digest.len(), 64);
}

#[test]
fn a_component_is_taken_as_it_is() {
    let component = encoder().component(guest("pass"), false).unwrap();
    assert!(compiled(&component).is_ok());
}

#[test]
fn what_is_no_webassembly_is_told_by_its_first_bytes() {
    assert_eq!(refusal_of(b""), "the file is empty");
    assert_eq!(refusal_of(b"\x7fELF\x02\x01"), "not a WebAssembly file");
    assert_eq!(
        refusal_of(b"\n(module)"),
        "WebAssembly as text; turn it into a binary first, with `wasm-tools parse`"
    );
    assert_eq!(
        refusal_of(&vec![0; FILE_BYTES + 1]),
        "33554433 bytes are more than the 33554432 a plugin may have"
    );
}

#[test]
fn precompiled_code_is_refused() {
    let component = encoder().component(guest("pass"), false).unwrap();
    let precompiled = runtime().engine.precompile_component(&component).unwrap();
    assert_eq!(
        refusal_of(&precompiled),
        "precompiled code, which cannot be checked; give the .wasm file that it was made from"
    );
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let module = guest("pass");
    let component = encoder().component(module.clone(), false).unwrap();
    for whole in [module, component] {
        for len in (4..whole.len()).step_by(97) {
            refusal_of(&whole[..len]);
        }
        let cut = refusal_of(&whole[..whole.len() / 2]);
        assert!(cut.starts_with("damaged or cut off at byte "), "{cut}");
    }
}

#[test]
fn wasi_is_refused_with_advice() {
    assert_eq!(
        refusal(
            r#"(component
                (import "wasi:cli/environment@0.2.6" (instance))
                (import "wasi:filesystem/types@0.2.6" (instance))
                (import "wasi:random/random@0.2.6" (instance)))"#
        ),
        "it imports \"wasi:cli/environment@0.2.6\" and 2 more interfaces of WASI, and plugins get no WASI; rebuild it \
         for wasm32-unknown-unknown, or with --stub-wasi where the toolchain has it"
    );
}

#[test]
fn other_worlds_are_refused_by_what_is_missing() {
    assert_eq!(
        refusal(r#"(component (import "acme:db/store@1.0.0" (instance)))"#),
        "it imports \"acme:db/store@1.0.0\", and a plugin may import nothing but \"lockgate:plugin/host@0.1.0\""
    );
    assert_eq!(
        refusal("(component)"),
        "it does not export \"lockgate:plugin/transform@0.1.0\" but nothing; build it against wit/plugin.wit"
    );
    assert_eq!(
        refusal(r#"(component (instance $i) (export "acme:db/store@1.0.0" (instance $i)))"#),
        "it does not export \"lockgate:plugin/transform@0.1.0\" but \"acme:db/store@1.0.0\"; build it against \
         wit/plugin.wit"
    );
    assert_eq!(
        refusal(r#"(component (import "lockgate:plugin/host@0.2.0" (instance)))"#),
        "it was built against version \"0.2.0\" of the contract, and this gateway has 0.1.0"
    );
}

#[test]
fn an_interface_of_our_name_with_other_functions_is_refused() {
    let reason = refusal(
        r#"(component (instance $i) (export "lockgate:plugin/transform@0.1.0" (instance $i)))"#,
    );
    assert!(
        reason.starts_with("it was built against another contract than this gateway's (0.1.0): "),
        "{reason}"
    );
    assert!(reason.contains("describe"), "{reason}");
}

#[test]
fn a_core_module_that_lacks_a_function_is_told_which() {
    let reason = refusal(
        &text("pass")
            .replace("(export \"lockgate:plugin/transform@0.1.0#process\" (func $pass))", ""),
    );
    assert!(reason.starts_with("a core module that cannot be wrapped as a plugin: "), "{reason}");
    assert!(reason.contains("process"), "{reason}");
    let reason = refusal(r#"(module (import "env" "read_secret" (func)))"#);
    assert!(reason.contains("env"), "{reason}");
}

#[test]
fn a_module_for_wasi_preview_1_runs_on_nothing() {
    let imports = preview_1();
    // The 46 functions of preview 1, and the one that Go's bindings take from their adapter.
    assert_eq!(imports.len(), 47);
    let module = text("pass").replace("(module\n", &format!("(module\n{}", imports.join("\n")));
    let plugin = compiled(&wat::parse_str(module).unwrap()).unwrap();
    assert_eq!(plugin.imports(), ["lockgate:plugin/host@0.1.0", "lockgate:plugin/types@0.1.0"]);
}

/// Imports of all that the adapter exports, as text.
fn preview_1() -> Vec<String> {
    let runtime = runtime();
    let adapter = wasmtime::Module::new(&runtime.engine, encoder().adapter()).unwrap();
    let import = |export: wasmtime::ExportType<'_>| {
        let ty = export.ty().unwrap_func().clone();
        let types = |types: Vec<String>| types.join(" ");
        let params = types(ty.params().map(|ty| ty.to_string()).collect());
        let results = types(ty.results().map(|ty| ty.to_string()).collect());
        let name = export.name();
        format!(
            "(import \"wasi_snapshot_preview1\" \"{name}\" (func (param {params}) (result {results})))"
        )
    };
    adapter.exports().map(import).collect()
}

#[test]
fn code_that_would_take_forever_to_compile_is_refused() {
    let long = "(drop (i32.const 1000000))".repeat(250_000);
    let reason = refusal(&format!("(module (func {long}))"));
    assert_eq!(
        reason,
        "the function at byte 26 is too large to compile: 1250002 bytes, and 1048576 are allowed"
    );
    let many = "(func)".repeat(100_001);
    assert_eq!(
        refusal(&format!("(module {many})")),
        "more than 100000 functions, too many to compile"
    );
    assert_eq!(
        refusal(&format!("(component (core module) (core module {many}))")),
        "more than 100000 functions, too many to compile"
    );
}

#[test]
fn tail_calls_are_on_and_what_differs_between_processors_is_off() {
    let with = |function: &str| {
        let module =
            text("pass").replace("  (func $forever", &format!("{function}\n(func $forever"));
        compiled(&wat::parse_str(module).unwrap()).map(|_| ())
    };
    assert_eq!(with("(func $tail (return_call $forever))"), Ok(()));
    let relaxed = "(func (param v128 v128 v128) (result v128)
        (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))";
    let reason = with(relaxed).unwrap_err().to_string();
    assert!(reason.contains("relaxed SIMD support is not enabled"), "{reason}");
}

/// Two components, one of which calls the other with a string: between their memories lies an adapter that has both.
const FUSED: &str = r#"(component
    (component $a
        (core module $m
            (memory (export "memory") 1)
            (func (export "take") (param i32 i32))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
        (core instance $i (instantiate $m))
        (func (export "take") (param "text" string) (canon lift (core func $i "take")
            (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
    (component $b
        (import "take" (func $take (param "text" string)))
        (core module $libc (memory (export "memory") 1))
        (core instance $libc (instantiate $libc))
        (core func $take (canon lower (func $take) (memory (core memory $libc "memory"))))
        (core module $m
            (import "" "take" (func $take (param i32 i32)))
            (func (export "go") (call $take (i32.const 0) (i32.const 0))))
        (core instance $m (instantiate $m (with "" (instance (export "take" (func $take))))))
        (func (export "go") (canon lift (core func $m "go"))))
    (instance $a (instantiate $a))
    (instance $b (instantiate $b (with "take" (func $a "take"))))
    (export "go" (func $b "go")))"#;

#[test]
fn a_component_of_fused_parts_compiles() {
    assert!(refusal(FUSED).starts_with("it does not export "), "{}", refusal(FUSED));
}

/// wasmtime panics where fused parts need several memories and those are switched off.
#[test]
fn a_panic_of_the_compiler_is_a_refusal() {
    let mut config = wasmtime::Config::new();
    config.wasm_multi_memory(false);
    let engine = Engine::new(&config).unwrap();
    let fused = wat::parse_str(FUSED).unwrap();
    let reason = translate::translate(&engine, &fused).unwrap_err().to_string();
    assert_eq!(
        reason,
        "the compiler fails on it (invalid adapter module generated: multiple memories (at offset 0x66)); report it with \
         the file"
    );
}
