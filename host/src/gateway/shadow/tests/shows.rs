//! What of the differences is shown, and what is hidden.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::fields::{Reader, Rows};
use super::veil::{Side, Veil};
use super::*;
use crate::control::HIDDEN;
use crate::gateway::plugins;
use crate::pipeline::Pipeline;
use crate::protect::Protection;

#[test]
fn the_same_chain_twice_gives_no_difference() {
    let chain = [mask(r#"{"email":"keep-domain"}"#)];
    let found = tried(&settings(&[]), (&chain, &chain), &[email(1, "anna@x.io")]);
    assert_eq!(found, (Ok(()), Diff::default()));
    let other = [mask(r#"{"email":"keep-domain","none":"null"}"#)];
    let seen = told(&settings(&[]), (&chain, &other), &[email(1, "anna@x.io")]);
    assert_eq!(seen, "0 of 1\n");
}

#[test]
fn a_changed_mask_shows_both_outputs_and_never_what_it_masks() {
    let (old, new) = ([mask(r#"{"email":"keep-domain"}"#)], [mask(r#"{"email":"constant:gone"}"#)]);
    insta::assert_snapshot!(told(&settings(&[]), (&old, &new), &[email(1, "anna@x.io")]), @r#"
    1 of 1
    t@0 shop.public.customers: forward to clean.t | forward to clean.t
      after.email: (hidden) | "****@x.io" | "gone"
    "#);
}

#[test]
fn a_protected_column_is_hidden_in_all_three() {
    let (old, new) = ([mask(r#"{"email":"keep-domain"}"#)], [mask(r#"{"email":"constant:gone"}"#)]);
    insta::assert_snapshot!(told(&settings(&["*.email"]), (&old, &new), &[email(1, "anna@x.io")]), @r#"
    1 of 1
    t@0 shop.public.customers: forward to clean.t | forward to clean.t
      after.email: (hidden) | (hidden) | (hidden)
    "#);
}

#[test]
fn a_protected_column_is_hidden_under_the_name_it_leaves_with() {
    let mask = mask(r#"{"email":"keep-domain"}"#);
    let renamed = official("names", "reshape", r#"{"rename":{"email":"contact"}}"#);
    let (old, new) = ([Arc::clone(&mask)], [mask, renamed]);
    insta::assert_snapshot!(told(&settings(&["*.email"]), (&old, &new), &[email(1, "anna@x.io")]), @r#"
    1 of 1
    t@0 shop.public.customers: forward to clean.t | forward to clean.t
      after.email: (hidden) | (hidden) | -
      after.contact: - | - | (hidden)
    "#);
}

#[test]
fn what_only_one_of_the_chains_hides_is_hidden_where_it_left_in_clear() {
    let (old, new) =
        ([guest("pass")], [mask(r#"{"email":"constant:gone","pin":"null","vip":"null"}"#)]);
    let given = update(1, r#""email":"anna@x.io","pin":7,"vip":true,"note":"n""#);
    insta::assert_snapshot!(told(&settings(&[]), (&old, &new), &[given]), @r#"
    1 of 1
    t@0 shop.public.customers: forward to clean.t | forward to clean.t
      after.email: (hidden) | (hidden) | "gone"
      after.pin: (hidden) | (hidden) | null
      after.vip: (hidden) | (hidden) | null
    "#);
}

#[test]
fn a_removed_column_is_hidden_in_the_source_and_where_it_left() {
    let old = [official("cut", "reshape", r#"{"remove":["note"]}"#)];
    let new = [official("cut", "reshape", r#"{"remove":["email"]}"#)];
    insta::assert_snapshot!(told(&settings(&[]), (&old, &new), &[email(1, "anna@x.io")]), @r#"
    1 of 1
    t@0 shop.public.customers: forward to clean.t | forward to clean.t
      after.email: (hidden) | (hidden) | -
      after.note: (hidden) | - | (hidden)
    "#);
}

#[test]
fn a_hidden_value_is_hidden_in_whatever_field_it_turns_up() {
    let given = update(
        1,
        r#""email":"anna@x.io","profile":{"mail":"ANNA@x.io"},"copy":"{\"to\":\"anna\\u0040x.io\"}","packed":"YW5uYUB4Lmlv","free":"so""#,
    );
    let old = [mask(r#"{"email":"constant:gone"}"#)];
    let rename = r#"{"rename":{"profile":"p","copy":"c","packed":"k","free":"f"}}"#;
    let new = [Arc::clone(&old[0]), official("names", "reshape", rename)];
    insta::assert_snapshot!(told(&settings(&[]), (&old, &new), &[given]), @r#"
    1 of 1
    t@0 shop.public.customers: forward to clean.t | forward to clean.t
      after.profile: (hidden) | (hidden) | -
      after.copy: (hidden) | (hidden) | -
      after.packed: (hidden) | (hidden) | -
      after.free: "so" | "so" | -
      after.p: - | - | (hidden)
      after.c: - | - | (hidden)
      after.k: - | - | (hidden)
      after.f: - | - | "so"
    "#);
}

#[test]
fn headers_and_keys_are_compared_field_by_field() {
    let mut given = email(7, "anna@x.io");
    given.headers.push(("x-copy", "from before".to_owned()));
    let new = [guest("copies"), mask(r#"{"id":"constant:key"}"#)];
    insta::assert_snapshot!(told(&settings(&[]), (&[], &new), &[given]), @r#"
    1 of 1
    t@0 shop.public.customers: forward to clean.t | forward to clean.t
      after.id: (hidden) | (hidden) | "key"
      key.id: (hidden) | (hidden) | "key"
      header:x-copy: (hidden) | (hidden) | "anna@x.io"
    "#);
}

#[test]
fn rows_of_one_record_are_told_apart_and_documents_are_looked_into() {
    let (old, new) = ([mask(r#"{"email":"keep-domain"}"#)], [mask(r#"{"email":"constant:gone"}"#)]);
    let value = |value: &str| [Given { value: Some(value.to_owned()), ..Given::default() }];
    let canal = config::Pipeline { dialects: Dialect::Canal.into(), ..(*settings(&[])).clone() };
    let rows = value(
        r#"{"data":[{"id":"1","email":"a@x.io"},{"id":"2","email":"b@y.io"}],"old":null,"database":"shop","table":"people","type":"INSERT","isDdl":false,"pkNames":["id"],"es":1,"ts":1,"id":1,"sql":"","sqlType":{"id":4,"email":12},"mysqlType":{"id":"int","email":"text"}}"#,
    );
    insta::assert_snapshot!(told(&Arc::new(canal), (&old, &new), &rows), @r#"
    1 of 1
    t@0 shop.people: forward to clean.t | forward to clean.t
      row 1 after.email: (hidden) | "*@x.io" | "gone"
      row 2 after.email: (hidden) | "*@y.io" | "gone"
    "#);
    let document = value(
        r#"{"before":null,"after":"{\"_id\": 1,\"email\": \"a@x.io\"}","source":{"connector":"mongodb","db":"shop","collection":"people"},"op":"c"}"#,
    );
    insta::assert_snapshot!(told(&settings(&[]), (&old, &new), &document), @r#"
    1 of 1
    t@0 shop.people: forward to clean.t | forward to clean.t
      after.email: (hidden) | "*@x.io" | "gone"
    "#);
}

#[test]
fn rows_that_end_differently_say_how() {
    let old = [official("rows", "filter", r#"{"keep":"after.email != \"a@x.io\""}"#)];
    let new = [official("rows", "filter", r#"{"keep":"after.email != \"b@x.io\""}"#)];
    let given = ["a@x.io", "b@x.io", "c@x.io"].map(|mail| email(1, mail));
    insta::assert_snapshot!(told(&settings(&[]), (&old, &new), &given), @r#"
    2 of 3
    t@0 shop.public.customers: drop | forward to clean.t
    t@1 shop.public.customers: forward to clean.t | drop
    "#);
}

#[test]
fn what_no_plugin_sees_does_not_differ() {
    let broken = Given { value: Some("no JSON".to_owned()), ..Given::default() };
    let heartbeat = Given { value: Some(r#"{"ts_ms":1}"#.to_owned()), ..Given::default() };
    let (old, new) = ([guest("pass")], [guest("stars")]);
    let seen = told(&settings(&[]), (&old, &new), &[broken, heartbeat, email(1, "anna@x.io")]);
    assert!(seen.starts_with("1 of 3\n"), "{seen}");
}

#[test]
fn examples_and_their_fields_and_values_are_bounded() {
    let columns: Vec<String> =
        (0..45).map(|number| format!(r#""c{number}":"{}""#, "y".repeat(200))).collect();
    let given: Vec<Given> = (0..50).map(|id| update(id, &columns.join(","))).collect();
    let all: Vec<String> =
        (0..45).map(|number| format!(r#""c{number}":"keep-first:150""#)).collect();
    let new = [mask(&format!("{{{}}}", all.join(",")))];
    let (_, diff) = tried(&settings(&[]), (&[], &new), &given);
    assert_eq!((diff.compared, diff.differing, diff.examples.len()), (50, 50, 20));
    for example in &diff.examples {
        assert_eq!(example.fields.len(), 41);
        assert_eq!(example.fields[40].field, "and 5 more");
        let longest = example.fields.iter().filter_map(|field| field.new.as_ref());
        assert_eq!(longest.map(|text| text.chars().count()).max(), Some(121));
    }
}

#[test]
fn a_plugin_that_remembers_what_it_saw_is_told_of() {
    let (old, new) = ([guest("pass")], [guest("moody")]);
    let kept: Vec<Arc<Copies>> = (0..4).map(|id| sample(&[email(id, "a@x.io")])).collect();
    let unsteady = |new: &[Arc<Version>]| {
        let mut trial = Trial::new(&settings(&[]), &old, new);
        trial.look_for_memory(&kept, &|| false);
        trial.diffs().next().unwrap().1.unsteady
    };
    assert_eq!(unsteady(&new), 4);
    assert_eq!(unsteady(&[guest("stars")]), 0);
}

/// What may be shown of the only record of a batch that went through both chains, or through neither.
fn veiled(
    settings: &Arc<config::Pipeline>,
    chains: [&[Arc<Version>]; 2],
    (given, carried): (Given, bool),
    look: impl FnOnce(&Veil, &Rows),
) {
    let sample = sample(&[given]);
    let records = sample.records();
    let mut pipelines = chains.map(|chain| {
        Pipeline::new(Arc::clone(settings), chain.iter().map(plugins::stage).collect())
    });
    for pipeline in pipelines.iter_mut().filter(|_| carried) {
        pipeline.process(&records, |_, _, _| true);
    }
    let rows = Reader::new(settings).read(&records[0]);
    let protection = Protection::of(settings);
    look(&Veil::of(&records[0], &rows, [&pipelines[0], &pipelines[1]], &protection), &rows);
}

#[test]
fn of_a_table_that_a_chain_could_not_open_everything_is_hidden() {
    let chain = [guest("pass")];
    for carried in [true, false] {
        let given = (email(1, "anna@x.io"), carried);
        veiled(&settings(&[]), [&[], &chain], given, |veil, rows| {
            let shown = |cell| {
                let settings = settings(&[]);
                veil.cell(Side::Output, (&rows[0].table, &Protection::of(&settings)), cell)
            };
            let hidden = rows[0].cells.iter().filter(|cell| shown(cell) == HIDDEN).count();
            assert_eq!(hidden, if carried { 1 } else { rows[0].cells.len() });
            assert_eq!(veil.header(Side::Output, b"h", Some(b"v")) == HIDDEN, !carried);
            assert_eq!(veil.text("topic") == HIDDEN, !carried);
        });
    }
}

#[test]
fn the_other_key_in_a_header_is_hidden_and_so_are_its_values_elsewhere() {
    let shown = |protect: &[&str], chain: &[Arc<Version>]| {
        let mut given = email(1, "anna@x.io");
        let key = r#"{"schema":{},"payload":{"id":1,"email":"before@x.io"}}"#;
        given.headers.push(("__debezium.oldkey", key.to_owned()));
        let mut shown = Vec::new();
        veiled(&settings(protect), [&[], chain], (given, true), |veil, _| {
            for side in [Side::Source, Side::Output] {
                shown.push(veil.header(side, b"__debezium.oldkey", Some(b"{}")) == HIDDEN);
            }
            shown.push(veil.text("was before@x.io") == HIDDEN);
            shown.push(veil.text("was nobody") == HIDDEN);
        });
        shown
    };
    assert_eq!(shown(&[], &[]), [true, false, false, false]);
    assert_eq!(shown(&[], &[guest("pass")]), [true, false, true, false]);
    let covers = [mask(r#"{"email":"constant:gone"}"#)];
    // Without a plugin nobody knows what is hidden: all of it.
    assert_eq!(shown(&["*.email"], &covers), [true, true, true, true]);
}

fn secret(number: usize) -> String {
    format!("zqsecret-{number:03}@x.example")
}

/// A record full of secrets: in columns that plugins hide, and in copies of them in others.
fn planted() -> Given {
    let [email, ssn, inner, mixed] = [0, 1, 2, 3].map(secret);
    let encoded = BASE64.encode(&ssn);
    let loud = inner.to_uppercase();
    let mut given = update(
        1,
        &format!(
            r#""email":"{email}","ssn":"{ssn}","profile":{{"a":["{inner}",{{"b":"{{\"c\":\"{mixed}\"}}"}}]}},"note":"dear {email}","blob":"{{\"in\":\"{mixed}\"}}","packed":"{encoded}","loud":"{loud}","pin":4242"#
        ),
    );
    given.headers.push(("x-copy", format!("to {email}")));
    given
}

/// No secret may be in what an operator gets, whatever the chains do; neither in why a chain must not serve.
#[test]
fn no_secret_is_in_what_is_told() {
    let all = r#"{"email":"keep-domain","ssn":"null","profile":"redact","pin":"constant:pin"}"#;
    let names =
        r#"{"rename":{"note":"n2","blob":"b2","packed":"p2","loud":"l2","email":"contact"}}"#;
    let chains: Vec<Vec<Arc<Version>>> = vec![
        vec![],
        vec![guest("pass")],
        vec![guest("copies")],
        vec![guest("tells")],
        vec![guest("quotes")],
        vec![official("names", "reshape", names)],
        vec![official("cut", "reshape", r#"{"remove":["email","note","ssn"]}"#)],
    ];
    let hiding: Vec<Vec<Arc<Version>>> = vec![
        vec![mask(all)],
        vec![guest("copies"), mask(all), official("names", "reshape", names)],
        vec![official("names", "reshape", names), mask(&all.replace("email", "contact"))],
        vec![official("cut", "reshape", r#"{"remove":["email","ssn","profile","pin"]}"#)],
    ];
    let mut compared = 0;
    for protect in [&[][..], &["*.email", "*.ssn", "*.profile", "*.pin"]] {
        for (one, other) in chains
            .iter()
            .chain(&hiding)
            .flat_map(|one| hiding.iter().map(move |other| (one, other)))
        {
            for pair in [(one, other), (other, one)] {
                let (verdict, diff) = tried(&settings(protect), (pair.0, pair.1), &[planted()]);
                let told = format!("{verdict:?} {}", serde_json::to_string(&diff).unwrap());
                for number in 0..4 {
                    let secret = secret(number);
                    let spellings = [secret.clone(), secret.to_uppercase(), BASE64.encode(&secret)];
                    for spelling in spellings {
                        assert!(!told.contains(&spelling), "{protect:?} {pair:?}: {told}");
                    }
                }
                assert!(!told.contains("4242"), "{protect:?} {pair:?}: {told}");
                compared += diff.examples.len();
            }
        }
    }
    assert!(compared > 50, "{compared}");
}
