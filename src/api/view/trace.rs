//! The story of a case: what its records tell, a line in words for each fact.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Operation, Subject, SystemName, Timestamp};

use super::{CaseLine, grants};
use crate::agreement::counted;
use crate::case::{Case, Fact, Item, OfferState, Role};
use crate::ledger::Record;

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

/// Who did something, where that was asked.
fn named(by: &str) -> Option<String> {
    (!by.is_empty()).then(|| by.to_owned())
}

fn because(text: &str, reason: &str) -> String {
    if reason.is_empty() { text.to_owned() } else { format!("{text}: {reason}") }
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
