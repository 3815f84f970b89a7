//! Questions and orders about the plugins of two pipelines.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::gateway::Loaded;
use crate::plugin::Runtime;

/// Pipelines `shop`, with `mask` and `filter`, and `crm`, with `mask`.
fn desk(folder: &Path) -> Desk {
    let mask = "plugin = \"mask\"\n[settings.columns]\nemail = \"constant:x\"\n";
    let filter = "plugin = \"filter\"\n[settings]\nkeep = \"op != 'd'\"\n";
    let files =
        [("shop/10-filter.toml", filter), ("shop/20-mask.toml", mask), ("crm/mask.toml", mask)];
    for (file, text) in files {
        let file = folder.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let runtime = Runtime::start().unwrap();
    let desk = Desk::default();
    for pipeline in ["shop", "crm"] {
        let settings = crate::config::Pipeline {
            name: pipeline.to_owned(),
            ..crate::config::Pipeline::offline(
                folder.join(pipeline),
                crate::table::Dialect::Debezium,
            )
        };
        let loaded = Loaded::load(&runtime, &settings).unwrap();
        desk.open(Counter {
            pipeline: pipeline.into(),
            catalog: Arc::clone(&loaded.catalog),
            trial: loaded.trial(),
            hooks: Hooks::default(),
        });
    }
    desk
}

fn unknown(result: Result<impl std::fmt::Debug, Refused>) -> String {
    match result {
        Err(Refused::Unknown(words)) => words,
        other => panic!("something unknown, not {other:?}"),
    }
}

#[test]
fn every_plugin_of_every_pipeline_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let shown = desk(folder.path()).plugins();
    let names: Vec<_> = shown.iter().map(|it| (&*it.pipeline, &*it.plugin, &*it.file)).collect();
    assert_eq!(
        names,
        [
            ("shop", "filter", "10-filter.toml"),
            ("shop", "mask", "20-mask.toml"),
            ("crm", "mask", "mask.toml")
        ]
    );
    assert!(shown.iter().all(|view| view.chain.len() == 16 && view.breaker.state == "closed"));
    assert_eq!(shown[0].chain, shown[1].chain);
    assert_ne!(shown[1].chain, shown[2].chain);
}

#[test]
fn a_name_that_does_not_say_which_plugin_is_meant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path());
    let order = |pipeline, plugin| unknown(desk.order(pipeline, plugin, Order::Open));
    assert_eq!(
        order(None, "mask"),
        "several pipelines have a plugin \"mask\": \"crm\", \"shop\"; say which is meant"
    );
    assert_eq!(order(None, "msak"), "there is no plugin \"msak\"; there is \"filter\", \"mask\"");
    assert_eq!(order(Some("crm"), "filter"), "there is no plugin \"filter\"; there is \"mask\"");
    assert_eq!(
        order(Some("crn"), "mask"),
        "there is no pipeline \"crn\"; there is \"crm\", \"shop\""
    );
    assert_eq!(
        unknown(Desk::default().order(None, "mask", Order::Open)),
        "there is no plugin \"mask\"; there is none yet"
    );
}

#[test]
fn a_breaker_is_opened_closed_and_reset() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path());
    for (order, state, by_hand) in [
        (Order::Open, "open", true),
        (Order::Close, "closed", true),
        (Order::Reset, "closed", false),
    ] {
        desk.order(Some("shop"), "mask", order).unwrap();
        let shown = desk.plugins();
        assert_eq!((&*shown[1].breaker.state, shown[1].breaker.by_hand), (state, by_hand));
        assert!(!shown[2].breaker.by_hand);
    }
}

#[test]
fn keys_and_comparisons_are_asked_of_who_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path());
    let told = desk.order(None, "filter", Order::Release).unwrap_err();
    assert_eq!(told.to_string(), "no key is held back by plugin \"filter\"");
    unknown(desk.diff(None, "filter"));

    let parked = Arc::new(AtomicU64::new(3));
    let (released, counted) = (Arc::clone(&parked), Arc::clone(&parked));
    desk.counters.lock().unwrap()[0].hooks = Hooks {
        diff: Some(Arc::new(|plugin| Some(Diff { plugin: plugin.to_owned(), ..Diff::default() }))),
        release: Some(Arc::new(move |_| released.swap(0, Ordering::Relaxed))),
        parked: Some(Arc::new(move |_| counted.load(Ordering::Relaxed))),
    };
    assert_eq!(desk.diff(None, "filter").unwrap().plugin, "filter");
    assert_eq!(desk.plugins()[0].parked_keys, 3);
    let told = desk.order(None, "filter", Order::Release).unwrap();
    assert_eq!(told, "3 keys go on through plugin \"filter\"");
    assert_eq!(desk.plugins()[0].parked_keys, 0);
}
