//! Each system as an admin has to know it: how it answers, what it can do, what is left of its rate, how far we lag
//! behind, and who paused it. One set of functions for the interface and the console.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::layer::CircuitState;
use throughline_sdk::{Capabilities, Class, CreateClass, ErrorKind, Linking, SystemName, Timestamp};

use super::Api;
use super::access::May;
use super::ask::{Body, Named};
use super::cases::read;
use super::problem::Problem;
use crate::case::CaseId;
use crate::daemon::{Left, Shared, System};
use crate::identity::{Look, Operate, Principal};
use crate::registry;
use crate::store::{self, Index, Paused};

/// The most cases whose legs are counted: what is beyond is told as "at least".
const COUNTED: usize = 1000;

/// How many days before its end a credential is warned of.
const SOON: i64 = 30;

/// One system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemLine {
    /// Its name.
    #[schemars(with = "String")]
    pub name: SystemName,
    /// Its kind.
    pub kind: String,
    /// What its kind connects, for readers.
    pub title: String,
    /// Whose it is.
    pub party: String,
    /// How it is.
    pub health: Health,
    /// How it is, in a sentence.
    pub words: String,
    /// Whether it is left alone after failing again and again: closed, open or half-open.
    pub circuit: String,
    /// When it last answered well.
    pub well: Option<Timestamp>,
    /// What went wrong since.
    pub error: Option<LastError>,
    /// Who paused it, if somebody did.
    pub paused: Option<Paused>,
    /// What it can do, in words.
    pub abilities: Vec<String>,
    /// What is left of its rate.
    pub rate: Left,
    /// How far we lag behind it.
    pub lag: Lag,
    /// Intents on their way to it.
    pub outstanding: usize,
    /// Items for it that wait for a person.
    pub parked: usize,
    /// Whether there are more cases than were counted for these two.
    pub at_least: bool,
    /// How we show who we are there.
    pub credentials: CredentialsLine,
}

/// Every system.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Systems {
    /// The systems, by name.
    systems: Vec<SystemLine>,
}

/// How a system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It answers.
    Well,
    /// Its last answer was an error.
    Failing,
    /// It failed again and again and is left alone for a while.
    LeftAlone,
    /// It refuses our credentials.
    Refused,
    /// A person paused it.
    Paused,
    /// It was not asked since the start.
    Unasked,
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// In the connector's words.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

/// How far we lag behind a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lag {
    /// Since when the oldest intent is on its way to it.
    pub oldest_outstanding: Option<Timestamp>,
    /// When its change feed was last read, since the start.
    pub polled: Option<Timestamp>,
    /// How often it is read, in seconds.
    pub poll_seconds: u64,
    /// When its change feed last brought something, since the start.
    pub cursor_moved: Option<Timestamp>,
    /// When a webhook of it was last taken, since the start.
    pub webhook: Option<Timestamp>,
}

/// How we show who we are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialsLine {
    /// The sort, in words.
    pub how: String,
    /// Until when they are good, as far as is known.
    pub expire: Option<NaiveDate>,
    /// Whether that is soon, or over.
    pub soon: bool,
}

/// Which system.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Which {
    /// The system's name.
    #[schemars(extend("format" = "system"))]
    name: String,
}

/// Why a system is paused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PauseAsked")]
pub(super) struct Why {
    /// The reason, for everybody who waits for that system.
    reason: String,
}

/// That a system goes on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Resumed {
    /// The system.
    system: String,
    /// Whether it is paused.
    paused: bool,
}

/// How each system answered last, and all else about it.
pub(super) async fn list(State(api): State<Api>, _: May<Look>) -> Result<Json<Systems>, Problem> {
    Ok(Json(Systems { systems: lines(&api).await? }))
}

pub(super) async fn show(
    State(api): State<Api>,
    _: May<Look>,
    Named(Which { name }): Named<Which>,
) -> Result<Json<SystemLine>, Problem> {
    line(&api, &name).await.map(Json)
}

pub(super) async fn pause(
    State(api): State<Api>,
    may: May<Operate>,
    Named(Which { name }): Named<Which>,
    Body(Why { reason }): Body<Why>,
) -> Result<Json<Paused>, Problem> {
    hold(&api, &may.principal, &name, &reason).await.map(Json)
}

pub(super) async fn resume(
    State(api): State<Api>,
    may: May<Operate>,
    Named(Which { name }): Named<Which>,
) -> Result<Json<Resumed>, Problem> {
    release(&api, &may.principal, &name).await?;
    let paused = api.bridge.shared().pauses.holds(&SystemName::new(&name));
    Ok(Json(Resumed { system: name, paused }))
}

