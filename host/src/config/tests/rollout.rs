//! How versions come and go, which files are trusted, who may give orders.

use super::*;

const PEM: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----";

#[test]
fn a_version_is_tried_beside_the_old_one_unless_told_otherwise() {
    let file = plugin("deadline = '80ms'");
    assert_eq!(file.on_open, OnOpen::Halt);
    let expected = Rollout {
        reload: Reload::Shadow,
        shadow: Length { time: Duration::from_secs(2), events: 1_000 },
        probation: Length { time: Duration::from_secs(60), events: 10_000 },
        p99: Duration::from_millis(40),
    };
    assert_eq!(file.rollout, expected);
    let file = plugin(
        "reload = 'immediate'
        shadow = '1m'
        shadow_events = 0
        probation = '0s'
        probation_events = 5
        p99 = '3ms'
        on_open = 'bypass'
        on_fault = 'dead-letter-key'",
    );
    let expected = Rollout {
        reload: Reload::Immediate,
        shadow: Length { time: Duration::from_secs(60), events: 0 },
        probation: Length { time: Duration::ZERO, events: 5 },
        p99: Duration::from_millis(3),
    };
    assert_eq!(file.rollout, expected);
    assert_eq!((file.on_open, file.on_fault), (OnOpen::Bypass, FaultPolicy::DeadLetterKey));
}

#[test]
fn lengths_that_cannot_be_are_pointed_at() {
    let refused = |text: &str| plugin_given(text, &Given::default()).unwrap_err().to_string();
    assert!(refused("p99 = '201ms'").contains("not above `deadline`"));
    assert!(refused("p99 = '0ms'").contains("above zero"));
    assert!(refused("shadow = '25h'").contains("between 0s and 24h"));
    assert!(refused("probation_events = -1").contains("0 or more"));
    assert!(refused("reload = 'shadwo'").contains("did you mean \"shadow\"?"));
}

#[test]
fn keys_are_taken_as_pem_and_as_base64_and_digests_in_either_case() {
    let digest = "AB".repeat(32);
    let text = format!(
        "[trust]\nkeys = [\"\"\"{PEM}\"\"\", 'Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=']\n\
         digests = ['sha256:{digest}']\n{SHOP}"
    );
    let trust = parse(&text).trust;
    assert_eq!(trust.keys[0], trust.keys[1]);
    assert_eq!(trust.digests, ["ab".repeat(32)]);
    assert_eq!(parse(SHOP).trust, Trust::default());
}

#[test]
fn keys_and_digests_that_are_none_are_pointed_at() {
    let refused = |text: &str| {
        let text = format!("[trust]\n{text}\n{SHOP}");
        Config::parse(&text, Path::new("lockgate.toml")).unwrap_err().to_string()
    };
    assert!(refused("keys = ['AAAA']").contains("expected an Ed25519 public key"));
    // 32 bytes that are no point of the curve, and a point that anything seems to be signed with.
    for bytes in [
        "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ] {
        assert!(refused(&format!("keys = ['{bytes}']")).contains("expected an Ed25519 public key"));
    }
    assert!(refused("digests = ['12']").contains("64 hexadecimal digits"));
}

#[test]
fn compiled_plugins_are_kept_where_the_system_keeps_such_things() {
    let cache = |variables: &[(&'static str, &'static str)], text: &str| {
        let given = Given { variables: variables.iter().copied().collect(), ..Given::default() };
        let config = Config::parse_within(text, Path::new("/etc/lockgate.toml"), &given).unwrap();
        config.cache.map(|path| path.display().to_string())
    };
    let all =
        [("CACHE_DIRECTORY", "/var/cache/lockgate"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
    assert_eq!(cache(&all, SHOP).as_deref(), Some("/var/cache/lockgate"));
    assert_eq!(cache(&all[1..], SHOP).as_deref(), Some("/x/lockgate"));
    assert_eq!(cache(&all[2..], SHOP).as_deref(), Some("/h/.cache/lockgate"));
    assert_eq!(cache(&[], SHOP), None);
    assert_eq!(cache(&all, &format!("cache = 'off'\n{SHOP}")), None);
    assert_eq!(cache(&all, &format!("cache = 'own'\n{SHOP}")).as_deref(), Some("/etc/own"));
}

#[test]
fn a_token_is_taken_from_a_file_and_never_shown() {
    let given = Given { files: [("/run/token", "t0ken")].into(), ..Given::default() };
    let text = format!("[admin]\ntoken = '${{file:/run/token}}'\n{SHOP}");
    let config = Config::parse_within(&text, Path::new("lockgate.toml"), &given).unwrap();
    assert_eq!(config.admin.token.as_deref(), Some("t0ken"));
    assert!(!format!("{config:?}").contains("t0ken"));
}
