//! How the logs of other organizations stand that are watched, for auditors.

use axum::extract::State;

use super::Api;
use super::access::May;
use super::ask::Asked;
use super::cases::Paging;
use super::page::{self, Page};
use super::problem::Problem;
use crate::daemon::Standing;
use crate::identity::Audit;

/// By name.
pub(super) async fn list(
    State(api): State<Api>,
    _: May<Audit>,
    query: Asked<Paging>,
) -> Result<Page<Standing>, Problem> {
    let standing = api.bridge.shared().watching.all();
    let page = page::of_all(&query, query.asked.limit, query.asked.cursor.as_ref(), standing);
    std::future::ready(page).await
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use bytes::Bytes;
    use futures::future::BoxFuture;
    use http::{Method, StatusCode};
    use serde_json::Value;
    use throughline_sdk::http::{self as plane, Response, Transport};
    use throughline_sdk::{Error, ErrorKind, Result};
    use throughline_testkit::ManualClock;

    use crate::api::house::owner_asks;
    use crate::api::router;
    use crate::daemon::bare::Bare;
    use crate::daemon::watcher::{Kept, Watched, Watcher};
    use crate::daemon::{Bridge, Parts};
    use crate::identity::Settings;
    use crate::ledger::note::Signer;
    use crate::ledger::{Head, MasterKey, Medium, MemoryMedium};

    const HOUR: Duration = Duration::from_secs(3600);

    /// Another organization's bridge, which says of its log what a test has it say; silent without.
    #[derive(Clone)]
    struct Other {
        signer: Arc<Signer>,
        says: Arc<Mutex<Option<Head>>>,
    }

    impl fmt::Debug for Other {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Other")
        }
    }

    impl Transport for Other {
        fn send(&self, _: plane::Request) -> BoxFuture<'_, Result<Response>> {
            let told = self.says.lock().unwrap().map(|head| self.signer.checkpoint(&head));
            Box::pin(std::future::ready(match told {
                Some(text) => {
                    let headers = http::HeaderMap::new();
                    Ok(Response { status: StatusCode::OK, headers, body: Bytes::from(text) })
                }
                None => Err(Error::new(ErrorKind::Unavailable, "nobody is there")),
            }))
        }
    }

    impl Other {
        fn new() -> Self {
            let signer = Signer::new("fabrikam/throughline", &MasterKey::new([9; 32])).unwrap();
            Self { signer: Arc::new(signer), says: Arc::default() }
        }

        fn say(&self, size: u64, byte: u8) {
            *self.says.lock().unwrap() = Some(Head { size, root: [byte; 32] });
        }
    }

    struct House {
        bare: Bare,
        clock: ManualClock,
        other: Other,
    }

    /// What a bridge tells of the logs that it watches: how many alarms, the list, and the metric.
    #[derive(Debug, PartialEq)]
    struct Told {
        alarms: Value,
        alarm: String,
        trouble: bool,
        metric: String,
    }

    impl House {
        /// The daemon starts.
        async fn start(&self) -> (Bridge, axum::Router) {
            let journal = self.bare.journal().await;
            let identity = self.bare.identity(journal.clone(), Settings::default());
            let medium: Arc<dyn Medium> = Arc::<MemoryMedium>::clone(&self.bare.medium);
            let watcher = Watcher {
                watched: Watched {
                    name: "fabrikam".to_owned(),
                    source: "https://fabrikam.example/api/v1/log/checkpoint".parse().unwrap(),
                    key: self.other.signer.verifier(),
                    token: None,
                    every: HOUR,
                },
                way: Arc::new(self.other.clone()),
                clock: Arc::clone(&self.bare.clock),
                kept: Kept { medium, folder: "watched/fabrikam".to_owned() },
            };
            let parts = Parts { watchers: vec![watcher], ..self.bare.parts(journal) };
            let bridge = Bridge::start(parts).await.unwrap();
            settle().await;
            (bridge.clone(), router(bridge, identity))
        }

        /// An hour goes by.
        async fn pass(&self) {
            self.clock.advance(HOUR);
            settle().await;
        }
    }

    async fn settle() {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    async fn get(router: &axum::Router, path: &str) -> String {
        let answer = owner_asks(router, &Method::GET, path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        answer.body
    }

    async fn told(router: &axum::Router) -> Told {
        let json = async |path| serde_json::from_str::<Value>(&get(router, path).await).unwrap();
        let listed = json("/api/v1/watched").await["items"][0].take();
        let metrics = get(router, "/metrics").await;
        let mut lines = metrics.lines();
        let metric = lines.find_map(|line| line.strip_prefix("throughline_watched_alarm{log=\"fabrikam\"} "));
        Told {
            alarms: json("/readyz").await["alarms"].take(),
            alarm: listed["alarm"].as_str().unwrap_or_default().to_owned(),
            trouble: listed["trouble"].is_string(),
            metric: metric.unwrap_or_default().to_owned(),
        }
    }

    #[tokio::test]
    async fn a_log_that_contradicts_itself_raises_an_alarm_that_stands_until_a_person_has_dealt_with_it() {
        let clock = ManualClock::new();
        let bare = Bare::new(Arc::new(clock.clone()));
        let house = House { bare, clock, other: Other::new() };
        let (bridge, router) = house.start().await;
        let quiet =
            |trouble| Told { alarms: 0.into(), alarm: String::new(), trouble, metric: "0".to_owned() };
        assert_eq!(told(&router).await, quiet(true), "nobody answers yet");
        house.other.say(5, 1);
        house.pass().await;
        assert_eq!(told(&router).await, quiet(false));

        house.other.say(4, 2);
        house.pass().await;
        let raised = told(&router).await;
        assert_eq!((&raised.alarms, raised.metric.as_str()), (&1.into(), "1"));
        assert!(raised.alarm.contains("was rolled back: it has 4 records and had 5"), "{raised:?}");
        house.other.say(5, 1);
        house.pass().await;
        assert_eq!(told(&router).await, raised, "it does not go away because the log is whole again");
        *house.other.says.lock().unwrap() = None;
        house.pass().await;
        assert_eq!(told(&router).await, Told { trouble: true, ..raised }, "nor because it is silent");

        bridge.stop().await.unwrap();
        let (_bridge, router) = house.start().await;
        let again = told(&router).await;
        assert_eq!((&again.alarms, again.metric.as_str()), (&1.into(), "1"), "nor by a restart");
        assert!(again.alarm.contains("watched/fabrikam/alarm-*"), "{again:?}");

        for name in house.bare.medium.list("watched/fabrikam").unwrap() {
            if name.starts_with("alarm-") {
                house.bare.medium.remove(&format!("watched/fabrikam/{name}")).unwrap();
            }
        }
        house.other.say(5, 1);
        house.pass().await;
        assert_eq!(told(&router).await, quiet(false), "somebody dealt with it");
    }
}
