//! The bodies of the standard as they have to be: types and required members, nested ones too.
//!
//! What is not named is let through, as the standard's schemas do. Version 5 asks for `@type` in nearly every object,
//! and for less of a change (`MVO`) than of something new (`FVO`); version 4 asks for the same members either way.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::edition::Edition;

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text,
    Time,
    Number,
    Whole,
    Flag,
    /// A URI (RFC 3986), with its scheme.
    Uri,
    /// Text in base 64.
    Bytes,
    /// One of the eight statuses.
    Status,
    Any,
    List(&'static Shape),
    Object(&'static [Member]),
    /// An object with `@type`.
    Typed(&'static [Member]),
    /// An object whose `@type` says which of these it is.
    ByType(&'static [(&'static str, Shape)]),
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member(&'static str, Shape, When);

/// Where a member is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Nowhere.
    Never,
    /// In what is made.
    New,
    /// In what is made, and in what is read.
    NotInChanges,
    /// Everywhere.
    Always,
}

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    New,
    Change,
    /// What stands in a ticket, or in an event.
    Whole,
}

/// A value that has another form, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misshapen(pub(super) String);

/// The largest whole number that every reader of JSON takes for the same (RFC 8259, section 6).
const LARGEST: f64 = 9_007_199_254_740_991.0;

pub(super) const STATUSES: [&str; 8] =
    ["acknowledged", "rejected", "pending", "held", "inProgress", "cancelled", "closed", "resolved"];

use Shape::{Any, ByType, Bytes, Flag, List, Number, Object, Status, Text, Time, Typed, Uri, Whole};
use When::{Always, Never, New, NotInChanges};

const fn text(name: &'static str) -> Member {
    Member(name, Text, Never)
}

const fn uri(name: &'static str) -> Member {
    Member(name, Uri, Never)
}

const QUANTITY: Shape = Object(&[Member("amount", Number, Never), text("units")]);
const PERIOD: Shape = Object(&[Member("startDateTime", Time, Never), Member("endDateTime", Time, Never)]);

/// Version 4.
#[rustfmt::skip]
mod v4 {
    use super::{
        Always, Bytes, List, Member, Never, New, Object, PERIOD, QUANTITY, Shape, Status, Text, Time, text, uri,
    };

    const ATTACHMENT: Shape = Object(&[
        text("id"), uri("href"), text("attachmentType"), Member("content", Bytes, Never), text("description"),
        text("mimeType"), text("name"), uri("url"), Member("size", QUANTITY, Never), Member("validFor", PERIOD, Never),
        text("@baseType"), uri("@schemaLocation"), text("@type"), text("@referredType"),
    ]);
    const CHANNEL: Shape = Object(&[
        Member("id", Text, Always), uri("href"), text("name"), text("@baseType"), uri("@schemaLocation"),
        text("@type"), text("@referredType"),
    ]);
    const NOTE: Shape = Object(&[
        text("id"), text("author"), Member("date", Time, Never), text("text"), text("@baseType"),
        uri("@schemaLocation"), text("@type"),
    ]);
    const ENTITY: Shape = Object(&[
        Member("id", Text, Always), uri("href"), text("name"), Member("role", Text, Always), text("@baseType"),
        uri("@schemaLocation"), text("@type"), Member("@referredType", Text, Always),
    ]);
    const PARTY: Shape = Object(&[
        Member("id", Text, Always), uri("href"), text("name"), text("role"), text("@baseType"),
        uri("@schemaLocation"), text("@type"), Member("@referredType", Text, Always),
    ]);
    const RELATION: Shape = Object(&[
        text("id"), text("href"), text("name"), text("relationshipType"), text("@baseType"),
        uri("@schemaLocation"), text("@type"),
    ]);
    const STATUS_CHANGE: Shape = Object(&[
        text("id"), uri("href"), Member("changeDate", Time, Never), text("changeReason"),
        text("status"), text("@baseType"), uri("@schemaLocation"), text("@type"),
    ]);

