//! Which cells of a table are protected.

use std::sync::Arc;

use super::*;

/// The protected cells of a MongoDB collection, or of whichever dialect, with these columns.
fn guarded_cells(dialect: Dialect, columns: &[&str], protect: &[&str]) -> Vec<String> {
    let patterns = protect.iter().map(|text| ColumnPattern::parse(text).unwrap()).collect();
    let column =
        |name: &&str| Column { name: Arc::from(*name), source_type: "".into(), key: false };
    let table = Table {
        id: 1,
        topic: "t".into(),
        dialect,
        database: "shop".into(),
        schema: "".into(),
        name: "people".into(),
        columns: columns.iter().map(column).collect(),
    };
    let guard = Protection { patterns }.guard(&table);
    let shown = |cell: &GuardedCell| {
        let pointer = cell.pointer.as_ref().map_or_else(String::new, |p| format!("#{p}"));
        format!("{}{pointer}", columns[usize::from(cell.column)])
    };
    guard.cells.iter().map(shown).collect()
}

#[test]
fn a_column_with_dots_is_guarded_as_the_part_of_a_field_that_it_names() {
    let columns = ["contact", "contact.email", "contact.email.home", "contact.phone", "contacts"];
    assert_eq!(
        guarded_cells(Dialect::Debezium, &columns, &["people.contact#/email"]),
        ["contact#/email", "contact.email", "contact.email.home"]
    );
    assert_eq!(
        guarded_cells(Dialect::Debezium, &columns, &["people.contact#/email/home"]),
        ["contact#/email/home", "contact.email#/home", "contact.email.home"]
    );
    assert_eq!(
        guarded_cells(Dialect::Debezium, &columns, &["people.contact"]),
        ["contact", "contact.email", "contact.email.home", "contact.phone"]
    );
}

#[test]
fn where_dots_are_part_of_names_they_lead_nowhere() {
    let columns = ["contact", "contact.email"];
    assert_eq!(guarded_cells(Dialect::Maxwell, &columns, &["people.contact"]), ["contact"]);
}

#[test]
fn the_whole_of_a_column_makes_places_inside_it_needless() {
    let protect = ["people.profile#/a", "*.profile", "people.profile#/b"];
    assert_eq!(guarded_cells(Dialect::Json, &["profile"], &protect), ["profile"]);
    assert_eq!(
        guarded_cells(Dialect::Json, &["profile"], &[protect[0], protect[2], protect[0]]),
        ["profile#/a", "profile#/b"]
    );
}

#[test]
fn only_tables_named_without_globs_are_foreseen() {
    let protect = ["shop.people.ssn", "*.email", "shop.people.profile#/a", "orders.note", "p*.x"];
    let patterns = protect.iter().map(|text| ColumnPattern::parse(text).unwrap()).collect();
    let foreseen = Protection { patterns }.foreseen(&Dialect::Json.into());
    let shown = |table: &Table| {
        let columns: Vec<&str> = table.columns.iter().map(|column| &*column.name).collect();
        format!("{}({})", table.qualified_name(), columns.join(","))
    };
    let foreseen: Vec<String> = foreseen.iter().flatten().map(shown).collect();
    assert_eq!(foreseen, ["shop.people(ssn,profile)", "orders(note)"]);
}
