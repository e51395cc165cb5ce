//! Requests and answers checked against the document that Atlassian publishes of Jira Cloud, by Prism.
//!
//! Prism stands between the connector and the desk, and refuses a request or an answer that is not as the document says.
//! What the document at hand leaves out goes to the desk directly: the search that replaced its own, what the server says
//! of itself, a project's statuses, and all of Service Management, of which there is no document.
//!
//! `THROUGHLINE_PRISM` names a folder where npm has installed `@stoplight/prism-cli` 5, `THROUGHLINE_SPECS` one that holds
//! `jira/jira-cloud-v3-issues.json`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use serde_json::{Value, json};
use throughline_sdk::http::{Authentication, Request, Response, Transport};
use throughline_sdk::{
    Changes, Error, NewTicket, Operation, Reference, Subject as Made, Urgency, Visibility,
};
use throughline_testkit::{ManualClock, Prism, SocketTransport, prism};

use crate::desk::{Desk, Plays};
use crate::subject::{LAG, Stand, say, to};

/// A request that breaks the rules: the part after `issue/1` or the like, its body, and its media type.
type Wrong = Option<(&'static str, &'static str, &'static str)>;

const JSON: &str = "application/json";

/// Every operation of the document that the connector uses, and a request of it that is to be refused. Where a path can
/// hold any text and nothing else is asked for, nothing can be wrong.
const OPERATIONS: &[(&str, &str, Wrong)] = &[
    ("GET", "myself", None),
    ("GET", "field", None),
    ("GET", "priority", None),
    (
        "GET",
        "issue/createmeta/{id}/issuetypes",
        Some(("issue/createmeta/SUP/issuetypes?startAt=many", "", JSON)),
    ),
    (
        "GET",
        "issue/createmeta/{id}/issuetypes/{id}",
        Some(("issue/createmeta/SUP/issuetypes/1?startAt=many", "", JSON)),
    ),
    ("POST", "issue", Some(("issue", r#"{"fields":"all"}"#, JSON))),
    ("GET", "issue/{id}", Some(("issue/1?fieldsByKeys=perhaps", "", JSON))),
    ("PUT", "issue/{id}", Some(("issue/1", r#"{"fields":[]}"#, JSON))),
    ("GET", "issue/{id}/comment", Some(("issue/1/comment?maxResults=most", "", JSON))),
    ("POST", "issue/{id}/comment", Some(("issue/1/comment", r#"{"visibility":{"type":"everybody"}}"#, JSON))),
    ("PUT", "issue/{id}/comment/{id}", Some(("issue/1/comment/2", r#"{"properties":[{"key":1}]}"#, JSON))),
    ("DELETE", "issue/{id}/comment/{id}", None),
    (
        "GET",
        "issue/{id}/transitions",
        Some(("issue/1/transitions?skipRemoteOnlyCondition=perhaps", "", JSON)),
    ),
    ("POST", "issue/{id}/transitions", Some(("issue/1/transitions", r#"{"transition":{"id":5}}"#, JSON))),
    ("GET", "issue/{id}/remotelink", None),
    ("POST", "issue/{id}/remotelink", Some(("issue/1/remotelink", r#"{"globalId":"x"}"#, JSON))),
    ("PUT", "issue/{id}/properties/{id}", Some(("issue/1/properties/x", "", JSON))),
    ("POST", "issue/{id}/attachments", Some(("issue/1/attachments", "{}", JSON))),
    ("GET", "attachment/{id}", None),
    ("GET", "attachment/content/{id}", Some(("attachment/content/1?redirect=perhaps", "", JSON))),
];

/// What the connector uses beside.
const ELSEWHERE: &[&str] = &[
    "GET search/jql",
    "GET serverInfo",
    "GET project/{id}/statuses",
    "GET request/{id}/comment",
    "POST servicedesk/{id}/attachTemporaryFile",
    "POST request/{id}/attachment",
];

#[tokio::test]
#[ignore = "needs Prism and the document that Atlassian publishes"]
async fn requests_and_answers_are_as_atlassian_publishes_them() {
    let mut asked = BTreeSet::new();
    for plays in [Plays::Cloud, Plays::CloudWithPortal] {
        // It stands still, so that no deadline passes while Prism thinks.
        let clock = ManualClock::new();
        let desk = Desk::new(plays, LAG, Arc::new(clock.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let behind = listener.local_addr().unwrap();
        let serve = axum::serve(listener, desk.router());
        let test = async {
            let document = prism::folder("THROUGHLINE_SPECS").unwrap().join("jira/jira-cloud-v3-issues.json");
            let installed = prism::folder("THROUGHLINE_PRISM").unwrap();
            let prism = Prism::before(behind, &installed, &document).await.unwrap();
            asked.extend(walk(desk, &clock, Divided { prism: prism.address(), desk: behind }).await);
            refuses(prism.address()).await;
        };
        tokio::select! {
            ended = async { serve.await } => panic!("the desk ended: {ended:?}"),
            () = test => {}
        }
    }
    let known = OPERATIONS.iter().map(|(method, path, _)| format!("{method} {path}"));
    let known: BTreeSet<String> = known.chain(ELSEWHERE.iter().map(|one| (*one).to_owned())).collect();
    assert_eq!(asked, known, "the operations that the walk used, and those that are known");
}

/// Everything the connector does; answers which operations that took.
async fn walk(desk: Desk, clock: &ManualClock, base: Divided) -> BTreeSet<String> {
    let address = format!("http://{}/", base.prism);
    let portal = desk.plays.portal();
    let stand = Stand::on(desk, Arc::new(clock.clone()), Arc::new(base), &json!({ "url": address }));
    let connector = &stand.connector;
    connector.probe(&stand.ctx()).await.unwrap();
    connector.describe(&stand.ctx()).await.unwrap();
    let start = connector.changes(&stand.ctx(), None).await.unwrap().next;
    let all = ["Serial number", "Impact", "Machines", "Site", "Due date", "Labels"];
    let fields = |values: [&str; 6]| {
        all.iter().zip(values).map(|(key, value)| ((*key).to_owned(), value.to_owned())).collect()
    };
    let new = NewTicket {
        title: "Printer on fire".to_owned(),
        description: "It **burns**:\n\n* here\n* there\n\n```\nlog\n```".to_owned(),
        status: Some("In Progress".to_owned()),
        priority: Some("High".to_owned()),
        kind: Some("Incident".to_owned()),
        fields: fields(["A-1", "Great.", "3", "Berlin", "2026-03-01", "fire"]),
    };
    let create = stand.intent(None, Operation::Create(new));
    let made = stand.apply(&create).await.unwrap().read_back.expect("it was read back whole");
    assert_eq!(made.status, "In Progress");
    let issue: u64 = made.id.as_str().parse().unwrap();
    let changes = Changes {
        title: Some("Printer out".to_owned()),
        description: Some("It burned.".to_owned()),
        priority: Some("Low".to_owned()),
        kind: Some("Task".to_owned()),
        fields: fields(["A-2", "", "2.5", "Wien", "", "ash\nsmoke"]),
    };
    stand.act(issue, Operation::Update { changes }).await.unwrap();
    stand.act(issue, to("Closed")).await.unwrap();
    for visibility in [Visibility::Public, Visibility::Internal] {
        let Made::Comment(comment) = stand.act(issue, say("Still warm.", visibility)).await.unwrap().subject
        else {
            panic!("no comment")
        };
        let edit = Operation::Edit { comment: comment.clone(), body: "Cold.".to_owned() };
        stand.act(issue, edit).await.unwrap();
        stand.act(issue, Operation::Retract { comment }).await.unwrap();
    }
    let attach = stand.intent(Some(issue), stand.attach("\u{dc}bersicht.txt", b"ash", Visibility::Public));
    let Made::File(file) = stand.apply(&attach).await.unwrap().subject else { panic!("no file") };
    let bytes = connector.download(&stand.ctx(), &made.id, &file, 10_000).await.unwrap();
    assert_eq!(bytes, "ash");
    if portal {
        stand.act(issue, stand.attach("staff.txt", b"x", Visibility::Internal)).await.unwrap();
    }
    let link = Operation::LinkBack(Reference::new(
        "Contoso 7".to_owned(),
        Some("https://contoso.example/7".to_owned()),
    ));
    stand.act(issue, link).await.unwrap();
    clock.advance(LAG);
    let page = connector.changes(&stand.ctx(), Some(&start)).await.unwrap();
    assert!(page.hints.iter().any(|hint| hint.ticket == made.id));
    assert_eq!(connector.find(&stand.ctx(), &create).await.unwrap().len(), 1);
    let requests = stand.transport.take();
    requests.iter().map(|request| format!("{} {}", request.method, template(request.url.path()))).collect()
}

/// Shows that the rules bite: of each operation that can be asked wrongly one wrong request is refused, by Prism and not
/// by the desk behind it.
async fn refuses(prism: SocketAddr) {
    for (method, path, wrong) in OPERATIONS {
        let Some((address, body, media_type)) = wrong else { continue };
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Basic eDp5".parse().unwrap());
        headers.insert("accept", "application/json".parse().unwrap());
        if !body.is_empty() {
            headers.insert("content-type", media_type.parse().unwrap());
        }
        let request = Request {
            method: method.parse().unwrap(),
            url: format!("http://{prism}/rest/api/3/{address}").parse().unwrap(),
            headers,
            body: Bytes::from_static(body.as_bytes()),
            deadline: Duration::MAX,
            urgency: Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: 1 << 20,
        };
        let answer = SocketTransport::new(Authentication::None).send(request).await.unwrap();
        let said = String::from_utf8_lossy(&answer.body);
        let refused = answer.status.is_client_error() && said.contains("stoplight.io/prism/errors");
        assert!(refused, "{method} {path}: {} {said}", answer.status);
    }
}

/// The path with a word for its variable parts.
fn template(path: &str) -> String {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let named: Vec<&str> = match parts.as_slice() {
        ["rest", "api", "3", "issue", "createmeta", _, "issuetypes"] => {
            vec!["issue", "createmeta", "{id}", "issuetypes"]
        }
        ["rest", "api", "3", "issue", "createmeta", _, "issuetypes", _] => {
            vec!["issue", "createmeta", "{id}", "issuetypes", "{id}"]
        }
        ["rest", "api", "3", "issue", _] => vec!["issue", "{id}"],
        ["rest", "api", "3", "issue", _, what] => vec!["issue", "{id}", what],
        ["rest", "api", "3", "issue", _, what, _] => vec!["issue", "{id}", what, "{id}"],
        ["rest", "api", "3", "attachment", "content", _] => vec!["attachment", "content", "{id}"],
        ["rest", "api", "3", "attachment", _] => vec!["attachment", "{id}"],
        ["rest", "api", "3", "project", _, what] => vec!["project", "{id}", what],
        ["rest", "api", "3", rest @ ..] => rest.to_vec(),
        ["rest", "servicedeskapi", what, _, then] => vec![what, "{id}", then],
        other => other.to_vec(),
    };
    named.join("/")
}

/// Where the document contradicts its own examples and its prose, which are right: a list of links has one link for a
/// schema, a form with a file is to be an array, and a file's bytes are to be JSON whatever the file is. With what Prism
/// says then; everything else about these has to be well.
const ODDITIES: &[(&str, &str, &str)] = &[
    ("GET issue/{id}/remotelink", "response", "Response body must be object"),
    ("POST issue/{id}/attachments", "body", "Request body must be array"),
    ("GET attachment/content/{id}", "response", "Response body must be object"),
    (
        "GET attachment/content/{id}",
        "response",
        "The received media type \"text/plain\" does not match the one specified in the current response: application/json",
    ),
];

/// Whether oddities, and nothing else, are what Prism finds wrong.
fn odd(operation: &str, said: &str) -> bool {
    let said: Value = serde_json::from_str(said).unwrap_or_default();
    let found = said["validation"].as_array().map(Vec::as_slice).unwrap_or_default();
    let known = |one: &Value| {
        let same = |(of, place, words): &(&str, &str, &str)| {
            operation == *of && one["location"][0] == *place && one["message"] == *words
        };
        ODDITIES.iter().any(same)
    };
    !found.is_empty() && found.iter().all(known)
}

/// Sends what the document does not hold to the desk itself.
#[derive(Debug)]
struct Divided {
    prism: SocketAddr,
    desk: SocketAddr,
}

impl Transport for Divided {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let operation = format!("{} {}", request.method, template(request.url.path()));
            let published =
                OPERATIONS.iter().any(|(method, path, _)| operation == format!("{method} {path}"));
            let to = if published { self.prism } else { self.desk };
            request.url.set_port(Some(to.port())).unwrap();
            let answer = SocketTransport::new(Authentication::None).send(request.clone()).await?;
            let said = String::from_utf8_lossy(&answer.body);
            if odd(&operation, &said) {
                request.url.set_port(Some(self.desk.port())).unwrap();
                return SocketTransport::new(Authentication::None).send(request).await;
            }
            let wrong = answer.headers.get("sl-violations");
            assert!(
                wrong.is_none() && !said.contains("stoplight.io/prism/errors"),
                "{operation}: {} {wrong:?} {said}",
                answer.status
            );
            Ok(answer)
        })
    }
}
