//! What command line and API show of a case: a line of a list, what is parked, and the whole story.

mod grants;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Operation, Subject, SystemName, Timestamp};

pub use grants::GrantLine;

use crate::agreement::counted;
use crate::case::{Case, CaseId, Fact, Field, Health, Item, OfferState, Role};
use crate::ledger::Record;
use crate::store::{self, Index};

/// One case in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseLine {
    /// Its id.
    pub case: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// Its title.
    pub title: String,
    /// Its status in Throughline's words.
    pub status: String,
    /// Its priority in Throughline's words.
    pub priority: String,
    /// Its legs.
    pub legs: Vec<LegLine>,
    /// What it refers to besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ReferenceLine>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who has the ball.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<HolderLine>,
    /// How long each party had the ball before, in seconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held_before: BTreeMap<String, u64>,
    /// What is asked for, or shown, beyond what is shared. What ended is not here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantLine>,
}

/// Who has the ball.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderLine {
    /// The party.
    pub party: String,
    /// Where in it.
    pub level: String,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub because: String,
}

/// An offer that a counterpart, or home, has to accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfferLine {
    /// `counterpart` or `home`: who has to accept.
    pub to: Role,
    /// How it stands.
    pub state: OfferState,
    /// Since when.
    pub since: Timestamp,
    /// The question, the reason, or why it was withdrawn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// Until when an answer is due, while a clock runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub respond_by: Option<Timestamp>,
    /// Whether the clock ran out.
    pub lapsed: bool,
    /// What is not sent before it is accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<String>,
}

/// One leg of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegLine {
    /// The system.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// Whose it is.
    pub party: String,
    /// The number people use; `None` while it is being created.
    pub key: Option<String>,
    /// Where a person opens it.
    pub url: Option<String>,
    /// Well, gone or merged.
    pub health: String,
    /// Intents on their way.
    pub outstanding: usize,
    /// Items that wait for a person.
    pub parked: usize,
    /// Items that a person gave up.
    pub given_up: usize,
    /// Since when its portal is silent, if our agents keep it by hand and that is for longer than it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<Timestamp>,
    /// The offer, where one has to be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferLine>,
}

/// An announcement that a case refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceLine {
    /// The system that announces.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// The number people use.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Where a person opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its status, in the system's own words.
    pub status: String,
    /// Nobody works on it any more.
    pub over: bool,
    /// When it last changed there.
    pub updated: Timestamp,
}

/// One parked item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParkedLine {
    /// The case.
    pub case: String,
    /// The leg it was for.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// What of the request.
    pub item: String,
    /// What kind of failure.
    pub kind: String,
    /// Why, in the system's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A place in the list of what is parked: the case, the system, the item and the kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ParkedPlace(u64, String, String, String);

/// Cases with something parked that are looked up at a time.
const PARKED_CASES: usize = 256;

/// The whole story of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// The case and its legs.
    pub case: CaseLine,
    /// What happened, oldest first.
    pub events: Vec<Event>,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When it was recorded.
    pub at: Timestamp,
    /// The record's number in the ledger.
    pub seq: u64,
    /// Where: a system, if it is about one.
    #[schemars(with = "Option<String>")]
    pub system: Option<SystemName>,
    /// Who: a person as a desk named them, if one is known.
    pub who: Option<String>,
    /// Seen, decided, withheld, intended, answered, failed, parked or noted.
    pub what: String,
    /// In words.
    pub text: String,
    /// How long this hop took, for an answer: from the intent's record to the effect's.
    pub took_ms: Option<i64>,
}

