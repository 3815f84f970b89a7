//! Where partitions begin, what is committed of them, and what happens when offsets are gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockgate::kafka::Advance;

use super::*;

#[test]
fn a_commit_says_more_than_the_offset() {
    let (broker, client) = start(2);
    client.produce("in", &numbered(2, 0..10)).unwrap();
    let mut lane = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut lane], &[5, 5]);
    let at = ("in".to_owned(), 0);
    let committed = broker.fake().with_state(|state| state.groups["g"].offsets[&at].clone());
    // The epoch lets the broker find out that its log was cut back; the note tells an added partition from a first start.
    assert_eq!(committed.leader_epoch, 0);
    assert_eq!(committed.metadata.as_deref(), Some("lockgate/1 partitions=2"));
}

#[test]
fn a_commit_that_the_broker_refuses_is_told_and_tried_again_while_nothing_moves() {
    let (broker, client) = start(2);
    let refuses = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&refuses);
    broker.fake().on(ApiKey::OffsetCommit, move |_| match now.load(Ordering::Relaxed) {
        true => Control::Error(ErrorCode::GroupAuthorizationFailed),
        false => Control::Pass,
    });
    let mut lane = lane(&broker, 0, Start::Earliest);
    client.produce("in", &numbered(2, 0..10)).unwrap();
    settle(&broker, &mut [&mut lane], &[5, 5]);
    refuses.store(true, Ordering::Relaxed);
    client.produce("in", &numbered(2, 10..20)).unwrap();
    let told = "committing offsets";
    eventually("it is told and nothing is left to copy", PATIENCE, || {
        lane.turn();
        Ok(lane.seen.iter().any(|seen| seen.starts_with(told)) && ended(&broker, &[10, 10]))
    })
    .unwrap();
    assert_eq!(broker.committed("g", "in", 0), Some(5));
    // As after a wait for a plugin: what was to be committed of it is forgotten.
    let at = TopicPartition::new(&"in".into(), 0);
    lane.source.halt(&at).unwrap();
    lane.source.resume(&at, Mark { offset: 10, leader_epoch: 0 }).unwrap();
    refuses.store(false, Ordering::Relaxed);
    settle(&broker, &mut [&mut lane], &[10, 10]);
}

#[test]
fn offsets_that_are_gone_halt_the_partition_with_the_range() {
    let (broker, client) = start(2);
    client.produce("in", &numbered(2, 0..20)).unwrap();
    let mut first = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut first], &[10, 10]);
    first.stop();
    client.produce("in", &numbered(2, 20..40)).unwrap();
    broker.delete_before("in", 0, 17);
    let mut second = lane(&broker, 0, Start::Earliest);
    eventually("the loss is seen", PATIENCE, || {
        second.turn();
        Ok(second.seen.iter().any(|seen| seen.contains("lost")) && ended(&broker, &[10, 20]))
    })
    .unwrap();
    assert_eq!(second.seen.last().unwrap(), "in-0 lost 10..17, has 17..20");
    assert_eq!(broker.committed("g", "in", 0), Some(10));
    // What `on_lost_offsets = "earliest"` does.
    let at = TopicPartition::new(&"in".into(), 0);
    second.source.resume(&at, Mark { offset: 17, leader_epoch: -1 }).unwrap();
    settle(&broker, &mut [&mut second], &[13, 20]);
}

#[test]
fn a_halted_partition_stands_still_until_it_is_resumed() {
    let (broker, client) = start(2);
    let mut lane = lane(&broker, 0, Start::Earliest);
    client.produce("in", &numbered(2, 0..10)).unwrap();
    settle(&broker, &mut [&mut lane], &[5, 5]);
    let at = TopicPartition::new(&"in".into(), 0);
    lane.source.halt(&at).unwrap();
    client.produce("in", &numbered(2, 10..20)).unwrap();
    eventually("the other partition goes on", PATIENCE, || {
        lane.turn();
        Ok(ended(&broker, &[5, 10]))
    })
    .unwrap();
    lane.source.resume(&at, Mark { offset: 5, leader_epoch: 0 }).unwrap();
    settle(&broker, &mut [&mut lane], &[10, 10]);
    assert_eq!(values(&client), sequences(2, 20));
}

