//! The keys of privacy: what is recognized, and what an agreement does with it.

use throughline_sdk::SettingKind;

use super::{Holds, Key, Names, Need, TEXT, Table, named, table};
use crate::agreement::Action;

pub(super) const RECOGNIZE: Table = Table {
    doc: "What is personal besides what has a form of its own: the organization's own people, customers and patterns.",
    takes_kind: false,
    keys: &[
        Key {
            key: "people",
            holds: Holds::Path,
            need: Need::Optional,
            doc: "A text file with one person a line, in UTF-8: the name, then other spellings behind semicolons. \
                  Empty lines and lines that begin with # are passed over. Relative to this file.",
            example: r#""people.txt""#,
        },
        Key {
            key: "customers",
            holds: Holds::Path,
            need: Need::Optional,
            doc: "The same with customers.",
            example: r#""customers.txt""#,
        },
        named("patterns", &PATTERN, Names::Given, Need::Optional),
    ],
};

const PATTERN: Table = Table {
    doc: "A pattern of the organization's own. Its name is its class.",
    takes_kind: false,
    keys: &[Key {
        key: "matches",
        holds: TEXT,
        need: Need::Required,
        doc: "A regular expression, in any letter case. What it matches is widened to whole words.",
        example: r#""AT-[0-9]{6}""#,
    }],
};

pub(super) const REDACT: Table = Table {
    doc: "What becomes of personal data on its way to the counterpart: pass, drop, mask, or pseudonymize, which is put \
          back when it comes home. Without the table nothing is looked for. Free text is never promised clean.",
    takes_kind: false,
    keys: &[
        EMAIL,
        PHONE,
        IBAN,
        CARD,
        IP,
        NATIONAL_ID,
        PERSON,
        CUSTOMER,
        PATTERNS,
        Key {
            key: "authors",
            holds: ACTION,
            need: Need::Optional,
            doc: "What becomes of the names under which comments leave. Without it, of those on the list of people as \
                  above.",
            example: r#""pseudonymize""#,
        },
        Key {
            key: "other_files",
            holds: Holds::Setting(SettingKind::Word(&["send", "hold", "drop"])),
            need: Need::Optional,
            doc: "What becomes of files that are no text: send, hold (a person lets each through, by `parked retry`) or \
                  drop. Without it, hold.",
            example: r#""hold""#,
        },
        Key {
            key: "leftover",
            holds: Holds::Setting(SettingKind::Word(&["tell", "hold"])),
            need: Need::Optional,
            doc: "What becomes of a text in which personal data may be left: tell (it leaves, and the timeline counts \
                  what may be left) or hold (it waits for a person). Without it, tell.",
            example: r#""tell""#,
        },
        named("fields", &PLACE, Names::Fields, Need::Optional),
        table("comments", &PLACE, Need::Optional),
        table("file_names", &PLACE, Need::Optional),
        table("files", &PLACE, Need::Optional),
    ],
};

const PLACE: Table = Table {
    doc: "What is different at one place.",
    takes_kind: false,
    keys: &[
        Key {
            key: "whole",
            holds: ACTION,
            need: Need::Optional,
            doc: "What becomes of all that stands there, whatever it is.",
            example: r#""pseudonymize""#,
        },
        EMAIL,
        PHONE,
        IBAN,
        CARD,
        IP,
        NATIONAL_ID,
        PERSON,
        CUSTOMER,
        PATTERNS,
    ],
};

const ACTION: Holds = Holds::Setting(SettingKind::Word(Action::WORDS));

const EMAIL: Key = class("email", "E-mail addresses.", r#""pseudonymize""#);
const PHONE: Key = class("phone", "Telephone numbers, international and in national spellings.", r#""mask""#);
const IBAN: Key = class("iban", "International bank account numbers.", r#""mask""#);
const CARD: Key = class("card", "Numbers of payment cards.", r#""drop""#);
const IP: Key = class("ip", "IP addresses.", r#""pass""#);
const NATIONAL_ID: Key =
    class("national_id", "Numbers by which countries know people: tax, insurance, identity.", r#""drop""#);
const PERSON: Key = class("person", "Names on the list of people.", r#""pseudonymize""#);
const CUSTOMER: Key = class("customer", "Names on the list of customers.", r#""pseudonymize""#);
const PATTERNS: Key = Key {
    key: "patterns",
    holds: Holds::TextToWord(Action::WORDS),
    need: Need::Optional,
    doc: "The organization's own patterns, by name.",
    example: r#"{ asset = "mask" }"#,
};

const fn class(key: &'static str, doc: &'static str, example: &'static str) -> Key {
    Key { key, holds: ACTION, need: Need::Optional, doc, example }
}