    pub(super) const TICKET: Shape = Object(&[
        text("id"), text("href"), Member("description", Text, New), Member("severity", Text, New),
        Member("ticketType", Text, New), text("name"), text("priority"), text("externalId"),
        text("statusChangeReason"), Member("creationDate", Time, Never), Member("lastUpdate", Time, Never),
        Member("expectedResolutionDate", Time, Never), Member("requestedResolutionDate", Time, Never),
        Member("resolutionDate", Time, Never), Member("statusChangeDate", Time, Never),
        Member("status", Status, Never), Member("attachment", List(&ATTACHMENT), Never),
        Member("channel", CHANNEL, Never), Member("note", List(&NOTE), Never),
        Member("relatedEntity", List(&ENTITY), Never), Member("relatedParty", List(&PARTY), Never),
        Member("statusChange", List(&STATUS_CHANGE), Never),
        Member("troubleTicketRelationship", List(&RELATION), Never), text("@baseType"), uri("@schemaLocation"),
        text("@type"),
    ]);
    pub(super) const HUB: Shape = Object(&[Member("callback", Text, Always), text("query")]);
    const PAYLOAD: Shape = Object(&[Member("troubleTicket", TICKET, Never)]);
    pub(super) const EVENT: Shape = Object(&[
        text("eventId"), Member("eventTime", Time, Never), text("eventType"), text("correlationId"), text("domain"),
        text("title"), text("description"), text("priority"), text("fieldPath"), Member("timeOcurred", Time, Never),
        Member("event", PAYLOAD, Never),
    ]);
}

/// Version 5.
#[rustfmt::skip]
mod v5 {
    use super::{
        Always, Any, ByType, Bytes, Flag, List, Member, Never, New, NotInChanges, Object, PERIOD, QUANTITY, Shape,
        Status, Text, Time, Typed, Whole, text, uri,
    };

    const REFERENCE: Shape = Typed(&[
        Member("id", Text, NotInChanges), text("href"), text("name"), text("@referredType"), text("@baseType"),
        text("@schemaLocation"),
    ]);
    const FILE: Shape = Typed(&[
        text("id"), text("href"), text("name"), text("description"), text("url"), Member("content", Bytes, Never),
        Member("size", QUANTITY, Never), Member("validFor", PERIOD, Never), Member("attachmentType", Text, New),
        Member("mimeType", Text, New), text("@baseType"), text("@schemaLocation"),
    ]);
    const FILE_REFERENCE: Shape = Typed(&[
        Member("id", Text, NotInChanges), text("href"), text("name"), text("@referredType"), text("description"),
        text("url"), text("@baseType"), text("@schemaLocation"),
    ]);
    const ATTACHMENT: Shape = ByType(&[("Attachment", FILE), ("AttachmentRef", FILE_REFERENCE)]);
    const NOTE: Shape = Typed(&[
        text("id"), text("author"), Member("date", Time, Never), text("text"), text("@baseType"),
        text("@schemaLocation"),
    ]);
    const IDENTIFIER: Shape = Typed(&[
        text("owner"), text("externalIdentifierType"), Member("id", Text, New), text("@baseType"),
        text("@schemaLocation"),
    ]);
    const ENTITY: Shape = Typed(&[
        Member("role", Text, New), Member("entity", REFERENCE, New), text("@baseType"), text("@schemaLocation"),
    ]);
    const ROLE: Shape = Typed(&[
        Member("id", Text, NotInChanges), text("href"), text("name"), text("partyId"), text("partyName"),
        text("@referredType"), text("@baseType"), text("@schemaLocation"),
    ]);
    const WHO: Shape = ByType(&[("PartyRef", REFERENCE), ("PartyRoleRef", ROLE)]);
    const PARTY: Shape = Typed(&[
        Member("role", Text, New), Member("partyOrPartyRole", WHO, Never), text("@baseType"),
        text("@schemaLocation"),
    ]);
    const RELATION: Shape = Typed(&[
        Member("id", Text, NotInChanges), text("href"), text("name"), text("@referredType"),
        Member("relationshipType", Text, New), text("@baseType"), text("@schemaLocation"),
    ]);
    const STATUS_CHANGE: Shape = Typed(&[
        Member("statusChangeDate", Time, Never), text("statusChangeReason"), Member("status", Status, Never),
        text("@baseType"), text("@schemaLocation"),
    ]);
    const SPECIFICATION_REFERENCE: Shape = Typed(&[
        Member("id", Text, NotInChanges), text("href"), text("name"), text("@referredType"), text("version"),
        text("@baseType"), text("@schemaLocation"),
    ]);
    const RELATED_CHARACTERISTIC: Shape = Typed(&[
        Member("id", Text, New), Member("relationshipType", Text, New), text("@baseType"), text("@schemaLocation"),
    ]);
    const CHARACTERISTIC: Shape = Typed(&[
        text("id"), Member("name", Text, New), text("valueType"), Member("value", Any, Never),
        Member("characteristicRelationship", List(&RELATED_CHARACTERISTIC), Never), text("@baseType"),
        text("@schemaLocation"),
    ]);
    const SPECIFICATION_RELATION: Shape = Typed(&[
        Member("relationshipType", Text, New), Member("name", Text, New), text("characteristicSpecificationId"),
        uri("parentSpecificationHref"), Member("parentSpecificationId", Text, New), Member("validFor", PERIOD, Never),
        text("@baseType"), text("@schemaLocation"),
    ]);
    const VALUE_SPECIFICATION: Shape = Typed(&[
        text("valueType"), Member("isDefault", Flag, Never), text("unitOfMeasure"), Member("validFor", PERIOD, Never),
        Member("valueFrom", Whole, Never), Member("valueTo", Whole, Never), text("rangeInterval"), text("regex"),
        text("@baseType"), text("@schemaLocation"),
    ]);
    const CHARACTERISTIC_SPECIFICATION: Shape = Typed(&[
        text("id"), Member("name", Text, New), Member("valueType", Text, New), text("description"),
        Member("configurable", Flag, Never), Member("validFor", PERIOD, Never), Member("minCardinality", Whole, Never),
        Member("maxCardinality", Whole, Never), Member("isUnique", Flag, Never), text("regex"),
        Member("extensible", Flag, Never), text("@valueSchemaLocation"),
        Member("charSpecRelationship", List(&SPECIFICATION_RELATION), Never),
        Member("characteristicValueSpecification", List(&VALUE_SPECIFICATION), Never), text("@baseType"),
        text("@schemaLocation"),
    ]);

