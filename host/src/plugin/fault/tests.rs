//! What a fault says of itself: where the plugin was, and who is to blame.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::config::PluginMessages;
use crate::contract::Transform as _;
use crate::plugin::guests::{configured, guest, setup, strings, table, text, with_batch};
use crate::plugin::live::Live;
use crate::plugin::{Limits, Runtime, Voice, digest};

fn voice() -> Arc<Voice> {
    Voice::new(&"guest".into(), PluginMessages::Show)
}

/// What a guest's poisoned batch ends in.
fn poisoned(bytes: &[u8]) -> Fault {
    let mut instance = configured(bytes, setup()).unwrap().instantiate();
    instance.open_table(&table(1, "users")).unwrap();
    with_batch(1, strings(&["poison"]), |batch| instance.process(batch)).unwrap_err()
}

#[test]
fn a_fault_names_what_ran_innermost_first_and_its_message_only_the_innermost() {
    let fault = poisoned(&guest("trap"));
    assert_eq!(fault.frames, ["divide", "process"]);
    assert_eq!(fault.message, "integer divide by zero; in divide");
}

#[test]
fn of_a_deep_stack_only_the_top_is_kept() {
    let fault = poisoned(&guest("deep"));
    assert_eq!(fault.frames, vec!["down"; FRAMES]);
    assert_eq!(fault.message, "call stack exhausted; in down");
}

#[test]
fn names_are_made_readable_and_harmless() {
    let long = format!("{}é", "x".repeat(FRAME_BYTES - 1));
    for (name, told) in [
        ("_ZN5guest4mask17h0123456789abcdefE", "guest::mask".to_owned()),
        ("red\\1b[31m\\0a", "red\\u{1b}[31m".to_owned()),
        (&*long, format!("{}…", "x".repeat(FRAME_BYTES - 1))),
        ("<up> as <down>!", "<up> as <down>!".to_owned()),
    ] {
        let function = format!("(func $divide (@name \"{name}\") ");
        let named = text("trap").replace("(func $divide ", &function);
        let fault = poisoned(&wat::parse_str(named).unwrap());
        assert_eq!(fault.frames, [&*told, "process"]);
    }
}

/// The module without the section that names its functions.
fn stripped(module: &[u8]) -> Vec<u8> {
    let mut bytes = module[..8].to_vec();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let Some((id, range)) = payload.unwrap().as_section().filter(|(id, _)| *id != 0) else {
            continue;
        };
        let length = u32::try_from(range.len()).unwrap();
        // Numbers of five bytes each: seven bits and the mark that more follow.
        let digit = |at: u32| (length >> (7 * at)).to_le_bytes()[0] & 0x7f | u8::from(at < 4) << 7;
        bytes.push(id);
        bytes.extend((0..5).map(digit));
        bytes.extend(&module[range]);
    }
    bytes
}

#[test]
fn functions_without_names_are_told_by_their_numbers() {
    let fault = poisoned(&stripped(&guest("trap")));
    assert_eq!(fault.frames.len(), 2);
    assert!(fault.frames.iter().all(|frame| is_a_number(frame)), "{:?}", fault.frames);
    assert_eq!(fault.message, "integer divide by zero");
}

#[test]
fn where_the_clock_stands_still_no_plugin_is_to_blame() {
    // It never ticks, and counts as stopped a second after it should have begun.
    let runtime = Arc::new(Runtime::without_clock().unwrap());
    let bytes = guest("pass");
    let code = runtime.code(&bytes, &digest(&bytes)).unwrap();
    let started = Instant::now();
    while runtime.is_ticking() {
        assert!(started.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
    let (limits, voice) = (Limits::of(&setup()), voice());
    let fault = Live::start(&code.pre, &runtime.pulse, limits, &voice).map(drop).unwrap_err();
    assert_eq!(fault.class, FaultClass::NotRun);
}

#[test]
fn for_want_of_room_no_plugin_is_to_blame() {
    let limits = Limits::of(&setup());
    let mut guest = Guest::new(limits.memory, &voice());
    let error = in_starting(Error::msg("maximum concurrent limit reached"));
    let fault = classify(&error, &mut guest, &limits, limits.deadline);
    assert_eq!(fault.class, FaultClass::NotRun);
    let told = "the gateway has no room for an instance of it: maximum concurrent limit reached";
    assert_eq!(fault.message, told);
}
