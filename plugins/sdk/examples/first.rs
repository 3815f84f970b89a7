//! A whole plugin, as small as one gets.

use lockgate_plugin::{Cell, Field, Plan, Plugin, Read, Rows, Settings, Table, Write};

/// Writes every `email` column in lower case.
struct LowerCase;

const EMAIL: Read = Read(0);
const LOWERED: Write = Write(0);

impl Plugin for LowerCase {
    const NAME: &'static str = "lower-case";
    const VERSION: &'static str = "0.1.0";
    type State = ();

    fn configure(_: Settings) -> Result<Self, String> {
        Ok(Self)
    }

    fn open(&mut self, table: &Table) -> Result<Option<Plan>, String> {
        let email = Field::after("email");
        let plan = Plan::new().reads([email.clone()]).writes([email]);
        Ok(table.column("email").map(|_| plan))
    }

    fn process(&mut self, (): &mut (), rows: &mut Rows<'_>) -> Result<(), String> {
        for row in rows.iter() {
            if let Cell::String(email) = row.get(EMAIL) {
                row.set(LOWERED, Cell::String(&email.to_lowercase()));
            }
        }
        Ok(())
    }
}

lockgate_plugin::export!(LowerCase);
