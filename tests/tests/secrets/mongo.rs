//! MongoDB's documents: strings of JSON in three places, one of them with dotted names.

use super::plant::Planted;

pub(crate) fn planted() -> Vec<Planted> {
    let mut plant = Planted::new("mongo", "debezium");
    let document = |plant: &mut Planted, place: &str| {
        let email = plant.secret(&format!("{place} email"));
        let inner = plant.secret(&format!("{place} contact.email"));
        format!(
            r#"{{\"_id\": {{\"$oid\": \"5f\"}},\"email\": \"{email}\",\"contact\": {{\"email\": \"{inner}\",\"n\": 1}}}}"#
        )
    };
    let (before, after) = (document(&mut plant, "before"), document(&mut plant, "after"));
    let updated = plant.secret("updatedFields email");
    let dotted = plant.secret("updatedFields contact.email");
    let whole = plant.secret("updatedFields contact");
    let value = format!(
        r#"{{"before":"{before}","after":"{after}","updateDescription":{{"removedFields":["old"],"updatedFields":"{{\"email\": \"{updated}\",\"contact.email\": \"{dotted}\"}}","truncatedArrays":null}},"source":{{"connector":"mongodb","db":"shop","collection":"people","ord":1}},"op":"u"}}"#
    );
    plant.write(Some(r#"{"id":"{\"$oid\": \"5f\"}"}"#), value);
    let value = format!(
        r#"{{"before":null,"after":null,"updateDescription":{{"removedFields":null,"updatedFields":"{{\"contact\": {{\"email\": \"{whole}\"}}}}","truncatedArrays":null}},"source":{{"connector":"mongodb","db":"shop","collection":"people","ord":2}},"op":"u"}}"#
    );
    plant.write(Some(r#"{"id":"{\"$oid\": \"5f\"}"}"#), value);
    vec![plant]
}
