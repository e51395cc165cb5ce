//! What an operator writes to connect Azure Support.

use std::collections::BTreeMap;
use std::sync::Arc;

use throughline_sdk::http::{Authentication, entra};
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::AzureSupport;
use crate::classify::Classification;

/// The settings of Azure Support, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "tenant",
        kind: SettingKind::Text,
        required: true,
        doc: "The Entra tenant of Throughline's app registration: its id or a domain of it.",
        example: "\"contoso.onmicrosoft.com\"",
    },
    Setting {
        key: "client_id",
        kind: SettingKind::Text,
        required: true,
        doc: "The app registration's application (client) id. Its service principal needs the role Support Request \
              Contributor on the subscription.",
        example: "\"5f0c3a2e-7d0b-4a63-9b8e-2f1d6c7a9e10\"",
    },
    Setting {
        key: "client_secret",
        kind: SettingKind::Secret,
        required: true,
        doc: "The app registration's client secret.",
        example: "{ env = \"AZURE_SUPPORT_SECRET\" }",
    },
    Setting {
        key: "subscription",
        kind: SettingKind::Text,
        required: false,
        doc: "The subscription whose tickets these are. Without it: tickets of the tenant that belong to no \
              subscription, which can only be about billing and subscriptions.",
        example: "\"132d901f-189d-4381-9214-fe68e27e05a1\"",
    },
    Setting {
        key: "services",
        kind: SettingKind::TextMap,
        required: false,
        doc: "For each type of ticket the service and problem classification it is raised under, as \
              SERVICE/CLASSIFICATION or as the classification's whole resource id. A type that is not here is refused, \
              unless classify is set.",
        example: "{ \"Virtual machine\" = \"cddd3eb5-1830-b494-44fd-782f691479dc/6fb3a706-abe9-0693-1544-72e848334a9f\" }",
    },
    Setting {
        key: "default_type",
        kind: SettingKind::Text,
        required: false,
        doc: "The type, out of services, of a new ticket whose type no agreement names.",
        example: "\"Virtual machine\"",
    },
    Setting {
        key: "classify",
        kind: SettingKind::Flag,
        required: false,
        doc: "Lets Azure choose service and problem classification from title and description where services has no \
              entry. Without it such a ticket is refused.",
        example: "false",
    },
    Setting {
        key: "default_severity",
        kind: SettingKind::Word(&["minimal", "moderate", "critical", "highestcriticalimpact"]),
        required: false,
        doc: "The severity of a new ticket without a priority. Without it: minimal.",
        example: "\"minimal\"",
    },
    Setting {
        key: "contact_first_name",
        kind: SettingKind::Text,
        required: true,
        doc: "First name of whom Microsoft contacts. Contact details are always these, never taken from a ticket.",
        example: "\"Service\"",
    },
    Setting {
        key: "contact_last_name",
        kind: SettingKind::Text,
        required: true,
        doc: "Last name of whom Microsoft contacts.",
        example: "\"Desk\"",
    },
    Setting {
        key: "contact_email",
        kind: SettingKind::Text,
        required: true,
        doc: "The e-mail address Microsoft writes to.",
        example: "\"servicedesk@contoso.com\"",
    },
    Setting {
        key: "contact_additional_emails",
        kind: SettingKind::TextList,
        required: false,
        doc: "Addresses that Microsoft copies on every message. Without it: none.",
        example: "[\"cloud-team@contoso.com\"]",
    },
    Setting {
        key: "contact_method",
        kind: SettingKind::Word(&["email", "phone"]),
        required: false,
        doc: "How Microsoft gets in touch. Without it: email.",
        example: "\"email\"",
    },
    Setting {
        key: "contact_phone",
        kind: SettingKind::Text,
        required: false,
        doc: "The phone number. Microsoft requires one for contact by phone, and for critical and \
              highestcriticalimpact: without it such a severity is refused.",
        example: "\"+1 425 555 0100\"",
    },
    Setting {
        key: "contact_time_zone",
        kind: SettingKind::Text,
        required: true,
        doc: "The contact's time zone, by its name in Windows.",
        example: "\"W. Europe Standard Time\"",
    },
    Setting {
        key: "contact_country",
        kind: SettingKind::Text,
        required: true,
        doc: "The contact's country as ISO 3166-1 alpha-3.",
        example: "\"DEU\"",
    },
    Setting {
        key: "contact_language",
        kind: SettingKind::Text,
        required: false,
        doc: "The language of support, as language and country. Without it: en-us.",
        example: "\"en-us\"",
    },
    Setting {
        key: "sender",
        kind: SettingKind::Text,
        required: false,
        doc: "The e-mail address that messages of ours are from: Azure asks one of a service principal. Without it: \
              contact_email.",
        example: "\"servicedesk@contoso.com\"",
    },
    Setting {
        key: "message_subject",
        kind: SettingKind::Text,
        required: false,
        doc: "The subject of our messages, which Azure requires. Without it: Message from the customer.",
        example: "\"Message from the customer\"",
    },
    Setting {
        key: "diagnostic_consent",
        kind: SettingKind::Flag,
        required: false,
        doc: "Lets Microsoft collect advanced diagnostic information from your resources. Without it: not.",
        example: "false",
    },
    Setting {
        key: "secondary_consent",
        kind: SettingKind::Flag,
        required: false,
        doc: "Answers the further consents that some problem classifications ask for. Without it: no.",
        example: "false",
    },
    Setting {
        key: "around_the_clock",
        kind: SettingKind::Flag,
        required: false,
        doc: "Asks for an answer around the clock for new tickets. Without it: in business hours.",
        example: "false",
    },
    Setting {
        key: "support_plan_id",
        kind: SettingKind::Text,
        required: false,
        doc: "The support plan that new tickets use. Without it: the subscription's.",
        example: "\"U291cmNlOkZyZWUsRnJlZUlkOjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwOSw=\"",
    },
    Setting {
        key: "api_version",
        kind: SettingKind::Text,
        required: false,
        doc: "The version of the Microsoft.Support interface. Without it: 2026-06-01. Before that, classify needs a \
              preview version.",
        example: "\"2026-06-01\"",
    },
    Setting {
        key: "url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where the Azure Resource Manager is. Without it: that of the public cloud.",
        example: "\"https://management.azure.com\"",
    },
    Setting {
        key: "token_url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where tokens come from. Without it: the tenant's endpoint at login.microsoftonline.com.",
        example: "\"https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token\"",
    },
    Setting {
        key: "scope",
        kind: SettingKind::Text,
        required: false,
        doc: "The scope asked for. Without it: url with /.default behind it.",
        example: "\"https://management.azure.com/.default\"",
    },
    Setting {
        key: "portal_url",
        kind: SettingKind::Address,
        required: false,
        doc: "Where people open tickets. Without it: the portal of the public cloud.",
        example: "\"https://portal.azure.com\"",
    },
];

