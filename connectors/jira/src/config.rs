//! What an operator writes to connect a Jira.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Jira;

/// The settings of a Jira, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "Where Jira's start page is, with any path in front of /browse.",
        example: "\"https://jira.example.org\"",
    },
    Setting {
        key: "edition",
        kind: SettingKind::Word(&["cloud", "data-center"]),
        required: true,
        doc: "Which Jira it is. Cloud is spoken to over REST v3, Data Center (and Server) over REST v2.",
        example: "\"data-center\"",
    },
    Setting {
        key: "token",
        kind: SettingKind::Secret,
        required: true,
        doc: "Of Throughline's own account: on Cloud an API token, on Data Center a personal access token. Never a \
              person's and never an administrator's.",
        example: "{ env = \"JIRA_TOKEN\" }",
    },
    Setting {
        key: "email",
        kind: SettingKind::Text,
        required: false,
        doc: "The e-mail address of that account. Required on Cloud, not used on Data Center.",
        example: "\"throughline@example.org\"",
    },
    Setting {
        key: "project",
        kind: SettingKind::Text,
        required: true,
        doc: "The key of the project whose issues are watched and where new ones are created.",
        example: "\"SUP\"",
    },
    Setting {
        key: "issue_type",
        kind: SettingKind::Text,
        required: true,
        doc: "The type of a new issue for which no agreement names one.",
        example: "\"Task\"",
    },
    Setting {
        key: "service_desk",
        kind: SettingKind::Flag,
        required: false,
        doc: "True for a project of Jira Service Management: then the portal decides who may read a comment or file. \
              False without it: every comment that is not restricted to a role or group is public.",
        example: "false",
    },
    Setting {
        key: "request_type",
        kind: SettingKind::Text,
        required: false,
        doc: "The request type of a new issue, as its field takes it: a number on Cloud, portal/key on Data Center. \
              Only with service_desk. Without it new issues are not shown on the portal and take no public files.",
        example: "\"25\"",
    },
    Setting {
        key: "internal_role",
        kind: SettingKind::Text,
        required: false,
        doc: "The project role to which internal comments are restricted where service_desk is not set. Without it, and \
              without internal_group, no internal comments are written.",
        example: "\"Developers\"",
    },
    Setting {
        key: "internal_group",
        kind: SettingKind::Text,
        required: false,
        doc: "The group to which internal comments are restricted, in place of internal_role.",
        example: "\"jira-developers\"",
    },
    Setting {
        key: "resolution",
        kind: SettingKind::Text,
        required: false,
        doc: "The resolution given where a transition into a closed status asks for one. Without it such a transition \
              is refused if the resolution is required.",
        example: "\"Done\"",
    },
    Setting {
        key: "search_lag",
        kind: SettingKind::Duration,
        required: false,
        doc: "How long Jira's search may take to show what was written. Without it: five minutes. The longer it is, the \
              later a doubtful create is settled.",
        example: "\"5m\"",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest attachment that Jira's administrator allows. Without it: 10485760, as Data Center comes.",
        example: "10485760",
    },
    Setting {
        key: "webhook_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The secret of the webhook that an administrator made for Throughline. Without it webhooks are refused and \
              changes are found by polling.",
        example: "{ env = \"JIRA_WEBHOOK_SECRET\" }",
    },
];

const DEFAULT_SEARCH_LAG: Duration = Duration::from_secs(5 * 60);
/// As Data Center comes.
const DEFAULT_MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// Which Jira it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    /// REST v3: texts are Atlassian documents.
    Cloud,
    /// REST v2: texts are wiki markup.
    DataCenter,
}

