//! Digests: canonical values, keys in rotation, and Debezium's own.

use lockgate_plugin::testing::Harness;
use serde_json::{Value, json};

use super::{Mask, masked, masked_as, refusal};

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn canonical_digests_join_what_formats_write_differently() {
    // That of the text `42`, from Python's hmac module.
    let digest = "k1:23d2d0df7e48e6c38bdc4173b47c6157498302d5d3877203d212ddd30feeff36";
    for alike in [
        json!("42"),
        json!("42.0"),
        json!("42.00"),
        number("42"),
        number("42.0"),
        number("4.2E1"),
        number("4200e-2"),
        json!({ "$numberLong": "42" }),
        json!({ "$numberDouble": "42.0" }),
        json!("{\"$numberLong\": \"42\"}"),
        json!("{\"$numberDecimal\":\"4.2E+1\"}"),
        json!("\"42\""),
    ] {
        assert_eq!(masked("hmac:canonical", alike.clone()), digest, "{alike}");
    }
    for other in
        [json!("042"), json!("+42"), json!(" 42"), json!("4.2e1"), json!("42."), json!("420")]
    {
        assert_ne!(masked("hmac:canonical", other.clone()), digest, "{other}");
    }
    for [one, same] in [
        [number("0"), json!("-0.00")],
        [number("-0.0"), number("0e5")],
        [number("1e3"), json!("1000")],
        [number("-1.50E-3"), json!("-0.0015")],
        [number("1e5000"), number("10E4999")],
        [number("18446744073709551615.10"), json!("18446744073709551615.1")],
        [json!(true), json!("true")],
    ] {
        let [a, b] = [&one, &same].map(|value| masked("hmac:canonical", value.clone()));
        assert_eq!(a, b, "{one} {same}");
    }
    assert_ne!(masked("hmac", json!("42.0")), masked("hmac", json!("42")), "only where asked for");
}

#[test]
fn a_key_of_mongodb_joins_the_id_of_its_document() {
    let id = json!({ "$oid": "596e275826f08b2730779e1f" });
    let digest = masked("hmac", json!("596e275826f08b2730779e1f"));
    assert_eq!(masked("hmac", id.clone()), digest);
    assert_eq!(masked("hmac:canonical", id.clone()), digest);
    assert_eq!(
        masked("hmac:canonical", json!(id.to_string())),
        digest,
        "as the record's key has it"
    );
    assert_eq!(masked("hmac:canonical", json!("\"a\\u00e9\"")), masked("hmac", json!("aé")));
    assert_ne!(
        masked("hmac", json!({ "a": 1 })),
        masked("hmac", json!({ "a": 2 })),
        "objects are told apart"
    );
}

#[test]
fn keys_rotate_and_digests_tell_which_made_them() {
    let keys = json!({ "2025": "the key of last year", "2026": "the key of this year" });
    let run = |rule: &str| {
        let settings = json!({ "columns": { "c": rule }, "keys": keys, "key_id": "2026" });
        let event = json!({ "op": "c", "after": { "c": "x" } });
        let left = Harness::<Mask>::new(&settings).unwrap().run(&[event]);
        left[0]["after"]["c"].as_str().unwrap().to_owned()
    };
    // From Python's hmac module.
    let this_year = "c8007d93e7b71df8077ad709b5caf5160b88c17d73786eee1650630dec3854f5";
    let last_year = "86f8f4399c31f77f0fc5c84f307626f53bec315541c6761e2a77b9cdb082d30c";
    assert_eq!(run("hmac"), format!("2026:{this_year}"));
    assert_eq!(run("hmac:key=2025"), format!("2025:{last_year}"));
    assert_eq!(run("hmac:bare"), this_year);
    assert_eq!(run("hmac:bare:key=2025"), last_year);
}

fn refused(rule: &str, mut settings: Value) -> String {
    settings["columns"] = json!({ "c": rule });
    refusal(settings)
}

#[test]
fn secrets_that_cannot_be_meant_are_refused() {
    let key = "a key of 16 bytes or more";
    for (rule, settings, reason) in [
        (
            "hmac",
            json!({ "key": key, "keys": { "a": key }, "key_id": "a" }),
            "\"key\" and \"keys\" are both set: put the one key among the others",
        ),
        (
            "hmac",
            json!({ "keys": { "a": key }, "key_id": "b" }),
            "\"key_id\" is \"b\", which names none of \"keys\": add it there",
        ),
        (
            "hmac",
            json!({ "keys": { "a": key } }),
            "\"c\" asks for \"hmac\", which needs both \"key\" (or \"keys\") and \"key_id\"",
        ),
        (
            "hmac",
            json!({ "keys": { "a": "short" }, "key_id": "a" }),
            "the key \"a\" is shorter than 16 bytes",
        ),
        (
            "hmac",
            json!({ "keys": { "a b": key }, "key_id": "a b" }),
            "a key's id is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"",
        ),
        (
            "hmac:key=b",
            json!({ "keys": { "a": key }, "key_id": "a" }),
            "\"c\" asks for the key \"b\", which is none of the settings' keys",
        ),
        (
            "card:luhn",
            json!({ "key": key }),
            "\"card:luhn\" is to use a key, which needs both \"key\" (or \"keys\") and \"key_id\"",
        ),
    ] {
        assert_eq!(refused(rule, settings), reason, "{rule}");
    }
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    for (rule, settings, reason) in [
        (
            "hmac:canon",
            json!({}),
            "reading the rule of \"c\": \"canon\" is no option of \"hmac\": they are \"hex\" or \"base64url\", \"canonical\", \"bare\" and \"key=ID\"",
        ),
        (
            "hmac:hex:base64url",
            json!({}),
            "reading the rule of \"c\": \"base64url\" sets an option of \"hmac\" that is set already",
        ),
        ("debezium-v2:SHA-256", json!({}), "\"c\" asks for \"debezium-v2\", which needs \"salt\""),
        (
            "debezium-v2:SHA256",
            json!({}),
            "reading the rule of \"c\": \"SHA256\" is no algorithm of \"debezium-v2\": write MD5, SHA-1, SHA-256 or SHA-512",
        ),
        (
            "redact",
            json!({ "salt": "s" }),
            "\"salt\" is set, yet no column asks for \"debezium-v1\" or \"debezium-v2\"",
        ),
        (
            "number-bucket:1",
            json!({}),
            "reading the rule of \"c\": \"1\" is no size of a bucket: write a whole number, 2 or more",
        ),
    ] {
        assert_eq!(refused(rule, settings), reason, "{rule}");
    }
}

