//! What a person reads, and the way to a gateway and back through a real socket.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use insta::assert_snapshot;

use super::*;
use crate::admin;
use crate::control::{
    BreakerView, CandidateView, Example, FieldDiff, HIDDEN, Operator, Refused, Stage, VersionView,
};
use crate::health::Health;
use crate::metrics::Metrics;
use crate::tasks::Tasks;

fn version(version: &str, digit: char) -> VersionView {
    VersionView { version: version.to_owned(), digest: digit.to_string().repeat(64) }
}

fn mask() -> PluginView {
    PluginView {
        pipeline: "shop".to_owned(),
        plugin: "mask-pii".to_owned(),
        file: "20-mask-pii.wasm".to_owned(),
        serving: Some(version("1.0.0", 'a')),
        previous: Some(version("0.9.1", 'c')),
        breaker: BreakerView { state: "closed".to_owned(), ..BreakerView::default() },
        chain: "0011223344556677".to_owned(),
        ..PluginView::default()
    }
}

#[test]
fn the_list_says_what_serves_what_comes_and_what_is_the_matter() {
    let ill = PluginView {
        plugin: "geo".to_owned(),
        stage: Stage::Probation,
        candidate: Some(CandidateView {
            file: "60-mask-pii.wasm".to_owned(),
            version: Some(version("1.1.0", 'b')),
            stage: Stage::Shadow,
            reason: "340 records, 2 differ, 1.2 s of 2 s".to_owned(),
        }),
        previous: None,
        breaker: BreakerView {
            state: "open".to_owned(),
            cause: Some("5 faults in 10 s, the last: integer divide by zero".to_owned()),
            next_probe_seconds: Some(3.75),
            trips: 2,
            ..BreakerView::default()
        },
        parked_keys: 3,
        ..mask()
    };
    let missing = PluginView {
        pipeline: "other".to_owned(),
        plugin: "cut".to_owned(),
        serving: None,
        stage: Stage::Refused,
        candidate: Some(CandidateView {
            file: "60-mask-pii.wasm".to_owned(),
            version: None,
            stage: Stage::Refused,
            reason: "the file is empty".to_owned(),
        }),
        breaker: BreakerView::default(),
        chain: String::new(),
        ..mask()
    };
    assert_snapshot!(show::list(&[mask(), ill, missing]), @r#"
    PIPELINE  PLUGIN    VERSION  DIGEST        STAGE      BREAKER
    shop      mask-pii  1.0.0    aaaaaaaaaaaa  settled    closed
      a rollback brings back 0.9.1 (cccccccccccc)
    shop      geo       1.0.0    aaaaaaaaaaaa  probation  open, tried in 3.8 s
      breaker opened 2 times, the last for: 5 faults in 10 s, the last: integer divide by zero
      shadow: 1.1.0 (bbbbbbbbbbbb): 340 records, 2 differ, 1.2 s of 2 s
      parked keys: 3, whose records follow a refused one to the dead-letter topic until `lockgate plugin release geo`
    other     cut       -        -             refused    -
      refused: 60-mask-pii.wasm: the file is empty
    chain of pipeline "shop": 0011223344556677
    "#);
    assert_snapshot!(show::list(&[]), @"no plugin serves, and none is on its way; where the gateway has only just started, its log says what it waits for");
}

#[test]
fn versions_that_differ_in_their_settings_alone_are_told_apart() {
    let rolled_out = PluginView {
        stage: Stage::Probation,
        previous: Some(version("1.0.0", 'a')),
        candidate: Some(CandidateView {
            file: "20-mask-pii.toml".to_owned(),
            version: Some(version("1.0.0", 'a')),
            stage: Stage::Shadow,
            reason: "14 records, 14 differ, 0.7 s of 2s".to_owned(),
        }),
        ..mask()
    };
    assert_snapshot!(show::list(&[rolled_out]), @r#"
    PIPELINE  PLUGIN    VERSION  DIGEST        STAGE      BREAKER
    shop      mask-pii  1.0.0    aaaaaaaaaaaa  probation  closed
      shadow: 1.0.0 (aaaaaaaaaaaa) with other settings: 14 records, 14 differ, 0.7 s of 2s
      a rollback brings back 1.0.0 (aaaaaaaaaaaa) with its settings before
    chain of pipeline "shop": 0011223344556677
    "#);
    let (old, new) = (version("1.0.0", 'a'), version("1.0.0", 'a'));
    let same = show::diff(&Diff { old, new: new.clone(), ..Diff::default() });
    assert!(
        same.contains("old 1.0.0 (aaaaaaaaaaaa), new 1.0.0 (aaaaaaaaaaaa) with other settings\n")
    );
    let first = show::diff(&Diff { new, ..Diff::default() });
    assert!(first.contains("old none, new 1.0.0 (aaaaaaaaaaaa)\n"), "{first}");
}

#[test]
fn a_reason_of_several_lines_stays_under_its_plugin() {
    let reason =
        "plugins/20-mask-pii.toml:1:1: there is no key \"deadlin\" here\n  |\n1 | deadlin = 5";
    let refused = PluginView {
        candidate: Some(CandidateView {
            file: "20-mask-pii.toml".to_owned(),
            version: None,
            stage: Stage::Refused,
            reason: reason.to_owned(),
        }),
        previous: None,
        ..mask()
    };
    assert_snapshot!(show::list(&[refused]), @r#"
    PIPELINE  PLUGIN    VERSION  DIGEST        STAGE    BREAKER
    shop      mask-pii  1.0.0    aaaaaaaaaaaa  settled  closed
      refused: 20-mask-pii.toml: plugins/20-mask-pii.toml:1:1: there is no key "deadlin" here
        |
      1 | deadlin = 5
    chain of pipeline "shop": 0011223344556677
    "#);
}

#[test]
fn two_versions_stand_side_by_side_with_what_must_not_be_seen_hidden() {
    let field = |field: &str, source: Option<&str>, old: &str, new: Option<&str>| FieldDiff {
        field: field.to_owned(),
        source: source.map(str::to_owned),
        old: Some(old.to_owned()),
        new: new.map(str::to_owned),
    };
    let diff = Diff {
        pipeline: "shop".to_owned(),
        plugin: "mask-pii".to_owned(),
        old: version("1.0.0", 'a'),
        new: version("1.1.0", 'b'),
        compared: 1_024,
        differing: 2,
        old_p99_us: 120,
        new_p99_us: 131,
        unsteady: 3,
        examples: vec![
            Example {
                topic: "shop.customers".to_owned(),
                partition: 0,
                offset: 42,
                table: "public.customers".to_owned(),
                old_end: "forward to clean.shop.customers".to_owned(),
                new_end: "forward to clean.shop.customers".to_owned(),
                fields: vec![
                    field("after.email", Some(HIDDEN), "\"***@x.org\"", Some("\"***\"")),
                    field("header:tenant", None, "\"7\"", None),
                ],
            },
            Example {
                topic: "shop.customers".to_owned(),
                partition: 3,
                offset: 7,
                old_end: "forward to clean.shop.customers".to_owned(),
                new_end: "drop".to_owned(),
                ..Example::default()
            },
        ],
        ..Diff::default()
    };
    assert_snapshot!(show::diff(&diff), @r#"
    plugin "mask-pii" of pipeline "shop": old 1.0.0 (aaaaaaaaaaaa), new 1.1.0 (bbbbbbbbbbbb)
    1024 records went through both, 2 came out differently; faults 0 and 0, p99 of a call 120 and 131 us
    3 records come out differently each time the new version sees them

    shop.customers-0 @ 42  public.customers
      FIELD          SOURCE    OLD          NEW
      after.email    (hidden)  "***@x.org"  "***"
      header:tenant  -         "7"          -

    shop.customers-3 @ 7
      old: forward to clean.shop.customers
      new: drop
    "#);
}

#[test]
fn a_gateway_that_listens_everywhere_is_reached_here() {
    let reached = |address: &str| reachable(address.parse().unwrap()).to_string();
    assert_eq!(reached("0.0.0.0:9400"), "127.0.0.1:9400");
    assert_eq!(reached("[::]:9400"), "[::1]:9400");
    assert_eq!(reached("10.0.0.7:9400"), "10.0.0.7:9400");
}

/// The name of a file, a column and a table may be anything, and a terminal obeys some of it.
#[test]
fn nothing_that_is_shown_drives_the_terminal() {
    let file = PluginView { plugin: "\x1b[2Jmask\u{202e}".to_owned(), ..mask() };
    let field = FieldDiff { field: "after.e\u{9b}mail\u{7f}".to_owned(), ..FieldDiff::default() };
    let table = "shop.\x1b]0;title\x07".to_owned();
    let example = Example { table, fields: vec![field], ..Example::default() };
    let diff = Diff { examples: vec![example], ..Diff::default() };
    for (shown, name) in [
        (show::list(&[file]), "\\u{1b}[2Jmask\\u{202e}"),
        (show::diff(&diff), "after.e\\u{9b}mail\\u{7f}"),
        (show::harmless("there is no plugin \"\x1b[31m\""), "\"\\u{1b}[31m\""),
    ] {
        assert!(shown.contains(name), "{shown:?}");
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    }
}

/// Remembers what it was ordered.
#[derive(Default)]
struct Fake {
    orders: Mutex<Vec<(Option<String>, String, Order)>>,
}

impl Operator for Fake {
    fn plugins(&self) -> Vec<PluginView> {
        vec![mask()]
    }

    fn diff(&self, _: Option<&str>, plugin: &str) -> Result<Diff, Refused> {
        match plugin {
            "mask-pii" => Ok(Diff { compared: 5, ..Diff::default() }),
            _ => Err(Refused::Unknown(format!("there is no plugin \"{plugin}\""))),
        }
    }

    fn order(&self, pipeline: Option<&str>, plugin: &str, order: Order) -> Result<String, Refused> {
        if order == Order::Rollback {
            return Err(Refused::Conflict("there is no version before this one".to_owned()));
        }
        let pipeline = pipeline.map(str::to_owned);
        self.orders.lock().unwrap().push((pipeline, plugin.to_owned(), order));
        Ok("done".to_owned())
    }
}

/// What `ask` gets from a gateway that wants `token`.
async fn ask<T: Send + 'static>(
    operator: Arc<Fake>,
    token: Option<&str>,
    ask: impl FnOnce(Gateway) -> T + Send + 'static,
) -> T {
    let listener = admin::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sources = admin::Sources {
        health: Health::new(Instant::now()),
        metrics: Arc::new(Metrics::register().unwrap()),
        operator,
        token: token.map(Into::into),
    };
    let (answer, answered) = std::sync::mpsc::channel();
    let mut tasks = Tasks::default();
    tasks.spawn("admin", |stop| admin::serve(listener, sources, stop));
    tasks.spawn_blocking("client", move |_| {
        answer.send(ask(Gateway { url, token: None })).unwrap();
        Ok(())
    });
    tasks.join(PATIENCE).await.unwrap();
    answered.recv().unwrap()
}

fn which(plugin: &str, pipeline: Option<&str>) -> Which {
    Which { plugin: plugin.to_owned(), pipeline: pipeline.map(str::to_owned) }
}

#[tokio::test]
async fn an_order_arrives_with_its_plugin_and_pipeline() {
    let fake = Arc::new(Fake::default());
    let done = ask(Arc::clone(&fake), None, |gateway| {
        let plugins: Vec<PluginView> = gateway.get("/plugins").unwrap();
        assert_eq!(plugins, [mask()]);
        let diff: Diff = gateway.get("/plugins/mask-pii/diff").unwrap();
        assert_eq!(diff.compared, 5);
        gateway.order(&which("a/b ü", Some("shop")), Order::Close).unwrap()
    });
    assert_eq!(done.await, "done\n");
    let expected = (Some("shop".to_owned()), "a/b ü".to_owned(), Order::Close);
    assert_eq!(*fake.orders.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn what_the_gateway_refuses_is_told_in_its_own_words() {
    let fake = Arc::new(Fake::default());
    let errors = ask(Arc::clone(&fake), None, |gateway| {
        let conflict = gateway.order(&which("mask-pii", None), Order::Rollback).unwrap_err();
        let unknown = gateway.get::<Diff>("/plugins/nobody/diff").unwrap_err();
        [conflict, unknown].map(|error| format!("{error:#}"))
    });
    assert_eq!(
        errors.await,
        ["there is no version before this one", "there is no plugin \"nobody\""]
    );
}

#[tokio::test]
async fn without_the_token_nothing_is_ordered_or_shown() {
    let fake = Arc::new(Fake::default());
    let (order, diff, shown) = ask(Arc::clone(&fake), Some("t0ken"), |mut gateway| {
        let order = gateway.order(&which("mask-pii", None), Order::Open).unwrap_err();
        let diff = gateway.get::<Diff>("/plugins/mask-pii/diff").unwrap_err();
        gateway.token = Some("t0ken".to_owned());
        let shown = gateway.get::<Diff>("/plugins/mask-pii/diff").is_ok();
        (order.to_string(), diff.to_string(), shown)
    })
    .await;
    assert!(order.contains("needs the token of [admin]"), "{order}");
    assert!(diff.contains("needs the token of [admin]"), "{diff}");
    assert!(shown);
    assert!(fake.orders.lock().unwrap().is_empty());
}

#[test]
fn a_gateway_that_is_not_there_is_named_with_the_key() {
    let gateway = Gateway { url: "http://127.0.0.1:1".to_owned(), token: None };
    let error = format!("{:#}", gateway.get::<Diff>("/plugins").unwrap_err());
    let expected = "asking the gateway at http://127.0.0.1:1: connecting; does it run, and is this its `listen` of [admin]?: ";
    assert!(error.starts_with(expected), "{error}");
}
