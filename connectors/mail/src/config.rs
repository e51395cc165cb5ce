//! What an operator writes to connect a mailbox.

use std::sync::Arc;

use lettre::Address;
use secrecy::SecretString;
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Protection, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Mail;

const PROTECTIONS: &[&str] = &["tls", "starttls", "open"];
const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// The settings of a mailbox, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "imap_host",
        kind: SettingKind::Text,
        required: true,
        doc: "The host that the mailbox is read from.",
        example: "\"imap.example.org\"",
    },
    Setting {
        key: "imap_port",
        kind: SettingKind::Count,
        required: false,
        doc: "Its port. Without it: 993 for tls, 143 otherwise.",
        example: "993",
    },
    Setting {
        key: "imap_protection",
        kind: SettingKind::Word(PROTECTIONS),
        required: false,
        doc: "What protects the connection: tls from the start, starttls, or nothing (open), which only hosts that the \
              admin allowed may have. Without it: tls.",
        example: "\"tls\"",
    },
    Setting {
        key: "smtp_host",
        kind: SettingKind::Text,
        required: false,
        doc: "The host that takes mails to be sent. Without it: imap_host.",
        example: "\"smtp.example.org\"",
    },
    Setting {
        key: "smtp_port",
        kind: SettingKind::Count,
        required: false,
        doc: "Its port. Without it: 465 for tls, 587 otherwise.",
        example: "465",
    },
    Setting {
        key: "smtp_protection",
        kind: SettingKind::Word(PROTECTIONS),
        required: false,
        doc: "As imap_protection, for mails to be sent. Without it: tls.",
        example: "\"tls\"",
    },
    Setting {
        key: "user",
        kind: SettingKind::Text,
        required: true,
        doc: "The name to log in with, to both hosts.",
        example: "\"tickets@example.org\"",
    },
    Setting {
        key: "password",
        kind: SettingKind::Secret,
        required: true,
        doc: "The password to log in with, to both hosts.",
        example: "{ env = \"MAIL_PASSWORD\" }",
    },
    Setting {
        key: "smtp_login",
        kind: SettingKind::Word(&["yes", "no"]),
        required: false,
        doc: "Whether to log in before sending; no is for a relay that knows us by our address. Without it: yes.",
        example: "\"yes\"",
    },
    Setting {
        key: "from",
        kind: SettingKind::Text,
        required: true,
        doc: "The address our mails are from and answers go to. Its mailbox has to be this one alone.",
        example: "\"tickets@example.org\"",
    },
    Setting {
        key: "partner",
        kind: SettingKind::Text,
        required: true,
        doc: "The partner's address. Every mail goes there and nowhere else.",
        example: "\"support@partner.example\"",
    },
    Setting {
        key: "accept_from",
        kind: SettingKind::TextList,
        required: false,
        doc: "Addresses and domains whose mails are the partner's. The sender's address is taken at its word, so that \
              the mail server has to refuse forged ones. Without it: the domain of partner.",
        example: "[\"partner.example\"]",
    },
    Setting {
        key: "inbox",
        kind: SettingKind::Text,
        required: false,
        doc: "The folder that mails arrive in. Without it: INBOX.",
        example: "\"INBOX\"",
    },
    Setting {
        key: "sent",
        kind: SettingKind::Text,
        required: false,
        doc: "The folder that keeps what we sent; it has to exist. Without it: Sent.",
        example: "\"Sent\"",
    },
    Setting {
        key: "max_file_bytes",
        kind: SettingKind::Count,
        required: false,
        doc: "The largest file sent or read. A mail of more than one and a half times that and a mebibyte is read in \
              its beginning only. Without it: 10 MiB.",
        example: "10485760",
    },
];

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) imap: Host,
    pub(crate) smtp: Host,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    pub(crate) smtp_login: bool,
    pub(crate) from: Address,
    pub(crate) partner: Address,
    /// Addresses and domains, in lower case.
    pub(crate) accept_from: Vec<String>,
    pub(crate) inbox: String,
    pub(crate) sent: String,
    pub(crate) max_file_bytes: u64,
}

/// Where a protocol is spoken.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) protection: Protection,
}

