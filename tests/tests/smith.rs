//! Modules and components that nobody wrote: random ones, random ones in the shape of a plugin, and real guests damaged. Each is
//! refused with a reason, or runs and ends every call in an answer that the checker judges or in a fault. None panics, none hangs.

#![cfg(test)]

#[path = "smith/transplant.rs"]
mod transplant;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use arbitrary::Unstructured;
use lockgate::chain::ANSWER_BYTES;
use lockgate::config::{PluginFile, PluginMessages};
use lockgate::contract::{Batch, Cells, FaultClass, Transform, kind};
use lockgate::outcome_check;
use lockgate::plugin::{Compiled, Limits, Place, Runtime, Version, Voice};
use lockgate::table::{Column, Dialect, Table};
use transplant::Honest;
use wasm_smith::{Component, Config, Module};

/// No module may take longer, on however busy a machine.
const HANGS: Duration = Duration::from_secs(120);

const ROWS: u32 = 8;

static RUNTIME: LazyLock<Arc<Runtime>> =
    LazyLock::new(|| Runtime::start().expect("an engine for all tests"));

const TRANSFORM: &str = "lockgate:plugin/transform@0.1.0#";

/// How far a module got, and how it ended there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// At what the gateway was doing.
    Refused(String),
    NotInterested,
    PlanRefused,
    Faulted(FaultClass),
    AnswerRefused,
    Answered,
}

fn setup() -> PluginFile {
    PluginFile { deadline: Duration::from_millis(20), memory: 2 << 20, ..PluginFile::default() }
}

fn table() -> Table {
    let column = |name: &str| Column { name: name.into(), source_type: "".into(), key: false };
    Table {
        id: 1,
        topic: "shop".into(),
        dialect: Dialect::Debezium,
        database: "db".into(),
        schema: "public".into(),
        name: "customers".into(),
        columns: vec![column("id"), column("email")],
    }
}