    pub(super) const TICKET: Shape = Typed(&[
        text("id"), text("href"), text("name"), Member("description", Text, New), Member("severity", Text, New),
        Member("ticketType", Text, New), text("priority"), text("statusChangeReason"),
        Member("creationDate", Time, Never), Member("lastUpdate", Time, Never),
        Member("requestedResolutionDate", Time, Never), Member("expectedResolutionDate", Time, Never),
        Member("resolutionDate", Time, Never), Member("statusChangeDate", Time, Never),
        Member("status", Status, Never), Member("attachment", List(&ATTACHMENT), Never),
        Member("channel", REFERENCE, Never), Member("externalIdentifier", List(&IDENTIFIER), Never),
        Member("note", List(&NOTE), Never), Member("relatedEntity", List(&ENTITY), Never),
        Member("relatedParty", List(&PARTY), Never), Member("statusChangeHistory", List(&STATUS_CHANGE), Never),
        Member("troubleTicketRelationship", List(&RELATION), Never),
        Member("troubleTicketSpecification", SPECIFICATION_REFERENCE, Never),
        Member("troubleTicketCharacteristic", List(&CHARACTERISTIC), Never), text("@baseType"),
        text("@schemaLocation"),
    ]);
    pub(super) const SPECIFICATION: Shape = Typed(&[
        text("id"), text("href"), Member("name", Text, New), text("description"), text("lifecycleStatus"),
        Member("specCharacteristic", List(&CHARACTERISTIC_SPECIFICATION), Never),
        Member("relatedParty", List(&PARTY), Never), Member("validFor", PERIOD, Never), text("version"),
        Member("creationDate", Time, Never), Member("lastUpdate", Time, Never), text("@baseType"),
        text("@schemaLocation"),
    ]);
    pub(super) const HUB: Shape =
        Typed(&[Member("callback", Text, Always), text("query"), text("@baseType"), text("@schemaLocation")]);
    pub(super) const OPERATIONS: Shape = List(&Object(&[
        Member("op", Text, Always), Member("path", Text, Always), text("from"), Member("value", Any, Never),
    ]));
    const PAYLOAD: Shape = Object(&[
        Member("troubleTicket", TICKET, Never), Member("troubleTicketSpecification", SPECIFICATION, Never),
    ]);
    pub(super) const EVENT: Shape = Typed(&[
        text("href"), text("id"), text("eventId"), Member("eventTime", Time, Never), text("eventType"),
        text("correlationId"), text("domain"), text("title"), text("description"), text("priority"),
        Member("timeOccurred", Time, Never), Member("source", REFERENCE, Never),
        Member("reportingSystem", REFERENCE, Never), Member("relatedParty", List(&PARTY), Never),
        Member("analyticCharacteristic", List(&CHARACTERISTIC), Never), Member("event", PAYLOAD, Never),
        text("@baseType"), text("@schemaLocation"),
    ]);
}

/// A trouble ticket.
pub(super) fn ticket(edition: Edition) -> &'static Shape {
    match edition {
        Edition::V4 => &v4::TICKET,
        Edition::V5 => &v5::TICKET,
    }
}

/// A specification of trouble tickets.
pub(super) const SPECIFICATION: &Shape = &v5::SPECIFICATION;

/// Operations of JSON Patch.
pub(super) const OPERATIONS: &Shape = &v5::OPERATIONS;

