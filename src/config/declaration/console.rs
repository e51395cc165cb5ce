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
                  TLS. Each ticket at home links to its case there, where its desk can. With https, the cookie of a session is sent over TLS only. Without this, the console can be used \
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
        Key {
            key: "streams",
            holds: Holds::Number { min: 1, max: 448 },
            need: Need::Default("16"),
            doc: "How many streams of events each person and each token may hold open at once: an open page of a case is one, and so \
                  is whoever listens at /api/v1/events.",
            example: "16",
        },
        Key {
            key: "streams_in_all",
            holds: Holds::Number { min: 1, max: 448 },
            need: Need::Default("256"),
            doc: "How many of them may be open in all. Each holds one of the 512 connections that the daemon takes, of which the \
                  others are left for webhooks, pages and programs.",
            example: "256",
        },
        Key { key: "oidc", holds: Holds::Table(&OIDC), need: Need::Optional, doc: OIDC.doc, example: "" },
    ],
};

const OIDC: Table = Table {
    doc: "The organization's own login, by OpenID Connect. Register this application there with the address \
          PUBLIC_URL/console/login/callback.",
    takes_kind: false,
    keys: &[
        Key {
            key: "issuer",
            holds: Holds::Setting(SettingKind::Address),
            need: Need::Required,
            doc: "The provider's address, letter by letter as it names itself in /.well-known/openid-configuration.",
            example: r#""https://login.contoso.example/realms/contoso""#,
        },
        Key {
            key: "client_id",
            holds: Holds::Setting(SettingKind::Text),
            need: Need::Required,
            doc: "Who this application is there.",
            example: r#""throughline""#,
        },
        Key {
            key: "client_secret",
            holds: Holds::Setting(SettingKind::Secret),
            need: Need::Optional,
            doc: "Its secret there, a reference; without it, it is a public client.",
            example: r#"{ file = "oidc.secret" }"#,
        },
        Key {
            key: "scopes",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Default(r#"["profile", "email"]"#),
            doc: "What is asked for besides openid. Some providers tell the groups only where a scope asks for them.",
            example: r#"["profile", "email", "groups"]"#,
        },
        Key {
            key: "claim",
            holds: Holds::Setting(SettingKind::Text),
            need: Need::Default(r#""groups""#),
            doc: "The claim that says what somebody may: a text or a list of texts, in the ID token or at the provider's \
                  userinfo.",
            example: r#""groups""#,
        },
        Key { key: "roles", holds: Holds::Table(&ROLES), need: Need::Optional, doc: ROLES.doc, example: "" },
        Key {
            key: "guests",
            holds: Holds::Setting(SettingKind::TextMap),
            need: Need::Optional,
            doc: "Values of the claim that make a guest, each with the party whose view they see.",
            example: r#"{ "partner-fabrikam" = "fabrikam" }"#,
        },
    ],
};

const ROLES: Table = Table {
    doc: "Values of the claim that make a role: of several the first of admin, agent and auditor counts. Whoever has none, and \
          is no guest, does not enter.",
    takes_kind: false,
    keys: &[
        role("admin", r#"["helpdesk-admins"]"#),
        role("agent", r#"["helpdesk"]"#),
        role("auditor", r#"["audit"]"#),
    ],
};

const fn role(key: &'static str, example: &'static str) -> Key {
    Key {
        key,
        holds: Holds::Setting(SettingKind::TextList),
        need: Need::Optional,
        doc: "The values that make one.",
        example,
    }
}
