//! Every place where a protected cell can occur, and every way in which it is covered or not.

use std::fmt::Write as _;
use std::sync::Arc;

use insta::assert_snapshot;

use crate::chain::{Chain, Stage};
use crate::config::{ColumnPattern, FaultPolicy, OnOpen, Pipeline, Unlisted};
use crate::contract::{Answer, Batch, Fault, Field, Image, Plan, Rename, Transform};
use crate::outcome::Identity;
use crate::protect::Rules;
use crate::table::{Column, Dialect, Table};

/// A plugin that has nothing but a plan.
struct Planned(Plan);

impl Transform for Planned {
    fn open_table(&mut self, _: &Table) -> Result<Option<Plan>, Fault> {
        Ok(Some(self.0.clone()))
    }

    fn process(&mut self, _: Batch<'_>) -> Result<Answer, Fault> {
        panic!("a proof calls no plugin for rows")
    }
}

fn stage(name: &str, plan: Plan) -> Stage {
    let identity = Identity { name: name.into(), version: "1".into(), digest: String::new() };
    Stage {
        identity: Arc::new(identity),
        transform: Box::new(Planned(plan)),
        tables: None,
        on_fault: FaultPolicy::DeadLetter,
        on_open: OnOpen::Halt,
        breaker: Arc::default(),
        calls: Vec::new(),
        bypassed: 0,
    }
}

fn field(text: &str) -> Field {
    let (image, name) = text.split_once('.').unwrap();
    let (name, pointer) = name.split_once('#').unwrap_or((name, ""));
    let image = match image {
        "before" => Image::Before,
        "after" => Image::After,
        "key" => Image::Key,
        "header" => Image::Header,
        "meta" => Image::Meta,
        other => panic!("there is no image {other}"),
    };
    Field { image, name: name.to_owned(), pointer: pointer.to_owned() }
}

fn fields(texts: &[&str]) -> Vec<Field> {
    texts.iter().map(|text| field(text)).collect()
}

fn writes(texts: &[&str]) -> Plan {
    Plan { writes: fields(texts), ..Plan::default() }
}

fn removes(texts: &[&str]) -> Plan {
    Plan { removes: fields(texts), ..Plan::default() }
}

/// `shop.people` with the key `id` and the columns `email` and `profile`.
struct Case {
    dialect: Dialect,
    protect: &'static str,
    unlisted: Unlisted,
}

const EMAIL: Case =
    Case { dialect: Dialect::Json, protect: "people.email", unlisted: Unlisted::Pass };

impl Case {
    fn table(&self) -> Table {
        let column =
            |name: &str| Column { name: name.into(), source_type: "".into(), key: name == "id" };
        Table {
            id: 1,
            topic: "t".into(),
            dialect: self.dialect,
            database: "shop".into(),
            schema: "".into(),
            name: "people".into(),
            columns: ["id", "email", "profile"].map(column).to_vec(),
        }
    }

    fn proof(self, stages: Vec<Stage>) -> super::Proof {
        let settings = Pipeline {
            protect: vec![ColumnPattern::parse(self.protect).unwrap()],
            unlisted: self.unlisted,
            ..Pipeline::offline("plugins".into(), self.dialect)
        };
        Chain::new(stages, Rules::of(&settings)).prove(&self.table()).unwrap()
    }

    /// One line for each place.
    fn lines(self, stages: Vec<Stage>) -> String {
        let mut told = String::new();
        for line in self.proof(stages).lines {
            writeln!(told, "{} in {}: {}", line.cell, line.place, line.by).unwrap();
        }
        told
    }
}

fn email(stages: Vec<Stage>) -> String {
    EMAIL.lines(stages)
}

