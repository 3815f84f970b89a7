//! Programs that are no compiler in every way there is: each end is told, none is waited for in vain, nothing stays behind.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// The longest that a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program of a few lines, which notes its process id before it runs them.
struct Program {
    folder: TempDir,
    compiler: Compiler,
}

impl Program {
    fn new(lines: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (program, pid) = (folder.path().join("program"), folder.path().join("pid"));
        let text = format!("#!/bin/sh\necho $$ > '{}'\n{lines}\n", pid.display());
        // Another process writes it: while this one has it open, a fork of another test would keep it from being run.
        let write = "printf %s \"$1\" > \"$2\" && chmod 700 \"$2\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", write, "sh", &text]).arg(&program);
        assert!(shell.status().unwrap().success());
        let allowance = Allowance { wall_time: PATIENCE, ..Allowance::default() };
        Self { folder, compiler: Compiler { program, allowance } }
    }

    fn within(mut self, wall_time: Duration) -> Self {
        self.compiler.allowance.wall_time = wall_time;
        self
    }

    fn compile(&self, bytes: &[u8], abandon: &AtomicBool) -> Result<Sealed, LoadError> {
        let target = Target { fingerprint: label().fingerprint, is_bare: false };
        self.compiler.compile(&target, &label(), bytes, abandon)
    }

    /// Why there is no code. By then the program is gone.
    fn refusal(&self) -> String {
        let reason = self.compile(b"\0asm", &AtomicBool::new(false)).err().unwrap().to_string();
        assert!(!is_there(self.pid().unwrap()), "it is still there: {reason}");
        reason
    }

    fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.folder.path().join("pid")).ok()?.trim().parse().ok()
    }
}

fn label() -> Label {
    Label { digest: "d".repeat(64), fingerprint: "f".repeat(64) }
}

