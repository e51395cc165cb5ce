//! Each operation once as the connector makes it, and once as it must not be.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use throughline_sdk::http::Request;
use throughline_sdk::{Changes, Cursor, Digest, Operation, Visibility};
use throughline_testkit::Prism;
use throughline_testkit::conformance::Subject;
use throughline_testkit::prism::folder;

use crate::desk::{Desk, SUBSCRIPTION};
use crate::subject::{ctx, intent, raise, say};
use crate::witness::subject_on;

async fn everything(desk: &Desk, subject: &Subject) {
    let connector = &subject.connector;
    connector.probe(&ctx(subject)).await.unwrap();
    let cursor = connector.changes(&ctx(subject), None).await.unwrap().next;
    let theirs = subject.hand.create("Theirs").await;
    subject.clock.sleep(Duration::from_millis(5100)).await;
    let page = connector.changes(&ctx(subject), Some(&cursor)).await.unwrap();
    assert_eq!(page.hints.len(), 1);
    // Told long enough, it is asked for messages.
    let cold = Cursor::new(strip_hot(page.next.as_str()));
    connector.changes(&ctx(subject), Some(&cold)).await.unwrap();
    connector.apply(&ctx(subject), &raise(1, subject)).await.unwrap();
    let mut classified = raise(2, subject);
    if let Operation::Create(ticket) = &mut classified.operation {
        ticket.kind = Some("Anything".to_owned());
        "I want a refund".clone_into(&mut ticket.description);
        ticket.priority = Some("critical".to_owned());
        ticket.fields = [
            ("Resource".to_owned(), "/subscriptions/s/resourceGroups/g/providers/p/t/n".to_owned()),
            ("Problem start".to_owned(), "2026-01-01T08:00:00Z".to_owned()),
        ]
        .into();
    }
    connector.apply(&ctx(subject), &classified).await.unwrap();
    connector.apply(&ctx(subject), &say(3, &theirs, "hello")).await.unwrap();
    desk.state().tickets.get_mut(theirs.as_str()).unwrap().chat =
        Some(json!({ "name": "c", "properties": { "messages": [] } }));
    connector.fetch(&ctx(subject), &theirs).await.unwrap();
    let changes = Changes { priority: Some("moderate".to_owned()), ..Changes::default() };
    connector.apply(&ctx(subject), &intent(4, Some(&theirs), Operation::Update { changes })).await.unwrap();
    let close = Operation::Transition { status: "Closed".to_owned() };
    connector.apply(&ctx(subject), &intent(5, Some(&theirs), close)).await.unwrap();
    let (ctx_with_file, digest) = with_file(subject).await;
    let attach = |number| intent(number, Some(&theirs), attach(&digest));
    connector.apply(&ctx_with_file, &attach(6)).await.unwrap();
    // Once more: it was announced already, and is read to be sure.
    connector.apply(&ctx_with_file, &attach(6)).await.unwrap();
    // A name that is taken is asked about.
    desk.state().work = Some(Duration::from_secs(4));
    let (one, two) = (say(7, &theirs, "twice"), raise(8, subject));
    for intent in [one, two] {
        let (first, second) = (ctx(subject), ctx(subject));
        let both = [connector.apply(&first, &intent), connector.apply(&second, &intent)];
        for outcome in futures::future::join_all(both).await {
            outcome.unwrap();
        }
    }
}

async fn with_file(subject: &Subject) -> (throughline_sdk::Ctx, Digest) {
    let ctx = ctx(subject);
    let digest = ctx.blobs.write(Bytes::from_static(b"text")).await.unwrap();
    (ctx, digest)
}

fn attach(digest: &Digest) -> Operation {
    Operation::Attach {
        name: "log \u{fc}.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        size: 4,
        digest: digest.clone(),
        visibility: Visibility::Public,
    }
}

/// The cursor as it will be when nothing is told again any more.
fn strip_hot(cursor: &str) -> String {
    let mut value: Value = serde_json::from_str(cursor).unwrap();
    for ticket in value["tickets"].as_object_mut().unwrap().values_mut() {
        ticket.as_object_mut().unwrap().remove("h");
    }
    value.to_string()
}

async fn prism() -> Prism {
    let document = "azure-support/2026-06-01/support.bundled.open-enums.json";
    let document = folder("THROUGHLINE_SPECS").unwrap().join(document);
    Prism::judging(&folder("THROUGHLINE_PRISM").unwrap(), &document).await.unwrap()
}