/// The case with this id, or the case of the ticket with this name (`SYSTEM:KEY` or `SYSTEM:ID`).
///
/// # Errors
///
/// When the store cannot be read.
pub fn find(index: &Index, name: &str) -> Result<Option<Case>, store::Error> {
    if let Ok(case) = name.parse::<CaseId>() {
        return index.case(case);
    }
    let Some((system, key)) = name.split_once(':') else { return Ok(None) };
    let system = SystemName::new(system);
    let case = match index.case_of_key(&system, key)? {
        Some(case) => Some(case),
        None => {
            let id = throughline_sdk::RemoteId::new(key);
            index.case_of_ticket(&throughline_sdk::TicketRef::new(system, id))?
        }
    };
    match case {
        Some(case) => index.case(case),
        None => Ok(None),
    }
}

/// Who did something, where that was asked.
fn named(by: &str) -> Option<String> {
    (!by.is_empty()).then(|| by.to_owned())
}

fn because(text: &str, reason: &str) -> String {
    if reason.is_empty() { text.to_owned() } else { format!("{text}: {reason}") }
}

/// What waits for a person, by case, system and item: at most `limit` lines, those behind `after`.
///
/// # Errors
///
/// When the store cannot be read.
pub fn parked(
    index: &Index,
    after: Option<&ParkedPlace>,
    limit: usize,
) -> Result<Vec<ParkedLine>, store::Error> {
    let mut lines: Vec<ParkedLine> = Vec::new();
    // The case in which the page before ended may have more.
    let mut before = after.map_or(0, |place| place.0.saturating_sub(1));
    while lines.len() < limit {
        let ids = index.parked(CaseId(before), PARKED_CASES)?;
        let Some(last) = ids.last() else { break };
        before = last.0;
        for id in ids {
            let Some(case) = index.case(id)? else { continue };
            let mut waiting = parked_in(&case);
            waiting.retain(|line| after.is_none_or(|after| line.place().is_none_or(|place| place > *after)));
            lines.extend(waiting);
        }
    }
    lines.truncate(limit);
    Ok(lines)
}

fn parked_in(case: &Case) -> Vec<ParkedLine> {
    let mut lines = Vec::new();
    for (system, leg) in &case.legs {
        for (item, parked) in leg.parked.iter().filter(|(_, parked)| !parked.discarded) {
            lines.push(ParkedLine {
                case: case.id.to_string(),
                system: system.clone(),
                item: item.to_string(),
                kind: format!("{:?}", parked.kind),
                reason: parked.reason.clone(),
                since: parked.since,
            });
        }
    }
    for (field, conflict) in &case.document.conflicts {
        for (system, wanted) in &conflict.wanted {
            lines.push(ParkedLine {
                case: case.id.to_string(),
                system: system.clone(),
                item: field.to_string(),
                kind: "Conflict".to_owned(),
                reason: format!(
                    "the legs disagree; this one wants {wanted:?}; make them agree in one of the desks"
                ),
                since: conflict.since,
            });
        }
    }
    lines.sort_by_cached_key(ParkedLine::place);
    lines
}

impl ParkedLine {
    /// Its place among all.
    pub fn place(&self) -> Option<ParkedPlace> {
        let case: CaseId = self.case.parse().ok()?;
        Some(ParkedPlace(case.0, self.system.to_string(), self.item.clone(), self.kind.clone()))
    }
}

