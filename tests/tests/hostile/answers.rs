//! Plugins whose answers are no answers, or lies.

use super::guest;
use super::siege::{Case, GUEST, Siege, harmless, poisonous};

#[test]
fn hostile_09_an_answer_that_is_no_value_of_the_contract_is_not_read() {
    let siege = Siege::with("misfit", "");
    let gateway = siege.start();
    let case = |poison, told| Case { poison, code: "contract-violated", fault: "bad-value", told };
    let cases = [
        case("poison1@example.com", "invalid utf-8"),
        case("poison2@example.com", "out of bounds"),
        case("poison3@example.com", "not aligned"),
        case("poison4@example.com", "discriminant"),
        case("poison5@example.com", "out of bounds"),
        case("poison6@example.com", "not aligned"),
    ];
    siege.refuses(gateway, &cases);
}

#[test]
fn hostile_12_an_answer_that_breaks_its_plan_is_refused_whole() {
    let siege = Siege::with("lies", "");
    let gateway = siege.start();
    let case =
        |poison, told| Case { poison, code: "contract-violated", fault: "contract-violated", told };
    let cases = [
        case("poison1@example.com", "there is no row 65535 in a batch of 1"),
        case("poison2@example.com", "row 0 repeats or goes back"),
        case("poison3@example.com", "row 0 is both dropped and rejected"),
        case("poison4@example.com", "there is no write 1 in a plan of 1"),
        case("poison5@example.com", "the last end is 5, and there are 1 bytes"),
        case("poison6@example.com", "UTF-8"),
        case("poison7@example.com", "1 rows, 0 kinds and 1 ends"),
        case("poison8@example.com", "there are two"),
        case("poison9@example.com", "a cell cannot be made unavailable"),
    ];
    siege.refuses(gateway, &cases);
}

/// A plugin names what it writes by its place in its plan, and the gateway judges the plan: there is no other way to a column, be
/// it a key's or any.
#[test]
fn hostile_13_what_a_plugin_has_not_planned_or_may_not_plan_it_cannot_write() {
    let siege = Siege::with("lies", "");
    let mut gateway = siege.start();
    let case = Case {
        poison: "poison4@example.com",
        code: "contract-violated",
        fault: "contract-violated",
        told: "there is no write 1 in a plan of 1",
    };
    siege.assault(&[case]);
    siege.folder.put(GUEST, guest::module("offset")).unwrap();
    let told = "of the meta fields only the topic can be written";
    gateway.until_readyz_says(told).unwrap();
    siege.attack((0..50).map(harmless));
    siege.attack(["poison4@example.com".to_owned()]);
    siege.attack((0..50).map(harmless));
    siege.others_flow();
    assert_eq!(siege.end_well(gateway, poisonous).refused, 2);
    let offsets = siege.outputs();
    assert!(
        offsets.iter().all(|it| it.key.as_deref().is_some_and(|key| key.starts_with(b"{\"id\":")))
    );
}
