//! The fuzzer's door to `bodies/render.rs`.
#![no_main]

#[path = "../bodies/render.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::check(data));
