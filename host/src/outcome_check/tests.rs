//! Every rule for answers with the answer that breaks it, and the property that nothing which passes breaks one.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::contract::{Cells, EmissionHeader, Rejection};

const ROWS: u32 = 4;

fn field(image: Image, name: &str) -> Field {
    Field { image, name: name.to_owned(), pointer: String::new() }
}

fn plan() -> Plan {
    let writes = vec![field(Image::After, "email"), field(Image::Meta, "topic")];
    Plan { writes, ..Plan::default() }
}

/// An edit of write 0, one row for each of `cells`.
fn edit(cells: &[(u32, u8, &[u8])]) -> Edit {
    let mut edit = Edit::default();
    for (row, kind, data) in cells {
        edit.rows.push(*row);
        edit.cells.kinds.push(*kind);
        edit.cells.data.extend_from_slice(data);
        edit.cells.ends.push(u32::try_from(edit.cells.data.len()).unwrap());
    }
    edit
}

fn edits(edits: Vec<Edit>) -> Answer {
    Answer { edits, ..Answer::default() }
}

fn drops(rows: &[u32]) -> Answer {
    Answer { drops: rows.to_vec(), ..Answer::default() }
}

fn rejections(rows: &[u32]) -> Answer {
    let reject = |row: &u32| Rejection { row: *row, reason: "no".to_owned() };
    Answer { rejections: rows.iter().map(reject).collect(), ..Answer::default() }
}

fn emission(row: u32, topic: &str) -> Emission {
    Emission { row, topic: topic.to_owned(), key: None, value: None, headers: Vec::new() }
}

fn emissions(emissions: Vec<Emission>) -> Answer {
    Answer { emissions, ..Answer::default() }
}

fn breach(answer: &Answer) -> String {
    check(&plan(), ROWS, answer, 1_000).unwrap_err().to_string()
}

#[test]
fn an_answer_that_keeps_to_the_contract_passes() {
    let mut answer = edits(vec![
        edit(&[
            (0, kind::STRING, "größe".as_bytes()),
            (1, kind::NUMBER, b"-1.5e300"),
            (2, kind::BYTES, b"\xff\x00"),
            (3, kind::JSON, b"[{}]"),
        ]),
        Edit { write: 1, ..edit(&[(0, kind::STRING, b"clean.orders_1-x")]) },
    ]);
    answer.drops = vec![0, 3];
    answer.rejections = rejections(&[1]).rejections;
    answer.emissions = vec![emission(0, "a"), emission(0, "a"), emission(2, "b")];
    assert_eq!(check(&plan(), ROWS, &answer, 1_000), Ok(()));
    assert_eq!(check(&plan(), ROWS, &Answer::default(), 0), Ok(()));
    assert_eq!(check(&plan(), ROWS, &edits(vec![Edit::default()]), 0), Ok(()));
}

#[test]
fn rows_ascend_and_are_of_the_batch() {
    assert_eq!(breach(&drops(&[1, 1])), "drops: row 1 repeats or goes back");
    assert_eq!(breach(&drops(&[2, 0])), "drops: row 0 repeats or goes back");
    assert_eq!(breach(&drops(&[4])), "drops: there is no row 4 in a batch of 4");
    assert_eq!(breach(&drops(&[u32::MAX])), "drops: there is no row 4294967295 in a batch of 4");
    assert_eq!(breach(&rejections(&[3, 2])), "rejections: row 2 repeats or goes back");
    assert_eq!(breach(&rejections(&[9])), "rejections: there is no row 9 in a batch of 4");
    let backwards = edit(&[(2, kind::NULL, b""), (2, kind::NULL, b"")]);
    assert_eq!(
        breach(&edits(vec![backwards])),
        "edit of after \"email\": row 2 repeats or goes back"
    );
    let beyond = edit(&[(4, kind::NULL, b"")]);
    assert_eq!(
        breach(&edits(vec![beyond])),
        "edit of after \"email\": there is no row 4 in a batch of 4"
    );
    assert_eq!(
        breach(&emissions(vec![emission(1, "t"), emission(0, "t")])),
        "emissions: row 0 goes back"
    );
    assert_eq!(
        breach(&emissions(vec![emission(7, "t")])),
        "emissions: there is no row 7 in a batch of 4"
    );
}

