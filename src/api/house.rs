//! A bridge in memory with everybody who may ask it, for tests of what each of them is answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use chrono::TimeDelta;
use futures::future::BoxFuture;
use throughline_sdk::{Clock, SystemName, Timestamp};
use tower::ServiceExt as _;

use crate::agreement::Rules;
use crate::case::{Case, Fact, PartyName, Role as LegRole, Who};
use crate::clock::SystemClock;
use crate::daemon::bare::{Bare, OWNER};
use crate::daemon::{self, Bridge};
use crate::identity::{Change, Identity, NewAccount, NewToken, RightName, Role, Settings};
use crate::ledger::{Entry, Journal};

/// From where the forms of its pages come.
pub(crate) const ORIGIN: &str = "http://127.0.0.1";
const PASSWORD: &str = "several words make a good one";

/// A clock whose days a test turns.
#[derive(Debug)]
struct Turned {
    clock: SystemClock,
    hours: AtomicI64,
}

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        self.clock.now() + TimeDelta::hours(self.hours.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
}

/// What stands in a house.
#[derive(Debug)]
pub(crate) struct Furniture {
    /// The rules in force.
    pub(crate) rules: Rules,
    /// The facts of each case, in the order in which the cases are opened.
    pub(crate) cases: Vec<Vec<Fact>>,
    /// How strict the door is.
    pub(crate) settings: Settings,
}

impl Default for Furniture {
    /// One case of `fabrikam`.
    fn default() -> Self {
        let parties = ["contoso", "fabrikam", "adatum"].map(|party| PartyName(party.to_owned()));
        let cases = vec![vec![
            Fact::Opened,
            joined("helpdesk", "contoso", LegRole::Home),
            joined("desk", "fabrikam", LegRole::Counterpart),
        ]];
        let settings = Settings { parties: Some(parties.into()), ..Settings::default() };
        Self { rules: Rules::default(), cases, settings }
    }
}

/// A leg that takes part.
pub(crate) fn joined(leg: &str, party: &str, role: LegRole) -> Fact {
    Fact::Joined {
        leg: SystemName::new(leg),
        party: PartyName(party.to_owned()),
        role,
        agreement: None,
        version: None,
    }
}

/// A bridge, and everybody who may ask.
pub(crate) struct House {
    router: Router,
    pub(crate) tokens: BTreeMap<&'static str, String>,
    /// A session of an admin.
    pub(crate) session: String,
    /// A session of somebody who was disabled since.
    pub(crate) disabled: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl House {
    /// A house with one case of `fabrikam`.
    pub(crate) async fn build() -> Self {
        Self::furnished(Furniture::default()).await
    }

    /// A house with this in it.
    pub(crate) async fn furnished(furniture: Furniture) -> Self {
        let Furniture { rules, cases, settings } = furniture;
        let clock = Arc::new(Turned { clock: SystemClock::new(), hours: AtomicI64::new(0) });
        let bare = Bare::new(Arc::<Turned>::clone(&clock));
        let journal = journal(&bare, cases).await;
        let identity = bare.identity(journal.clone(), settings);
        let guest = |party: &str| Role::Guest(PartyName(party.to_owned()));
        let mut tokens = BTreeMap::new();
        let later = clock.now() + TimeDelta::hours(1);
        tokens.insert("expired", token(&identity, "expired", Role::Admin, None, Some(later)).await);
        clock.hours.store(2, Ordering::Relaxed);
        for (name, role) in [
            ("guest of the case", guest("fabrikam")),
            ("guest of another party", guest("adatum")),
            ("agent", Role::Agent),
            ("auditor", Role::Auditor),
            ("admin", Role::Admin),
        ] {
            tokens.insert(name, token(&identity, name, role, None, None).await);
        }
        let looks = Some(vec![RightName::Look]);
        tokens.insert("admin who only looks", token(&identity, "narrow", Role::Admin, looks, None).await);
        let session = session(&identity, "alex").await;
        let disabled = self::session(&identity, "kim").await;
        identity.change(&Who::command_line(), "kim", Change::Disable).await.unwrap();
        let parts = daemon::Parts { rules, ..bare.parts(journal) };
        let router = super::router(Bridge::start(parts).await.unwrap(), identity);
        Self { router, tokens, session, disabled }
    }

    /// What is answered to a request. What never ends is only looked at.
    pub(crate) async fn ask(
        &self,
        method: &Method,
        path: &str,
        fields: &[(&str, String)],
        body: &str,
    ) -> Answer {
        Answer::read(self.send(method, path, fields, body).await).await
    }

    /// The answer itself: a stream goes on until it is dropped.
    pub(crate) async fn send(
        &self,
        method: &Method,
        path: &str,
        fields: &[(&str, String)],
        body: &str,
    ) -> Response {
        send(&self.router, method, path, fields, body).await
    }

    /// What is answered to whoever bears this token.
    pub(crate) async fn bear(&self, who: &str, method: &Method, path: &str) -> Answer {
        self.ask(method, path, &[self.bearer(who)], "").await
    }

    /// The header field of whoever bears this token.
    pub(crate) fn bearer(&self, who: &str) -> (&'static str, String) {
        ("authorization", format!("Bearer {}", self.tokens[who]))
    }
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let endless = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let body = match endless {
            true => String::new(),
            false => {
                let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
                String::from_utf8(bytes.to_vec()).unwrap()
            }
        };
        Self { status, headers, body }
    }
}

/// What a bridge answers to whoever owns its data directory, as [`Bare`] makes one.
pub(crate) async fn owner_asks(router: &Router, method: &Method, path: &str, body: &str) -> Answer {
    let bears = ("authorization", format!("Bearer {OWNER}"));
    let json = ("content-type", "application/json".to_owned());
    Answer::read(send(router, method, path, &[bears, json], body).await).await
}

async fn send(
    router: &Router,
    method: &Method,
    path: &str,
    fields: &[(&str, String)],
    body: &str,
) -> Response {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1");
    for (name, value) in fields {
        request = request.header(*name, value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn journal(bare: &Bare, cases: Vec<Vec<Fact>>) -> Journal {
    let journal = bare.journal().await;
    let at = SystemClock::new().now();
    for facts in cases {
        let mut case = Case::new(journal.next_case(), at);
        for fact in &facts {
            case.apply(fact, at);
        }
        journal.commit(Entry { at, case: Some(case), facts }).await.unwrap();
    }
    journal
}

async fn token(
    identity: &Identity,
    name: &str,
    role: Role,
    rights: Option<Vec<RightName>>,
    until: Option<Timestamp>,
) -> String {
    let new = NewToken { name: name.to_owned(), role, rights, until };
    let (_, secret) = identity.issue(&Who::command_line(), new).await.unwrap();
    secret.show().to_owned()
}

async fn session(identity: &Identity, name: &str) -> String {
    let new = NewAccount { name: name.to_owned(), role: Role::Admin, password: PASSWORD.into() };
    identity.add(&Who::command_line(), new).await.unwrap();
    let from = std::net::Ipv4Addr::LOCALHOST.into();
    identity.log_in(name, &PASSWORD.into(), from).await.unwrap().show().to_owned()
}
