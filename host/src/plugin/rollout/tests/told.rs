//! What a person is shown of a plugin on its way.

use super::*;
use crate::control::{PluginView, Stage};

/// `name stage serving<previous [candidate stage version: reason]` of each.
pub(super) fn shown(bench: &Bench) -> String {
    let one = |view: PluginView| {
        let version = |it: &Option<crate::control::VersionView>| {
            it.as_ref().map_or("-".to_owned(), |it| it.version.clone())
        };
        let candidate = view.candidate.as_ref().map_or(String::new(), |it| {
            format!(" [{} {}: {}]", it.stage.as_str(), version(&it.version), it.reason)
        });
        let (serving, previous) = (version(&view.serving), version(&view.previous));
        let (plugin, stage) = (view.plugin, view.stage.as_str());
        format!("{plugin} {stage} {serving}<{previous}{candidate}\n")
    };
    bench.catalog.views(Instant::now()).into_iter().map(one).collect()
}

#[test]
fn every_stage_is_shown() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0"), ("20-b.wasm", "1.0.0")]);
    insta::assert_snapshot!(shown(&bench), @r"
    a settled 1.0.0<-
    b settled 1.0.0<-
    ");
    bench.put("10-a.wasm", "2.0.0");
    bench.put("30-c.wasm", "1.0.0");
    bench.reload_beside(|run| {
        let elapsed = Duration::from_millis(1_200);
        (run.watch)(&Progress { compared: 340, differing: 2, elapsed, ..Progress::default() });
        insta::assert_snapshot!(shown(&bench), @r"
        a settled 1.0.0<- [shadow 2.0.0: 340 records, 2 differ, 1.2 s of 2s]
        b settled 1.0.0<-
        c shadow -<- [shadow 1.0.0: 340 records, 2 differ, 1.2 s of 2s]
        ");
        Ok(Progress::default())
    });
    insta::assert_snapshot!(shown(&bench), @r"
    a probation 2.0.0<1.0.0
    b settled 1.0.0<-
    c settled 1.0.0<-
    ");
    bench.put("30-c.wasm", "2.0.0");
    bench.folder.put("40-d.toml", b"");
    bench.catalog.rollback("a", FINE).unwrap();
    bench.reload_beside(|_| Err("it fails".to_owned()));
    insta::assert_snapshot!(shown(&bench), @r#"
    a settled 1.0.0<- [rolled-back 2.0.0: rolled back by hand; put another file in its place, or take it all the same with `lockgate plugin promote a`]
    b settled 1.0.0<-
    c settled 1.0.0<- [refused 2.0.0: it fails; put another file in its place, or take it all the same with `lockgate plugin promote c`]
    d refused -<- [refused -: there is no "40-d.wasm" beside it, and it names no official plugin (`plugin = "..."`)]
    "#);
}

#[test]
fn the_breaker_and_the_chain_are_shown() {
    let bench = Bench::with(&[("10-a.wasm", "1.0.0")]);
    trip(&bench.version("a"));
    let views = bench.catalog.views(Instant::now());
    let view = &views[0];
    assert_eq!((view.file.as_str(), view.stage), ("10-a.wasm", Stage::Settled));
    assert_eq!(view.chain, bench.catalog.current().chain);
    assert_eq!((view.breaker.state.as_str(), view.breaker.trips), ("open", 1));
    assert!(view.breaker.next_probe_seconds.is_some());
    let cause = "it failed 5 times within 10 s, the last time: it trapped";
    assert_eq!(view.breaker.cause.as_deref(), Some(cause));
}
