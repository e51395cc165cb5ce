//! What waits for a person: what was to be sent and what stands there, tried again, tried as a person writes it, or
//! given up. One set of functions for the interface, the command line and the console.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Class, Operation, SystemName, Timestamp};
use tokio::sync::oneshot;

use super::Api;
use super::access::May;
use super::answer::{Known, Meant, Tagged};
use super::ask::{Asked, Body};
use super::cases::named;
use super::problem::Problem;
use crate::agreement::Release;
use crate::case::{Case, Fact, Field, Fingerprint, Item, Leg, Parked, Priority, Status, WrittenValue};
use crate::daemon::Shared;
use crate::deliver::Nudge;
use crate::identity::{Look, Operate, Principal};
use crate::ledger::Record;

/// The longest text that a person may have sent instead, in characters.
const LONGEST: usize = 50_000;

/// What of a case is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The case.
    #[schemars(extend("format" = "case"))]
    pub case: String,
    /// The leg's system.
    #[schemars(with = "String", extend("format" = "system"))]
    pub system: SystemName,
    /// The parked item.
    pub item: String,
}

/// What is given up, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discarded {
    /// The case.
    pub case: String,
    /// The leg's system.
    pub system: SystemName,
    /// The parked item.
    pub item: String,
    /// Why, for whoever reads the record.
    #[serde(default)]
    pub reason: String,
}

/// What is to be sent instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewritten {
    /// The case.
    #[schemars(extend("format" = "case"))]
    pub case: String,
    /// The leg's system.
    #[schemars(with = "String", extend("format" = "system"))]
    pub system: SystemName,
    /// The parked item; of a ticket that is still to be made, one of its fields.
    pub item: String,
    /// What is sent instead, in Throughline's words: the agreement is applied to it as to anything else.
    pub text: String,
}

/// What was written in the place of a parked item.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Edited {
    /// The case.
    case: String,
    /// The item that is tried again as it was written.
    edited: String,
}

/// A parked item as a person has to see it to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParkedItem {
    /// The case.
    pub case: String,
    /// The request's title.
    pub title: String,
    /// The leg's system.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// The number of the ticket there.
    pub key: Option<String>,
    /// Where a person opens it.
    pub url: Option<String>,
    /// What of the request.
    pub item: String,
    /// What kind of failure.
    pub kind: String,
    /// Why, in the system's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// It waits for a person to let it through as it is.
    pub held: bool,
    /// It may be there already: nobody knows whether the last attempt arrived.
    pub doubtful: bool,
    /// A person gave it up.
    pub discarded: bool,
    /// What was to be sent, or would be.
    pub sent: Vec<Part>,
    /// What stands there, as it was last read.
    pub there: Option<There>,
    /// What a person may have sent instead.
    pub edits: Vec<Edit>,
}

/// One part of what was to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ParkedPart")]
pub struct Part {
    /// What it is.
    pub what: String,
    /// Its text.
    pub text: String,
}

/// What stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ParkedThere")]
pub struct There {
    /// The value.
    pub text: String,
    /// When it was read.
    pub read: Timestamp,
}

/// Something that a person may have sent instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ParkedEdit")]
pub struct Edit {
    /// The item.
    pub item: String,
    /// What the request says now.
    pub text: String,
    /// The words there are, with what the system is shown for each; none: any text.
    pub choices: Vec<Choice>,
}

/// A word of ours and what a system is shown for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// Our word.
    pub word: String,
    /// What the system is shown.
    pub shown: String,
}

pub(super) async fn show(
    State(api): State<Api>,
    _: May<Look>,
    name: Asked<Named>,
    known: Known,
) -> Result<Tagged<ParkedItem>, Problem> {
    let case = named(&api, &name.asked.case).await?;
    known.answer(&case, &item_of(&api, &case, &name.asked).await?)
}

pub(super) async fn edit(
    State(api): State<Api>,
    may: May<Operate>,
    meant: Meant,
    Body(rewritten): Body<Rewritten>,
) -> Result<Json<Edited>, Problem> {
    meant.holds(&named(&api, &rewritten.case).await?)?;
    let edited = rewritten.item.clone();
    let case = rewrite(&api, &may.principal, rewritten).await?;
    Ok(Json(Edited { case, edited }))
}

