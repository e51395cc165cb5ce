//! Settings declared once: parser, checks, schema and example all come from the same list.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::http::FurtherHost;
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

    /// The text under `key` without the blanks around it, if it holds anything else.
    pub fn trimmed(&self, key: &str) -> Option<String> {
        self.text(key).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// The text under `key` without the blanks around it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] if it is missing or blank.
    pub fn required_text(&self, key: &str) -> Result<String> {
        self.trimmed(key).ok_or_else(|| missing(key))
    }

    /// The texts of the list under `key`; none where it is not there.
    pub fn texts(&self, key: &str) -> Vec<String> {
        let list = self.values.get(key).and_then(serde_json::Value::as_array);
        list.into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
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

    /// The address under `key` that others begin with: of http or https, with a slash at its end and nothing behind it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] if it is missing or no such address.
    pub fn base(&self, key: &str) -> Result<url::Url> {
        let mut url = self.address(key)?;
        if url.cannot_be_a_base() || !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(key, "has to be an http or https address"));
        }
        url.set_query(None);
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(url)
    }

    /// The address under `key` that others begin with; `usual`, which is taken as it is, where the setting is not there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] if it is no such address.
    pub fn base_or(&self, key: &str, usual: &str) -> Result<url::Url> {
        match self.text(key) {
            Some(_) => self.base(key),
            None => {
                usual.parse().map_err(|error| wrong(key, &format!("is usually {usual}, no address: {error}")))
            }
        }
    }

    /// The hosts listed under `key`, which are asked without the system's own credentials; the usual ones where nothing is
    /// listed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] if one of them is no host.
    pub fn hosts(&self, key: &str, usual: &[&str]) -> Result<Vec<FurtherHost>> {
        let listed = self.values.get(key).and_then(serde_json::Value::as_array);
        let hosts: Vec<&str> = match listed {
            Some(listed) => listed.iter().map(|host| host.as_str().unwrap_or_default()).collect(),
            None => usual.to_vec(),
        };
        let host = |text: &&str| text.parse().map_err(|error| wrong(key, &format!("has {text:?}: {error}")));
        hosts.iter().map(host).collect()
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

/// What is wrong with the setting `key`, as the end of a sentence that names it.
pub fn wrong(key: &str, what: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, format!("the setting {key} {what}"))
}

fn missing(key: &str) -> Error {
    wrong(key, "is missing")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn settings(value: Value) -> Settings {
        Settings { values: BTreeMap::from([("url".to_owned(), value)]), ..Settings::default() }
    }

    #[test]
    fn an_address_that_others_begin_with_ends_in_a_slash() {
        let base = |text: &str| settings(json!(text)).base("url").unwrap().to_string();
        assert_eq!(base("https://desk.example"), "https://desk.example/");
        assert_eq!(base("http://desk.example/help?x=1#top"), "http://desk.example/help/");
        let usual = Settings::default().base_or("url", "https://usual.example/v1/").unwrap();
        assert_eq!(usual.as_str(), "https://usual.example/v1/");
    }

    #[test]
    fn what_is_wrong_with_a_setting_names_it() {
        for (value, words) in [
            (json!("ftp://desk.example"), "the setting url has to be an http or https address"),
            (json!("mailto:desk@example"), "the setting url has to be an http or https address"),
            (json!("desk"), "the setting url is no address: relative URL without a base"),
        ] {
            let settings = settings(value);
            for error in [settings.base("url").unwrap_err(), settings.base_or("url", "").unwrap_err()] {
                assert_eq!((error.kind(), error.message()), (ErrorKind::Misconfigured, words));
            }
        }
        let blank = settings(json!("  "));
        assert_eq!(blank.trimmed("url"), None);
        assert_eq!(blank.required_text("url").unwrap_err().message(), "the setting url is missing");
        let error = settings(json!(["*.example.org", "https://x/"])).hosts("url", &[]).unwrap_err();
        assert!(error.message().starts_with("the setting url has \"https://x/\": "), "{error}");
    }

    #[test]
    fn an_empty_list_of_hosts_is_not_the_usual_one() {
        assert_eq!(Settings::default().hosts("url", &["files.example"]).unwrap().len(), 1);
        assert!(settings(json!([])).hosts("url", &["files.example"]).unwrap().is_empty());
    }
}
