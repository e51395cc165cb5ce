//! The settings of a configuration one by one, so that two can be compared in words, without the value of a secret.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};

use super::section::{Section, Value};

/// The longest value that is repeated in words.
const LONGEST: usize = 120;

/// Every setting with its value, defaults included.
#[derive(Clone, Debug, Default)]
pub struct Listing(BTreeMap<String, Setting>);

#[derive(Clone, Debug)]
struct Setting {
    /// The party, system or agreement that it belongs to, or its table.
    of: String,
    value: Shown,
}

#[derive(Clone, Debug)]
enum Shown {
    Text(String),
    Secret(SecretString),
}

impl Listing {
    pub(super) fn of(sections: &[Section]) -> Self {
        let mut listing = Self::default();
        for section in sections {
            listing.take(section, 0, "");
        }
        listing
    }

    fn take(&mut self, section: &Section, depth: usize, of: &str) {
        for entry in &section.entries {
            let path = section.path_of(&entry.key);
            let owner = if depth < 2 { path.as_str() } else { of };
            match &entry.value {
                None => {}
                Some(Value::Section(inner)) => self.take(inner, depth + 1, owner),
                Some(value) => {
                    let of = if depth < 2 { section.path.as_str() } else { of };
                    let setting = Setting { of: of.to_owned(), value: shown(value) };
                    self.0.insert(path, setting);
                }
            }
        }
    }

    /// What is different afterwards, one setting each. A whole party, system or agreement is named once.
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let owners = |listing: &Self| -> BTreeSet<String> {
            listing.0.values().map(|setting| setting.of.clone()).collect()
        };
        let (before, now) = (owners(self), owners(after));
        let mut words: Vec<String> = now.difference(&before).map(|of| format!("{of} is new")).collect();
        words.extend(before.difference(&now).map(|of| format!("{of} is gone")));
        let both: BTreeSet<&String> = before.intersection(&now).collect();
        let keys: BTreeSet<&String> = self.0.keys().chain(after.0.keys()).collect();
        for key in keys {
            let (old, new) = (self.0.get(key), after.0.get(key));
            let stands = |setting: &Setting| both.contains(&setting.of);
            if old.or(new).is_some_and(stands) {
                words.extend(difference(key, old, new));
            }
        }
        words
    }

    /// Those of these settings, or of the settings in these tables, that are different afterwards.
    pub fn moved(&self, after: &Self, paths: &[&str]) -> Vec<String> {
        let under = |key: &str| {
            paths.iter().any(|path| {
                key.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        let keys: BTreeSet<&String> = self.0.keys().chain(after.0.keys()).collect();
        let same = |key: &String| match (self.0.get(key), after.0.get(key)) {
            (None, None) => true,
            (Some(old), Some(new)) => old.value.is(&new.value),
            (Some(_), None) | (None, Some(_)) => false,
        };
        keys.into_iter().filter(|key| under(key) && !same(key)).cloned().collect()
    }
}

fn difference(key: &str, old: Option<&Setting>, new: Option<&Setting>) -> Option<String> {
    match (old, new) {
        (Some(old), Some(new)) if old.value.is(&new.value) => None,
        (Some(old), Some(new)) => Some(match (&old.value, &new.value) {
            (Shown::Text(old), Shown::Text(new)) => format!("{key} is {new}, was {old}"),
            _ => format!("{key} holds another secret"),
        }),
        (None, Some(new)) => Some(match &new.value {
            Shown::Text(new) => format!("{key} is {new}, was not set"),
            Shown::Secret(_) => format!("{key} holds a secret, was not set"),
        }),
        (Some(old), None) => Some(match &old.value {
            Shown::Text(old) => format!("{key} is not set, was {old}"),
            Shown::Secret(_) => format!("{key} is not set, held a secret"),
        }),
        (None, None) => None,
    }
}

impl Shown {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Secret(one), Self::Secret(other)) => one.expose_secret() == other.expose_secret(),
            (Self::Text(_), Self::Secret(_)) | (Self::Secret(_), Self::Text(_)) => false,
        }
    }
}

fn shown(value: &Value) -> Shown {
    let text = match value {
        Value::Secret(secret) => return Shown::Secret(secret.clone()),
        Value::Text(text) => format!("{text:?}"),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Span(span) => format!("{span:?}"),
        Value::Path(path) => format!("{:?}", path.display().to_string()),
        Value::Socket(socket) => socket.to_string(),
        Value::Networks(networks) => {
            let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
            format!("[{}]", networks.join(", "))
        }
        Value::Texts(texts) => format!("{texts:?}"),
        // Walked into before.
        Value::Section(_) => String::new(),
    };
    Shown::Text(if text.chars().count() > LONGEST {
        // Two long values that differ late have to differ in words too.
        let print = crate::case::Fingerprint::of(&text);
        let head: String = text.chars().take(LONGEST).collect();
        format!("{head}… ({})", print.as_str())
    } else {
        text
    })
}
