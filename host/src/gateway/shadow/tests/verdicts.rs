//! What lets a new chain not serve, and what does not.

use super::*;

fn verdict(
    settings: &Arc<config::Pipeline>,
    old: &[Arc<Version>],
    new: &[Arc<Version>],
    given: &[Given],
) -> String {
    tried(settings, (old, new), given).0.unwrap_err()
}

fn poisoned() -> [Given; 3] {
    [email(1, "a@x.io"), email(2, "poison"), email(3, "c@x.io")]
}

#[test]
fn a_new_version_that_faults_on_what_the_old_one_carried_does_not_serve() {
    let (verdict, diff) = tried(&settings(&[]), (&[guest("pass")], &[guest("trap")]), &poisoned());
    insta::assert_snapshot!(verdict.unwrap_err(), @r#"t-0@1 would be refused by plugin "guest", where the old chain let it through: plugin-trapped (trap): integer divide by zero; in divide"#);
    assert!(diff.new_faults > 0 && diff.old_faults == 0, "{diff:?}");
    assert_eq!(diff.differing, 1);
    insta::assert_snapshot!(words(&diff), @r#"
    1 of 3
    t@1 shop.public.customers: forward to clean.t | dead letter: plugin-trapped
    "#);
}

#[test]
fn a_fault_that_refuses_no_record_counts_as_well() {
    for policy in [FaultPolicy::Pass, FaultPolicy::Drop] {
        let new = guest_with("trap", |setup| setup.on_fault = policy);
        let told = verdict(&settings(&[]), &[guest("pass")], &[new], &poisoned());
        assert!(
            told.contains("\"guest\" fails on records from t-0@0 on") && told.contains("(trap)"),
            "{told}"
        );
    }
}

#[test]
fn failing_on_the_same_records_as_before_is_no_reason() {
    for policy in [FaultPolicy::DeadLetter, FaultPolicy::Pass, FaultPolicy::Drop, FaultPolicy::Halt]
    {
        let [old, new] =
            ["trap", "wild"].map(|name| guest_with(name, |setup| setup.on_fault = policy));
        assert_eq!(tried(&settings(&[]), (&[old], &[new]), &poisoned()).0, Ok(()), "{policy:?}");
    }
}

#[test]
fn failing_on_other_records_than_before_is_a_reason_even_where_both_fail() {
    // The new one fails on whatever the mask leaves, which the old one has only on the second record.
    for policy in [FaultPolicy::DeadLetter, FaultPolicy::Pass] {
        let trap = || guest_with("trap", |setup| setup.on_fault = policy);
        let new = [mask(r#"{"email":"constant:poison"}"#), trap()];
        let told = verdict(&settings(&[]), &[trap()], &new, &poisoned());
        assert!(told.contains("t-0@0") && told.contains("plugin-trapped (trap)"), "{told}");
    }
}

#[test]
fn a_plugin_that_cannot_open_a_table_does_not_serve() {
    let told =
        verdict(&settings(&[]), &[guest("pass")], &[guest("spin-open")], &[email(1, "a@x.io")]);
    assert!(told.contains("(timeout)"), "{told}");
}

#[test]
fn an_answer_that_breaks_the_contract_is_a_reason() {
    let told = verdict(&settings(&[]), &[guest("pass")], &[guest("liar")], &poisoned());
    assert!(told.contains("contract-violated (contract-violated)"), "{told}");
}

#[test]
fn what_the_canary_refuses_does_not_serve() {
    let old = [mask(r#"{"email":"constant:gone"}"#)];
    let new = [guest("copies"), Arc::clone(&old[0])];
    insta::assert_snapshot!(verdict(&settings(&["*.email"]), &old, &new, &[email(1, "anna@x.io")]), @r#"t-0@0 would be refused, where the old chain let it through: protected-in-clear: the value that protected column "email" has in the after image would leave in clear in header "x-copy"; let a plugin mask or remove it there too"#);
}

#[test]
fn a_chain_that_covers_a_protected_column_no_more_does_not_serve() {
    let old = [mask(r#"{"email":"constant:gone"}"#)];
    let new = [mask(r#"{"note":"constant:gone"}"#)];
    insta::assert_snapshot!(verdict(&settings(&["*.email"]), &old, &new, &[email(1, "anna@x.io")]), @r#"t-0@0 would be refused, where the old chain let it through: protected-in-clear: table "shop.public.customers" would leave protected columns in clear: "email" in before image, after image, where no plugin writes or removes it; a plugin has to write or remove them there for every operation, as mask does; `lockgate check --proof` shows all"#);
}

#[test]
fn what_plugins_decide_is_no_reason() {
    let given = [email(1, "a@x.io"), email(2, "b@x.io")];
    let (old, new) = ([guest("pass")], [guest("moody")]);
    assert_eq!(tried(&settings(&[]), (&old, &new), &given).0, Ok(()));
    assert_eq!(tried(&settings(&[]), (&new, &old), &given).0, Ok(()));
}

#[test]
fn a_version_slower_than_its_settings_ask_does_not_serve() {
    let slow = |p99| guest_with("stars", |setup| setup.rollout.p99 = p99);
    let after = |calls: u32, p99| {
        let mut trial = Trial::new(&settings(&[]), &[guest("pass")], &[slow(p99)]);
        for _ in 0..calls {
            trial.batch(&sample(&[email(1, "a@x.io")]), &|| false).unwrap();
        }
        trial.check_speed()
    };
    assert_eq!(after(99, Duration::ZERO), Ok(()), "too few calls to say");
    assert_eq!(after(100, Duration::from_secs(600)), Ok(()));
    let told = after(100, Duration::ZERO).unwrap_err();
    assert!(told.starts_with("plugin \"guest\" is too slow: "), "{told}");
}

#[test]
fn a_plugin_that_stays_as_it_was_is_not_asked_how_fast_it_is() {
    let slow = guest_with("stars", |setup| setup.rollout.p99 = Duration::ZERO);
    let (old, new) = (vec![Arc::clone(&slow)], vec![slow, mask(r#"{"email":"null"}"#)]);
    let mut trial = Trial::new(&settings(&[]), &old, &new);
    for _ in 0..100 {
        trial.batch(&sample(&[email(1, "a@x.io")]), &|| false).unwrap();
    }
    assert_eq!(trial.check_speed(), Ok(()));
}
