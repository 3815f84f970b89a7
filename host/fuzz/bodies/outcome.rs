//! What must hold of plans and answers, whatever a plugin gives: the checker takes what the rules allow and nothing else; what it
//! takes changes the planned fields of real events and no others; of what it refuses nothing is left anywhere. Run by the fuzzer,
//! and by `host/tests/corpora/outcomes.rs`.

mod answers;
mod rules;
mod scene;
mod trees;

use std::path::PathBuf;
use std::sync::Arc;

use answers::Choices;
use lockgate::chain::{self, Chain, Stage, Verdict};
use lockgate::change::{Decoder, Events};
use lockgate::config::{self, FaultPolicy};
use lockgate::contract::{Answer, Plan, kind};
use lockgate::outcome::{Code, Outcome};
use lockgate::outcome_check;
use lockgate::pipeline::Pipeline;
use lockgate::protect::Rules;
use lockgate::record::{Output, Record};
use lockgate::table::{Dialect, Tables};
use scene::{Echo, Given, Heard, Says, stage};
pub(crate) use scene::{Scene, example};
use serde_json::Value;
use trees::Expected;

/// Has the choices that `data` makes tried on the events of `scene`.
pub(crate) fn check(scene: &Scene, data: &[u8]) {
    let mut choices = Choices(data);
    let plan = answers::plan(&scene.table, &mut choices);
    let is_legal = rules::is_legal_plan(&scene.table, &plan);
    let checked = outcome_check::check_plan(&scene.table, &plan);
    assert_eq!(checked.is_ok(), is_legal, "{checked:?} of {plan:?}");
    let case = Case { scene, plan: &plan };
    if !is_legal {
        case.refuses_the_plan();
        return;
    }
    let wanted = case.wanted().len();
    let rows = u32::try_from(wanted).expect("few events");
    let mut answer = answers::answer(&plan, rows, &mut choices);
    assert!(rules::is_legal(&plan, rows, &answer), "valid as made: {plan:?} {answer:?}");
    for _ in 0..usize::from(choices.one_in(2)) + usize::from(choices.one_in(4)) {
        answers::damage(&mut answer, &plan, rows, &mut choices);
    }
    let is_legal = rules::is_legal(&plan, rows, &answer);
    let size = rules::size(&answer);
    for (most, fits) in [(size, true), (chain::ANSWER_BYTES, true), (size.wrapping_sub(1), false)] {
        let checked = outcome_check::check(&plan, rows, &answer, most);
        let expected = is_legal && (fits || size == 0);
        assert_eq!(checked.is_ok(), expected, "{checked:?} of {plan:?} {answer:?}");
    }
    if wanted == 0 {
        return;
    }
    if is_legal {
        for on_fault in [FaultPolicy::DeadLetter, FaultPolicy::Pass] {
            case.applies(&answer, on_fault);
        }
    } else {
        case.applies_nothing_of(&answer);
    }
}

struct Case<'a> {
    scene: &'a Scene,
    plan: &'a Plan,
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    Forward(Sent, Vec<Sent>),
    Replace(Vec<Sent>),
    Drop,
    Refused(Code),
    Halted(Code),
}

#[derive(Debug, PartialEq, Eq)]
struct Sent {
    topic: String,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Case<'_> {
    /// The events that the plugin gets to see.
    fn wanted(&self) -> Vec<usize> {
        let all = self.plan.operations.is_empty();
        let wants = |given: &Given| all || self.plan.operations.contains(&given.operation);
        let numbered = self.scene.given.iter().enumerate();
        numbered.filter(|(_, given)| wants(given)).map(|(at, _)| at).collect()
    }

    fn refuses_the_plan(&self) {
        for left in self.carry(vec![self.stage(&Answer::default(), FaultPolicy::Pass)]) {
            assert_eq!(left, Left::Halted(Code::ContractViolated), "{:?}", self.plan);
        }
    }

    /// Nothing of the answer reaches the overlay, the verdicts, the emissions, or a byte that leaves.
    fn applies_nothing_of(&self, answer: &Answer) {
        let nothing = Answer::default();
        assert_eq!(self.run(answer), self.run(&nothing), "{:?} {answer:?}", self.plan);
        let carried = |answer| self.carry(vec![self.stage(answer, FaultPolicy::Pass)]);
        assert_eq!(carried(answer), carried(&nothing), "{:?} {answer:?}", self.plan);
        let refused = self.carry(vec![self.stage(answer, FaultPolicy::DeadLetter)]);
        let refused = refused.iter().filter(|left| **left == Left::Refused(Code::ContractViolated));
        assert_eq!(refused.count(), self.wanted().len(), "{:?} {answer:?}", self.plan);
    }

