//! What an operator writes about a practice desk.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, CreateClass, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// The settings of a practice desk.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "Where the desk is.",
        example: "\"http://127.0.0.1:8301/\"",
    },
    Setting {
        key: "token",
        kind: SettingKind::Secret,
        required: true,
        doc: "The token that opens the desk's REST interface.",
        example: "{ env = \"PRACTICE_TOKEN\" }",
    },
    Setting {
        key: "webhook_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The `whsec_` secret the desk signs its webhooks with. Without it webhooks are refused and the desk is polled.",
        example: "{ env = \"PRACTICE_WEBHOOK_SECRET\" }",
    },
    Setting {
        key: "create_class",
        kind: SettingKind::Word(&["c0", "c1", "c2", "c3", "c4"]),
        required: false,
        doc: "How a write whose answer was lost is settled: by idempotency key, by upsert under an id of ours, by marker, by a marker whose search lags, or by a person. `c2` without it.",
        example: "\"c2\"",
    },
    Setting {
        key: "settle",
        kind: SettingKind::Duration,
        required: false,
        doc: "After this time a write whose answer was lost can no longer take effect. 30 seconds without it.",
        example: "\"30s\"",
    },
    Setting {
        key: "lag",
        kind: SettingKind::Duration,
        required: false,
        doc: "How far the desk's search and list of changes may lag behind. 30 seconds without it; matters with `c3` only.",
        example: "\"30s\"",
    },
];

/// The connector of one practice desk.
#[derive(Clone, Debug)]
pub struct Practice {
    pub(crate) url: Url,
    pub(crate) class: CreateClass,
    pub(crate) settle: Duration,
    pub(crate) lag: Duration,
    pub(crate) webhook_secret: Option<SecretString>,
}

/// Builds the connector from an operator's settings.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let url = settings.address("url")?;
    let lag = settings.count("lag").map_or(DEFAULT_WAIT, Duration::from_secs);
    let class = match settings.text("create_class") {
        Some("c0") => CreateClass::C0,
        Some("c1") => CreateClass::C1,
        None | Some("c2") => CreateClass::C2,
        Some("c3") => CreateClass::C3 { lag },
        Some("c4") => CreateClass::C4,
        Some(other) => {
            let message = format!("the setting create_class is {other:?}; write c0, c1, c2, c3 or c4");
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
    };
    let practice = Practice {
        url: url.clone(),
        class,
        settle: settings.count("settle").map_or(DEFAULT_WAIT, Duration::from_secs),
        lag,
        webhook_secret: settings.secret("webhook_secret"),
    };
    let authentication = Authentication::Bearer(settings.required_secret("token")?);
    Ok(Built { connector: Arc::new(practice), authentication, address: url, further: Vec::new() })
}