#[test]
fn the_end_is_a_start_that_is_remembered() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..10)).unwrap();
    let mut first = lane(&broker, 0, Start::Latest);
    eventually("the start is committed", PATIENCE, || {
        first.turn();
        Ok(broker.committed("g", "in", 0) == Some(10))
    })
    .unwrap();
    assert_eq!(first.seen, ["in-0 from 10 (start)"]);
    first.stop();
    // Written while nobody reads: a second start "at the end" would skip it.
    client.produce("in", &numbered(1, 10..15)).unwrap();
    let mut second = lane(&broker, 0, Start::Latest);
    settle(&broker, &mut [&mut second], &[5]);
    assert_eq!(second.seen, ["in-0 from 10 (committed)"]);
}

#[test]
fn a_time_is_a_start() {
    let (broker, client) = start(1);
    let mut written = numbered(1, 0..10);
    for (record, time) in written.iter_mut().zip(1_000..) {
        record.timestamp = Some(time);
    }
    client.produce("in", &written).unwrap();
    let mut lane = lane(&broker, 0, Start::Timestamp(1_004));
    settle(&broker, &mut [&mut lane], &[6]);
    assert_eq!(lane.seen, ["in-0 from 4 (start)"]);
}

#[test]
fn a_partition_that_is_added_is_read_from_its_beginning() {
    let (broker, client) = start(1);
    let mut kafka = kafka(&broker, Membership::Dynamic);
    kafka.properties.insert("topic.metadata.refresh.interval.ms".to_owned(), "200".to_owned());
    let mut lane = Lane::start(&kafka, 0, Start::Latest, &[exact("in")], "out");
    eventually("the start is committed", PATIENCE, || {
        lane.turn();
        Ok(broker.committed("g", "in", 0) == Some(0))
    })
    .unwrap();
    broker.add_partitions("out", 2);
    broker.add_partitions("in", 2);
    client.produce("in", &numbered(2, 0..10)).unwrap();
    settle(&broker, &mut [&mut lane], &[5, 5]);
    assert_eq!(lane.seen.last().unwrap(), "in-1 from 0 (added partition)");
}

#[test]
fn a_lane_knows_how_far_it_is_behind() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..10)).unwrap();
    let mut lane = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut lane], &[10]);
    let standings: Vec<_> = lane.source.standings().collect();
    let at = TopicPartition::new(&"in".into(), 0);
    assert_eq!(standings, [Standing { at, next: 10, watermarks: Some((0, 10)) }]);
}

fn settle_first(broker: &Broker, lane: &mut Lane, end: i64) {
    let copied = || {
        lane.turn();
        Ok(broker.end("out", 0) == Some(end))
    };
    eventually("the first partition goes on", PATIENCE, copied).unwrap();
}

/// What is fetched says how far a partition reaches, and nothing of a halted one is.
#[test]
fn a_lane_knows_how_far_a_halted_partition_falls_behind() {
    let (broker, client) = start(2);
    client.produce("in", &numbered(2, 0..20)).unwrap();
    let mut lane = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut lane], &[10, 10]);
    let at = TopicPartition::new(&"in".into(), 1);
    lane.source.halt(&at).unwrap();
    // The first of them may still come with a fetch that was under way.
    for (numbers, end) in [(20..40, 20), (40..60, 30)] {
        client.produce("in", &numbered(2, numbers)).unwrap();
        settle_first(&broker, &mut lane, end);
    }
    let reaches = |lane: &Lane| {
        lane.source.standings().find(|standing| standing.at == at).and_then(|it| it.watermarks)
    };
    assert!(reaches(&lane) < Some((0, 30)));
    lane.source.ask_ends();
    assert_eq!(reaches(&lane), Some((0, 30)));
}

#[test]
fn what_is_remarked_beside_an_offset_comes_back_with_it() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..10)).unwrap();
    let longest = "x".repeat(lockgate::kafka::REMARK_BYTES);
    let mut first = lane(&broker, 0, Start::Earliest);
    first.remark.clone_from(&longest);
    settle(&broker, &mut [&mut first], &[10]);
    first.stop();
    let mut second = lane(&broker, 0, Start::Earliest);
    let assigned = || {
        second.turn();
        Ok(!second.seen.is_empty())
    };
    eventually("the partition is back", PATIENCE, assigned).unwrap();
    assert_eq!(second.seen, [format!("in-0 from 10 (committed), remarked: {longest}")]);
}

