//! Protected columns that nobody covers: a gateway that does not start, a partition that stands still, a reload that is refused.

use lockgate_tests::client::Record;
use lockgate_tests::gateway::{Cluster, Journey};
use lockgate_tests::rows::{SOURCE, constant, row, update};

use crate::PROGRAM;

super::on_both! {
    a_pipeline_whose_protected_columns_nobody_covers_does_not_start
    a_protected_column_that_comes_later_halts_its_partition_until_a_plugin_covers_it
    a_reload_that_would_uncover_a_protected_column_is_refused
}

fn a_pipeline_whose_protected_columns_nobody_covers_does_not_start(cluster: &Cluster) {
    // It is refused before any topic is asked for.
    let mut journey = Journey::without_topics(cluster, PROGRAM).unwrap();
    let refusal =
        |journey: &Journey| journey.folder.run(&journey.config()).unwrap().refusal().unwrap();
    let begin = "lockgate: running the task \"gateway\": pipeline \"shop\": protected-in-clear: ";
    journey.pipeline = "protect = [\"*.ssn\"]\n".to_owned();
    let told = refusal(&journey);
    assert!(told.starts_with(&format!("{begin}`protect` names columns, and without a")), "{told}");

    journey.pipeline = "protect = [\"shop.public.customers.email\"]\n".to_owned();
    let other = "plugin = \"mask\"\n[settings.columns]\ncountry = \"redact\"\n";
    journey.folder.put("plugins/20-mask.toml", other).unwrap();
    let table = "table \"shop.public.customers\" would leave protected columns in clear";
    let told = refusal(&journey);
    let uncovered = "\"email\" in before image, after image, where no plugin writes or removes it";
    assert!(told.starts_with(&format!("{begin}{table}: {uncovered}")), "{told}");

    let passing = format!("on_fault = \"pass\"\n{}", constant("masked"));
    journey.folder.put("plugins/20-mask.toml", passing).unwrap();
    let told = refusal(&journey);
    assert!(told.contains("on_fault = \"pass\" lets records by when plugin \"mask\""), "{told}");
}

const SECRET: &str = "078-05-1120";

/// A row of customers that has the column `ssn`.
fn with_ssn(id: usize) -> Record {
    row(
        id,
        1,
        &format!(r#"{{"before":null,"after":{{"id":{id},"ssn":"{SECRET}"}},{SOURCE},"op":"c"}}"#),
    )
}

fn a_protected_column_that_comes_later_halts_its_partition_until_a_plugin_covers_it(
    cluster: &Cluster,
) {
    let mut journey = Journey::new(cluster, PROGRAM, 2).unwrap();
    let till = cluster.unique("till");
    for topic in [&till, &format!("clean.{till}"), &format!("{till}.dlq")] {
        journey.client.create_topic(topic, 1).unwrap();
    }
    journey.pipeline = format!(
        "protect = [\"*.email\", \"*.ssn\"]\n\
         [[pipeline]]\nname = \"till\"\nfrom = [\"{till}\"]\nto = \"clean.{{topic}}\"\ndialect = \"json\"\n"
    );
    journey.folder.put("plugins/20-mask.toml", constant("masked")).unwrap();
    let mut gateway = journey.start().unwrap();
    journey.write((0..4).map(|number| update(number, 2))).unwrap();
    journey.settled().unwrap();

    // Partition 0 stands still where the column first comes; partition 1 has another table, the other pipeline another topic.
    let orders = r#"{"before":null,"after":{"id":1},"source":{"db":"shop","schema":"public","table":"orders"},"op":"c"}"#;
    journey.write([with_ssn(4), row(5, 2, orders)]).unwrap();
    gateway
        .until_readyz_says(
            "at offset 2: protected-in-clear: table \\\"shop.public.customers\\\" would leave protected columns in clear: \
             \\\"ssn\\\" in before image, after image, where no plugin writes or removes it",
        )
        .unwrap();
    journey.client.produce(&till, &[Record::text(0, "{}", r#"{"id":1}"#)]).unwrap();
    let committed = |partition: i32, topic: &str| {
        format!(
            "lockgate_partition_committed_offset{{partition=\"{partition}\",pipeline=\"{topic}\""
        )
    };
    for (partition, pipeline, offset) in [(1, "shop", 3.0), (0, "till", 1.0)] {
        let series = committed(partition, pipeline);
        gateway
            .until("the others go on", |gateway| Ok(gateway.metric(&series)? == offset))
            .unwrap();
    }
    assert_eq!(gateway.metric(&committed(0, "shop")).unwrap(), 2.0);

    let covering = format!("{}ssn = \"constant:hidden\"\n", constant("masked"));
    journey.folder.put("plugins/20-mask.toml", covering).unwrap();
    journey.settled().unwrap();
    let outputs = journey.outputs().unwrap();
    assert_eq!(outputs.len(), 6);
    assert!(outputs.iter().any(|output| output.value_text().contains(r#""ssn":"hidden""#)));
    assert!(outputs.iter().all(|output| !output.value_text().contains(SECRET)));
    assert!(!gateway.log().unwrap().contains(SECRET));
    assert!(!gateway.readyz().unwrap().to_string().contains(SECRET));
    gateway.stop().unwrap();
}

fn a_reload_that_would_uncover_a_protected_column_is_refused(cluster: &Cluster) {
    let mut journey = Journey::new(cluster, PROGRAM, 1).unwrap();
    journey.pipeline = "protect = [\"*.email\"]\n".to_owned();
    journey.folder.put("plugins/20-mask.toml", constant("masked")).unwrap();
    let mut gateway = journey.start().unwrap();
    journey.write([update(0, 1)]).unwrap();
    journey.settled().unwrap();

    let other = "plugin = \"mask\"\n[settings.columns]\ncountry = \"constant:NN\"\n";
    journey.folder.put("plugins/20-mask.toml", other).unwrap();
    gateway
        .until_readyz_says("protected columns in clear: \\\"email\\\" in before image, after image")
        .unwrap();
    journey.write([update(1, 1)]).unwrap();
    journey.settled().unwrap();

    // Gone is no better than useless.
    journey.folder.remove("plugins/20-mask.toml").unwrap();
    gateway.until_readyz_says("without a plugin nobody can cover them").unwrap();
    assert!(gateway.readyz().unwrap()["ready"].as_bool().unwrap());
    journey.write([update(2, 1)]).unwrap();
    journey.settled().unwrap();
    gateway.stop().unwrap();
    let outputs = journey.outputs().unwrap();
    assert_eq!(outputs.len(), 3);
    let is_masked = |output: &Record| output.value_text().contains(r#""email":"masked""#);
    assert!(outputs.iter().all(is_masked));
}
