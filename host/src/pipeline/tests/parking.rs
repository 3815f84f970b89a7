//! `on_fault = "dead-letter-key"`: what comes after a refused record under its key goes where it went, in its order.

use std::sync::Arc;
use std::time::Instant;

use super::fake::{Fake, Given, Lane, field, settings};
use super::{delete, rows_where, update};
use crate::breaker::Order;
use crate::change::Class;
use crate::config::{ClassPolicy, FaultPolicy, Pipeline as Settings};
use crate::contract::{Answer, Batch, Fault, FaultClass, Image, Plan};
use crate::table::Dialect;

/// Masks addresses, drops where one is "drop", and fails where one holds "poison".
fn guest() -> Fake {
    let email = field(Image::After, "email");
    let plan = Plan {
        reads: vec![email.clone()],
        writes: vec![email],
        independent: true,
        ..Plan::default()
    };
    let plugin = Fake::answering(plan, |batch: Batch<'_>| {
        let data = &batch.reads[0].data;
        if memchr::memmem::find(data, b"poison").is_some() {
            return Err(Fault::new(FaultClass::Trap, "it failed"));
        }
        let only_drops = data.as_slice() == b"drop";
        let drops = rows_where(batch.operations, |op| op == b'u' && only_drops);
        Ok(Answer { drops, ..Answer::default() })
    });
    plugin.on_fault(FaultPolicy::DeadLetterKey)
}

fn lane() -> Lane {
    Lane::new(settings(), vec![guest()])
}

/// `forward 1`, `dead-letter 1 follows 0`: what became of each record, with its row.
fn told(lane: &mut Lane, first: i64, given: &[Given]) -> Vec<String> {
    let seen = lane.carry_from(first, given);
    let brief = |line: &str| {
        let ending = line.split(' ').next().unwrap_or_default();
        let offset = line.split("at offset ").nth(1).and_then(|rest| rest.split(',').next());
        offset.map_or(ending.to_owned(), |offset| format!("{ending}, follows {offset}"))
    };
    seen.lines().map(brief).collect()
}

