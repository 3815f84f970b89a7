//! What holds in whatever order lanes ask and end.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Pass(u64),
    Ask,
    /// Of those under way, the one with this number.
    End(usize, Went),
}

fn went() -> impl Strategy<Value = Went> {
    prop_oneof![
        3 => Just(Went::Well),
        1 => Just(Went::Recovered),
        1 => (1..40_usize, 0..40_usize)
            .prop_map(|(rows, refused)| Went::Split { rows, refused: refused.min(rows) }),
        1 => Just(Went::Refused),
        1 => Just(Went::Hopeless),
        1 => Just(Went::Unjudged),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        // All of them together take less time than a probe that is given up.
        1 => (0..700_u64).prop_map(Step::Pass),
        2 => Just(Step::Ask),
        2 => (any::<prop::sample::Index>(), went())
            .prop_map(|(number, went)| Step::End(number.index(8), went)),
    ]
}

proptest! {
    /// Lanes that ask and end in any order: whoever is told to wait is let in no earlier, one probe is under way at the most, and
    /// it closes by nothing but three probes in a row that went well.
    #[test]
    fn whatever_lanes_do_it_keeps_its_word(steps in prop::collection::vec(step(), 1..400)) {
        let mut rig = rig();
        let mut under_way: Vec<Admission> = Vec::new();
        let mut told: Option<Instant> = None;
        let mut clean = 0;
        for step in steps {
            let before = rig.state();
            match step {
                Step::Pass(millis) => { rig.after(Duration::from_millis(millis)); }
                Step::Ask => {
                    let admitted = rig.breaker.admit(rig.now);
                    let probes = under_way.iter().any(|a| matches!(a, Admission::Probe { .. }));
                    match admitted {
                        Admission::Wait { until } => {
                            prop_assert!(until > rig.now && before != State::Closed);
                            if before == State::Open {
                                prop_assert!(until <= rig.now + LONGEST_WAIT * 6 / 5);
                                prop_assert!(told.is_none_or(|told| told == until));
                                told = Some(until);
                            } else {
                                prop_assert!(probes);
                            }
                            continue;
                        }
                        Admission::Full => prop_assert_eq!(before, State::Closed),
                        Admission::Probe { begins } => {
                            prop_assert!(!probes && before != State::Closed);
                            prop_assert_eq!(begins, before == State::Open);
                            prop_assert!(told.is_none_or(|told| told <= rig.now));
                            if begins { (told, clean) = (None, 0); }
                        }
                        Admission::Forced => prop_assert!(false, "nobody gave an order"),
                    }
                    under_way.push(admitted);
                }
                Step::End(number, went) => {
                    if under_way.is_empty() { continue; }
                    let admitted = under_way.swap_remove(number % under_way.len());
                    let turned = rig.breaker.note(admitted, went, None, (Duration::ZERO, rig.now));
                    prop_assert_eq!(turned.is_some(), rig.state() != before);
                    let is_probe = matches!(admitted, Admission::Probe { .. });
                    if is_probe && before == State::HalfOpen && went != Went::Unjudged {
                        clean = if went.faults() == 0 { clean + 1 } else { 0 };
                        let expected = match (went.faults(), clean) {
                            (0, PROBES) => Some(State::Closed),
                            (0, _) => None,
                            _ => Some(State::Open),
                        };
                        prop_assert_eq!(turned, expected);
                    }
                    match turned {
                        Some(State::Open) => prop_assert!(went.faults() > 0),
                        Some(State::Closed) => prop_assert!(is_probe && clean == PROBES),
                        Some(State::HalfOpen) => prop_assert!(false, "no batch does that"),
                        None => {}
                    }
                }
            }
        }
    }

    /// A plugin that does nothing but fail is called ever more seldom: a handful of times, and then once in an open time.
    #[test]
    fn a_plugin_that_always_fails_is_called_seldom(
        went in went().prop_filter("a fault", |went| went.faults() > 0),
        millis in 1..2_000_u64,
    ) {
        let mut rig = rig();
        let end = rig.now + Duration::from_secs(600);
        let mut calls = 0;
        while rig.now < end {
            let admitted = rig.breaker.admit(rig.now);
            if !matches!(admitted, Admission::Wait { .. }) {
                rig.breaker.note(admitted, went, None, (Duration::ZERO, rig.now));
                calls += 1;
            }
            rig.after(Duration::from_millis(millis));
        }
        // Five to open it, five doublings, and then one each 24 s at the soonest.
        prop_assert!(calls <= 5 + 5 + 600 / 24, "{calls} calls");
    }
}