/// From a Java program that does what Debezium does: `MessageDigest` over the salt and then, for version 1, what
/// `ObjectOutputStream` wrote. The SHA-256 ones of the first value stand in Debezium's own tests, too.
#[test]
fn debeziums_digests_are_those_of_java() {
    let long = "x".repeat(70_000);
    for (rule, clear, digest) in [
        (
            "debezium-v1:SHA-256",
            "12345678901234567890",
            "5944c66655670e4ce234df8529d452ba1cae10a641b9cd1583abf62585b8515a",
        ),
        (
            "debezium-v2:SHA-256",
            "12345678901234567890",
            "b65875d34a3dedf070f3a012970bf3b5da424560d7be3d2c23b986b525d2d7f3",
        ),
        ("debezium-v1:SHA-1", "12345678901234567890", "b97da85056efc5175136875b4ff1b745f247732a"),
        ("debezium-v2:SHA-1", "12345678901234567890", "a8c5b630845eb6779adf353a9d8344e96f63505f"),
        ("debezium-v1:MD5", "12345678901234567890", "0aa082473f366147a8dae62521210e5e"),
        ("debezium-v2:MD5", "12345678901234567890", "9b913d32d0277676556047da397c8689"),
        (
            "debezium-v1:SHA-512",
            "anna.ødegård@example.no",
            "0ef5a9060b59cebbafec791ca2156c25147c22baa9c2aaa254f7a231e0a47bfc67dcc400593b30aae7075e4cfd0da9bd79b24fad0eb445c60d0745b14147fef8",
        ),
        (
            "debezium-v1:SHA-256",
            "anna.ødegård@example.no",
            "18170c2a0ff1904fd62a5996d4b2d6d27d7118d2c0ad026cefdc3c1b88dbe2b4",
        ),
        // Java's UTF-8 has pairs of surrogates, and two bytes for a NUL.
        (
            "debezium-v1:SHA-256",
            "😀\0",
            "b55b30bb2f07b61f5cd2afbafa73f6a6c075430e30c701b95eb1e38bf342e72f",
        ),
        (
            "debezium-v2:SHA-256",
            "😀\0",
            "d61eded1cd66c29843b13f938420e1d86a9b1c621f4e67ef57c9c0f20d64d9b0",
        ),
        (
            "debezium-v1:SHA-256",
            "",
            "5cb3caa7da82199c76f8834ad8b66cac9c66211483710c7845eb361fde83844e",
        ),
        (
            "debezium-v1:SHA-256",
            &long,
            "7e43cc35b99916d119c9961412f4d7400531e967e313915865fd5783dabea552",
        ),
    ] {
        assert_eq!(masked(rule, json!(clear)), digest, "{rule}");
    }
    assert_eq!(
        masked("debezium-v2:MD5", number("12345678901234567890")),
        "9b913d32d0277676556047da397c8689"
    );
    assert_eq!(
        masked("debezium-v1:MD5", json!(42)),
        "column \"c\" holds a number, which \"debezium-v1\" cannot mask"
    );
}

#[test]
fn digests_are_never_cut_to_the_length_of_their_column() {
    for (rule, len) in [("debezium-v2:SHA-512", 128), ("debezium-v1:MD5", 32), ("hmac:bare", 64)] {
        let left = masked_as("varchar(10)", rule, json!("x")).unwrap();
        assert_eq!(left.as_str().unwrap().len(), len, "{rule}");
    }
}

#[test]
fn a_card_number_is_drawn_by_the_key_where_there_is_one() {
    let covered = |key: &str| {
        let settings = json!({ "columns": { "c": "card:luhn" }, "key": key, "key_id": "k" });
        let event = json!({ "op": "c", "after": { "c": "4111111111111111" } });
        Harness::<Mask>::new(&settings).unwrap().run(&[event])[0]["after"]["c"].clone()
    };
    assert_ne!(covered("one key of 16 bytes"), covered("another key of 16 bytes"));
}
