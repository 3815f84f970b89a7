//! Folders that change, and what then serves.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::*;
use crate::config::{PluginFile, PluginMessages};
use crate::plugin::guests::{Folder, guest, guest_of_version, runtime, setup};
use crate::plugin::{Checks, Meanwhile};

impl Folder {
    fn try_load(&self, required: &[&str]) -> Result<Catalog, String> {
        let required: Vec<String> = required.iter().map(|name| (*name).to_owned()).collect();
        Catalog::load(&runtime(), self.path(), &required, sources())
            .map_err(|err| err.to_string().replace(self.path().to_str().unwrap(), "DIR"))
    }

    fn load(&self) -> Catalog {
        self.try_load(&[]).unwrap()
    }
}

/// Settings files with `plugin` and `settings` alone; the official plugin is called `stars`.
fn sources() -> Sources {
    let read_settings = |text: &str, _: &Path| {
        let mut table: toml::Table =
            toml::from_str(text).map_err(|err| err.message().to_owned())?;
        let mut file = PluginFile { official: None, ..setup() };
        if let Some(toml::Value::String(plugin)) = table.remove("plugin") {
            file.official = Some(plugin);
        }
        if let Some(settings) = table.remove("settings") {
            file.settings = serde_json::to_value(settings).unwrap();
        }
        match table.keys().next() {
            Some(key) => Err(format!("unknown key \"{key}\"")),
            None => Ok(file),
        }
    };
    fn official(name: &str) -> Option<&'static [u8]> {
        (name == "stars").then(|| Box::leak(guest("stars").into_boxed_slice()) as &[u8])
    }
    Sources { read_settings: Box::new(read_settings), official, messages: PluginMessages::Show }
}

fn reload(catalog: &Catalog) -> Reload {
    reload_with(catalog, &|_| Ok(()))
}

fn reload_with(catalog: &Catalog, trial: Trial<'_>) -> Reload {
    catalog.reload(&Checks { trial, rehearsal: None, meanwhile: &|| Meanwhile::Nothing })
}

/// `name@version` of what serves, in order.
fn serving(catalog: &Catalog) -> Vec<String> {
    let current = catalog.current();
    let show =
        |version: &Arc<Version>| format!("{}@{}", version.identity.name, version.identity.version);
    current.plugins.iter().map(show).collect()
}

