//! Makes a plugin's text harmless before it reaches a log, an error or a header, and a hash into text. Pure.

use std::fmt::Write as _;

/// `text` with control and direction-changing characters escaped, cut to about `max` bytes.
pub fn tame(text: &str, max: usize) -> String {
    let mut tamed = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        if tamed.len() + c.len_utf8() > max {
            tamed.push('…');
            break;
        }
        if is_harmful(c) {
            write!(tamed, "{}", c.escape_default()).expect("a String takes every write");
        } else {
            tamed.push(c);
        }
    }
    tamed
}

/// Bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Characters that can forge a line of a log, drive a terminal, or make text read otherwise than it is.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(tame("größe: 3 日本", 100), "größe: 3 日本");
    }

    #[test]
    fn characters_that_forge_lines_or_drive_terminals_are_escaped() {
        assert_eq!(tame("a\nb\x1b[31m\0\u{202e}", 100), "a\\nb\\u{1b}[31m\\u{0}\\u{202e}");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(tame("日本語", 7), "日本…");
        assert_eq!(tame("日本語", 9), "日本語");
    }
}
