//! The configuration as its reader meets it: what the texts below mean, and how each mistake is shown.

mod plugin_refusals;
mod protect;
mod reference;
mod refusals;
mod rollout;
mod types;
mod watermarks;

use std::collections::BTreeMap;
use std::env::VarError;
use std::io;

use super::*;

/// Variables and secret files of a test, so that no test depends on its machine.
#[derive(Default)]
struct Given {
    variables: BTreeMap<&'static str, &'static str>,
    files: BTreeMap<&'static str, &'static str>,
}

impl Surroundings for Given {
    fn variable(&self, name: &str) -> Result<String, VarError> {
        self.variables.get(name).map(|value| (*value).to_owned()).ok_or(VarError::NotPresent)
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        let name = path.to_str().unwrap();
        let value = self.files.get(name).map(|value| (*value).to_owned());
        value.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// A file with one pipeline that reads `orders`, ending in the pipeline's table.
const SHOP: &str = "[kafka]
brokers = 'localhost:9092'
[[pipeline]]
name = 'shop'
from = ['orders']
dialect = 'debezium'
to = 'clean.{topic}'
";

fn parse_given(text: &str, given: &Given) -> Result<Config, Error> {
    Config::parse_within(text, Path::new("/etc/lockgate/lockgate.toml"), given)
}

fn parse(text: &str) -> Config {
    parse_given(text, &Given::default()).unwrap()
}

/// [`SHOP`] with more lines in its pipeline.
fn shop(more: &str) -> Pipeline {
    parse(&format!("{SHOP}{more}")).pipelines.remove(0)
}

fn plugin(text: &str) -> PluginFile {
    plugin_given(text, &Given::default()).unwrap()
}

fn plugin_given(text: &str, given: &Given) -> Result<PluginFile, Error> {
    PluginFile::parse_within(text, Path::new("plugins/20-mask.toml"), given)
}

#[test]
fn the_least_file_gets_the_documented_defaults() {
    let config = parse(SHOP);
    assert_eq!(config.kafka.group, "lockgate");
    assert!(matches!(config.kafka.membership, Membership::Static { .. }));
    assert_eq!(config.admin.listen.unwrap().to_string(), "127.0.0.1:9400");
    assert_eq!(config.drain, Duration::from_secs(25));
    let shop = &config.pipelines[0];
    assert_eq!(shop.plugins, Path::new("/etc/lockgate/plugins"));
    assert_eq!(shop.dead_letter.render("orders"), "orders.dlq");
    assert_eq!(shop.start, Start::Earliest);
    assert_eq!(shop.on_lost_offsets, LostOffsets::Halt);
    assert_eq!((shop.lanes, shop.create_topics), (1, false));
    assert_eq!(shop.limits, Limits::default());
}

#[test]
fn what_is_not_understood_is_dead_lettered_and_the_rest_passes() {
    let policies = shop("").classes;
    assert_eq!(policies[&Class::Unknown], ClassPolicy::DeadLetter);
    assert_eq!(policies[&Class::Heartbeat], ClassPolicy::Pass);
    assert!(!policies.contains_key(&Class::Row));
}

#[test]
fn a_class_takes_the_policy_it_is_given() {
    let shop = shop("[pipeline.classes]\nheartbeat = 'drop'\nschema-change = 'halt'");
    assert_eq!(shop.classes[&Class::Heartbeat], ClassPolicy::Drop);
    assert_eq!(shop.classes[&Class::SchemaChange], ClassPolicy::Halt);
}

#[test]
fn what_plugins_say_is_withheld_where_columns_are_protected_unless_it_is_asked_for() {
    let messages = |more: &str| shop(more).plugin_messages;
    assert_eq!(messages(""), PluginMessages::Show);
    assert_eq!(messages("protect = [\"*.ssn\"]"), PluginMessages::Withhold);
    let asked = "protect = [\"*.ssn\"]\nplugin_messages = \"show\"";
    assert_eq!(messages(asked), PluginMessages::Show);
    assert_eq!(messages("plugin_messages = \"withhold\""), PluginMessages::Withhold);
}

#[test]
fn a_start_time_is_milliseconds_since_1970() {
    let shop = shop("start = 'timestamp:2026-01-01T00:00:00Z'");
    assert_eq!(shop.start, Start::Timestamp(1_767_225_600_000));
}

#[test]
fn limits_are_read_with_their_units() {
    let limits = shop("[pipeline.limits]\nin_flight_bytes = '64MiB'\nrecord_bytes = '2MB'").limits;
    assert_eq!((limits.in_flight_bytes, limits.record_bytes), (64 << 20, 2_000_000));
}

#[test]
fn the_admin_side_can_be_switched_off() {
    assert_eq!(parse(&format!("{SHOP}[admin]\nlisten = 'off'")).admin.listen, None);
}

#[test]
fn properties_may_be_text_numbers_and_booleans() {
    let config = parse(&SHOP.replace(
        "[[pipeline]]",
        "[kafka.properties]\n'linger.ms' = 5\n'socket.keepalive.enable' = true\n[[pipeline]]",
    ));
    assert_eq!(config.kafka.properties["linger.ms"], "5");
    assert_eq!(config.kafka.properties["socket.keepalive.enable"], "true");
}

#[test]
fn a_pipeline_does_not_read_its_own_outputs_and_dead_letters() {
    let filter = TopicFilter::new(&shop("").reading("['shop.*', '*.orders']"));
    let taken = |topic| filter.takes(topic);
    assert!(taken("shop.customers") && taken("eu.orders"));
    assert!(!taken("shop.customers.dlq"), "its dead letters");
    assert!(!taken("clean.eu.orders"), "its outputs");
    assert!(taken("clean.orders"), "nothing is written there: \"orders\" is not read");
    assert!(!taken("billing"));
}

#[test]
fn a_glob_leaves_internal_topics_alone_unless_it_names_them() {
    let all = TopicFilter::new(&shop("").reading("['*']"));
    assert!(!all.takes("__consumer_offsets"));
    let heartbeats = TopicFilter::new(&shop("").reading("['__debezium-heartbeat.*']"));
    assert!(heartbeats.takes("__debezium-heartbeat.shop"));
}

impl Pipeline {
    fn reading(self, from: &str) -> Self {
        parse(&SHOP.replace("['orders']", from)).pipelines.remove(0)
    }
}

#[test]
fn secrets_are_put_in_and_their_files_listed() {
    let text = SHOP.replace("localhost:9092", "${env:HOST}:${file:port}")
        + "[kafka.properties]\n'sasl.password' = '${file:/run/secrets/kafka}'\nx = '$${env:HOST}'";
    let given = Given {
        variables: [("HOST", "broker")].into(),
        files: [("/etc/lockgate/port", "9092\n"), ("/run/secrets/kafka", "pa$${s}\r\n")].into(),
    };
    let config = parse_given(&text, &given).unwrap();
    assert_eq!(config.kafka.brokers, "broker:9092");
    assert_eq!(config.kafka.properties["sasl.password"], "pa$${s}");
    assert_eq!(config.kafka.properties["x"], "${env:HOST}");
    let files = ["/etc/lockgate/port", "/run/secrets/kafka"].map(PathBuf::from);
    assert_eq!(config.secret_files, files);
}

#[test]
fn a_plugin_file_without_a_key_gets_the_documented_defaults() {
    let file = plugin("");
    assert_eq!((file.deadline, file.memory), (Duration::from_millis(200), 64 << 20));
    assert_eq!(file.on_fault, FaultPolicy::DeadLetter);
    assert_eq!(file.settings, serde_json::json!({}));
    assert!(file.official.is_none() && file.tables.is_empty());
}

#[test]
fn settings_become_json_without_losing_a_digit() {
    let file = plugin(
        "plugin = 'mask'
        tables = ['public.*']
        deadline = '50ms'
        memory = '16MiB'
        on_fault = 'halt'
        [settings]
        big = 18446744073709551615
        hex = 0xff
        rate = 0.10
        since = 2026-01-31
        columns = { email = 'keep-domain', list = [1, 'two', true] }",
    );
    assert_eq!(
        file.settings.to_string(),
        r#"{"big":18446744073709551615,"columns":{"email":"keep-domain","list":[1,"two",true]},"hex":255,"rate":0.10,"since":"2026-01-31"}"#
    );
    assert_eq!(file.official.as_deref(), Some("mask"));
    assert_eq!((file.deadline, file.memory), (Duration::from_millis(50), 16 << 20));
    assert_eq!(file.on_fault, FaultPolicy::Halt);
    assert_eq!(file.tables[0].glob(), "public.*");
}

#[test]
fn settings_take_secrets_and_debug_output_shows_none() {
    let given = Given { files: [("plugins/hmac", "k3y")].into(), ..Given::default() };
    let file = plugin_given("settings.key = '${file:hmac}'", &given).unwrap();
    assert_eq!(file.settings["key"], "k3y");
    assert_eq!(file.secret_files, [PathBuf::from("plugins/hmac")]);
    assert!(!format!("{file:?}").contains("k3y"));
    let text = SHOP.replace("[[pipeline]]", "properties = { password = 'k3y' }\n[[pipeline]]");
    assert!(!format!("{:?}", parse(&text)).contains("k3y"));
}
