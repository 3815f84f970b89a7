//! T37 to T41: what TiCDC writes beside plain Canal-JSON.

use std::io::Write as _;

use lockgate::config::Compression;
use lockgate::table::Dialect;
use lockgate_tests::offline::{Left, Offline};

use super::bench::{CLEAR, MASKED, canal, masking, refused};

fn handle_key_only(extra: &str) -> String {
    format!(
        r#"{{"id":0,"database":"shop","table":"customers","pkNames":["id"],"isDdl":false,"type":"INSERT","es":1,"ts":2,"sql":"","sqlType":{{"id":4}},"mysqlType":{{"id":"int"}},"old":null,"data":[{{"id":"1"}}],"_tidb":{{"commitTs":3,{extra}}}}}"#
    )
}

/// The row's other columns lie elsewhere, in clear: a mask here would mask nothing.
#[test]
fn t37_a_row_that_lies_elsewhere_is_refused_where_columns_are_protected() {
    for extra in [r#""onlyHandleKey":true"#, r#""claimCheckLocation":"s3://bucket/file.json""#] {
        let value = handle_key_only(extra);
        assert_eq!(masking(Dialect::Ticdc).value(&value).text(), value, "nothing is protected");
        let protecting = masking(Dialect::Ticdc).protect(&["customers.email"]);
        let Left::Refused { code, refusal, .. } = protecting.value(&value) else {
            panic!("{extra} passed");
        };
        assert_eq!(code, "protected-in-clear", "{refusal}");
        assert!(!refusal.contains("bucket"), "{refusal}");
    }
}

#[test]
fn t38_compressed_values_are_unpacked_and_packed_again() {
    let value = canal(&format!(r#""id":"1","email":"{CLEAR}""#));
    let untouched = canal(r#""id":"1""#);
    for compression in [Compression::Snappy, Compression::Lz4] {
        let chain = masking(Dialect::Ticdc).with(|s| s.compression = Some(compression));
        let packed = pack(compression, value.as_bytes());
        let left = chain.value(&packed).sent().value.unwrap();
        assert_eq!(unpack(compression, &left), value.replace(CLEAR, MASKED).into_bytes());
        let packed = pack(compression, untouched.as_bytes());
        let left = chain.value(&packed).sent().value.unwrap();
        assert_eq!(left, packed, "an untouched value leaves in the bytes it came in");
    }
}

fn pack(compression: Compression, text: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Snappy => snap::raw::Encoder::new().compress_vec(text).unwrap(),
        Compression::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn unpack(compression: Compression, packed: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Snappy => snap::raw::Decoder::new().decompress_vec(packed).unwrap(),
        Compression::Lz4 => {
            let mut text = Vec::new();
            std::io::copy(&mut lz4_flex::frame::FrameDecoder::new(packed), &mut text).unwrap();
            text
        }
    }
}

#[test]
fn t39_canals_protobuf_is_named() {
    let packet = b"\x18\x07\x2a\x40\x08\x01\x12\x3c\x0a\x1a";
    let refused = refused(Dialect::Canal, packet);
    assert!(refused.contains("Canal protobuf packets (canal.mq.flatMessage = false)"), "{refused}");
}

const TWO: [&str; 2] = [
    r#"{"database":"shop","table":"customers","type":"insert","ts":1,"data":{"id":1,"email":"anna@example.com"}}"#,
    r#"{"database":"shop","table":"customers","type":"update","ts":1,"data":{"id":2,"email":"anna@example.com"},"old":{"email":"anna@example.com"}}"#,
];

#[test]
fn t40_several_objects_in_one_value_are_several_rows_of_one_record() {
    for between in ["", "\r\n"] {
        let value = TWO.join(between);
        let left = masking(Dialect::TicdcMaxwell).value(&value).text();
        assert_eq!(left, value.replace("anna@example.com", MASKED));
        let filter = "plugin = \"filter\"\n[settings]\ndrop = 'after.id == 1'\n";
        let left = Offline::new(Dialect::TicdcMaxwell).plugin("10-filter", filter).value(&value);
        assert_eq!(left.text(), TWO[1]);
        let filter = "plugin = \"filter\"\n[settings]\ndrop = 'after.id == 2'\n";
        let left = Offline::new(Dialect::TicdcMaxwell).plugin("10-filter", filter).value(&value);
        assert_eq!(left.text().trim_end(), TWO[0]);
    }
}

#[test]
fn t41_a_delete_with_old_alone_has_its_row_there() {
    let value = r#"{"database":"shop","table":"customers","type":"delete","ts":1,"old":{"id":1,"email":"anna@example.com"}}"#;
    let left = masking(Dialect::TicdcMaxwell).value(value).text();
    assert_eq!(left, value.replace("anna@example.com", MASKED));
    let filter = "plugin = \"filter\"\n[settings]\ndrop = 'op == \"d\" && before.id == 1'\n";
    let left = Offline::new(Dialect::TicdcMaxwell).plugin("10-filter", filter).value(value);
    assert!(matches!(left, Left::Dropped(_)), "{left:?}");
}
