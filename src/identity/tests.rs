//! How long a door stays open, and what of it outlives a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use secrecy::SecretString;
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Clock, Entropy, Timestamp};

use super::{
    Arrival, Change, Error, Identity, NewAccount, NewToken, Pace, Parts, Principal, RightName, Role,
    Settings, oidc,
};
use crate::case::Who;
use crate::clock::{SystemClock, SystemEntropy};
use crate::ledger::{self, Journal, MasterKey, Medium, MemoryMedium, Offload};
use crate::store::memory::MemoryStore;

const PASSWORD: &str = "several words make a good one";

/// A clock that stands still until it is turned.
#[derive(Debug)]
struct Turned {
    began: Timestamp,
    seconds: AtomicU64,
}

impl Turned {
    fn turn(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        self.began + TimeDelta::from_std(self.monotonic()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// The way to a provider that nobody is sent to.
#[derive(Debug)]
struct Unasked;

impl Transport for Unasked {
    fn send(&self, request: Request) -> BoxFuture<'_, throughline_sdk::Result<Response>> {
        panic!("asked for {}", request.url)
    }
}

struct House {
    clock: Arc<Turned>,
    medium: Arc<dyn Medium>,
    journal: Journal,
}

impl House {
    async fn new() -> Self {
        let medium: Arc<dyn Medium> = Arc::new(MemoryMedium::new());
        let parts = ledger::Parts {
            medium: Arc::clone(&medium),
            store: Arc::new(MemoryStore::default()),
            master: MasterKey::new([1; 32]),
            entropy: Arc::new(SystemEntropy::new()),
            offload: Offload::Inline,
            segment_bytes: ledger::Parts::SEGMENT_BYTES,
        };
        let journal = Journal::open(parts).await.unwrap();
        let clock = Arc::new(Turned { began: SystemClock::new().now(), seconds: AtomicU64::new(0) });
        Self { clock, medium, journal }
    }

    fn open(&self, master: u8) -> Result<Identity, Error> {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let clock: Arc<dyn Clock> = Arc::<Turned>::clone(&self.clock);
        Identity::open(Parts {
            admin: SecretString::from("owner"),
            medium: Arc::clone(&self.medium),
            master: MasterKey::new([master; 32]),
            journal: self.journal.clone(),
            clock,
            entropy,
            offload: Offload::Inline,
            way: Some(Arc::new(Unasked)),
            settings: Settings {
                requests: Pace { per_minute: 60, burst: 2 },
                oidc: Some(oidc::tests::settings()),
                ..Settings::default()
            },
        })
    }
}

async fn add(identity: &Identity, name: &str) -> Result<super::Account, Error> {
    let new = NewAccount { name: name.to_owned(), role: Role::Agent, password: PASSWORD.into() };
    identity.add(&Who::command_line(), new).await
}

async fn enter(identity: &Identity, name: &str) -> Result<String, Error> {
    let from = std::net::Ipv4Addr::LOCALHOST.into();
    Ok(identity.log_in(name, &PASSWORD.into(), from).await?.show().to_owned())
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_when_its_day_is_over() {
    let house = House::new().await;
    let identity = house.open(1).unwrap();
    add(&identity, "ada").await.unwrap();
    let (idle, used) = (enter(&identity, "ada").await.unwrap(), enter(&identity, "ada").await.unwrap());
    assert_ne!(idle, used);
    let mut hours = 0;
    for _ in 0..13 {
        house.clock.turn(3500);
        hours += 3500;
        let alive = identity.by_session(&used).await.is_some();
        assert_eq!(alive, hours < 12 * 3600, "after {hours} s");
        if hours > 3600 {
            assert_eq!(identity.by_session(&idle).await, None);
        }
    }
}

#[tokio::test]
async fn sessions_accounts_and_tokens_outlive_a_restart_and_another_key_opens_nothing() {
    let house = House::new().await;
    let identity = house.open(1).unwrap();
    add(&identity, "ada").await.unwrap();
    let session = enter(&identity, "ada").await.unwrap();
    let until = Some(house.clock.now() + TimeDelta::days(90));
    let new = NewToken { name: "reports".to_owned(), role: Role::Auditor, rights: None, until };
    let (_, token) = identity.issue(&Who::command_line(), new).await.unwrap();
    house.clock.turn(3000);
    assert!(identity.by_session(&session).await.is_some());
    drop(identity);

    house.clock.turn(3000);
    let identity = house.open(1).unwrap();
    assert_eq!(identity.by_session(&session).await.unwrap().name, "ada");
    assert_eq!(identity.bearer(token.show()).await.unwrap().role, Role::Auditor);
    assert_eq!(identity.bearer("owner").await, Some(Principal::command_line()));
    assert_eq!(identity.bearer("").await, None);
    house.clock.turn(90 * 86_400);
    assert_eq!(identity.bearer(token.show()).await, None);
    assert!(matches!(house.open(2), Err(Error::Damaged { .. })));
}

#[tokio::test]
async fn what_ends_an_account_ends_its_sessions() {
    let house = House::new().await;
    let identity = house.open(1).unwrap();
    for (name, change) in [
        ("disabled", Change::Disable),
        ("promoted", Change::Role(Role::Admin)),
        ("forgotten", Change::Remove),
        ("changed", Change::Password("other words make another one".into())),
    ] {
        add(&identity, name).await.unwrap();
        let session = enter(&identity, name).await.unwrap();
        assert!(identity.by_session(&session).await.is_some());
        identity.change(&Who::command_line(), &name.to_uppercase(), change).await.unwrap();
        assert_eq!(identity.by_session(&session).await, None, "{name}");
    }
    assert!(matches!(add(&identity, " Disabled ").await, Err(Error::Taken { .. })));
    add(&identity, "forgotten").await.expect("a name that nobody has any more is free");
}

#[tokio::test]
async fn tries_are_slowed_by_account_and_by_address_and_come_back_with_time() {
    let house = House::new().await;
    let identity = house.open(1).unwrap();
    let from = |last: u8| std::net::Ipv4Addr::new(192, 0, 2, last).into();
    let wrong: SecretString = "these words are not the right ones".into();
    for last in 0..10 {
        let refused = identity.log_in("ada", &wrong, from(last)).await;
        assert!(matches!(refused, Err(Error::Refused)), "{refused:?}");
    }
    assert!(matches!(identity.log_in("Ada ", &wrong, from(99)).await, Err(Error::Slowed(_))));
    assert!(matches!(identity.log_in("eve", &wrong, from(99)).await, Err(Error::Refused)));
    house.clock.turn(10);
    assert!(matches!(identity.log_in("ada", &wrong, from(99)).await, Err(Error::Refused)));
    let tries = async |count: u32| {
        for number in 0..count {
            drop(identity.log_in(&number.to_string(), &wrong, from(7)).await);
        }
        identity.log_in("another", &wrong, from(7)).await
    };
    assert!(matches!(tries(40).await, Err(Error::Slowed(_))));
}

#[tokio::test]
async fn whoever_comes_back_without_having_set_out_is_recorded_so_often_and_no_more() {
    let house = House::new().await;
    let identity = house.open(1).unwrap();
    let callback = "https://tickets.example/console/login/callback".parse().unwrap();
    let arrival = Arrival { state: Some("made up".to_owned()), ..Arrival::default() };
    let from = |last: u8| std::net::Ipv4Addr::new(192, 0, 2, last).into();
    for _ in 0..30 {
        let refused = identity.arrive(&callback, &arrival, from(7)).await;
        assert!(matches!(refused, Err(Error::Provider(_))), "{refused:?}");
    }
    let recorded = house.journal.end();
    for _ in 0..30 {
        let refused = identity.arrive(&callback, &arrival, from(7)).await;
        assert!(matches!(refused, Err(Error::Slowed(_))), "{refused:?}");
    }
    assert_eq!(house.journal.end(), recorded);
    let other = identity.arrive(&callback, &arrival, "198.51.100.1".parse().unwrap()).await;
    assert!(matches!(other, Err(Error::Provider(_))), "{other:?}");
}

#[tokio::test]
async fn whoever_asks_too_often_waits_and_nobody_else_does() {
    let house = House::new().await;
    let identity = house.open(1).unwrap();
    let principal = |id: &str| Principal { id: Who(id.to_owned()), ..Principal::command_line() };
    let (one, other) = (principal("tok-1"), principal("tok-2"));
    assert!(identity.pace(&one).is_ok() && identity.pace(&one).is_ok());
    let wait = identity.pace(&one).unwrap_err();
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    assert!(identity.pace(&other).is_ok());
    house.clock.turn(1);
    assert!(identity.pace(&one).is_ok());
}

#[tokio::test]
async fn a_token_is_never_given_what_its_role_has_not() {
    let house = House::new().await;
    let identity = house.open(1).unwrap();
    let rights = Some(vec![RightName::Administer]);
    let new = NewToken { name: "x".to_owned(), role: Role::Agent, rights, until: None };
    assert!(matches!(identity.issue(&Who::command_line(), new).await, Err(Error::Unfit(_))));
}
