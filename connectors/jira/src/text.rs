//! Rich text in the edition's own dialect and back: the only place that knows which dialect that is.

use serde_json::Value;
use throughline_markup::{adf, jira};

use crate::config::Edition;

/// Canonical text from a document (Cloud) or wiki markup (Data Center); nothing from anything else.
pub(crate) fn read(text: &Value) -> String {
    match text {
        Value::String(wiki) => jira::read(wiki).text,
        Value::Object(_) => adf::read(text).text,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => String::new(),
    }
}

/// Canonical text in the dialect of the edition.
pub(crate) fn write(edition: Edition, text: &str) -> Value {
    match edition {
        Edition::Cloud => adf::write(text).0,
        Edition::DataCenter => jira::write(text).text.into(),
    }
}

/// What a text reads as once it was written: what the dialect cannot express is left out.
pub(crate) fn through(edition: Edition, text: &str) -> String {
    read(&write(edition, text))
}
