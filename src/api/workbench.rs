//! A real ticket on both sides of an agreement, and what each rule does with it: of the agreement in force, and of a
//! draft beside it. Reads the ticket, and has no effect.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::SystemName;

use super::Api;
use super::access::May;
use super::ask::Body;
use super::preview;
use super::problem::Problem;
use crate::agreement::{Agreement, Rules};
use crate::case::AgreementName;
use crate::config::{self, ProcessEnvironment};
use crate::daemon::assemble;
use crate::identity::Operate;
use crate::rehearse::{Bench, Sides, bench};

/// The longest draft, in bytes.
const LONGEST: usize = 256 * 1024;

/// What is to be looked at.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WorkbenchAsked")]
pub struct Asked {
    /// The agreement.
    #[schemars(extend("format" = "agreement"))]
    pub agreement: String,
    /// The ticket, as `SYSTEM:KEY`.
    #[schemars(extend("format" = "ticket"))]
    pub ticket: String,
    /// The text of an agreement's file to be tried beside it.
    #[serde(default)]
    pub draft: Option<String>,
}

/// A ticket under an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Workbench {
    /// The agreement.
    pub agreement: String,
    /// The ticket as it was asked for.
    pub ticket: String,
    /// Its title.
    pub title: String,
    /// Its system.
    #[schemars(with = "String")]
    pub from: SystemName,
    /// The other side's system.
    #[schemars(with = "String")]
    pub to: SystemName,
    /// The number of the ticket on the other side, where there is one.
    pub other: Option<String>,
    /// Its case.
    pub case: Option<String>,
    /// What the agreement in force does.
    pub in_force: Bench,
    /// What the draft does.
    pub draft: Option<Bench>,
}

pub(super) async fn show(
    State(api): State<Api>,
    _: May<Operate>,
    Body(asked): Body<Asked>,
) -> Result<Json<Workbench>, Problem> {
    workbench(&api, &asked).await.map(Json)
}

/// Reads a ticket and holds it against an agreement, and a draft.
pub(crate) async fn workbench(api: &Api, asked: &Asked) -> Result<Workbench, Problem> {
    let shared = api.bridge.shared();
    let agreement = known(&shared.rules, &asked.agreement, StatusCode::NOT_FOUND, "in force")?;
    // Read before anything is asked of a desk: a slip of the pen costs no request.
    let drafted = match asked.draft.as_deref().filter(|draft| !draft.trim().is_empty()) {
        Some(draft) => Some(drafted(api, draft)?),
        None => None,
    };
    let home = asked.ticket.split_once(':').is_some_and(|(system, _)| system == agreement.home.as_str());
    let other = if home { &agreement.counterpart } else { &agreement.home };
    let seen = shared.both_sides(&asked.ticket, other).await.map_err(preview::problem)?;
    let sides = Sides { from: &seen.from, ticket: &seen.ticket, other: seen.other.as_ref() };
    let (names, now) = (shared.vault.names(), shared.clock.now());
    let held = |rules: &Rules, agreement: &Agreement| {
        bench(rules, agreement, sides, &names, now).ok_or_else(|| {
            let detail = format!(
                "the agreement {} is about tickets of {} and {}, not of {}",
                agreement.name, agreement.home, agreement.counterpart, seen.from
            );
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        })
    };
    let in_force = held(&shared.rules, agreement)?;
    let draft = match &drafted {
        Some(rules) => {
            let draft = known(rules, &asked.agreement, StatusCode::UNPROCESSABLE_ENTITY, "in the draft")?;
            Some(held(rules, draft)?)
        }
        None => None,
    };
    Ok(Workbench {
        agreement: asked.agreement.clone(),
        ticket: asked.ticket.clone(),
        title: seen.ticket.title.clone(),
        to: other.clone(),
        other: seen.other.as_ref().map(|there| format!("{other}:{}", there.key)),
        case: seen.case.map(|case| case.to_string()),
        from: seen.from.clone(),
        in_force,
        draft,
    })
}

fn drafted(api: &Api, draft: &str) -> Result<Rules, Problem> {
    let refuse = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    if draft.len() > LONGEST {
        return Err(refuse(format!("the draft is longer than {} KiB", LONGEST / 1024)));
    }
    let Some(path) = api.bridge.shared().reloads.path() else {
        let detail = "this daemon has no configuration file that a draft could stand beside";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    };
    let read = config::load_draft_text(&path, draft, &ProcessEnvironment, &assemble::kind_settings());
    read.map(|config| config.rules).map_err(|problems| refuse(problems.to_string()))
}

fn known<'r>(
    rules: &'r Rules,
    name: &str,
    status: StatusCode,
    place: &str,
) -> Result<&'r Agreement, Problem> {
    rules.agreements.get(&AgreementName(name.to_owned())).ok_or_else(|| {
        let names: Vec<&str> = rules.agreements.keys().map(|name| name.0.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Problem::new(status, format!("no agreement {place} is called {name:?}; there are: {names}"))
    })
}
