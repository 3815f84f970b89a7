//! Instances against well-behaved and hostile guests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::PluginMessages;
use crate::contract::{Answer, Cells, Edit, Fault, FaultClass, Transform, kind};
use crate::outcome_check;
use crate::plugin::guests::{self, setup, strings, table, version, with_batch};
use crate::plugin::ticker::EpochTicker;
use crate::plugin::{Compiled, Figures, Instance, Limits, Runtime, Version, Voice};

fn opened(name: &str) -> Instance {
    let mut instance = version(name).instantiate();
    assert!(instance.open_table(&table(1, "users")).unwrap().is_some());
    instance
}

fn process(instance: &mut Instance, cells: &[&str]) -> Result<Answer, Fault> {
    with_batch(1, strings(cells), |batch| instance.process(batch))
}

fn figures(instance: &Instance) -> Figures {
    instance.version().stats().figures()
}

/// What becomes of a poisoned batch; the batches before and after it must pass.
fn poisoned(name: &str) -> Fault {
    let mut instance = opened(name);
    assert_eq!(process(&mut instance, &["fine"]), Ok(Answer::default()));
    let fault = process(&mut instance, &["fine", "poison"]).unwrap_err();
    assert_eq!(process(&mut instance, &["fine"]), Ok(Answer::default()));
    let figures = figures(&instance);
    assert_eq!((figures.calls, figures.instantiations), (3, 2));
    assert!(figures.faults.contains(&(fault.class, 1)));
    fault
}

fn fault(class: FaultClass, message: &str) -> Fault {
    Fault::new(class, message)
}

#[test]
fn strings_come_back_as_stars() {
    let mut instance = version("stars").instantiate();
    let plan = instance.open_table(&table(1, "users")).unwrap().unwrap();
    let mut column = strings(&["ab", "", "größe"]);
    column.kinds.push(kind::NULL);
    column.ends.push(9);
    let answer = with_batch(1, column, |batch| instance.process(batch)).unwrap();
    let cells =
        Cells { kinds: vec![kind::STRING; 3], ends: vec![2, 2, 9], data: b"*********".to_vec() };
    let edit = Edit { write: 0, rows: vec![0, 1, 2], cells };
    assert_eq!(answer, Answer { edits: vec![edit], ..Answer::default() });
    assert_eq!(outcome_check::check(&plan, 4, &answer, 1_000), Ok(()));
}

#[test]
fn an_endless_loop_ends_at_its_deadline() {
    let mut instance = opened("spin");
    let started = Instant::now();
    let fault = process(&mut instance, &["poison"]).unwrap_err();
    let took = started.elapsed();
    assert_eq!(fault.class, FaultClass::Timeout);
    assert!(
        fault.message.starts_with("took longer than its deadline of 250ms"),
        "{}",
        fault.message
    );
    assert!((Duration::from_millis(250)..Duration::from_secs(2)).contains(&took), "{took:?}");
    assert_eq!(process(&mut instance, &["fine"]), Ok(Answer::default()));
}

#[test]
fn a_trap_names_its_cause_and_the_functions_that_ran() {
    let frames = ["divide", "process"].map(str::to_owned).to_vec();
    let trap = fault(FaultClass::Trap, "integer divide by zero; in divide");
    assert_eq!(poisoned("trap"), Fault { frames, ..trap });
}

#[test]
fn a_memory_hog_runs_out_of_its_own_memory() {
    let fault = poisoned("hog");
    assert_eq!(fault.class, FaultClass::OutOfMemory);
    assert!(fault.message.starts_with("needs more than its 4 MiB of memory"), "{}", fault.message);
}

#[test]
fn an_endless_recursion_runs_out_of_stack() {
    let fault = poisoned("deep");
    assert_eq!(fault.class, FaultClass::StackOverflow);
    assert!(fault.message.starts_with("call stack exhausted; in down"), "{}", fault.message);
}

#[test]
fn an_answer_can_only_be_so_large() {
    assert_eq!(
        poisoned("huge"),
        fault(FaultClass::Transfer, "handed over more than the 16 MiB of one call")
    );
}

