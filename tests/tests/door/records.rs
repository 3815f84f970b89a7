//! What is written: bytes as they came, order behind a lost output, and refusals in words.

use super::*;

#[test]
fn records_leave_as_they_came() {
    let (broker, client) = start(2);
    let mut written = vec![
        Record::text(0, "k", "v"),
        Record { key: None, value: Some(Vec::new()), ..Record::default() },
        Record { partition: 1, key: Some(Vec::new()), value: None, ..Record::default() },
        Record { partition: 1, value: Some(vec![0, 0xff, 0x80]), ..Record::default() },
    ];
    for (record, offset) in written.iter_mut().zip([0, 1, 0, 1]) {
        record.offset = offset;
        record.timestamp = Some(1_700_000_000_000 + offset);
        record.headers = vec![
            ("a".to_owned(), None),
            ("a".to_owned(), Some(Vec::new())),
            ("b".to_owned(), Some(vec![0xff])),
            ("a".to_owned(), Some(b"2".to_vec())),
        ];
    }
    client.produce("in", &written).unwrap();
    let mut lane = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut lane], &[2, 2]);
    assert_eq!(client.read_all("out").unwrap(), written);
}

#[test]
fn header_names_that_are_not_utf8_survive() {
    let (broker, _client) = start(1);
    let kafka = kafka(&broker, Membership::Dynamic);
    let mut sink = Sink::connect(&kafka, Member { pipeline: "p", lane: 0 }, 1_000_000).unwrap();
    let names: [&[u8]; 3] = [b"caf\xe9", b"\xff\xfe", b""];
    let headers = names.map(|name| OutputHeader { name: name.into(), value: Some(name.into()) });
    let output = Output {
        topic: "in".into(),
        partition: Partition::Same(0),
        timestamp: None,
        key: None,
        value: Some(b"v".into()),
        headers: headers.to_vec(),
    };
    sink.send(&output, 7).unwrap();
    let mut delivered = Vec::new();
    eventually("the record is delivered", PATIENCE, || {
        sink.serve(Duration::from_millis(10), |ticket, fate| delivered.push((ticket, fate)));
        Ok(!delivered.is_empty())
    })
    .unwrap();
    assert_eq!(delivered, [(7, Ok(()))]);
    let mut lane = lane(&broker, 0, Start::Earliest);
    settle(&broker, &mut [&mut lane], &[1]);
    // Compared as the broker keeps them: no client of ours takes part.
    let kept = |topic| broker.fake().with_state(|s| s.partition(topic, 0).unwrap().log.concat());
    for name in names.iter().filter(|name| !name.is_empty()) {
        let holds = |log: &[u8]| log.windows(name.len()).filter(|part| part == name).count() >= 2;
        assert!(holds(&kept("in")) && holds(&kept("out")), "{name:?}");
    }
}

#[test]
fn a_lost_output_is_written_again_in_its_place() {
    let (broker, client) = start(1);
    client.produce("in", &numbered(1, 0..300)).unwrap();
    let refusals = std::sync::atomic::AtomicUsize::new(0);
    // The second batch of the gateway is refused for good; what follows it must not stay.
    broker.fake().on(ApiKey::Produce, move |info| {
        let own = info.client_id.as_deref().is_some_and(|id| id.starts_with("lockgate-"));
        let number = refusals.fetch_add(usize::from(own), std::sync::atomic::Ordering::Relaxed);
        match own && number == 1 {
            true => Control::Error(ErrorCode::MessageTooLarge),
            false => Control::Pass,
        }
    });
    let mut kafka = kafka(&broker, Membership::Dynamic);
    kafka.properties.insert("batch.num.messages".to_owned(), "100".to_owned());
    let mut lane = Lane::start(&kafka, 0, Start::Earliest, &[exact("in")], "out");
    settle(&broker, &mut [&mut lane], &[300]);
    assert!(lane.seen.iter().any(|seen| seen.starts_with("in-0 rewound to ")), "{:?}", lane.seen);
    // What the producer had queued behind the lost batch leaves before the partition is read again; from then on the
    // order holds, so that the last word on each record stands in order and none is missing.
    let written = values(&client).remove(&0).unwrap();
    let last = |number: &usize| written.iter().rposition(|other| other == number);
    let places: Vec<_> = (0..300).map(|number| last(&number)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{written:?}");
}

#[test]
fn an_output_without_its_partition_says_so() {
    let (broker, client) = start(1);
    broker.add_partitions("in", 2);
    client.produce("in", &[Record::text(1, "k", "v")]).unwrap();
    let mut lane = lane(&broker, 0, Start::Earliest);
    eventually("the refusal comes", PATIENCE, || {
        lane.turn();
        Ok(lane.seen.iter().any(|seen| seen.contains("has no partition")))
    })
    .unwrap();
    let refusal = lane.seen.iter().find(|seen| seen.contains("has no partition")).unwrap();
    assert_eq!(
        refusal,
        "output topic \"out\" has no partition 1: it has fewer partitions than the source topic; add partitions, or set \
         partition = \"key\""
    );
    assert_eq!(broker.committed("g", "in", 1), Some(0));
}

#[test]
fn a_record_that_is_too_large_is_refused_before_it_is_sent() {
    let (broker, _client) = start(1);
    let kafka = kafka(&broker, Membership::Dynamic);
    let mut sink = Sink::connect(&kafka, Member { pipeline: "p", lane: 0 }, 1_000).unwrap();
    let mut send = |bytes: usize| {
        let output = Output {
            topic: "out".into(),
            partition: Partition::Same(0),
            timestamp: None,
            key: Some(b"k".into()),
            value: Some(vec![b'x'; bytes].into()),
            headers: Vec::new(),
        };
        sink.send(&output, 1).map_err(|err| err.to_string())
    };
    assert_eq!(send(999), Ok(()));
    assert_eq!(
        send(1_000),
        Err("the record has 1001 bytes, more than the 1000 of \"record_bytes\"".to_owned())
    );
}

#[test]
fn a_property_that_librdkafka_does_not_know_is_named_without_its_value() {
    let (broker, _client) = start(1);
    let mut kafka = kafka(&broker, Membership::Dynamic);
    kafka.properties.insert("sasl.pasword".to_owned(), "secret".to_owned());
    let error = Source::connect(&kafka, Member { pipeline: "p", lane: 0 }, Start::Earliest);
    let error = error.map(drop).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(error.to_string(), "making a consumer from [kafka] and [kafka.properties]");
    assert!(cause.contains("sasl.pasword") && !cause.contains("secret"), "{cause}");
}