const MANAGER: &str = "https://management.azure.com/";
const PORTAL: &str = "https://portal.azure.com/";
const API_VERSION: &str = "2026-06-01";

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The Resource Manager, with a slash at its end.
    pub(crate) url: Url,
    pub(crate) portal: Url,
    pub(crate) client_id: String,
    pub(crate) subscription: Option<String>,
    pub(crate) api_version: String,
    pub(crate) services: BTreeMap<String, Classification>,
    pub(crate) default_type: Option<String>,
    pub(crate) classify: bool,
    pub(crate) default_severity: String,
    pub(crate) contact: Contact,
    pub(crate) sender: String,
    pub(crate) message_subject: String,
    pub(crate) diagnostic_consent: bool,
    pub(crate) secondary_consent: bool,
    pub(crate) around_the_clock: bool,
    pub(crate) support_plan_id: Option<String>,
}

/// Whom Microsoft contacts.
#[derive(Clone, Debug)]
pub(crate) struct Contact {
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) method: String,
    pub(crate) email: String,
    pub(crate) additional_emails: Vec<String>,
    pub(crate) phone: Option<String>,
    pub(crate) time_zone: String,
    pub(crate) country: String,
    pub(crate) language: String,
}

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    let scope = settings.trimmed("scope").unwrap_or_else(|| format!("{}.default", config.url));
    let authentication = Authentication::ClientCredentials {
        token_url: entra::token_url(settings)?,
        client_id: config.client_id.clone(),
        client_secret: settings.required_secret("client_secret")?,
        scopes: vec![scope],
    };
    let address = config.url.clone();
    Ok(Built { connector: Arc::new(AzureSupport::new(config)), authentication, address, further: Vec::new() })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let subscription = settings.trimmed("subscription");
        if subscription.as_deref().is_some_and(|id| !is_uuid(id)) {
            return Err(misconfigured(
                "the setting subscription has to be a subscription's id, not its name",
            ));
        }
        let contact = Contact::read(settings)?;
        let config = Self {
            url: settings.base_or("url", MANAGER)?,
            portal: settings.base_or("portal_url", PORTAL)?,
            client_id: settings.required_text("client_id")?,
            subscription,
            api_version: settings.trimmed("api_version").unwrap_or_else(|| API_VERSION.to_owned()),
            services: services(settings)?,
            default_type: settings.trimmed("default_type"),
            classify: settings.flag("classify"),
            default_severity: settings.trimmed("default_severity").unwrap_or_else(|| "minimal".to_owned()),
            sender: settings.trimmed("sender").unwrap_or_else(|| contact.email.clone()),
            message_subject: settings
                .trimmed("message_subject")
                .unwrap_or_else(|| "Message from the customer".to_owned()),
            diagnostic_consent: settings.flag("diagnostic_consent"),
            secondary_consent: settings.flag("secondary_consent"),
            around_the_clock: settings.flag("around_the_clock"),
            support_plan_id: settings.trimmed("support_plan_id"),
            contact,
        };
        match &config.default_type {
            Some(kind) if !config.services.contains_key(kind) => Err(misconfigured(format!(
                "the setting default_type names {kind:?}, which services does not have"
            ))),
            Some(_) | None => Ok(config),
        }
    }
}

