//! TiCDC's Maxwell: the objects of several changes in one value, one after the other.

use super::decode::{Turn, malformed};
use super::json::Expected;
use super::maxwell::meaning;
use super::{Class, Event, json};
use crate::outcome::Refusal;

impl Turn<'_> {
    /// Every object that is a row becomes one. What else stands among rows has none and stays as it is; a value in which anything
    /// is unknown is unknown as a whole.
    pub(super) fn ticdc_maxwell(&mut self, text: &[u8]) -> Result<Event, Refusal> {
        let malformed = |error| malformed(text, error);
        let mut at = json::begin(text).map_err(malformed)?;
        if json::byte(text, at) != b'{' {
            json::document(text).map_err(malformed)?;
            return Ok(self.without_rows(Class::Unknown));
        }
        let mut bare = Event::bare(Class::Row, self.events);
        let mut class = None;
        while at < text.len() {
            if json::byte(text, at) != b'{' {
                return Err(malformed(Expected::End.error(at)));
            }
            let sheet = self.object(text, at, meaning)?;
            // Blanks go with the object before them.
            let next = json::blanks(text, sheet.end);
            match self.maxwell_object(text, &sheet, json::span(at, next))? {
                // What follows is still to be read: it may be no JSON.
                Class::Unknown => class = Some(Class::Unknown),
                _ if class == Some(Class::Unknown) => {}
                Class::Row if class != Some(Class::Row) => {
                    bare = self.with_key(bare)?;
                    class = Some(Class::Row);
                }
                other => class = class.or(Some(other)),
            }
            at = next;
        }
        if class == Some(Class::Unknown) {
            self.events.rows.truncate(bare.first_row as usize);
            self.events.sides.truncate(bare.first_side as usize);
            return self.strange(text);
        }
        Ok(Event { class: class.unwrap_or(Class::Unknown), ..self.complete(bare) })
    }
}
