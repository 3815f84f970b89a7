//! What becomes of texts whose reading is known, sentence by sentence. `tests/planted.rs` holds the same for any text.

mod mentioned;
mod planted;

use std::borrow::Cow;
use std::time::Instant;

use super::SqlFlavour::{MySql, Oracle, PostgreSql, Unknown};
use super::{SqlFlavour, WHOLE, mentions, sql};

const ALL: [SqlFlavour; 4] = [MySql, PostgreSql, Oracle, Unknown];

/// Texts and what becomes of them in each of the flavours.
#[track_caller]
fn assert_all(flavours: &[SqlFlavour], table: &[(&str, &str)]) {
    for flavour in flavours {
        for (text, expected) in table {
            assert_eq!(sql(text, *flavour), *expected, "{flavour:?} on {text:?}");
            assert_eq!(sql(expected, *flavour), *expected, "{flavour:?}, again, on {text:?}");
        }
    }
}

#[track_caller]
fn assert_whole(flavours: &[SqlFlavour], texts: &[&str]) {
    for flavour in flavours {
        for text in texts {
            assert_eq!(sql(text, *flavour), WHOLE, "{flavour:?} on {text:?}");
        }
    }
}

#[test]
fn a_text_without_literals_is_borrowed() {
    let texts = [
        "",
        "BEGIN",
        "DROP TABLE IF EXISTS t1, t2x, été",
        "select a.b, c1 from t where x is null and y = ?",
        "rename table a to b /* ? */",
        WHOLE,
    ];
    for (text, flavour) in texts.iter().flat_map(|text| ALL.map(|flavour| (text, flavour))) {
        let found = sql(text, flavour);
        assert!(matches!(found, Cow::Borrowed(found) if found == *text), "{flavour:?} on {text:?}");
    }
}

#[test]
fn strings_of_every_server_become_a_question_mark() {
    assert_all(
        &ALL,
        &[
            ("insert into t values ('anna', 'it''s', '')", "insert into t values (?, ?, ?)"),
            ("set a='x',b = 'y' where c<>'z';", "set a=?,b = ? where c<>?;"),
            ("values (N'anna', n'bob')", "values (?, ?)"),
            ("values (x'0AfF', X'', b'01', B'1')", "values (?, ?, ?, ?)"),
            ("a > DATE '2020-01-31' + interval '1 day'", "a > DATE ? + interval ?"),
            ("a > timestamp'2020-01-31 10:00'", "a > timestamp?"),
            ("f = HEXTORAW('DEAD') or g = '李小龍 👩‍👩‍👧'", "f = HEXTORAW(?) or g = ?"),
            ("'a -- b' , '/* c */', '$$', '`'", "? , ?, ?, ?"),
            ("select 'one'\n  'two' from t", "select ?\n  ? from t"),
        ],
    );
}

#[test]
fn numbers_become_a_question_mark_and_take_their_sign_along() {
    assert_all(
        &ALL,
        &[
            ("values (1, 1.5, .5, 5., 1e5, 1.5E-3, 2e+7)", "values (?, ?, ?, ?, ?, ?, ?)"),
            ("values (0x1F, 0b01, 1_000, 1.5f, 2d)", "values (?, ?, ?, ?, ?)"),
            ("values (-5,+5.5, - 5)", "values (?,?, - ?)"),
            ("set a=-5, b = b -5, c = c-5, d=(e)-5", "set a=?, b = b -?, c = c-?, d=(e)-?"),
            ("a between -5 and -3 limit 10", "a between ? and ? limit ?"),
            (
                "select t1, a2b, x_3 from t4.c5 where 6=t7",
                "select t1, a2b, x_3 from t4.c5 where ?=t7",
            ),
            ("limit 10,20", "limit ?,?"),
        ],
    );
}

#[test]
fn truth_is_a_literal_and_null_is_not() {
    assert_all(
        &ALL,
        &[
            ("set a = TRUE, b = False, c = NULL", "set a = ?, b = ?, c = NULL"),
            ("select t.true, trueish, @false", "select t.true, trueish, @false"),
        ],
    );
}

