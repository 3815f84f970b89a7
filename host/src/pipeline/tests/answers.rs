//! Answers that keep every rule and still have nothing to hold on to in some of their rows.

use insta::assert_snapshot;

use super::fake::{Fake, Given, answer, carry, field, settings};
use crate::config::FaultPolicy;
use crate::contract::{Answer, Cells, Edit, Emission, Field, Image, Plan, Rejection, kind};

fn event(op: &str, before: &str, after: &str) -> Given {
    Given::value(format!(
        r#"{{"before":{before},"after":{after},"source":{{"db":"d","table":"t"}},"op":"{op}"}}"#
    ))
}

fn inside(name: &str, pointer: &str) -> Field {
    Field { pointer: pointer.to_owned(), ..field(Image::After, name) }
}

fn writes(fields: &[Field]) -> Plan {
    Plan { writes: fields.to_vec(), ..Plan::default() }
}

fn removal(write: u32, rows: &[u32]) -> Edit {
    let cells = Cells {
        kinds: vec![kind::ABSENT; rows.len()],
        ends: vec![0; rows.len()],
        data: Vec::new(),
    };
    Edit { write, rows: rows.to_vec(), cells }
}

#[test]
fn what_is_removed_inside_a_column_that_is_not_there_leaves_nothing_behind() {
    let given = [
        event("c", "null", r#"{"id":1,"profile":{"ssn":"1"}}"#),
        event("c", "null", r#"{"id":2}"#),
    ];
    let plan = Plan { removes: vec![inside("profile", "/ssn")], ..Plan::default() };
    assert_snapshot!(carry(settings(), vec![Fake::new(plan, |_| Answer::default())], &given), @r#"
    forward clean.t-0 value={"before":null,"after":{"id":1,"profile":{}},"source":{"db":"d","table":"t"},"op":"c"}
    forward clean.t-0 value={"before":null,"after":{"id":2},"source":{"db":"d","table":"t"},"op":"c"}
    "#);
    let plan = writes(&[inside("profile", "/ssn"), inside("new", "/a")]);
    let edits = vec![removal(0, &[0, 1]), removal(1, &[0, 1])];
    let fake = Fake::new(plan, move |_| Answer { edits: edits.clone(), ..Answer::default() });
    assert_snapshot!(carry(settings(), vec![fake], &given), @r#"
    forward clean.t-0 value={"before":null,"after":{"id":1,"profile":{}},"source":{"db":"d","table":"t"},"op":"c"}
    forward clean.t-0 value={"before":null,"after":{"id":2},"source":{"db":"d","table":"t"},"op":"c"}
    "#);
}

#[test]
fn a_row_that_passes_after_a_fault_has_none_of_the_edits() {
    let given = [event("c", "null", r#"{"id":1,"email":"a@x.io","profile":"none"}"#)];
    let plan = || writes(&[field(Image::After, "email"), inside("profile", "/ssn")]);
    let emission = || Emission {
        row: 0,
        topic: "made".to_owned(),
        key: None,
        value: None,
        headers: Vec::new(),
    };
    let unreachable = move || Answer {
        edits: [0, 1].map(|write| answer(write, &[0], "x").edits.remove(0)).to_vec(),
        emissions: vec![emission()],
        ..Answer::default()
    };
    let rejected = || Answer {
        rejections: vec![Rejection { row: 0, reason: "no".to_owned() }],
        ..answer(0, &[0], "x")
    };
    let mut left = String::new();
    for policy in [FaultPolicy::Pass, FaultPolicy::DeadLetter] {
        let fakes =
            [Fake::new(plan(), move |_| unreachable()), Fake::new(plan(), move |_| rejected())];
        for fake in fakes {
            left += &carry(settings(), vec![fake.on_fault(policy)], &given);
        }
    }
    assert_snapshot!(left, @r#"
    forward clean.t-0 value={"before":null,"after":{"id":1,"email":"a@x.io","profile":"none"},"source":{"db":"d","table":"t"},"op":"c"}
    forward clean.t-0 value={"before":null,"after":{"id":1,"email":"a@x.io","profile":"none"},"source":{"db":"d","table":"t"},"op":"c"}
    dead-letter contract-violated by plugin "fake": the edit of after.profile#/ssn reaches into a cell that holds no JSON (masked) value={"before":null,"after":{"id":1,"email":"[redacted]","profile":"[redacted]"},"source":{"db":"d","table":"t"},"op":"c"}
    dead-letter plugin-rejected by plugin "fake": the plugin refused the row: no (masked) value={"before":null,"after":{"id":1,"email":"[redacted]","profile":"[redacted]"},"source":{"db":"d","table":"t"},"op":"c"}
    "#);
}

#[test]
fn json_with_blanks_around_it_is_json_for_the_next_plugin_too() {
    let given = [event("c", "null", r#"{"id":1,"profile":{}}"#)];
    let wide = || {
        let mut wide = answer(0, &[0], " {\"a\":1}\n");
        wide.edits[0].cells.kinds = vec![kind::JSON];
        wide
    };
    let first = Fake::new(writes(&[field(Image::After, "profile")]), move |_| wide());
    let next = Plan { reads: vec![inside("profile", "/a")], ..writes(&[inside("profile", "/a")]) };
    let second = Fake::new(next, |batch| {
        assert_eq!((batch.reads[0].kinds[0], &*batch.reads[0].data), (kind::NUMBER, &b"1"[..]));
        answer(0, &[0], "x")
    });
    assert_snapshot!(carry(settings(), vec![first, second], &given), @r#"forward clean.t-0 value={"before":null,"after":{"id":1,"profile":{"a":"x"}},"source":{"db":"d","table":"t"},"op":"c"}"#);
}

#[test]
fn a_new_column_of_an_image_that_is_not_there_is_not_there_for_the_next_plugin_either() {
    let given = [event("c", "null", r#"{"id":1}"#)];
    let new = field(Image::Before, "new");
    let first = Fake::new(writes(std::slice::from_ref(&new)), |_| answer(0, &[0], "x"));
    let next = Plan { reads: vec![new], ..Plan::default() };
    let second = Fake::new(next, |batch| {
        assert_eq!(batch.reads[0].kinds, [kind::ABSENT]);
        Answer::default()
    });
    assert_snapshot!(carry(settings(), vec![first, second], &given), @r#"forward clean.t-0 value={"before":null,"after":{"id":1},"source":{"db":"d","table":"t"},"op":"c"}"#);
}
