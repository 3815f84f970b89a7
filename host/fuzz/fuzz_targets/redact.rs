//! The fuzzer's door to `bodies/redact.rs`.
#![no_main]

#[path = "../bodies/redact.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::check(data));
