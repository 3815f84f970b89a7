//! An invented shop whose database changes all the time: Debezium events with names, e-mails and card numbers, the same ones
//! for the same seed. Knows no broker.

use std::fmt::Write as _;

const FIRST_NAMES: [&str; 12] = [
    "Anna", "Bjørn", "Chloé", "Dmitri", "Esra", "Farid", "Grace", "Hiroshi", "Inés", "Jürgen",
    "Kavya", "Łukasz",
];
const LAST_NAMES: [&str; 12] = [
    "Ødegård",
    "Novak",
    "Silva",
    "Okafor",
    "Tanaka",
    "Müller",
    "Rossi",
    "Kowalska",
    "Haddad",
    "Nguyen",
    "O'Brien",
    "Fernández",
];
const COUNTRIES: [&str; 6] = ["NO", "DE", "BR", "JP", "NG", "PL"];
const STATES: [&str; 4] = ["new", "active", "paused", "closed"];

/// A change of one customer's row.
#[derive(Clone, Debug)]
pub struct Change {
    /// `{"id":N}`.
    pub key: String,
    /// None for the tombstone that follows a delete.
    pub value: Option<String>,
    /// Customer the change is about; changes of one customer belong on one partition, in this order.
    pub customer: u64,
    /// Counts the changes of this shop from 0; stands in the row as `revision`, where a reader finds it.
    pub revision: u64,
    /// Texts of the row that must never leave in clear.
    pub secrets: Vec<String>,
}

/// How the values are framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    #[default]
    Bare,
    /// With Kafka Connect's schema envelope.
    Envelope,
}

/// Produces changes for ever.
pub struct Shop {
    random: u64,
    revision: u64,
    customers: u64,
    framing: Framing,
    pending: Vec<Change>,
}

impl Shop {
    /// A shop of `customers` customers.
    pub fn new(seed: u64, customers: u64) -> Self {
        let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self { random, revision: 0, customers, framing: Framing::Bare, pending: Vec::new() }
    }

    #[must_use]
    pub fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// The next change: mostly updates of about 1 KB, some inserts, a delete with its tombstone now and then.
    pub fn change(&mut self) -> Change {
        if let Some(tombstone) = self.pending.pop() {
            return tombstone;
        }
        let customer = self.draw(self.customers) + 1;
        match self.draw(100) {
            0..2 => {
                let deleted = self.row_change(customer, 'd');
                let tombstone = Change { value: None, secrets: Vec::new(), ..deleted.clone() };
                self.pending.push(tombstone);
                deleted
            }
            2..17 => self.row_change(customer, 'c'),
            _ => self.update(customer),
        }
    }

    /// An update with both images, about 1 KB.
    pub fn update(&mut self, customer: u64) -> Change {
        self.row_change(customer, 'u')
    }

    fn row_change(&mut self, customer: u64, operation: char) -> Change {
        let revision = self.revision;
        self.revision += 1;
        let mut secrets = Vec::new();
        let before = match operation {
            'c' => "null".to_owned(),
            _ => self.row(customer, revision, &mut secrets),
        };
        let after = match operation {
            'd' => "null".to_owned(),
            _ => self.row(customer, revision, &mut secrets),
        };
        let ts = 1_795_000_000_000 + revision;
        let payload = format!(
            "{{\"before\":{before},\"after\":{after},\"source\":{{\"version\":\"3.5.0.Final\",\
             \"connector\":\"postgresql\",\"name\":\"shop\",\"ts_ms\":{ts},\"snapshot\":\"false\",\
             \"db\":\"shop\",\"sequence\":\"[\\\"26956248\\\",\\\"{lsn}\\\"]\",\"ts_us\":{ts}000,\
             \"ts_ns\":{ts}000000,\"schema\":\"public\",\"table\":\"customers\",\"txId\":{tx},\
             \"lsn\":{lsn},\"xmin\":null}},\"transaction\":null,\"op\":\"{operation}\",\
             \"ts_ms\":{ts},\"ts_us\":{ts}123,\"ts_ns\":{ts}123456}}",
            lsn = 26_956_248 + revision * 56,
            tx = 700 + revision,
        );
        let value = match self.framing {
            Framing::Bare => payload,
            Framing::Envelope => format!("{{\"schema\":{},\"payload\":{payload}}}", schema()),
        };
        let key = format!("{{\"id\":{customer}}}");
        Change { key, value: Some(value), customer, revision, secrets }
    }