#[test]
fn a_row_has_one_ending() {
    let mut both = drops(&[0, 2]);
    both.rejections = rejections(&[2]).rejections;
    assert_eq!(breach(&both), "row 2 is both dropped and rejected");
    let mut emitting = rejections(&[2]);
    emitting.emissions = vec![emission(2, "t")];
    assert_eq!(breach(&emitting), "emissions: row 2 is rejected");
}

#[test]
fn edits_are_planned_and_each_comes_once() {
    let unplanned = Edit { write: 2, ..Edit::default() };
    assert_eq!(breach(&edits(vec![unplanned])), "edits: there is no write 2 in a plan of 2");
    let twice = edits(vec![Edit::default(), Edit::default()]);
    assert_eq!(breach(&twice), "edit of after \"email\": there are two");
}

#[test]
fn lists_of_an_edit_have_the_same_length_and_divide_the_data() {
    let cells = |kinds: &[u8], ends: &[u32], data: &[u8]| {
        let cells = Cells { kinds: kinds.to_vec(), ends: ends.to_vec(), data: data.to_vec() };
        edits(vec![Edit { write: 0, rows: vec![0, 1], cells }])
    };
    let text = [kind::STRING, kind::STRING];
    let case = |answer: &Answer, problem: &str| {
        assert_eq!(breach(answer), format!("edit of after \"email\": {problem}"));
    };
    case(&cells(&text[..1], &[1, 2], b"ab"), "2 rows, 1 kinds and 2 ends");
    case(&cells(&text, &[2], b"ab"), "2 rows, 2 kinds and 1 ends");
    case(&cells(&text, &[2, 1], b"a"), "an end lies before the one before it");
    case(&cells(&text, &[1, 2], b"abc"), "the last end is 2, and there are 3 bytes");
    case(&cells(&text, &[1, 9], b"ab"), "the last end is 9, and there are 2 bytes");
    let empty =
        Edit { cells: Cells { data: b"x".to_vec(), ..Cells::default() }, ..Edit::default() };
    case(&edits(vec![empty]), "the last end is 0, and there are 1 bytes");
}

#[test]
fn cells_hold_what_their_kind_says() {
    let cases: [(u8, &[u8], &str); 14] = [
        (kind::ABSENT, b"x", "an absent or null cell has bytes"),
        (kind::NULL, b"null", "an absent or null cell has bytes"),
        (kind::BOOLEAN, b"1", "the boolean is neither \"true\" nor \"false\""),
        (kind::BOOLEAN, b"", "the boolean is neither \"true\" nor \"false\""),
        (kind::NUMBER, b"", "the number is none in JSON"),
        (kind::NUMBER, b"NaN", "the number is none in JSON"),
        (kind::NUMBER, b"1,5", "the number is none in JSON"),
        (kind::STRING, b"\xe6\x97", "the string is not UTF-8"),
        (kind::STRING, b"\xed\xa0\x80", "the string is not UTF-8"),
        (kind::JSON, b"\"text\"", "the json is no well-formed object or array"),
        (kind::JSON, b"{\"a\":}", "the json is no well-formed object or array"),
        (kind::UNAVAILABLE, b"", "a cell cannot be made unavailable; leave its row out"),
        (8, b"", "there is no kind 8"),
        (255, b"", "there is no kind 255"),
    ];
    for (code, data, problem) in cases {
        assert_eq!(
            breach(&edits(vec![edit(&[(1, kind::NULL, b""), (3, code, data)])])),
            format!("edit of after \"email\": row 3: {problem}")
        );
    }
}

#[test]
fn a_character_cut_between_two_cells_is_in_neither() {
    let [first, second] = [b"\xc3".as_slice(), b"\xa9".as_slice()];
    let text =
        |kinds: [u8; 2]| breach(&edits(vec![edit(&[(0, kinds[0], first), (1, kinds[1], second)])]));
    assert_eq!(
        text([kind::STRING, kind::STRING]),
        "edit of after \"email\": row 0: the string is not UTF-8"
    );
    assert_eq!(
        text([kind::BYTES, kind::STRING]),
        "edit of after \"email\": row 1: the string is not UTF-8"
    );
}

