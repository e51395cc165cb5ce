//! The keys of how long cases are kept.

use std::time::Duration;

use throughline_sdk::SettingKind;

use super::{DAY, Holds, Key, Need, Table};

pub(super) const RETENTION: Table = Table {
    doc: "How long cases are kept once they are over, that is closed or cancelled: then they are erased, with their files and \
          for good. Where several of these are about a case, the one that keeps it longest holds; a case that none is about, \
          or of which something still waits for a person, is kept. Looked at in each round of `reconcile`.",
    takes_kind: false,
    keys: &[
        Key {
            key: "keep",
            holds: Holds::Span { min: DAY, max: Duration::from_secs(36_525 * 86_400) },
            need: Need::Required,
            doc: "How long after its end a case is kept. From 1d to a hundred years.",
            example: r#""730d""#,
        },
        Key {
            key: "agreements",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Default("[]"),
            doc: "Only cases in which one of these agreements has a part.",
            example: r#"["fabrikam"]"#,
        },
        Key {
            key: "types",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Default("[]"),
            doc: "Only requests of one of these types, in the home desk's words.",
            example: r#"["Incident"]"#,
        },
        Key {
            key: "priorities",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Default("[]"),
            doc: "Only requests of one of these priorities: low, normal, high, urgent.",
            example: r#"["low", "normal"]"#,
        },
    ],
};
