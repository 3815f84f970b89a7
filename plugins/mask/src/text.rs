//! Rules that keep a part of a text. Lengths count characters. A value no longer than what may be kept would pass in clear: it is
//! covered whole. Pure.

use crate::redact;

pub(crate) fn keep_first(text: &str, kept: usize, out: &mut Vec<u8>) {
    let cut = if text.is_ascii() {
        (kept < text.len()).then_some(kept)
    } else {
        text.char_indices().nth(kept).map(|(at, _)| at)
    };
    let (clear, covered) = text.split_at(cut.unwrap_or(0));
    out.extend_from_slice(clear.as_bytes());
    redact::text(covered, out);
}

/// As [`keep_first`], from the end.
pub(crate) fn keep_last(text: &str, kept: usize, out: &mut Vec<u8>) {
    let cut = if text.is_ascii() {
        text.len().checked_sub(kept).filter(|cut| *cut > 0)
    } else {
        let start = text.char_indices().rev().nth(kept - 1).map(|(at, _)| at);
        start.filter(|cut| *cut > 0)
    };
    let (covered, clear) = text.split_at(cut.unwrap_or(text.len()));
    redact::text(covered, out);
    out.extend_from_slice(clear.as_bytes());
}

/// Covers what precedes the last `@`; all where nothing does.
pub(crate) fn keep_domain(text: &str, out: &mut Vec<u8>) {
    match text.rfind('@').filter(|at| *at > 0) {
        Some(at) => {
            let (local, domain) = text.split_at(at);
            redact::text(local, out);
            out.extend_from_slice(domain.as_bytes());
        }
        None => redact::text(text, out),
    }
}

/// Keeps the domain, the first character and the punctuation of the local part: `a***.*******@example.no`. What is no address, or
/// has too short a local part for anything to be covered, is covered whole: the local part, or all of it.
pub(crate) fn email(text: &str, out: &mut Vec<u8>) {
    let Some((local, domain)) = text.rsplit_once('@').filter(|(_, domain)| is_domain(domain))
    else {
        return redact::text(text, out);
    };
    let mut chars = local.chars();
    let Some(first) = chars.next() else { return redact::text(text, out) };
    let stays = |c: char| matches!(c, '.' | '_' | '-' | '+');
    if chars.clone().all(stays) {
        redact::text(local, out);
    } else {
        out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
        out.extend(chars.map(|c| if stays(c) { c as u8 } else { b'*' }));
    }
    out.push(b'@');
    out.extend_from_slice(domain.as_bytes());
}

/// Letters and digits of any script, dots and hyphens: what else may follow an `@` is no domain to be shown.
fn is_domain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}