/// Builds the connector.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    // Nothing is asked by HTTP; the address names the host to those who list where a system is.
    let address = Url::parse(&format!("https://{}:{}/", config.imap.name, config.imap.port))
        .map_err(|error| misconfigured(format!("the setting imap_host is no host: {error}")))?;
    Ok(Built {
        connector: Arc::new(Mail::new(config)),
        authentication: Authentication::None,
        address,
        further: Vec::new(),
    })
}

impl Config {
    /// Checks the settings.
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let imap_host = required(settings, "imap_host")?;
        let smtp_host = settings.text("smtp_host").unwrap_or(&imap_host).to_owned();
        let partner = address(settings, "partner")?;
        let list = settings.values.get("accept_from").and_then(serde_json::Value::as_array);
        let listed = list.into_iter().flatten().filter_map(serde_json::Value::as_str);
        let mut accept_from: Vec<String> = listed.map(|one| one.trim().to_lowercase()).collect();
        if accept_from.iter().any(String::is_empty) {
            return Err(misconfigured("the setting accept_from holds an empty text".to_owned()));
        }
        if accept_from.is_empty() {
            accept_from.push(partner.domain().to_lowercase());
        }
        let max_file_bytes = settings.count("max_file_bytes").unwrap_or(MAX_FILE_BYTES);
        if max_file_bytes == 0 || max_file_bytes > 128 * 1024 * 1024 {
            return Err(misconfigured("the setting max_file_bytes has to be from 1 to 134217728".to_owned()));
        }
        Ok(Self {
            imap: host(settings, imap_host, "imap_port", "imap_protection", [993, 143])?,
            smtp: host(settings, smtp_host, "smtp_port", "smtp_protection", [465, 587])?,
            user: required(settings, "user")?,
            password: settings.required_secret("password")?,
            smtp_login: settings.text("smtp_login") != Some("no"),
            from: address(settings, "from")?,
            partner,
            accept_from,
            inbox: folder(settings, "inbox", "INBOX")?,
            sent: folder(settings, "sent", "Sent")?,
            max_file_bytes,
        })
    }

    /// Whether a mail from this address is the partner's.
    pub(crate) fn accepts(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        let domain = address.rsplit_once('@').map(|(_, domain)| domain);
        let Some(domain) = domain else { return false };
        self.accept_from.iter().any(|one| match one.trim_start_matches('@') {
            whole if whole.contains('@') => whole == address,
            whole => whole == domain,
        })
    }

    /// The most of one mail that is read.
    pub(crate) fn max_mail_bytes(&self) -> u64 {
        self.max_file_bytes.saturating_add(self.max_file_bytes / 2).saturating_add(1024 * 1024)
    }
}

fn host(settings: &Settings, name: String, port: &str, protection: &str, usual: [u64; 2]) -> Result<Host> {
    let word = settings.text(protection).unwrap_or("tls");
    let (protection, otherwise) = match word {
        "tls" => (Protection::Tls, usual[0]),
        "starttls" => (Protection::StartTls, usual[1]),
        "open" => (Protection::Open, usual[1]),
        other => return Err(misconfigured(format!("the setting {protection} is {other:?}"))),
    };
    let number = settings.count(port).unwrap_or(otherwise);
    let port = u16::try_from(number)
        .map_err(|error| misconfigured(format!("the setting {port} is no port: {error}")))?;
    Ok(Host { name, port, protection })
}

fn required(settings: &Settings, key: &str) -> Result<String> {
    let text = settings.text(key).map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| misconfigured(format!("the setting {key} is missing")))?;
    one_line(key, text)
}

fn folder(settings: &Settings, key: &str, usual: &str) -> Result<String> {
    one_line(key, settings.text(key).unwrap_or(usual))
}

fn one_line(key: &str, text: &str) -> Result<String> {
    match text.chars().any(char::is_control) {
        true => Err(misconfigured(format!("the setting {key} holds a control character"))),
        false => Ok(text.to_owned()),
    }
}

fn address(settings: &Settings, key: &str) -> Result<Address> {
    let text = required(settings, key)?;
    text.parse()
        .map_err(|error| misconfigured(format!("the setting {key} is no address of a mailbox: {error}")))
}

fn misconfigured(message: String) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
