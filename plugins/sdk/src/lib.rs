//! Write a Lockgate plugin in Rust.
//!
//! A plugin is asked once per table what it wants to see and to change (a [`Plan`]), then handed batches of [`Rows`] that hold
//! only those fields. What it does not mention leaves the gateway byte for byte as it came. This is a whole one:
//!
//! ```
#![doc = include_str!("../examples/first.rs")]
//! ```
//!
//! Compile it as a `cdylib` for `wasm32-unknown-unknown` and copy the file into the gateway's plugin folder:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"]   # the rlib is for tests
//! ```
//! ```sh
//! cargo build --release --target wasm32-unknown-unknown
//! ```
//!
//! There is no clock, no network and no file system inside: a plugin works on its rows, [`mod@log`]s and [`count`]s. The
//! [`testing`] module runs it natively over JSON events.
#![warn(missing_docs)]

extern crate self as lockgate_plugin;

mod plugin;
mod settings;
mod table;
mod glob;
mod plan;
mod cell;
pub mod json;
mod rows;
mod answer;
mod host;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod bindings;
#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use answer::{Edit, Emission};
pub use cell::{Cell, Cells, Kind};
pub use glob::{Closeness, ColumnGlob, TableGlob};
pub use host::{count, log};
pub use plan::{Field, Image, Plan, Read, Rename, Write};
pub use plugin::{NO_SETTINGS, Plugin};
pub use rows::{Row, Rows};
pub use settings::Settings;
pub use table::{Column, Table};

/// Makes a type that implements [`Plugin`] the plugin of this module. Once per module; does nothing in native builds.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::__private::Exported<$plugin>;
            $crate::__private::export_transform!(Exported with_types_in $crate::__private::bindings);
        };
        // Natively nothing calls it, and yet it is no dead code.
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::Settings) -> ::core::result::Result<$plugin, ::std::string::String> =
            <$plugin as $crate::Plugin>::configure;
    };
}

/// What [`export!`] expands to; not for direct use.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod __private {
    pub use wit_bindgen;

    pub use crate::bindings::{self, export_transform};
    pub use crate::guest::Exported;
}
