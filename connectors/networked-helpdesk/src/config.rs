//! What an operator writes for a partner of the protocol.

use std::sync::Arc;

use throughline_sdk::http::{Authentication, FurtherHost};
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::connector::NetworkedHelpDesk;
use crate::own;

/// The kind's name.
pub const KIND: &str = "networked-helpdesk";

/// The settings, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    setting(
        "url",
        SettingKind::Address,
        true,
        "Where the partner takes agreements and tickets: its sharing address, such as Zendesk's /sharing.",
        "\"https://fabrikam.zendesk.com/sharing\"",
    ),
    setting(
        "here",
        SettingKind::Address,
        true,
        "Our own address as the partner reaches it, ending in /sharing/ and the name of this system.",
        "\"https://bridge.example.org/sharing/fabrikam\"",
    ),
    setting(
        "name",
        SettingKind::Text,
        false,
        "What our invitation is called, for the partner's people. Without it: Throughline.",
        "\"Contoso helpdesk\"",
    ),
    setting(
        "author",
        SettingKind::Text,
        false,
        "Who tickets and comments of ours are said to be by. Without it: Throughline. The text itself names its author.",
        "\"Contoso helpdesk\"",
    ),
    setting(
        "invite",
        SettingKind::Flag,
        false,
        "Whether the partner is invited to take our tickets. Taken back, the agreement is deactivated. Without it: no; \
         tickets that the partner shares are still worked on by both.",
        "true",
    ),
    setting(
        "invitations",
        SettingKind::Word(&["hold", "accept", "decline"]),
        false,
        "What becomes of the partner's own invitations to us: hold keeps them undecided; accept takes those that the \
         partner at url confirms; decline declines them, and deactivates what was accepted. Without it: hold.",
        "\"accept\"",
    ),
    setting(
        "share_tags",
        SettingKind::Flag,
        false,
        "Whether our invitation agrees upon tags (sync_tags). Without it: no.",
        "true",
    ),
    setting(
        "share_custom_fields",
        SettingKind::Flag,
        false,
        "Whether our invitation agrees upon custom fields (sync_custom_fields). Without it: no.",
        "true",
    ),
    setting(
        "public_comments",
        SettingKind::Flag,
        false,
        "Whether our invitation lets the partner comment publicly (allows_public_comments). Without it: yes.",
        "true",
    ),
    setting(
        "statuses",
        SettingKind::TextList,
        false,
        "The statuses that the partner takes; a ticket of ours begins in the first. Without it: new, open, pending, hold, \
         solved. The protocol's first implementations take open, pending and solved only.",
        "[\"open\", \"pending\", \"solved\"]",
    ),
    setting(
        "fields",
        SettingKind::TextList,
        false,
        "Custom fields that the partner knows, for checks.",
        "[\"Product\"]",
    ),
    setting(
        "unsaid",
        SettingKind::Word(&["public", "internal"]),
        false,
        "What a comment is that does not say whether it is public. Without it: public, as in Zendesk's own \
         implementation; the protocol's first version knew no other.",
        "\"internal\"",
    ),
    setting(
        "file_hosts",
        SettingKind::TextList,
        false,
        "Hosts beside the partner's own that its files may be read from.",
        "[\"*.zdusercontent.com\"]",
    ),
    setting(
        "max_file_bytes",
        SettingKind::Count,
        false,
        "The largest file shared, in bytes. Without it: 20971520.",
        "20971520",
    ),
];

const fn setting(
    key: &'static str,
    kind: SettingKind,
    required: bool,
    doc: &'static str,
    example: &'static str,
) -> Setting {
    Setting { key, kind, required, doc, example }
}

const MAX_FILE_BYTES: u64 = 20 * 1024 * 1024;
/// The statuses of Zendesk's tickets, but for closed, which no partner may set.
const USUAL_STATUSES: [&str; 5] = ["new", "open", "pending", "hold", "solved"];

/// What becomes of the partner's invitations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invitations {
    Hold,
    Accept,
    Decline,
}

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The partner's address.
    pub(crate) url: Url,
    /// Our own desk's address, which leads nowhere but inside.
    pub(crate) own: Url,
    pub(crate) name: String,
    pub(crate) author: String,
    pub(crate) invite: bool,
    pub(crate) invitations: Invitations,
    pub(crate) terms: own::Terms,
    pub(crate) statuses: Vec<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) unsaid_is_public: bool,
    pub(crate) max_file_bytes: u64,
}

