//! What an operator writes to connect a member of TSANet.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use throughline_sdk::http::{Authentication, entra};
use throughline_sdk::settings::wrong;
use throughline_sdk::{Built, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::TsaNet;
use crate::wire::{Contact, Engineer};

/// The settings of a member of TSANet, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: true,
        doc: "Where TSANet Connect is, without /v1: https://connect2.tsanet.org, or .net for its Beta.",
        example: "\"https://connect2.tsanet.org\"",
    },
    Setting {
        key: "tenant",
        kind: SettingKind::Text,
        required: true,
        doc: "The Entra tenant that issues the tokens.",
        example: "\"0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b\"",
    },
    Setting {
        key: "audience",
        kind: SettingKind::Text,
        required: true,
        doc: "The audience of the tokens as TSANet names it: a GUID alone, without api://.",
        example: "\"7d1c9b2e-0f3a-4b5c-9d8e-1a2b3c4d5e6f\"",
    },
    Setting {
        key: "client_id",
        kind: SettingKind::Text,
        required: true,
        doc: "The client id that TSANet issued and provisioned for the member.",
        example: "\"6f1d2c4e-98a0-4a6b-9d0e-3f6a5b7c8d90\"",
    },
    Setting {
        key: "client_secret",
        kind: SettingKind::Secret,
        required: true,
        doc: "Its secret, as it is: it may begin with punctuation, and it expires.",
        example: "{ env = \"TSANET_SECRET\" }",
    },
    Setting {
        key: "engineer_name",
        kind: SettingKind::Text,
        required: true,
        doc: "Who partners are told to ask, in requests and answers. It is never taken from remote text.",
        example: "\"Support Contoso\"",
    },
    Setting {
        key: "engineer_email",
        kind: SettingKind::Text,
        required: true,
        doc: "Their address, in the domain that the member has registered with TSANet. Answers with it count as ours and \
              are not shared back.",
        example: "\"support@contoso.example\"",
    },
    Setting {
        key: "engineer_phone",
        kind: SettingKind::Text,
        required: false,
        doc: "Their telephone number. Without it none is stated.",
        example: "\"+1 555 0100\"",
    },
    Setting {
        key: "partner",
        kind: SettingKind::Text,
        required: false,
        doc: "Whose form new requests are made on: `company/ID`, `department/ID` or `document/ID`. Without it no requests \
              are submitted, only received.",
        example: "\"department/4711\"",
    },
    Setting {
        key: "fields",
        kind: SettingKind::TextMap,
        required: false,
        doc: "What stands in the fields of the partner's form, by their labels, where an agreement fills in nothing else.",
        example: "{ \"Product\" = \"Gateway\" }",
    },
    Setting {
        key: "case_number",
        kind: SettingKind::Text,
        required: false,
        doc: "Our number of a request that is accepted before the counterpart's number is known. Without it: TSANet's own.",
        example: "\"see our portal\"",
    },
    Setting {
        key: "next_steps",
        kind: SettingKind::Text,
        required: false,
        doc: "What a partner is told when a request is accepted. Without it: We are working on it.",
        example: "\"We are working on it.\"",
    },
    Setting {
        key: "reason",
        kind: SettingKind::Text,
        required: false,
        doc: "What a partner is told when a request is rejected. Without it: We cannot take this on; see the notes.",
        example: "\"We cannot take this on; see the notes.\"",
    },
    Setting {
        key: "question",
        kind: SettingKind::Text,
        required: false,
        doc: "What a partner is told when a request is sent back for information. Without it: We need more information; \
              see the notes.",
        example: "\"We need more information; see the notes.\"",
    },
    Setting {
        key: "partner_notes",
        kind: SettingKind::Word(&["internal", "public"]),
        required: false,
        doc: "What notes are that are meant for the two companies and not for their customer. Without it: internal, so \
              that they are shared only where an agreement shares internal comments.",
        example: "\"internal\"",
    },
    Setting {
        key: "test",
        kind: SettingKind::Flag,
        required: false,
        doc: "Whether new requests are test submissions, which start no clock and notify nobody. False without it.",
        example: "false",
    },
    Setting {
        key: "webhook_secret",
        kind: SettingKind::Secret,
        required: false,
        doc: "The secret that TSANet showed once when the webhook was subscribed. Without it webhooks are refused and \
              changes are found by polling.",
        example: "{ env = \"TSANET_WEBHOOK_SECRET\" }",
    },
    Setting {
        key: "authority",
        kind: SettingKind::Address,
        required: false,
        doc: "Where tokens come from. Without it: https://login.microsoftonline.com.",
        example: "\"https://login.microsoftonline.com\"",
    },
];

/// Whose form a new request is made on: the last two segments of its address.
pub(crate) type Partner = [String; 2];

