//! Every figure of the ledger can be off, and then it is said which.

use super::*;

const TOPIC: usize = 0;

/// A source record of the shop, and the output that good plugins make of it.
fn pair(sequence: u64, country: &str) -> (Record, Record) {
    let event = |email: &str, name: &str, card: &str, phone: &str| {
        format!(
            r#"{{"before":null,"after":{{"id":1,"email":"{email}",{name},"card":"{card}","phone":"{phone}","country":"{country}","profile":"{{}}"}},"op":"c"}}"#
        )
    };
    let source = event("anna@example.com", r#""full_name":"Anna Silva""#, "4000 1", "+47 2");
    let output = event("****@example.com", r#""name":"**********""#, "**** 1", "*** 2");
    let record = |value: String| Record {
        timestamp: Some(1_000),
        headers: vec![(SEQUENCE.to_owned(), Some(sequence.to_string().into_bytes()))],
        ..Record::text(0, r#"{"id":1}"#, &value)
    };
    (record(source), record(output))
}

/// Faults after three records, of which the second is to be dropped, where `bend` bends what came out.
fn faults(bend: impl FnOnce(&mut Vec<Record>)) -> String {
    let mut ledger = Ledger::default();
    let mut outputs = Vec::new();
    for (sequence, country) in [(0, "NO"), (1, DROPPED_COUNTRY), (2, "DE")] {
        let (source, output) = pair(sequence, country);
        ledger.wrote(source, 1_000).unwrap();
        outputs.push(output);
    }
    outputs.remove(1);
    bend(&mut outputs);
    outputs.into_iter().for_each(|output| ledger.came_out(TOPIC, output, 1_005));
    ledger.report("", &[]).unwrap().faults().join("; ")
}

fn with_value(record: &mut Record, from: &str, to: &str) {
    record.value = Some(record.value_text().replace(from, to).into_bytes());
}

#[test]
fn good_outputs_have_no_faults() {
    assert_eq!(faults(|_| {}), "");
}

#[test]
fn a_duplicate_is_counted_and_is_no_fault() {
    assert_eq!(faults(|outputs| outputs.push(outputs[0].clone())), "");
}

#[test]
fn each_kind_of_fault_is_seen() {
    assert_eq!(faults(|outputs| drop(outputs.pop())), "records lost: 1");
    assert_eq!(faults(|outputs| outputs.reverse()), "records out of order: 1");
    assert_eq!(
        faults(|outputs| outputs.push(pair(1, DROPPED_COUNTRY).1)),
        "records out that the filter should have dropped: 1; records out of order: 1"
    );
    assert_eq!(faults(|outputs| outputs.push(pair(9, "NO").1)), "outputs of no record: 1");
    assert_eq!(
        faults(|outputs| with_value(&mut outputs[0], "****@", "anna@")),
        "secrets in clear: 1"
    );
    let altered = "outputs changed where no plugin was to: 1";
    assert_eq!(faults(|outputs| with_value(&mut outputs[0], "\"NO\"", "\"SE\"")), altered);
    assert_eq!(faults(|outputs| with_value(&mut outputs[0], "\"id\":1,", "")), altered);
    assert_eq!(faults(|outputs| outputs[0].partition = 1), altered);
    assert_eq!(faults(|outputs| outputs[0].key = None), altered);
}

#[test]
fn secrets_are_sought_in_headers_keys_dead_letters_and_the_log() {
    let mut ledger = Ledger::default();
    let (source, mut output) = pair(0, "NO");
    ledger.wrote(source, 1_000).unwrap();
    output.headers.push(("name".to_owned(), Some(b"Anna Silva".to_vec())));
    ledger.came_out(TOPIC, output, 1_005);
    ledger.died(Record::text(0, "anna@example.com", "4000 1"));
    let report = ledger.report("{\"email\":\"anna@example.com\"}", &[]).unwrap();
    assert_eq!((report.clear_texts, report.secrets), (4, 4));
}

#[test]
fn the_tombstone_of_a_delete_must_come_out() {
    let mut ledger = Ledger::default();
    let (mut tombstone, _) = pair(0, DROPPED_COUNTRY);
    tombstone.value = None;
    ledger.wrote(tombstone.clone(), 1_000).unwrap();
    assert_eq!(ledger.report("", &[]).unwrap().lost, 1);
    ledger.came_out(TOPIC, tombstone, 1_001);
    let report = ledger.report("", &[]).unwrap();
    assert_eq!((report.lost, report.altered), (0, 0));
}

#[test]
fn live_figures_look_back_two_seconds() {
    let mut ledger = Ledger::default();
    for (sequence, at) in [(0, 1_000), (1, 9_000), (2, 9_500)] {
        let (source, output) = pair(sequence, "NO");
        ledger.wrote(source, at).unwrap();
        if sequence != 2 {
            ledger.came_out(TOPIC, Record { timestamp: Some(at), ..output }, at + 7);
        }
    }
    let live = ledger.live(10_000);
    assert_eq!((live.written, live.forwarded, live.missing), (3, 2, 1));
    assert_eq!((live.written_per_second, live.forwarded_per_second), (1.0, 0.5));
    assert_eq!((live.median_ms, live.p99_ms), (Some(7), Some(7)));
}

#[test]
fn latency_leaves_out_what_was_written_while_disturbed() {
    let mut report = Report::default();
    let waits = [(1_000, 3), (2_000, 900), (3_000, 5)];
    let waits = waits.map(|(written, took)| Wait { written, took });
    report.time(&waits, &[(1_500, 2_500)]);
    assert_eq!((report.median_ms, report.longest_ms), (Some(3), Some(900)));
}
