//! Erasing a case or forgetting a person, for good; and the lists of what was erased and that people were forgotten, by
//! whom and why.

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
use crate::ledger::{Entry, Position};
use crate::store::{Erasure, Forgetting};

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
    let known = shared.vault.known(&person).await.map_err(|error| Problem::internal(&error))?;
    if known == 0 {
        let detail =
            "no pseudonym stands for anybody of that name; give the name as the list of people has it";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    }
    // Recorded before it is done: what was forgotten unrecorded, nobody could find out.
    let count = u32::try_from(known).unwrap_or(u32::MAX);
    let facts = vec![Fact::Forgotten { pseudonyms: count, by: may.principal.id.to_string(), because }];
    let entry = Entry { at: shared.clock.now(), case: None, facts };
    shared.journal.commit(entry).await.map_err(|error| Problem::internal(&error))?;
    let pseudonyms = shared.vault.forget(&person).await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(Forgotten { pseudonyms }))
}

pub(super) async fn list(
    State(api): State<Api>,
    _: May<Audit>,
    query: Asked<Paging>,
) -> Result<Page<Erasure>, Problem> {
    let after: u64 = query.asked.cursor.as_ref().map_or(Ok(0), Cursor::place)?;
    let limit = query.asked.limit;
    let erasures = read(&api, move |index| index.erasures(CaseId(after), limit.items() + 1)).await?;
    query.cut(erasures, limit, |erasure| erasure.case.0)
}

/// That people were forgotten, the latest first.
pub(super) async fn forgotten(
    State(api): State<Api>,
    _: May<Audit>,
    query: Asked<Paging>,
) -> Result<Page<Forgetting>, Problem> {
    let before: Option<u64> = query.asked.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = query.asked.limit;
    let forgotten = read(&api, move |index| index.forgotten(before.map(Position), limit.items() + 1)).await?;
    query.cut(forgotten, limit, |forgetting| forgetting.record)
}

fn said(because: String) -> Result<String, Problem> {
    if because.trim().is_empty() {
        return Err(Problem::bad_member("/because", "say why, under `because`"));
    }
    Ok(because)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::http::Method;
    use serde_json::{Value, json};
    use throughline_testkit::ManualClock;

    use crate::agreement::Unnamed;
    use crate::api::house::owner_asks;
    use crate::api::router;
    use crate::case::AgreementName;
    use crate::daemon::Bridge;
    use crate::daemon::bare::Bare;
    use crate::identity::Settings;
    use crate::ledger::{Keyring, Medium, MemoryMedium, Scope, export};

    async fn ask(router: &Router, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let answer = owner_asks(router, &method, path, &body.to_string()).await;
        (answer.status.as_u16(), serde_json::from_str(&answer.body).unwrap())
    }

    #[tokio::test]
    async fn that_people_were_forgotten_is_listed_with_when_why_and_by_whom_and_never_who_it_was() {
        let clock = ManualClock::new();
        let bare = Bare::new(Arc::new(clock));
        let journal = bare.journal().await;
        let identity = bare.identity(journal.clone(), Settings::default());
        let bridge = Bridge::start(bare.parts(journal)).await.unwrap();
        for (agreement, name) in [("fabrikam", "Ada Lovelace"), ("adatum", "Ada Lovelace"), ("adatum", "Bob")]
        {
            let (label, key) = ("PERSON".to_owned(), name.to_lowercase());
            let agreement = AgreementName(agreement.to_owned());
            let unnamed = Unnamed { agreement, label, key, value: name.to_owned() };
            bridge.shared().vault.mint(vec![unnamed]).await.unwrap();
        }
        let router = router(bridge, identity);
        let forget = async |person: &str, because: &str| {
            let body = json!({ "person": person, "because": because });
            ask(&router, Method::POST, "/api/v1/forget", &body).await
        };
        assert_eq!(forget("Ada Lovelace", "left us").await, (200, json!({ "pseudonyms": 2 })));
        assert_eq!(forget("Ada Lovelace", "left us").await.0, 404, "nobody is forgotten twice");
        assert_eq!(forget("Bob", "his wish").await.0, 200);

        let (_, first) = ask(&router, Method::GET, "/api/v1/forgotten?limit=1", &json!({})).await;
        let next = format!("/api/v1/forgotten?cursor={}", first["next"].as_str().unwrap());
        let (_, second) = ask(&router, Method::GET, &next, &json!({})).await;
        let told = |page: &Value| {
            let [line] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
            (line["because"].clone(), line["pseudonyms"].clone(), line["by"].clone(), line["at"].clone())
        };
        let at = json!("2026-01-01T00:00:00Z");
        let by = json!("command-line");
        assert_eq!(told(&first), (json!("his wish"), json!(1), by.clone(), at.clone()), "the latest first");
        assert_eq!(told(&second), (json!("left us"), json!(2), by, at));

        let medium: Arc<dyn Medium> = Arc::<MemoryMedium>::clone(&bare.medium);
        let keyring =
            Keyring::open(Arc::clone(&medium), Arc::clone(&bare.entropy), &bare.master, true).unwrap();
        let mut records = Vec::new();
        export(medium.as_ref(), &keyring, Scope::All, &mut records).unwrap();
        let records = String::from_utf8(records).unwrap();
        assert!(records.contains("left us"));
        for name in ["Ada", "Lovelace", "Bob"] {
            assert!(!format!("{first}{second}{records}").contains(name), "{name}");
        }
    }
}
