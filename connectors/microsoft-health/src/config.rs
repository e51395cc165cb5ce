//! What an operator writes to watch the service health of a tenant.

use std::sync::Arc;

use throughline_sdk::http::{Authentication, entra};
use throughline_sdk::{Built, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::MicrosoftHealth;

/// The settings of a tenant's service health, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "tenant",
        kind: SettingKind::Text,
        required: true,
        doc: "The Entra tenant whose services are watched: its id or a domain of it.",
        example: "\"contoso.onmicrosoft.com\"",
    },
    Setting {
        key: "client_id",
        kind: SettingKind::Text,
        required: true,
        doc: "The app registration's application (client) id. It needs the application permission \
              ServiceHealth.Read.All, and with messages also ServiceMessage.Read.All.",
        example: "\"0b8a4f3c-6c0e-4c7d-8a55-0d8f5b1b7c11\"",
    },
    Setting {
        key: "client_secret",
        kind: SettingKind::Secret,
        required: true,
        doc: "The app registration's client secret.",
        example: "{ env = \"GRAPH_SECRET\" }",
    },
    Setting {
        key: "services",
        kind: SettingKind::TextList,
        required: false,
        doc: "The services that are told of, by the names Microsoft shows. Without it: all of the tenant.",
        example: "[\"Exchange Online\", \"Microsoft Teams\"]",
    },
    Setting {
        key: "messages",
        kind: SettingKind::Flag,
        required: false,
        doc: "Tells of the message centre's announcements as well. Without it: of issues only.",
        example: "false",
    },
    Setting {
        key: "share_posts",
        kind: SettingKind::Flag,
        required: false,
        doc: "Reads Microsoft's posts about an issue as public comments. Without it they are internal and leave to \
              nobody: Microsoft publishes them to administrators.",
        example: "false",
    },
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where Microsoft Graph is, with its version. Without it: version 1.0 of the public cloud.",
        example: "\"https://graph.microsoft.com/v1.0\"",
    },
    Setting {
        key: "token_url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where tokens come from. Without it: the tenant's endpoint at login.microsoftonline.com.",
        example: "\"https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token\"",
    },
    Setting {
        key: "admin_url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where administrators look at issues. Without it: the admin centre of the public cloud.",
        example: "\"https://admin.microsoft.com\"",
    },
];

const GRAPH: &str = "https://graph.microsoft.com/v1.0/";
const ADMIN: &str = "https://admin.microsoft.com/";

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Graph with its version, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) admin: Url,
    pub(crate) client_id: String,
    /// Empty for all.
    pub(crate) services: Vec<String>,
    pub(crate) messages: bool,
    pub(crate) share_posts: bool,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    let authentication = Authentication::ClientCredentials {
        token_url: entra::token_url(settings)?,
        client_id: config.client_id.clone(),
        client_secret: settings.required_secret("client_secret")?,
        scopes: vec![format!("{}/.default", config.url.origin().ascii_serialization())],
    };
    let address = config.url.clone();
    let connector = Arc::new(MicrosoftHealth::new(config));
    Ok(Built { connector, authentication, address, further: Vec::new() })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        Ok(Self {
            url: settings.base_or("url", GRAPH)?,
            admin: settings.base_or("admin_url", ADMIN)?,
            client_id: settings.required_text("client_id")?,
            services: settings.texts("services"),
            messages: settings.flag("messages"),
            share_posts: settings.flag("share_posts"),
        })
    }
}
