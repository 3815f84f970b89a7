//! The contract as wit-bindgen writes it. Only `guest` and `host` use it; everything else speaks the crate's own types.

wit_bindgen::generate!({
    path: "../../wit/plugin.wit",
    world: "plugin",
    runtime_path: "::lockgate_plugin::__private::wit_bindgen::rt",
    default_bindings_module: "::lockgate_plugin::__private::bindings",
    export_macro_name: "export_transform",
    pub_export_macro: true,
});