    fn row(&mut self, id: u64, revision: u64, secrets: &mut Vec<String>) -> String {
        let first = self.pick(&FIRST_NAMES);
        let last = self.pick(&LAST_NAMES);
        let number = self.draw(1_000_000);
        let email = format!("{}.{number}@example.com", ascii(last));
        let card = format!(
            "4{:03} {:04} {:04} {:04}",
            self.draw(1_000),
            self.draw(10_000),
            self.draw(10_000),
            self.draw(10_000)
        );
        let phone =
            format!("+47 {:03} {:02} {:03}", self.draw(1_000), self.draw(100), number % 1_000);
        let mut row = String::with_capacity(400);
        write!(
            row,
            "{{\"id\":{id},\"email\":\"{email}\",\"full_name\":\"{first} {last}\",\
             \"card\":\"{card}\",\"phone\":\"{phone}\",\"country\":\"{}\",\"state\":\"{}\",\
             \"balance\":\"{}.{:02}\",\"visits\":{},\"profile\":\"{{\\\"lang\\\": \\\"en\\\", \
             \\\"contact\\\": {{\\\"email\\\": \\\"{email}\\\"}}}}\",\
             \"updated_at\":\"2026-11-21T02:06:18.936013Z\",\"revision\":{revision}}}",
            self.pick(&COUNTRIES),
            self.pick(&STATES),
            self.draw(10_000),
            self.draw(100),
            self.draw(500),
        )
        .expect("a string takes what is written");
        secrets.extend([email, card]);
        row
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.draw(from.len() as u64)).unwrap_or(0);
        from.get(at).copied().unwrap_or_default()
    }

    /// A number below `limit`: xorshift64, good enough for a shop.
    fn draw(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit.max(1)
    }
}

fn ascii(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphabetic);
    letters.collect::<String>().to_ascii_lowercase()
}

/// The Connect schema of the shop's change events.
fn schema() -> String {
    let column = |(name, kind): (&str, &str)| {
        format!("{{\"type\":\"{kind}\",\"optional\":true,\"field\":\"{name}\"}}")
    };
    let columns = [
        ("id", "int64"),
        ("email", "string"),
        ("full_name", "string"),
        ("card", "string"),
        ("phone", "string"),
        ("country", "string"),
        ("state", "string"),
        ("balance", "string"),
        ("visits", "int32"),
        ("profile", "string"),
        ("updated_at", "string"),
        ("revision", "int64"),
    ];
    let row = columns.map(column).join(",");
    let image = |field: &str| {
        format!(
            "{{\"type\":\"struct\",\"fields\":[{row}],\"optional\":true,\
             \"name\":\"shop.public.customers.Value\",\"field\":\"{field}\"}}"
        )
    };
    let source = ["version", "connector", "name", "snapshot", "db", "sequence", "schema", "table"]
        .map(|name| column((name, "string")))
        .join(",");
    let numbers = ["ts_ms", "ts_us", "ts_ns", "txId", "lsn", "xmin"]
        .map(|name| column((name, "int64")))
        .join(",");
    format!(
        "{{\"type\":\"struct\",\"fields\":[{},{},{{\"type\":\"struct\",\"fields\":[{source},{numbers}],\
         \"optional\":false,\"name\":\"io.debezium.connector.postgresql.Source\",\
         \"field\":\"source\"}},{},{},{}],\"optional\":false,\
         \"name\":\"shop.public.customers.Envelope\"}}",
        image("before"),
        image("after"),
        column(("transaction", "string")),
        column(("op", "string")),
        ["ts_ms", "ts_us", "ts_ns"].map(|name| column((name, "int64"))).join(","),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_changes() {
        let draw = || {
            let mut shop = Shop::new(7, 100);
            (0..50).map(|_| shop.change().value).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }

    #[test]
    fn an_update_is_about_a_kilobyte_of_valid_json() {
        for framing in [Framing::Bare, Framing::Envelope] {
            let change = Shop::new(7, 100).framed(framing).update(3);
            let value = change.value.expect("an update has a value");
            let parsed: serde_json::Value = serde_json::from_str(&value).expect("valid JSON");
            let payload = parsed.get("payload").unwrap_or(&parsed);
            assert_eq!(payload["after"]["id"], 3);
            assert!(change.secrets.iter().all(|secret| value.contains(secret.as_str())));
            if framing == Framing::Bare {
                assert!((900..1_500).contains(&value.len()), "{} bytes", value.len());
            }
        }
    }
}
