//! The keys of the logs of others that are watched.

use std::time::Duration;

use throughline_sdk::SettingKind;

use super::{DAY, Holds, Key, Need, TEXT, Table};

pub(super) const WATCHED: Table = Table {
    doc: "The ledger of another organization that also runs Throughline, held to what it said before: its last signed checkpoint \
          is kept in the data directory, and each new one has to come with proof that it only appended. Where it does not, the \
          log says so at ERROR, and both checkpoints are kept.",
    takes_kind: false,
    keys: &[
        Key {
            key: "source",
            holds: TEXT,
            need: Need::Required,
            doc: "Where its checkpoint stands: an address that ends in /api/v1/log/checkpoint.",
            example: r#""https://bridge.fabrikam.example/api/v1/log/checkpoint""#,
        },
        Key {
            key: "key",
            holds: TEXT,
            need: Need::Required,
            doc: "Its public key, as `throughline ledger key` prints it there. Take it from its operator by a way that you trust.",
            example: r#""example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k""#,
        },
        Key {
            key: "token",
            holds: Holds::Setting(SettingKind::Secret),
            need: Need::Optional,
            doc: "The bearer token that its operator gave you, as a reference.",
            example: r#"{ env = "FABRIKAM_LOG_TOKEN" }"#,
        },
        Key {
            key: "every",
            holds: Holds::Span { min: Duration::from_secs(10), max: DAY },
            need: Need::Default(r#""1h""#),
            doc: "How often it is asked. From 10s to 1d.",
            example: r#""1h""#,
        },
    ],
};