/// The checked settings, without the credentials: the HTTP plane holds those.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) url: Url,
    pub(crate) engineer: Engineer,
    pub(crate) partner: Option<Partner>,
    /// What stands in the fields of the form, by label.
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) case_number: Option<String>,
    pub(crate) next_steps: String,
    pub(crate) reason: String,
    pub(crate) question: String,
    pub(crate) partner_notes_are_public: bool,
    pub(crate) test: bool,
    pub(crate) webhook_secret: Option<SecretString>,
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
        client_id: settings.required_text("client_id")?,
        client_secret: settings.required_secret("client_secret")?,
        scopes: vec![format!("{}/.default", audience(settings)?)],
    };
    let address = config.url.clone();
    Ok(Built { connector: Arc::new(TsaNet::new(config)), authentication, address, further: Vec::new() })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let url = settings.base("url")?;
        if url.path_segments().into_iter().flatten().any(|segment| segment == "v1" || segment == "v2") {
            return Err(wrong("url", "has to be the address without /v1"));
        }
        let email = settings.required_text("engineer_email")?;
        if email.split_once('@').is_none_or(|(name, domain)| name.is_empty() || !domain.contains('.')) {
            return Err(wrong("engineer_email", "has to be a mail address"));
        }
        let told = |key: &str, otherwise: &str| settings.trimmed(key).unwrap_or_else(|| otherwise.to_owned());
        Ok(Self {
            url,
            engineer: Engineer {
                engineer_name: settings.required_text("engineer_name")?,
                engineer_email: email,
                engineer_phone: settings.trimmed("engineer_phone"),
            },
            partner: partner(settings)?,
            fields: fields(settings)?,
            case_number: settings.trimmed("case_number"),
            next_steps: told("next_steps", "We are working on it."),
            reason: told("reason", "We cannot take this on; see the notes."),
            question: told("question", "We need more information; see the notes."),
            partner_notes_are_public: settings.text("partner_notes") == Some("public"),
            test: settings.flag("test"),
            webhook_secret: settings.secret("webhook_secret"),
        })
    }

    /// The engineer as somebody to ask.
    pub(crate) fn contact(&self) -> Contact {
        Contact {
            name: Some(self.engineer.engineer_name.clone()),
            email: Some(self.engineer.engineer_email.clone()),
            phone: self.engineer.engineer_phone.clone(),
        }
    }
}

fn partner(settings: &Settings) -> Result<Option<Partner>> {
    let Some(partner) = settings.trimmed("partner") else { return Ok(None) };
    let (kind, id) = partner.split_once('/').unwrap_or_default();
    if !matches!(kind, "company" | "department" | "document") || id.parse::<u64>().is_err() {
        return Err(wrong(
            "partner",
            "has to be company/ID, department/ID or document/ID, with a number for ID",
        ));
    }
    Ok(Some([kind.to_owned(), id.to_owned()]))
}

/// The scope with an application id URI in it is refused (AADSTS500011): TSANet's registration publishes none.
fn audience(settings: &Settings) -> Result<String> {
    let audience = settings.required_text("audience")?;
    if audience.contains([':', '/']) {
        return Err(wrong("audience", "has to be the GUID alone, without api:// and /.default"));
    }
    Ok(audience)
}

fn fields(settings: &Settings) -> Result<BTreeMap<String, String>> {
    let table = settings.values.get("fields").and_then(serde_json::Value::as_object);
    let mut fields = BTreeMap::new();
    for (label, value) in table.into_iter().flatten() {
        let (label, value) = (label.trim(), value.as_str().unwrap_or_default().trim());
        if label.is_empty() || value.is_empty() {
            return Err(wrong("fields", "has an empty label or value"));
        }
        fields.insert(label.to_owned(), value.to_owned());
    }
    Ok(fields)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};
    use throughline_sdk::ErrorKind;

    use super::*;

    pub(crate) fn settings(more: &[(&str, Value)]) -> Settings {
        let mut settings = Settings::default();
        for (key, value) in [
            ("url", "https://connect2.tsanet.example"),
            ("tenant", "t"),
            ("audience", "a-1"),
            ("client_id", "c"),
            ("engineer_name", "Support Contoso"),
            ("engineer_email", "support@contoso.example"),
            ("partner", "company/4711"),
        ] {
            settings.values.insert(key.into(), value.into());
        }
        settings.values.insert("fields".into(), json!({"Product": "Gateway"}));
        for (key, value) in more {
            settings.values.insert((*key).to_owned(), value.clone());
        }
        settings.secrets.insert("client_secret".into(), ".s".into());
        settings
    }

    pub(crate) fn config() -> Config {
        Config::read(&settings(&[])).unwrap()
    }

    #[test]
    fn tokens_come_from_entra_for_the_bare_audience() {
        let built = build(&settings(&[])).unwrap();
        let Authentication::ClientCredentials { token_url, scopes, .. } = built.authentication else {
            panic!("not by client credentials")
        };
        assert_eq!(token_url.as_str(), "https://login.microsoftonline.com/t/oauth2/v2.0/token");
        assert_eq!(scopes, ["a-1/.default"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (key, value) in [
            ("url", json!("ftp://connect2.tsanet.example")),
            ("url", json!("https://connect2.tsanet.example/v1")),
            ("audience", json!("api://a-1")),
            ("engineer_name", json!(" ")),
            ("engineer_email", json!("support")),
            ("partner", json!("4711")),
            ("partner", json!("company/contoso")),
            ("fields", json!({"Product": ""})),
        ] {
            let error = build(&settings(&[(key, value.clone())])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{value}");
            assert!(error.message().starts_with(&format!("the setting {key} ")), "{error}");
        }
        assert!(build(&settings(&[("partner", Value::Null)])).is_ok());
    }
}
