//! Every key of the configuration, declared once: parser, checks, example and schema are made from these tables.

mod agreement;
mod console;
mod grants;
mod handshake;
mod privacy;
mod reference;
mod retention;
mod system;
mod watched;
mod webhooks;

use std::time::Duration;

use throughline_sdk::{Setting, SettingKind};

use agreement::AGREEMENT;
use console::CONSOLE;
use handshake::{LEVEL_WORDS, RESPONSIBILITY};
use privacy::RECOGNIZE;
use reference::REFERENCE;
use retention::RETENTION;
use system::SYSTEM;
use watched::WATCHED;
use webhooks::WEBHOOK;

/// A table of the configuration.
#[derive(Debug)]
pub(super) struct Table {
    /// What it is for.
    pub doc: &'static str,
    /// Its keys, in the order of the example.
    pub keys: &'static [Key],
    /// Whether exactly one more key names a kind of system and holds that kind's own settings.
    pub takes_kind: bool,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Its name.
    pub key: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether it must be there.
    pub need: Need,
    /// What it does, limits, what happens without it.
    pub doc: &'static str,
    /// A value as TOML, for the example; empty for tables.
    pub example: &'static str,
}

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It may not.
    Required,
    /// It may, and nothing stands in for it.
    Optional,
    /// It may, and this TOML value stands in for it.
    Default(&'static str),
}

/// What a key holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holds {
    /// What a connector's setting may hold, too.
    Setting(SettingKind),
    /// A whole number within bounds.
    Number { min: u64, max: u64 },
    /// A length of time within bounds.
    Span { min: Duration, max: Duration },
    /// A size in bytes such as `"25MB"`.
    Size,
    /// A path, relative to the file it stands in.
    Path,
    /// An IP address and a port.
    Socket,
    /// A list of IP networks.
    Networks,
    /// The name of a party or system that is declared elsewhere.
    Name,
    /// A table from texts to one of these words.
    TextToWord(&'static [&'static str]),
    /// A table from one of these words to texts.
    WordToText(&'static [&'static str]),
    /// A condition in CEL.
    Condition,
    /// What becomes of a value that a map does not name: a word, or a table with a default.
    Otherwise,
    /// One table.
    Table(&'static Table),
    /// Tables by name.
    Named(&'static Table, Names),
}

/// What the names of [`Holds::Named`] may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Plain names that the operator gives.
    Given,
    /// Fields of a ticket.
    Fields,
}

impl Key {
    /// A connector's setting as a key.
    pub(super) fn from_setting(setting: &Setting) -> Self {
        Self {
            key: setting.key,
            holds: Holds::Setting(setting.kind),
            need: if setting.required { Need::Required } else { Need::Optional },
            doc: setting.doc,
            example: setting.example,
        }
    }
}

const TEXT: Holds = Holds::Setting(SettingKind::Text);
const DAY: Duration = Duration::from_secs(86_400);

/// The main file.
pub(super) const ROOT: Table = Table {
    doc: "The configuration of Throughline.",
    takes_kind: false,
    keys: &[
        table("bridge", &BRIDGE, Need::Required),
        named("parties", &PARTY, Names::Given, Need::Required),
        named("systems", &SYSTEM, Names::Given, Need::Required),
        table("recognize", &RECOGNIZE, Need::Optional),
        named("agreements", &AGREEMENT, Names::Given, Need::Optional),
        named("responsibility", &RESPONSIBILITY, Names::Given, Need::Optional),
        named("references", &REFERENCE, Names::Given, Need::Optional),
        named("webhooks", &WEBHOOK, Names::Given, Need::Optional),
        named("retention", &RETENTION, Names::Given, Need::Optional),
        named("watched", &WATCHED, Names::Given, Need::Optional),
        table("console", &CONSOLE, Need::Optional),
    ],
};

/// A file in the folder `agreements` beside the main file.
pub(super) const AGREEMENT_FILE: Table = Table {
    doc: "Agreements, beside those of the main file.",
    takes_kind: false,
    keys: &[named("agreements", &AGREEMENT, Names::Given, Need::Optional)],
};

