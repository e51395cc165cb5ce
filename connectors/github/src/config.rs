//! What an operator writes to connect a repository's issues.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use throughline_sdk::http::Authentication;
use throughline_sdk::settings::wrong;
use throughline_sdk::{Built, Result, Setting, SettingKind, Settings, labels};
use url::Url;

use crate::GitHub;
use crate::map;

/// The settings of a repository on GitHub, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "repository",
        kind: SettingKind::Text,
        required: true,
        doc: "Owner and name of the repository whose issues are watched and where new ones are created.",
        example: "\"fabrikam/support\"",
    },
    Setting {
        key: "token",
        kind: SettingKind::Secret,
        required: true,
        doc: "A fine-grained personal access token of Throughline's own account, for this repository alone, with \
              Issues: read and write.",
        example: "{ env = \"GITHUB_TOKEN\" }",
    },
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where the REST API is. Without it: https://api.github.com. GitHub Enterprise Server has it under /api/v3.",
        example: "\"https://api.github.com\"",
    },
    Setting {
        key: "status_labels",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Labels that say more than open does, each with the status it stands for. What these statuses mean is \
              written under status of the system. Without it an open issue is just open.",
        example: "{ \"waiting for reporter\" = \"waiting\" }",
    },
    Setting {
        key: "priority_labels",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Labels that stand for a priority, each with its word; low, normal, high and urgent are known by \
              themselves. Without it issues have no priority.",
        example: "{ P1 = \"urgent\", P2 = \"high\", P3 = \"normal\", P4 = \"low\" }",
    },
    Setting {
        key: "webhook_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The secret of the repository's webhook. Without it webhooks are refused and changes are found by polling.",
        example: "{ env = \"GITHUB_WEBHOOK_SECRET\" }",
    },
];

const API: &str = "https://api.github.com/";

/// The checked settings, without the token: the HTTP plane holds that.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The API's root, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) owner: String,
    pub(crate) repository: String,
    /// Status by label, in the labels' own spelling.
    pub(crate) statuses: BTreeMap<String, String>,
    /// Priority by label, in the labels' own spelling.
    pub(crate) priorities: BTreeMap<String, String>,
    pub(crate) webhook_secret: Option<SecretString>,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let token = settings.required_secret("token")?;
    let config = Config::read(settings)?;
    let address = config.url.clone();
    Ok(Built {
        connector: Arc::new(GitHub::new(config)),
        authentication: Authentication::Bearer(token),
        address,
        further: Vec::new(),
    })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let repository = settings.text("repository").map(str::trim).unwrap_or_default();
        let (owner, name) = match repository.split_once('/') {
            Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => {
                (owner, name)
            }
            Some(_) | None => return Err(wrong("repository", "has to be an owner, a slash and a name")),
        };
        let config = Self {
            url: settings.base_or("url", API)?,
            owner: owner.to_owned(),
            repository: name.to_owned(),
            statuses: labels::words(settings, "status_labels")?,
            priorities: labels::words(settings, "priority_labels")?,
            webhook_secret: settings.secret("webhook_secret"),
        };
        let own = |word: &&String| word.as_str() == map::OPEN || map::closing_reason(word).is_some();
        if let Some(word) = config.statuses.values().find(own) {
            return Err(wrong(
                "status_labels",
                &format!("calls a label {word:?}, which GitHub's own state says"),
            ));
        }
        if let Some(label) = labels::shared(&config.statuses, &config.priorities) {
            return Err(wrong(
                "status_labels",
                &format!("has the label {label:?}, which is also a priority label"),
            ));
        }
        Ok(config)
    }

    /// The repository as people write it.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.repository)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};
    use throughline_sdk::ErrorKind;

    use super::*;

    pub(crate) fn settings(more: &[(&str, Value)]) -> Settings {
        let mut settings = Settings::default();
        settings.values.insert("repository".into(), json!("fabrikam/support"));
        settings
            .values
            .insert("status_labels".into(), json!({"Waiting": "waiting", "in progress": "working"}));
        settings
            .values
            .insert("priority_labels".into(), json!({"P1": "urgent", "P2": "high", "p3": "normal"}));
        for (key, value) in more {
            settings.values.insert((*key).to_owned(), value.clone());
        }
        settings.secrets.insert("token".into(), "github_pat_x".into());
        settings
    }

    pub(crate) fn config() -> Config {
        Config::read(&settings(&[])).unwrap()
    }

    #[test]
    fn the_api_is_githubs_own_unless_told_otherwise() {
        assert_eq!(build(&settings(&[])).unwrap().address.as_str(), "https://api.github.com/");
        let server = settings(&[("url", json!("https://ghe.example/api/v3"))]);
        assert_eq!(build(&server).unwrap().address.as_str(), "https://ghe.example/api/v3/");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (key, value) in [
            ("repository", json!("support")),
            ("repository", json!("fabrikam/")),
            ("repository", json!("https://github.com/fabrikam/support")),
            ("url", json!("ftp://api.example")),
            ("status_labels", json!({"triaged": "open"})),
            ("status_labels", json!({"done": "not planned"})),
            ("status_labels", json!({"p1": "waiting"})),
            ("priority_labels", json!({"P1": ""})),
            ("priority_labels", json!({"P1": "urgent", "p1": "high"})),
        ] {
            let error = build(&settings(&[(key, value.clone())])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{value}");
            assert!(error.message().starts_with(&format!("the setting {key} ")), "{error}");
        }
        let error = build(&Settings { secrets: BTreeMap::new(), ..settings(&[]) }).unwrap_err();
        assert_eq!(error.message(), "the setting token is missing");
    }
}
