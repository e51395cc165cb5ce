//! The console and who may enter.

use std::time::Duration;

use throughline_sdk::SettingKind;

use super::{Holds, Key, Need, Table};

pub(super) const CONSOLE: Table = Table {
    doc: "The console, and who may enter.",
    takes_kind: false,
    keys: &[
        Key {
            key: "public_url",
            holds: Holds::Setting(SettingKind::Address),
            need: Need::Optional,
            doc: "The address under which people reach the console in their browsers, such as that of the proxy that speaks \
                  TLS. With https, the cookie of a session is sent over TLS only. Without this, the console can be used \
                  on this machine only.",
            example: r#""https://tickets.contoso.example/""#,
        },
        Key {
            key: "behind_proxy",
            holds: Holds::Setting(SettingKind::Flag),
            need: Need::Default("false"),
            doc: "Whether a proxy stands before it that adds the caller's address to X-Forwarded-For. Tries to log in are \
                  slowed by address, and nobody else may say what theirs is.",
            example: "true",
        },
        Key {
            key: "idle",
            holds: Holds::Span { min: Duration::from_secs(60), max: Duration::from_secs(7 * 86_400) },
            need: Need::Default(r#""1h""#),
            doc: "Whoever does nothing for so long has to log in again. From 1m to 7d.",
            example: r#""1h""#,
        },
        Key {
            key: "session",
            holds: Holds::Span { min: Duration::from_secs(600), max: Duration::from_secs(30 * 86_400) },
            need: Need::Default(r#""12h""#),
            doc: "After so long everybody has to log in again. From 10m to 30d.",
            example: r#""12h""#,
        },
        Key {
            key: "per_minute",
            holds: Holds::Number { min: 1, max: 1_000_000 },
            need: Need::Default("1200"),
            doc: "How many requests each person and each token may make in a minute, in the long run.",
            example: "1200",
        },
        Key {
            key: "burst",
            holds: Holds::Number { min: 1, max: 1_000_000 },
            need: Need::Default("300"),
            doc: "How many requests each of them may make at once, after a quiet time.",
            example: "300",
        },
    ],
};
