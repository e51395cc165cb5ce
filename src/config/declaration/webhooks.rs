//! The keys of who is told what happens.

use throughline_sdk::SettingKind;

use super::{Holds, Key, Need, Table};

pub(super) const WEBHOOK: Table = Table {
    doc: "Somebody who is told what is recorded about cases: never what a ticket says. Told at least once and in order, by \
          requests signed as Standard Webhooks are.",
    takes_kind: false,
    keys: &[
        Key {
            key: "url",
            holds: Holds::Setting(SettingKind::Address),
            need: Need::Required,
            doc: "Where it is told, by POST. A private address has to be one of bridge.allow.",
            example: r#""https://hooks.example/throughline""#,
        },
        Key {
            key: "secret",
            holds: Holds::Setting(SettingKind::Secret),
            need: Need::Required,
            doc: "The secret under which requests are signed: whsec_ and base 64. A reference: { env = \"NAME\" } or \
                  { file = \"PATH\" }.",
            example: r#"{ env = "HOOK_SECRET" }"#,
        },
        Key {
            key: "events",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Default("[]"),
            doc: "Of which kinds of facts, in the words of the ledger, such as opened, changed, remarked, effected, parked or \
                  unparked. Empty: of all.",
            example: r#"["opened", "changed", "parked"]"#,
        },
    ],
};
