//! Every key of the configuration, declared once: parser, checks, example and schema are made from these tables.

use std::time::Duration;

use throughline_sdk::{Setting, SettingKind};

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
    /// A table from texts to lists of texts.
    TextToTexts,
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

const STATUS_WORDS: &[&str] = &["new", "open", "pending", "on_hold", "resolved", "closed", "cancelled"];
const PRIORITY_WORDS: &[&str] = &["low", "normal", "high", "urgent"];
const DIRECTION_WORDS: &[&str] = &["both", "outbound", "inbound", "none"];
const POLICY_WORDS: &[&str] =
    &["owner_home", "owner_counterpart", "latest", "most_advanced", "union", "manual"];

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
        named("agreements", &AGREEMENT, Names::Given, Need::Optional),
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
            doc: "Where webhooks, console and API are served: an IP address and a port.",
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
            doc: "The key under which the keys of the cases are kept. A reference: { env = \"NAME\" } or \
                  { file = \"PATH\" }, the path relative to this file.",
            example: r#"{ file = "master.key" }"#,
        },
        Key {
            key: "allow",
            holds: Holds::Networks,
            need: Need::Default("[]"),
            doc: "Addresses that requests to systems may reach besides public ones: IP networks or single addresses.",
            example: r#"["10.1.0.0/16"]"#,
        },
    ],
};

const PARTY: Table = Table {
    doc: "An organization.",
    takes_kind: false,
    keys: &[Key {
        key: "title",
        holds: TEXT,
        need: Need::Optional,
        doc: "Its name for readers. Without it, the name of this table.",
        example: r#""Contoso Ltd""#,
    }],
};

