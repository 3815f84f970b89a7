//! Files that are small, legal, and hard to compile: what a careless toolchain or a hostile author may drop into a plugin folder.
//! None of them does anything, so none is a plugin.

use anyhow::Context as _;

/// Functions whose compiling takes far more than linear time: loops in loops, each of which keeps every local alive. `count` of
/// them bound the whole from below, `depth` how long each takes.
pub fn nested_loops(count: usize, depth: usize) -> anyhow::Result<Vec<u8>> {
    let locals = "(local i32 i32 i32 i32 i32 i32 i32 i32)";
    let open: String = (0..depth)
        .map(|level| {
            format!(
                "(loop (local.set {0} (i32.add (local.get {0}) (local.get {1})))\n",
                level % 8,
                (level + 3) % 8
            )
        })
        .collect();
    let close: String =
        (0..depth).map(|level| format!("(br_if 0 (local.get {})))\n", level % 8)).collect();
    let function = format!("(func {locals} {open}{close})\n");
    module(&function.repeat(count))
}

/// Functions with thousands of locals that are all alive from the beginning to the end.
pub fn many_locals(count: usize, locals: usize) -> anyhow::Result<Vec<u8>> {
    let declared = "i32 ".repeat(locals);
    let set: String = (0..locals)
        .map(|local| format!("(local.set {local} (i32.load (i32.const {})))\n", local * 4))
        .collect();
    let get: String = (0..locals)
        .map(|local| format!("(i32.store (i32.const {}) (local.get {local}))\n", local * 8))
        .collect();
    let function = format!("(func (local {declared}) {set}{get})\n");
    module(&format!("(memory 1)\n{}", function.repeat(count)))
}

/// One jump with this many targets.
pub fn wide_jump(targets: usize) -> anyhow::Result<Vec<u8>> {
    let table = "0 1 ".repeat(targets / 2);
    module(&format!("(func (param i32) (block (block (br_table {table} 0 (local.get 0)))))"))
}

/// Functions that are nothing but their number.
pub fn many_functions(count: usize) -> anyhow::Result<Vec<u8>> {
    module(&"(func)".repeat(count))
}

/// Components within components, put together byte by byte: the assembler has a bound on how deep it goes.
pub fn nested_components(depth: usize) -> Vec<u8> {
    const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";
    const COMPONENT_SECTION: u8 = 4;
    // From the inside out, and written backwards so that nothing is moved.
    let mut reversed: Vec<u8> = HEADER.into_iter().rev().collect();
    for _ in 0..depth {
        let mut section = vec![COMPONENT_SECTION];
        let mut size = reversed.len();
        while size >= 0x80 {
            section.push(u8::try_from(size & 0x7f).unwrap_or_default() | 0x80);
            size >>= 7;
        }
        section.push(u8::try_from(size).unwrap_or_default());
        reversed.extend(HEADER.into_iter().chain(section).rev());
    }
    reversed.reverse();
    reversed
}

/// A type that doubles with each step.
pub fn exploding_type(steps: usize) -> anyhow::Result<Vec<u8>> {
    let steps: String =
        (1..steps).map(|step| format!("(type (tuple {0} {0}))\n", step - 1)).collect();
    wat::parse_str(format!("(component (type (tuple u32 u32)) {steps})"))
        .context("assembling an exploding type")
}

fn module(text: &str) -> anyhow::Result<Vec<u8>> {
    wat::parse_str(format!("(component (core module {text}))"))
        .context("assembling a module that is hard to compile")
}
