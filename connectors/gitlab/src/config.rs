//! What an operator writes to connect a project's issues.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderName;
use secrecy::SecretString;
use throughline_sdk::http::{Authentication, join};
use throughline_sdk::settings::wrong;
use throughline_sdk::{Built, Result, Setting, SettingKind, Settings, labels};
use url::Url;

use crate::GitLab;
use crate::map::STATUSES;

/// The settings of a project on GitLab, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "Where GitLab's start page is.",
        example: "\"https://gitlab.example.org\"",
    },
    Setting {
        key: "token",
        kind: SettingKind::Secret,
        required: true,
        doc: "A project access token with the scope api and the role Reporter, or a personal one of Throughline's own \
              account.",
        example: "{ env = \"GITLAB_TOKEN\" }",
    },
    Setting {
        key: "project",
        kind: SettingKind::Text,
        required: true,
        doc: "Path or number of the project whose issues are watched and where new ones are created. The number holds \
              when the project is moved.",
        example: "\"fabrikam/support\"",
    },
    Setting {
        key: "status_labels",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Labels that say more than opened does, each with the status it stands for; scoped labels are labels like \
              others. What these statuses mean is written under status of the system.",
        example: "{ \"status::waiting\" = \"waiting\" }",
    },
    Setting {
        key: "priority_labels",
        kind: SettingKind::TextMap,
        required: false,
        doc: "Labels that stand for a priority, each with its word; low, normal, high and urgent are known by \
              themselves. Without it issues have no priority.",
        example: "{ \"priority::1\" = \"urgent\", \"priority::2\" = \"high\" }",
    },
    Setting {
        key: "confidential",
        kind: SettingKind::Flag,
        required: false,
        doc: "Whether new issues are created confidential, and whether what is said in confidential issues is shared \
              like in others. False without it: new issues are open to all readers of the project, and all that is said \
              in a confidential one counts as internal.",
        example: "false",
    },
    Setting {
        key: "link_note",
        kind: SettingKind::Flag,
        required: false,
        doc: "Whether the counterpart's number, and how it stands, is shown in one internal note of ours on each issue. It \
              is edited in place, and makes GitLab tell the project's members once. False without it: they are not shown.",
        example: "true",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest attachment that GitLab's administrator allows. Without it: 104857600, as GitLab comes.",
        example: "104857600",
    },
    Setting {
        key: "file_hosts",
        kind: SettingKind::TextList,
        required: false,
        doc: "Hosts that GitLab sends readers of files on to, where it keeps them in an object store and does not bring \
              them itself. They are asked without credentials.",
        example: "[\"storage.googleapis.com\"]",
    },
    Setting {
        key: "webhook_token",
        kind: SettingKind::Secret,
        required: false,
        doc: "The secret token of the project's webhook, which GitLab sends as it is. Without it and \
              webhook_signing_token webhooks are refused and changes are found by polling.",
        example: "{ env = \"GITLAB_WEBHOOK_TOKEN\" }",
    },
    Setting {
        key: "webhook_signing_token",
        kind: SettingKind::Secret,
        required: false,
        doc: "The signing token of the project's webhook, where GitLab has one: whsec_ and base 64. It is asked for in \
              place of webhook_token.",
        example: "{ env = \"GITLAB_WEBHOOK_SIGNING_TOKEN\" }",
    },
];

/// As GitLab comes: 100 MiB.
const DEFAULT_MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;

