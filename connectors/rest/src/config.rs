//! What an operator writes to connect a desk that a manifest describes.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Rest;
use crate::desk::Desk;
use crate::manifest;
use crate::source::Source;

/// The settings of a desk, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "Where the desk is: what its pages and its interface have in common.",
        example: "\"https://desk.example.org\"",
    },
    Setting {
        key: "manifest",
        kind: SettingKind::File,
        required: true,
        doc: "The manifest that describes the desk: the path of a file, or the name of one that \
              comes with Throughline: django-helpdesk, example or znuny.",
        example: "\"example\"",
    },
    Setting {
        key: "user",
        kind: SettingKind::Text,
        required: false,
        doc: "Throughline's own account there, never a person's. Needed where the manifest logs in with it.",
        example: "\"throughline\"",
    },
    Setting {
        key: "secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "That account's token or password. Needed unless the manifest's authentication takes none.",
        example: "{ env = \"DESK_SECRET\" }",
    },
    Setting {
        key: "client_id",
        kind: SettingKind::Text,
        required: false,
        doc: "The OAuth client's id. Needed where the manifest gets its tokens by OAuth.",
        example: "\"throughline\"",
    },
    Setting {
        key: "client_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The OAuth client's secret.",
        example: "{ env = \"DESK_CLIENT_SECRET\" }",
    },
    Setting {
        key: "webhook_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "What the desk signs its webhooks with, or shows in them. Without it webhooks are refused and changes are \
              found by polling.",
        example: "{ env = \"DESK_WEBHOOK_SECRET\" }",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest file that the desk takes. Without it: what the manifest says.",
        example: "10485760",
    },
    Setting {
        key: "settings",
        kind: SettingKind::TextMap,
        required: false,
        doc: "What the manifest asks for beyond that, by the names of its [settings] tables.",
        example: "{ team = \"2nd level\" }",
    },
];

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What pages and interface have in common, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) user: Option<String>,
    pub(crate) secret: Option<SecretString>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) webhook_secret: Option<SecretString>,
    pub(crate) max_file_bytes: Option<u64>,
    pub(crate) own: BTreeMap<String, String>,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong, or the manifest's line.
pub fn build(settings: &Settings) -> Result<Built> {
    let named = settings.text("manifest").ok_or_else(|| misconfigured("the setting manifest is missing"))?;
    build_from(Source::read(named)?, settings)
}

/// Builds a connector from a manifest's text.
pub(crate) fn build_from(source: Source, settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    let address = config.url.clone();
    let desk = Desk::new(source, config)?;
    let authentication = authentication(&desk)?;
    Ok(Built { connector: Arc::new(Rest::new(desk)), authentication, address, further: Vec::new() })
}

impl Config {
    fn read(settings: &Settings) -> Result<Self> {
        let url = settings.base("url")?;
        let own = settings.values.get("settings").and_then(serde_json::Value::as_object);
        let own = own
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Ok(Self {
            url,
            user: settings.trimmed("user"),
            secret: settings.secret("secret"),
            client_id: settings.trimmed("client_id"),
            client_secret: settings.secret("client_secret"),
            webhook_secret: settings.secret("webhook_secret"),
            max_file_bytes: settings.count("max_file_bytes"),
            own: own.collect(),
        })
    }

    /// The account, where the manifest needs one.
    pub(crate) fn user(&self) -> Result<String> {
        self.user.clone().ok_or_else(|| needed("user"))
    }

    /// Its token or password, where the manifest needs one.
    pub(crate) fn secret(&self) -> Result<SecretString> {
        self.secret.clone().ok_or_else(|| needed("secret"))
    }

    /// The OAuth client, where the manifest needs one.
    pub(crate) fn client(&self) -> Result<(String, SecretString)> {
        let id = self.client_id.clone().ok_or_else(|| needed("client_id"))?;
        let secret = self.client_secret.clone().ok_or_else(|| needed("client_secret"))?;
        Ok((id, secret))
    }

    /// An address below the setting `url`.
    pub(crate) fn below(&self, path: &str) -> Result<Url> {
        self.url.join(path.trim_start_matches('/')).map_err(|error| {
            misconfigured(&format!("the manifest's path {path:?} makes no address: {error}"))
        })
    }
}

/// What the plane does for authentication. Sessions and rotating tokens are the connector's own.
fn authentication(desk: &Desk) -> Result<Authentication> {
    let config = &desk.config;
    Ok(match &desk.manifest.authentication {
        manifest::Authentication::None {} => Authentication::None,
        manifest::Authentication::Header { name, prefix } => Authentication::Header {
            name: header_name(name)?,
            value: format!("{prefix}{}", config.secret()?.expose_secret()).into(),
        },
        manifest::Authentication::Bearer {} => Authentication::Bearer(config.secret()?),
        manifest::Authentication::Basic {} => {
            Authentication::Basic { user: config.user()?, password: config.secret()? }
        }
        manifest::Authentication::ClientCredentials { token, scopes } => {
            let (client_id, client_secret) = config.client()?;
            let token_url = config.below(token)?;
            Authentication::ClientCredentials { token_url, client_id, client_secret, scopes: scopes.clone() }
        }
        manifest::Authentication::Password { .. } | manifest::Authentication::Login(_) => {
            Authentication::None
        }
    })
}

/// A name that a header field may bear.
pub(crate) fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|error| misconfigured(&format!("the manifest's {name:?} names no header field: {error}")))
}

fn needed(key: &str) -> Error {
    misconfigured(&format!("the setting {key} is missing; the manifest's authentication needs it"))
}

pub(crate) fn misconfigured(message: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
