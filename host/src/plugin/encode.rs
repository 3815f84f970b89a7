//! Turns a core module into a component of our world, so that any language which compiles to WebAssembly can take part. Must not
//! know what becomes of the component.

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, WorldId};

/// The contract's text.
const CONTRACT: &str = include_str!("../../../wit/plugin.wit");

/// Answers every function of WASI preview 1 without a world behind it.
const NULL_ADAPTER: &str = include_str!("null_adapter.wat");

/// What a wrapped module depends on besides itself.
pub(super) const TEXTS: [&str; 2] = [CONTRACT, NULL_ADAPTER];

const PREVIEW_1: &str = "wasi_snapshot_preview1";

/// What encoding needs, prepared once.
pub(super) struct Encoder {
    contract: Resolve,
    world: WorldId,
    adapter: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut contract = Resolve::default();
        let package = contract.push_str("plugin.wit", CONTRACT)?;
        let world = contract.select_world(&[package], Some("plugin"))?;
        let adapter = wat::parse_str(NULL_ADAPTER)?;
        Ok(Self { contract, world, adapter })
    }

    #[cfg(test)]
    pub(super) fn adapter(&self) -> &[u8] {
        &self.adapter
    }

    /// Wraps `module`. One that does not say which world it is for is taken to be for ours.
    pub(super) fn component(
        &self,
        mut module: Vec<u8>,
        names_its_world: bool,
    ) -> Result<Vec<u8>, String> {
        self.encode(&mut module, names_its_world).map_err(|err| format!("{err:#}"))
    }

    fn encode(&self, module: &mut Vec<u8>, names_its_world: bool) -> anyhow::Result<Vec<u8>> {
        if !names_its_world {
            let (contract, world) = (&self.contract, self.world);
            wit_component::embed_component_metadata(module, contract, world, StringEncoding::UTF8)?;
        }
        ComponentEncoder::default().module(module)?.adapter(PREVIEW_1, &self.adapter)?.encode()
    }
}
