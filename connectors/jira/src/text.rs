//! Rich text in the edition's own dialect and back: the only place that knows which dialect that is.

use serde_json::{Value, json};
use throughline_sdk::ticket::canonical_text;

use crate::config::Edition;

/// Canonical text from a document (Cloud) or wiki markup (Data Center); nothing from anything else.
pub(crate) fn read(text: &Value) -> String {
    match text {
        Value::String(wiki) => canonical_text(wiki),
        Value::Object(_) => {
            let mut out = String::new();
            collect(text, &mut out);
            canonical_text(&out)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => String::new(),
    }
}

fn collect(node: &Value, out: &mut String) {
    match node.get("type").and_then(Value::as_str) {
        Some("text") => out.push_str(node.get("text").and_then(Value::as_str).unwrap_or_default()),
        Some("hardBreak") => out.push('\n'),
        Some(_) | None => {
            for child in node.get("content").and_then(Value::as_array).into_iter().flatten() {
                collect(child, out);
            }
        }
    }
}

/// Canonical text in the dialect of the edition.
pub(crate) fn write(edition: Edition, text: &str) -> Value {
    match edition {
        Edition::DataCenter => Value::from(text),
        Edition::Cloud => {
            let mut content = Vec::new();
            for (at, line) in text.split('\n').enumerate() {
                if at > 0 {
                    content.push(json!({"type": "hardBreak"}));
                }
                if !line.is_empty() {
                    content.push(json!({"type": "text", "text": line}));
                }
            }
            json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": content}]})
        }
    }
}

/// What a text reads as once it was written: what the dialect cannot express is left out.
pub(crate) fn through(edition: Edition, text: &str) -> String {
    read(&write(edition, text))
}