#[test]
fn another_remark_is_committed_where_nothing_has_moved() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..10)).unwrap();
    let mut lane = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut lane], &[10]);
    let at = ("in".to_owned(), 0);
    let committed = || {
        let offset = broker.fake().with_state(|state| state.groups["g"].offsets[&at].clone());
        (offset.offset, offset.leader_epoch, offset.metadata.unwrap_or_default())
    };
    for (remark, note) in
        [("AQ", "lockgate/1 partitions=1 parked=AQ"), ("", "lockgate/1 partitions=1")]
    {
        let advance = Advance {
            at: TopicPartition::new(&"in".into(), 0),
            mark: Mark { offset: 10, leader_epoch: 0 },
            remark: remark.to_owned(),
        };
        lane.source.remark_by(&[advance], std::time::Instant::now() + PATIENCE).unwrap();
        assert_eq!(committed(), (10, 0, note.to_owned()));
    }
}

/// librdkafka remembers a pause beyond the assignment it was made in.
#[test]
fn a_partition_that_was_halted_and_went_away_is_read_when_it_comes_back() {
    let (broker, client) = start(2);
    let mut first = lane(&broker, 0, Start::Earliest);
    client.produce("in", &numbered(2, 0..10)).unwrap();
    settle(&broker, &mut [&mut first], &[5, 5]);
    for partition in 0..2 {
        first.source.halt(&TopicPartition::new(&"in".into(), partition)).unwrap();
    }
    let mut second = lane(&broker, 1, Start::Earliest);
    eventually("one of them has gone", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(first.partitions().len() == 1 && second.partitions().len() == 1)
    })
    .unwrap();
    let gone = second.partitions()[0];
    second.stop();
    client.produce("in", &[Record::text(gone, "k", "10")]).unwrap();
    eventually("it is read again where it was halted", PATIENCE, || {
        first.turn();
        Ok(broker.end("out", gone) == Some(6))
    })
    .unwrap();
}

/// As one without a leader, which cannot say where it begins.
#[test]
fn a_partition_whose_beginning_is_not_known_yet_holds_up_no_other() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..10)).unwrap();
    let mut first = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut first], &[10]);
    first.stop();
    broker.add_partitions("out", 2);
    broker.add_partitions("in", 2);
    let client = Client::new(broker.bootstrap()).unwrap();
    client.produce("in", &numbered(2, 10..20)).unwrap();
    broker.fake().on(ApiKey::ListOffsets, |_| Control::Error(ErrorCode::TopicAuthorizationFailed));
    let mut second = lane(&broker, 0, Start::Earliest);
    eventually("the partition with a commit goes on", PATIENCE, || {
        second.turn();
        Ok(ended(&broker, &[15, 0]))
    })
    .unwrap();
    broker.fake().clear_hooks();
    settle(&broker, &mut [&mut second], &[15, 5]);
    assert_eq!(second.seen, ["in-0 from 10 (committed)", "in-1 from 0 (added partition)"]);
}

#[test]
fn a_partition_whose_beginning_is_waited_for_may_go_to_another_lane() {
    let (broker, client) = start(2);
    client.produce("in", &numbered(2, 0..10)).unwrap();
    broker.fake().on(ApiKey::ListOffsets, |_| Control::Error(ErrorCode::TopicAuthorizationFailed));
    let mut first = lane(&broker, 0, Start::Earliest);
    eventually("the lane has joined, and nothing to read", PATIENCE, || {
        first.turn();
        Ok(first.joined)
    })
    .unwrap();
    let mut second = lane(&broker, 1, Start::Earliest);
    eventually("so has the other, which sets off a rebalance", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(second.joined)
    })
    .unwrap();
    broker.fake().clear_hooks();
    settle(&broker, &mut [&mut first, &mut second], &[5, 5]);
    assert_eq!((first.partitions().len(), second.partitions().len()), (1, 1));
    assert_eq!(values(&client), sequences(2, 10));
    second.stop();
    first.stop();
}
