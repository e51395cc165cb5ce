//! What an operator writes to watch the service health of a tenant.

use std::sync::Arc;

use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
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
const LOGIN: &str = "https://login.microsoftonline.com/";
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
    let tenant = required(settings, "tenant")?;
    let token_url = match settings.text("token_url") {
        Some(_) => settings.address("token_url")?,
        None => address(LOGIN)?.join(&format!("{tenant}/oauth2/v2.0/token")).map_err(|error| {
            misconfigured(format!("the setting tenant does not fit into an address: {error}"))
        })?,
    };
    let authentication = Authentication::ClientCredentials {
        token_url,
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
        let services = settings.values.get("services").and_then(serde_json::Value::as_array);
        Ok(Self {
            url: base(settings, "url", GRAPH)?,
            admin: base(settings, "admin_url", ADMIN)?,
            client_id: required(settings, "client_id")?,
            services: services
                .map(|list| list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
                .unwrap_or_default(),
            messages: settings.flag("messages"),
            share_posts: settings.flag("share_posts"),
        })
    }
}

fn base(settings: &Settings, key: &str, otherwise: &str) -> Result<Url> {
    let mut url = match settings.text(key) {
        Some(_) => settings.address(key)?,
        None => address(otherwise)?,
    };
    if url.cannot_be_a_base() || !matches!(url.scheme(), "http" | "https") {
        return Err(misconfigured(format!("the setting {key} has to be an http or https address")));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn address(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| misconfigured(format!("{text} is no address: {error}")))
}

fn required(settings: &Settings, key: &str) -> Result<String> {
    let text = settings.text(key).map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| misconfigured(format!("the setting {key} is missing")))
}

fn misconfigured(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
