//! Request Tracker's REST 2.0 JSON and nothing else: lenient about types, silent about meaning.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What RT says when it refuses.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    #[serde(default)]
    pub(crate) message: String,
}

/// The version page.
#[derive(Debug, Deserialize)]
pub(crate) struct Server {
    #[serde(rename = "Version")]
    pub(crate) version: String,
}

/// A list. `total` and `pages` are null for some lists, and rows we may not see are cut after the page was.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<Option<T>>,
}

/// A pointer to a user, queue or ticket, with whatever fields were asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Pointer {
    #[serde(default, deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default, rename = "Name", deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(default, rename = "RealName", deserialize_with = "text")]
    pub(crate) real_name: String,
}

/// A ticket as its own page or a search shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Ticket {
    #[serde(rename = "id", deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) queue: Pointer,
    #[serde(default, deserialize_with = "text")]
    pub(crate) subject: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) status: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) priority: String,
    #[serde(default, deserialize_with = "pointer")]
    pub(crate) owner: Pointer,
    #[serde(default, deserialize_with = "text")]
    pub(crate) starts: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) due: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) time_estimated: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) time_worked: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) time_left: String,
    #[serde(default, deserialize_with = "none_is_empty")]
    pub(crate) requestor: Vec<Pointer>,
    #[serde(default, deserialize_with = "none_is_empty")]
    pub(crate) custom_fields: Vec<CustomField>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) created: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) last_updated: String,
    #[serde(default, rename = "_hyperlinks", deserialize_with = "none_is_empty")]
    pub(crate) hyperlinks: Vec<Hyperlink>,
}

/// A custom field with its values on one ticket. A picture or binary is an object.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CustomField {
    #[serde(default, deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "none_is_empty")]
    pub(crate) values: Vec<Value>,
}

/// A link of a ticket or transaction: to records, and to what can be done next.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hyperlink {
    #[serde(default, rename = "ref", deserialize_with = "text")]
    pub(crate) relation: String,
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub(crate) target: String,
    #[serde(default, rename = "_url", deserialize_with = "text")]
    pub(crate) url: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) to: String,
}

/// A transaction in a list, or on its own page (where `Object` stands instead of `ObjectId`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Transaction {
    #[serde(rename = "id", deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default, rename = "Type", deserialize_with = "text")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) creator: Pointer,
    #[serde(default, deserialize_with = "text")]
    pub(crate) created: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) field: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) old_value: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) new_value: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) object_id: String,
    #[serde(default, deserialize_with = "pointer")]
    pub(crate) object: Pointer,
}

/// A part of a message: its text or a file. `Content` is raw in lists and base64 on its own page.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attachment {
    #[serde(rename = "id", deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default, deserialize_with = "pointer")]
    pub(crate) transaction_id: Pointer,
    #[serde(default, deserialize_with = "text")]
    pub(crate) content_type: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) content_length: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) filename: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) headers: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) content: String,
}

/// A queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Queue {
    #[serde(rename = "id", deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) lifecycle: String,
    #[serde(default, deserialize_with = "none_is_empty")]
    pub(crate) ticket_custom_fields: Vec<CustomField>,
}

/// A user's own page.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct User {
    #[serde(default, deserialize_with = "text")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) real_name: String,
}

/// Text that RT writes now as a string, now as a number, now as null.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(plain(&Value::deserialize(deserializer)?))
}

/// An id that RT writes bare in lists and as a pointer on a record's own page.
fn pointer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pointer, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let part = |name: &str| value.get(name).map(plain).unwrap_or_default();
    Ok(if value.is_object() {
        Pointer { id: part("id"), name: part("Name"), real_name: part("RealName") }
    } else {
        Pointer { id: plain(&value), ..Pointer::default() }
    })
}

fn none_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_text_in_every_spelling() {
        let bare: Attachment = serde_json::from_str(r#"{"id":"5","TransactionId":"51"}"#).unwrap();
        let pointed: Attachment = serde_json::from_str(
            r#"{"id":5,"TransactionId":{"id":"51","type":"transaction"},"Filename":null}"#,
        )
        .unwrap();
        assert_eq!((bare.id, bare.transaction_id.id), ("5".to_owned(), "51".to_owned()));
        assert_eq!((pointed.id, pointed.transaction_id.id), ("5".to_owned(), "51".to_owned()));
    }

    #[test]
    fn a_row_may_be_null_and_a_list_without_totals() {
        let list: List<Transaction> = serde_json::from_str(
            r#"{"count":2,"pages":null,"total":null,"items":[null,{"id":"7","Type":"Create"}]}"#,
        )
        .unwrap();
        assert_eq!(list.items.len(), 2);
    }
}