/// A subscription.
pub(super) fn hub(edition: Edition) -> &'static Shape {
    match edition {
        Edition::V4 => &v4::HUB,
        Edition::V5 => &v5::HUB,
    }
}

/// An event.
pub(super) fn event(edition: Edition) -> &'static Shape {
    match edition {
        Edition::V4 => &v4::EVENT,
        Edition::V5 => &v5::EVENT,
    }
}

/// Whether a value has this form.
///
/// # Errors
///
/// Where it has not, and what was expected there.
pub(super) fn check(value: &Value, shape: &Shape, purpose: Purpose) -> Result<(), Misshapen> {
    at("", value, shape, purpose)
}

/// Whether each operation of JSON Patch is one that there is.
///
/// # Errors
///
/// The first that is none.
pub(super) fn check_operations(operations: &Value) -> Result<(), Misshapen> {
    const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];
    for (at, operation) in operations.as_array().into_iter().flatten().enumerate() {
        let op = operation.get("op").and_then(Value::as_str).unwrap_or_default();
        if !OPERATIONS.contains(&op) {
            return Err(Misshapen(format!("/{at}/op has to be one of {}", OPERATIONS.join(", "))));
        }
    }
    Ok(())
}

fn at(path: &str, value: &Value, shape: &Shape, purpose: Purpose) -> Result<(), Misshapen> {
    let fits = match shape {
        Any => true,
        Text => value.is_string(),
        Time => value.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok()),
        Number => value.is_number(),
        Whole => value.as_f64().is_some_and(|number| number.fract() == 0.0 && number.abs() <= LARGEST),
        Flag => value.is_boolean(),
        Uri => value.as_str().is_some_and(is_uri),
        Bytes => value.as_str().is_some_and(|text| BASE64_STANDARD.decode(text.trim()).is_ok()),
        Status => value.as_str().is_some_and(|text| STATUSES.contains(&text)),
        List(each) => match value.as_array() {
            Some(all) => {
                for (place, one) in all.iter().enumerate() {
                    at(&format!("{path}/{place}"), one, each, purpose)?;
                }
                true
            }
            None => false,
        },
        Object(members) => match value.as_object() {
            Some(object) => return inside(path, object, members, purpose),
            None => false,
        },
        Typed(members) => match value.as_object() {
            Some(object) => {
                if !object.get("@type").is_some_and(Value::is_string) {
                    return Err(Misshapen(format!("{path}/@type has to be a text")));
                }
                return inside(path, object, members, purpose);
            }
            None => false,
        },
        ByType(shapes) => match value.as_object() {
            Some(object) => {
                let sort = object.get("@type").and_then(Value::as_str).unwrap_or_default();
                let Some((_, shape)) = shapes.iter().find(|(name, _)| *name == sort) else {
                    let names: Vec<&str> = shapes.iter().map(|(name, _)| *name).collect();
                    return Err(Misshapen(format!("{path}/@type has to be {}", names.join(" or "))));
                };
                return at(path, value, shape, purpose);
            }
            None => false,
        },
    };
    if fits { Ok(()) } else { Err(Misshapen(format!("{} has to be {}", place(path), expected(shape)))) }
}

fn inside(
    path: &str,
    object: &Map<String, Value>,
    members: &[Member],
    purpose: Purpose,
) -> Result<(), Misshapen> {
    for Member(name, shape, when) in members {
        let required = match when {
            Never => false,
            New => purpose == Purpose::New,
            NotInChanges => purpose != Purpose::Change,
            Always => true,
        };
        match object.get(*name) {
            Some(value) => at(&format!("{path}/{name}"), value, shape, purpose)?,
            None if required => return Err(Misshapen(format!("{path}/{name} is missing"))),
            None => {}
        }
    }
    Ok(())
}

/// Whether a text is a URI: a scheme, and only what RFC 3986 lets stand in one.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let mut escapes = rest.split('%').skip(1);
    let escaped = escapes
        .all(|escape| escape.get(..2).is_some_and(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    scheme.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && scheme.bytes().all(in_scheme)
        && escaped
        && rest.bytes().all(allowed)
        && url::Url::parse(text).is_ok()
}

fn place(path: &str) -> &str {
    if path.is_empty() { "the body" } else { path }
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Text => "a text",
        Time => "a date-time such as 2026-01-31T12:00:00Z",
        Number => "a number",
        Whole => "a whole number, of at most 53 bits",
        Flag => "true or false",
        Uri => "a URI such as https://example.org/",
        Bytes => "a text in base 64",
        Status => "one of acknowledged, rejected, pending, held, inProgress, cancelled, closed, resolved",
        List(_) => "an array",
        Object(_) | Typed(_) | ByType(_) => "an object",
        Any => "anything",
    }
}