#[test]
fn a_plan_that_writes_or_removes_the_cell_covers_it() {
    assert_snapshot!(email(vec![stage("mask", writes(&["after.email"]))]), @r#"
    email in after image: plugin "mask" writes it
    email in emissions: the gateway checks every output
    "#);
    assert_snapshot!(email(vec![stage("cut", removes(&["after.email"]))]), @r#"email in after image: plugin "cut" removes it"#);
}

#[test]
fn what_nobody_names_is_covered_by_nobody() {
    assert_snapshot!(email(vec![]), @"email in after image: NOBODY: no plugin writes or removes it");
    let reads = Plan { reads: fields(&["after.email"]), ..Plan::default() };
    let others = vec![stage("filter", reads), stage("mask", writes(&["after.profile"]))];
    assert_snapshot!(email(others), @"
    email in after image: NOBODY: no plugin writes or removes it
    email in emissions: the gateway checks every output
    ");
}

#[test]
fn a_column_that_was_renamed_is_followed() {
    let rename = Plan {
        renames: vec![Rename { column: field("after.email"), to: "mail".into() }],
        ..Plan::default()
    };
    let after = vec![stage("names", rename.clone()), stage("mask", writes(&["after.mail"]))];
    assert_snapshot!(email(after), @r#"
    email in after image: plugin "mask" writes it
    email in emissions: the gateway checks every output
    "#);
    let before = vec![stage("mask", writes(&["after.email"])), stage("names", rename.clone())];
    assert!(email(before).starts_with("email in after image: plugin \"mask\" writes it\n"));
    // The new column of the old name is another one.
    let other = vec![stage("names", rename), stage("mask", writes(&["after.email"]))];
    assert!(email(other).starts_with("email in after image: NOBODY"));
}

#[test]
fn a_plan_that_leaves_operations_out_covers_nothing() {
    let of = |operations: &[u8], plan: Plan| {
        email(vec![stage("mask", Plan { operations: operations.to_vec(), ..plan })])
    };
    let gap = "NOBODY: plugin \"mask\" leaves some operations out of its plan";
    assert!(of(b"cur", writes(&["after.email"])).contains(gap));
    assert!(of(b"rduc", writes(&["after.email"])).contains("plugin \"mask\" writes it"));
    // The gateway takes whole columns away, whichever operations the plugin wants to see.
    assert!(of(b"c", removes(&["after.email"])).contains("plugin \"mask\" removes it"));
}

#[test]
fn a_plugin_that_passes_what_it_fails_on_covers_nothing_it_writes() {
    let passing =
        |plan: Plan| email(vec![Stage { on_fault: FaultPolicy::Pass, ..stage("mask", plan) }]);
    assert_snapshot!(passing(writes(&["after.email"])), @r#"
    email in after image: NOBODY: on_fault = "pass" lets records by when plugin "mask" fails
    email in emissions: the gateway checks every output
    "#);
    assert!(passing(removes(&["after.email"])).contains("plugin \"mask\" removes it"));
    let second = vec![
        Stage { on_fault: FaultPolicy::Pass, ..stage("first", writes(&["after.email"])) },
        stage("second", writes(&["after.email"])),
    ];
    assert!(email(second).contains("plugin \"second\" writes it"));
}

#[test]
fn a_plugin_that_is_bypassed_while_it_is_not_called_covers_nothing_it_writes() {
    let bypassed =
        |plan: Plan| email(vec![Stage { on_open: OnOpen::Bypass, ..stage("mask", plan) }]);
    assert_snapshot!(bypassed(writes(&["after.email"])), @r#"
    email in after image: NOBODY: on_open = "bypass" lets records by while plugin "mask" is not called because it failed too often
    email in emissions: the gateway checks every output
    "#);
    // The gateway takes whole columns away, whether the plugin is called or not.
    assert!(bypassed(removes(&["after.email"])).contains("plugin \"mask\" removes it"));
    let second = vec![
        Stage { on_open: OnOpen::Bypass, ..stage("first", writes(&["after.email"])) },
        stage("second", writes(&["after.email"])),
    ];
    assert!(email(second).contains("plugin \"second\" writes it"));
}

#[test]
fn a_plugin_that_is_not_asked_is_told_of() {
    let orders = globset::Glob::new("orders").unwrap();
    let tables = globset::GlobSetBuilder::new().add(orders).build().unwrap();
    let stages = vec![Stage { tables: Some(tables), ..stage("mask", writes(&["after.email"])) }];
    assert_snapshot!(email(stages), @r#"email in after image: NOBODY: no plugin writes or removes it (the `tables` of plugin "mask" leave this table out)"#);
}

#[test]
fn a_place_inside_a_column_is_covered_by_what_holds_it() {
    let case = |protect: &'static str, plan: Plan| {
        let told = Case { protect, ..EMAIL }.lines(vec![stage("mask", plan)]);
        told.lines().next().unwrap().to_owned()
    };
    let inside = "people.profile#/contact/email";
    assert_snapshot!(case(inside, writes(&["after.profile#/contact/email"])), @r#"profile#/contact/email in after image: plugin "mask" writes it"#);
    assert_snapshot!(case(inside, writes(&["after.profile#/contact"])), @r#"profile#/contact/email in after image: plugin "mask" writes it"#);
    assert_snapshot!(case(inside, removes(&["after.profile#/contact"])), @r#"profile#/contact/email in after image: plugin "mask" removes it"#);
    assert_snapshot!(case(inside, writes(&["after.profile"])), @r#"profile#/contact/email in after image: plugin "mask" writes it"#);
    assert_snapshot!(case(inside, removes(&["after.profile"])), @r#"profile#/contact/email in after image: plugin "mask" removes it"#);
    assert_snapshot!(case(inside, writes(&["after.profile#/contact/phone"])), @r#"profile#/contact/email in after image: NOBODY: plugin "mask" writes other places inside the column only"#);
    assert_snapshot!(case(inside, writes(&["after.profile#/contact/email/0"])), @r#"profile#/contact/email in after image: NOBODY: plugin "mask" writes other places inside the column only"#);
    assert_snapshot!(case("people.profile", writes(&["after.profile#/contact"])), @r#"profile in after image: NOBODY: plugin "mask" writes other places inside the column only"#);
    let removes_for_some =
        Plan { operations: b"cu".to_vec(), ..removes(&["after.profile#/contact"]) };
    assert_snapshot!(case(inside, removes_for_some), @r#"profile#/contact/email in after image: NOBODY: plugin "mask" leaves some operations out of its plan"#);
}

#[test]
fn a_key_stands_in_many_places() {
    let case = || Case { dialect: Dialect::Debezium, protect: "people.id", ..EMAIL };
    let images = ["before.id", "after.id", "key.id"];
    assert_snapshot!(case().lines(vec![stage("mask", writes(&images))]), @r#"
    id in before image: plugin "mask" writes it
    id in after image: plugin "mask" writes it
    id in key: plugin "mask" writes it
    id in tombstone key: plugin "mask" writes it
    id in header __debezium.oldkey: the gateway redacts it
    id in header __debezium.newkey: the gateway redacts it
    id in SQL text: the gateway redacts it
    id in schema changes: the gateway redacts it
    id in emissions: the gateway checks every output
    "#);
    assert_snapshot!(case().lines(vec![stage("mask", writes(&["after.id"]))]), @r#"
    id in before image: NOBODY: no plugin writes or removes it
    id in after image: plugin "mask" writes it
    id in key: NOBODY: no plugin writes or removes it
    id in tombstone key: NOBODY: no plugin writes or removes it
    id in header __debezium.oldkey: the gateway redacts it
    id in header __debezium.newkey: the gateway redacts it
    id in SQL text: the gateway redacts it
    id in schema changes: the gateway redacts it
    id in emissions: the gateway checks every output
    "#);
}

#[test]
fn who_writes_the_header_of_a_key_has_to_cover_the_key() {
    let case = |stages: Vec<Stage>| {
        let told = Case { dialect: Dialect::Debezium, protect: "people.id", ..EMAIL }.lines(stages);
        told.lines().filter(|line| line.contains("header")).collect::<Vec<_>>().join("\n")
    };
    let both = writes(&["key.id", "header.__debezium.oldkey", "header.__debezium.newkey"]);
    assert_snapshot!(case(vec![stage("mask", both)]), @r#"
    id in header __debezium.oldkey: plugin "mask" writes it
    id in header __debezium.newkey: plugin "mask" writes it
    "#);
    let apart = vec![
        stage("mask", writes(&["key.id"])),
        stage("stamp", writes(&["header.__debezium.newkey"])),
    ];
    assert_snapshot!(case(apart), @r#"
    id in header __debezium.oldkey: the gateway redacts it
    id in header __debezium.newkey: NOBODY: plugin "stamp" writes the header, but not this column of the key
    "#);
}

#[test]
fn each_dialect_has_its_places() {
    let case = |dialect: Dialect| {
        let plan = writes(&["before.email", "after.email"]);
        Case { dialect, ..EMAIL }.lines(vec![stage("mask", plan)])
    };
    assert_snapshot!(case(Dialect::Canal), @r#"
    email in before image (old): plugin "mask" writes it
    email in after image (data): plugin "mask" writes it
    email in SQL text: the gateway redacts it
    email in schema changes: the gateway redacts it
    email in emissions: the gateway checks every output
    "#);
    assert_snapshot!(case(Dialect::Maxwell), @r#"
    email in before image (old): plugin "mask" writes it
    email in after image (data): plugin "mask" writes it
    email in list of key values: plugin "mask" writes it
    email in SQL text: the gateway redacts it
    email in schema changes: the gateway redacts it
    email in emissions: the gateway checks every output
    "#);
    assert_snapshot!(case(Dialect::Ogg), @r#"
    email in before image: plugin "mask" writes it
    email in after image: plugin "mask" writes it
    email in emissions: the gateway checks every output
    "#);
}

#[test]
fn a_plugin_that_reads_the_whole_value_is_noted() {
    let reads = Plan { reads: fields(&["meta.value"]), ..writes(&["after.copy"]) };
    let stages = vec![stage("cut", removes(&["after.email"])), stage("sign", reads)];
    assert_snapshot!(email(stages), @r#"
    email in after image: plugin "cut" removes it
    email in whole value, read by "sign": the gateway checks every output
    email in emissions: the gateway checks every output
    "#);
}

#[test]
fn what_nobody_lists_is_removed_and_so_covered() {
    let case = || Case { unlisted: Unlisted::Remove, ..EMAIL };
    assert_snapshot!(case().lines(vec![]), @"email in after image: the gateway removes it (unlisted)");
    // To be read lists nothing, to be renamed does.
    let reads = Plan { reads: fields(&["after.email"]), ..Plan::default() };
    assert!(case().lines(vec![stage("filter", reads)]).contains("the gateway removes it"));
    let column = fields(&["after.email"]).remove(0);
    let renames = Plan { renames: vec![Rename { column, to: "mail".into() }], ..Plan::default() };
    assert!(case().lines(vec![stage("reshape", renames)]).contains("NOBODY"));
}

#[test]
fn a_proof_that_does_not_hold_says_what_where_and_why() {
    let proof = EMAIL.proof(vec![stage("mask", writes(&["after.email"]))]);
    assert!(proof.holds());
    assert_eq!(proof.refusal(), None);
    let case = Case { dialect: Dialect::Debezium, protect: "people.*", ..EMAIL };
    let proof = case.proof(vec![stage("mask", writes(&["after.email", "before.email", "key.id"]))]);
    assert!(!proof.holds());
    assert_snapshot!(proof.refusal().unwrap(), @r#"protected-in-clear: table "shop.people" would leave protected columns in clear: "id" in before image, after image, where no plugin writes or removes it; "profile" in before image, after image, where no plugin writes or removes it; a plugin has to write or remove them there for every operation, as mask does; `lockgate check --proof` shows all"#);
    let case = Case { dialect: Dialect::Debezium, protect: "people.*", ..EMAIL };
    let some = Plan { operations: b"c".to_vec(), ..writes(&["after.email", "after.profile"]) };
    assert_snapshot!(case.proof(vec![stage("mask", some)]).refusal().unwrap(), @r#"protected-in-clear: table "shop.people" would leave protected columns in clear: "id" in before image, after image, key, tombstone key, where no plugin writes or removes it; "email" in before image, where no plugin writes or removes it; "email" in after image, where plugin "mask" leaves some operations out of its plan; and 2 more; a plugin has to write or remove them there for every operation, as mask does; `lockgate check --proof` shows all"#);
}
