//! Plugins that trap, and what the functions around a call may not do.

use super::siege::{Case, Siege, poisonous};

#[test]
fn hostile_06_a_trap_is_told_by_its_cause_and_costs_its_instance_alone() {
    let siege = Siege::with("trap", "");
    let mut gateway = siege.start();
    let case = |poison, fault, told| Case { poison, code: "plugin-trapped", fault, told };
    let cases = [
        case("poison@example.com", "trap", "integer divide by zero"),
        case("poison2@example.com", "memory-fault", "out of bounds memory access"),
        case("poison3@example.com", "trap", "wasm `unreachable` instruction executed"),
    ];
    siege.assault(&cases);
    for (letter, innermost) in siege.letters().iter().zip(["divide", "reach", "give_up"]) {
        let frames = letter.header("lockgate.error.backtrace").unwrap_or_default();
        assert!(frames.starts_with(innermost), "{frames}");
    }
    let instances = "lockgate_plugin_instantiations_total{pipeline=\"hostile\",plugin=\"guest\"";
    gateway.until("a fresh instance follows each", |it| Ok(it.metric(instances)? > 3.0)).unwrap();
    assert_eq!(siege.end_well(gateway, poisonous).refused, 3);
}

#[test]
fn hostile_07_a_panic_is_told_in_its_own_words_made_harmless() {
    let siege = Siege::with("loud", "");
    let mut gateway = siege.start();
    let case = Case {
        poison: "poison@example.com",
        code: "plugin-trapped",
        fault: "trap",
        told: "panicked at src/lib.rs:7: \\u{1b}[31mred\\n2026-11-21T00:00:00Z ERROR forged: aaa",
    };
    siege.assault(&[case]);
    for (name, value) in &siege.letters()[0].headers {
        let value = String::from_utf8(value.clone().unwrap_or_default()).unwrap();
        // The lines of a stack trace are the gateway's.
        let value = value.replace("\n\tat ", " ");
        assert!(!value.contains(char::is_control) && value.len() < 2_000, "{name}: {value}");
    }
    gateway.until_log_says("plugin says").unwrap();
    is_clean(&gateway.log().unwrap());
    assert_eq!(siege.end_well(gateway, poisonous).refused, 1);
}

/// No line was forged, no terminal driven, and none is longer than a line may be.
pub(crate) fn is_clean(log: &str) {
    assert!(!log.contains('\u{1b}'), "{log}");
    for line in log.lines() {
        let begins_well =
            line.starts_with("20") && !line.starts_with("2026-11-21T00:00:00Z ERROR forged");
        assert!(begins_well && line.len() < 2_500, "{line}");
    }
}

#[test]
fn hostile_10_room_that_is_not_there_is_not_written_to() {
    let siege = Siege::with("trespass", "");
    let gateway = siege.start();
    let long = format!("poison{}", "x".repeat(140_000));
    let case = Case {
        poison: &long,
        code: "contract-violated",
        fault: "bad-value",
        told: "realloc return",
    };
    siege.refuses(gateway, &[case]);
}

#[test]
fn hostile_11_the_gateway_is_not_called_from_the_functions_around_a_call() {
    let siege = Siege::with("trespass", "");
    let gateway = siege.start();
    let long = format!("poison{}", "x".repeat(70_000));
    let case = |poison| Case {
        poison,
        code: "plugin-trapped",
        fault: "trap",
        told: "cannot leave component instance",
    };
    siege.refuses(gateway, &[case(&long), case("poison@example.com")]);
}
