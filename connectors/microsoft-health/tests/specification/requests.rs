//! Each operation once as the connector makes it, and once as it must not be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method};
use throughline_sdk::http::{Request, Transport};
use throughline_sdk::{Clock, RemoteId, Urgency};
use throughline_testkit::prism::folder;
use throughline_testkit::{ManualClock, Prism, RouterTransport};

use crate::desk::Desk;
use crate::subject::with_base;
use crate::witness::Witnessed;

async fn prism() -> Prism {
    let document = "graph-service-communications/graph-serviceAnnouncement.json";
    let document = folder("THROUGHLINE_SPECS").unwrap().join(document);
    Prism::judging(&folder("THROUGHLINE_PRISM").unwrap(), &document).await.unwrap()
}

#[tokio::test]
#[ignore = "needs Prism: see the module's documentation"]
async fn every_request_is_what_the_specification_allows() {
    let prism = prism().await;
    // It stands still, so that no deadline comes while Prism thinks.
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let desk = Desk::new(Arc::clone(&clock));
    let witness = Arc::new(Witnessed { desk: RouterTransport(desk.router()), prism, seen: Mutex::default() });
    let base: Arc<dyn Transport> = Arc::<Witnessed>::clone(&witness);
    let subject = with_base(&desk, base, clock, &[("messages", true.into())]);
    let ctx = subject.ctx();
    let connector = &subject.connector;
    connector.probe(&ctx).await.unwrap();
    connector.describe(&ctx).await.unwrap();
    let cursor = connector.changes(&ctx, None).await.unwrap().next;
    let message = format!("messages/{}", desk.announce("A change"));
    // More than a page of one moment, so that a link is followed.
    let issues: Vec<String> = (0..101).map(|_| format!("issues/{}", desk.publish("Outage"))).collect();
    let page = connector.changes(&ctx, Some(&cursor)).await.unwrap();
    connector.changes(&ctx, Some(&page.next)).await.unwrap();
    for id in [&message, &issues[0]] {
        connector.fetch(&ctx, &RemoteId::new(id)).await.unwrap();
    }
    let seen: Vec<String> = witness.seen.lock().unwrap().iter().cloned().collect();
    assert_eq!(seen, ["GET healthOverviews", "GET issues", "GET issues/*", "GET messages", "GET messages/*"]);
}

/// Prism skips a schema that it does not understand, so each operation is seen to refuse something.
#[tokio::test]
#[ignore = "needs Prism: see the module's documentation"]
async fn a_bad_request_of_each_operation_is_refused() {
    let prism = prism().await;
    for (path, query) in [
        ("issues", "%24orderby=mood"),
        ("issues", "%24top=-1"),
        ("messages", "%24orderby=mood"),
        ("issues/EX1", "%24select=mood"),
        ("messages/MC1", "%24select=mood"),
        ("healthOverviews", "%24select=mood"),
    ] {
        let base = format!("http://{}", prism.address());
        let mut headers = HeaderMap::new();
        headers.insert(http::header::AUTHORIZATION, "Bearer x".parse().unwrap());
        let request = Request {
            method: Method::GET,
            url: format!("{base}/admin/serviceAnnouncement/{path}?{query}").parse().unwrap(),
            headers,
            body: bytes::Bytes::new(),
            deadline: Duration::from_secs(60),
            urgency: Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: 1 << 20,
        };
        let (status, words) = prism.judge(request).await.unwrap();
        // Neither 404 for a path it does not know nor 401.
        assert!([400, 422].contains(&status), "{path}?{query} was answered {status}: {words}");
    }
}
