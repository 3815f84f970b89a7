//! The headers and the topic that leave.

use std::borrow::Cow;

use super::Subject;
use crate::contract::kind;
use crate::overlay::Target;
use crate::record::OutputHeader;

/// The record's headers in their order, with the edits made: an edited header takes the place of the first of its name, the
/// others of that name are gone; a new one goes to the end. Where several rows set one header, the last of them counts.
pub fn headers<'r>(subject: Subject<'_, 'r>) -> Vec<OutputHeader<'r>> {
    let mut headers: Vec<OutputHeader<'r>> = subject
        .record
        .headers
        .iter()
        .map(|header| OutputHeader {
            name: Cow::Borrowed(header.name),
            value: header.value.map(Cow::Borrowed),
        })
        .collect();
    for (number, row) in subject.leaving().filter(|(row, _)| subject.overlay.is_edited(*row)) {
        for (header, name) in (0u16..).zip(&subject.layouts.of(row.table).headers) {
            let Some(edit) = subject.overlay.get(number, Target::Header(header)) else { continue };
            let name = name.as_bytes();
            let position = headers.iter().position(|header| *header.name == *name);
            headers.retain(|header| *header.name != *name);
            if edit.kind == kind::ABSENT {
                continue;
            }
            let value = (edit.kind != kind::NULL).then(|| Cow::Owned(edit.text.to_vec()));
            let header = OutputHeader { name: Cow::Owned(name.to_vec()), value };
            // Nothing before the first of its name was taken out.
            headers.insert(position.unwrap_or(headers.len()), header);
        }
    }
    headers
}

/// The topic that an edit chose instead of the pipeline's; that of the last row where several chose one.
pub fn topic<'a>(subject: Subject<'a, '_>) -> Option<&'a str> {
    let edits = subject.leaving().filter_map(|(row, _)| subject.overlay.get(row, Target::Topic));
    let edit = edits.filter(|edit| edit.kind != kind::ABSENT && edit.kind != kind::NULL).last()?;
    std::str::from_utf8(edit.text).ok()
}