const BRIDGE: Table = Table {
    doc: "The daemon itself.",
    takes_kind: false,
    keys: &[
        Key {
            key: "home",
            holds: Holds::Name,
            need: Need::Required,
            doc: "The home organization: one of the parties below.",
            example: r#""contoso""#,
        },
        Key {
            key: "data",
            holds: Holds::Path,
            need: Need::Default(r#""data""#),
            doc: "The folder of ledger, correlation store and files. Relative to this file.",
            example: r#""/var/lib/throughline""#,
        },
        Key {
            key: "listen",
            holds: Holds::Socket,
            need: Need::Default(r#""127.0.0.1:8780""#),
            doc: "Where webhooks, health, metrics and the command line's interface are served: an IP address and a port. From \
                  outside only /webhooks/ has to be reached, best through a proxy that speaks TLS.",
            example: r#""127.0.0.1:8780""#,
        },
        Key {
            key: "log",
            holds: TEXT,
            need: Need::Default(r#""info""#),
            doc: "What is logged: error, warn, info, debug or trace, also by part, as in \"info,throughline=debug\".",
            example: r#""info""#,
        },
        Key {
            key: "log_format",
            holds: Holds::Setting(SettingKind::Word(&["text", "json"])),
            need: Need::Default(r#""text""#),
            doc: "How log lines are written: text for people, json for machines.",
            example: r#""json""#,
        },
        Key {
            key: "reconcile",
            holds: Holds::Span { min: Duration::from_secs(60), max: Duration::from_secs(30 * 86_400) },
            need: Need::Default(r#""24h""#),
            doc: "Within this time every open case is read again on all its systems, whatever was or was not heard \
                  of it. From 1m to 30d.",
            example: r#""24h""#,
        },
        Key {
            key: "master_key",
            holds: Holds::Setting(SettingKind::Secret),
            need: Need::Optional,
            doc: "The key under which the keys of the cases are kept: 64 hexadecimal digits. A reference: \
                  { env = \"NAME\" } or { file = \"PATH\" }, the path relative to this file. Without it, the file \
                  master.key in the folder of data, made at the first start.",
            example: r#"{ file = "master.key" }"#,
        },
        Key {
            key: "ledger_name",
            holds: TEXT,
            need: Need::Optional,
            doc: "What the ledger is called in signed checkpoints and evidence: a name that no other log in the world has, best \
                  a host of yours and a word, without spaces and plus signs. It may not change: to others, a ledger of another name \
                  is another ledger. Without it, the name of the home organization and /throughline.",
            example: r#""contoso.example/throughline""#,
        },
        Key {
            key: "allow",
            holds: Holds::Networks,
            need: Need::Default("[]"),
            doc: "What requests to systems may reach besides public addresses: IP networks, single addresses, or host names \
                  and whatever private address they lead to.",
            example: r#"["10.1.0.0/16", "desk.internal"]"#,
        },
    ],
};

const PARTY: Table = Table {
    doc: "An organization.",
    takes_kind: false,
    keys: &[
        Key {
            key: "title",
            holds: TEXT,
            need: Need::Optional,
            doc: "Its name for readers. Without it, the name of this table.",
            example: r#""Contoso Ltd""#,
        },
        Key {
            key: "level",
            holds: Holds::Setting(SettingKind::Word(LEVEL_WORDS)),
            need: Need::Optional,
            doc: "Its level of support: super_user, helpdesk, application_team, partner or vendor. Without it, helpdesk for \
                  the home organization and partner for every other.",
            example: r#""helpdesk""#,
        },
    ],
};

const fn table(key: &'static str, table: &'static Table, need: Need) -> Key {
    Key { key, holds: Holds::Table(table), need, doc: table.doc, example: "" }
}

const fn named(key: &'static str, table: &'static Table, names: Names, need: Need) -> Key {
    Key { key, holds: Holds::Named(table, names), need, doc: table.doc, example: "" }
}
