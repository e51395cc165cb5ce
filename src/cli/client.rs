//! A client of a running daemon's interface, for the commands that are asked beside it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use throughline_sdk::http::{Request, Transport};
use throughline_sdk::{Clock, Urgency};
use url::Url;

use super::Failure;
use crate::api::entered::EnteredLine;
use crate::api::explain::Explanation;
use crate::api::find::{Found, Wanted};
use crate::api::grants::{Ask as GrantAsk, Decided};
use crate::api::looked::{Exported, LookedLine};
use crate::api::parked::{Named, ParkedItem};
use crate::api::preview::Planned;
use crate::api::reference::{ClaimAsked, Recorded, ReferenceLine};
use crate::api::systems::SystemLine;
use crate::api::view::{GrantLine, ParkedLine, Trace};
use crate::api::{Because, Cursor, Forget, Forgotten, LONGEST, Page};
use crate::case::CaseId;
use crate::clock::SystemClock;
use crate::daemon::{DataDir, assemble};
use crate::deliver::{Claimed, Look, Scope};
use crate::store::{Agreed, Erasure, Forgetting, Paused, Reconfigured};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a plan may take: several desks are read for it.
const READINGS: Duration = Duration::from_secs(180);
/// How long a reload may take: what is being sent comes to its end first.
const RELOAD: Duration = Duration::from_secs(900);
/// How long a daemon may take to say that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// A client of a running daemon's interface.
#[derive(Debug)]
pub(super) struct Client {
    http: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    address: Url,
    token: SecretString,
}

/// One request.
#[derive(Clone, Copy, Debug)]
struct Ask<'a> {
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<&'a Value>,
    patience: Duration,
}

impl Client {
    /// The client of the daemon that announced itself in `data`, if one did.
    pub(super) fn of(data: &DataDir) -> Result<Option<Self>, Failure> {
        let (Some(running), Some(token)) = (data.announced(), data.known_admin_token()) else {
            return Ok(None);
        };
        let address = Url::parse(&format!("http://{}/", running.address)).map_err(Failure::failed)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let http = assemble::egress_to(running.address.ip(), &clock).map_err(Failure::failed)?;
        Ok(Some(Self { http, clock, address, token }))
    }

    /// Whether the daemon answers.
    pub(super) async fn answers(&self) -> bool {
        let ask = Ask { path: &["healthz"], query: &[], body: None, patience: SIGN_OF_LIFE };
        self.send::<Value>(ask).await.is_ok()
    }

    /// One page of cases.
    pub(super) async fn cases(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let limit = wanted.limit.map(|limit| limit.to_string());
        let mut query = vec![("q", wanted.q.as_str()), ("sort", wanted.sort.word())];
        query.extend(wanted.cursor.as_deref().map(|cursor| ("cursor", cursor)));
        query.extend(limit.as_deref().map(|limit| ("limit", limit)));
        self.get(&["api", "v1", "cases"], &query).await
    }