#[test]
fn what_is_no_value_of_the_contract_is_told_as_such() {
    let wild = poisoned("wild");
    assert_eq!(wild.class, FaultClass::BadValue);
    assert_eq!(
        wild.message,
        "handed over what the contract does not have: list pointer/length out of bounds of memory"
    );
    let mojibake = poisoned("mojibake");
    assert_eq!(mojibake.class, FaultClass::BadValue);
    assert!(mojibake.message.contains("invalid utf-8"), "{}", mojibake.message);
}

#[test]
fn an_error_of_its_own_is_a_fault_with_its_text_made_harmless_and_apart() {
    let refused = fault(FaultClass::Rejected, "the plugin refused");
    assert_eq!(poisoned("refuse"), Fault { said: Some("no\\nway".to_owned()), ..refused });
}

#[test]
fn the_message_of_a_panic_reaches_the_fault_as_the_plugins_own_words() {
    let fault = poisoned("panic");
    assert_eq!(fault.class, FaultClass::Trap);
    assert_eq!(fault.message, "wasm `unreachable` instruction executed; in process");
    assert_eq!(fault.said.as_deref(), Some("panicked at src/lib.rs:7: boom"));
}

#[test]
fn a_lie_is_caught_by_the_check_and_costs_the_instance() {
    let mut instance = version("liar").instantiate();
    let plan = instance.open_table(&table(1, "users")).unwrap().unwrap();
    let answer = process(&mut instance, &["poison"]).unwrap();
    let violation = outcome_check::check(&plan, 1, &answer, 1_000).unwrap_err();
    assert_eq!(violation.to_string(), "drops: there is no row 99 in a batch of 1");
    instance.discard(&fault(FaultClass::ContractViolated, &violation.to_string()));
    assert_eq!(process(&mut instance, &["fine"]), Ok(Answer::default()));
    let figures = figures(&instance);
    assert_eq!(figures.instantiations, 2);
    assert!(figures.faults.contains(&(FaultClass::ContractViolated, 1)));
}

#[test]
fn a_fresh_instance_opens_again_what_the_last_one_had_open() {
    let mut instance = version("remember").instantiate();
    for (id, name) in [(1, "users"), (2, "orders")] {
        instance.open_table(&table(id, name)).unwrap();
    }
    let mut of_table = |id, cell: &str| {
        with_batch(id, strings(&[cell]), |batch| instance.process(batch))
            .map_err(|fault| fault.class)
    };
    assert_eq!(of_table(3, "fine"), Err(FaultClass::Trap));
    assert_eq!(of_table(2, "fine"), Ok(Answer::default()));
    assert_eq!(of_table(1, "poison"), Err(FaultClass::Trap));
    assert_eq!(of_table(1, "fine"), Ok(Answer::default()));
    assert_eq!(of_table(2, "fine"), Ok(Answer::default()));
}

/// With thousands of tables, each row that a search has to try would otherwise cost thousands of calls.
#[test]
fn a_fresh_instance_opens_what_it_is_called_for_and_nothing_else() {
    let opens = "(i32.store8 offset=4096";
    let counted = format!("(call $count (i32.const 1048) (i32.const 5) (i32.const 1)) {opens}");
    let bytes = wat::parse_str(guests::text("remember").replace(opens, &counted)).unwrap();
    let mut instance = guests::configured(&bytes, setup()).unwrap().instantiate();
    for id in 1..=100 {
        instance.open_table(&table(id, &format!("t{id}"))).unwrap();
    }
    let opened = |instance: &Instance| instance.version().voice().counts()["email"];
    assert_eq!(opened(&instance), 100);
    for _ in 0..3 {
        let poison = with_batch(7, strings(&["poison"]), |batch| instance.process(batch));
        assert_eq!(poison.unwrap_err().class, FaultClass::Trap);
    }
    // The first one had it open; each of the two after it opened it again.
    assert_eq!(opened(&instance), 102);
    for id in [7, 8, 7, 8] {
        let fine = with_batch(id, strings(&["fine"]), |batch| instance.process(batch));
        assert_eq!(fine, Ok(Answer::default()));
    }
    assert_eq!(opened(&instance), 104);
}

