//! Topic names made of a table's own names. Pure.

use lockgate_plugin::Table;

const LONGEST_TOPIC: usize = 249;

/// A topic name with places for a table's names, as in `pii.{table}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Table,
    Schema,
    Database,
    Topic,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, place) = match rest.split_once('{') {
                Some((literal, place)) => (literal, Some(place)),
                None => (rest, None),
            };
            if let Some(char) = literal.chars().find(|char| !is_legal(*char)) {
                return Err(format!("{text:?} has a {char:?}, which no topic name may have"));
            }
            if !literal.is_empty() {
                pieces.push(Piece::Text(literal.to_owned()));
            }
            let Some(place) = place else { break };
            let Some((name, after)) = place.split_once('}') else {
                return Err(format!("{text:?} opens a place that it does not close"));
            };
            pieces.push(match name {
                "table" => Piece::Table,
                "schema" => Piece::Schema,
                "database" => Piece::Database,
                "topic" => Piece::Topic,
                _ => {
                    return Err(format!(
                        "{{{name}}} in {text:?} is no place: they are {{table}}, {{schema}}, {{database}} and {{topic}}"
                    ));
                }
            });
            rest = after;
        }
        if pieces.is_empty() {
            return Err("the topic is empty".into());
        }
        Ok(Self(pieces))
    }

    /// The topic of a table. What a topic name may not hold becomes `_`, as Debezium names its topics.
    pub(crate) fn fill(&self, table: &Table) -> Result<String, String> {
        let mut topic = String::new();
        for piece in &self.0 {
            let (what, name) = match piece {
                Piece::Text(text) => ("", text),
                Piece::Table => ("table", &table.name),
                Piece::Schema => ("schema", &table.schema),
                Piece::Database => ("database", &table.database),
                Piece::Topic => ("topic", &table.topic),
            };
            if name.is_empty() {
                return Err(format!(
                    "the topic's {{{what}}} stays empty: the records of {:?} name no {what}",
                    table.qualified_name()
                ));
            }
            topic.extend(name.chars().map(|char| if is_legal(char) { char } else { '_' }));
        }
        if topic.len() > LONGEST_TOPIC || topic == "." || topic == ".." {
            return Err(format!(
                "the topic of {:?} would be {topic:?}, which Kafka does not allow",
                table.qualified_name()
            ));
        }
        Ok(topic)
    }
}

fn is_legal(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-')
}
