//! Plugins come, change and go while records flow.

use std::collections::BTreeMap;

use lockgate_tests::checker::Fate;
use lockgate_tests::client::Record;
use lockgate_tests::gateway::{Cluster, Gateway, Journey};
use lockgate_tests::rows::{constant, update};

use crate::PROGRAM;

super::on_both! {
    plugins_come_change_and_go_while_records_flow
    a_broken_version_leaves_the_old_one_serving
    a_required_plugin_that_goes_halts_until_it_is_back
}

/// What a plugin has made of the e-mail address: the text of a constant, or how it looks.
fn email(output: &Record) -> String {
    let value: serde_json::Value = serde_json::from_str(output.value_text()).unwrap();
    let email = value["after"]["email"].as_str().unwrap();
    match email {
        clear if clear.ends_with("@example.com") => "clear".to_owned(),
        stars if stars.bytes().all(|byte| byte == b'*') => format!("{} stars", stars.len().min(9)),
        other => other.to_owned(),
    }
}

fn plugins_come_change_and_go_while_records_flow(cluster: &Cluster) {
    let journey = Journey::new(cluster, PROGRAM, 2).unwrap();
    let gateway = journey.start().unwrap();
    let folder = &journey.folder;
    let until = |shown: &str| {
        journey.until_output(&format!("{shown} is shown"), |output| email(output) == shown)
    };
    let act = || {
        until("clear")?;
        folder.put("plugins/20-mask.toml", constant("one"))?;
        until("one")?;
        // The settings alone.
        folder.put("plugins/20-mask.toml", constant("three"))?;
        until("three")?;
        folder.put_guest("plugins/30-stars.wasm", "stars", "1.0.0")?;
        until("5 stars")?;
        // Now the stars come first, and the constant over them.
        folder.rename("plugins/30-stars.wasm", "plugins/10-stars.wasm")?;
        folder.put("plugins/20-mask.toml", constant("four"))?;
        until("four")?;
        // Another version, which passes everything.
        folder.remove("plugins/20-mask.toml")?;
        until("9 stars")?;
        folder.put_guest("plugins/10-stars.wasm", "pass", "2.0.0")?;
        Ok(())
    };
    journey.while_flowing(|number| update(number, 2), act).unwrap();
    gateway.stop().unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().duplicates, 0);

    let mut phases: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for output in journey.outputs().unwrap() {
        let phases = phases.entry(output.partition).or_default();
        phases.push(email(&output));
        phases.dedup();
    }
    for phases in phases.values() {
        let expected = ["clear", "one", "three", "5 stars", "four", "9 stars"];
        assert_eq!(phases[..6], expected, "{phases:?}");
    }
}

fn a_broken_version_leaves_the_old_one_serving(cluster: &Cluster) {
    let journey = Journey::new(cluster, PROGRAM, 1).unwrap();
    journey.folder.put_guest("plugins/10-stars.wasm", "stars", "1.0.0").unwrap();
    let mut gateway = journey.start().unwrap();
    journey.write([update(0, 1)]).unwrap();
    let warning = "plugin \\\"stars\\\" of pipeline \\\"shop\\\" still serves as 1.0.0: ";
    for (refusals, (guest, told)) in
        [("refuse-configure", "no key given"), ("spin-open", "longer than its deadline")]
            .into_iter()
            .enumerate()
    {
        journey.settled().unwrap();
        journey.folder.put_guest("plugins/10-stars.wasm", guest, "2.0.0").unwrap();
        let refused = "lockgate_reloads_total{pipeline=\"shop\",result=\"refused\"";
        let refusal = |gateway: &mut Gateway| Ok(gateway.metric(refused)? == (refusals + 1) as f64);
        gateway.until("the refusal is counted", refusal).unwrap();
        gateway.until_readyz_says(told).unwrap();
        let readyz = gateway.readyz().unwrap();
        assert!(readyz["ready"].as_bool().unwrap(), "{readyz}");
        assert!(readyz.to_string().contains(warning), "{readyz}");
        let log = gateway.log().unwrap();
        let line = log.lines().find(|line| line.contains("refused") && line.contains(told));
        assert!(line.is_some_and(|line| line.contains("10-stars.wasm")), "{log}");
        journey.write([update(refusals + 1, 1)]).unwrap();
    }
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().forwarded, 3);
    assert!(journey.outputs().unwrap().iter().all(|output| email(output) == "9 stars"));
    gateway.stop().unwrap();
}

fn a_required_plugin_that_goes_halts_until_it_is_back(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 2).unwrap();
    journey.pipeline = "required = [\"mask\"]\n".to_owned();
    journey.folder.put("plugins/20-mask.toml", constant("masked")).unwrap();
    let mut gateway = journey.start().unwrap();
    let act = || {
        journey.until_output("a first record", |_| true)?;
        journey.folder.remove("plugins/20-mask.toml")?;
        gateway.until_readyz_says("required plugin \\\"mask\\\" is not in")?;
        let readyz = gateway.readyz()?;
        assert_eq!(
            (&readyz["ready"], &readyz["pipelines"][0]["state"]),
            (&false.into(), &"halted".into())
        );
        // Records go on coming, and none goes on.
        gateway.until("a lag", |gateway| {
            Ok(gateway.metric("lockgate_partition_lag_records")? > 100.0)
        })?;
        let before = journey.outputs()?.len();
        gateway.until("a longer lag", |gateway| {
            Ok(gateway.metric("lockgate_partition_lag_records")? > 200.0)
        })?;
        assert_eq!(journey.outputs()?.len(), before);
        journey.folder.put("plugins/20-mask.toml", constant("again"))?;
        journey.until_output("a record of the new plugin", |output| email(output) == "again")
    };
    journey.while_flowing(|number| update(number, 2), act).unwrap();
    gateway.stop().unwrap();
    assert_eq!(journey.check(|_| Fate::Forwarded).unwrap().duplicates, 0);
    assert!(journey.outputs().unwrap().iter().all(|output| email(output) != "clear"));
}
