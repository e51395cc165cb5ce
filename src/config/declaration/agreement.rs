//! The keys of an agreement.

use throughline_sdk::SettingKind;

use super::grants::GRANTS;
use super::handshake::HANDSHAKE;
use super::privacy::REDACT;
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
        Key {
            key: "guest_link",
            holds: Holds::Setting(SettingKind::Flag),
            need: Need::Default("false"),
            doc: "Whether the counterpart's ticket bears a link to the case in the console, for guests of this party. It \
                  needs [console] public_url, and tells the case's number.",
            example: "false",
        },
        Key {
            key: "claims",
            holds: Holds::Name,
            need: Need::Optional,
            doc: "A system of this party whose tickets people kept by hand (kind reference), and which the counterpart takes \
                  over one by one: `throughline reference claim`. A case that has a ticket there is not offered to the \
                  counterpart besides.",
            example: r#""portal""#,
        },
        table("route", &ROUTE, Need::Optional),
        table("handshake", &HANDSHAKE, Need::Optional),
        table("grants", &GRANTS, Need::Optional),
        named("fields", &FIELD, Names::Fields, Need::Optional),
        named("require", &REQUIRE, Names::Given, Need::Optional),
        table("redact", &REDACT, Need::Optional),
    ],
};

const ROUTE: Table = Table {
    doc: "Which tickets go over to the other side by themselves, as conditions in CEL. A condition speaks of \
          ticket.title, .description, .status, .priority, .type and .fields[\"NAME\"], of system and of party. Status \
          and priority are Throughline's words, and the priority has an order: ticket.priority >= \"high\". There are \
          ==, !=, <, <=, >, >=, in, &&, ||, !, has(), size(), .contains(), .startsWith(), .endsWith(), .lower(), \
          .exists() and .all(). A ticket without a value for something that a condition asks for does not go.",
    takes_kind: false,
    keys: &[
        Key {
            key: "outbound",
            holds: Holds::Condition,
            need: Need::Optional,
            doc: "Which home tickets are offered to the counterpart. Without it, none by themselves; \"true\" is \
                  every one.",
            example: r#"'ticket.type == "Incident" && ticket.priority >= "high"'"#,
        },
        Key {
            key: "inbound",
            holds: Holds::Condition,
            need: Need::Optional,
            doc: "Which of the counterpart's tickets are taken in at home. Without it, none by themselves.",
            example: r#""true""#,
        },
    ],
};

const REQUIRE: Table = Table {
    doc: "What a ticket must have before it is created at the counterpart's system. One that lacks it waits where a \
          person sees what is missing, and goes by itself when it is complete. Some kinds of system bring \
          requirements of their own, which one of the same name here replaces.",
    takes_kind: false,
    keys: &[
        Key {
            key: "condition",
            holds: Holds::Condition,
            need: Need::Required,
            doc: "What must hold of the ticket as the counterpart would be shown it.",
            example: r#""has(ticket.fields.Component)""#,
        },
        Key {
            key: "message",
            holds: TEXT,
            need: Need::Required,
            doc: "What is missing otherwise, for people.",
            example: r#""the component that is affected""#,
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
            doc: "What the counterpart is shown for a value. It names every value that may come, or otherwise says what \
                  becomes of the rest.",
            example: r#"{ "Blue screen" = "Crash" }"#,
        },
        Key {
            key: "inbound",
            holds: Holds::Setting(SettingKind::TextMap),
            need: Need::Optional,
            doc: "What a value of the counterpart becomes at home, by the same rule.",
            example: r#"{ Crash = "Blue screen" }"#,
        },
        Key {
            key: "otherwise",
            holds: Holds::Otherwise,
            need: Need::Optional,
            doc: "What becomes of a value that the maps do not name, and of a status or priority for which the other \
                  side has no word: \"park\" (a person sees it), { default = \"…\" } (that one stands for it), or \
                  \"as_it_is\", for fields that take any value.",
            example: r#""park""#,
        },
    ],
};
