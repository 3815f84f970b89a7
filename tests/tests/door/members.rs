//! What members of the group read: theirs alone, nothing lost and nothing twice when it moves.

use super::*;

#[test]
fn partitions_move_between_lanes_without_loss_or_repetition() {
    let (broker, client) = start(4);
    let mut first = lane(&broker, 0, Start::Earliest);
    let produce = |from: usize| client.produce("in", &numbered(4, from..from + 400)).unwrap();
    produce(0);
    settle(&broker, &mut [&mut first], &[100; 4]);
    let mut second = lane(&broker, 1, Start::Earliest);
    produce(400);
    eventually("both lanes have partitions", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(first.partitions().len() == 2 && second.partitions().len() == 2)
    })
    .unwrap();
    produce(800);
    settle(&broker, &mut [&mut first, &mut second], &[300; 4]);
    second.stop();
    produce(1_200);
    settle(&broker, &mut [&mut first], &[400; 4]);
    // Nothing was killed, so nothing may be written twice either.
    assert_eq!(values(&client), sequences(4, 1_600));
}

#[test]
fn a_partition_is_settled_and_committed_before_it_is_given_back() {
    let (broker, client) = start(2);
    let seldom = |number| {
        let mut lane = lane(&broker, number, Start::Earliest);
        lane.commit_period = PATIENCE;
        lane
    };
    client.produce("in", &numbered(2, 0..400)).unwrap();
    let mut first = seldom(0);
    eventually("all is copied", PATIENCE, || {
        first.turn();
        Ok(ended(&broker, &[200, 200]))
    })
    .unwrap();
    let mut second = seldom(1);
    eventually("each lane has a partition", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(first.partitions().len() == 1 && second.partitions().len() == 1)
    })
    .unwrap();
    second.stop();
    client.produce("in", &numbered(2, 400..402)).unwrap();
    eventually("the partition is back", PATIENCE, || {
        first.turn();
        Ok(at_least(&broker, &[201, 201]))
    })
    .unwrap();
    assert_eq!(values(&client), sequences(2, 402));
}

#[test]
fn a_lane_that_is_gone_leaves_what_it_had_not_settled_to_the_next() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..100)).unwrap();
    broker.fake().on(ApiKey::Produce, |_| Control::Delay(Duration::from_millis(300)));
    let mut first = lane(&broker, 0, Start::Earliest);
    eventually("the first lane has sent something", PATIENCE, || {
        first.turn();
        Ok(broker.fake().request_count(ApiKey::Produce) > 1)
    })
    .unwrap();
    assert!(broker.committed("g", "in", 0).unwrap_or(0) < 100);
    drop(first);
    broker.fake().clear_hooks();
    let mut second = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut second], &[100]);
    let written = values(&client).remove(&0).unwrap();
    let mut distinct = written.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_static_member_has_its_partitions_back_at_once() {
    let (broker, client) = start(2);
    let named = kafka(&broker, Membership::Static { instance: "host-a".to_owned() });
    let lane = || Lane::start(&named, 0, Start::Earliest, &[exact("in")], "out");
    client.produce("in", &numbered(2, 0..10)).unwrap();
    let mut first = lane();
    settle(&broker, &mut [&mut first], &[5, 5]);
    // As after kill -9: neither closed nor drained.
    drop(first);
    let began = std::time::Instant::now();
    let mut second = lane();
    eventually("its partitions are back", PATIENCE, || {
        second.turn();
        Ok(second.partitions() == [0, 1])
    })
    .unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(second.seen, ["in-0 from 5 (committed)", "in-1 from 5 (committed)"]);
    second.stop();
    assert_eq!(broker.members("g").len(), 1, "a static member does not leave");
}