/// `file: reason` of what does not.
fn failing(catalog: &Catalog) -> Vec<String> {
    let status = catalog.status();
    let failed = status.iter().filter(|file| file.state != State::Serving);
    failed.map(|file| format!("{}: {}", file.file, file.reason.as_deref().unwrap())).collect()
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn the_folder_is_the_pipeline() {
    let folder = Folder::with(&[
        ("README.md", b"not a plugin"),
        (".30-hidden.wasm", b"not one either"),
        ("mask.wasm", &guest("stars")),
        ("10-b.wasm", &guest("pass")),
        ("9-a.wasm", &guest("trap")),
        ("20-cards.toml", b"plugin = 'stars'"),
    ]);
    let catalog = folder.load();
    assert_eq!(serving(&catalog), ["a@1.0.0", "b@1.0.0", "cards@1.0.0", "mask@1.0.0"]);
    assert_eq!(catalog.number(), 1);
    assert!(catalog.status().iter().all(|file| file.state == State::Serving));
    assert_eq!(serving(&Folder::with(&[]).load()), none());
}

#[test]
fn at_the_start_every_broken_file_is_told() {
    let folder = Folder::with(&[
        ("10-text.wasm", b"(module)"),
        ("20-half.wasm", &guest("pass")[..200]),
        ("30-other.toml", b"plugin = 'maks'"),
        ("40-alone.toml", b""),
        ("50-typo.toml", b"plugni = 'mask'"),
        ("60-both.toml", b"plugin = 'stars'"),
        ("60-both.wasm", &guest("pass")),
        ("70 space.wasm", &guest("pass")),
        ("80-twice.wasm", &guest("pass")),
        ("90-twice.wasm", &guest("pass")),
    ]);
    let refused = folder.try_load(&[]).map(|_| ()).unwrap_err();
    insta::assert_snapshot!(refused, @r#"
    loading plugins from "DIR":
      10-text.wasm: WebAssembly as text; turn it into a binary first, with `wasm-tools parse`
      20-half.wasm: damaged or cut off at byte 176 of 200: unexpected end-of-file
      30-other.toml: there is no official plugin "maks"; there is "filter", "mask", "reshape"
      40-alone.toml: there is no "40-alone.wasm" beside it, and it names no official plugin (`plugin = "..."`)
      50-typo.toml: unknown key "plugni"
      60-both.toml: it names the official plugin "stars", and "60-both.wasm" stands beside it; keep one of them
      70 space.wasm: a plugin's file is called "NN-name" or "name", where the name begins with a letter and has at most 64 letters, digits, "-" and "_"
      80-twice.wasm: plugin name "twice" is taken by "90-twice.wasm" as well; rename or remove one
      90-twice.wasm: plugin name "twice" is taken by "80-twice.wasm" as well; rename or remove one
    "#);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let catalog = Catalog::load(&runtime(), Path::new("/nowhere/plugins"), &[], sources());
    let err = catalog.map(|_| ()).unwrap_err();
    assert_eq!(
        format!("{:#}", anyhow::Error::from(err)),
        "reading plugin folder \"/nowhere/plugins\": No such file or directory (os error 2)"
    );
}

#[test]
fn a_required_plugin_has_to_be_there() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    assert_eq!(
        folder.try_load(&["a", "mask"]).map(|_| ()).unwrap_err(),
        "plugin \"mask\" is required, and \"DIR\" has no file of that name"
    );
    let catalog = folder.try_load(&["a"]).unwrap();
    folder.remove("10-a.wasm");
    reload(&catalog);
    assert_eq!(catalog.current().missing_required, ["a"]);
    let views = catalog.views(std::time::Instant::now());
    let missing = views.iter().find(|view| view.plugin == "a").unwrap();
    assert!(missing.serving.is_none());
    let reason = &missing.candidate.as_ref().unwrap().reason;
    assert!(reason.starts_with("it is required, and no file"), "{reason}");
    folder.put("10-a.wasm", &guest("pass"));
    reload(&catalog);
    assert_eq!(catalog.current().missing_required, none());
}

#[test]
fn files_that_come_go_and_change_are_followed() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    let catalog = folder.load();
    folder.put("20-b.wasm", &guest("stars"));
    assert_eq!(reload(&catalog).generation, Some(2));
    assert_eq!(serving(&catalog), ["a@1.0.0", "b@1.0.0"]);

    let before = catalog.current();
    folder.put("20-b.wasm", &guest_of_version("stars", "2.0.0"));
    assert_eq!(reload(&catalog).generation, Some(3));
    assert_eq!(serving(&catalog), ["a@1.0.0", "b@2.0.0"]);
    assert!(Arc::ptr_eq(&before.plugins[0], &catalog.current().plugins[0]));

    folder.remove("10-a.wasm");
    assert_eq!(reload(&catalog).generation, Some(4));
    assert_eq!(serving(&catalog), ["b@2.0.0"]);
    assert_eq!(catalog.reloads(), Reloads { published: 3, refused: 0, rolled_back: 0 });
}

#[test]
fn a_new_number_is_a_new_place_without_compiling_again() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass")), ("20-b.wasm", &guest("stars"))]);
    let catalog = folder.load();
    let before = Arc::clone(catalog.current().plugins[0].compiled());
    folder.rename("10-a.wasm", "30-a.wasm");
    assert_eq!(reload(&catalog).generation, Some(2));
    assert_eq!(serving(&catalog), ["b@1.0.0", "a@1.0.0"]);
    assert!(Arc::ptr_eq(&before, catalog.current().plugins[1].compiled()));
}

#[test]
fn new_settings_make_a_new_version_of_the_same_code() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    let catalog = folder.load();
    let before = catalog.current();
    folder.put("10-a.toml", b"[settings]\nkeep = 4");
    assert_eq!(reload(&catalog).generation, Some(2));
    let after = catalog.current();
    assert!(!Arc::ptr_eq(&before.plugins[0], &after.plugins[0]));
    assert!(Arc::ptr_eq(before.plugins[0].compiled(), after.plugins[0].compiled()));
    assert_eq!(after.plugins[0].setup.settings, serde_json::json!({ "keep": 4 }));
    assert_eq!(reload(&catalog).generation, None);
}