#[tokio::test]
#[ignore = "needs Prism: see the module's documentation"]
async fn every_request_is_what_the_specification_allows() {
    let prism = Arc::new(prism().await);
    for tenant in [false, true] {
        let scope = if tenant { Value::Null } else { SUBSCRIPTION.into() };
        let more = [
            ("classify", true.into()),
            ("secondary_consent", true.into()),
            ("around_the_clock", true.into()),
            ("support_plan_id", "plan".into()),
            ("contact_additional_emails", json!(["ops@contoso.example"])),
            ("subscription", scope),
        ];
        let (desk, subject, witness) = subject_on(&prism, tenant, &more);
        everything(&desk, &subject).await;
        let seen: Vec<String> = witness.seen.lock().unwrap().iter().cloned().collect();
        assert_eq!(
            seen,
            [
                "GET fileWorkspaces/*/files/*",
                "GET services/*/problemClassifications/*",
                "GET supportTickets",
                "GET supportTickets/*",
                "GET supportTickets/*/chatTranscripts",
                "GET supportTickets/*/communications",
                "GET supportTickets/*/communications/*",
                "PATCH supportTickets/*",
                "POST checkNameAvailability",
                "POST classifyServices",
                "POST fileWorkspaces/*/files/*/upload",
                "POST services/*/classifyProblems",
                "POST supportTickets/*/checkNameAvailability",
                "PUT fileWorkspaces/*/files/*",
                "PUT supportTickets/*",
                "PUT supportTickets/*/communications/*",
            ],
            "each operation was made"
        );
    }
}

/// Prism skips a schema that it does not understand, so each operation is seen to refuse something.
#[tokio::test]
#[ignore = "needs Prism: see the module's documentation"]
async fn a_bad_request_of_each_operation_is_refused() {
    let prism = prism().await;
    let asked = |method: &str, path: &str, query: &str, body: Option<Value>| {
        let base = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Support/{path}");
        let path = if path.starts_with("services") && method == "GET" {
            format!("/providers/Microsoft.Support/{path}")
        } else {
            base
        };
        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::AUTHORIZATION, "Bearer x".parse().unwrap());
        headers.insert(http::header::CONTENT_TYPE, "application/json".parse().unwrap());
        Request {
            method: method.parse().unwrap(),
            url: format!("http://{}{path}?{query}", prism.address()).parse().unwrap(),
            headers,
            body: body.map(|body| body.to_string().into()).unwrap_or_default(),
            deadline: Duration::from_secs(60),
            urgency: throughline_sdk::Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: 1 << 20,
        }
    };
    let version = "api-version=2026-06-01";
    let contact = json!({ "firstName": "A", "lastName": "B", "preferredContactMethod": "email",
        "primaryEmailAddress": "a@b.c", "preferredTimeZone": "UTC", "country": "DEU" });
    let ticket = json!({ "properties": { "title": "t", "description": "d", "severity": "minimal", "serviceId": "s",
        "problemClassificationId": "p", "advancedDiagnosticConsent": "No", "contactDetails": contact } });
    let cases = [
        ("GET", "supportTickets", "api-version=2026-06-01&%24top=many", None),
        ("GET", "supportTickets/t", "", None),
        ("GET", "supportTickets/t/communications", "api-version=2026-06-01&%24top=x", None),
        ("GET", "supportTickets/t/communications/c", "", None),
        ("GET", "supportTickets/t/chatTranscripts", "", None),
        ("GET", "services/s/problemClassifications/p", "", None),
        ("GET", "fileWorkspaces/w/files/f", "", None),
        ("PUT", "supportTickets/t", version, Some(ticket)),
        (
            "PUT",
            "supportTickets/t/communications/c",
            version,
            Some(json!({ "properties": { "subject": "s" } })),
        ),
        ("PUT", "fileWorkspaces/w/files/f", version, Some(json!({ "properties": { "fileSize": "much" } }))),
        ("PATCH", "supportTickets/t", version, Some(json!({ "status": 1 }))),
        (
            "POST",
            "checkNameAvailability",
            version,
            Some(json!({ "name": "n", "type": "Microsoft.Support/files" })),
        ),
        ("POST", "supportTickets/t/checkNameAvailability", version, Some(json!({ "name": "n" }))),
        ("POST", "classifyServices", version, Some(json!({ "issueSummary": 1 }))),
        ("POST", "services/s/classifyProblems", version, Some(json!({ "resourceId": "r" }))),
        (
            "POST",
            "fileWorkspaces/w/files/f/upload",
            version,
            Some(json!({ "content": "eA==", "chunkIndex": "first" })),
        ),
    ];
    for (method, path, query, body) in cases {
        let (status, words) = prism.judge(asked(method, path, query, body)).await.unwrap();
        // Neither 404 for a path it does not know nor 401.
        assert!([400, 422].contains(&status), "{method} {path} was answered {status}: {words}");
    }
}