impl CaseLine {
    /// What a list shows of `case`.
    pub fn of(case: &Case) -> Self {
        let field = |field: Field| {
            case.document.fields.get(&field).map(|field| field.value.clone()).unwrap_or_default()
        };
        Self {
            case: case.id.to_string(),
            opened: case.opened,
            title: field(Field::Title),
            status: field(Field::Status),
            priority: field(Field::Priority),
            legs: case
                .legs
                .iter()
                .map(|(system, leg)| LegLine {
                    system: system.clone(),
                    party: leg.party.to_string(),
                    key: leg.key.clone().or_else(|| leg.ticket.as_ref().map(ToString::to_string)),
                    url: leg.url.clone(),
                    health: match &leg.health {
                        Health::Well => "well".to_owned(),
                        Health::Gone => "gone".to_owned(),
                        Health::Merged { into } => format!("merged into {into}"),
                    },
                    outstanding: leg.outstanding.len(),
                    parked: leg.parked.values().filter(|parked| !parked.discarded).count(),
                    given_up: leg.parked.values().filter(|parked| parked.discarded).count(),
                    silent_since: None,
                    offer: leg.offer.as_ref().map(|offer| OfferLine {
                        to: offer.to,
                        state: offer.state,
                        since: offer.since,
                        words: offer.words.clone(),
                        respond_by: offer.respond_by,
                        lapsed: offer.lapsed,
                        waiting: offer.waiting.iter().map(ToString::to_string).collect(),
                    }),
                })
                .collect(),
            references: case
                .references
                .known
                .iter()
                .map(|reference| ReferenceLine {
                    system: reference.ticket.system.clone(),
                    key: reference.key.clone(),
                    title: reference.title.clone(),
                    url: reference.url.clone(),
                    status: reference.status.clone(),
                    over: reference.over,
                    updated: reference.updated,
                })
                .collect(),
            owner: case.custody.owner.as_ref().map(ToString::to_string),
            holder: case.custody.holder.as_ref().map(|holder| HolderLine {
                party: holder.party.to_string(),
                level: holder.level.word().to_owned(),
                since: holder.since,
                because: holder.because.clone(),
            }),
            held_before: case
                .custody
                .held
                .iter()
                .map(|(party, millis)| (party.to_string(), millis / 1000))
                .collect(),
            grants: GrantLine::standing(case),
        }
    }
}

impl Trace {
    /// The story that `records` tell of `case`.
    pub fn of(case: &Case, records: &[Record]) -> Self {
        let mut events = Vec::new();
        let mut intended: BTreeMap<String, (Timestamp, String)> = BTreeMap::new();
        for record in records {
            for fact in &record.facts {
                if let Some(event) = event(record, fact, &mut intended) {
                    events.push(event);
                }
            }
        }
        Self { case: CaseLine::of(case), events }
    }
}