impl Contact {
    fn read(settings: &Settings) -> Result<Self> {
        let contact = Self {
            first_name: settings.required_text("contact_first_name")?,
            last_name: settings.required_text("contact_last_name")?,
            method: settings.trimmed("contact_method").unwrap_or_else(|| "email".to_owned()),
            email: settings.required_text("contact_email")?,
            additional_emails: settings.texts("contact_additional_emails"),
            phone: settings.trimmed("contact_phone"),
            time_zone: settings.required_text("contact_time_zone")?,
            country: settings.required_text("contact_country")?,
            language: settings.trimmed("contact_language").unwrap_or_else(|| "en-us".to_owned()),
        };
        if contact.method == "phone" && contact.phone.is_none() {
            return Err(misconfigured(
                "contact_method is phone, so that the setting contact_phone is required",
            ));
        }
        if contact.country.len() != 3 || !contact.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(misconfigured(
                "contact_country has to be three capital letters (ISO 3166-1 alpha-3)",
            ));
        }
        Ok(contact)
    }
}

fn services(settings: &Settings) -> Result<BTreeMap<String, Classification>> {
    let Some(table) = settings.values.get("services").and_then(serde_json::Value::as_object) else {
        return Ok(BTreeMap::new());
    };
    table
        .iter()
        .map(|(kind, value)| {
            let classification = value.as_str().and_then(Classification::parse).ok_or_else(|| {
                misconfigured(format!(
                    "the setting services has to give {kind:?} a SERVICE/CLASSIFICATION, or a classification's resource id"
                ))
            })?;
            Ok((kind.clone(), classification))
        })
        .collect()
}

/// Thirty-two hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn misconfigured(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