    /// What the chain holds of each row where a fault lets it pass: the edits, how many emissions, whether it stays.
    fn run(&self, answer: &Answer) -> Vec<(Vec<String>, usize, bool)> {
        let topic: Arc<str> = "shop".into();
        let records = self.records(&topic);
        let (mut tables, mut events) = (Tables::default(), Events::default());
        let mut decoder = Decoder::new(Dialect::Debezium);
        for (number, record) in (0u32..).zip(&records) {
            decoder.decode(number, record, &mut tables, &mut events).expect("decoded before");
        }
        let settings = Self::settings();
        let stages = vec![self.stage(answer, FaultPolicy::Pass)];
        let mut chain = Chain::new(stages, Rules::of(&settings));
        let unavailable = &settings.unavailable;
        let (records, events, tables) = (&*records, &events, &tables);
        chain.run(chain::Batch { records, events, tables, unavailable, keeps_commits: false });
        let rows = 0..u32::try_from(events.rows.len()).expect("few rows");
        let held = rows.map(|row| {
            let edits = chain.overlay().edits(row).map(|edit| format!("{edit:?}")).collect();
            let stays = matches!(chain.verdict(row), Verdict::Keep);
            (edits, chain.emissions(row).len(), stays)
        });
        held.collect()
    }

    /// The planned fields change as the answer says, and nothing else.
    fn applies(&self, answer: &Answer, on_fault: FaultPolicy) {
        let echo = Echo::of(self.plan, &self.scene.table);
        let heard = Arc::clone(&echo.heard);
        let left = self.carry(vec![self.stage(answer, on_fault), stage(Box::new(echo), on_fault)]);
        assert_eq!(left.len(), self.scene.given.len());
        let mut heard = std::mem::take(&mut *heard.lock().expect("no thread has it")).into_iter();
        let wanted = self.wanted();
        for (number, (given, left)) in self.scene.given.iter().zip(&left).enumerate() {
            let row = wanted.iter().position(|wanted| *wanted == number);
            let row = row.and_then(|row| u32::try_from(row).ok());
            let ends = self.expect(answer, row, given, on_fault);
            let about = || format!("event {number}, {on_fault:?}: {:?} {answer:?}", self.plan);
            if let (Ending::Refused(code), Left::Refused(found)) = (&ends, left) {
                assert_eq!(code, found, "{}", about());
                continue;
            }
            match (ends, left) {
                (Ending::Dropped(0), Left::Drop) => {}
                (Ending::Dropped(made), Left::Replace(emissions)) if made > 0 => {
                    assert_eq!(made, emissions.len(), "{}", about());
                }
                (Ending::Leaves(expected, made), Left::Forward(sent, emissions)) => {
                    assert_eq!(made, emissions.len(), "{}", about());
                    compare(*expected, sent, &about);
                    let heard = heard.next().unwrap_or_default();
                    self.compare_heard(&heard, (answer, row), given, (on_fault, &about));
                }
                // A schema beside the event cannot say everything that a plugin may write.
                (Ending::Leaves(..), Left::Refused(Code::SchemaUnknown)) if given.has_schema() => {
                    heard.next();
                }
                (_, left) => panic!("{left:?} is not what was to come: {}", about()),
            }
        }
    }

    fn expect(
        &self,
        answer: &Answer,
        row: Option<u32>,
        given: &Given,
        on_fault: FaultPolicy,
    ) -> Ending {
        let (table, plan) = (&self.scene.table, self.plan);
        let untouched = || Ending::Leaves(Box::new(trees::laid_out(given, table, plan)), 0);
        let Some(row) = row else { return untouched() };
        let made = answer.emissions.iter().filter(|emission| emission.row == row).count();
        if answer.drops.contains(&row) {
            return Ending::Dropped(made);
        }
        let refused = |code| match on_fault {
            FaultPolicy::Pass => untouched(),
            _ => Ending::Refused(code),
        };
        if answer.rejections.iter().any(|rejection| rejection.row == row) {
            return refused(Code::PluginRejected);
        }
        match trees::with(given, table, plan, Some((answer, row))) {
            Ok(expected) => Ending::Leaves(Box::new(expected), made),
            Err(trees::Unreachable) => refused(Code::ContractViolated),
        }
    }

