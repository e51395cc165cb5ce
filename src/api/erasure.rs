//! Erasing a case or forgetting a person, for good; and the list of what was erased, by whom and why.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::Api;
use super::access::May;
use super::answer::Meant;
use super::ask::{Asked, Body, Named};
use super::cases::{CaseName, Paging, named, read};
use super::page::{Cursor, Page};
use super::problem::Problem;
use crate::case::{CaseId, Fact};
use crate::deliver::{ErasureAsked, Nudge};
use crate::identity::{Administer, Audit};
use crate::ledger::Entry;
use crate::store::Erasure;

/// Why a case is to be erased.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    /// Why.
    pub(crate) because: String,
}

/// Who is to be forgotten.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forget {
    /// The person as they are called, or a pseudonym of theirs.
    pub(crate) person: String,
    /// Why.
    pub(crate) because: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Forgotten {
    /// How many pseudonyms stand for nobody any more.
    pub(crate) pseudonyms: usize,
}

pub(super) async fn erase(
    State(api): State<Api>,
    may: May<Administer>,
    Named(CaseName { case }): Named<CaseName>,
    meant: Meant,
    Body(Because { because }): Body<Because>,
) -> Result<Json<Erasure>, Problem> {
    let because = said(because)?;
    let case = named(&api, &case).await?;
    meant.holds(&case)?;
    let shared = api.bridge.shared();
    let (done, erased) = oneshot::channel();
    let asked = ErasureAsked { by: may.principal.id.to_string(), because, unless_needed: false };
    shared.lanes.nudge_case(shared, case.id, Nudge::Erase { asked, done });
    let gone = |_closed| {
        let detail = format!("{} is not erased yet; ask for the list of erasures", case.id);
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    };
    erased.await.map(Json).map_err(gone)
}

pub(super) async fn forget(
    State(api): State<Api>,
    may: May<Administer>,
    Body(Forget { person, because }): Body<Forget>,
) -> Result<Json<Forgotten>, Problem> {
    let because = said(because)?;
    let shared = api.bridge.shared();
    let pseudonyms = shared.vault.forget(&person).await.map_err(|error| Problem::internal(&error))?;
    if pseudonyms == 0 {
        let detail =
            "no pseudonym stands for anybody of that name; give the name as the list of people has it";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    }
    let count = u32::try_from(pseudonyms).unwrap_or(u32::MAX);
    let facts = vec![Fact::Forgotten { pseudonyms: count, by: may.principal.id.to_string(), because }];
    let entry = Entry { at: shared.clock.now(), case: None, facts };
    shared.journal.commit(entry).await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(Forgotten { pseudonyms }))
}

pub(super) async fn list(
    State(api): State<Api>,
    _: May<Audit>,
    query: Asked<Paging>,
) -> Result<Page<Erasure>, Problem> {
    let after: u64 = query.asked.cursor.as_ref().map_or(Ok(0), Cursor::place)?;
    let limit = query.asked.limit.items();
    let mut erasures = read(&api, move |index| index.erasures(CaseId(after), limit + 1)).await?;
    let is_last = erasures.len() <= limit;
    erasures.truncate(limit);
    let next = if is_last { None } else { erasures.last().map(|erasure| erasure.case.0) };
    query.page(erasures, next)
}

fn said(because: String) -> Result<String, Problem> {
    if because.trim().is_empty() {
        return Err(Problem::bad_member("/because", "say why, under `because`"));
    }
    Ok(because)
}
