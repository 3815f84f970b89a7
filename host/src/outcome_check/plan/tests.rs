//! Every rule for plans with the plan that breaks it.

use std::sync::Arc;

use super::*;
use crate::table::{Column, Dialect};

fn field(image: Image, name: &str) -> Field {
    Field { image, name: name.to_owned(), pointer: String::new() }
}

fn at(image: Image, name: &str, pointer: &str) -> Field {
    Field { pointer: pointer.to_owned(), ..field(image, name) }
}

fn table() -> Table {
    let column = |name: &str| Column { name: name.into(), source_type: "".into(), key: false };
    let text = |text: &str| Arc::from(text);
    Table {
        id: 1,
        topic: text("shop.public.users"),
        dialect: Dialect::Debezium,
        database: text("shop"),
        schema: text("public"),
        name: text("users"),
        columns: ["id", "email", "doc"].map(column).to_vec(),
    }
}

fn rename(image: Image, name: &str, to: &str) -> Rename {
    Rename { column: field(image, name), to: to.to_owned() }
}

fn plan_breach(plan: &Plan) -> String {
    check_plan(&table(), plan).unwrap_err().to_string()
}

#[test]
fn a_plan_that_can_be_carried_out_passes() {
    let email = field(Image::After, "email");
    let plan = Plan {
        reads: vec![
            email.clone(),
            email.clone(),
            at(Image::After, "doc", "/a~1b/0/~0"),
            field(Image::Meta, "value"),
            field(Image::Header, "trace"),
            field(Image::Key, "id"),
        ],
        writes: vec![
            email,
            at(Image::After, "doc", "/a"),
            at(Image::After, "doc", "/ab"),
            field(Image::After, "new"),
            field(Image::Header, "pii"),
            field(Image::Meta, "topic"),
        ],
        removes: vec![field(Image::Before, "email"), field(Image::Header, "trace")],
        renames: vec![
            rename(Image::After, "email", "mail"),
            rename(Image::Before, "id", "email"),
            rename(Image::Key, "id", "email"),
            rename(Image::Key, "email", "id"),
        ],
        operations: b"cu".to_vec(),
        independent: true,
    };
    assert_eq!(check_plan(&table(), &plan), Ok(()));
    assert_eq!(check_plan(&table(), &Plan::default()), Ok(()));
}

#[test]
fn reads_name_what_there_can_be() {
    let case = |read: Field, problem: &str| {
        assert_eq!(plan_breach(&Plan { reads: vec![read], ..Plan::default() }), problem);
    };
    case(
        field(Image::Meta, "lsn"),
        "read of meta \"lsn\": there is no such meta field, only topic, partition, offset, timestamp, operation, \
         database, schema, table, transaction, value",
    );
    case(field(Image::After, ""), "read of after \"\": the name is empty");
    case(
        field(Image::Header, ""),
        "read of header \"\": a header's name is not empty and holds no NUL",
    );
    case(
        at(Image::Meta, "value", "/a"),
        "read of meta \"value\" at \"/a\": a pointer reaches into columns only",
    );
    for pointer in ["a", "#/a", "/a~", "/a~2"] {
        case(
            at(Image::After, "doc", pointer),
            &format!(
                "read of after \"doc\" at {pointer:?}: the pointer is none (RFC 6901): it begins with \"/\", \
                 and \"~\" is \"~0\""
            ),
        );
    }
}

#[test]
fn writes_and_removes_keep_to_what_can_be_changed() {
    let write = |field| plan_breach(&Plan { writes: vec![field], ..Plan::default() });
    assert_eq!(
        write(field(Image::Meta, "offset")),
        "write of meta \"offset\": of the meta fields only the topic can be written"
    );
    assert_eq!(
        write(field(Image::Header, "a\0")),
        "write of header \"a\\0\": a header's name is not empty and holds no NUL"
    );
    let removes = vec![field(Image::Meta, "topic")];
    assert_eq!(
        plan_breach(&Plan { removes, ..Plan::default() }),
        "remove of meta \"topic\": a meta field cannot be removed"
    );
}

#[test]
fn no_place_is_touched_twice() {
    let case = |writes: &[Field], removes: &[Field], problem: &str| {
        let (writes, removes) = (writes.to_vec(), removes.to_vec());
        assert_eq!(
            plan_breach(&Plan { writes, removes, ..Plan::default() }),
            format!("writes and removes touch the same place: {problem}")
        );
    };
    let (email, doc) = (field(Image::After, "email"), field(Image::After, "doc"));
    case(&[email.clone(), email.clone()], &[], "after \"email\" and after \"email\"");
    let one = std::slice::from_ref(&email);
    case(one, one, "after \"email\" and after \"email\"");
    case(&[], &[email.clone(), email], "after \"email\" and after \"email\"");
    let inside = at(Image::After, "doc", "/a/b");
    case(std::slice::from_ref(&inside), &[doc], "after \"doc\" and after \"doc\" at \"/a/b\"");
    let between = at(Image::After, "doc", "/a!");
    let around = at(Image::After, "doc", "/a");
    case(&[inside, between], &[around], "after \"doc\" at \"/a\" and after \"doc\" at \"/a/b\"");
}

#[test]
fn renames_go_from_one_column_to_a_name_of_its_own() {
    let case = |renames: &[Rename], problem: &str| {
        let renames = renames.to_vec();
        let writes = vec![field(Image::After, "new")];
        let removes = vec![field(Image::Before, "doc")];
        assert_eq!(plan_breach(&Plan { renames, writes, removes, ..Plan::default() }), problem);
    };
    let after = |name: &str, to: &str| rename(Image::After, name, to);
    case(&[after("email", "")], "rename of after \"email\": the new name is empty");
    case(&[after("email", "id")], "rename of after \"email\": there is a column \"id\" already");
    case(
        &[after("email", "email2"), after("id", "email2")],
        "rename of after \"id\": there is a column \"email2\" already",
    );
    case(&[after("email", "new")], "rename of after \"email\": there is a column \"new\" already");
    case(&[after("email", "doc")], "rename of after \"email\": there is a column \"doc\" already");
    case(
        &[after("email", "a"), after("email", "b")],
        "rename of after \"email\": it is removed or renamed already",
    );
    case(
        &[rename(Image::Before, "doc", "a")],
        "rename of before \"doc\": it is removed or renamed already",
    );
    case(
        &[rename(Image::Header, "a", "b")],
        "rename of header \"a\": only whole columns can be renamed",
    );
    case(
        &[rename(Image::Meta, "topic", "b")],
        "rename of meta \"topic\": only whole columns can be renamed",
    );
    let column = at(Image::After, "doc", "/a");
    case(
        &[Rename { column, to: "b".to_owned() }],
        "rename of after \"doc\" at \"/a\": only whole columns can be renamed",
    );
}

#[test]
fn a_plan_names_no_more_fields_than_there_can_be() {
    let reads = vec![field(Image::After, "email"); 65_537];
    assert_eq!(
        plan_breach(&Plan { reads, ..Plan::default() }),
        "reads: 65537 fields are more than 65536"
    );
}