/// All systems.
pub(crate) async fn lines(api: &Api) -> Result<Vec<SystemLine>, Problem> {
    let tallies = read(api, tallies).await?;
    let shared = api.bridge.shared();
    Ok(shared.systems.values().map(|system| SystemLine::of(shared, system, &tallies)).collect())
}

/// One system.
pub(crate) async fn line(api: &Api, name: &str) -> Result<SystemLine, Problem> {
    let tallies = read(api, tallies).await?;
    let shared = api.bridge.shared();
    Ok(SystemLine::of(shared, known(shared, name)?, &tallies))
}

/// Pauses a system.
pub(crate) async fn hold(api: &Api, by: &Principal, name: &str, reason: &str) -> Result<Paused, Problem> {
    let shared = api.bridge.shared();
    let system = known(shared, name)?.name.clone();
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "say why: others have to know what to wait for",
        ));
    }
    if let Some(paused) = shared.pauses.of(&system) {
        let detail = format!("{system} is paused already, by {}: {}", paused.by, paused.reason);
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    shared.pause(&system, &by.name, reason).await.map_err(|error| Problem::internal(&error))
}

/// Lets a paused system go on.
pub(crate) async fn release(api: &Api, by: &Principal, name: &str) -> Result<(), Problem> {
    let shared = api.bridge.shared();
    let system = known(shared, name)?.name.clone();
    if !shared.pauses.holds(&system) {
        return Err(Problem::new(StatusCode::CONFLICT, format!("{system} is not paused")));
    }
    shared.resume(&system, &by.name).await.map_err(|error| Problem::internal(&error))
}

fn known<'s>(shared: &'s Shared, name: &str) -> Result<&'s System, Problem> {
    shared.systems.get(&SystemName::new(name)).ok_or_else(|| {
        let names: Vec<&str> = shared.systems.keys().map(SystemName::as_str).collect();
        let detail = format!("no system is called {name}; these are configured: {}", names.join(", "));
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}

/// What is on its way to each system or waits, as far as it was counted.
#[derive(Debug, Default)]
struct Tallies {
    of: BTreeMap<SystemName, Tally>,
    at_least: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    outstanding: usize,
    parked: usize,
    oldest: Option<Timestamp>,
}

fn tallies(index: &Index) -> Result<Tallies, store::Error> {
    let mut tallies = Tallies::default();
    let working = index.working()?;
    let parked = index.parked(CaseId(0), COUNTED + 1)?;
    tallies.at_least = working.len() > COUNTED || parked.len() > COUNTED;
    for id in working.into_iter().take(COUNTED) {
        let Some(case) = index.case(id)? else { continue };
        for (name, leg) in &case.legs {
            let tally = tallies.of.entry(name.clone()).or_default();
            tally.outstanding += leg.outstanding.len();
            let oldest = leg.outstanding.iter().filter_map(|standing| standing.since).min();
            tally.oldest = [tally.oldest, oldest].into_iter().flatten().min();
        }
    }
    for id in parked.into_iter().take(COUNTED) {
        let Some(case) = index.case(id)? else { continue };
        for (name, leg) in &case.legs {
            let waiting = leg.parked.values().filter(|parked| !parked.discarded).count();
            tallies.of.entry(name.clone()).or_default().parked += waiting;
        }
    }
    Ok(tallies)
}

impl SystemLine {
    fn of(shared: &Shared, system: &System, tallies: &Tallies) -> Self {
        let (answering, traffic) = (system.state.get(), system.state.traffic());
        let paused = shared.pauses.of(&system.name);
        let circuit = system.circuit.state();
        let now = shared.clock.now();
        let kind = system.connector.kind();
        let tally = tallies.of.get(&system.name).copied().unwrap_or_default();
        let error = answering.error.as_ref().map(|(at, error)| LastError {
            at: *at,
            message: error.to_string(),
            advice: advice(error.kind()).to_owned(),
        });
        let refused = answering.error.as_ref().is_some_and(|(_, error)| error.class() == Class::Authority);
        let health = if paused.is_some() {
            Health::Paused
        } else if refused {
            Health::Refused
        } else if circuit != CircuitState::Closed {
            Health::LeftAlone
        } else if error.is_some() {
            Health::Failing
        } else if answering.well.is_some() {
            Health::Well
        } else {
            Health::Unasked
        };
        let expire = system.credentials.expire;
        Self {
            name: system.name.clone(),
            kind: kind.to_owned(),
            title: registry::kind(kind).map_or(kind, |kind| kind.title).to_owned(),
            party: system.party.to_string(),
            words: health.words(&system.name, paused.as_ref()),
            health,
            circuit: format!("{circuit:?}").to_lowercase(),
            well: answering.well,
            error,
            paused,
            abilities: abilities(&system.capabilities),
            rate: system.budget.left(shared.clock.as_ref()),
            lag: Lag {
                oldest_outstanding: tally.oldest,
                polled: traffic.polled,
                poll_seconds: system.poll.as_secs(),
                cursor_moved: traffic.moved,
                webhook: traffic.webhook,
            },
            outstanding: tally.outstanding,
            parked: tally.parked,
            at_least: tallies.at_least,
            credentials: CredentialsLine {
                how: system.credentials.how.to_owned(),
                expire,
                soon: expire.is_some_and(|end| (end - now.date_naive()).num_days() <= SOON),
            },
        }
    }
}

impl Health {
    /// Its word on a page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Failing => "failing",
            Self::LeftAlone => "left alone",
            Self::Refused => "refused",
            Self::Paused => "paused",
            Self::Unasked => "not asked yet",
        }
    }

    fn words(self, name: &SystemName, paused: Option<&Paused>) -> String {
        match (self, paused) {
            (Self::Paused, Some(Paused { by, reason, .. })) => format!(
                "{by} paused it: {reason}. Nothing is read from it or sent to it; webhooks are kept until it goes on."
            ),
            (Self::Well, _) => format!("{name} answers."),
            (Self::Failing, _) => {
                format!("The last answer of {name} was an error; it is asked again by itself.")
            }
            (Self::LeftAlone, _) => format!(
                "{name} failed again and again, so that it is left alone for a while and then asked again. What is \
                 meant for it waits; nothing is lost."
            ),
            (Self::Refused, _) => format!(
                "{name} refuses our credentials. What is meant for it waits until they are mended; nothing is lost."
            ),
            (Self::Unasked | Self::Paused, _) => format!("{name} was not asked since the bridge started."),
        }
    }
}

