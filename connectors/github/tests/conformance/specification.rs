//! Requests and answers checked against the document that GitHub publishes, by Prism.
//!
//! Prism stands between the connector and the desk, and refuses a request or an answer that is not as the document says.
//! Three answers are too large for the desk to give whole (the account, the repository, the organization's types): for
//! these Prism answers itself, with the examples of the document.
//!
//! `THROUGHLINE_PRISM` names a folder where npm has installed `@stoplight/prism-cli` 5 and `@octokit/openapi` 23.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use throughline_sdk::http::{Authentication, Request, Response, Transport};
use throughline_sdk::{Changes, Error, NewTicket, Operation, Subject as Made, Visibility};
use throughline_testkit::conformance::Subject;
use throughline_testkit::{ManualClock, Prism, SocketTransport, prism};

use crate::behaviour::World;
use crate::desk::{NAME, OWNER};
use crate::subject::{Stage, person};

type Wrong = Option<(&'static str, &'static str)>;

/// Every operation that the connector uses, and a request that breaks its rules, as path and body. Where a path can hold
/// any text and nothing else is asked for, nothing can be wrong.
const OPERATIONS: &[(&str, &str, Wrong)] = &[
    ("GET", "/user", None),
    ("GET", "/orgs/{org}/issue-types", None),
    ("GET", "/repos/{owner}/{repo}", None),
    ("GET", "/repos/{owner}/{repo}/labels", Some(("labels?per_page=many", ""))),
    ("GET", "/repos/{owner}/{repo}/labels/{name}", None),
    ("GET", "/repos/{owner}/{repo}/issues", Some(("issues?state=bogus", ""))),
    ("POST", "/repos/{owner}/{repo}/issues", Some(("issues", r#"{"body":"no title"}"#))),
    ("GET", "/repos/{owner}/{repo}/issues/{issue_number}", Some(("issues/seven", ""))),
    ("PATCH", "/repos/{owner}/{repo}/issues/{issue_number}", Some(("issues/1", r#"{"state":"shut"}"#))),
    (
        "GET",
        "/repos/{owner}/{repo}/issues/{issue_number}/comments",
        Some(("issues/1/comments?page=last", "")),
    ),
    ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments", Some(("issues/1/comments", "{}"))),
    ("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", Some(("issues/comments/5", "{}"))),
    ("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", Some(("issues/comments/five", ""))),
    (
        "POST",
        "/repos/{owner}/{repo}/issues/{issue_number}/labels",
        Some(("issues/1/labels", r#"{"labels":[]}"#)),
    ),
    (
        "DELETE",
        "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}",
        Some(("issues/one/labels/x", "")),
    ),
    (
        "POST",
        "/repos/{owner}/{repo}/issues/{issue_number}/assignees",
        Some(("issues/1/assignees", r#"{"assignees":"ada"}"#)),
    ),
    (
        "DELETE",
        "/repos/{owner}/{repo}/issues/{issue_number}/assignees",
        Some(("issues/1/assignees", r#"{"assignees":"ada"}"#)),
    ),
];

#[tokio::test]
#[ignore = "needs Prism and GitHub's published document"]
async fn requests_and_answers_are_as_github_publishes_them() {
    // It stands still, so that no deadline passes while Prism thinks.
    let clock = ManualClock::new();
    let stage = Stage::on(clock.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let desk = listener.local_addr().unwrap();
    let serve = axum::serve(listener, stage.desk.router());
    let test = async {
        let installed = prism::folder("THROUGHLINE_PRISM").unwrap();
        let document = document(&installed);
        let between = Prism::before(desk, &installed, &document).await.unwrap();
        let alone = Prism::answering(&installed, &document).await.unwrap();
        let asked = walk(stage, &clock, between.address(), alone.address()).await;
        let operations: BTreeSet<String> =
            OPERATIONS.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
        assert_eq!(asked, operations, "the operations that the walk used, and those that are known");
        refuses(between.address()).await;
        fs::remove_file(document).unwrap();
    };
    tokio::select! {
        ended = async { serve.await } => panic!("the desk ended: {ended:?}"),
        () = test => {}
    }
}

/// Everything the connector does, through Prism; answers which operations that took.
async fn walk(stage: Stage, clock: &ManualClock, between: SocketAddr, alone: SocketAddr) -> BTreeSet<String> {
    let base = Arc::new(Divided { between, alone });
    let built = Stage::built(&format!("http://{between}/"));
    let subject = Subject::new(built, base, Arc::clone(&stage.clock), person(&stage.desk));
    let world = World { desk: stage.desk, subject };
    let connector = &world.subject.connector;
    let apply = async |ticket, operation| world.apply(ticket, operation).await.unwrap();

    connector.probe(&world.ctx()).await.unwrap();
    connector.describe(&world.ctx()).await.unwrap();
    let start = connector.changes(&world.ctx(), None).await.unwrap().next;
    let new = NewTicket {
        title: "Printer on fire".to_owned(),
        description: "It burns.".to_owned(),
        status: Some("not planned".to_owned()),
        priority: Some("high".to_owned()),
        kind: Some("Bug".to_owned()),
        fields: [("Labels", "bug"), ("Assignees", "ada")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    };
    let created = apply(None, Operation::Create(new)).await.read_back.expect("it was read back whole");
    let ticket = Some(&created.id);
    let intent = world.intent(None, Operation::Create(NewTicket { title: String::new(), ..new_ticket() }));
    assert!(connector.find(&world.ctx(), &intent).await.unwrap().is_empty());
    for status in ["waiting", "completed", "duplicate", "working", "open"] {
        apply(ticket, Operation::Transition { status: status.to_owned() }).await;
    }
    let changes = Changes {
        title: Some("Printer out".to_owned()),
        description: Some("It burned.".to_owned()),
        priority: Some("urgent".to_owned()),
        kind: Some("Task".to_owned()),
        fields: [("Labels", "network"), ("Assignees", "grace")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
    };
    apply(ticket, Operation::Update { changes }).await;
    let comment = Operation::Comment { body: "Still warm.".to_owned(), visibility: Visibility::Public };
    let Made::Comment(comment) = apply(ticket, comment).await.subject else { panic!("no comment") };
    apply(ticket, Operation::Edit { comment: comment.clone(), body: "Cold.".to_owned() }).await;
    apply(ticket, Operation::Retract { comment }).await;
    clock.advance(Duration::from_secs(60));
    let page = connector.changes(&world.ctx(), Some(&start)).await.unwrap();
    assert!(page.hints.iter().any(|hint| hint.ticket == created.id));
    connector.fetch(&world.ctx(), &created.id).await.unwrap();

    let requests = world.subject.transport.take();
    requests.iter().map(|request| format!("{} {}", request.method, template(request.url.path()))).collect()
}

fn new_ticket() -> NewTicket {
    NewTicket {
        title: String::new(),
        description: String::new(),
        status: None,
        priority: None,
        kind: None,
        fields: Default::default(),
    }
}

/// Shows that the rules bite: of each operation that can be asked wrongly one wrong request is refused, by Prism and
/// not by the desk behind it.
async fn refuses(between: SocketAddr) {
    for (method, path, wrong) in OPERATIONS {
        let Some((address, body)) = wrong else { continue };
        let url = format!("http://{between}/repos/{OWNER}/{NAME}/{address}").parse().unwrap();
        let mut request = Request {
            method: method.parse().unwrap(),
            url,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::from_static(body.as_bytes()),
            deadline: Duration::MAX,
            urgency: throughline_sdk::Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: 1 << 20,
        };
        request.headers.insert("content-type", "application/json".parse().unwrap());
        request.headers.insert("accept", "application/json".parse().unwrap());
        let answer = SocketTransport::new(Authentication::None).send(request).await.unwrap();
        let said = String::from_utf8_lossy(&answer.body);
        let refused = answer.status.is_client_error() && said.contains("stoplight.io/prism/errors");
        assert!(refused, "{method} {path}: {} {said}", answer.status);
    }
}

/// The path with the names of its variable parts, as the document writes it.
fn template(path: &str) -> String {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let named: Vec<&str> = match parts.as_slice() {
        ["orgs", _, "issue-types"] => vec!["orgs", "{org}", "issue-types"],
        ["repos", _, _, rest @ ..] => {
            let mut named = vec!["repos", "{owner}", "{repo}"];
            named.extend(match rest {
                ["labels", _] => vec!["labels", "{name}"],
                ["issues", "comments", _] => vec!["issues", "comments", "{comment_id}"],
                ["issues", _, "labels", _] => vec!["issues", "{issue_number}", "labels", "{name}"],
                ["issues", _, what] => vec!["issues", "{issue_number}", what],
                ["issues", _] => vec!["issues", "{issue_number}"],
                other => other.to_vec(),
            });
            named
        }
        other => other.to_vec(),
    };
    format!("/{}", named.join("/"))
}

/// Sends what the desk does not answer whole to the Prism that has no desk behind it.
#[derive(Debug)]
struct Divided {
    between: SocketAddr,
    alone: SocketAddr,
}

impl Transport for Divided {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let whole =
                !request.url.path().starts_with("/repos/") || request.url.path().matches('/').count() == 3;
            let to = if whole { self.alone } else { self.between };
            request.url.set_port(Some(to.port())).unwrap();
            if whole {
                // The media type that GitHub's prose asks for does not stand in its document, and Prism has no other.
                request.headers.insert("accept", "application/json".parse().unwrap());
            }
            let answer = SocketTransport::new(Authentication::None).send(request).await?;
            // The document's own examples break its rules, so here Prism only notes what is wrong.
            let noted =
                answer.headers.get("sl-violations").and_then(|noted| noted.to_str().ok()).unwrap_or_default();
            let noted: Vec<Value> = serde_json::from_str(noted).unwrap_or_default();
            let wrong = noted.iter().find(|one| !whole || one["location"][0] == "request");
            let said = String::from_utf8_lossy(&answer.body);
            assert!(
                wrong.is_none() && !said.contains("stoplight.io/prism/errors"),
                "{} {wrong:?} {said}",
                answer.status
            );
            Ok(answer)
        })
    }
}

/// The operations that the connector uses, cut out of the published document with all that they refer to.
fn document(installed: &Path) -> PathBuf {
    let whole = installed.join("node_modules/@octokit/openapi/generated/api.github.com.json");
    let whole: Value = serde_json::from_slice(&fs::read(whole).unwrap()).unwrap();
    let mut paths = Map::new();
    for (method, path, _) in OPERATIONS {
        let operation = &whole["paths"][*path][method.to_lowercase()];
        assert!(operation.is_object(), "the document has {method} {path}");
        let entry = paths.entry(*path).or_insert_with(|| json!({}));
        entry[method.to_lowercase()] = operation.clone();
    }
    let mut cut =
        json!({"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": {}});
    let mut wanted = Vec::new();
    references(&cut, &mut wanted);
    while let Some(reference) = wanted.pop() {
        let parts: Vec<&str> = reference.trim_start_matches("#/components/").split('/').collect();
        let [room, name] = parts.as_slice() else { panic!("{reference}") };
        if cut["components"][*room][*name].is_null() {
            let part = whole["components"][*room][*name].clone();
            references(&part, &mut wanted);
            cut["components"][*room][*name] = part;
        }
    }
    // Where `nullable` stands without a type, Prism leaves the whole body unchecked and says nothing.
    typed(&mut cut);
    let file = std::env::temp_dir().join(format!("throughline-github-{}.json", std::process::id()));
    fs::write(&file, cut.to_string()).unwrap();
    file
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.push(reference.clone());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(members) => members.iter().for_each(|member| references(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn typed(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if !members.contains_key("type") && members.get("nullable") == Some(&Value::Bool(true)) {
                members.remove("nullable");
            }
            members.values_mut().for_each(typed);
        }
        Value::Array(members) => members.iter_mut().for_each(typed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
