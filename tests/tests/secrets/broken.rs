//! Every way to be refused: records that cannot be read, and plugins that fail, quote, copy and tell.

use super::debezium::row;
use super::plant::Planted;

pub(crate) fn planted() -> Vec<Planted> {
    let mut all = vec![unreadable(), too_large(), unlisted()];
    for guest in
        ["quotes", "tells", "copies", "trap", "panic", "liar", "wild", "huge", "spin", "hog"]
    {
        let mut plant = Planted::new(guest, "debezium");
        plant.guest = Some(guest);
        if guest == "tells" {
            // What may stand in the name of a counter.
            let digits = plant.number("after.email");
            let value = format!(
                r#"{{"after":{{"id":1,"email":"{digits}"}},"source":{{"table":"customers"}},"op":"c"}}"#
            );
            plant.write(None, value);
            all.push(plant);
            continue;
        }
        let record = row(&mut plant, "after.email");
        // Most guests fail where they find this word.
        let value = String::from_utf8(record.value.unwrap_or_default()).unwrap_or_default();
        plant.records.clear();
        let poisonous = value.replace(r#""email":""#, r#""email":"poison "#);
        plant.write(None, poisonous);
        all.push(plant);
    }
    all
}

fn unreadable() -> Planted {
    let mut plant = Planted::new("unreadable", "debezium");
    for (place, before, after) in [
        ("text that ends too early", r#"{"after":{"email":""#, r#""},"op":"c""#),
        ("a word in place of a value", r#"{"after":{"email":""#, r#"","n":nothing},"op":"c"}"#),
        (
            "an operation that nobody knows",
            r#"{"after":{"email":""#,
            r#""},"source":{"table":"customers"},"op":"x"}"#,
        ),
        ("no object", r#"[""#, r#""]"#),
        (
            "another tool's event",
            r#"{"database":"shop","table":"customers","type":"insert","ts":1,"data":{"email":""#,
            r#""}}"#,
        ),
        (
            "two images of one name",
            r#"{"after":{"email":""#,
            r#""},"after":{},"source":{"table":"customers"},"op":"c"}"#,
        ),
        (
            "half a character",
            r#"{"after":{"email":"\ud800"#,
            r#""},"source":{"table":"customers"},"op":"c"}"#,
        ),
    ] {
        let secret = plant.secret(place);
        plant.write(None, format!("{before}{secret}{after}"));
    }
    let key = plant.secret("a key that is the value itself");
    plant.write(
        Some(&key),
        format!(r#"{{"after":{{"email":"{key}"}},"source":{{"table":"customers"}},"op":"c"}}"#),
    );
    let mut bytes = plant.secret("text that is no UTF-8").into_bytes();
    bytes.insert(0, 0xff);
    plant.write(None, bytes);
    plant
}

/// What a plugin adds makes it larger than a record may be.
fn too_large() -> Planted {
    let mut plant = Planted::new("large", "debezium");
    plant.pipeline = "[pipeline.limits]\nrecord_bytes = \"3kB\"\n";
    plant.added = 3_000;
    row(&mut plant, "a record that grows too large to be sent");
    plant
}

/// A column that nobody has listed, where that sends its record to the dead letters.
fn unlisted() -> Planted {
    let mut plant = Planted::new("unlisted", "debezium");
    plant.pipeline = "unlisted = \"dead-letter\"\n";
    let (email, strange) = (plant.secret("beside it"), plant.secret("the column itself"));
    let value = format!(
        r#"{{"after":{{"id":1,"email":"{email}","strange":"{strange}"}},"source":{{"table":"customers"}},"op":"c"}}"#
    );
    plant.write(None, value);
    plant
}