#[test]
fn the_same_content_touched_is_no_news() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    let catalog = folder.load();
    let file = fs::File::options().append(true).open(folder.path().join("10-a.wasm")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    folder.put("10-a.wasm", &guest("pass"));
    assert_eq!(reload(&catalog), Reload::default());
    assert_eq!(catalog.number(), 1);
}

#[test]
fn a_half_written_file_leaves_the_old_version_serving_until_it_is_whole() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    let catalog = folder.load();
    let next = guest_of_version("pass", "2.0.0");
    folder.put("10-a.wasm", &next[..next.len() / 2]);
    assert_eq!(reload(&catalog).generation, None);
    assert_eq!(serving(&catalog), ["a@1.0.0"]);
    assert_eq!(failing(&catalog).len(), 1);
    folder.put("10-a.wasm", &next);
    assert_eq!(reload(&catalog).generation, Some(2));
    assert_eq!(serving(&catalog), ["a@2.0.0"]);
    assert_eq!(failing(&catalog), none());
}

#[test]
fn a_broken_file_holds_up_no_other() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass")), ("20-b.wasm", &guest("pass"))]);
    let catalog = folder.load();
    folder.put("10-a.wasm", &guest("refuse-configure"));
    folder.put("20-b.wasm", &guest_of_version("pass", "2.0.0"));
    folder.put("30-c.toml", b"plugin = ");
    assert_eq!(reload(&catalog).generation, Some(2));
    assert_eq!(serving(&catalog), ["a@1.0.0", "b@2.0.0"]);
    let failing = failing(&catalog);
    assert_eq!(failing.len(), 2);
    assert!(failing[1].starts_with("30-c.toml: "), "{failing:?}");
    assert_eq!(failing[0], "10-a.wasm: configuring it: no key given");
    let status = catalog.status();
    let of_a = status.iter().find(|file| file.file == "10-a.wasm").unwrap();
    assert_eq!(of_a.version.as_deref(), Some("1.0.0"));
    assert_eq!(reload(&catalog), Reload::default());
    assert_eq!(catalog.reloads(), Reloads { published: 1, refused: 2, rolled_back: 0 });
}

#[test]
fn settings_that_cannot_be_read_leave_the_old_ones_in_force() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    let catalog = folder.load();
    folder.put("10-a.toml", b"deadlin = 5");
    assert_eq!(reload(&catalog).generation, None);
    assert_eq!(failing(&catalog), ["10-a.toml: unknown key \"deadlin\""]);
    folder.remove("10-a.toml");
    assert_eq!(reload(&catalog).generation, None);
    assert_eq!(failing(&catalog), none());
}

#[test]
fn who_fails_the_trial_stays_out_alone() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    let catalog = folder.load();
    folder.put("10-a.wasm", &guest_of_version("pass", "2.0.0"));
    folder.put("20-b.wasm", &guest("pass"));
    folder.put("30-c.wasm", &guest("pass"));
    let trial = |chain: &[Arc<Version>]| {
        let bad = chain.iter().any(|version| &*version.identity.name == "b");
        if bad { Err("table \"users\" has no column \"email\"".to_owned()) } else { Ok(()) }
    };
    assert_eq!(reload_with(&catalog, &trial).generation, Some(2));
    assert_eq!(serving(&catalog), ["a@2.0.0", "c@1.0.0"]);
    assert_eq!(failing(&catalog), ["20-b.wasm: table \"users\" has no column \"email\""]);
    assert_eq!(reload(&catalog).generation, Some(3));
    assert_eq!(serving(&catalog), ["a@2.0.0", "b@1.0.0", "c@1.0.0"]);
}

#[test]
fn what_stayed_out_is_gone_with_its_file() {
    let folder = Folder::with(&[("10-mask.wasm", &guest("stars"))]);
    let catalog = folder.load();
    let tried = std::cell::RefCell::new(Vec::new());
    let trial = |chain: &[Arc<Version>]| match chain.iter().find(|it| &*it.place.name == "new") {
        Some(new) => {
            tried.borrow_mut().push(Arc::downgrade(new));
            Err("no".to_owned())
        }
        None => Ok(()),
    };
    folder.put("20-new.wasm", &guest("stars"));
    reload_with(&catalog, &trial);
    assert!(tried.borrow().iter().any(|version| version.upgrade().is_some()));
    folder.remove("20-new.wasm");
    reload_with(&catalog, &trial);
    assert!(tried.borrow().iter().all(|version| version.upgrade().is_none()));
}

