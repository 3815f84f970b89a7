//! Debezium's placeholders for a value that the database did not send (a large column that did not change, say). They are
//! no values: masked or hashed they would turn "unchanged" into a change.

/// Whether the JSON value `raw` is Debezium's default placeholder, in any of the shapes that column types give it: string,
/// base64, map, map as JSON text, and arrays of one of those or of character codes.
pub fn is_unavailable(raw: &[u8]) -> bool {
    match raw {
        [b'"', ..] => match raw.len() {
            30 => raw == PLAIN,
            42 => raw == BASE64,
            69 => raw == MAP_AS_TEXT,
            _ => false,
        },
        // Longer only by blanks, of which no writer has more than the text itself.
        [b'{', ..] if (63..256).contains(&raw.len()) => same(raw, MAP),
        [b'[', b'"' | b' ' | b'\n' | b'\r' | b'\t' | b'9', ..]
            if (32..512).contains(&raw.len()) =>
        {
            ARRAYS.iter().any(|array| same(raw, array))
        }
        _ => false,
    }
}

const PLAIN: &[u8] = br#""__debezium_unavailable_value""#;
const BASE64: &[u8] = br#""X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==""#;
const MAP: &[u8] = br#"{"__debezium_unavailable_value":"__debezium_unavailable_value"}"#;
const MAP_AS_TEXT: &[u8] =
    br#""{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}""#;
const ARRAYS: [&[u8]; 3] = [
    br#"["__debezium_unavailable_value"]"#,
    br#"["X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="]"#,
    b"[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]",
];

/// Whether two JSON texts differ by nothing but blanks between their tokens; `compact` has none.
fn same(raw: &[u8], compact: &[u8]) -> bool {
    let mut inside = false;
    let tokens = raw.iter().filter(|byte| {
        inside ^= **byte == b'"';
        inside || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
    });
    tokens.eq(compact)
}