/// Whether an item is tried again or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Tried again.
    Retry,
    /// Given up.
    Discard,
}

/// Has a parked item tried again, or gives it up. Answers the case.
pub(crate) async fn unpark(
    api: &Api,
    by: &Principal,
    name: Discarded,
    what: What,
) -> Result<String, Problem> {
    let Discarded { case, system, item, reason } = name;
    let case = named(api, &case).await?;
    let item = parse(item)?;
    parked(&case, &system, &item)?;
    let fact = Fact::Unparked {
        leg: system,
        item,
        discarded: what == What::Discard,
        by: by.name.clone(),
        reason: reason.trim().to_owned(),
    };
    command(api, &case, fact).await
}

/// Has something else sent in the place of what is parked. Answers the case.
pub(crate) async fn rewrite(api: &Api, by: &Principal, rewritten: Rewritten) -> Result<String, Problem> {
    let Rewritten { case, system, item, text } = rewritten;
    let case = named(api, &case).await?;
    let item = parse(item)?;
    let refuse = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let leg = leg(&case, &system)?;
    let of_ticket = leg.parked.contains_key(&Item::Ticket) && matches!(item, Item::Field(_));
    let standing = match leg.parked.get(&Item::Ticket).filter(|_| of_ticket) {
        Some(standing) => standing,
        None => parked(&case, &system, &item)?.1,
    };
    if standing.is_untranslatable() {
        return Err(refuse(format!(
            "it is {system}'s own value that has no meaning here: give it one in the configuration, or change it there"
        )));
    }
    if may_be_there(&item, standing) {
        return Err(refuse(
            "nobody knows whether it arrived, and another text would make a second one: look there, then retry or \
             discard it"
                .to_owned(),
        ));
    }
    let shared = api.bridge.shared();
    let edits = edits(shared, &case, &system, leg, if of_ticket { &Item::Ticket } else { &item }, &[]);
    let Some(offered) = edits.iter().find(|edit| edit.item == item.to_string()) else {
        return Err(refuse(format!("{item} cannot be written anew by hand: retry or discard it")));
    };
    let text = text.trim();
    if text.chars().count() > LONGEST {
        return Err(refuse(format!("that is longer than {LONGEST} characters")));
    }
    if text.is_empty() && matches!(item, Item::Remark(_) | Item::Field(Field::Title)) {
        return Err(refuse(format!("an empty {item} says nothing: discard it instead")));
    }
    if !offered.choices.is_empty() && offered.choices.iter().all(|choice| choice.word != text) {
        let words: Vec<&str> = offered.choices.iter().map(|choice| choice.word.as_str()).collect();
        return Err(refuse(format!("{text:?} is none of the words for {item}: {}", words.join(", "))));
    }
    let want =
        want(&case, &item).ok_or_else(|| refuse(format!("{item} is not part of {} any more", case.id)))?;
    let fact = Fact::Edited { leg: system, item, want, text: text.to_owned(), by: by.name.clone() };
    command(api, &case, fact).await
}

/// A parked item with all it takes to decide about it.
pub(crate) async fn item(api: &Api, name: &Named) -> Result<ParkedItem, Problem> {
    item_of(api, &named(api, &name.case).await?, name).await
}

async fn item_of(api: &Api, case: &Case, name: &Named) -> Result<ParkedItem, Problem> {
    let item = parse(name.item.clone())?;
    let (leg, standing) = parked(case, &name.system, &item)?;
    let shared = api.bridge.shared();
    let records = shared.journal.timeline(case).await.map_err(|error| Problem::internal(&error))?;
    let editable = !standing.is_untranslatable() && !may_be_there(&item, standing);
    let edits = match editable {
        true => edits(shared, case, &name.system, leg, &item, &records),
        false => Vec::new(),
    };
    let title = case.document.fields.get(&Field::Title).map(|title| title.value.clone());
    Ok(ParkedItem {
        case: case.id.to_string(),
        title: title.unwrap_or_default(),
        system: name.system.clone(),
        key: leg.key.clone().or_else(|| leg.ticket.as_ref().map(ToString::to_string)),
        url: leg.url.clone(),
        kind: format!("{:?}", standing.kind),
        reason: standing.reason.clone(),
        since: standing.since,
        held: standing.held,
        doubtful: standing.kind.class() != Class::Park,
        discarded: standing.discarded,
        sent: sent(case, &name.system, &item, &records),
        there: there(&name.system, &item, &records),
        item: item.to_string(),
        edits,
    })
}