/// Who alone may read a comment, where there is no portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Circle {
    Role(String),
    Group(String),
}

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The start page, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) edition: Edition,
    pub(crate) project: String,
    pub(crate) issue_type: String,
    pub(crate) service_desk: bool,
    pub(crate) request_type: Option<String>,
    pub(crate) internal: Option<Circle>,
    pub(crate) resolution: Option<String>,
    pub(crate) search_lag: Duration,
    pub(crate) max_file_bytes: u64,
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
    let authentication = match config.edition {
        Edition::DataCenter => Authentication::Bearer(token),
        Edition::Cloud => {
            let user = settings.trimmed("email").ok_or_else(|| {
                misconfigured(
                    "the setting email is missing; with edition = \"cloud\" the token belongs to it",
                )
            })?;
            Authentication::Basic { user, password: token }
        }
    };
    let address = config.url.clone();
    Ok(Built { connector: Arc::new(Jira::new(config)), authentication, address, further: Vec::new() })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let url = settings.base("url")?;
        let edition = match settings.text("edition") {
            Some("cloud") => Edition::Cloud,
            Some("data-center") => Edition::DataCenter,
            Some(_) | None => {
                return Err(misconfigured("the setting edition has to be \"cloud\" or \"data-center\""));
            }
        };
        let project = settings.required_text("project")?;
        // It becomes part of searches and addresses.
        if !project.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(misconfigured("the setting project has to be a project's key, such as SUP"));
        }
        let internal = match (settings.trimmed("internal_role"), settings.trimmed("internal_group")) {
            (Some(_), Some(_)) => {
                return Err(misconfigured("internal_role and internal_group must not both be set"));
            }
            (Some(role), None) => Some(Circle::Role(role)),
            (None, group) => group.map(Circle::Group),
        };
        let service_desk = settings.flag("service_desk");
        let request_type = settings.trimmed("request_type");
        if request_type.is_some() && !service_desk {
            return Err(misconfigured("request_type needs service_desk = true"));
        }
        Ok(Self {
            url,
            edition,
            project,
            issue_type: settings.required_text("issue_type")?,
            service_desk,
            request_type,
            internal,
            resolution: settings.trimmed("resolution"),
            search_lag: settings.count("search_lag").map_or(DEFAULT_SEARCH_LAG, Duration::from_secs),
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(DEFAULT_MAX_FILE_BYTES),
            webhook_secret: settings.secret("webhook_secret"),
        })
    }

    /// Where a person opens an issue.
    pub(crate) fn browse(&self, key: &str) -> Option<String> {
        self.url.join(&format!("browse/{key}")).ok().map(String::from)
    }
}

fn misconfigured(message: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn built(more: &Value) -> Result<Built> {
        let mut settings = Settings::default();
        let base = json!({
            "url": "https://jira.example/jira", "edition": "cloud", "email": "bridge@jira.example",
            "project": "SUP", "issue_type": "Task",
        });
        for from in [&base, more] {
            for (key, value) in from.as_object().unwrap() {
                settings.values.insert(key.clone(), value.clone());
            }
        }
        settings.secrets.insert("token".to_owned(), "t".into());
        build(&settings)
    }

    #[test]
    fn each_edition_authenticates_in_its_own_way() {
        let cloud = built(&json!({})).unwrap();
        assert!(
            matches!(cloud.authentication, Authentication::Basic { user, .. } if user == "bridge@jira.example")
        );
        assert_eq!(cloud.address.as_str(), "https://jira.example/jira/");
        let data_center = built(&json!({"edition": "data-center", "email": ""})).unwrap();
        assert!(matches!(data_center.authentication, Authentication::Bearer(_)));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (more, named) in [
            (json!({"email": " "}), "email"),
            (json!({"edition": "server"}), "edition"),
            (json!({"project": "SUP\" OR"}), "project"),
            (json!({"issue_type": ""}), "issue_type"),
            (json!({"url": "mailto:x"}), "url"),
            (json!({"request_type": "25"}), "service_desk"),
            (json!({"internal_role": "Staff", "internal_group": "staff"}), "internal_group"),
        ] {
            let error = built(&more).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.message().contains(named), "{error}");
        }
    }
}
