//! The official plugins as bytes: core WebAssembly modules with a component-type section, for the host to encode. Must not
//! know what they do.

/// The official plugins' names, in alphabetical order.
pub const NAMES: &[&str] = &["filter", "mask", "reshape"];

/// The module of the official plugin called `name`.
pub fn official(name: &str) -> Option<&'static [u8]> {
    let module: &[u8] = match name {
        "filter" => include_bytes!(concat!(env!("OUT_DIR"), "/filter.wasm")),
        "mask" => include_bytes!(concat!(env!("OUT_DIR"), "/mask.wasm")),
        "reshape" => include_bytes!(concat!(env!("OUT_DIR"), "/reshape.wasm")),
        _ => return None,
    };
    Some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_module() {
        for name in NAMES {
            assert!(official(name).unwrap().starts_with(b"\0asm"), "{name}");
        }
    }
}