    /// The next plugin sees what this one wrote.
    fn compare_heard(
        &self,
        heard: &Heard,
        (answer, row): (&Answer, Option<u32>),
        given: &Given,
        (on_fault, about): (FaultPolicy, &dyn Fn() -> String),
    ) {
        let Ending::Leaves(mut tree, _) = self.expect(answer, row, given, on_fault) else { return };
        let whole = Echo::of(self.plan, &self.scene.table).plan.reads;
        for (field, (code, data)) in whole.iter().zip(heard) {
            let expected =
                trees::image(&mut tree, field.image).and_then(|row| row.get(&field.name).cloned());
            if *code == kind::UNAVAILABLE {
                continue;
            }
            let both = match (&expected, trees::value(*code, data)) {
                (Some(expected), Some(found)) => trees::same(expected, &found),
                (expected, found) => *expected == found,
            };
            assert!(both, "{field} is heard otherwise than it leaves: {}", about());
        }
    }

    fn settings() -> config::Pipeline {
        config::Pipeline::offline(PathBuf::new(), Dialect::Debezium)
    }

    fn records<'a>(&'a self, topic: &'a Arc<str>) -> Vec<Record<'a>> {
        let given = self.scene.given.iter().enumerate();
        given.map(|(offset, given)| given.record(topic, offset)).collect()
    }

    fn carry(&self, stages: Vec<Stage>) -> Vec<Left> {
        let topic: Arc<str> = "shop".into();
        let mut pipeline = Pipeline::new(Arc::new(Self::settings()), stages);
        let mut left = Vec::new();
        pipeline.process(&self.records(&topic), |_, _, outcome| {
            left.push(Left::of(outcome));
            true
        });
        left
    }

    fn stage(&self, answer: &Answer, on_fault: FaultPolicy) -> Stage {
        let (plan, answer) = (self.plan.clone(), answer.clone());
        stage(Box::new(Says { plan, answer }), on_fault)
    }
}

/// How an event is to end.
enum Ending {
    /// With so many records in its place.
    Dropped(usize),
    Refused(Code),
    /// With so many records behind it.
    Leaves(Box<Expected>, usize),
}

fn compare(expected: Expected, sent: &Sent, about: &dyn Fn() -> String) {
    assert_eq!(expected.topic.as_deref().unwrap_or("shop"), sent.topic, "{}", about());
    let sorted = |headers: &[(Vec<u8>, Option<Vec<u8>>)]| {
        let mut headers = headers.to_vec();
        headers.sort();
        headers
    };
    assert_eq!(sorted(&expected.headers), sorted(&sent.headers), "{}", about());
    let parts = [(expected.key, &sent.key), (Some(expected.value), &sent.value)];
    for (expected, sent) in parts {
        let sent: Option<Value> =
            sent.as_deref().map(|text| serde_json::from_slice(text).expect("what leaves is JSON"));
        let same = match (expected, &sent) {
            (Some(mut expected), Some(sent)) => {
                if expected["schema"].is_object() {
                    // That it follows the columns is for `render.rs` to see.
                    expected["schema"] = sent["schema"].clone();
                }
                trees::same(&expected, sent)
            }
            (expected, sent) => expected == *sent,
        };
        assert!(same, "{} left: {}", sent.unwrap_or_default(), about());
    }
}

impl Left {
    fn of(outcome: Outcome<'_>) -> Self {
        let all = |sent: Vec<Output<'_>>| sent.into_iter().map(Sent::of).collect();
        match outcome {
            Outcome::Forward { record, emissions } => {
                Self::Forward(Sent::of(record), all(emissions))
            }
            Outcome::Replace(emissions) => Self::Replace(all(emissions)),
            Outcome::Drop(_) => Self::Drop,
            Outcome::DeadLetter { refusal, .. } => Self::Refused(refusal.code),
            Outcome::Halt(refusal) => Self::Halted(refusal.code),
            Outcome::Hold(hold) => panic!("held: {}", hold.reason),
        }
    }
}

impl Sent {
    fn of(output: Output<'_>) -> Self {
        let headers = output.headers.into_iter();
        Self {
            topic: output.topic.to_string(),
            key: output.key.map(|key| key.into_owned()),
            value: output.value.map(|value| value.into_owned()),
            headers: headers
                .map(|header| {
                    (header.name.into_owned(), header.value.map(|value| value.into_owned()))
                })
                .collect(),
        }
    }
}
