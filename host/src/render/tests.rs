//! What leaves, for what came and what was decided.

mod envelope;

use std::sync::Arc;

use super::*;
use crate::change::Decoder;
use crate::contract::kind;
use crate::overlay::{Created, Fate};
use crate::record::Header;
use crate::table::Dialect;

/// One record on its way through decoder and renderer.
pub(super) struct Bench {
    dialect: Dialect,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(&'static str, Option<&'static str>)>,
    layout: Layout,
    edits: Vec<(Place, u8, String)>,
}

/// The target of an edit, by name.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Column(Image, String),
    Created(u16),
    Header(u16),
    Topic,
}

/// What left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) key: Option<String>,
    pub(super) value: Option<String>,
    pub(super) headers: String,
    pub(super) topic: Option<String>,
}

impl Bench {
    pub(super) fn new(dialect: Dialect, key: Option<&str>, value: Option<&str>) -> Self {
        Self {
            dialect,
            key: key.map(str::to_owned),
            value: value.map(str::to_owned),
            headers: Vec::new(),
            layout: Layout::default(),
            edits: Vec::new(),
        }
    }

    pub(super) fn edit(mut self, image: Image, column: &str, kind: u8, text: &str) -> Self {
        self.edits.push((Place::Column(image, column.to_owned()), kind, text.to_owned()));
        self
    }

    fn at(mut self, place: Place, kind: u8, text: &str) -> Self {
        self.edits.push((place, kind, text.to_owned()));
        self
    }

    /// Gives columns, by number, their fates in all three images.
    pub(super) fn fates(mut self, fates: &[Fate]) -> Self {
        self.layout.before = fates.to_vec();
        self.layout.after = fates.to_vec();
        self.layout.key = fates.to_vec();
        self
    }

    pub(super) fn created(mut self, image: Image, name: Option<&str>) -> Self {
        self.layout.created.push(Created { image, name: name.map(Into::into) });
        self
    }

    fn header_names(mut self, names: &[&str]) -> Self {
        self.layout.headers = names.iter().map(|name| (*name).into()).collect();
        self
    }

    pub(super) fn leaves(&self) -> Left {
        self.leaves_by(&mut Renderer::default()).unwrap()
    }

    pub(super) fn leaves_by(&self, renderer: &mut Renderer) -> Result<Left, Refusal> {
        let topic: Arc<str> = "shop.public.items".into();
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| Header { name: name.as_bytes(), value: value.map(str::as_bytes) });
        let record = Record {
            topic: &topic,
            partition: 0,
            offset: 0,
            timestamp: None,
            key: self.key.as_deref().map(str::as_bytes),
            value: self.value.as_deref().map(str::as_bytes),
            headers: headers.collect(),
        };
        let mut tables = Tables::default();
        let mut events = Events::default();
        Decoder::new(self.dialect).decode(0, &record, &mut tables, &mut events).unwrap();
        let mut overlay = Overlay::default();
        overlay.reset(events.rows.len());
        for (place, kind, text) in &self.edits {
            let table = tables.get(events.rows[0].table).unwrap();
            let target = match place {
                Place::Column(image, name) => {
                    Target::Column { image: *image, column: table.column(name).unwrap() }
                }
                Place::Created(number) => Target::Created(*number),
                Place::Header(number) => Target::Header(*number),
                Place::Topic => Target::Topic,
            };
            overlay.set(0, target, *kind, |out| out.extend_from_slice(text.as_bytes()));
        }
        let event = &events.events[0];
        let (events, tables, overlay) = (&events, &tables, &overlay);
        let subject = Subject {
            record: &record,
            event,
            events,
            tables,
            layouts: (&self.layout).into(),
            overlay,
            redactions: &[],
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = headers::headers(subject).into_iter().map(|header| match header.value {
            Some(value) => format!("{}={}", text(&header.name), text(&value)),
            None => text(&header.name),
        });
        Ok(Left {
            headers: headers.collect::<Vec<_>>().join(" "),
            value: renderer.value(subject)?.map(|value| text(&value)),
            key: renderer.key(subject)?.map(|key| text(&key)),
            topic: headers::topic(subject).map(str::to_owned),
        })
    }
}