#[test]
fn comments_say_nothing() {
    assert_all(
        &ALL,
        &[
            ("/* anna */ select a/**/b", "/* ? */ select a/* ? */b"),
            ("select a -- it's anna\r\nfrom t -- \n", "select a /* ? */\r\nfrom t /* ? */\n"),
            ("select /*+ index(t anna) */ a", "select /* ? */ a"),
            ("select a --", "select a /* ? */"),
            ("/* a * b / c ** */ d", "/* ? */ d"),
        ],
    );
    assert_all(
        &[MySql],
        &[
            ("select a # it's anna\nfrom t", "select a /* ? */\nfrom t"),
            ("select a--1, b--c", "select a-?, b--c"),
            ("/*!40101 SET a='anna' */ x /*M!100100 b */", "/* ? */ x /* ? */"),
            ("/*!50003 DEFINER=`root`@`%`*/", "/* ? */"),
        ],
    );
    assert_all(
        &[PostgreSql],
        &[
            ("/* a /* anna */ b */ select a # b", "/* ? */ select a # b"),
            ("select a--anna\n", "select a/* ? */\n"),
        ],
    );
    assert_whole(&[Unknown], &["select a # b", "select a--1", "/*!1 x /* y */ z */ a"]);
}

#[test]
fn mysql_strings_that_read_the_same_in_every_mode_become_a_question_mark() {
    assert_all(
        &[MySql],
        &[
            (r"values ('a\nb', 'a\\b', '\\')", "values (?, ?, ?)"),
            (r#"values ("anna", "it's", "a""b", 'say "x"')"#, "values (?, ?, ?, ?)"),
            (r#"values (_utf8'a', _utf8mb4 'b', _binary"c")"#, "values (?, _utf8mb4 ?, ?)"),
            ("set `it's 1` = 'x', `a``'b` = 2, @v = 3", "set `it's 1` = ?, `a``'b` = ?, @v = ?"),
            ("grant all to 'u'@'h' identified by 'p'", "grant all to ?@? identified by ?"),
            (
                r"load data infile 'f' into table t fields terminated by ',' escaped by '\\' lines terminated by '\n'",
                "load data infile ? into table t fields terminated by ? escaped by ? lines terminated by ?",
            ),
            ("DELIMITER //\nselect 'a'//\nselect 1;", "DELIMITER //\nselect ?//\nselect ?;"),
            (
                "SET sql_mode='ANSI', x=1; set names utf8mb4",
                "SET sql_mode=?, x=?; set names utf8mb4",
            ),
            ("set a = '{d \"x\"}', b = {d '2020-01-01'}", "set a = ?, b = {d ?}"),
        ],
    );
}

#[test]
fn mysql_strings_that_hang_on_the_mode_hide_the_whole_text() {
    assert_whole(
        &[MySql, Unknown],
        &[
            r"values ('it\'s', 'anna')",
            r"values ('C:\', 'anna')",
            r"values ('C:\', 'anna', '\')",
            r#"values ("say \"anna\"")"#,
            r#"values ("a\", 'anna', "b")"#,
        ],
    );
}

#[test]
fn postgresql_strings_become_a_question_mark() {
    assert_all(
        &[PostgreSql],
        &[
            (r"values (E'it\'s', e'a\\', E'a''b')", "values (?, ?, ?)"),
            (r"values (U&'d\0061t', u&'a!0061' UESCAPE '!')", "values (?, ? UESCAPE ?)"),
            (
                r#"select "it's 1", U&"d\0061t" from "T2""#,
                r#"select "it's 1", U&"d\0061t" from "T2""#,
            ),
            ("select $$it's$$, $a$ x $b$ y $b$ $$ $a$", "select ?, ?"),
            ("select $1, $22 from a$b$c", "select $1, $22 from a$b$c"),
            (
                "select 'a'::text, :name, a ? 'k', a #>> '{x,1}'",
                "select ?::text, :name, a ? ?, a #>> ?",
            ),
            (r"select 'C:\dir', a[1:2]", "select ?, a[?:?]"),
            ("do $été$ begin raise 'x'; end $été$ language plpgsql", "do ? language plpgsql"),
        ],
    );
}

#[test]
fn postgresql_strings_that_hang_on_the_mode_hide_the_whole_text() {
    assert_whole(
        &[PostgreSql, Unknown],
        &[
            r"values ('C:\', 'anna')",
            "values (E'a'\n'b\\'anna \\' c')",
            "select $a$ anna $A$",
            "select 1$$a anna$$, $$b$$",
            "copy t (a, b) from stdin;\n7\tanna\n\\.\n",
            "copy t from STDIN;\nanna",
        ],
    );
}

#[test]
fn oracle_strings_become_a_question_mark() {
    assert_all(
        &[Oracle],
        &[
            ("values (q'[it's]', Q'{a}b}', nq'<x>', q'!a'b!')", "values (?, ?, ?, ?)"),
            (r"values ('C:\', 'anna', :1, :name)", "values (?, ?, :1, :name)"),
            (
                r#"insert into "S"."T 1"("ID","NAME") values ('1001',TO_DATE('2020', 'YYYY'));"#,
                r#"insert into "S"."T 1"("ID","NAME") values (?,TO_DATE(?, ?));"#,
            ),
            ("update a#1 set b$2 = UNISTR('\\00e9')", "update a#1 set b$2 = UNISTR(?)"),
        ],
    );
    assert_whole(&[Oracle], &["q'[anna]", "q' anna '", "q'"]);
    assert_whole(&[Unknown], &["values (q'[it's]')", "values (q'[a]')"]);
}

#[test]
fn an_unknown_server_leaves_what_every_server_reads_alike() {
    assert_all(
        &[Unknown],
        &[
            (r#"set "a" = 'b', `c` = 1 where d = "e""#, "set ? = ?, `c` = ? where d = ?"),
            (r"set a = 'x\ny'", "set a = ?"),
        ],
    );
    assert_whole(
        &[Unknown],
        &["select [it's], 'anna', [x's]", "select $$anna$$", "select E'a'", "a = $125000", "a[1]"],
    );
}

#[test]
fn what_cannot_be_read_hides_the_whole_text() {
    assert_whole(
        &ALL,
        &[
            "values ('anna",
            "values ('anna')'",
            "values ('an''",
            "/* anna",
            "/*/ anna",
            "a = 'x\0y'",
            "a = 'x\u{fffd}y'",
            "a = \u{1}",
            "a = \\N",
            "a = ‘anna’",
            "a =\u{a0}5",
            "a = x'zz'",
            "a = x'0''0'",
            "ret', 'anna', 'x",
            "a = 'O'Brien', b = 'O'Neill'",
            "a = y'x'",
            "a = 'x'anna , b",
            "a = 1e'x'",
            "a = 5'anna'",
            "select a -- x\rselect 'anna'\n",
        ],
    );
    assert_whole(
        &[MySql],
        &["a = \"anna", "`anna", "/* a /* b */ anna */", "/*!1 select '*/ anna' */"],
    );
    assert_whole(&[MySql], &["/*!1 -- x*/ anna\n*/", "a = y\"x\"", "a = \\'anna\\'"]);
    assert_whole(
        &[PostgreSql],
        &["/* a /* b */ anna", "$anna", "\"anna", "$a$ anna $$", "1a$$ anna $$"],
    );
    assert_whole(&[Oracle], &["\"anna"]);
}

#[test]
fn lengths_of_column_types_stay_and_other_numbers_of_a_definition_go() {
    assert_all(
        &ALL,
        &[
            (
                "CREATE TABLE IF NOT EXISTS s.t (a int(11) NOT NULL DEFAULT 7, b varchar(255) DEFAULT 'x', c DECIMAL(10, 2) COMMENT 'y')",
                "CREATE TABLE IF NOT EXISTS s.t (a int(11) NOT NULL DEFAULT ?, b varchar(255) DEFAULT ?, c DECIMAL(10, 2) COMMENT ?)",
            ),
            (
                "alter table t add column d character varying(20), modify e char(3), change f g timestamp(6) default now(6)",
                "alter table t add column d character varying(20), modify e char(3), change f g timestamp(6) default now(6)",
            ),
            (
                "/* anna */ ALTER TABLE t\nADD v4 INT,\nMODIFY COLUMN v1 VARCHAR(20),\nADD COLUMN (v5 DOUBLE, v6 DECIMAL(5, 3))",
                "/* ? */ ALTER TABLE t\nADD v4 INT,\nMODIFY COLUMN v1 VARCHAR(20),\nADD COLUMN (v5 DOUBLE, v6 DECIMAL(5, 3))",
            ),
            (
                "create table t (a enum('x','y'), b number(*, 2), c varchar2(20 char), check (a > 'z' and b < 9), key k (b(10)))",
                "create table t (a enum(?,?), b number(*, 2), c varchar2(20 char), check (a > ? and b < ?), key k (b(?)))",
            ),
            (
                "create table t (y int) partition by range (y) (partition p0 values less than (5))",
                "create table t (y int) partition by range (y) (partition p0 values less than (?))",
            ),
            (
                "alter table t alter column c type numeric(12,4)",
                "alter table t alter column c type numeric(12,4)",
            ),
            (
                "create table a (b int(1)); insert into c (char) values (2)",
                "create table a (b int(1)); insert into c (char) values (?)",
            ),
        ],
    );
    assert_all(
        &[MySql],
        &[(
            "create table `t` (`a` varchar(9) default \"x\") auto_increment=1001",
            "create table `t` (`a` varchar(9) default ?) auto_increment=?",
        )],
    );
}

#[test]
fn numbers_that_only_look_like_lengths_go() {
    assert_all(
        &ALL,
        &[
            (
                "create table t as select a, not char(83), char(69,67)",
                "create table t as select a, not char(?), char(?,?)",
            ),
            (
                "create table t (a int default char(83), check (not char(83) = a))",
                "create table t (a int default char(?), check (not char(?) = a))",
            ),
            (
                "create table t (a varchar(900456789), b decimal(1,2,3), c decimal(1,-2))",
                "create table t (a varchar(?), b decimal(1,2,?), c decimal(1,?))",
            ),
            ("create view t (a) as select b char(5)", "create view t (a) as select b char(?)"),
            ("insert into t (a, b char(5)) values (1)", "insert into t (a, b char(?)) values (?)"),
            ("create function f (a char(5))", "create function f (a char(?))"),
        ],
    );
}

#[test]
fn any_text_is_read_in_linear_time() {
    let pieces = [
        "'it''s',",
        "1,",
        "$a$ $b$ $a$,",
        "/* a /* b */ */ ",
        "q'[x]',",
        "\"a\",",
        "(",
        "''",
        "--\n",
    ];
    for (piece, flavour) in pieces.iter().flat_map(|piece| ALL.map(|flavour| (piece, flavour))) {
        let seconds = |bytes: usize| {
            let text = piece.repeat(bytes / piece.len());
            let start = Instant::now();
            let _ = std::hint::black_box(sql(&text, flavour));
            let _ = std::hint::black_box(mentions(&text, "ssn"));
            start.elapsed().as_secs_f64()
        };
        let (tenth, whole) = (seconds(40_000), seconds(400_000));
        // Anything quadratic would take a hundred times as long.
        assert!(whole < 40.0 * tenth + 0.5, "{flavour:?}, {piece:?}: {tenth} s, then {whole} s");
    }
}

#[test]
fn a_statement_of_ten_megabytes_is_read() {
    let text = format!("insert into t values ('{}')", "anna ''s ".repeat(1_200_000));
    assert_all(&ALL, &[(&text, "insert into t values (?)")]);
}