/// What a person can do about an error of this kind.
fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unavailable => {
            "Nothing, if it passes: it is asked again by itself. If it lasts, look at that system's own status page, at \
             its address in the configuration, and at the way there."
        }
        ErrorKind::RateLimited => {
            "Nothing: we wait as long as it asks. If it comes often, lower `limits.per_second` of this system, or ask \
             its owner for more."
        }
        ErrorKind::Unauthenticated => {
            "Renew the credentials: log in again with `throughline login`, or put a new token where the configuration \
             points to, and reload."
        }
        ErrorKind::Forbidden => {
            "Give our account there the permissions that the connector's page in the README names."
        }
        ErrorKind::Conflict => "Nothing: the ticket is read again and the change planned anew.",
        ErrorKind::NotFound | ErrorKind::Moved => {
            "See whether the ticket, or the address in the configuration, is still there."
        }
        ErrorKind::Rejected => "See what is parked for this system: its own words say what it did not take.",
        ErrorKind::Unsupported => "Take what it cannot do out of the agreement, or do it by hand.",
        ErrorKind::Malformed => {
            "It answers something else than its interface promises: see whether the address leads to the interface, \
             and whether its version is a supported one."
        }
        ErrorKind::Misconfigured => "Mend the setting that is named, and reload.",
    }
}

/// What a system can do, in words.
fn abilities(able: &Capabilities) -> Vec<String> {
    let class = |what: &str, class: Option<CreateClass>| match class {
        None => format!("takes no {what} from us"),
        Some(CreateClass::C0 | CreateClass::C1) => format!("takes {what}; a repetition makes no second one"),
        Some(CreateClass::C2) => format!("takes {what}; after a lost answer we look whether it arrived"),
        Some(CreateClass::C3 { lag }) => {
            format!("takes {what}; after a lost answer we look for it, {} s later", lag.as_secs())
        }
        Some(CreateClass::C4) => {
            format!(
                "takes {what}; after a lost answer a person has to look, unless it stands there word for word"
            )
        }
    };
    let mut words =
        vec![class("tickets", able.create), class("comments", able.comment), class("files", able.attach)];
    let flags = [
        (able.transition, "changes status", "does not let us change the status"),
        (able.update, "changes fields", "does not let us change fields"),
        (able.internal_comments, "has internal comments", "has no internal comments"),
        (able.edit, "edits comments", "does not edit comments"),
        (able.retract, "takes comments back", "takes no comments back"),
        (able.link_back != Linking::None, "links to the counterpart's ticket", "has no place for links"),
        (able.webhooks.is_some(), "tells of changes by webhook", "has no webhooks"),
    ];
    words.extend(flags.into_iter().map(|(can, yes, no)| if can { yes } else { no }.to_owned()));
    words
}
