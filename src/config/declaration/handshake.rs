//! The keys of a handshake, and of who is responsible for what.

use std::time::Duration;

use throughline_sdk::SettingKind;

use super::{Holds, Key, Need, TEXT, Table};

pub(super) const ANSWER_WORDS: &[&str] = &["pending", "information_requested", "accepted", "rejected"];
pub(super) const LEVEL_WORDS: &[&str] = &["super_user", "helpdesk", "application_team", "partner", "vendor"];
const MONTH: Duration = Duration::from_secs(30 * 86_400);

// None of these keys has a default in the declaration: an agreement without the table has no handshake.
pub(super) const HANDSHAKE: Table = Table {
    doc: "A request has to be accepted. Until it is, the counterpart is sent the ticket and answers to its questions, and \
          nothing else. It answers with its status where its kind has statuses for that, with a custom field, or with a \
          public comment that begins with ACCEPT, REJECT: reason or NEED INFO: question.",
    takes_kind: false,
    keys: &[
        Key {
            key: "direction",
            holds: Holds::Setting(SettingKind::Word(&["outbound", "inbound", "both"])),
            need: Need::Optional,
            doc: "Who has to accept: the counterpart what home offers (outbound), home what the counterpart offers \
                  (inbound), or both. Without it, outbound. Home accepts by setting its ticket to a status that is \
                  neither new, pending nor cancelled, or by such a comment.",
            example: r#""outbound""#,
        },
        Key {
            key: "respond_within",
            holds: Holds::Span { min: Duration::from_secs(1), max: MONTH },
            need: Need::Optional,
            doc: "How long an answer may take, by day and by night. Without it, as long as it takes. From 1s to 30d.",
            example: r#""4h""#,
        },
        Key {
            key: "on_lapse",
            holds: Holds::Setting(SettingKind::Word(&["person", "remind", "route_on"])),
            need: Need::Optional,
            doc: "What follows when it takes longer: a person decides (person), the counterpart is reminded by a public \
                  comment and a person decides if that does not help (remind), or the request is taken back and offered \
                  to the next (route_on). Without it, person. What home does not answer waits for a person.",
            example: r#""person""#,
        },
        Key {
            key: "reminders",
            holds: Holds::Number { min: 1, max: 20 },
            need: Need::Optional,
            doc: "How often the counterpart is reminded; counts only with on_lapse = \"remind\". Without it, once.",
            example: "1",
        },
        Key {
            key: "route_on",
            holds: Holds::Setting(SettingKind::TextList),
            need: Need::Optional,
            doc: "Agreements under which a request that was not taken on is offered next, in this order, each counterpart \
                  once. Without it, or when all have been asked, a person decides: it is listed by `throughline parked`.",
            example: "[]",
        },
        Key {
            key: "share_before",
            holds: Holds::Setting(SettingKind::Flag),
            need: Need::Optional,
            doc: "Whether everything that is shared is sent before the counterpart accepts. Without it, no.",
            example: "false",
        },
        Key {
            key: "tell_home",
            holds: Holds::Setting(SettingKind::Word(&["no", "internal", "public"])),
            need: Need::Optional,
            doc: "Whether home's ticket gets a comment when a person has to decide, and for whose eyes. Without it, no.",
            example: r#""internal""#,
        },
        Key {
            key: "accept",
            holds: TEXT,
            need: Need::Optional,
            doc: "What a public comment begins with that accepts; an empty text where comments do not answer. Without it, \
                  ACCEPT.",
            example: r#""ACCEPT""#,
        },
        Key {
            key: "reject",
            holds: TEXT,
            need: Need::Optional,
            doc: "What a public comment begins with that rejects; what follows is the reason. Without it, REJECT.",
            example: r#""REJECT""#,
        },
        Key {
            key: "need_info",
            holds: TEXT,
            need: Need::Optional,
            doc: "What a public comment begins with that asks first; what follows is the question. Without it, NEED INFO.",
            example: r#""NEED INFO""#,
        },
        Key {
            key: "field",
            holds: TEXT,
            need: Need::Optional,
            doc: "The custom field of the counterpart's ticket that answers. Without it, what its kind has for that, or its \
                  status.",
            example: r#""Acceptance""#,
        },
        Key {
            key: "reason_field",
            holds: TEXT,
            need: Need::Optional,
            doc: "The custom field of the counterpart's ticket that says why. Without it, what its kind has for that.",
            example: r#""Reason""#,
        },
        Key {
            key: "answers",
            holds: Holds::TextToWord(ANSWER_WORDS),
            need: Need::Optional,
            doc: "What the words of that field, or of the counterpart's status, say to an offer, added to what the kind \
                  already knows. Of several words for one answer the first that stands here is written.",
            example: r#"{ "In Progress" = "accepted", "Declined" = "rejected" }"#,
        },
    ],
};

pub(super) const RESPONSIBILITY: Table = Table {
    doc: "Which party is to resolve the requests for which a condition holds. The first rule in the order of the file that \
          holds for home's ticket, or for the one that opens a case, decides. Without one, whoever the request was passed \
          to has the ball, and home answers for it.",
    takes_kind: false,
    keys: &[
        Key {
            key: "party",
            holds: Holds::Name,
            need: Need::Required,
            doc: "The party that is to resolve: one of the parties.",
            example: r#""fabrikam""#,
        },
        Key {
            key: "level",
            holds: Holds::Setting(SettingKind::Word(LEVEL_WORDS)),
            need: Need::Optional,
            doc: "Where in it: super_user, helpdesk, application_team, partner or vendor. Without it, the party's own level.",
            example: r#""vendor""#,
        },
        Key {
            key: "owner",
            holds: Holds::Name,
            need: Need::Optional,
            doc: "The party that is accountable for the request. Without it, the home organization.",
            example: r#""contoso""#,
        },
        Key {
            key: "when",
            holds: Holds::Condition,
            need: Need::Optional,
            doc: "When it holds, as a condition in CEL like those under agreements.NAME.route. Without it, for every request.",
            example: r#"'ticket.title.lower().contains("[erp]")'"#,
        },
    ],
};
