//! What has to hold before a version goes live.

use std::time::Instant;

use globset::Glob;
use serde_json::json;

use super::*;
use crate::plugin::guests::{compiled, configured, guest, setup, table, text};

fn refusal(wat: &str) -> String {
    configured(&wat::parse_str(wat).unwrap(), setup()).unwrap_err().to_string()
}

#[test]
fn a_version_knows_who_it_is() {
    let version = configured(&guest("pass"), setup()).unwrap();
    assert_eq!(&*version.identity.name, "guest");
    assert_eq!(version.identity.version, "1.0.0");
    assert_eq!(version.identity.digest, digest(&guest("pass")));
}

#[test]
fn whatever_never_ends_before_the_first_batch_keeps_a_plugin_out() {
    let started = Instant::now();
    let cases = [
        ("spin-start", "starting it"),
        ("spin-describe", "asking it to describe itself"),
        ("spin-configure", "configuring it"),
    ];
    for (name, doing) in cases {
        let reason = refusal(&text(name));
        let expected = format!("{doing}: took longer than its deadline of 2s; in forever");
        assert!(reason.starts_with(&expected), "{reason}");
    }
    assert!(started.elapsed().as_secs() < 60);
}

#[test]
fn the_plugins_own_error_is_the_reason() {
    assert_eq!(refusal(&text("refuse-configure")), "configuring it: no key given");
}

#[test]
fn settings_are_checked_before_the_plugin_sees_them() {
    let strict = text("refuse-configure")
        .replace(
            "(data (i32.const 1040) \"{}\")",
            r#"(data (i32.const 1100) "{\22required\22:[\22key\22]}")"#,
        )
        .replace(r"\10\04\00\00\02", r"\4c\04\00\00\14");
    assert_eq!(refusal(&strict), "setting \"key\" is missing");
}

#[test]
fn memory_that_is_too_much_from_the_start_is_refused() {
    let with = |pages: &str| text("pass").replace("(memory (export \"memory\") 2)", pages);
    assert_eq!(
        refusal(&with("(memory (export \"memory\") 65536)")),
        "starting it: needs more than its 4 MiB of memory"
    );
    assert_eq!(
        refusal(&with("(memory (export \"memory\") 60)")),
        "it takes 3840 KiB to start and may have 4 MiB; set `memory` to at least twice what it takes"
    );
    let nine = format!("(memory (export \"memory\") 2){}", "(memory 1)".repeat(8));
    let reason = refusal(&with(&nine));
    assert!(reason.contains("memories count of 9 exceeds the per-instance limit of 8"), "{reason}");
}

#[test]
fn tables_are_named_in_full_or_in_part() {
    let covered_by = |glob: &str| {
        let setup = PluginFile { tables: vec![Glob::new(glob).unwrap()], ..setup() };
        covers(&configured(&guest("pass"), setup).unwrap(), &table(1, "users"))
    };
    for glob in ["users", "public.users", "db.public.users", "public.*", "*"] {
        assert!(covered_by(glob), "{glob}");
    }
    for glob in ["user", "db.users", "other.users", "public"] {
        assert!(!covered_by(glob), "{glob}");
    }
    assert!(covers(&configured(&guest("pass"), setup()).unwrap(), &table(1, "users")));
}

#[test]
fn secrets_do_not_show_when_a_version_is_printed() {
    let setup = PluginFile { settings: json!({ "key": "hunter2" }), ..setup() };
    let version = configured(&guest("pass"), setup).unwrap();
    assert!(!format!("{version:?}").contains("hunter2"));
}

#[test]
fn a_description_is_cut_and_made_harmless() {
    let loud = text("pass").replace("\"guest\"", "\"gu\\1b[m\"");
    let plugin = compiled(&wat::parse_str(loud).unwrap()).unwrap();
    assert_eq!(plugin.info.name, "gu\\u{1b}[m");
}

fn covers(version: &Version, table: &crate::table::Table) -> bool {
    version.tables().is_none_or(|globs| table.names().any(|name| globs.is_match(name)))
}