/// Numbers that look random and are the same for each seed.
fn entropy(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    (0..bytes.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(bytes).collect()
}

/// The module of `tests/guests/NAME.wat`.
fn guest(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    let read = |name: &str| fs::read_to_string(folder.join(name).with_extension("wat")).unwrap();
    wat::parse_str(format!("(module\n{}\n{}\n)", read("common"), read(name))).unwrap()
}

/// Loads what `bytes` are and calls all there is to call.
fn meet(bytes: &[u8]) -> End {
    let limits = Limits { transfer: 1 << 20, ..Limits::of(&setup()) };
    let place = Place { order: None, name: "smith".into(), file: "smith.wasm".into() };
    let voice = Voice::new(&place.name, PluginMessages::Withhold);
    let version = Compiled::load(&RUNTIME, bytes, limits).and_then(|compiled| {
        Version::configure(&Arc::new(compiled), place, (setup(), String::new()), voice)
    });
    let version = match version {
        Ok(version) => version,
        Err(refusal) => {
            let refusal = refusal.to_string();
            // Such a panic is caught and told, and still a defect of whoever panicked.
            assert!(!refusal.contains("the compiler fails on it"), "{refusal}");
            assert!(!refusal.contains("runtime failed"), "{refusal}");
            let is_bare = |c: char| c.is_ascii_alphabetic() || c == ' ';
            let doing = refusal.split(|c| !is_bare(c)).next().unwrap_or_default();
            return End::Refused(doing.trim_end().to_owned());
        }
    };
    let mut instance = version.instantiate();
    let plan = match instance.open_table(&table()) {
        Ok(Some(plan)) => plan,
        Ok(None) => return End::NotInterested,
        Err(fault) => return faulted(&fault),
    };
    if outcome_check::check_plan(&table(), &plan).is_err() {
        return End::PlanRefused;
    }
    let reads: Vec<Cells> = plan.reads.iter().map(|_| column()).collect();
    let operations = vec![b'u'; ROWS as usize];
    let batch = Batch { table: 1, operations: &operations, reads: &reads };
    // The second call meets what the first left behind, or a fresh instance.
    let ends = [(); 2].map(|()| match instance.process(batch) {
        Err(fault) => faulted(&fault),
        Ok(answer) => match outcome_check::check(&plan, ROWS, &answer, ANSWER_BYTES) {
            Ok(()) => End::Answered,
            Err(_) => End::AnswerRefused,
        },
    });
    let [first, _] = ends;
    first
}

fn faulted(fault: &lockgate::contract::Fault) -> End {
    assert!(!fault.message.contains("runtime failed"), "{fault}");
    End::Faulted(fault.class)
}

/// A column of texts.
fn column() -> Cells {
    let mut cells = Cells::default();
    for row in 0..ROWS {
        cells.kinds.push(kind::STRING);
        cells.data.extend_from_slice(format!("row {row}").as_bytes());
        cells.ends.push(u32::try_from(cells.data.len()).unwrap());
    }
    cells
}

/// Meets what `make` makes of each seed, and counts the ends. A seed that it makes nothing of does not count.
fn meet_all(
    seeds: std::ops::Range<u64>,
    make: impl Fn(u64) -> Option<Vec<u8>> + Send + 'static,
) -> BTreeMap<End, usize> {
    let (sender, met) = mpsc::channel();
    let last = seeds.end;
    let worker = thread::spawn(move || {
        for seed in seeds {
            let begun = sender.send((seed, None));
            let end = make(seed).map(|bytes| meet(&bytes));
            if begun.and_then(|()| sender.send((seed + 1, end))).is_err() {
                return;
            }
        }
    });
    let mut counts = BTreeMap::new();
    let mut at = 0;
    loop {
        match met.recv_timeout(HANGS) {
            Ok((seed, end)) => {
                at = seed;
                end.into_iter().for_each(|end| *counts.entry(end).or_default() += 1);
            }
            Err(RecvTimeoutError::Timeout) => panic!("seed {at} hangs"),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    assert!(worker.join().is_ok() && at == last, "seed {at} panics");
    eprintln!("{counts:?}");
    counts
}

/// Small, so that many can be met in little time; of everything that there is.
fn small() -> Config {
    Config {
        max_funcs: 8,
        max_instructions: 60,
        max_types: 12,
        max_components: 2,
        max_modules: 2,
        max_memory32_bytes: 1 << 20,
        ..Config::default()
    }
}

/// What the gateway's engine takes, in the shape of `guest`.
fn shaped(guest: &[u8]) -> Config {
    Config {
        exports: Some(guest.to_vec()),
        available_imports: Some(guest.to_vec()),
        // Beside the guest's own, which would no longer be the first.
        max_memories: 0,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        threads_enabled: false,
        allow_start_export: false,
        ..small()
    }
}

/// A random module, which ends by itself but for one in forty: those are for the deadline to end.
fn module(config: Config, seed: u64) -> Option<Vec<u8>> {
    let entropy = entropy(seed, 1_500);
    let mut module = Module::new(config, &mut Unstructured::new(&entropy)).ok()?;
    if !seed.is_multiple_of(40) {
        module.ensure_termination(1_000).ok()?;
    }
    Some(module.to_bytes())
}

#[test]
fn wholly_random_modules_are_refused_or_loaded() {
    let ends = meet_all(0..1_200, |seed| module(small(), seed));
    assert!(ends.values().sum::<usize>() > 1_000, "{ends:?}");
}

#[test]
fn wholly_random_components_are_refused_or_loaded() {
    let ends = meet_all(0..600, |seed| {
        let entropy = entropy(seed, 1_500);
        let component = Component::new(small(), &mut Unstructured::new(&entropy)).ok()?;
        Some(component.to_bytes())
    });
    assert!(ends.values().sum::<usize>() > 500, "{ends:?}");
}

#[test]
fn random_modules_in_the_shape_of_a_plugin_end_in_an_answer_or_a_fault() {
    let guest = guest("pass");
    let ends = meet_all(0..300, move |seed| module(shaped(&guest), seed));
    assert!(ends.values().sum::<usize>() > 250, "{ends:?}");
}

/// As far as it is honest: what it says of itself and of tables is the guest's, and memory is always to be had at one place.
const HONEST: &str = r#"
  (func $anywhere (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16384))
"#;

#[test]
fn random_answers_are_judged_or_are_faults() {
    let names = ["describe", "configure", "open-table"].map(|name| format!("{TRANSFORM}{name}"));
    let ends = meet_all(0..700, move |seed| {
        let shape = guest("copies");
        let realloc = wat::parse_str(format!("(module {HONEST})")).unwrap();
        let exports: Vec<&str> = names.iter().map(String::as_str).collect();
        let random = module(shaped(&shape), seed)?;
        let grafted = Honest::of(&shape, &exports).graft(&random);
        Some(Honest::of(&realloc, &["cabi_realloc"]).graft(&grafted))
    });
    let ran = |end: &End| !matches!(end, End::Refused(_) | End::NotInterested | End::PlanRefused);
    let ran: usize = ends.iter().filter(|(end, _)| ran(end)).map(|(_, count)| count).sum();
    assert!(ran > 500, "{ends:?}");
}

#[test]
fn damaged_guests_end_in_an_answer_or_a_fault() {
    let guests = ["copies", "quotes", "remember", "tells"].map(guest);
    let ends = meet_all(0..1_200, move |seed| {
        let mut bytes = guests[usize::try_from(seed % 4).unwrap()].clone();
        let dice = entropy(seed, 3);
        let at = (usize::from(dice[0]) << 8 | usize::from(dice[1])) % bytes.len();
        bytes[at] = dice[2];
        Some(bytes)
    });
    assert!(ends.contains_key(&End::Answered) && ends.len() > 5, "{ends:?}");
}