#[test]
fn a_table_that_grew_is_opened_under_its_new_id_alone() {
    let mut instance = version("remember").instantiate();
    instance.open_table(&table(1, "users")).unwrap();
    instance.open_table(&table(2, "users")).unwrap();
    let mut of_table =
        |id, cell: &str| with_batch(id, strings(&[cell]), |batch| instance.process(batch)).is_ok();
    assert!(!of_table(2, "poison"));
    assert!(of_table(2, "fine"));
    assert!(!of_table(1, "fine"));
}

#[test]
fn a_plan_that_changes_with_the_instance_is_a_breach() {
    let mut instance = opened("fickle");
    instance.open_table(&table(2, "orders")).unwrap();
    instance.open_table(&table(1, "users")).unwrap();
    let answer = process(&mut instance, &["poison"]).map_err(|fault| fault.class);
    assert_eq!(answer, Err(FaultClass::Trap));
    assert_eq!(
        process(&mut instance, &["fine"]),
        Err(fault(
            FaultClass::ContractViolated,
            "answered the same table \"db.public.users\" with another plan than before"
        ))
    );
}

#[test]
fn an_instance_that_has_used_most_of_its_memory_is_replaced_without_a_fault() {
    let mut instance = opened("leak");
    for _ in 0..10 {
        assert_eq!(process(&mut instance, &["fine"]), Ok(Answer::default()));
    }
    let figures = figures(&instance);
    assert_eq!((figures.recycles, figures.instantiations), (3, 4));
    assert!(figures.faults.iter().all(|(_, count)| *count == 0));
}

#[test]
fn memory_is_accounted_to_the_version_while_instances_live() {
    let version = version("pass");
    let mut first = version.instantiate();
    let mut second = version.instantiate();
    first.warm().unwrap();
    second.warm().unwrap();
    assert_eq!(version.stats().figures().memory, 2 * (128 << 10));
    drop(first);
    assert_eq!(version.stats().figures().memory, 128 << 10);
}

#[test]
fn a_chatterbox_is_counted_and_not_much_heard() {
    let mut instance = opened("chatter");
    process(&mut instance, &["fine"]).unwrap();
    let counts = instance.version().voice().counts();
    assert_eq!(counts.get("email"), Some(&1_000));
}

#[test]
fn a_table_that_cannot_be_opened_is_not_opened_again() {
    let mut instance = version("spin-open").instantiate();
    let fault = instance.open_table(&table(1, "users")).unwrap_err();
    assert_eq!(fault.class, FaultClass::Timeout);
    assert!(fault.message.starts_with("took longer than its deadline of 2s"), "{}", fault.message);
    assert_eq!(process(&mut instance, &["fine"]), Ok(Answer::default()));
}

/// The last of the thirty-two hostile plugins of `tests/tests/hostile`: the others end because a clock ticks.
#[test]
fn hostile_32_nothing_is_entered_while_the_clock_stands_still() {
    let runtime = Arc::new(Runtime::without_clock().unwrap());
    let start = || EpochTicker::start(&runtime.engine, Arc::clone(&runtime.pulse)).unwrap();
    let clock = start();
    let (limits, place) = (Limits::of(&setup()), version("spin").place.clone());
    let compiled = Arc::new(Compiled::load(&runtime, &guests::guest("spin"), limits).unwrap());
    let voice = Voice::new(&place.name, PluginMessages::Show);
    let version = Version::configure(&compiled, place, (setup(), String::new()), voice).unwrap();
    let mut instance = version.instantiate();
    instance.open_table(&table(1, "users")).unwrap();
    assert_eq!(process(&mut instance, &["fine"]), Ok(Answer::default()));

    drop(clock);
    await_that(|| !runtime.is_ticking());
    let stopped =
        "the clock that ends plugins has stopped, so none is entered; restart the gateway";
    // Entered, it would never come back.
    let fault = process(&mut instance, &["poison"]).unwrap_err();
    assert_eq!(fault, self::fault(FaultClass::NotRun, stopped));
    let refused = Compiled::load(&runtime, &guests::guest("pass"), limits);
    let reason = refused.map(|_| ()).unwrap_err().to_string();
    assert_eq!(reason, format!("starting it: {stopped}"));

    let _clock = start();
    await_that(|| runtime.is_ticking());
    assert_eq!(process(&mut instance, &["fine"]), Ok(Answer::default()));
}

fn await_that(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
}