#[test]
fn a_removal_that_the_chain_cannot_stand_is_not_carried_out() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass")), ("20-b.wasm", &guest("pass"))]);
    let catalog = folder.load();
    folder.remove("10-a.wasm");
    folder.put("30-c.wasm", &guest("pass"));
    let trial = |chain: &[Arc<Version>]| {
        let fine = chain.iter().any(|version| &*version.identity.name == "a");
        if fine { Ok(()) } else { Err("b needs a".to_owned()) }
    };
    assert_eq!(reload_with(&catalog, &trial).generation, Some(2));
    assert_eq!(serving(&catalog), ["a@1.0.0", "b@1.0.0", "c@1.0.0"]);
    assert_eq!(
        failing(&catalog),
        ["10-a.wasm: it was removed, and the chain cannot run without it: b needs a"]
    );
}

#[test]
fn a_second_file_of_the_same_name_waits_until_the_first_is_gone() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    let catalog = folder.load();
    folder.put("20-a.wasm", &guest_of_version("pass", "2.0.0"));
    assert_eq!(reload(&catalog).generation, None);
    assert_eq!(
        failing(&catalog),
        ["20-a.wasm: plugin name \"a\" is taken by \"10-a.wasm\" as well; rename or remove one"]
    );
    folder.remove("10-a.wasm");
    assert_eq!(reload(&catalog).generation, Some(2));
    assert_eq!(serving(&catalog), ["a@2.0.0"]);
}

#[test]
fn a_folder_that_goes_away_takes_no_plugin_with_it() {
    let folder = Folder::with(&[("plugins", b"")]);
    folder.remove("plugins");
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    fs::write(plugins.join("10-a.wasm"), guest("pass")).unwrap();
    let catalog = Catalog::load(&runtime(), &plugins, &[], sources()).unwrap();
    fs::rename(&plugins, folder.path().join("away")).unwrap();
    assert_eq!(reload(&catalog).generation, None);
    assert_eq!(serving(&catalog), ["a@1.0.0"]);
    let reason = "reading the plugin folder: No such file or directory (os error 2)";
    assert!(failing(&catalog)[0].ends_with(reason), "{:?}", failing(&catalog));
}

#[test]
fn a_pipe_that_nobody_writes_to_holds_up_nobody() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = Folder::with(&[("10-mask.wasm", &guest("stars"))]);
    let pipe = folder.path().join("20-pipe.wasm");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || told.send(folder.try_load(&[]).err()));
    assert_eq!(
        heard.recv_timeout(Duration::from_secs(30)).expect("nobody waits").unwrap(),
        "loading plugins from \"DIR\": 20-pipe.wasm: it is not a file"
    );
}

#[test]
fn a_link_to_nothing_is_pending_and_the_old_version_serves() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    let catalog = folder.load();
    folder.remove("10-a.wasm");
    symlink("nowhere", folder.path().join("10-a.wasm")).unwrap();
    assert_eq!(reload(&catalog), Reload { pending: true, ..Reload::default() });
    assert_eq!(serving(&catalog), ["a@1.0.0"]);
    assert_eq!(catalog.status()[0].state, State::Pending);
}

#[test]
fn the_data_link_of_a_config_map_is_followed() {
    let folder = Folder::with(&[]);
    let publish = |mount: &str, bytes: &[u8]| {
        let mount_path = folder.path().join(mount);
        fs::create_dir(&mount_path).unwrap();
        fs::write(mount_path.join("10-a.wasm"), bytes).unwrap();
        symlink(mount, folder.path().join("..data_tmp")).unwrap();
        folder.rename("..data_tmp", "..data");
    };
    publish("..2026_1", &guest("pass"));
    symlink("..data/10-a.wasm", folder.path().join("10-a.wasm")).unwrap();
    let catalog = folder.load();
    publish("..2026_2", &guest_of_version("pass", "2.0.0"));
    assert_eq!(reload(&catalog).generation, Some(2));
    assert_eq!(serving(&catalog), ["a@2.0.0"]);
}

#[test]
fn a_read_only_folder_is_as_good_as_any() {
    let folder = Folder::with(&[("10-a.wasm", &guest("pass"))]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let catalog = folder.load();
    assert_eq!(serving(&catalog), ["a@1.0.0"]);
    assert_eq!(reload(&catalog), Reload::default());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