    /// Asks for something to be done that this client has no words of its own for.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> Result<T, Failure> {
        let path = [&["api", "v1"], path].concat();
        self.send(Ask { path: &path, query: &[], body: Some(body), patience: PATIENCE }).await
    }

    /// Who looked at a case, or at anything.
    pub(super) async fn looked(&self, case: Option<&str>, limit: usize) -> Result<Vec<LookedLine>, Failure> {
        let count = limit.clamp(1, LONGEST).to_string();
        let mut query = vec![("limit", count.as_str())];
        query.extend(case.map(|case| ("case", case)));
        self.list(&["api", "v1", "looked"], &query, limit).await
    }

    /// Records that the ledger, or one case's part of it, is read from the data directory itself.
    pub(super) async fn exports(&self, case: Option<CaseId>) -> Result<(), Failure> {
        let body = json!(Exported { case: case.map(|case| case.to_string()) });
        let path = ["api", "v1", "log", "exported"];
        self.bytes(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await.map(drop)
    }

    /// Who came in, and what changed about who may.
    pub(super) async fn entered(&self, limit: usize) -> Result<Vec<EnteredLine>, Failure> {
        let count = limit.clamp(1, LONGEST).to_string();
        self.list(&["api", "v1", "entered"], &[("limit", count.as_str())], limit).await
    }

    /// Reads something that this client has no words of its own for.
    pub(super) async fn fetch<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Vec<T>, Failure> {
        self.all(&[&["api", "v1"], path].concat(), &[]).await
    }

    pub(super) async fn parked(&self) -> Result<Vec<ParkedLine>, Failure> {
        self.all(&["api", "v1", "parked"], &[]).await
    }

    pub(super) async fn trace(&self, name: &str) -> Result<Trace, Failure> {
        self.get(&["api", "v1", "trace", name], &[]).await
    }

    /// What became of everything in a case for each party, or for `to`.
    pub(super) async fn explain(&self, name: &str, to: Option<&str>) -> Result<Explanation, Failure> {
        let query: Vec<_> = to.iter().map(|to| ("to", *to)).collect();
        self.get(&["api", "v1", "explain", name], &query).await
    }

    /// What the bridge would do with a ticket now.
    pub(super) async fn plan(&self, name: &str) -> Result<Planned, Failure> {
        let path = ["api", "v1", "plan", name];
        self.send(Ask { path: &path, query: &[], body: Some(&json!({})), patience: READINGS }).await
    }

    /// Every version of an agreement that was ever in force.
    pub(super) async fn agreed(&self) -> Result<Vec<Agreed>, Failure> {
        self.all(&["api", "v1", "agreements"], &[]).await
    }

    /// Has a parked item tried again, edited or given up.
    pub(super) async fn decide(&self, verb: &str, body: &Value) -> Result<(), Failure> {
        let path = ["api", "v1", "parked", verb];
        let ask = Ask { path: &path, query: &[], body: Some(body), patience: PATIENCE };
        self.send::<Value>(ask).await.map(drop)
    }

    /// A parked item with all it takes to decide about it.
    pub(super) async fn parked_item(&self, name: &Named) -> Result<ParkedItem, Failure> {
        let query =
            [("case", name.case.as_str()), ("system", name.system.as_str()), ("item", name.item.as_str())];
        self.get(&["api", "v1", "parked", "item"], &query).await
    }

    /// Begins a look for drift.
    pub(super) async fn look_for_drift(&self, scope: &Scope) -> Result<Look, Failure> {
        let body = serde_json::to_value(scope).map_err(Failure::failed)?;
        let path = ["api", "v1", "drift"];
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// How far the last look for drift is.
    pub(super) async fn drift(&self) -> Result<Option<Look>, Failure> {
        self.get(&["api", "v1", "drift"], &[]).await
    }

    /// Has what differs in these cases mended.
    pub(super) async fn repair(&self, cases: &[String]) -> Result<Value, Failure> {
        let (path, body) = (["api", "v1", "drift", "repair"], json!({ "cases": cases }));
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// How the systems are.
    pub(super) async fn systems(&self) -> Result<Vec<SystemLine>, Failure> {
        #[derive(serde::Deserialize)]
        struct All {
            systems: Vec<SystemLine>,
        }
        self.get::<All>(&["api", "v1", "systems"], &[]).await.map(|all| all.systems)
    }

    /// Pauses a system.
    pub(super) async fn pause(&self, system: &str, reason: &str) -> Result<Paused, Failure> {
        let (path, body) = (["api", "v1", "systems", system, "pause"], json!({ "reason": reason }));
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// Lets a paused system go on.
    pub(super) async fn resume(&self, system: &str) -> Result<Value, Failure> {
        let path = ["api", "v1", "systems", system, "resume"];
        self.send(Ask { path: &path, query: &[], body: Some(&json!({})), patience: PATIENCE }).await
    }

    /// Has the configuration loaded anew.
    pub(super) async fn reload(&self) -> Result<Reconfigured, Failure> {
        let path = ["api", "v1", "reload"];
        self.send(Ask { path: &path, query: &[], body: Some(&json!({})), patience: RELOAD }).await
    }

    pub(super) async fn grants(&self, case: &str) -> Result<Vec<GrantLine>, Failure> {
        self.all(&["api", "v1", "cases", case, "grants"], &[]).await
    }

    /// Asks for a grant.
    pub(super) async fn ask_grant(&self, case: &str, asked: &GrantAsk) -> Result<GrantLine, Failure> {
        let body = serde_json::to_value(asked).map_err(Failure::failed)?;
        let path = ["api", "v1", "cases", case, "grants"];
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// Approves, refuses or revokes a grant.
    pub(super) async fn decide_grant(
        &self,
        case: &str,
        grant: &str,
        verb: &str,
        decided: &Decided,
    ) -> Result<GrantLine, Failure> {
        let body = serde_json::to_value(decided).map_err(Failure::failed)?;
        let path = ["api", "v1", "cases", case, "grants", grant, verb];
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// What our agents keep for portals: what is open or to be done, with `silent` what fell silent, with `all` all.
    pub(super) async fn references(&self, silent: bool, all: bool) -> Result<Vec<ReferenceLine>, Failure> {
        let [silent, all] = [silent, all].map(|flag| flag.to_string());
        self.all(&["api", "v1", "reference"], &[("silent", &silent), ("all", &all)]).await
    }

    /// Records what a portal says, or that something was carried over.
    pub(super) async fn record(&self, recorded: &Recorded) -> Result<ReferenceLine, Failure> {
        let body = serde_json::to_value(recorded).map_err(Failure::failed)?;
        let path = ["api", "v1", "reference"];
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// Asks what a claim would do, or has it done.
    pub(super) async fn claim(&self, asked: &ClaimAsked) -> Result<Claimed, Failure> {
        let body = serde_json::to_value(asked).map_err(Failure::failed)?;
        let path = ["api", "v1", "reference", "claim"];
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// Erases a case for good.
    pub(super) async fn erase(&self, case: &str, because: &str) -> Result<Erasure, Failure> {
        let body = json!(Because { because: because.to_owned() });
        let path = ["api", "v1", "cases", case, "erase"];
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// Forgets a person for good.
    pub(super) async fn forget(&self, person: &str, because: &str) -> Result<Forgotten, Failure> {
        let body = json!(Forget { person: person.to_owned(), because: because.to_owned() });
        let path = ["api", "v1", "forget"];
        self.send(Ask { path: &path, query: &[], body: Some(&body), patience: PATIENCE }).await
    }

    /// What was erased, by whom and why.
    pub(super) async fn erasures(&self) -> Result<Vec<Erasure>, Failure> {
        self.all(&["api", "v1", "erasures"], &[]).await
    }

    /// When people were forgotten, by whom and why.
    pub(super) async fn forgotten(&self) -> Result<Vec<Forgetting>, Failure> {
        self.all(&["api", "v1", "forgotten"], &[]).await
    }

    /// All of a list.
    async fn all<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Failure> {
        let longest = LONGEST.to_string();
        let query: Vec<_> = query.iter().copied().chain([("limit", longest.as_str())]).collect();
        self.list(path, &query, usize::MAX).await
    }

    /// The first `limit` of a list, page by page.
    async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        limit: usize,
    ) -> Result<Vec<T>, Failure> {
        let mut page: Page<T> = self.get(path, query).await?;
        let mut items = page.items;
        while items.len() < limit
            && let Some(Cursor(next)) = page.next
        {
            let query: Vec<_> = query.iter().copied().chain([("cursor", next.as_str())]).collect();
            page = self.get(path, &query).await?;
            items.append(&mut page.items);
        }
        items.truncate(limit);
        Ok(items)
    }

    /// The evidence about a case, all of it or for one party.
    pub(super) async fn evidence(&self, case: &str, whose: Option<&str>) -> Result<Bytes, Failure> {
        let query: Vec<_> = whose.iter().map(|whose| ("for", *whose)).collect();
        let path = ["api", "v1", "cases", case, "evidence"];
        self.bytes(Ask { path: &path, query: &query, body: None, patience: READINGS }).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, Failure> {
        self.send(Ask { path, query, body: None, patience: PATIENCE }).await
    }

    async fn send<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<T, Failure> {
        serde_json::from_slice(&self.bytes(ask).await?).map_err(Failure::failed)
    }

    async fn bytes(&self, ask: Ask<'_>) -> Result<Bytes, Failure> {
        let mut url = self.address.clone();
        // Part by part: a ticket's number may hold anything, a slash or a question mark too.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.clear().extend(ask.path);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let mut headers = HeaderMap::new();
        let token = HeaderValue::from_str(&format!("Bearer {}", self.token.expose_secret()));
        headers.insert(header::AUTHORIZATION, token.map_err(Failure::failed)?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Request {
            method: if ask.body.is_some() { Method::POST } else { Method::GET },
            url,
            headers,
            body: ask.body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
            deadline: self.clock.monotonic() + ask.patience,
            urgency: Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: 256 * 1024 * 1024,
        };
        let response = self.http.send(request).await.map_err(Failure::failed)?;
        if !response.status.is_success() {
            let problem: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let detail = problem.get("detail").and_then(Value::as_str);
            return Err(Failure::Failed(detail.map_or_else(|| response.status.to_string(), str::to_owned)));
        }
        Ok(response.body)
    }
}