const SYSTEM: Table = Table {
    doc: "A ticket system of a party. Its kind is the name of one more table in it, which holds that kind's own \
          settings.",
    takes_kind: true,
    keys: &[
        Key {
            key: "party",
            holds: Holds::Name,
            need: Need::Required,
            doc: "Whose it is: one of the parties.",
            example: r#""contoso""#,
        },
        Key {
            key: "poll",
            holds: Holds::Span { min: Duration::from_secs(1), max: DAY },
            need: Need::Default(r#""1m""#),
            doc: "How often its change feed is read. From 1s to 1d.",
            example: r#""1m""#,
        },
        Key {
            key: "timeout",
            holds: Holds::Span { min: Duration::from_secs(1), max: Duration::from_secs(600) },
            need: Need::Default(r#""30s""#),
            doc: "How long one request may take. From 1s to 10m.",
            example: r#""30s""#,
        },
        Key {
            key: "settle",
            holds: Holds::Span { min: Duration::from_secs(1), max: DAY },
            need: Need::Optional,
            doc: "The time after which a write whose answer was lost can no longer take effect. Without it, what the \
                  kind declares. From 1s to 1d.",
            example: r#""2m""#,
        },
        Key {
            key: "max_file",
            holds: Holds::Size,
            need: Need::Optional,
            doc: "The largest file that is sent to or read from it. Without it, what the kind declares.",
            example: r#""25MB""#,
        },
        table("limits", &LIMITS, Need::Optional),
        Key {
            key: "status",
            holds: Holds::TextToWord(STATUS_WORDS),
            need: Need::Optional,
            doc: "What the desk's status words mean, added to what the kind already knows. Of several words with one \
                  meaning the first that stands here is written, and the kind's own after these.",
            example: r#"{ "In Progress" = "open" }"#,
        },
        Key {
            key: "priority",
            holds: Holds::TextToWord(PRIORITY_WORDS),
            need: Need::Optional,
            doc: "What the desk's priority words mean, by the same rules.",
            example: r#"{ "Critical" = "urgent" }"#,
        },
        table("write", &WRITE, Need::Optional),
    ],
};

const LIMITS: Table = Table {
    doc: "How hard a system is worked.",
    takes_kind: false,
    keys: &[
        Key {
            key: "per_second",
            holds: Holds::Number { min: 1, max: 10_000 },
            need: Need::Optional,
            doc: "Requests in a second. Without it, no limit but the system's own refusals.",
            example: "5",
        },
        Key {
            key: "burst",
            holds: Holds::Number { min: 1, max: 10_000 },
            need: Need::Default("5"),
            doc: "Requests at once after a pause; counts only with per_second.",
            example: "5",
        },
        Key {
            key: "concurrency",
            holds: Holds::Number { min: 1, max: 256 },
            need: Need::Default("4"),
            doc: "Cases worked on side by side in this system.",
            example: "4",
        },
    ],
};

const WRITE: Table = Table {
    doc: "Which word is written for a meaning, where it is not the first.",
    takes_kind: false,
    keys: &[
        Key {
            key: "status",
            holds: Holds::WordToText(STATUS_WORDS),
            need: Need::Optional,
            doc: "By status. A desk without a word of its own for a meaning may be given its closest one.",
            example: r#"{ open = "In Progress" }"#,
        },
        Key {
            key: "priority",
            holds: Holds::WordToText(PRIORITY_WORDS),
            need: Need::Optional,
            doc: "By priority.",
            example: r#"{ urgent = "Critical" }"#,
        },
    ],
};

const AGREEMENT: Table = Table {
    doc: "What the home organization shares with one party. What is not named here is not shared.",
    takes_kind: false,
    keys: &[
        Key {
            key: "party",
            holds: Holds::Name,
            need: Need::Required,
            doc: "The counterpart: one of the parties, not the home organization.",
            example: r#""fabrikam""#,
        },
        Key {
            key: "home",
            holds: Holds::Name,
            need: Need::Required,
            doc: "The home organization's system.",
            example: r#""helpdesk""#,
        },
        Key {
            key: "counterpart",
            holds: Holds::Name,
            need: Need::Required,
            doc: "The counterpart's system.",
            example: r#""partner""#,
        },
        Key {
            key: "comments",
            holds: Holds::Setting(SettingKind::Word(DIRECTION_WORDS)),
            need: Need::Default(r#""none""#),
            doc: "Which way public comments travel: both, outbound (from home), inbound or none. Internal ones never \
                  do.",
            example: r#""both""#,
        },
        Key {
            key: "files",
            holds: Holds::Setting(SettingKind::Word(DIRECTION_WORDS)),
            need: Need::Default(r#""none""#),
            doc: "Which way public files travel.",
            example: r#""both""#,
        },
        Key {
            key: "relay",
            holds: Holds::Setting(SettingKind::Flag),
            need: Need::Default("false"),
            doc: "Whether comments and files that came from other counterparts of a case are shared, too.",
            example: "false",
        },
        Key {
            key: "counterpart_type",
            holds: TEXT,
            need: Need::Optional,
            doc: "The type given to tickets created at the counterpart's system. Without it, the system's own choice.",
            example: r#""Support""#,
        },
        Key {
            key: "home_type",
            holds: TEXT,
            need: Need::Optional,
            doc: "The type given to tickets created at home. Without it, the system's own choice.",
            example: r#""Incident""#,
        },
        table("route", &ROUTE, Need::Optional),
        named("fields", &FIELD, Names::Fields, Need::Optional),
    ],
};

const ROUTE: Table = Table {
    doc: "Which tickets go over to the other side by themselves.",
    takes_kind: false,
    keys: &[table("outbound", &CONDITION, Need::Optional), table("inbound", &CONDITION, Need::Optional)],
};

const CONDITION: Table = Table {
    doc: "A ticket goes over if every key given here holds: an empty table takes every ticket, and without the \
          table none goes by itself.",
    takes_kind: false,
    keys: &[
        Key {
            key: "type",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Optional,
            doc: "Its type is one of these, in the words of the system it is in.",
            example: r#"["Incident"]"#,
        },
        Key {
            key: "priority_at_least",
            holds: Holds::Setting(SettingKind::Word(PRIORITY_WORDS)),
            need: Need::Optional,
            doc: "Its priority is this or a higher one.",
            example: r#""high""#,
        },
        Key {
            key: "title_contains",
            holds: TEXT,
            need: Need::Optional,
            doc: "Its title contains this text, in any letter case.",
            example: r#""[ERP]""#,
        },
        Key {
            key: "fields",
            holds: Holds::TextToTexts,
            need: Need::Optional,
            doc: "Each of these custom fields has one of the values listed for it.",
            example: r#"{ Partner = ["Fabrikam"] }"#,
        },
    ],
};

const FIELD: Table = Table {
    doc: "How one field is shared. The fields are title, description, status, priority, type and field:NAME for a \
          custom field.",
    takes_kind: false,
    keys: &[
        Key {
            key: "direction",
            holds: Holds::Setting(SettingKind::Word(DIRECTION_WORDS)),
            need: Need::Default(r#""both""#),
            doc: "Which way it travels: both, outbound (from home), inbound or none.",
            example: r#""both""#,
        },
        Key {
            key: "policy",
            holds: Holds::Setting(SettingKind::Word(POLICY_WORDS)),
            need: Need::Default(r#""latest""#),
            doc: "Who wins when both sides changed it: owner_home, owner_counterpart, latest, most_advanced (status \
                  and priority only), union (custom fields only) or manual, which waits for a person.",
            example: r#""owner_home""#,
        },
        Key {
            key: "outbound",
            holds: Holds::Setting(SettingKind::TextMap),
            need: Need::Optional,
            doc: "What the counterpart is shown instead of a value. A value that is not named leaves as it is.",
            example: r#"{ urgent = "high" }"#,
        },
    ],
};

const fn table(key: &'static str, table: &'static Table, need: Need) -> Key {
    Key { key, holds: Holds::Table(table), need, doc: table.doc, example: "" }
}

const fn named(key: &'static str, table: &'static Table, names: Names, need: Need) -> Key {
    Key { key, holds: Holds::Named(table, names), need, doc: table.doc, example: "" }
}
