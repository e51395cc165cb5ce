//! What an operator writes to connect Partner Center.

use std::sync::Arc;

use throughline_sdk::http::{Authentication, entra};
use throughline_sdk::{Built, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::PartnerCenter;

/// The settings of Partner Center, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "tenant",
        kind: SettingKind::Text,
        required: true,
        doc: "The partner's Entra tenant: its id or a domain of it.",
        example: "\"fabrikam.onmicrosoft.com\"",
    },
    Setting {
        key: "client_id",
        kind: SettingKind::Text,
        required: true,
        doc: "The application (client) id that is registered in Partner Center.",
        example: "\"7c9d5b1e-3a0f-4f0e-9a70-6c1d2b5e8f31\"",
    },
    Setting {
        key: "client_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The application's secret. Without it: a public client.",
        example: "{ env = \"PARTNER_CENTER_SECRET\" }",
    },
    Setting {
        key: "refresh_token",
        kind: SettingKind::Secret,
        required: false,
        doc: "What came of logging in once, with a second factor, as the account that Throughline acts as. The tokens \
              that follow it take its place by themselves. Without it: what `throughline login` kept.",
        example: "{ file = \"partner-center.token\" }",
    },
    Setting {
        key: "customer",
        kind: SettingKind::Text,
        required: false,
        doc: "The customer's tenant id, if only this customer's requests are meant. Without it: the partner's own and those \
              of all customers.",
        example: "\"3b33e682-00c3-41ee-9dd2-a548adf56438\"",
    },
    Setting {
        key: "locale",
        kind: SettingKind::Text,
        required: false,
        doc: "The language that Partner Center answers in. Without it: en-US.",
        example: "\"en-US\"",
    },
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where Partner Center's interface is. Without it: that of the public cloud.",
        example: "\"https://api.partnercenter.microsoft.com\"",
    },
    Setting {
        key: "token_url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where tokens come from. Without it: the tenant's endpoint at login.microsoftonline.com.",
        example: "\"https://login.microsoftonline.com/fabrikam.onmicrosoft.com/oauth2/v2.0/token\"",
    },
];

const PARTNER_CENTER: &str = "https://api.partnercenter.microsoft.com/";

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The interface, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) client_id: String,
    pub(crate) customer: Option<String>,
    pub(crate) locale: String,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    let token_url = entra::token_url(settings)?;
    // Entra has both endpoints side by side.
    let device_url = token_url.join("devicecode").ok();
    let resource = config.url.origin().ascii_serialization();
    let authentication = Authentication::Login {
        token_url,
        device_url,
        client_id: config.client_id.clone(),
        client_secret: settings.secret("client_secret"),
        refresh_token: settings.secret("refresh_token"),
        // Without the second one no further refresh token is given.
        scopes: vec![format!("{resource}/user_impersonation"), "offline_access".to_owned()],
        store: None,
    };
    let (address, connector) = (config.url.clone(), Arc::new(PartnerCenter::new(config)));
    Ok(Built { connector, authentication, address, further: Vec::new() })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        Ok(Self {
            url: settings.base_or("url", PARTNER_CENTER)?,
            client_id: settings.required_text("client_id")?,
            customer: settings.trimmed("customer"),
            locale: settings.trimmed("locale").unwrap_or_else(|| "en-US".to_owned()),
        })
    }
}