#[test]
fn later_records_of_the_key_follow_within_the_batch_and_after_it() {
    let mut lane = lane();
    let given =
        [update(1, "a"), update(1, "poison"), update(2, "b"), update(1, "c"), update(2, "d")];
    assert_eq!(
        told(&mut lane, 0, &given),
        ["forward", "dead-letter", "forward", "dead-letter, follows 1", "forward"]
    );
    let given = [update(2, "e"), update(1, "drop"), delete(1), Given::tombstone(r#"{"id":1}"#)];
    let follows = "dead-letter, follows 1";
    assert_eq!(told(&mut lane, 5, &given), ["forward", follows, follows, follows]);
}

#[test]
fn the_reason_says_whom_it_follows_and_how_to_let_it_go_on() {
    let seen = lane().carry(&[update(1, "poison"), update(1, "secret")]);
    insta::assert_snapshot!(seen, @r#"
    dead-letter plugin-trapped by plugin "fake": it failed (masked) key={"id":1} value={"before":{"id":1,"email":"old@x.io"},"after":{"id":1, "email":"[redacted]"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"}
    dead-letter plugin-rejected by plugin "fake": its key follows the record at offset 0, which was refused; let it go on with `lockgate plugin release fake` (masked) key={"id":1} value={"before":{"id":1,"email":"old@x.io"},"after":{"id":1, "email":"[redacted]"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"}
    "#);
}

#[test]
fn records_that_no_plugin_sees_follow_as_well() {
    let classes = [(Class::Unknown, ClassPolicy::Pass)].into();
    let mut lane = Lane::new(Settings { classes, ..settings() }, vec![guest()]);
    let unknown = || Given::value("{}").key(r#"{"id":1}"#.to_owned());
    let given = [unknown(), update(1, "poison"), unknown()];
    assert_eq!(told(&mut lane, 0, &given), ["forward", "dead-letter", "dead-letter, follows 1"]);
}

#[test]
fn a_record_without_a_key_parks_nothing() {
    let mut lane = lane();
    let keyless = |email: &str| update(1, email).without_key();
    let given = [keyless("poison"), keyless("a"), update(1, "a")];
    assert_eq!(told(&mut lane, 0, &given), ["dead-letter", "forward", "forward"]);
    assert!(lane.pipeline().parked().counts().is_empty());
}

#[test]
fn under_another_policy_nothing_is_parked() {
    let mut lane = Lane::new(settings(), vec![guest().on_fault(FaultPolicy::DeadLetter)]);
    assert_eq!(
        told(&mut lane, 0, &[update(1, "poison"), update(1, "a")]),
        ["dead-letter", "forward"]
    );
}

#[test]
fn a_released_key_goes_on_and_its_next_delete_takes_its_tombstone_along() {
    let mut lane = lane();
    let tombstone = || Given::tombstone(r#"{"id":1}"#);
    told(&mut lane, 0, &[update(1, "poison"), delete(1), tombstone()]);
    lane.pipeline().parked_mut().release(Some("fake"));
    // A tombstone of its own accord comes first.
    let given = [tombstone(), update(1, "a"), delete(1), tombstone()];
    assert_eq!(told(&mut lane, 3, &given), ["forward"; 4]);
}

#[test]
fn a_delete_that_passes_when_it_is_read_again_takes_its_tombstone_along() {
    let plan = Plan { reads: vec![field(Image::Before, "email")], ..Plan::default() };
    let fails = Fake::faulting(plan, FaultClass::Trap).on_fault(FaultPolicy::DeadLetterKey);
    let mut lane = Lane::new(settings(), vec![fails]);
    told(&mut lane, 0, &[delete(1)]);
    lane.replace(Vec::new());
    lane.pipeline().parked_mut().rewind(&"t".into(), 0, 0);
    let given = [delete(1), Given::tombstone(r#"{"id":1}"#)];
    assert_eq!(told(&mut lane, 0, &given), ["forward"; 2]);
}

#[test]
fn a_tombstone_goes_the_way_of_its_delete_even_after_a_release() {
    let mut lane = lane();
    told(&mut lane, 0, &[update(1, "poison"), delete(1)]);
    lane.pipeline().parked_mut().release(None);
    let given = [Given::tombstone(r#"{"id":1}"#), update(1, "a")];
    assert_eq!(told(&mut lane, 2, &given), ["dead-letter, follows 0", "forward"]);
}

#[test]
fn one_key_too_many_halts_the_partition_until_a_release() {
    let guest = guest();
    // Else it would not be called any more long before.
    guest.breaker.order(Order::Close, Instant::now());
    let mut lane = Lane::new(settings(), vec![guest]);
    let poisonous: Vec<Given> = (0..257).map(|id| update(id, "poison")).collect();
    let seen = lane.carry(&poisonous);
    let last = seen.lines().last().unwrap();
    assert_eq!(
        last,
        "halt plugin-trapped by plugin \"fake\": it failed; its key cannot be parked, since 256 of the partition are, as many \
         as its commit can name; mend the plugin, and let them go on with `lockgate plugin release fake`"
    );
    assert_eq!(seen.lines().filter(|line| line.starts_with("dead-letter")).count(), 256);
    // It is read again, and stays where it is until there is room.
    assert_eq!(told(&mut lane, 256, &[update(256, "poison"), update(3, "a")])[0], "halt");
    lane.pipeline().parked_mut().release(None);
    let given = [update(256, "poison"), update(3, "a"), update(256, "a")];
    assert_eq!(
        told(&mut lane, 256, &given),
        ["dead-letter", "forward", "dead-letter, follows 256"]
    );
}

#[test]
fn what_is_read_again_is_judged_again() {
    let mut lane = lane();
    told(&mut lane, 0, &[update(1, "poison"), update(2, "poison")]);
    lane.replace(vec![Fake::new(Plan::default(), |_| Answer::default())]);
    let topic: Arc<str> = "t".into();
    lane.pipeline().parked_mut().rewind(&topic, 0, 1);
    let given = [update(2, "poison"), update(2, "a"), update(1, "a")];
    assert_eq!(told(&mut lane, 1, &given), ["forward", "forward", "dead-letter, follows 0"]);
}

#[test]
fn where_nobody_can_know_what_is_parked_nothing_goes_on() {
    let mut lane = lane();
    lane.pipeline().parked_mut().restore(&"t".into(), 0, "by hand");
    let seen = lane.carry(&[update(1, "a")]);
    assert!(seen.starts_with("halt plugin-rejected: what is noted beside the committed"), "{seen}");
}

/// One plugin refuses the first row and parks its key, another the last row by the plain policy.
#[test]
fn of_several_rows_one_that_parks_the_key_is_enough() {
    let fails_on = |text: &'static str, policy| {
        let plan =
            Plan { reads: vec![field(Image::After, "n")], independent: true, ..Plan::default() };
        let fails = move |batch: Batch<'_>| match memchr::memmem::find(
            &batch.reads[0].data,
            text.as_bytes(),
        ) {
            Some(_) => Err(Fault::new(FaultClass::Trap, "it failed")),
            None => Ok(Answer::default()),
        };
        Fake::answering(plan, fails).on_fault(policy)
    };
    let message = r#"{"data":[{"id":"1","n":"poison"},{"id":"2","n":"venom"}],"database":"d","old":null,"pkNames":["id"],"table":"t","type":"INSERT"}"#;
    let settings =
        Settings { name: "p".into(), ..Settings::offline("plugins".into(), Dialect::Canal) };
    let plugins = vec![
        fails_on("poison", FaultPolicy::DeadLetterKey),
        fails_on("venom", FaultPolicy::DeadLetter),
    ];
    let mut lane = Lane::new(settings, plugins);
    let given = || Given::value(message).key("k".to_owned());
    assert_eq!(told(&mut lane, 0, &[given(), given()]), ["dead-letter", "dead-letter, follows 0"]);
}
