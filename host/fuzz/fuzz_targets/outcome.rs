//! The fuzzer's door to `bodies/outcome.rs`.
#![no_main]

use std::sync::OnceLock;

#[path = "../bodies/outcome.rs"]
mod body;

static SCENE: OnceLock<body::Scene> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::check(SCENE.get_or_init(body::example), data));