#[test]
fn topics_are_strings_that_kafka_allows() {
    let topic =
        |code, name: &[u8]| breach(&edits(vec![Edit { write: 1, ..edit(&[(2, code, name)]) }]));
    assert_eq!(topic(kind::NULL, b""), "edit of meta \"topic\": row 2: the topic is no string");
    let long = "x".repeat(250);
    for name in ["", ".", "..", "a b", "a/b", "größe", "a\0", &long] {
        let problem = "row 2: Kafka allows no topic of that name";
        assert_eq!(
            topic(kind::STRING, name.as_bytes()),
            format!("edit of meta \"topic\": {problem}")
        );
        assert_eq!(breach(&emissions(vec![emission(2, name)])), format!("emissions: {problem}"));
    }
}

#[test]
fn an_emissions_header_has_a_name_that_clients_can_send() {
    let header = EmissionHeader { name: "a\0b".to_owned(), value: None };
    let emission = Emission { headers: vec![header], ..emission(1, "t") };
    assert_eq!(breach(&emissions(vec![emission])), "emissions: row 1: a header's name holds a NUL");
}

#[test]
fn the_data_of_an_answer_is_capped_as_a_whole() {
    let header = EmissionHeader { name: "x".repeat(100), value: Some(vec![0; 200]) };
    let mut answer = edits(vec![edit(&[(0, kind::BYTES, &[0; 300])])]);
    answer.emissions.push(Emission {
        key: Some(vec![0; 200]),
        value: Some(vec![0; 201]),
        headers: vec![header],
        ..emission(0, "t")
    });
    assert_eq!(breach(&answer), "the answer holds 1001 bytes of data, and 1000 are allowed");
    assert_eq!(check(&plan(), ROWS, &answer, 1_001), Ok(()));
}

/// Edits that are nearly right: whole cells of any kind, then at most one thing about the lists made wrong.
fn any_edit() -> impl Strategy<Value = Edit> {
    let pieces: Vec<&[u8]> = vec![
        b"",
        b"a",
        b"true",
        b"1",
        b"01",
        b"-1.5e3",
        b"{}",
        b"[1",
        b"[1]",
        b"\"s\"",
        b"\xc3",
        b"\xa9",
        "é".as_bytes(),
    ];
    let cell = (0..9u8, prop::sample::select(pieces));
    let cells = prop::collection::vec((1..3u32, cell), 0..4);
    (cells, 0..12usize, 0..6u32).prop_map(|(cells, what, number)| {
        let mut next = 0;
        let placed: Vec<(u32, u8, &[u8])> = cells
            .into_iter()
            .map(|(step, (code, data))| {
                next += step;
                (next - 1, code, data)
            })
            .collect();
        let mut made = edit(&placed);
        let cells = &mut made.cells;
        match what {
            0 => drop(cells.kinds.pop()),
            1 => drop(cells.ends.pop()),
            2 => drop(made.rows.pop()),
            3 => cells.data.push(b'x'),
            4 => made.rows.iter_mut().take(1).for_each(|row| *row = number),
            5 => cells.ends.iter_mut().take(1).for_each(|end| *end = number),
            _ => {}
        }
        made
    })
}

/// The rules once more, as plainly as can be.
fn is_legal(edit: &Edit) -> bool {
    let (rows, cells) = (&edit.rows, &edit.cells);
    let ascend =
        rows.windows(2).all(|pair| pair[0] < pair[1]) && rows.iter().all(|row| *row < ROWS);
    if !ascend || cells.kinds.len() != rows.len() || cells.ends.len() != rows.len() {
        return false;
    }
    let mut start = 0;
    for (code, end) in cells.kinds.iter().zip(&cells.ends) {
        let Some(cell) = cells.data.get(start..*end as usize) else { return false };
        let text = std::str::from_utf8(cell).ok();
        let json = serde_json::from_slice::<serde_json::Value>(cell).ok();
        let raw = serde_json::from_slice::<&RawValue>(cell).ok().map(RawValue::get);
        let legal = match *code {
            kind::ABSENT | kind::NULL => cell.is_empty(),
            kind::BOOLEAN => text == Some("true") || text == Some("false"),
            kind::NUMBER => json.is_some_and(|json| json.is_number()) && raw == text,
            kind::STRING => text.is_some(),
            kind::JSON => json.is_some_and(|json| json.is_object() || json.is_array()),
            kind::BYTES => true,
            _ => false,
        };
        if !legal {
            return false;
        }
        start = *end as usize;
    }
    start == cells.data.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn what_passes_is_what_the_rules_allow(edit in any_edit()) {
        let legal = is_legal(&edit);
        prop_assert_eq!(check(&plan(), ROWS, &edits(vec![edit]), 1_000).is_ok(), legal);
    }
}
