//! Rules that keep a part of a value or its coarse shape, and that none of them returns what it was given.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{masked, masked_as};
use crate::card::passes;
use crate::cover::has_value;
use crate::digest::{Digest, Secrets};
use crate::rule::Rule;
use lockgate_plugin::Cell;

fn check(rule: &str, cases: &[(&str, &str)]) {
    for (clear, covered) in cases {
        assert_eq!(masked(rule, json!(clear)), *covered, "{rule} of {clear}");
    }
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn an_email_keeps_its_domain_its_first_character_and_its_punctuation() {
    check(
        "email",
        &[
            ("anna.berg@example.no", "a***.****@example.no"),
            ("a.b-c_d+tag@x.example", "a.*-*_*+***@x.example"),
            ("ødegård@exämple.no", "ø******@exämple.no"),
            ("😀ab@x.example", "😀**@x.example"),
            ("a@x.example", "*@x.example"),
            ("a.@x.example", "**@x.example"),
            ("a@b@x.example", "a**@x.example"),
            ("", ""),
            ("no address", "**********"),
            ("@x.example", "**********"),
            ("anna@", "*****"),
            ("a@x.example, call 900 45 678", "****************************"),
            ("Anna <anna@x.example>", "*********************"),
        ],
    );
}

#[test]
fn a_phone_number_keeps_its_country_its_last_two_digits_and_its_punctuation() {
    check(
        "phone",
        &[
            ("+47 900 45 678", "+47 *** ** *78"),
            ("+1 (415) 555-0100", "+1 (***) ***-**00"),
            ("+358 40 1234567", "+358 ** *****67"),
            ("(+47) 90045678", "(+47) ******78"),
            ("0047 900.45.678", "0047 ***.**.*78"),
            ("90045678", "******78"),
            ("900/45/678 ext", "***/**/*78 ***"),
            ("٩٠٠ 45 67 89", "*** ** ** 89"),
            ("123456", "****56"),
            ("12345", "*****"),
            ("+47 12345", "*********"),
            ("", ""),
            ("call Anna", "*********"),
        ],
    );
    assert_eq!(masked("phone", json!(4790045678u64)), "********78");
}

#[test]
fn a_card_number_keeps_its_issuer_and_its_last_four_digits() {
    check(
        "card",
        &[
            ("4111111111111111", "411111******1111"),
            ("4111 1111 1111 1111", "4111 11** **** 1111"),
            ("3782-822463-10005", "3782-82****-*0005"),
            ("123456789012", "123456**9012"),
            ("12345678901", "***********"),
            ("12345678901234567890", "********************"),
            ("4111111111111111 Anna", "*********************"),
            ("４１１１１１１１１１１１１１１１", "****************"),
            ("", ""),
        ],
    );
    assert_eq!(masked("card", number("4111111111111111")), "411111******1111");
    assert_eq!(masked("card", number("4.111111111111111e15")), "*********************");
}

#[test]
fn a_card_number_can_stay_one_that_passes_the_luhn_check() {
    check(
        "card:luhn",
        &[
            ("4111 1111 1111 1111", "4111 1100 0009 1111"),
            ("4111110000091111", "4111111000071111"),
            ("123456789012", "123456069012"),
            ("12345", "*****"),
        ],
    );
    let covered = masked("card:luhn", number("4111111111111111"));
    assert_eq!(covered, number("4111110000091111"), "a number stays a number");
    assert_eq!(masked("card:luhn", number("-4111111111111111")), "*****************");
}

#[test]
fn of_dates_and_timestamps_the_year_stays_at_the_same_shape() {
    check(
        "date-year",
        &[
            ("1984-02-29", "1984-01-01"),
            ("1984-02-29Z", "1984-01-01Z"),
            ("2020-05-17T10:11:12.123456Z", "2020-01-01T00:00:00.000000Z"),
            ("2020-05-17T10:11:12+02:00", "2020-01-01T00:00:00+02:00"),
            ("2020-05-17 10:11:12.5", "2020-01-01 00:00:00.0"),
            ("2020-05-17 10:11", "2020-01-01 00:00"),
            ("2020-05-17 10:11:12 UTC", "2020-01-01 00:00:00 UTC"),
            ("-0043-03-15T12:00:00.000000Z", "-0043-01-01T00:00:00.000000Z"),
            ("0044-03-15 BC", "0044-01-01 BC"),
            ("+12345-12-31", "+12345-01-01"),
            // It is the first of January already: nothing of it is lost, and nothing more of it is told.
            ("2020-01-01", "2020-01-01"),
            // No day of a year, as MySQL and PostgreSQL have them.
            ("0000-00-00 00:00:00", "0000-00-00 00:00:00"),
            ("2020-00-00", "2020-00-00"),
            ("infinity", "infinity"),
        ],
    );
    for text in [
        "",
        "17.05.2020",
        "20200517",
        "2020-5-17",
        "2020-13-01",
        "2020-01-32",
        "20-05-17",
        "2020-05-17 Anna",
        "2020-05-17T1:2:3",
        "2020-05-17T10:11:12.Z",
        "2020-05-17T10:11:12+2",
        "٢٠٢٠-05-17",
        "10:11:12",
        "2020-05-1é",
    ] {
        let refusal = "column \"c\" holds a string, which \"date-year\" cannot mask";
        assert_eq!(masked("date-year", json!(text)), refusal, "{text}");
    }
}

/// The start of each year from Python's `datetime`: `(datetime(1984, 1, 1) - datetime(1970, 1, 1)).days`.
#[test]
fn numbers_are_dates_by_the_type_of_their_column() {
    for (source_type, clear, covered) in [
        ("io.debezium.time.Date", "5172", "5113"),
        ("io.debezium.time.Date not null", "0", "0"),
        ("io.debezium.time.Date", "-1", "-365"),
        ("io.debezium.time.Date", "-719162", "-719162"),
        ("org.apache.kafka.connect.data.Date", "11016", "10957"),
        ("io.debezium.time.Timestamp", "1589710272123", "1577836800000"),
        ("io.debezium.time.MicroTimestamp", "1589710272123456", "1577836800000000"),
        ("io.debezium.time.NanoTimestamp", "1589710272123456789", "1577836800000000000"),
        ("io.debezium.time.MicroTimestamp", "9223372036825200000", "9223372036825200000"),
    ] {
        let left = masked_as(source_type, "date-year", number(clear)).unwrap();
        assert_eq!(left, number(covered), "{source_type} {clear}");
    }
    let refusal = "column \"c\" holds a number, which \"date-year\" cannot mask";
    assert_eq!(masked("date-year", json!(5172)), refusal, "days, or milliseconds?");
    for unusable in ["5172.5", "1e3", "99999999999999999999"] {
        let left = masked_as("io.debezium.time.Date", "date-year", number(unusable)).unwrap();
        assert_eq!(left, refusal, "{unusable}");
    }
    assert_eq!(
        masked_as("int64", "date-year", json!(1)).unwrap_err(),
        "column \"c\" of \"events\" is of type \"int64\", whose values name no day, so that \"date-year\" cannot tell their \
         year: use another rule"
    );
}

#[test]
fn a_zip_code_keeps_three_characters() {
    check(
        "zip3",
        &[
            ("12345-6789", "123*******"),
            ("0150", "015*"),
            ("SW1A 1AA", "SW1*****"),
            ("150", "***"),
            ("", ""),
        ],
    );
    assert_eq!(masked("zip3", json!(94110)), "941**");
}

#[test]
fn a_number_falls_to_the_multiple_below_exactly() {
    for (rule, clear, covered) in [
        ("number-bucket:10", "42", "40"),
        ("number-bucket:10", "9", "0"),
        ("number-bucket:10", "40", "40"),
        ("number-bucket:10", "-1", "-10"),
        ("number-bucket:10", "-10", "-10"),
        ("number-bucket:10", "-0.5", "-10.0"),
        ("number-bucket:10", "-0.0", "0.0"),
        (
            "number-bucket:1000",
            "12345678901234567890123456789.987",
            "12345678901234567890123456000.000",
        ),
        (
            "number-bucket:7",
            "100000000000000000000000000000000000001",
            "99999999999999999999999999999999999998",
        ),
        ("number-bucket:18446744073709551615", "18446744073709551616", "18446744073709551615"),
        ("number-bucket:1000", "-99999999999999999999.5", "-100000000000000000000.0"),
        ("number-bucket:10", "1.2345E3", "1230"),
        ("number-bucket:10", "1E2", "100"),
        ("number-bucket:10", "5e-400", "0"),
    ] {
        let left = masked(rule, number(clear));
        assert_eq!(left.to_string(), covered, "{rule} of {clear}");
    }
    check("number-bucket:100", &[("1234.50", "1200.00"), ("00042", "0"), ("NaN", "NaN")]);
    for text in ["", "12a", "1.", ".5", "+1", "1e999999999", "٤٢"] {
        let refusal = "column \"c\" holds a string, which \"number-bucket:10\" cannot mask";
        assert_eq!(masked("number-bucket:10", json!(text)), refusal, "{text}");
    }
}

const PARTIAL: [&str; 11] = [
    "redact",
    "keep-first:1",
    "keep-first:3",
    "keep-last:1",
    "keep-last:4",
    "keep-domain",
    "email",
    "phone",
    "card",
    "card:luhn",
    "zip3",
];

fn secrets() -> Secrets {
    let keys = vec![Digest::new("a key of 16 bytes or more", "k1").unwrap()];
    Secrets::new(keys, "k1").unwrap()
}

fn covered(rule: &str, cell: Cell<'_>, secrets: &Secrets) -> String {
    let mut out = Vec::new();
    assert!(has_value(cell).unwrap());
    Rule::parse(rule).unwrap().cover(cell, secrets, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Text like what the rules are for, and any other. None with the character that covers, which covers itself.
fn clear() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c.+@ é]{1,12}",
        "[+(]{0,2}[0-9 ()./-]{1,20}",
        "[0-9]{12,19}",
        "[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{0,7}",
        "\\PC{1,20}",
    ]
    .prop_filter("the cover covers itself", |text| !text.contains('*'))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_is_ever_returned_as_it_was(text in clear()) {
        for secrets in [Secrets::default(), secrets()] {
            for rule in PARTIAL {
                let left = covered(rule, Cell::String(&text), &secrets);
                prop_assert_ne!(&left, &text, "{}", rule);
                prop_assert_eq!(left.chars().count(), text.chars().count(), "{}", rule);
            }
        }
    }

    #[test]
    fn a_card_number_passes_the_luhn_check_and_is_always_another(text in "[0-9]{12,19}", number in any::<bool>()) {
        let cell = if number { Cell::Number(&text) } else { Cell::String(&text) };
        for secrets in [Secrets::default(), secrets()] {
            let left = covered("card:luhn", cell, &secrets);
            let digits: Vec<u8> = left.bytes().map(|digit| digit - b'0').collect();
            prop_assert!(passes(&digits), "{}", left);
            prop_assert_ne!(&left, &text);
            prop_assert_eq!(left.get(..6), text.get(..6));
            prop_assert_eq!(left.get(text.len() - 4..), text.get(text.len() - 4..));
            prop_assert_eq!(&covered("card:luhn", cell, &secrets), &left, "the same each time");
        }
    }

    #[test]
    fn years_of_days_are_those_of_the_calendar(year in -9999i64..9999, day in 0i64..365) {
        // Counts the days year by year, which the rule does not.
        let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days: i64 = (year.min(1970)..year.max(1970)).map(|year| 365 + i64::from(leap(year))).sum();
        let start = if year < 1970 { -days } else { days };
        let left = masked_as("io.debezium.time.Date", "date-year", json!(start + day)).unwrap();
        prop_assert_eq!(left, json!(start));
    }

    #[test]
    fn buckets_are_those_of_integer_division(value in any::<i64>(), size in 2u64..1_000_000) {
        let size = i128::from(size);
        let floor = i128::from(value).div_euclid(size) * size;
        let left = covered(&format!("number-bucket:{size}"), Cell::Number(&value.to_string()), &Secrets::default());
        prop_assert_eq!(left, floor.to_string());
    }
}
