//! A way to the desk on which Prism sees each request.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Clock, Result, Timestamp};
use throughline_testkit::conformance::Subject;
use throughline_testkit::{Prism, RouterTransport};

use crate::desk::Desk;
use crate::subject::with_base;

/// A clock that begins at some fixed moment and goes on in real time, in which the desk's waits are short.
#[derive(Debug)]
struct Running(Timestamp, tokio::time::Instant);

impl Clock for Running {
    fn now(&self) -> Timestamp {
        self.0 + TimeDelta::from_std(self.monotonic()).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        self.1.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// Shows each request to Prism and has it answered by the desk.
#[derive(Debug)]
pub(crate) struct Witnessed {
    desk: RouterTransport,
    prism: Arc<Prism>,
    pub(crate) seen: Mutex<BTreeSet<String>>,
}

impl Transport for Witnessed {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        async move {
            let path = request.url.path().to_owned();
            let described = !["/oauth2/", "/operationsStatus/", "/operationResults/"]
                .iter()
                .any(|one| path.contains(one));
            if described {
                let (status, words) = self.prism.judge(request.clone()).await.unwrap();
                assert!(
                    status < 400,
                    "Prism refused {} {} with {status}: {words}",
                    request.method,
                    request.url
                );
                self.seen.lock().unwrap().insert(operation(&request));
            }
            self.desk.send(request).await
        }
        .boxed()
    }
}

/// The operation a request is of: names of ours and of the catalogue are left out.
fn operation(request: &Request) -> String {
    let fixed = [
        "services",
        "problemClassifications",
        "supportTickets",
        "communications",
        "chatTranscripts",
        "fileWorkspaces",
        "files",
        "upload",
        "checkNameAvailability",
        "classifyServices",
        "classifyProblems",
    ];
    let path = request.url.path().split("Microsoft.Support/").nth(1).unwrap_or_default();
    let parts: Vec<&str> =
        path.split('/').map(|part| if fixed.contains(&part) { part } else { "*" }).collect();
    format!("{} {}", request.method, parts.join("/"))
}

/// The connector on a desk of a subscription or of the tenant, before the eyes of Prism.
pub(crate) fn subject_on(
    prism: &Arc<Prism>,
    tenant: bool,
    more: &[(&str, Value)],
) -> (Desk, Subject, Arc<Witnessed>) {
    let began = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(Running(began, tokio::time::Instant::now()));
    let desk = if tenant { Desk::of_the_tenant(Arc::clone(&clock)) } else { Desk::new(Arc::clone(&clock)) };
    desk.state().work = Some(Duration::from_millis(50));
    let base = Arc::new(Witnessed {
        desk: RouterTransport(desk.router()),
        prism: Arc::clone(prism),
        seen: Mutex::default(),
    });
    let shared: Arc<dyn Transport> = Arc::<Witnessed>::clone(&base);
    let subject = with_base(&desk, shared, clock, more);
    (desk, subject, base)
}
