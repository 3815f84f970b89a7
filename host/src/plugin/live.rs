//! One store with one instance in it: every entry is armed, timed and judged here. Must not know tables or what happens after a
//! fault.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;

use super::bindings::{Plugin, PluginPre, Transform};
use super::fault;
use super::imports::{Guest, Voice};
use super::limits::{HANDLES, Limits};
use super::ticker::{self, Pulse};
use crate::contract::{Fault, FaultClass};

/// An instance that has not failed yet. After the first `Err` of any method it has to be dropped: wasmtime bars the store after a
/// trap, and after a bad answer the guest keeps what it allocated for it.
pub(super) struct Live {
    store: Store<Guest>,
    plugin: Plugin,
    pulse: Arc<Pulse>,
    limits: Limits,
}

impl Live {
    pub(super) fn start(
        pre: &PluginPre<Guest>,
        pulse: &Arc<Pulse>,
        limits: Limits,
        voice: &Arc<Voice>,
    ) -> Result<Self, Fault> {
        let mut store = Store::new(pre.engine(), Guest::new(limits.memory, voice));
        // Before instantiation, so that the memory it begins with counts.
        store.limiter(|guest| &mut guest.memory);
        store.epoch_deadline_trap();
        store.set_hostcall_fuel(limits.transfer);
        store.set_max_component_handles(HANDLES);
        let deadline = limits.start_deadline();
        let plugin = enter(&mut store, pulse, &limits, deadline, |store| {
            pre.instantiate(store).map_err(fault::in_starting)
        })?;
        Ok(Self { store, plugin, pulse: Arc::clone(pulse), limits })
    }

    /// A call that is no batch.
    pub(super) fn prepare<R>(
        &mut self,
        call: impl FnOnce(&Transform, &mut Store<Guest>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        self.enter(self.limits.start_deadline(), call)
    }

    /// A call with a batch.
    pub(super) fn process<R>(
        &mut self,
        call: impl FnOnce(&Transform, &mut Store<Guest>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        self.store.data_mut().begin_batch();
        self.enter(self.limits.deadline, call)
    }

    fn enter<R>(
        &mut self,
        deadline: Duration,
        call: impl FnOnce(&Transform, &mut Store<Guest>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let transform = self.plugin.lockgate_plugin_transform();
        enter(&mut self.store, &self.pulse, &self.limits, deadline, |store| call(transform, store))
    }

    /// Bytes of linear memory it holds.
    pub(super) fn memory(&self) -> usize {
        self.store.data().memory.used()
    }
}

/// The one way into a plugin.
fn enter<R>(
    store: &mut Store<Guest>,
    pulse: &Pulse,
    limits: &Limits,
    deadline: Duration,
    call: impl FnOnce(&mut Store<Guest>) -> wasmtime::Result<R>,
) -> Result<R, Fault> {
    if !pulse.wait() {
        let message =
            "the clock that ends plugins has stopped, so none is entered; restart the gateway";
        return Err(fault::of_class(FaultClass::NotRun, message));
    }
    store.data_mut().begin_call();
    store.set_epoch_deadline(ticker::ticks(deadline));
    // A plugin must not be able to end a lane through a mistake of wasmtime's.
    match catch_unwind(AssertUnwindSafe(|| call(store))) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(fault::classify(&error, store.data_mut(), limits, deadline)),
        Err(_) => {
            let message = "the WebAssembly runtime failed on it; report it with the plugin's file";
            Err(fault::of_class(FaultClass::Trap, message))
        }
    }
}