fn event(
    record: &Record,
    fact: &Fact,
    intended: &mut BTreeMap<String, (Timestamp, String)>,
) -> Option<Event> {
    let base = |what: &str, system: Option<&SystemName>, text: String| Event {
        at: record.at,
        seq: record.seq,
        system: system.cloned(),
        who: None,
        what: what.to_owned(),
        text,
        took_ms: None,
    };
    Some(match fact {
        Fact::Hinted { ticket, source } => base(
            "hinted",
            Some(&ticket.system),
            format!("{ticket} may have changed ({source:?})").to_lowercase(),
        ),
        Fact::Opened => base("opened", None, "the case was opened".to_owned()),
        Fact::Joined { leg, party, agreement, version, .. } => {
            let by =
                agreement.as_ref().map(|name| format!(" under the agreement {name}")).unwrap_or_default();
            let at = version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
            base("joined", Some(leg), format!("{party} takes part{by}{at}"))
        }
        Fact::Observed { leg, reading } => {
            let silent = reading.comments.iter().all(|comment| comment.lost.is_empty());
            if reading.fields.is_empty()
                && reading.lost_comments.is_empty()
                && reading.lost_files.is_empty()
                && silent
            {
                return None;
            }
            let mut parts: Vec<String> =
                reading.fields.iter().map(|(field, value)| format!("{field} is {}", short(value))).collect();
            parts
                .extend(reading.lost_comments.iter().map(|id| format!("comment {id} is not there any more")));
            parts.extend(reading.lost_files.iter().map(|id| format!("file {id} is not there any more")));
            parts.extend(reading.lost.iter().map(|what| format!("in the description {what}")));
            for comment in &reading.comments {
                parts.extend(comment.lost.iter().map(|what| format!("in comment {} {what}", comment.id)));
            }
            base("seen", Some(leg), parts.join(", "))
        }
        Fact::Changed { field, value, leg, overruled, .. } => {
            let mut text = format!("{field} of the request is now {}", short(value));
            for (loser, wanted) in overruled {
                text.push_str(&format!("; {loser} wanted {} and was overruled", short(wanted)));
            }
            base("decided", Some(leg), text)
        }
        Fact::Disputed { field, wanted } => {
            let sides: Vec<String> =
                wanted.iter().map(|(system, value)| format!("{system} wants {}", short(value))).collect();
            base("disputed", None, format!("{field} waits for a person: {}", sides.join(", ")))
        }
        Fact::Settled { field } => base("settled", None, format!("{field} is not disputed any more")),
        Fact::Remarked { origin, author, body, version, .. } => {
            let which =
                if *version > 1 { format!("version {version} of a comment") } else { "a comment".to_owned() };
            Event {
                who: Some(author.clone()),
                ..base("seen", Some(&origin.system), format!("{which}: {}", short(body)))
            }
        }
        Fact::RemarkWithdrawn { origin } => {
            base("seen", Some(&origin.system), format!("comment {} is shown to nobody any more", origin.id))
        }
        Fact::Attached { origin, name, size, author, .. } => Event {
            who: Some(author.clone()),
            ..base("seen", Some(&origin.system), format!("a file: {name}, {size} bytes"))
        },
        Fact::Stored { origin, digest } => {
            base("noted", Some(&origin.system), format!("file {} was read, sha-256 {digest}", origin.id))
        }
        Fact::AttachmentWithdrawn { origin } => {
            base("seen", Some(&origin.system), format!("file {} was withdrawn", origin.id))
        }
        Fact::Withheld { leg, what, rule } => base("withheld", Some(leg), format!("{what} stays: {rule}")),
        Fact::Intended { leg, item, intent, .. } => {
            let text = operation(&intent.operation, item);
            intended.insert(intent.id.to_string(), (record.at, text.clone()));
            base("intended", Some(leg), text)
        }
        Fact::Attempted { leg, reason, not_before, .. } => {
            base("failed", Some(leg), format!("{reason}; next not before {not_before}"))
        }
        Fact::Absolved { leg, .. } => {
            base("noted", Some(leg), "the doubt is over: it did not take effect".to_owned())
        }
        Fact::Effected { leg, intent, subject, found, lost } => {
            let (since, text) = intended.remove(intent.as_str()).unwrap_or((record.at, String::new()));
            let how = if *found { "found afterwards by its marker" } else { "answered" };
            let subject = match subject {
                Subject::Ticket(id) => format!("ticket {id}"),
                Subject::Comment(id) => format!("comment {id}"),
                Subject::File(id) => format!("file {id}"),
            };
            Event {
                took_ms: Some((record.at - since).num_milliseconds()),
                ..base("effected", Some(leg), format!("{text}: {how}, {subject}{}", dropped(lost)))
            }
        }
        Fact::Dropped { leg, reason, .. } => base("noted", Some(leg), format!("planned again: {reason}")),
        Fact::Parked { leg, item, reason, .. } => {
            base("parked", Some(leg), format!("{item} waits for a person: {reason}"))
        }
        Fact::Unparked { leg, item: Item::Offer, discarded: true, by, reason } => Event {
            who: named(by),
            ..base("noted", Some(leg), because("the offer waits for nobody any more", reason))
        },
        Fact::Unparked { leg, item: Item::Offer, discarded: false, by, .. } => Event {
            who: named(by),
            ..base("noted", Some(leg), "a person has it offered once more".to_owned())
        },
        Fact::Unparked { leg, item, discarded, by, reason } => {
            let verb = if *discarded { "given up" } else { "tried again" };
            let text = because(&format!("{item} is {verb} by a person"), reason);
            Event { who: named(by), ..base("noted", Some(leg), text) }
        }
        Fact::Edited { leg, item, text, by, .. } => Event {
            who: named(by),
            ..base("noted", Some(leg), format!("{item} is tried again as a person wrote it: {}", short(text)))
        },
        Fact::Ailed { leg, health, reason } => {
            base("noted", Some(leg), format!("the leg is {health:?}: {reason}"))
        }
        Fact::Claimed(claim) => {
            let comments = claim.comments.values().flatten().count();
            let files = claim.files.values().flatten().count();
            let text = format!(
                "ticket {} takes the place of the one at {}; {comments} comments and {files} files stand on both",
                claim.ticket, claim.from
            );
            base("claimed", Some(&claim.to), text)
        }
        Fact::Concerned { products } => {
            let named = |(system, names): (&SystemName, &BTreeSet<String>)| {
                names.iter().map(|name| format!("{name} of {system}")).collect::<Vec<_>>()
            };
            let all: Vec<String> = products.iter().flat_map(named).collect();
            let text = match all.as_slice() {
                [] => "it is about nothing that is announced any more".to_owned(),
                all => format!("it is about {}", all.join(", ")),
            };
            base("noted", None, text)
        }
        Fact::Referred { reference, key, title, status, .. } => {
            base("told", Some(&reference.system), format!("{key} is {status}: {}", short(title)))
        }
        Fact::ReferencePost { reference, author, body, .. } => Event {
            who: Some(author.clone()),
            ..base("told", Some(&reference.system), format!("{}: {}", reference.id, short(body)))
        },
        Fact::Unreferred { reference, reason } => {
            base("noted", Some(&reference.system), format!("{} is not referred to: {reason}", reference.id))
        }
        Fact::Rekeyed { leg, from, to } => base("noted", Some(leg), format!("ticket {from} is {to} now")),
        Fact::Offering { leg, to, after } => {
            let after =
                after.as_ref().map(|after| format!(", after {after} did not take it")).unwrap_or_default();
            let text = match to {
                Role::Counterpart => {
                    format!("the request is offered here{after}: more than it follows once it is accepted")
                }
                Role::Home => "the request is offered to home".to_owned(),
            };
            base("offered", Some(leg), text)
        }
        Fact::Handshake { leg, state, words, respond_by, .. } => {
            let word = match state {
                OfferState::Offered => "the offer waits for an answer",
                OfferState::InformationRequested => "before an answer something is asked",
                OfferState::Accepted => "the offer is accepted",
                OfferState::Rejected => "the offer is rejected",
                OfferState::Withdrawn => "the offer is withdrawn",
            };
            let words = if words.is_empty() { String::new() } else { format!(": {}", short(words)) };
            let clock = respond_by.map(|at| format!("; due by {}", at.format("%Y-%m-%dT%H:%M:%SZ")));
            base(state_word(*state), Some(leg), format!("{word}{words}{}", clock.unwrap_or_default()))
        }
        Fact::OfferLapsed { leg } => {
            base("lapsed", Some(leg), "the offer was not answered in time".to_owned())
        }
        Fact::PassedOn { leg, agreement } => base(
            "decided",
            Some(leg),
            format!("the request is offered under the agreement {agreement} instead"),
        ),
        Fact::Waits { leg, item } => {
            base("withheld", Some(leg), format!("{item} waits until the offer is accepted"))
        }
        Fact::SetBefore { leg, field } => {
            base("withheld", Some(leg), format!("its {field} counts once the offer is accepted"))
        }
        Fact::Told { leg } => base("noted", Some(leg), "it was told how the offer stands".to_owned()),
        Fact::Owned { party, because } => {
            base("decided", None, format!("{party} answers for the request: {because}"))
        }
        Fact::Entrusted { party, level, because } => {
            let level = level.word();
            base("decided", None, format!("{party} ({level}) is to resolve the request: {because}"))
        }
        Fact::Holds { party, level, because, .. } => {
            base("decided", None, format!("{party} ({}) has the ball: {because}", level.word()))
        }
        Fact::Redacted { leg, item, redacted, left } => {
            base("redacted", Some(leg), account(&item.to_string(), redacted, left))
        }
        Fact::Prepared { leg, origin, prepared, redacted } => {
            let text = match &prepared.copy {
                Some(_) => account(&format!("file:{origin}"), redacted, &prepared.left),
                None => format!("file:{origin} is no text that could be looked into"),
            };
            base("redacted", Some(leg), text)
        }
        Fact::Held { leg, item, reason, .. } => {
            base("parked", Some(leg), format!("{item} waits for a person to let it through: {reason}"))
        }
        Fact::Leaked { leg, what } => base(
            "leaked",
            Some(leg),
            format!("{what} was sent as internal and is not: somebody has to look into it"),
        ),
        Fact::RetractionDue { leg, what, reason } => {
            base("parked", Some(leg), format!("{what} waits to be taken back by a person: {reason}"))
        }
        Fact::Recalled { leg, what } => {
            base("noted", Some(leg), format!("{what} needs not be taken back any more"))
        }
        Fact::GrantAsked { .. }
        | Fact::GrantApproved { .. }
        | Fact::GrantRefused { .. }
        | Fact::GrantOpened { .. }
        | Fact::GrantRevoked { .. }
        | Fact::GrantExpired { .. } => {
            let told = grants::told(fact)?;
            Event { who: told.who.map(str::to_owned), ..base(told.what, Some(told.leg), told.text) }
        }
        Fact::Announced { .. }
        | Fact::Consulted { .. }
        | Fact::Answered { .. }
        | Fact::Ignored { .. }
        | Fact::RemarkServed { .. }
        | Fact::Advanced { .. }
        | Fact::Postponed { .. }
        | Fact::Planned { .. }
        | Fact::Started { .. }
        | Fact::Stopped
        | Fact::Erasing { .. }
        | Fact::Erased { .. }
        | Fact::Forgotten { .. }
        | Fact::Agreed { .. }
        | Fact::Reconfigured { .. }
        | Fact::Paused { .. }
        | Fact::Resumed { .. }
        | Fact::Door(_)
        | Fact::Looked(_) => return None,
        Fact::Amended { leg, version } => base(
            "amended",
            Some(leg),
            format!("decided under version {version} of the agreement from here on"),
        ),
    })
}

