//! Other plugins in place of the present ones: which tables are open with them, and what outputs say of their chain.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::config::Pipeline as Settings;
use crate::contract::{Answer, Batch, Fault, Transform};
use crate::pipeline::Pipeline;
use crate::pipeline::tests::fake::Lane;
use crate::record::Record;
use crate::table::Table;

fn emission() -> Emission {
    Emission {
        row: 0,
        topic: "side".into(),
        key: None,
        value: Some(b"made".to_vec()),
        headers: Vec::new(),
    }
}

#[test]
fn every_output_bears_the_digest_of_its_chain_where_it_is_to() {
    let stamped = || Settings { stamp: true, ..settings() };
    let plan = || Plan { reads: vec![field(Image::After, "email")], ..Plan::default() };
    let emits =
        || Fake::new(plan(), |_| Answer { emissions: vec![emission()], ..Answer::default() });
    let drops = Fake::new(plan(), |_| Answer {
        drops: vec![0],
        emissions: vec![emission()],
        ..Answer::default()
    });
    let tombstone = Given::tombstone(r#"{"id":1}"#);
    let heartbeat = Given::value(r#"{"ts_ms":1}"#).header("lockgate.chain", Some("upstream"));
    let given = [update(1, "a@x.io"), tombstone, heartbeat];

    let mut lane = Lane::new(stamped(), vec![emits()]);
    let first = lane.carry(&given);
    lane.replace(vec![emits()]);
    assert_eq!(lane.carry(&given), first.replace("=first", "=second"));
    insta::assert_snapshot!(first, @r#"
    forward clean.t-0 key={"id":1} value={"before":{"id":1,"email":"old@x.io"},"after":{"id":1, "email":"a@x.io"},"source":{"db":"shop","schema":"public","table":"customers"},"op":"u"} lockgate.chain=first
      side-0 value=made lockgate.chain=first
    forward clean.t-0 key={"id":1} value=null lockgate.chain=first
    forward clean.t-0 value={"ts_ms":1} lockgate.chain=upstream lockgate.chain=first
    "#);
    insta::assert_snapshot!(carry(stamped(), vec![drops], &given[..1]), @r"
    replace
      side-0 value=made lockgate.chain=first
    ");

    // Nothing is different without it.
    let plain = carry(settings(), vec![emits()], &given);
    assert_eq!(plain, first.replace(" lockgate.chain=first", ""));
}

#[test]
fn the_mark_counts_where_an_output_is_too_large() {
    let event = update(1, "a@x.io");
    let smallest_limit = |stamp: bool| {
        let passes = |limit: &usize| {
            let mut settings = Settings { stamp, ..settings() };
            settings.limits.record_bytes = *limit;
            carry(settings, Vec::new(), std::slice::from_ref(&event)).starts_with("forward")
        };
        (1..1_000).find(passes).unwrap()
    };
    let mark = "lockgate.chain".len() + "first".len();
    assert_eq!(smallest_limit(true), smallest_limit(false) + mark);
}

/// Counts the tables it opens.
struct Opens(Arc<AtomicUsize>);

impl Transform for Opens {
    fn open_table(&mut self, _: &Table) -> Result<Option<Plan>, Fault> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Plan::default()))
    }

    fn process(&mut self, _: Batch<'_>) -> Result<Answer, Fault> {
        Ok(Answer::default())
    }

    fn discard(&mut self, _: &Fault) {}
}

#[test]
fn known_tables_are_open_with_other_plugins_before_the_next_record_and_not_once_more() {
    let opened = Arc::new(AtomicUsize::new(0));
    let stages = || {
        let stage = Fake::new(Plan::default(), |_| Answer::default()).stage();
        vec![crate::chain::Stage { transform: Box::new(Opens(Arc::clone(&opened))), ..stage }]
    };
    let topic: Arc<str> = "t".into();
    let value = |table: &str| {
        format!(
            r#"{{"before":null,"after":{{"id":1}},"source":{{"db":"d","schema":"s","table":"{table}"}},"op":"c"}}"#
        )
    };
    let values = [value("one"), value("two"), value("three")];
    let records: Vec<Record<'_>> = values
        .iter()
        .map(|value| Record {
            topic: &topic,
            partition: 0,
            offset: 0,
            timestamp: None,
            key: None,
            value: Some(value.as_bytes()),
            headers: Vec::new(),
        })
        .collect();
    let mut pipeline = Pipeline::new(Arc::new(settings()), stages());
    pipeline.process(&records, |_, _, _| true);
    assert_eq!(opened.swap(0, Ordering::Relaxed), 3);

    pipeline.replace_stages(stages(), "", || true);
    assert_eq!(opened.swap(0, Ordering::Relaxed), 3);
    pipeline.process(&records, |_, _, _| true);
    assert_eq!(opened.load(Ordering::Relaxed), 0);

    // Where time is short, the rest is opened as it comes.
    let mut left = 1;
    pipeline.replace_stages(stages(), "", || {
        left -= 1;
        left >= 0
    });
    assert_eq!(opened.load(Ordering::Relaxed), 1);
    pipeline.process(&records, |_, _, _| true);
    assert_eq!(opened.load(Ordering::Relaxed), 3);
}
