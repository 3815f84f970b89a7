//! The loop that a careful engineer writes without Lockgate: serde_json values, numbers kept exact.

use serde_json::Value;

use crate::chains::Work;

/// Does `work` to one event and appends what leaves to `out`; nothing where the event is dropped.
pub(crate) fn carry(work: Work, event: &[u8], out: &mut Vec<u8>) {
    let mut value: Value = serde_json::from_slice(event).expect("the bench's events are JSON");
    let payload = match value.get_mut("payload") {
        Some(payload) => payload,
        None => &mut value,
    };
    match work {
        Work::Identity | Work::IdentityEnveloped => {}
        Work::Filter => {
            let country = payload.pointer("/after/country").and_then(Value::as_str);
            if country == Some("NO") {
                return;
            }
        }
        Work::Mask | Work::MaskEnveloped | Work::Protected | Work::ProtectedEnveloped => {
            mask(payload);
        }
        Work::Reshape => reshape(payload),
        Work::All => {
            let country = payload.pointer("/after/country").and_then(Value::as_str);
            if country == Some("NO") {
                return;
            }
            mask(payload);
        }
    }
    serde_json::to_writer(out, &value).expect("a vector takes what is written");
}

fn mask(payload: &mut Value) {
    for image in ["before", "after"] {
        let Some(row) = payload.get_mut(image).and_then(Value::as_object_mut) else { continue };
        if let Some(Value::String(email)) = row.get_mut("email") {
            let domain = email.split_once('@').map_or("", |(_, domain)| domain);
            *email = format!("***@{domain}");
        }
        if let Some(Value::String(card)) = row.get_mut("card") {
            let hidden = card.chars().count().saturating_sub(4);
            *card =
                card.chars().enumerate().map(|(n, c)| if n < hidden { '*' } else { c }).collect();
        }
    }
}

fn reshape(payload: &mut Value) {
    for image in ["before", "after"] {
        let Some(row) = payload.get_mut(image).and_then(Value::as_object_mut) else { continue };
        row.shift_remove("profile");
        let renamed = std::mem::take(row).into_iter().map(|(name, value)| {
            if name == "full_name" { ("name".to_owned(), value) } else { (name, value) }
        });
        *row = renamed.collect();
    }
}
