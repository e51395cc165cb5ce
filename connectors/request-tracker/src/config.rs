//! What an operator writes about one Request Tracker, declared once and checked before anything is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::RequestTracker;

/// The kind's name in configuration.
pub const KIND: &str = "request-tracker";

/// The versions this connector is run against in its tests.
pub const TESTED_AGAINST: &str = "Request Tracker 5.0.3 (Debian 12)";

/// The words of RT's default lifecycle and what they mean in Throughline's.
pub const STATUSES: &[(&str, &str)] = &[
    ("new", "new"),
    ("open", "open"),
    ("stalled", "pending"),
    ("resolved", "resolved"),
    ("rejected", "cancelled"),
    ("deleted", "cancelled"),
];

/// The words RT shows for its priority numbers by default, lowest first, and what they mean in Throughline's.
pub const PRIORITIES: &[(&str, &str)] = &[("Low", "low"), ("Medium", "normal"), ("High", "high")];

/// Everything an operator can say about one Request Tracker.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "Where people open this Request Tracker, without `/REST/2.0`.",
        example: "\"https://rt.example.org\"",
    },
    Setting {
        key: "token",
        kind: SettingKind::Secret,
        required: true,
        doc: "The authentication token of an account of its own, such as RT's page Logged in as > Settings > Auth Tokens gives.",
        example: "{ env = \"RT_TOKEN\" }",
    },
    Setting {
        key: "queue",
        kind: SettingKind::Text,
        required: true,
        doc: "The queue that is watched for changes and that new tickets go to.",
        example: "\"Federated\"",
    },
    Setting {
        key: "marker_field",
        kind: SettingKind::Text,
        required: false,
        doc: "A single-valued ticket custom field that holds our marker, so that a doubtful create is found by an \
              indexed search. Without it the marker is looked for in all message headers, which is slow on a desk \
              with millions of messages.",
        example: "\"Throughline marker\"",
    },
    Setting {
        key: "link_field",
        kind: SettingKind::Text,
        required: false,
        doc: "A single-valued ticket custom field that shows the counterpart's number, and how it stands. Without it only \
              an address is kept, as a link of the kind Refers to.",
        example: "\"Partner ticket\"",
    },
    Setting {
        key: "link_chars",
        kind: SettingKind::Count,
        required: false,
        doc: "How many characters link_field is given. What does not fit of how the counterpart stands is cut. Without \
              it: 255.",
        example: "255",
    },
    Setting {
        key: "lists",
        kind: SettingKind::TextList,
        required: false,
        doc: "Names of custom fields that take several values; their values are separated by commas in Throughline.",
        example: "[\"Affected sites\"]",
    },
    Setting {
        key: "priorities",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Words for priorities and the number each stands for, as in RT's option PriorityAsString, which its \
              interface does not tell. Without it: Low 0, Medium 50, High 100. Any number reads as the nearest word, \
              the higher one in the middle.",
        example: "{ Low = \"0\", Medium = \"50\", High = \"100\" }",
    },
    Setting {
        key: "statuses",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Statuses of the queue's own lifecycle, each `open` or `closed`, where it is not RT's default one. \
              Statuses that tickets already have are found without it.",
        example: "{ waiting = \"open\", done = \"closed\" }",
    },
    Setting {
        key: "replies_reopen",
        kind: SettingKind::Flag,
        required: false,
        doc: "Whether RT's scrips may change a ticket's status because of a reply that we bring. False without it: the \
              status the ticket had is set again together with the reply.",
        example: "false",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest file, as in RT's option MaxAttachmentSize: RT cuts or drops what is larger and says nothing. \
              10000000 without it.",
        example: "10000000",
    },
    Setting {
        key: "webhook_token",
        kind: SettingKind::Secret,
        required: false,
        doc: "What the scrip sends in the header X-Throughline-Token. Without it webhooks are refused and changes are \
              found by polling alone.",
        example: "{ env = \"RT_WEBHOOK_TOKEN\" }",
    },
];

/// The checked settings of one Request Tracker, without the token: the HTTP plane holds that.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) url: Url,
    pub(crate) account: u64,
    pub(crate) queue: String,
    pub(crate) marker_field: Option<String>,
    pub(crate) link_field: Option<String>,
    /// How many characters that is given.
    pub(crate) link_chars: usize,
    pub(crate) lists: Vec<String>,
    /// Lowest first.
    pub(crate) priorities: Vec<(String, i64)>,
    /// Word, and whether it counts as closed.
    pub(crate) statuses: BTreeMap<String, bool>,
    pub(crate) replies_reopen: bool,
    pub(crate) max_file_bytes: u64,
    pub(crate) webhook_token: Option<SecretString>,
}

