//! The keys of grants.

use std::time::Duration;

use throughline_sdk::SettingKind;

use super::system::PRIORITY_WORDS;
use super::{Holds, Key, Need, TEXT, Table};

// None of these keys has a default in the declaration: under an agreement without the table nothing can be granted.
pub(super) const GRANTS: Table = Table {
    doc: "What the counterpart may be shown of a single case beyond what is shared, for a purpose and until a moment: it is \
          asked for, approved and revoked with `throughline grant`, ends by itself, and stands on the case's timeline.",
    takes_kind: false,
    keys: &[
        Key {
            key: "may_ask",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Optional,
            doc: "What may be asked for at all: fields (title, description, status, priority, type, field:NAME), internal \
                  comments (all of home's, or one), files (all of home's public ones, or any single one) and environment (a \
                  reference to an anonymized copy). Without it, nothing.",
            example: r#"["field:Asset", "internal comments", "files", "environment"]"#,
        },
        Key {
            key: "approved_by",
            holds: TEXT,
            need: Need::Optional,
            doc: "The role in which people of the home organization approve. Without it nobody can. Whoever holds the admin \
                  token can say to have it: the timeline keeps who said so.",
            example: r#""service manager""#,
        },
        Key {
            key: "at_once_from",
            holds: Holds::Setting(SettingKind::Word(PRIORITY_WORDS)),
            need: Need::Optional,
            doc: "From this priority on nobody has to approve. It counts only as home's ticket has it. A single file that is \
                  not known to be public waits for a person all the same, and so does an environment without a reference. \
                  Without it, everything waits.",
            example: r#""urgent""#,
        },
        Key {
            key: "longest",
            holds: Holds::Span { min: Duration::from_secs(1), max: Duration::from_secs(365 * 86_400) },
            need: Need::Optional,
            doc: "How long a grant may last, from when it is asked for. Without it, 7d. From 1s to 365d.",
            example: r#""7d""#,
        },
    ],
};
