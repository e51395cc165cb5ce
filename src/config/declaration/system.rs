//! The keys of a system that all kinds have.

use std::time::Duration;

use throughline_sdk::SettingKind;

use super::{DAY, Holds, Key, Need, Table, table};

pub(super) const STATUS_WORDS: &[&str] =
    &["new", "open", "pending", "on_hold", "resolved", "closed", "cancelled"];
pub(super) const PRIORITY_WORDS: &[&str] = &["low", "normal", "high", "urgent"];

pub(super) const SYSTEM: Table = Table {
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
        Key {
            key: "credentials_expire",
            holds: Holds::Setting(SettingKind::Text),
            need: Need::Optional,
            doc: "The day on which our credentials there come to their end, if they do: the console warns a month \
                  before.",
            example: r#""2027-01-31""#,
        },
        Key {
            key: "summary",
            holds: Holds::Setting(SettingKind::Flag),
            need: Need::Default("true"),
            doc: "Whether its tickets show how the counterpart's stands (number, status, whose turn it is, what was said \
                  last), where the kind can. That is one more write for each comment and step of status. Without it, the \
                  counterpart's number and address, once; what stands there stays.",
            example: "true",
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
