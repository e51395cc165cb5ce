//! Settings declared once: parser, checks, schema and example all come from the same list.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::{Error, ErrorKind, Result};

/// One setting that an operator writes.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// What it holds.
    pub kind: SettingKind,
    /// Whether it may be left out.
    pub required: bool,
    /// One or two sentences: what it does, limits, what happens without it.
    pub doc: &'static str,
    /// A value as TOML, for the example.
    pub example: &'static str,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// Any text.
    Text,
    /// The path of a file, from the configuration's folder on; a text without slash and dot is a name that the kind
    /// knows.
    File,
    /// An `http` or `https` address.
    Address,
    /// A reference to a secret: `{ env = "NAME" }` or `{ file = "PATH" }`.
    Secret,
    /// A whole number, zero or more.
    Count,
    /// True or false.
    Flag,
    /// A length of time such as `"30s"`, `"5m"`, `"24h"`.
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts.
    TextList,
    /// A table from text to text.
    TextMap,
}

/// The checked values of one system's own table, with its secrets resolved.
#[derive(Debug, Default)]
pub struct Settings {
    /// Values other than secrets; durations are seconds.
    pub values: BTreeMap<String, serde_json::Value>,
    /// Secrets by key.
    pub secrets: BTreeMap<String, SecretString>,
}

impl Settings {
    /// The text under `key`, if it is there.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).and_then(serde_json::Value::as_str)
    }

    /// The whole number under `key`, if it is there.
    pub fn count(&self, key: &str) -> Option<u64> {
        self.values.get(key).and_then(serde_json::Value::as_u64)
    }

    /// How many characters a field takes, under `key`; `usual` where it is not there.
    pub fn width(&self, key: &str, usual: usize) -> usize {
        self.count(key).map_or(usual, |width| usize::try_from(width).unwrap_or(usize::MAX))
    }

    /// The flag under `key`, false where it is not there.
    pub fn flag(&self, key: &str) -> bool {
        self.values.get(key).and_then(serde_json::Value::as_bool).unwrap_or(false)
    }

    /// The secret under `key`, if it is there.
    pub fn secret(&self, key: &str) -> Option<SecretString> {
        self.secrets.get(key).cloned()
    }

    /// The address under `key`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] if it is missing or no address.
    pub fn address(&self, key: &str) -> Result<url::Url> {
        let text = self.text(key).ok_or_else(|| missing(key))?;
        url::Url::parse(text).map_err(|error| {
            Error::new(ErrorKind::Misconfigured, format!("the setting {key} is no address: {error}"))
        })
    }

    /// The secret under `key`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] if it is missing.
    pub fn required_secret(&self, key: &str) -> Result<SecretString> {
        self.secret(key).ok_or_else(|| missing(key))
    }
}

fn missing(key: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, format!("the setting {key} is missing"))
}