async fn command(api: &Api, case: &Case, fact: Fact) -> Result<String, Problem> {
    let shared = api.bridge.shared();
    let (done, durable) = oneshot::channel();
    shared.lanes.nudge_case(shared, case.id, Nudge::Command { fact: Box::new(fact), done });
    durable
        .await
        .map_err(|_closed| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the bridge is stopping"))?;
    Ok(case.id.to_string())
}

fn parse(item: String) -> Result<Item, Problem> {
    Item::try_from(item).map_err(|why| Problem::new(StatusCode::NOT_FOUND, why))
}

fn leg<'c>(case: &'c Case, system: &SystemName) -> Result<&'c Leg, Problem> {
    case.legs
        .get(system)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("{system} takes no part in {}", case.id)))
}

fn parked<'c>(case: &'c Case, system: &SystemName, item: &Item) -> Result<(&'c Leg, &'c Parked), Problem> {
    let found = case.legs.get(system).and_then(|leg| Some((leg, leg.parked.get(item)?)));
    found.ok_or_else(|| {
        let detail = format!("nothing named {item} is parked in {} on {system}", case.id);
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}

/// Whether another text would make a second one of something that may be there.
fn may_be_there(item: &Item, standing: &Parked) -> bool {
    standing.kind.class() != Class::Park && !matches!(item, Item::Field(_))
}

/// The fingerprint of what the document says of an item.
fn want(case: &Case, item: &Item) -> Option<Fingerprint> {
    match item {
        Item::Field(field) => Some(Fingerprint::of(&case.document.fields.get(field)?.value)),
        Item::Remark(origin) => Some(case.document.remarks.get(origin)?.print.clone()),
        Item::Ticket
        | Item::Attachment(_)
        | Item::LinkBack(_)
        | Item::Offer
        | Item::Notice(_)
        | Item::Recall(_)
        | Item::Leak(_) => None,
    }
}

/// What a person may have sent instead of what is parked.
fn edits(
    shared: &Shared,
    case: &Case,
    system: &SystemName,
    leg: &Leg,
    item: &Item,
    records: &[Record],
) -> Vec<Edit> {
    let of_field = |field: &Field| {
        let item = Item::Field(field.clone());
        let value = &case.document.fields.get(field)?.value;
        let text = leg.instead(&item, &Fingerprint::of(value)).unwrap_or(value).to_owned();
        Some(Edit { item: item.to_string(), text, choices: choices(shared, system, leg, field) })
    };
    match item {
        Item::Field(field) => of_field(field).into_iter().collect(),
        Item::Ticket => {
            let sharing = crate::agreement::Sharing::of(&shared.rules, case, shared.clock.now());
            let shown = case.document.fields.keys().filter(|field| sharing.is_target(system, field));
            shown.filter_map(of_field).collect()
        }
        Item::Remark(origin) => {
            let Some(remark) = case.document.remarks.get(origin) else { return Vec::new() };
            let edited = leg.instead(item, &remark.print).map(str::to_owned);
            let text = edited.or_else(|| remark.body.clone()).or_else(|| said(item, records));
            vec![Edit { item: item.to_string(), text: text.unwrap_or_default(), choices: Vec::new() }]
        }
        Item::Attachment(_)
        | Item::LinkBack(_)
        | Item::Offer
        | Item::Notice(_)
        | Item::Recall(_)
        | Item::Leak(_) => Vec::new(),
    }
}

/// The words of ours that a system has a word for.
fn choices(shared: &Shared, system: &SystemName, leg: &Leg, field: &Field) -> Vec<Choice> {
    let words: Vec<&str> = match field {
        Field::Status => Status::ALL.into_iter().map(Status::word).collect(),
        Field::Priority => Priority::ALL.into_iter().map(Priority::word).collect(),
        Field::Title | Field::Description | Field::Kind | Field::Custom(_) => return Vec::new(),
    };
    let agreement = leg.agreement.as_ref().and_then(|name| shared.rules.agreements.get(name));
    let names = shared.vault.names();
    let release = Release { names: &names, approved: false };
    let choice = |word: &str| {
        let shown = shared.rules.project(system, agreement, field, word, &release).ok()?;
        Some(Choice { word: word.to_owned(), shown: shown.into_intent() })
    };
    words.into_iter().filter_map(choice).collect()
}

/// What a comment said when it was last recorded.
fn said(item: &Item, records: &[Record]) -> Option<String> {
    let facts = records.iter().rev().flat_map(|record| record.facts.iter().rev());
    let Item::Remark(wanted) = item else { return None };
    let mut bodies = facts.filter_map(|fact| {
        let Fact::Remarked { origin, body, .. } = fact else { return None };
        (origin == wanted).then(|| body.clone())
    });
    bodies.next()
}

/// What was to be sent: as it was intended last, or as the request says it where it never came so far.
fn sent(case: &Case, system: &SystemName, item: &Item, records: &[Record]) -> Vec<Part> {
    let facts = records.iter().rev().flat_map(|record| record.facts.iter().rev());
    let mut intended = facts.filter_map(|fact| {
        let Fact::Intended { leg, item: of, intent, .. } = fact else { return None };
        (leg == system && of == item).then_some(&intent.operation)
    });
    let part = |what: &str, text: &str| Part { what: what.to_owned(), text: text.to_owned() };
    match (intended.next(), item) {
        (Some(Operation::Create(ticket)), _) => {
            let mut parts = vec![part("title", &ticket.title), part("description", &ticket.description)];
            let more = [("status", &ticket.status), ("priority", &ticket.priority), ("kind", &ticket.kind)];
            parts.extend(more.into_iter().filter_map(|(what, text)| Some(part(what, text.as_deref()?))));
            parts.extend(ticket.fields.iter().map(|(name, text)| part(name, text)));
            parts
        }
        (Some(operation @ (Operation::Update { .. } | Operation::Transition { .. })), Item::Field(field)) => {
            operation.value(field).map(|text| part(&field.to_string(), text)).into_iter().collect()
        }
        (Some(Operation::Comment { body, .. } | Operation::Edit { body, .. }), _) => {
            vec![part("comment", body)]
        }
        (Some(Operation::Attach { name, size, .. }), _) => {
            vec![part("file", &format!("{name}, {size} bytes"))]
        }
        (Some(Operation::LinkBack(link)), _) => vec![part("link", &link.label)],
        (_, Item::Field(field)) => {
            let value = case.document.fields.get(field).map(|field| field.value.as_str());
            value.map(|text| part(&format!("{field}, in the request's words"), text)).into_iter().collect()
        }
        (_, Item::Remark(_)) => {
            said(item, records).map(|text| part("comment, as it was written", &text)).into_iter().collect()
        }
        (_, Item::Attachment(origin)) => {
            let file = case.document.attachments.get(origin);
            file.map(|file| part("file", &format!("{}, {} bytes", file.name, file.size)))
                .into_iter()
                .collect()
        }
        (_, Item::Ticket) => {
            let fields = case.document.fields.iter();
            fields
                .map(|(field, value)| part(&format!("{field}, in the request's words"), &value.value))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// What stands there, as the ledger has it from the last reading that saw it change.
fn there(system: &SystemName, item: &Item, records: &[Record]) -> Option<There> {
    let Item::Field(field) = item else { return None };
    records.iter().rev().find_map(|record| {
        let mut seen = record.facts.iter().rev().filter_map(|fact| {
            let Fact::Observed { leg, reading } = fact else { return None };
            reading.fields.get(field).filter(|_| leg == system)
        });
        seen.next().map(|text| There { text: text.clone(), read: record.at })
    })
}
