//! The records of every other tool.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::plant::Planted;

pub(crate) fn planted() -> Vec<Planted> {
    vec![
        maxwell(),
        canal("canal", "canal"),
        canal("ticdc", "ticdc"),
        concatenated(),
        ogg(),
        dms(),
        cloudevents(),
        flat(),
        json(),
        debezium_of_ticdc(),
    ]
}

/// The members of a row, numbers as numbers or as the strings that Canal makes of everything.
fn row(plant: &mut Planted, place: &str, strings: bool) -> String {
    let email = plant.secret(&format!("{place}.email"));
    let phone = plant.number(&format!("{place}.phone"));
    let inner = plant.secret(&format!("{place}.profile"));
    let quote = if strings { "\"" } else { "" };
    format!(
        r#""id":{quote}1{quote},"email":"{email}","phone":{quote}{phone}{quote},"profile":"{{\"contact\":{{\"email\":\"{inner}\"}}}}""#
    )
}

fn maxwell() -> Planted {
    let mut plant = Planted::new("maxwell", "maxwell");
    for (kind, key) in
        [("insert", "hash"), ("update", "hash"), ("delete", "array"), ("bootstrap-insert", "array")]
    {
        let data = row(&mut plant, &format!("{kind} data"), false);
        let raw = plant.secret(&format!("{kind} data.settings"));
        let old = match kind {
            "update" => format!(r#","old":{{"email":"{}"}}"#, plant.secret("update old.email")),
            _ => String::new(),
        };
        let query = plant.secret(&format!("{kind} query"));
        let own = plant.secret(&format!("{kind} primary_key"));
        let value = format!(
            r#"{{"database":"shop","table":"customers","query":"update customers set email='{query}'","type":"{kind}","ts":1795000000,"primary_key":["{own}"],"primary_key_columns":["email"],"data":{{{data},"settings":{{"contact":{{"email":"{raw}"}}}}}}{old}}}"#
        );
        let own = plant.secret(&format!("{kind} key"));
        let key = match key {
            "hash" => format!(r#"{{"database":"shop","table":"customers","pk.email":"{own}"}}"#),
            _ => format!(r#"["shop","customers",[{{"email":"{own}"}}]]"#),
        };
        plant.write(Some(&key), value);
    }
    for (place, key, beside) in [
        (
            "key of an encrypted event",
            r#"{"database":"shop","table":"customers","pk.email":"{}"}"#,
            "",
        ),
        ("array key of an encrypted event", r#"["shop","customers",[{"email":"{}"}]]"#, ""),
        (
            "primary_key of an encrypted event",
            "null",
            r#""primary_key":["{}"],"primary_key_columns":["email"],"#,
        ),
    ] {
        let own = plant.secret(place);
        let value = format!(
            r#"{{"database":"shop","table":"customers","type":"insert","ts":1,{}"encrypted":{{"iv":"aXY=","bytes":"Ynl0ZXM="}}}}"#,
            beside.replace("{}", &own)
        );
        plant.write(Some(&key.replace("{}", &own)), value);
    }
    let ddl = plant.secret("DDL");
    let value = format!(
        r#"{{"type":"table-alter","database":"shop","table":"customers","old":{{}},"def":{{}},"ts":1795000000000,"sql":"alter table customers add x varchar(9) default '{ddl}'"}}"#
    );
    plant.write(Some("5d8c3c1e-0000-4000-8000-000000000001"), value);
    plant
}

fn canal(name: &'static str, dialect: &'static str) -> Planted {
    let mut plant = Planted::new(name, dialect);
    let extra = if dialect == "ticdc" { r#","_tidb":{"commitTs":464043256649875456}"# } else { "" };
    for kind in ["INSERT", "UPDATE", "DELETE"] {
        let rows: Vec<String> = (0..3)
            .map(|number| {
                format!("{{{}}}", row(&mut plant, &format!("{kind} data[{number}]"), true))
            })
            .collect();
        let old = match kind {
            "UPDATE" => {
                let old = [0, 1, 2].map(|number| {
                    format!(r#"{{"email":"{}"}}"#, plant.secret(&format!("old[{number}]")))
                });
                format!("[{}]", old.join(","))
            }
            _ => "null".to_owned(),
        };
        let sql = plant.secret(&format!("{kind} sql"));
        let value = format!(
            r#"{{"data":[{}],"database":"shop","es":1,"id":1,"isDdl":false,"mysqlType":{{"id":"int","email":"varchar(255)","phone":"bigint","profile":"json"}},"old":{old},"pkNames":["id"],"sql":"insert into customers values ('{sql}')","sqlType":{{"id":4}},"table":"customers","ts":1,"type":"{kind}"{extra}}}"#,
            rows.join(",")
        );
        plant.write(None, value);
    }
    for (kind, ddl) in [("QUERY", false), ("ALTER", true)] {
        let sql = plant.secret(&format!("{kind} sql"));
        let table = if ddl { "customers" } else { "" };
        let value = format!(
            r#"{{"data":null,"database":"","es":1,"id":1,"isDdl":{ddl},"mysqlType":null,"old":null,"pkNames":null,"sql":"alter table customers add x text default '{sql}'","sqlType":null,"table":"{table}","ts":1,"type":"{kind}"{extra}}}"#
        );
        plant.write(None, value);
    }
    if dialect == "ticdc" {
        let own = BASE64.encode(plant.secret("_tidb.rowkey"));
        let value = format!(
            r#"{{"id":0,"database":"shop","table":"customers","pkNames":["email"],"isDdl":false,"type":"INSERT","es":1,"ts":2,"sql":"","sqlType":{{}},"mysqlType":{{}},"old":null,"data":[{{"email":null}}],"_tidb":{{"commitTs":3,"rowkey":"{own}"}}}}"#
        );
        plant.write(None, value);
        let location = plant.secret("the key of a row that lies elsewhere");
        let value = format!(
            r#"{{"id":0,"database":"shop","table":"customers","pkNames":["email"],"isDdl":false,"type":"INSERT","es":1,"ts":2,"sql":"","sqlType":{{}},"mysqlType":{{}},"old":null,"data":[{{"email":"{location}"}}],"_tidb":{{"commitTs":3,"onlyHandleKey":true}}}}"#
        );
        plant.write(None, value);
    }
    plant
}

fn concatenated() -> Planted {
    let mut plant = Planted::new("ticdcmaxwell", "ticdc-maxwell");
    let objects: Vec<String> = ["insert", "update", "delete"]
        .into_iter()
        .map(|kind| {
            let own = row(&mut plant, kind, false);
            let image = if kind == "delete" { "old" } else { "data" };
            let old = plant.secret(&format!("{kind} old"));
            let old = match kind {
                "update" => format!(r#","old":{{"email":"{old}"}}"#),
                _ => {
                    plant.secrets.pop();
                    String::new()
                }
            };
            format!(
                r#"{{"database":"shop","table":"customers","type":"{kind}","ts":1,"{image}":{{{own}}}{old}}}"#
            )
        })
        .collect();
    plant.write(None, objects.join(""));
    plant
}

fn ogg() -> Planted {
    let mut plant = Planted::new("ogg", "ogg");
    for kind in ["I", "U", "D"] {
        let image = |plant: &mut Planted, name: &str| {
            format!("{{{}}}", row(plant, &format!("{kind} {name}"), false))
        };
        let before = if kind == "I" { "null".to_owned() } else { image(&mut plant, "before") };
        let after = if kind == "D" { "null".to_owned() } else { image(&mut plant, "after") };
        let value = format!(
            r#"{{"table":"SHOP.CUSTOMERS","op_type":"{kind}","op_ts":"2026-01-01 00:00:00.000000","pos":"00000000000000000000143","primary_keys":["id"],"before":{before},"after":{after}}}"#
        );
        plant.write(None, value);
    }
    plant
}

fn dms() -> Planted {
    let mut plant = Planted::new("dms", "dms");
    for kind in ["load", "insert", "update", "delete"] {
        let data = row(&mut plant, &format!("{kind} data"), false);
        let before = match kind {
            "update" => {
                format!(r#""before-image":{{{}}},"#, row(&mut plant, "update before-image", false))
            }
            _ => String::new(),
        };
        let value = format!(
            r#"{{"data":{{{data}}},{before}"metadata":{{"timestamp":"2026-01-01T00:00:00Z","record-type":"data","operation":"{kind}","partition-key-type":"schema-table","schema-name":"shop","table-name":"customers"}}}}"#
        );
        plant.write(None, value);
    }
    plant
}

fn cloudevents() -> Planted {
    let mut plant = Planted::new("cloudevents", "cloudevents");
    let before = row(&mut plant, "before", false);
    let after = row(&mut plant, "after", false);
    let sql = plant.secret("iodebeziumquery");
    let value = format!(
        r#"{{"id":"name:shop;file:a;pos:7","source":"/debezium/mysql/shop","specversion":"1.0","type":"io.debezium.connector.mysql.DataChangeEvent","datacontenttype":"application/json","iodebeziumop":"u","iodebeziumdb":"shop","iodebeziumtable":"customers","iodebeziumquery":"update customers set email='{sql}'","data":{{"before":{{{before}}},"after":{{{after}}}}}}}"#
    );
    plant.write(None, value);
    plant
}

fn flat() -> Planted {
    let mut plant = Planted::new("flat", "debezium-flat");
    for deleted in ["false", "true"] {
        let own = row(&mut plant, &format!("__deleted {deleted}"), false);
        let key = plant.secret("key");
        let value = format!(r#"{{{own},"__deleted":"{deleted}","__table":"customers"}}"#);
        plant.write(Some(&format!(r#"{{"email":"{key}"}}"#)), value);
    }
    plant
}

fn json() -> Planted {
    let mut plant = Planted::new("json", "json");
    let own = row(&mut plant, "value", false);
    let key = plant.secret("key");
    plant.write(Some(&format!(r#"{{"email":"{key}"}}"#)), format!("{{{own}}}"));
    plant
}

fn debezium_of_ticdc() -> Planted {
    let mut plant = Planted::new("ticdcdebezium", "ticdc-debezium");
    let own = row(&mut plant, "after", false);
    let value = format!(
        r#"{{"payload":{{"before":null,"after":{{{own}}},"op":"c","source":{{"connector":"TiCDC","db":"shop","table":"customers","commit_ts":3,"cluster_id":"x"}}}}}}"#
    );
    plant.write(None, value);
    plant
}