/// Whether there is such a process, be it dead and not collected.
fn is_there(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_a_compiler_seals_is_taken() {
    let sealed = Sealed::new(&label(), b"code");
    let program = Program::new("cat > /dev/null; cat \"$0.sealed\"");
    fs::write(program.folder.path().join("program.sealed"), sealed.bytes()).unwrap();
    let code = program.compile(b"\0asm", &AtomicBool::new(false)).unwrap();
    assert_eq!(code.code(), b"code");
}

#[test]
fn a_refusal_is_told_in_the_compiler_s_words() {
    let program = Program::new("cat > /dev/null; echo 'it is \x1b[31mno plugin' >&2; exit 65");
    assert_eq!(program.refusal(), "it is \\u{1b}[31mno plugin");
}

#[test]
fn a_compiler_of_another_build_is_told() {
    let reason = Program::new("exit 69").refusal();
    assert_eq!(
        reason,
        "the program that compiles plugins is of another build than this gateway; restart the gateway"
    );
}

#[test]
fn a_panic_is_told_with_what_it_said() {
    let program = Program::new("echo 'several memories' >&2; exit 101");
    assert_eq!(
        program.refusal(),
        "the compiler panics on it (several memories); report it with the file"
    );
}

#[test]
fn an_unknown_failure_is_told_with_its_code() {
    assert_eq!(
        Program::new("exit 3").refusal(),
        "compiling it failed: the compiler ended with exit code 3 (it said nothing)"
    );
    let long = Program::new("yes x | head -c 100000 >&2; exit 3").refusal();
    assert!(long.len() < 2 * SAID_BYTES && long.ends_with("…)"), "{long}");
}

#[test]
fn each_signal_has_its_meaning() {
    for (lines, expected) in [
        (
            "kill -XCPU $$",
            "compiling it took more than 60 s of processor time; make its functions smaller",
        ),
        (
            "echo 'memory allocation of 64 bytes failed' >&2; kill -ABRT $$",
            "compiling it took more than 2048 MiB of memory; make it or its functions smaller",
        ),
        (
            "echo \"thread 'compile' has overflowed its stack\" >&2; kill -ABRT $$",
            "it is nested too deeply to be compiled",
        ),
        (
            "kill -KILL $$",
            "the compiler was killed, by somebody or because this machine is out of memory; it is tried again when the \
             file changes or in some minutes",
        ),
        ("kill -TERM $$", "the compiler fails on it, ended by signal 15; report it with the file"),
    ] {
        assert_eq!(Program::new(lines).refusal(), expected, "{lines}");
    }
}

#[test]
fn garbage_is_not_taken_for_code() {
    for (lines, reason) in [
        ("cat > /dev/null", "it is cut off"),
        ("echo hello", "it is cut off"),
        ("head -c 100000 /dev/urandom", "it is no compiled plugin"),
    ] {
        let expected = format!(
            "what the compiler made of it cannot be used: {reason}; report it with the file"
        );
        assert_eq!(Program::new(lines).refusal(), expected, "{lines}");
    }
}

#[test]
fn a_flood_is_not_read_to_its_end() {
    let program = Program::new("exec cat /dev/zero");
    assert_eq!(program.refusal(), "compiled, it is larger than 256 MiB; make it smaller");
}

#[test]
fn one_that_never_ends_is_ended() {
    let program = Program::new("exec sleep 1000").within(Duration::from_millis(100));
    assert_eq!(
        program.refusal(),
        "compiling it took more than 0.1 s; make it smaller, or look why this machine is so slow"
    );
}

#[test]
fn what_one_leaves_behind_is_ended_too() {
    // The one in the background holds the pipes open.
    let program = Program::new("sleep 1000 & exit 3");
    assert!(program.refusal().starts_with("compiling it failed: "));
}

#[test]
fn one_that_does_not_read_is_not_waited_for() {
    let program = Program::new("exit 3");
    let large = vec![0; 1 << 20];
    assert!(program.compile(&large, &AtomicBool::new(false)).is_err());
    let program = Program::new("exec sleep 1000").within(Duration::from_millis(100));
    assert!(program.compile(&large, &AtomicBool::new(false)).is_err());
}

#[test]
fn one_that_is_needed_no_more_is_ended() {
    let program = Program::new("exec sleep 1000");
    let abandon = AtomicBool::new(false);
    let reason = thread::scope(|scope| {
        let waiting =
            scope.spawn(|| program.compile(b"\0asm", &abandon).err().unwrap().to_string());
        eventually("it starts", || program.pid().is_some());
        abandon.store(true, Ordering::Relaxed);
        waiting.join().unwrap()
    });
    assert_eq!(reason, "the gateway is stopping and compiles no more");
    assert!(!is_there(program.pid().unwrap()));
}

#[test]
fn a_compiler_that_is_dropped_is_gone() {
    let program = Program::new("exec sleep 1000");
    let target = Target { fingerprint: label().fingerprint, is_bare: false };
    let running = program.compiler.start(&target).unwrap();
    eventually("it starts", || program.pid().is_some());
    drop(running);
    assert!(!is_there(program.pid().unwrap()));
}

#[test]
fn a_program_that_cannot_be_started_is_told() {
    let program = Program::new("exit 0");
    let compiler = Compiler { program: "/nowhere".into(), ..program.compiler.clone() };
    let target = Target { fingerprint: label().fingerprint, is_bare: false };
    let refused = compiler.compile(&target, &label(), b"", &AtomicBool::new(false));
    let reason = refused.err().unwrap().to_string();
    assert!(reason.starts_with("starting the compiler: No such file"), "{reason}");
}

#[test]
fn the_compiler_knows_nothing_of_the_environment() {
    let seen = TempDir::new().unwrap();
    let file = seen.path().join("environment");
    let program = Program::new(&format!("env > '{}'; exit 3", file.display()));
    program.refusal();
    let seen = fs::read_to_string(file).unwrap();
    // The shell sets these by itself.
    let own = ["PWD=", "SHLVL=", "_=", "OLDPWD="];
    let foreign = |line: &&str| !own.iter().any(|own| line.starts_with(own));
    assert_eq!(seen.lines().find(foreign), None);
    assert!(std::env::vars().count() > own.len(), "there is something to be hidden");
}
