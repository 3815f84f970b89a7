//! The journey of a batch with stand-in plugins: what each kind of record becomes.

mod breaker;
mod answers;
mod bounds;
mod cloudevents;
mod concealed;
mod dms;
mod fake;
mod poison;
mod flat;
mod leaks;
mod maxwell;
mod mongo;
mod ogg;
mod parking;
mod protected;
mod proven;
mod rows;
mod sides;
mod spy;
mod swap;
mod ticdc;
mod ticdc_maxwell;
mod unpack;
mod waiting;

use std::sync::Arc;

use crate::config::{FaultPolicy, Payload};
use crate::contract::{Answer, Edit, FaultClass, Image, Plan, Rejection, Rename, kind};
use crate::contract::{Cells, Emission};
use fake::{Fake, Given, Lane, answer, carry, field, settings};

/// A Debezium update of `shop.public.customers`.
fn update(id: u32, email: &str) -> Given {
    Given::value(format!(
        r#"{{"before":{{"id":{id},"email":"old@x.io"}},"after":{{"id":{id}, "email":"{email}"}},{SOURCE},"op":"u"}}"#
    ))
    .key(format!(r#"{{"id":{id}}}"#))
}

fn delete(id: u32) -> Given {
    Given::value(format!(
        r#"{{"before":{{"id":{id},"email":"old@x.io"}},"after":null,{SOURCE},"op":"d"}}"#
    ))
    .key(format!(r#"{{"id":{id}}}"#))
}

const SOURCE: &str = r#""source":{"db":"shop","schema":"public","table":"customers"}"#;

/// Replaces `after.email`, where it is text, by `text`.
fn email_becomes(text: &'static str) -> Fake {
    let plan = Plan {
        reads: vec![field(Image::After, "email")],
        writes: vec![field(Image::After, "email")],
        ..Plan::default()
    };
    Fake::new(plan, move |batch| {
        let strings = batch.reads[0].kinds.iter().enumerate().filter(|(_, k)| **k == kind::STRING);
        let rows: Vec<u32> = strings.map(|(row, _)| u32::try_from(row).unwrap()).collect();
        answer(0, &rows, text)
    })
}

#[test]
fn without_plugins_a_record_leaves_as_it_came() {
    let given = update(1, "a@x.io").header("trace", Some("t1")).header("trace", None);
    insta::assert_snapshot!(carry(settings(), vec![], &[given]), @r#"
    forward clean.t-0 key={"id":1} value={"before":{"id":1,"email":"old@x.io"},"after":{"id":1, "email":"a@x.io"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"} trace=t1 trace=null
    "#);
}

#[test]
fn an_edit_replaces_its_cell_and_nothing_else() {
    insta::assert_snapshot!(carry(settings(), vec![email_becomes("***")], &[update(1, "a@x.io")]), @r#"
    forward clean.t-0 key={"id":1} value={"before":{"id":1,"email":"old@x.io"},"after":{"id":1, "email":"***"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"}
    "#);
}

#[test]
fn a_later_plugin_sees_what_an_earlier_one_wrote() {
    let plan = Plan {
        reads: vec![field(Image::After, "mail")],
        writes: vec![field(Image::After, "copy")],
        ..Plan::default()
    };
    let rename = Plan {
        renames: vec![Rename { column: field(Image::After, "email"), to: "mail".into() }],
        ..Plan::default()
    };
    let copies = Fake::new(plan, |batch| Answer {
        edits: vec![Edit { write: 0, rows: vec![0], cells: batch.reads[0].clone() }],
        ..Answer::default()
    });
    let renames = Fake::new(rename, |_| panic!("a plan without reads and writes costs no call"));
    let chain = vec![email_becomes("***"), renames, copies];
    insta::assert_snapshot!(carry(settings(), chain, &[update(1, "a@x.io")]), @r#"
    forward clean.t-0 key={"id":1} value={"before":{"id":1,"email":"old@x.io"},"after":{"id":1, "mail":"***","copy":"***"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"}
    "#);
}

#[test]
fn a_removed_header_is_no_column_of_the_key() {
    let plan = Plan { removes: vec![field(Image::Header, "id")], ..Plan::default() };
    let cuts = Fake::new(plan, |_| panic!("a plan without reads and writes costs no call"));
    let given = [update(1, "a@x.io").header("id", Some("7")).header("trace", Some("t1"))];
    let without = [update(1, "a@x.io").header("trace", Some("t1"))];
    assert_eq!(carry(settings(), vec![cuts], &given), carry(settings(), vec![], &without));
}

fn drops_deletes() -> Fake {
    let plan = Plan { reads: vec![field(Image::Before, "email")], ..Plan::default() };
    Fake::new(plan, |batch| Answer {
        drops: rows_where(batch.operations, |op| op == b'd'),
        ..Answer::default()
    })
}

#[test]
fn a_dropped_delete_takes_its_tombstone_along() {
    let given = [delete(1), Given::tombstone(r#"{"id":1}"#), update(2, "b@x.io")];
    insta::assert_snapshot!(carry(settings(), vec![drops_deletes()], &given), @r#"
    drop Plugin("fake")
    drop FollowsDelete
    forward clean.t-0 key={"id":2} value={"before":{"id":2,"email":"old@x.io"},"after":{"id":2, "email":"b@x.io"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"}
    "#);
}

/// As after a failed delivery, with the delete settled and the tombstone not.
#[test]
fn a_tombstone_that_is_read_again_goes_the_same_way_again() {
    let mut lane = Lane::new(settings(), vec![drops_deletes()]);
    lane.carry_from(0, &[delete(1)]);
    let tombstone = [Given::tombstone(r#"{"id":1}"#)];
    for _ in 0..2 {
        assert_eq!(lane.carry_from(1, &tombstone), "drop FollowsDelete\n");
    }
    // Another one of the same key follows nothing, nor does it once its delete passes.
    assert!(lane.carry_from(2, &tombstone).starts_with("forward"));
    lane.replace(Vec::new());
    let again = lane.carry_from(0, &[delete(1), tombstone[0].clone()]);
    assert!(again.lines().all(|line| line.starts_with("forward")), "{again}");
}

#[test]
fn a_tombstone_gets_the_masked_key_of_its_delete() {
    let plan = Plan {
        reads: vec![field(Image::Key, "id")],
        writes: vec![field(Image::Key, "id")],
        ..Plan::default()
    };
    let masks_keys = Fake::new(plan, |batch| {
        let rows: Vec<u32> = (0u32..).zip(batch.operations).map(|(row, _)| row).collect();
        answer(0, &rows, "k")
    });
    let given = [delete(1), Given::tombstone(r#"{"id":1}"#)];
    insta::assert_snapshot!(carry(settings(), vec![masks_keys], &given), @r#"
    forward clean.t-0 key={"id":"k"} value={"before":{"id":1,"email":"old@x.io"},"after":null,"source":{"db":"shop","schema":"public","table":"customers"},"op":"d"}
    forward clean.t-0 key={"id":"k"} value=null
    "#);
}

#[test]
fn a_rejected_row_is_dead_lettered_with_what_plugins_write_hidden() {
    let plan = Plan {
        reads: vec![field(Image::After, "email")],
        writes: vec![field(Image::After, "email"), field(Image::Before, "email")],
        ..Plan::default()
    };
    let rejects = Fake::new(plan, |_| Answer {
        rejections: vec![Rejection { row: 0, reason: "no".into() }],
        ..Answer::default()
    });
    insta::assert_snapshot!(carry(settings(), vec![rejects], &[update(1, "a@x.io"), update(2, "b@x.io")]), @r#"
    dead-letter plugin-rejected by plugin "fake": the plugin refused the row: no (masked) key={"id":1} value={"before":{"id":1,"email":"[redacted]"},"after":{"id":1, "email":"[redacted]"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"}
    forward clean.t-0 key={"id":2} value={"before":{"id":2,"email":"old@x.io"},"after":{"id":2, "email":"b@x.io"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"}
    "#);
}

#[test]
fn a_faulting_batch_is_tried_twice_and_its_neighbours_go_on() {
    let plan = Plan { reads: vec![field(Image::After, "email")], ..Plan::default() };
    let traps = Fake::faulting(plan, FaultClass::Trap).only_table("public.customers");
    let calls = Arc::clone(&traps.calls);
    let other = Given::value(
        r#"{"after":{"id":9},"source":{"db":"shop","schema":"public","table":"orders"},"op":"c"}"#,
    );
    let mut settings = settings();
    settings.dead_letter_payload = Payload::Omit;
    insta::assert_snapshot!(carry(settings, vec![traps], &[update(1, "a@x.io"), other]), @r#"
    dead-letter plugin-trapped by plugin "fake": it failed (omitted)
    forward clean.t-0 value={"after":{"id":9},"source":{"db":"shop","schema":"public","table":"orders"},"op":"c"}
    "#);
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn a_lying_answer_is_refused_as_a_whole() {
    let plan = Plan {
        reads: vec![field(Image::After, "email")],
        writes: vec![field(Image::After, "email")],
        ..Plan::default()
    };
    let lies = Fake::new(plan, |_| {
        let mut good = answer(0, &[0], "***");
        good.drops.push(7);
        good
    });
    let mut settings = settings();
    settings.dead_letter_payload = Payload::Omit;
    let seen = carry(settings, vec![lies], &[update(1, "a@x.io"), update(2, "b@x.io")]);
    assert_eq!(seen.matches("dead-letter contract-violated").count(), 2, "{seen}");
}

#[test]
fn the_fault_policy_decides_what_becomes_of_a_poisonous_event() {
    let faulting = |policy| {
        let plan = Plan { reads: vec![field(Image::After, "email")], ..Plan::default() };
        let plugin = Fake::faulting(plan, FaultClass::Timeout).on_fault(policy);
        let seen = carry(settings(), vec![plugin], &[update(1, "a@x.io")]);
        seen.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(faulting(FaultPolicy::DeadLetter), "dead-letter plugin-timeout");
    assert_eq!(faulting(FaultPolicy::Drop), "drop Policy");
    assert_eq!(faulting(FaultPolicy::Pass), "forward clean.t-0");
    assert_eq!(faulting(FaultPolicy::Halt), "halt plugin-timeout");
}

#[test]
fn half_a_surrogate_pair_refuses_its_row_only_where_the_cell_is_asked_for() {
    let given = [update(1, "\\ud800"), update(2, "b@x.io")];
    let asked = carry(settings(), vec![email_becomes("***")], &given);
    assert_eq!(asked.matches("dead-letter undecodable").count(), 1, "{asked}");
    assert_eq!(asked.matches("forward").count(), 1, "{asked}");
    let unasked = carry(settings(), vec![], &given);
    assert_eq!(unasked.matches("forward").count(), 2, "{unasked}");
}

#[test]
fn a_key_that_is_no_object_is_refused_where_a_plugin_changes_keys() {
    let plan = Plan { writes: vec![field(Image::Key, "id")], ..Plan::default() };
    let writes_key = Fake::new(plan, |_| Answer::default());
    let given = [update(1, "a@x.io"), update(2, "b@x.io").key("plain text".into())];
    let seen = carry(settings(), vec![writes_key], &given);
    assert_eq!(seen.matches("forward").count(), 1, "{seen}");
    assert!(seen.contains("the key is not a JSON object"), "{seen}");
}

#[test]
fn a_table_that_a_plugin_refuses_to_open_halts() {
    let refuses = Fake::refusing("column email has a type that cannot be masked");
    insta::assert_snapshot!(carry(settings(), vec![refuses], &[update(1, "a@x.io")]), @r#"
    halt plugin-rejected by plugin "fake": opening table "shop.public.customers": the plugin refused: column email has a type that cannot be masked
    "#);
}

#[test]
fn emissions_follow_their_row_or_stand_in_for_it() {
    let emission = || Emission {
        row: 0,
        topic: "audit".into(),
        key: None,
        value: Some(b"seen".to_vec()),
        headers: vec![],
    };
    let plan = || Plan { reads: vec![field(Image::After, "id")], ..Plan::default() };
    let beside =
        Fake::new(plan(), move |_| Answer { emissions: vec![emission()], ..Answer::default() });
    let instead = Fake::new(plan(), move |_| Answer {
        emissions: vec![emission()],
        drops: vec![0],
        ..Answer::default()
    });
    let given = [Given::value(r#"{"after":{"id":1},"source":{"db":"s","table":"t"},"op":"c"}"#)];
    insta::assert_snapshot!(carry(settings(), vec![beside], &given), @r#"
    forward clean.t-0 value={"after":{"id":1},"source":{"db":"s","table":"t"},"op":"c"}
      audit-0 value=seen
    "#);
    insta::assert_snapshot!(carry(settings(), vec![instead], &given), @"
    replace
      audit-0 value=seen
    ");
}

#[test]
fn a_plugin_names_the_topic_and_sets_headers() {
    let plan = Plan {
        writes: vec![field(Image::Meta, "topic"), field(Image::Header, "h")],
        ..Plan::default()
    };
    let routes = Fake::new(plan, |_| {
        let mut routed = answer(0, &[0], "pii.customers");
        routed.edits.extend(answer(1, &[0], "v").edits);
        routed
    });
    let seen = carry(settings(), vec![routes], &[update(1, "a@x.io").header("h", Some("old"))]);
    assert!(seen.starts_with("forward pii.customers-0 "), "{seen}");
    assert!(seen.trim_end().ends_with(" h=v"), "{seen}");
}

#[test]
fn classes_that_no_plugin_sees_pass_and_the_unknown_is_refused() {
    let heartbeat = Given::value(r#"{"ts_ms":1}"#);
    let unknown = Given::value(r#"{"what":"is this"}"#);
    let malformed = Given::value(r#"{"after":"#);
    let seen = carry(settings(), vec![], &[heartbeat, unknown, malformed]);
    let ends: Vec<&str> = seen.lines().map(|line| line.split(": ").next().unwrap()).collect();
    let expected = [
        r#"forward clean.t-0 value={"ts_ms":1}"#,
        "dead-letter unknown-class",
        "dead-letter undecodable",
    ];
    assert_eq!(ends, expected, "{seen}");
}

#[test]
fn an_output_over_the_limit_is_a_dead_letter_without_payload() {
    let mut settings = settings();
    settings.limits.record_bytes = 100;
    let seen = carry(settings, vec![], &[update(1, "a@x.io")]);
    assert!(seen.starts_with("dead-letter too-large: "), "{seen}");
    assert!(seen.contains("(omitted)"), "{seen}");
}

#[test]
fn an_unsplit_batch_of_cells_keeps_its_rows_apart() {
    let plan = Plan { reads: vec![field(Image::After, "email")], ..Plan::default() };
    let looks = Fake::new(plan, |batch| {
        let expected = Cells {
            kinds: vec![kind::STRING, kind::NULL, kind::ABSENT, kind::UNAVAILABLE],
            ends: vec![3, 3, 3, 3],
            data: b"a\"b".to_vec(),
        };
        assert_eq!(batch.reads[0], expected);
        Answer::default()
    });
    let after =
        |email: &str| Given::value(format!(r#"{{"after":{{"id":1{email}}},{SOURCE},"op":"c"}}"#));
    let given = [
        after(r#","email":"a\"b""#),
        after(r#","email":null"#),
        after(""),
        after(r#","email":"__debezium_unavailable_value""#),
    ];
    let seen = carry(settings(), vec![looks], &given);
    assert_eq!(seen.matches("forward").count(), 4, "{seen}");
}

fn rows_where(operations: &[u8], wanted: impl Fn(u8) -> bool) -> Vec<u32> {
    let rows = operations.iter().enumerate().filter(|(_, op)| wanted(**op));
    rows.map(|(row, _)| u32::try_from(row).unwrap()).collect()
}
