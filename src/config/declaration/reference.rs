//! The keys of what cases refer to.

use throughline_sdk::SettingKind;

use super::{Holds, Key, Need, TEXT, Table};

pub(super) const REFERENCE: Table = Table {
    doc: "Announcements of a system, such as a vendor's service health, that are shown with the cases about the same \
          product. They are never a side of a case, and nothing is sent of them or to them.",
    takes_kind: false,
    keys: &[
        Key {
            key: "system",
            holds: Holds::Name,
            need: Need::Required,
            doc: "The system that announces: one that no agreement names. The type of its tickets names the product, or \
                  several separated by commas.",
            example: r#""health""#,
        },
        Key {
            key: "home",
            holds: Holds::Name,
            need: Need::Required,
            doc: "The home organization's system.",
            example: r#""helpdesk""#,
        },
        Key {
            key: "field",
            holds: TEXT,
            need: Need::Default(r#""type""#),
            doc: "The field of a home ticket that says which product it is about: type, or field:NAME for a custom field.",
            example: r#""field:Product""#,
        },
        Key {
            key: "products",
            holds: Holds::Setting(SettingKind::TextMap),
            need: Need::Required,
            doc: "Of a word in that field, what the other system calls the product. A ticket with another word refers to \
                  nothing.",
            example: r#"{ E-mail = "Exchange Online", Chat = "Microsoft Teams" }"#,
        },
    ],
};