/// The checked settings, without the token: the HTTP plane holds that.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The API's root.
    pub(crate) api: Url,
    pub(crate) project: String,
    /// Status by label, in the labels' own spelling.
    pub(crate) statuses: BTreeMap<String, String>,
    /// Priority by label, in the labels' own spelling.
    pub(crate) priorities: BTreeMap<String, String>,
    pub(crate) confidential: bool,
    /// Whether one internal note shows the counterpart.
    pub(crate) link_note: bool,
    pub(crate) max_file_bytes: u64,
    pub(crate) webhook_token: Option<SecretString>,
    pub(crate) webhook_signing_token: Option<SecretString>,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let token = settings.required_secret("token")?;
    let config = Config::read(settings)?;
    let (address, further) = (config.api.clone(), settings.hosts("file_hosts", &[])?);
    Ok(Built {
        connector: Arc::new(GitLab::new(config)),
        authentication: Authentication::Header {
            name: HeaderName::from_static("private-token"),
            value: token,
        },
        address,
        further,
    })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let url = settings.base("url")?;
        if url.path().contains("/api/") {
            return Err(wrong("url", "has to be GitLab's start page, without /api"));
        }
        let project =
            settings.text("project").map(|project| project.trim().trim_matches('/')).unwrap_or_default();
        let is_path = project.contains('/') && !project.contains("//") && !project.contains(':');
        if !is_path && project.parse::<u64>().is_err() {
            return Err(wrong("project", "has to be a path with its group, or a number"));
        }
        let config = Self {
            api: join(&url, &["api", "v4"]),
            project: project.to_owned(),
            statuses: label_words(settings, "status_labels")?,
            priorities: label_words(settings, "priority_labels")?,
            confidential: settings.flag("confidential"),
            link_note: settings.flag("link_note"),
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(DEFAULT_MAX_FILE_BYTES),
            webhook_token: settings.secret("webhook_token"),
            webhook_signing_token: settings.secret("webhook_signing_token"),
        };
        let own = |word: &&String| STATUSES.iter().any(|(known, _)| known == word);
        if let Some(word) = config.statuses.values().find(own) {
            return Err(wrong(
                "status_labels",
                &format!("calls a label {word:?}, which GitLab's own state says"),
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
}

/// Words by label. Labels travel as a list with commas between them.
fn label_words(settings: &Settings, key: &str) -> Result<labels::Words> {
    let words = labels::words(settings, key)?;
    match words.keys().find(|label| label.contains(',')) {
        Some(label) => Err(wrong(key, &format!("has the label {label:?}; GitLab's labels hold no commas"))),
        None => Ok(words),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};
    use throughline_sdk::ErrorKind;

    use super::*;

    pub(crate) fn settings(more: &[(&str, Value)]) -> Settings {
        let mut settings = Settings::default();
        settings.values.insert("url".into(), json!("https://gitlab.example/"));
        settings.values.insert("project".into(), json!("fabrikam/support"));
        settings
            .values
            .insert("status_labels".into(), json!({"status::waiting": "waiting", "doing": "working"}));
        settings
            .values
            .insert("priority_labels".into(), json!({"priority::1": "urgent", "priority::2": "high"}));
        for (key, value) in more {
            settings.values.insert((*key).to_owned(), value.clone());
        }
        settings.secrets.insert("token".into(), "glpat-x".into());
        settings
    }

    pub(crate) fn config() -> Config {
        Config::read(&settings(&[])).unwrap()
    }

    #[test]
    fn the_api_is_under_the_start_page() {
        let address = |url: &str| build(&settings(&[("url", json!(url))])).unwrap().address.to_string();
        assert_eq!(address("https://gitlab.example"), "https://gitlab.example/api/v4");
        assert_eq!(address("https://example.org/gitlab/"), "https://example.org/gitlab/api/v4");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (key, value) in [
            ("url", json!("ftp://gitlab.example")),
            ("url", json!("https://gitlab.example/api/v4")),
            ("project", json!("support")),
            ("project", json!("https://gitlab.example/fabrikam/support")),
            ("file_hosts", json!(["https://storage.example/"])),
            ("status_labels", json!({"triaged": "opened"})),
            ("status_labels", json!({"a,b": "waiting"})),
            ("status_labels", json!({"Priority::1": "waiting"})),
            ("priority_labels", json!({"P1": "urgent", "p1": "high"})),
        ] {
            let error = build(&settings(&[(key, value.clone())])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{value}");
            assert!(error.message().starts_with(&format!("the setting {key} ")), "{error}");
        }
        assert!(build(&settings(&[("project", json!("4711"))])).is_ok());
    }
}
