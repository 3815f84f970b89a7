//! The program itself: exit codes, stdout and stderr.

#![cfg(test)]

use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};

fn start(line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_lockgate"))
        .args(line.split(' '))
        .env_remove("LOCKGATE_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs `lockgate` with `line` as its arguments and `input` on stdin.
fn lockgate(line: &str, input: &str) -> Output {
    let mut child = start(line);
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_good_sample_is_answered_on_stdout_with_0() {
    let output = lockgate("detect -", "{\"id\":1}\n");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("dialect = \"json\""));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_failure_is_told_once_on_stderr_with_1() {
    let output = lockgate("detect /nowhere", "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        "lockgate: opening \"/nowhere\": No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = start("detect -");
    // Nothing is written before the input has ended, so the pipe is closed by then.
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(b"{\"id\":1}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_wrong_command_line_is_told_on_stderr_with_2() {
    for line in ["carry", "detect", "detect --nothing x", "--log-format xml detect -"] {
        let output = lockgate(line, "");
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(text(&output.stderr).starts_with("error: "), "{line}");
    }
}

#[test]
fn a_log_filter_that_cannot_be_read_is_a_failure() {
    let output = lockgate("--log lockgate=loud detect -", "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("lockgate: reading the log filter \"lockgate=loud\""));
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = lockgate("--version", "");
    assert_eq!(text(&output.stdout), format!("lockgate {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn check_and_inspect_refuse_a_plugin_that_nobody_signed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let key = "GWq3tU7ot4sRB8jC7h1wsUPwAVLjXJ8SLYBBOBaw5Rs=";
    let config = |trust: &str| {
        format!(
            "{trust}[kafka]\nbrokers = 'localhost:1'\n[[pipeline]]\nname = 'shop'\nfrom = ['t']\ndialect = 'json'\n\
             to = 'clean.{{topic}}'\nplugins = 'plugins'\n"
        )
    };
    std::fs::create_dir(at("plugins")).unwrap();
    std::fs::write(at("plugins/10-a.wasm"), b"no module").unwrap();
    std::fs::write(at("asks.toml"), config(&format!("[trust]\nkeys = ['{key}']\n"))).unwrap();
    std::fs::write(at("takes.toml"), config("")).unwrap();
    let run = |command: &str, config: &str| {
        lockgate(&format!("{command} --config {}", at(config).display()), "")
    };
    let (check, apply) = (run("check", "asks.toml"), run("apply", "asks.toml"));
    let inspect = run(&format!("inspect {}", at("plugins/10-a.wasm").display()), "asks.toml");
    for (output, told) in
        [(&check, &check.stderr), (&apply, &apply.stderr), (&inspect, &inspect.stdout)]
    {
        assert_eq!(output.status.code(), Some(1));
        let told = text(told);
        assert!(told.contains("it is not signed: no file \"10-a.wasm.sig\""), "{told}");
    }
    let output = run("check", "takes.toml");
    let told = text(&output.stderr);
    assert!(told.contains("10-a.wasm: not a WebAssembly file"), "{told}");
}
