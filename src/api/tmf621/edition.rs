//! The two versions of the standard, and a ticket in the words of each.
//!
//! What is kept is written as version 5 writes it. Version 4 has one external id where version 5 has a list, names the
//! changes of status otherwise, and writes related entities and parties flat.

use serde_json::{Map, Value, json};

use super::shape::is_uri;

/// A version of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    /// v4.0.0
    V4,
    /// v5.0.1
    V5,
}

/// The type of the external identifier under which version 4's only one is kept.
pub(super) const EXTERNAL_ID: &str = "externalId";

/// Names of version 5 that mean nothing in version 4.
const NEWER: [&str; 4] = [
    "externalIdentifier",
    "statusChangeHistory",
    "troubleTicketSpecification",
    "troubleTicketCharacteristic",
];

impl Edition {
    /// The edition with this number.
    pub(super) fn of(number: u8) -> Self {
        if number == 4 { Self::V4 } else { Self::V5 }
    }

    /// Its number.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V5 => 5,
        }
    }

    /// Where it is served.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::V4 => "/tmf-api/troubleTicket/v4",
            Self::V5 => "/tmf-api/troubleTicket/v5",
        }
    }
}

/// A body of this edition in the words of what is kept. It has the form that the edition asks for.
pub(super) fn kept(edition: Edition, body: Map<String, Value>, owner: &str) -> Map<String, Value> {
    if edition == Edition::V5 {
        return body;
    }
    let mut kept = body;
    for name in NEWER.iter().chain(&["statusChange"]) {
        kept.remove(*name);
    }
    if let Some(id) = kept.remove(EXTERNAL_ID) {
        let identifier = json!({
            "@type": "ExternalIdentifier",
            "owner": owner,
            "externalIdentifierType": EXTERNAL_ID,
            "id": id,
        });
        kept.insert("externalIdentifier".to_owned(), json!([identifier]));
    }
    // Any type may stand there in version 4, where one thing only can be meant.
    each(&mut kept, "attachment", |mut attachment| {
        if attachment.get("@type").is_some_and(|sort| sort != "AttachmentRef") {
            attachment.insert("@type".to_owned(), json!("Attachment"));
        }
        Value::Object(attachment)
    });
    each(&mut kept, "relatedEntity", |flat| deep(flat, "RelatedEntity", "entity", "EntityRef"));
    each(&mut kept, "relatedParty", |flat| {
        deep(flat, "RelatedPartyRefOrPartyRoleRef", "partyOrPartyRole", "PartyRef")
    });
    kept
}

/// What is kept in the words of an edition.
pub(super) fn told(edition: Edition, kept: Map<String, Value>) -> Map<String, Value> {
    if edition == Edition::V5 {
        return kept;
    }
    let mut told = kept;
    let identifiers = told.remove("externalIdentifier");
    let history = told.remove("statusChangeHistory");
    for name in NEWER.iter().chain(&[EXTERNAL_ID, "statusChange"]) {
        told.remove(*name);
    }
    if let Some(id) = identifiers.as_ref().and_then(one_identifier) {
        told.insert(EXTERNAL_ID.to_owned(), id.clone());
    }
    if let Some(Value::Array(history)) = history {
        let changes = history.into_iter().map(|change| {
            json!({
                "@type": "StatusChange",
                "status": change.get("status"),
                "changeDate": change.get("statusChangeDate"),
                "changeReason": change.get("statusChangeReason").and_then(Value::as_str).unwrap_or_default(),
            })
        });
        told.insert("statusChange".to_owned(), changes.collect());
    }
    each(&mut told, "relatedEntity", |deep| flat(deep, "entity"));
    each(&mut told, "relatedParty", |deep| flat(deep, "partyOrPartyRole"));
    told.values_mut().for_each(without_other_than_uris);
    if told.get("@schemaLocation").is_some_and(|location| !location.as_str().is_some_and(is_uri)) {
        told.remove("@schemaLocation");
    }
    told
}

/// Leaves out addresses that are none: version 5 takes any text for one, version 4 a URI only.
fn without_other_than_uris(value: &mut Value) {
    const ADDRESSES: [&str; 3] = ["href", "url", "@schemaLocation"];
    match value {
        Value::Object(members) => {
            members.retain(|name, value| {
                !ADDRESSES.contains(&name.as_str()) || value.as_str().is_some_and(is_uri)
            });
        }
        Value::Array(entries) => entries.iter_mut().for_each(without_other_than_uris),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What version 4 has for the list: the one given under it, else the first.
fn one_identifier(identifiers: &Value) -> Option<&Value> {
    let all = identifiers.as_array()?;
    let given = all.iter().find(|one| one.get("externalIdentifierType").is_some_and(|is| is == EXTERNAL_ID));
    given.or(all.first())?.get("id")
}

fn each(object: &mut Map<String, Value>, name: &str, change: impl Fn(Map<String, Value>) -> Value) {
    if let Some(Value::Array(all)) = object.get_mut(name) {
        for one in all {
            if let Value::Object(members) = one.take() {
                *one = change(members);
            }
        }
    }
}

/// A related thing as version 5 writes it.
fn deep(flat: Map<String, Value>, outer: &str, inner: &str, sort: &str) -> Value {
    let mut what = flat;
    what.remove("entity");
    what.remove("partyOrPartyRole");
    let role = what.remove("role");
    what.insert("@type".to_owned(), json!(sort));
    let mut related = Map::from_iter([("@type".to_owned(), json!(outer))]);
    related.extend(role.map(|role| ("role".to_owned(), role)));
    related.insert(inner.to_owned(), Value::Object(what));
    Value::Object(related)
}

/// A related thing as version 4 writes it.
fn flat(deep: Map<String, Value>, inner: &str) -> Value {
    let mut deep = deep;
    let mut what = match deep.remove(inner) {
        Some(Value::Object(what)) => what,
        Some(_) | None => Map::new(),
    };
    what.remove("role");
    what.extend(deep.remove("role").map(|role| ("role".to_owned(), role)));
    let required: &[&str] =
        if inner == "entity" { &["id", "role", "@referredType"] } else { &["id", "@referredType"] };
    for name in required {
        what.entry(*name).or_insert_with(|| json!(""));
    }
    Value::Object(what)
}
