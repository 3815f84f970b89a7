//! What becomes of records that no plugin sees, and what is said of those that nobody can read.

use super::Pipeline;
use crate::change::{self, Class, Event};
use crate::config::ClassPolicy;
use crate::outcome::{DropCause, Outcome, Refusal};
use crate::record::Record;
use crate::table::Dialect;

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

/// Why a value is of no class.
pub(super) fn unknown(value: &[u8], dialect: Dialect) -> String {
    match change::recognise(value) {
        Some(family) if family == change::DEBEZIUM && dialect == Dialect::Debezium => {
            "the value is a Debezium event whose \"op\" is not known, or that has no row; set `unknown = \"pass\"` under \
             [pipeline.classes] to let such events through as they are"
                .to_owned()
        }
        Some(family) => format!(
            "the value looks like {family}, the pipeline expects {dialect}; check `dialect` and `from`"
        ),
        None => format!(
            "the value is no {dialect} event; check `dialect` and `from`, or set `unknown = \"pass\"` \
             under [pipeline.classes]"
        ),
    }
}