/// The word of a line about an offer.
fn state_word(state: OfferState) -> &'static str {
    match state {
        OfferState::InformationRequested => "asked",
        OfferState::Offered | OfferState::Accepted | OfferState::Rejected | OfferState::Withdrawn => {
            state.word()
        }
    }
}

/// What became of the personal data in something.
fn account(what: &str, redacted: &BTreeMap<String, u32>, left: &BTreeMap<String, u32>) -> String {
    let mut text = match redacted.is_empty() {
        true => format!("{what}: nothing was redacted"),
        false => format!("{what}: redacted {}", counted(redacted)),
    };
    if !left.is_empty() {
        text.push_str(&format!("; may be left: {}", counted(left)));
    }
    text
}

/// What a text lost on its way into a system.
fn dropped(lost: &[String]) -> String {
    if lost.is_empty() { String::new() } else { format!("; in the text {}", lost.join(" and ")) }
}

fn operation(operation: &Operation, item: &Item) -> String {
    match operation {
        Operation::Create(ticket) => format!("create a ticket {}", short(&ticket.title)),
        Operation::Update { .. } => format!("set {item}"),
        Operation::Transition { status } => format!("set status {}", short(status)),
        Operation::Comment { body, .. } => format!("comment {}", short(body)),
        Operation::Edit { comment, .. } => format!("edit comment {comment}"),
        Operation::Retract { comment } => format!("take back comment {comment}"),
        Operation::Attach { name, size, .. } => format!("attach {name}, {size} bytes"),
        Operation::LinkBack(link) => match &link.summary {
            Some(summary) => format!("link to {}: {summary}", link.label),
            None => format!("link to {}", link.label),
        },
    }
}

/// The first line, shortened, in quotes.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let line =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(LONGEST).collect();
    if cut.len() < line.len() { format!("“{cut}…”") } else { format!("“{cut}”") }
}
