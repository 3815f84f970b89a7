//! Configurations and plugin folders that a gateway does not start with.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::{Cluster, Folder, Journey};
use lockgate_tests::rows::{constant, update};

use crate::PROGRAM;

/// A configuration that is refused before any broker is asked, with other lines of the pipeline.
fn config(pipeline: &str) -> String {
    format!(
        "[kafka]\nbrokers = \"127.0.0.1:1\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[[pipeline]]\nname = \"shop\"\n\
         to = \"clean.{{topic}}\"\ndialect = \"debezium\"\n{pipeline}"
    )
}

const GOOD: &str = "from = [\"shop.a\"]\n";

/// What a gateway of this folder says, with the folder's own path as `DIR`.
fn refusal(folder: &Folder, config: &str) -> String {
    let told = folder.run(config).unwrap().refusal().unwrap();
    told.replace(folder.path().to_str().unwrap(), "DIR")
}

#[test]
fn an_unknown_key_is_pointed_at() {
    let folder = Folder::new(PROGRAM).unwrap();
    let told = refusal(&folder, &config("from = [\"shop.a\"]\ndead_leter = \"x\"\n"));
    insta::assert_snapshot!(told, @r#"
    lockgate: DIR/lockgate-0.toml:10:1: there is no key "dead_leter" here
       |
    10 | dead_leter = "x"
       | ^^^^^^^^^^
       = did you mean "dead_letter"?
    "#);
}

#[test]
fn a_bad_glob_is_pointed_at() {
    let folder = Folder::new(PROGRAM).unwrap();
    insta::assert_snapshot!(refusal(&folder, &config("from = [\"shop.[a\"]\n")), @r#"
    lockgate: DIR/lockgate-0.toml:9:9: a bad glob: unclosed character class; missing ']'
      |
    9 | from = ["shop.[a"]
      |         ^^^^^^^^^
    "#);
}

#[test]
fn a_dialect_that_is_not_known_is_pointed_at() {
    let folder = Folder::new(PROGRAM).unwrap();
    let config = config(GOOD).replace("\"debezium\"", "\"debezum\"");
    insta::assert_snapshot!(refusal(&folder, &config), @r#"
    lockgate: DIR/lockgate-0.toml:8:11: this value is not known
      |
    8 | dialect = "debezum"
      |           ^^^^^^^^^
      = did you mean "debezium"?
    "#);
}

#[test]
fn two_plugins_of_one_name_are_named() {
    let folder = Folder::new(PROGRAM).unwrap();
    folder.put("plugins/10-mask.toml", constant("a")).unwrap();
    folder.put("plugins/20-mask.toml", constant("b")).unwrap();
    insta::assert_snapshot!(refusal(&folder, &config(GOOD)), @r#"
    lockgate: running the task "gateway": pipeline "shop": loading plugins from "DIR/plugins":
      10-mask.toml: plugin name "mask" is taken by "20-mask.toml" as well; rename or remove one
      20-mask.toml: plugin name "mask" is taken by "10-mask.toml" as well; rename or remove one
    "#);
}

#[test]
fn what_is_no_plugin_is_named_with_advice() {
    let folder = Folder::new(PROGRAM).unwrap();
    let component = wat::parse_str("(component (import \"wasi:cli/run@0.2.0\" (func)))").unwrap();
    folder.put("plugins/10-text.wasm", "no module").unwrap();
    folder.put("plugins/20-world.wasm", component).unwrap();
    folder.put("plugins/30-empty.wasm", wat::parse_str("(component)").unwrap()).unwrap();
    folder.put("plugins/40-mask.toml", "plugin = \"mask\"\n").unwrap();
    folder.put("plugins/50-mast.toml", "plugin = \"mast\"\n").unwrap();
    folder.put("plugins/60-alone.toml", "deadline = \"1s\"\n").unwrap();
    insta::assert_snapshot!(refusal(&folder, &config(GOOD)), @r#"
    lockgate: running the task "gateway": pipeline "shop": loading plugins from "DIR/plugins":
      10-text.wasm: not a WebAssembly file
      20-world.wasm: it imports "wasi:cli/run@0.2.0", and plugins get no WASI; rebuild it for wasm32-unknown-unknown, or with --stub-wasi where the toolchain has it
      30-empty.wasm: it does not export "lockgate:plugin/transform@0.1.0" but nothing; build it against wit/plugin.wit
      40-mask.toml: setting "columns" is missing
      50-mast.toml: there is no official plugin "mast"; there is "filter", "mask", "reshape"
      60-alone.toml: there is no "60-alone.wasm" beside it, and it names no official plugin (`plugin = "..."`)
    "#);
}

#[test]
fn settings_that_do_not_fit_are_named() {
    let folder = Folder::new(PROGRAM).unwrap();
    folder
        .put("plugins/10-mask.toml", "plugin = \"mask\"\n[settings.columns]\nemail = \"blur\"\n")
        .unwrap();
    folder.put("plugins/20-mask-two.toml", "plugin = \"mask\"\ndedline = \"1s\"\n").unwrap();
    insta::assert_snapshot!(refusal(&folder, &config(GOOD)), @r#"
    lockgate: running the task "gateway": pipeline "shop": loading plugins from "DIR/plugins":
      10-mask.toml: setting "columns.email": it is none of what is described: The rule. "null": NULL. "constant:TEXT": this text. "redact": a value of the same kind and length. "keep-first:N", "keep-last:N": all but N characters are covered. "keep-domain": what precedes the @ of an e-mail address is covered. "email": all of that but its first character and punctuation. "phone": all but country code and last two digits. "card": all but the first six and last four digits; "card:luhn": by digits that pass the Luhn check. "date-year": the first of January. "zip3": all but three characters. "number-bucket:N": the multiple of N below. "hmac": the key's id and HMAC-SHA-256 of the value; with ":base64url", ":canonical" (42 and "42.0" are alike), ":bare" (no id), ":key=ID". "debezium-v1:ALGORITHM", "debezium-v2:ALGORITHM": as column.mask.hash of Debezium, by MD5, SHA-1, SHA-256 or SHA-512, or it is not of type "object"
      20-mask-two.toml: DIR/plugins/20-mask-two.toml:2:1: there is no key "dedline" here
      |
    2 | dedline = "1s"
      | ^^^^^^^
      = did you mean "deadline"?
    "#);
}

#[test]
fn a_required_plugin_that_is_missing_is_named() {
    let folder = Folder::new(PROGRAM).unwrap();
    let told = refusal(&folder, &config("from = [\"shop.a\"]\nrequired = [\"mask\"]\n"));
    insta::assert_snapshot!(told, @r#"lockgate: running the task "gateway": pipeline "shop": plugin "mask" is required, and "DIR/plugins" has no file of that name"#);
}

#[test]
fn a_plugin_folder_that_is_missing_is_named() {
    let folder = Folder::new(PROGRAM).unwrap();
    let told = refusal(&folder, &config("from = [\"shop.a\"]\nplugins = \"plugin\"\n"));
    insta::assert_snapshot!(told, @r#"lockgate: running the task "gateway": pipeline "shop": reading plugin folder "DIR/plugin": No such file or directory (os error 2)"#);
}

#[test]
fn a_property_that_a_guarantee_rests_on_is_refused() {
    let folder = Folder::new(PROGRAM).unwrap();
    let config = config(GOOD).replace("[admin]", "[kafka.properties]\nacks = 1\n[admin]");
    insta::assert_snapshot!(refusal(&folder, &config), @r#"
    lockgate: DIR/lockgate-0.toml:4:1: the property "acks" cannot be set
      |
    4 | acks = 1
      | ^^^^
      = outputs are written once, in order, by every replica that is in sync
    "#);
}

#[test]
fn a_check_shows_the_files_that_are_left_alone() {
    let folder = Folder::new(PROGRAM).unwrap();
    folder.put("lockgate.toml", config(GOOD)).unwrap();
    folder.put("plugins/.hidden", "").unwrap();
    let check = || {
        let mut check = std::process::Command::new(PROGRAM);
        let told = check.arg("check").current_dir(folder.path()).output().unwrap();
        assert_eq!(told.status.code(), Some(0));
        String::from_utf8(told.stdout).unwrap()
    };
    let told = check();
    assert!(!told.contains("left alone"), "{told}");
    for name in ["20-mask.tml", "20-mask.WASM", "20-mask.wasm.sig"] {
        folder.put(&format!("plugins/{name}"), "plugin = 'mask'").unwrap();
    }
    let told = check();
    assert!(told.contains("\n  left alone   \"20-mask.WASM\", \"20-mask.tml\"\n"), "{told}");
}

#[test]
fn a_sample_that_shows_no_table_is_no_good_sample() {
    let folder = Folder::new(PROGRAM).unwrap();
    folder.put("lockgate.toml", config(GOOD)).unwrap();
    let record = "{\"topic\":\"shop.a\",\"value\":\"{\\\"op\\\":\\\"c\\\",\\\"after\\\":{\\\"id\\\":1},\\\"source\\\":{\\\"table\\\":\\\"a\\\"}}\"}";
    folder.put("sample.jsonl", record).unwrap();
    let check = |format: &str| {
        let mut check = std::process::Command::new(PROGRAM);
        check.args(["check", "--events", "sample.jsonl", "--format", format]);
        let told = check.current_dir(folder.path()).output().unwrap();
        let text = [told.stdout, told.stderr].concat();
        (String::from_utf8(text).unwrap(), told.status.code())
    };
    let (told, code) = check("lines");
    assert!(
        told.contains(
            "\n  table        none in the sample\nlockgate: looking at \"sample.jsonl\": no"
        ),
        "{told}"
    );
    assert_eq!(code, Some(1));
    let (told, code) = check("records");
    assert!(told.ends_with("everything loads\n"), "{told}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_configuration_that_is_missing_is_named() {
    let folder = Folder::new(PROGRAM).unwrap();
    let told = std::process::Command::new(PROGRAM)
        .args(["run", "--config", "nowhere.toml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(told.stderr).unwrap(), @"lockgate: nowhere.toml: reading the configuration (--config gives another): No such file or directory (os error 2)");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = Folder::new(PROGRAM).unwrap();
    let told = refusal(&folder, &config(GOOD).replace("127.0.0.1:0", &address));
    insta::assert_snapshot!(told.replace(&address, "ADDRESS"), @r#"lockgate: listening on ADDRESS for metrics and health; "listen" under [admin] sets another address, and "off" none: Address already in use (os error 98)"#);
}

/// Whoever mounts plugins from an image has a folder that nobody can write to.
#[test]
fn a_read_only_plugin_folder_is_as_good_as_any() {
    let journey = Journey::new(Cluster::embedded(), PROGRAM, 1).unwrap();
    journey.folder.put("plugins/20-mask.toml", constant("masked")).unwrap();
    let plugins = journey.folder.path().join("plugins");
    std::fs::set_permissions(&plugins, std::fs::Permissions::from_mode(0o555)).unwrap();
    let gateway = journey.start().unwrap();
    journey.write([update(0, 1)]).unwrap();
    journey.check(|_| Fate::Forwarded).unwrap();
    assert!(journey.outputs().unwrap()[0].value_text().contains("masked"));
    assert!(!gateway.log().unwrap().contains("WARN"));
    gateway.stop().unwrap();
    std::fs::set_permissions(&plugins, std::fs::Permissions::from_mode(0o755)).unwrap();
}