#[test]
fn a_lane_that_joins_anew_has_the_whole_group_share_out_again() {
    let (broker, client) = start(4);
    let lane = |instance: &str| {
        let named = kafka(&broker, Membership::Static { instance: instance.to_owned() });
        Lane::start(&named, 0, Start::Earliest, &[exact("in")], "out")
    };
    let mut first = lane("host-a");
    client.produce("in", &numbered(4, 0..400)).unwrap();
    settle(&broker, &mut [&mut first], &[100; 4]);
    // The first lane hears that it has to give two back, and is gone before it answers.
    let mut second = lane("host-b");
    eventually("the first round is over", PATIENCE, || {
        second.turn();
        Ok(second.joined)
    })
    .unwrap();
    drop(first);
    let mut first = lane("host-a");
    eventually("it has the first round's half", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(first.partitions().len() == 2)
    })
    .unwrap();
    assert_eq!(second.partitions(), [0; 0]);
    client.produce("in", &numbered(4, 400..800)).unwrap();
    // The one with something to give back; journeys have the one without.
    first.source.rejoin(&[exact("in")]).unwrap();
    settle(&broker, &mut [&mut first, &mut second], &[200; 4]);
    eventually("each has its half again", PATIENCE, || {
        first.turn();
        second.turn();
        Ok(first.partitions().len() == 2 && second.partitions().len() == 2)
    })
    .unwrap();
    assert_eq!(values(&client), sequences(4, 800));
}

#[test]
fn joining_anew_again_and_again_loses_and_repeats_nothing() {
    let (broker, client) = start(4);
    let mut first = lane(&broker, 0, Start::Earliest);
    let mut second = lane(&broker, 1, Start::Earliest);
    for round in 1..=8 {
        client.produce("in", &numbered(4, (round - 1) * 400..round * 400)).unwrap();
        for lane in [&mut first, &mut second] {
            lane.source.rejoin(&[exact("in")]).unwrap();
            lane.turn();
        }
        let end = i64::try_from(round * 100).unwrap();
        settle(&broker, &mut [&mut first, &mut second], &[end; 4]);
    }
    assert_eq!(values(&client), sequences(4, 3_200));
}

#[test]
fn a_second_process_with_the_same_instance_id_fences_the_first() {
    let (broker, _client) = start(1);
    let named = kafka(&broker, Membership::Static { instance: "host-a".to_owned() });
    let lane = || Lane::start(&named, 0, Start::Earliest, &[exact("in")], "out");
    let (mut first, mut second) = (lane(), None);
    eventually("the first lane is told to stop", PATIENCE, || {
        first.turn();
        if first.partitions() == [0] {
            second.get_or_insert_with(lane).turn();
        }
        Ok(first.source.fatal().is_some())
    })
    .unwrap();
    let error = first.source.fatal().unwrap();
    assert!(error.is_fatal());
    assert_eq!(error.to_string(), "taking part in the consumer group");
}

#[test]
fn a_lane_outlives_its_brokers() {
    let (broker, client) = start(2);
    let mut lane = lane(&broker, 0, Start::Earliest);
    client.produce("in", &numbered(2, 0..400)).unwrap();
    settle(&broker, &mut [&mut lane], &[200, 200]);
    client.produce("in", &numbered(2, 400..800)).unwrap();
    broker.fake().crash(0);
    eventually("the lane notices", PATIENCE, || {
        lane.turn();
        Ok(lane.seen.iter().any(|seen| seen.starts_with("working with the brokers")))
    })
    .unwrap();
    broker.fake().restart(0);
    settle(&broker, &mut [&mut lane], &[400, 400]);
    assert_eq!(values(&client), sequences(2, 800));
}

#[test]
fn a_dynamic_member_leaves_when_it_stops() {
    let (broker, _client) = start(1);
    let mut lane = lane(&broker, 0, Start::Earliest);
    eventually("the lane has joined", PATIENCE, || {
        lane.turn();
        Ok(lane.partitions() == [0])
    })
    .unwrap();
    lane.stop();
    assert_eq!(broker.members("g"), []);
}

#[test]
fn topics_are_found_by_pattern() {
    let (broker, client) = start(1);
    broker.create_topic("shop.orders", 1);
    broker.create_topic("shopXorders", 1);
    let pattern = TopicPattern::Glob(globset(r"shop.*"));
    for topic in ["shop.orders", "shopXorders"] {
        client.produce(topic, &[Record::text(0, "k", topic)]).unwrap();
    }
    let kafka = kafka(&broker, Membership::Dynamic);
    let mut lane = Lane::start(&kafka, 0, Start::Earliest, &[pattern], "out");
    settle(&broker, &mut [&mut lane], &[1]);
    assert_eq!(lane.seen, ["shop.orders-0 from 0 (start)"]);
}