/// Checks the settings of one Request Tracker and makes its connector.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let mut url = settings.address("url")?;
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    let token = settings.required_secret("token")?;
    let config = Config {
        account: account_of(&token)?,
        queue: settings.text("queue").map(str::to_owned).ok_or_else(|| wrong("queue", "is missing"))?,
        marker_field: settings.text("marker_field").map(str::to_owned),
        link_field: settings.text("link_field").map(str::to_owned),
        link_chars: settings.width("link_chars", 255),
        lists: texts(settings, "lists"),
        priorities: priorities(settings)?,
        statuses: statuses(settings)?,
        replies_reopen: settings.flag("replies_reopen"),
        max_file_bytes: settings.count("max_file_bytes").unwrap_or(10_000_000),
        webhook_token: settings.secret("webhook_token"),
        url: url.clone(),
    };
    Ok(Built {
        connector: Arc::new(RequestTracker::new(config)),
        authentication: Authentication::Header {
            name: http::header::AUTHORIZATION,
            value: SecretString::from(format!("token {}", token.expose_secret())),
        },
        address: url,
        further: Vec::new(),
    })
}

/// RT has no call that says who we are, but its tokens carry the account: `1-<account>-<secret>`.
fn account_of(token: &SecretString) -> Result<u64> {
    let mut parts = token.expose_secret().trim().splitn(3, '-');
    match (parts.next(), parts.next().map(str::parse), parts.next()) {
        (Some("1"), Some(Ok(account)), Some(_)) => Ok(account),
        (_, _, _) => Err(wrong("token", "is no RT authentication token, which looks like 1-23-0123abcd")),
    }
}

fn priorities(settings: &Settings) -> Result<Vec<(String, i64)>> {
    let mut words = Vec::new();
    for (word, number) in map(settings, "priorities") {
        let number = number.trim().parse().map_err(|error| {
            wrong("priorities", &format!("gives {word} {number:?}, which is no whole number: {error}"))
        })?;
        words.push((word, number));
    }
    if words.is_empty() {
        words = vec![("Low".to_owned(), 0), ("Medium".to_owned(), 50), ("High".to_owned(), 100)];
    }
    words.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    Ok(words)
}

fn statuses(settings: &Settings) -> Result<BTreeMap<String, bool>> {
    map(settings, "statuses")
        .into_iter()
        .map(|(word, meaning)| match meaning.as_str() {
            "open" => Ok((word, false)),
            "closed" => Ok((word, true)),
            other => Err(wrong("statuses", &format!("calls {word} {other:?}; it has to be open or closed"))),
        })
        .collect()
}

fn texts(settings: &Settings, key: &str) -> Vec<String> {
    let list = settings.values.get(key).and_then(serde_json::Value::as_array);
    list.into_iter().flatten().filter_map(serde_json::Value::as_str).map(str::to_owned).collect()
}

fn map(settings: &Settings, key: &str) -> BTreeMap<String, String> {
    let table = settings.values.get(key).and_then(serde_json::Value::as_object);
    table
        .into_iter()
        .flatten()
        .filter_map(|(word, value)| Some((word.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn wrong(key: &str, what: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, format!("the setting {key} {what}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn settings() -> Settings {
        let values = [("url", json!("https://rt.example.org/rt")), ("queue", json!("Federated"))];
        Settings {
            values: values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            secrets: [("token", "1-28-abcdef"), ("webhook_token", "hook")]
                .into_iter()
                .map(|(k, v)| (k.to_owned(), SecretString::from(v)))
                .collect(),
        }
    }

    pub(crate) fn config() -> Config {
        Config {
            url: Url::parse("https://rt.example.org/rt/").unwrap(),
            account: 28,
            queue: "Federated".to_owned(),
            marker_field: None,
            link_field: None,
            link_chars: 255,
            lists: Vec::new(),
            priorities: priorities(&settings()).unwrap(),
            statuses: BTreeMap::new(),
            replies_reopen: false,
            max_file_bytes: 10_000_000,
            webhook_token: Some(SecretString::from("hook")),
        }
    }

    #[test]
    fn a_complete_table_builds() {
        let built = build(&settings()).unwrap();
        assert_eq!(built.address.as_str(), "https://rt.example.org/rt/");
        assert_eq!(built.connector.kind(), KIND);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut broken = settings();
        broken.secrets.insert("token".to_owned(), SecretString::from("hunter2"));
        let said = build(&broken).unwrap_err().to_string();
        assert!(said.contains("setting token") && !said.contains("hunter2"), "{said}");
        let mut broken = settings();
        broken.values.insert("statuses".to_owned(), json!({"done": "maybe"}));
        assert_eq!(build(&broken).unwrap_err().kind(), ErrorKind::Misconfigured);
        let mut broken = settings();
        broken.values.insert("priorities".to_owned(), json!({"Low": "none"}));
        assert_eq!(build(&broken).unwrap_err().kind(), ErrorKind::Misconfigured);
    }
}
