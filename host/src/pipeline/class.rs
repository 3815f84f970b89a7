//! What becomes of records that no plugin sees.

use super::Pipeline;
use crate::change::{Class, Event};
use crate::config::ClassPolicy;
use crate::outcome::{DropCause, Outcome, Refusal};
use crate::record::Record;

impl Pipeline {
    pub(super) fn by_class<'a>(
        &mut self,
        record: &Record<'a>,
        event: &Event,
        class: Class,
        refusal: Refusal,
    ) -> Outcome<'a> {
        // Every class that comes here has a policy; one that had none would not be let pass.
        match self.settings.classes.get(&class).copied().unwrap_or(ClassPolicy::DeadLetter) {
            // What nobody can read may hold what must not leave.
            ClassPolicy::Pass if class == Class::Unknown && !self.guards.is_off() => {
                self.refused(record, event, refusal)
            }
            ClassPolicy::Pass => self.pass(record, event),
            ClassPolicy::Drop => Outcome::Drop(DropCause::Policy),
            ClassPolicy::DeadLetter => self.refused(record, event, refusal),
            ClassPolicy::Halt => self.halted(event, refusal),
        }
    }
}
