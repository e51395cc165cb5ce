//! Tables whose values are known to be of the declared types: what checks and builders read from.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::findings::Place;
use super::shape::join;
use crate::egress::Allowed;

/// A table whose values are all of the declared types. What was wrong is reported and not in it.
#[derive(Debug)]
pub(super) struct Section {
    /// Where its name stands.
    pub at: Place,
    /// Its path.
    pub path: String,
    /// Its keys in the order of the file, then those that a default stands in for.
    pub entries: Vec<Entry>,
}

/// One key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_at: Place,
    /// Where the value stands.
    pub at: Place,
    /// The value; `None` where it was wrong and has been reported.
    pub value: Option<Value>,
}

/// A value of a declared type.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    Flag(bool),
    Span(Duration),
    Secret(SecretString),
    Path(PathBuf),
    Socket(SocketAddr),
    Networks(Vec<Allowed>),
    Texts(Vec<String>),
    Section(Section),
}

impl Section {
    /// Whether every value in it was right.
    pub(super) fn is_right(&self) -> bool {
        self.entries.iter().all(|entry| match &entry.value {
            Some(Value::Section(inner)) => inner.is_right(),
            value => value.is_some(),
        })
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.entry(key)?.value.as_ref()
    }

    pub(super) fn section(&self, key: &str) -> Option<&Section> {
        if let Value::Section(section) = self.value(key)? { Some(section) } else { None }
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.value(key)?.as_text()
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        if let Value::Number(number) = self.value(key)? { Some(*number) } else { None }
    }

    pub(super) fn span(&self, key: &str) -> Option<Duration> {
        if let Value::Span(span) = self.value(key)? { Some(*span) } else { None }
    }

    /// The tables in this one, by name.
    pub(super) fn sections(&self) -> impl Iterator<Item = (&Entry, &Section)> {
        self.entries.iter().filter_map(|entry| match &entry.value {
            Some(Value::Section(section)) => Some((entry, section)),
            _ => None,
        })
    }

    /// The texts in this table, by key.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&Entry, &str)> {
        self.entries.iter().filter_map(|entry| Some((entry, entry.value.as_ref()?.as_text()?)))
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

impl Value {
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}
