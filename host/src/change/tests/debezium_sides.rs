//! What Debezium's events hold beside their images.

use super::Lane;
use crate::table::Dialect;

/// The class of a value and its sides, each as kind, text and row.
fn sides(value: &str) -> Vec<String> {
    let mut lane = Lane::new(Dialect::Debezium);
    let read = lane.meets("t", Some(r#"{"id":1}"#), Some(value.as_bytes()));
    let event = lane.events.events[0];
    let class = read.split(' ').next().unwrap_or_default().to_owned();
    let sides = lane.events.sides_of(&event).iter().map(|side| {
        let text = String::from_utf8_lossy(side.span.of(value.as_bytes()));
        format!("{:?} {text} {:?}", side.kind, side.row)
    });
    std::iter::once(class).chain(sides).collect()
}

#[test]
fn the_statement_of_a_change_is_beside_its_row() {
    let row = |source: &str| {
        format!(
            r#"{{"before":null,"after":{{"id":1}},"source":{{{source},"table":"t"}},"op":"c"}}"#
        )
    };
    assert_eq!(
        sides(&row(r#""connector":"mariadb","query":"insert into t values ('a')""#)),
        ["row", r#"Sql(MySql) "insert into t values ('a')" Some(0)"#]
    );
    assert_eq!(
        sides(&row(r#""connector":"oracle","redo_sql":"insert","query":"q""#)),
        ["row", r#"Sql(Oracle) "insert" Some(0)"#, r#"Sql(MySql) "q" Some(0)"#]
    );
    assert_eq!(sides(&row(r#""query":null,"redo_sql":null"#)), ["row"]);
    let truncate = r#"{"op":"t","source":{"query":"truncate t"}}"#;
    assert_eq!(sides(truncate), ["truncate", r#"Sql(MySql) "truncate t" None"#]);
}

#[test]
fn a_statement_that_stands_twice_is_refused() {
    let value = r#"{"after":{},"source":{"query":"a","table":"t","query":"b"},"op":"c"}"#;
    assert_eq!(sides(value), ["undecodable:"]);
}

#[test]
fn a_schema_change_speaks_the_sql_of_its_connector() {
    for (connector, flavour) in [
        ("mysql", "MySql"),
        ("mariadb", "MySql"),
        ("postgresql", "PostgreSql"),
        ("oracle", "Oracle"),
        ("sqlserver", "Unknown"),
    ] {
        let value = format!(
            r#"{{"schema":{{}},"payload":{{"source":{{"connector":"{connector}","query":"q"}},"databaseName":"d","tableChanges":[{{"id":"t"}}],"ddl":"DROP TABLE t"}}}}"#
        );
        // The statement is MySQL's, wherever it stands: no other connector has one.
        assert_eq!(
            sides(&value),
            [
                "schema-change".to_owned(),
                r#"Sql(MySql) "q" None"#.to_owned(),
                r#"TableChanges [{"id":"t"}] None"#.to_owned(),
                format!(r#"Sql({flavour}) "DROP TABLE t" None"#),
            ]
        );
    }
    let value = r#"{"source":{},"databaseName":"d","ddl":null,"tableChanges":null}"#;
    assert_eq!(sides(value), ["schema-change"]);
}

#[test]
fn what_a_program_wrote_into_the_log_may_hold_anything() {
    let message = |message: &str| format!(r#"{{"op":"m","source":{{}},"message":{message}}}"#);
    assert_eq!(
        sides(&message(r#"{"prefix":"p","content":"aGk="}"#)),
        ["message", r#"Content "aGk=" None"#]
    );
    assert_eq!(
        sides(&message(r#"{"prefix":"p","content":{"email":"a"}}"#)),
        ["message", r#"Content {"email":"a"} None"#]
    );
    assert_eq!(sides(&message(r#"{"prefix":"p","content":null}"#)), ["message"]);
}

#[test]
fn ddl_that_is_a_column_of_a_row_is_no_statement() {
    let value = r#"{"after":{"ddl":"x","query":"y"},"source":{"table":"t"},"op":"c"}"#;
    assert_eq!(sides(value), ["row"]);
}

#[test]
fn every_connectors_source_block_names_its_table() {
    for (source, table) in [
        (r#""connector":"mysql","db":"shop","table":"t""#, "shop.t"),
        (r#""connector":"mariadb","db":"shop","table":"t""#, "shop.t"),
        (r#""connector":"postgresql","db":"shop","schema":"public","table":"t""#, "shop.public.t"),
        (r#""connector":"mongodb","db":"shop","collection":"t""#, "shop.t"),
        (r#""connector":"sqlserver","db":"shop","schema":"dbo","table":"t""#, "shop.dbo.t"),
        (r#""connector":"oracle","db":"ORCL","schema":"SHOP","table":"T""#, "ORCL.SHOP.T"),
        (r#""connector":"cassandra","keyspace":"shop","table":"t""#, "shop.t"),
        (r#""connector":"cassandra","keyspace_name":"shop","table_name":"t""#, "shop.t"),
        (r#""connector":"db2","db":"SHOP","schema":"DB2INST1","table":"T""#, "SHOP.DB2INST1.T"),
        (r#""connector":"informix","db":"shop","schema":"s","table":"t""#, "shop.s.t"),
        (r#""connector":"vitess","db":"","keyspace":"shop","table":"t""#, "shop.t"),
        (r#""connector":"spanner","db":"shop","database_id":"shop","table":"t""#, "shop.t"),
    ] {
        let value = format!(r#"{{"after":{{"id":1}},"source":{{{source}}},"op":"c"}}"#);
        let read = Lane::new(Dialect::Debezium).meets("p.t", None, Some(value.as_bytes()));
        assert_eq!(read, format!("row c {table} after={{id:1}}"), "{source}");
    }
}
