//! What becomes of records that no plugin sees.

use super::Pipeline;
use crate::change::{Class, Event};
use crate::config::ClassPolicy;
use crate::outcome::{Code, DropCause, Outcome, Refusal};
use crate::protect::encrypted;
use crate::record::Record;

impl Pipeline {
    /// `refusal` is asked for only where the record is refused: nearly all such records pass.
    pub(super) fn by_class<'a>(
        &mut self,
        record: &Record<'a>,
        event: &Event,
        class: Class,
        refusal: impl FnOnce() -> Refusal,
    ) -> Outcome<'a> {
        // Every class that comes here has a policy; one that had none would not be let pass.
        match self.settings.classes.get(&class).copied().unwrap_or(ClassPolicy::DeadLetter) {
            // What nobody can read may hold what must not leave.
            ClassPolicy::Pass if class == Class::Unknown && !self.guards.is_off() => {
                self.refused(record, event, refusal())
            }
            ClassPolicy::Pass => match self.key_in_clear(record, class) {
                Some(refusal) => self.refused(record, event, refusal),
                None => self.pass(record, event),
            },
            ClassPolicy::Drop => Outcome::Drop(DropCause::Policy),
            ClassPolicy::DeadLetter => self.refused(record, event, refusal()),
            ClassPolicy::Halt => self.halted(event, refusal()),
        }
    }

    /// Why an encrypted event may not pass: a column of its key is protected, and keys are not encrypted.
    fn key_in_clear(&self, record: &Record<'_>, class: Class) -> Option<Refusal> {
        if class != Class::Encrypted || self.guards.is_off() {
            return None;
        }
        let column = encrypted::in_clear(record, self.guards.protection())?;
        let reason = format!(
            "the event is encrypted, but its key has the protected column \"{column}\" in clear, where no plugin sees it; set \
             `encrypted = \"drop\"` under [pipeline.classes], or let the source choose another key"
        );
        Some(Refusal::new(Code::ProtectedInClear, reason))
    }
}
