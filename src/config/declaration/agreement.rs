//! The keys of an agreement.

use throughline_sdk::SettingKind;

use super::grants::GRANTS;
use super::handshake::HANDSHAKE;
use super::privacy::REDACT;
use super::system::PRIORITY_WORDS;
use super::{Holds, Key, Names, Need, TEXT, Table, named, table};

const DIRECTION_WORDS: &[&str] = &["both", "outbound", "inbound", "none"];
const INTERNAL_WORDS: &[&str] = &["none", "as_internal"];
const POLICY_WORDS: &[&str] =
    &["owner_home", "owner_counterpart", "latest", "most_advanced", "union", "manual"];

pub(super) const AGREEMENT: Table = Table {
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
            doc: "Which way public comments travel: both, outbound (from home), inbound or none. Of internal ones see \
                  internal.",
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
            key: "introduces",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Default("[]"),
            doc: "The other parties this counterpart may know of. Their public comments and files on a shared case are \
                  shown to it, bearing their names; of all others it is told nothing.",
            example: r#"["contoso"]"#,
        },
        Key {
            key: "internal",
            holds: Holds::Setting(SettingKind::Word(INTERNAL_WORDS)),
            need: Need::Default(r#""none""#),
            doc: "What becomes of comments and files that only home's own staff may read: none keeps them at home, \
                  as_internal shares them where public ones go, to be internal there. They are never public anywhere.",
            example: r#""none""#,
        },
        Key {
            key: "recheck",
            holds: Holds::Setting(SettingKind::Flag),
            need: Need::Default("true"),
            doc: "Whether a comment or file is read once more at its origin just before it is sent, unless that was read \
                  within the last five seconds.",
            example: "true",
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
        Key {
            key: "reply_passes",
            holds: Holds::Setting(SettingKind::Flag),
            need: Need::Default("false"),
            doc: "Whether a public comment passes the ball to the other side, as `throughline cases` shows who has it.",
            example: "false",
        },
        table("route", &ROUTE, Need::Optional),
        table("handshake", &HANDSHAKE, Need::Optional),
        table("grants", &GRANTS, Need::Optional),
        named("fields", &FIELD, Names::Fields, Need::Optional),
        table("redact", &REDACT, Need::Optional),
    ],
};

const ROUTE: Table = Table {
    doc: "Which tickets go over to the other side by themselves.",
    takes_kind: false,
    keys: &[table("outbound", &CONDITION, Need::Optional), table("inbound", &CONDITION, Need::Optional)],
};

pub(super) const CONDITION: Table = Table {
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