/// What the bridge's own face has to know of a partner.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// The partner's address.
    pub partner: Url,
    /// Our own, as the partner reaches it.
    pub here: Url,
    /// The largest file shared, in bytes.
    pub max_file_bytes: u64,
    /// What the engine bears on its way in process.
    pub token: &'static str,
}

/// Builds the connector. The address that bears our own credentials is that of the desk in process; the partner's
/// requests bear the key of an agreement, which the bridge adds on the way out.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    let mut further = vec![host(&config.url)?];
    for listed in settings.texts("file_hosts") {
        further.push(listed.parse().map_err(|error: Error| error.with_context("setting", "file_hosts"))?);
    }
    let address = config.own.clone();
    Ok(Built {
        connector: Arc::new(NetworkedHelpDesk::new(config)),
        authentication: Authentication::Bearer(own::TOKEN.into()),
        address,
        further,
    })
}

impl Config {
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let Sharing { partner, max_file_bytes, .. } = sharing(settings)?;
        let statuses = settings.texts("statuses");
        let flag = |key: &str| settings.values.get(key).and_then(serde_json::Value::as_bool);
        Ok(Self {
            own: own::address(&partner)?,
            url: partner,
            name: settings.trimmed("name").unwrap_or_else(|| "Throughline".to_owned()),
            author: settings.trimmed("author").unwrap_or_else(|| "Throughline".to_owned()),
            invite: settings.flag("invite"),
            invitations: match settings.text("invitations") {
                Some("accept") => Invitations::Accept,
                Some("decline") => Invitations::Decline,
                Some(_) | None => Invitations::Hold,
            },
            terms: own::Terms {
                sync_tags: settings.flag("share_tags"),
                sync_custom_fields: settings.flag("share_custom_fields"),
                allows_public_comments: flag("public_comments").unwrap_or(true),
            },
            statuses: match statuses.is_empty() {
                true => USUAL_STATUSES.map(str::to_owned).to_vec(),
                false => statuses,
            },
            fields: settings.texts("fields"),
            unsaid_is_public: settings.text("unsaid") != Some("internal"),
            max_file_bytes,
        })
    }
}

/// What the bridge's own face has to know.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn sharing(settings: &Settings) -> Result<Sharing> {
    let address = |key: &str| {
        let mut url = settings.address(key)?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(misconfigured(format!("the setting {key} has to be an http or https address")));
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(url)
    };
    let here = address("here")?;
    if !here.path().contains("/sharing/") {
        let why = "the setting here has to end in /sharing/ and the name of this system, or nobody is there";
        return Err(misconfigured(why));
    }
    Ok(Sharing {
        partner: address("url")?,
        here,
        max_file_bytes: settings.count("max_file_bytes").unwrap_or(MAX_FILE_BYTES),
        token: own::TOKEN,
    })
}

/// The partner's host, as one that is asked without our own credentials.
fn host(url: &Url) -> Result<FurtherHost> {
    let name = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{name}{port}").parse().map_err(|error: Error| error.with_context("setting", "url"))
}

fn misconfigured(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(values: &[(&str, serde_json::Value)]) -> Settings {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Settings { values, ..Settings::default() }
    }

    #[test]
    fn a_mistake_is_named_with_its_setting() {
        let good = ("url", json!("https://partner.example/sharing"));
        let here = ("here", json!("https://bridge.example/sharing/partner"));
        assert!(build(&settings(&[good.clone(), here.clone()])).is_ok());
        for (values, named) in [
            (vec![good.clone()], "here"),
            (vec![here.clone()], "url"),
            (vec![good.clone(), ("here", json!("https://bridge.example/"))], "here"),
            (vec![("url", json!("ftp://partner.example/")), here.clone()], "url"),
            (vec![good.clone(), here.clone(), ("file_hosts", json!(["*.com"]))], "file_hosts"),
        ] {
            let error = build(&settings(&values)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn credentials_are_for_the_desk_in_process_and_the_partner_is_a_further_host() {
        let url = ("url", json!("http://127.0.0.1:8443/sharing"));
        let here = ("here", json!("http://127.0.0.1:1/sharing/partner"));
        let built = build(&settings(&[url, here])).unwrap();
        assert_eq!(built.address.as_str(), "http://desk.invalid/");
        let partner = Url::parse("http://127.0.0.1:8443/sharing/tickets/1").unwrap();
        assert!(built.further.iter().any(|host| host.admits(&partner)));
    }
}