/// A plain row: the whole value is its after image.
fn row(value: &str) -> Bench {
    Bench::new(Dialect::Json, None, Some(value))
}

fn value(bench: &Bench) -> String {
    bench.leaves().value.unwrap()
}

fn rename(to: &str) -> Fate {
    Fate::Rename(to.into())
}

const UPDATE: &str = r#"{"op":"u","before":{"id":1, "ssn":"a", "n":1.50},"x":[],"after":{"id":1, "ssn":"b", "n":2.50},"source":{"db":"d","table":"t"}}"#;

fn update() -> Bench {
    Bench::new(Dialect::Debezium, Some(r#"{"id":1}"#), Some(UPDATE))
}

#[test]
fn a_record_that_nobody_touched_leaves_as_it_came() {
    let left = update().fates(&[Fate::Keep]).leaves();
    assert_eq!((left.key.as_deref(), left.value.as_deref()), (Some(r#"{"id":1}"#), Some(UPDATE)));
    assert_eq!(left.topic, None);
}

#[test]
fn an_edit_replaces_the_cell_and_nothing_else() {
    let left = update()
        .edit(Image::Before, "ssn", kind::STRING, r#""*""#)
        .edit(Image::After, "ssn", kind::NULL, "null")
        .edit(Image::Key, "id", kind::NUMBER, "9")
        .leaves();
    assert_eq!(
        left.value.unwrap(),
        UPDATE.replace(r#""ssn":"a""#, r#""ssn":"*""#).replace(r#""ssn":"b""#, r#""ssn":null"#)
    );
    assert_eq!(left.key.unwrap(), r#"{"id":9}"#);
}

#[test]
fn the_last_edit_of_a_column_counts() {
    let bench = row(r#"{"a":1}"#).edit(Image::After, "a", kind::NUMBER, "2").edit(
        Image::After,
        "a",
        kind::NUMBER,
        "3",
    );
    assert_eq!(value(&bench), r#"{"a":3}"#);
}

#[test]
fn every_occurrence_of_a_column_is_edited_renamed_and_removed() {
    let twice = r#"{"a":1,"b":2,"\u0061":3}"#;
    assert_eq!(
        value(&row(twice).edit(Image::After, "a", kind::STRING, "\"*\"")),
        r#"{"a":"*","b":2,"\u0061":"*"}"#
    );
    assert_eq!(value(&row(twice).fates(&[rename("c")])), r#"{"c":1,"b":2,"c":3}"#);
    assert_eq!(value(&row(twice).fates(&[Fate::Remove])), r#"{"b":2}"#);
    assert_eq!(value(&row(twice).edit(Image::After, "a", kind::ABSENT, "")), r#"{"b":2}"#);
}

#[test]
fn removal_takes_one_comma_along() {
    let text = "{ \"a\" : 1 ,\n \"b\" : 2 ,\n \"c\" : 3 }";
    let with = |fates: &[Fate]| value(&row(text).fates(fates));
    assert_eq!(with(&[Fate::Remove]), "{ \"b\" : 2 ,\n \"c\" : 3 }");
    assert_eq!(with(&[Fate::Keep, Fate::Remove]), "{ \"a\" : 1 ,\n \"c\" : 3 }");
    assert_eq!(with(&[Fate::Keep, Fate::Keep, Fate::Remove]), "{ \"a\" : 1 ,\n \"b\" : 2 }");
    assert_eq!(with(&[Fate::Remove, Fate::Remove, rename("q\"")]), "{ \"q\\\"\" : 3 }");
    assert_eq!(with(&[Fate::Remove, Fate::Remove, Fate::Remove]), "{  }");
}

#[test]
fn created_columns_come_last_in_their_image() {
    let bench = update()
        .created(Image::After, Some("n\"w"))
        .created(Image::Before, None)
        .created(Image::Key, Some("k"));
    let left = bench
        .at(Place::Created(0), kind::STRING, r#""x""#)
        .at(Place::Created(1), kind::STRING, r#""gone""#)
        .at(Place::Created(2), kind::NUMBER, "2")
        .leaves();
    assert_eq!(left.value.unwrap(), UPDATE.replace(r#""n":2.50}"#, r#""n":2.50,"n\"w":"x"}"#));
    assert_eq!(left.key.unwrap(), r#"{"id":1,"k":2}"#);
}

#[test]
fn a_created_column_finds_its_place_in_an_image_without_members() {
    let created = |text, fates: &[Fate]| {
        let bench = row(text).fates(fates).created(Image::After, Some("new"));
        value(&bench.at(Place::Created(0), kind::BOOLEAN, "true"))
    };
    assert_eq!(created("{}", &[]), r#"{"new":true}"#);
    assert_eq!(created("{ }", &[]), r#"{"new":true }"#);
    assert_eq!(created(r#"{"a":1,"b":2}"#, &[Fate::Remove, Fate::Remove]), r#"{"new":true}"#);
    assert_eq!(created(r#"{"a":1,"b":2}"#, &[Fate::Remove]), r#"{"b":2,"new":true}"#);
}

#[test]
fn an_edit_of_a_column_that_the_row_came_without_adds_it() {
    let text =
        r#"{"op":"u","before":{"id":1},"after":{"id":1,"a":2},"source":{"db":"d","table":"t"}}"#;
    let bench = Bench::new(Dialect::Debezium, None, Some(text));
    let bench = bench.edit(Image::Before, "a", kind::NUMBER, "0").edit(
        Image::Before,
        "id",
        kind::NUMBER,
        "7",
    );
    assert_eq!(value(&bench), text.replace(r#"{"id":1},"#, r#"{"id":7,"a":0},"#));
    assert_eq!(
        value(&bench.fates(&[Fate::Keep, rename("b")])),
        text.replace(r#"{"id":1},"#, r#"{"id":7,"b":0},"#).replace(r#""a":2"#, r#""b":2"#)
    );
}

#[test]
fn an_image_that_is_not_there_stays_away() {
    let text = r#"{"op":"c","before":null,"after":{"a":1},"source":{"db":"d","table":"t"}}"#;
    let bench = Bench::new(Dialect::Debezium, None, Some(text));
    let bench = bench
        .edit(Image::Before, "a", kind::STRING, "\"*\"")
        .created(Image::Before, Some("new"))
        .at(Place::Created(0), kind::NUMBER, "1");
    assert_eq!(value(&bench), text);
}

#[test]
fn a_tombstones_key_is_edited_and_its_value_stays_away() {
    let bench = Bench::new(Dialect::Debezium, Some(r#"{"id":1,"ssn":"a"}"#), None);
    let left = bench.edit(Image::Key, "ssn", kind::STRING, "\"*\"").fates(&[rename("ID")]).leaves();
    assert_eq!(left.key.unwrap(), r#"{"ID":1,"ssn":"*"}"#);
    assert_eq!(left.value, None);
}

#[test]
fn an_opaque_key_leaves_as_it_came() {
    let bench = Bench::new(Dialect::Json, Some("not json"), Some(r#"{"a":1}"#));
    assert_eq!(bench.fates(&[Fate::Remove]).leaves().key.unwrap(), "not json");
}

#[test]
fn headers_are_replaced_added_emptied_and_removed() {
    let mut bench = row("{}").header_names(&["a", "b", "c", "d"]);
    bench.headers = vec![
        ("x", Some("1")),
        ("a", Some("2")),
        ("b", None),
        ("a", Some("3")),
        ("y", None),
        ("d", Some("4")),
    ];
    assert_eq!(bench.leaves().headers, "x=1 a=2 b a=3 y d=4");
    let bench = bench
        .at(Place::Header(0), kind::STRING, "new")
        .at(Place::Header(1), kind::ABSENT, "")
        .at(Place::Header(2), kind::BYTES, "added")
        .at(Place::Header(3), kind::NULL, "");
    assert_eq!(bench.leaves().headers, "x=1 a=new y d c=added");
}

#[test]
fn the_topic_is_the_edits() {
    assert_eq!(
        row("{}").at(Place::Topic, kind::STRING, "pii.t").leaves().topic.as_deref(),
        Some("pii.t")
    );
    assert_eq!(row("{}").at(Place::Topic, kind::ABSENT, "").leaves().topic, None);
}
