//! States, versions, sight and credentials: what a case may become, and what is refused before anything is sent.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use throughline_sdk::http::{Limits, Reach, Request, Response, Transport, plane};
use throughline_sdk::{Changes, Ctx, ErrorKind, Operation, Reference, RemoteId, Result, TookEffect, Version};
use throughline_testkit::{RouterTransport, SeededEntropy};

use crate::desk::Desk;
use crate::subject::{Stand, built, stand};

fn to(status: &str) -> Operation {
    Operation::Transition { status: status.to_owned() }
}

fn titled(title: &str) -> Operation {
    Operation::Update { changes: Changes { title: Some(title.to_owned()), ..Changes::default() } }
}

fn raised(stand: &Stand) -> RemoteId {
    RemoteId::new(stand.desk.create("Printer"))
}

async fn version(stand: &Stand, ticket: &RemoteId) -> Option<Version> {
    stand.fetch(ticket).await.version
}

#[tokio::test]
async fn every_status_is_reached_from_every_other() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    let order = [
        "Problem Solved",
        "Information Provided",
        "Cancelled",
        "On Hold",
        "Cancelled",
        "Problem Solved",
        "Researching",
    ];
    for status in order {
        let expected = version(&stand, &ticket).await;
        let effect = stand.apply(Some(&ticket), to(status), expected).await.unwrap();
        assert_eq!(effect.read_back.unwrap().status, status);
    }
    let resolution = stand.desk.lock().cases[ticket.as_str()].columns["resolution"].clone();
    assert_eq!(resolution, "Resolved by the partner");
}

#[tokio::test]
async fn a_closed_case_is_not_written_into_but_takes_notes() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    stand.desk.set_status(ticket.as_str(), "Problem Solved");
    stand.asked();
    let link = Operation::LinkBack(Reference::new("TL-1", None));
    for operation in [titled("New"), link] {
        let error = stand.apply(Some(&ticket), operation, None).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
        assert!(error.message().contains("read-only"), "{error}");
    }
    assert_eq!(stand.writes(), 0);
    let body = "late news".to_owned();
    let comment = Operation::Comment { body, visibility: throughline_sdk::Visibility::Public };
    assert!(stand.apply(Some(&ticket), comment, None).await.is_ok());
}

#[tokio::test]
async fn merging_is_left_to_people() {
    let stand = stand(&[]);
    let (ticket, master) = (raised(&stand), raised(&stand));
    stand.asked();
    let error = stand.apply(Some(&ticket), to("Merged"), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let merged = json!({ "statecode": 2, "statuscode": 2000, "masterid": master.as_str() });
    stand.desk.change(ticket.as_str(), &merged);
    let error = stand.apply(Some(&ticket), to("On Hold"), None).await.unwrap_err();
    assert_eq!((error.kind(), stand.writes()), (ErrorKind::Rejected, 0));
    assert_eq!(stand.fetch(&ticket).await.id, master);
}

#[tokio::test]
async fn two_that_were_merged_into_one_another_end() {
    let stand = stand(&[]);
    let (one, other) = (raised(&stand), raised(&stand));
    for (case, into) in [(&one, &other), (&other, &one)] {
        let merged = json!({ "statecode": 2, "statuscode": 2000, "masterid": into.as_str() });
        stand.desk.change(case.as_str(), &merged);
    }
    let error = stand.subject.connector.fetch(&stand.ctx(), &one).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Moved);
}

#[tokio::test]
async fn nothing_goes_over_what_was_written_in_the_same_moment() {
    for (operation, refused) in [
        (titled("Ours"), false),
        (to("On Hold"), false),
        (to("Problem Solved"), false),
        (to("Cancelled"), false),
        (Operation::LinkBack(Reference::new("TL-1", None)), false),
        // Somebody else resolved it just before.
        (to("Problem Solved"), true),
    ] {
        let stand = stand(&[]);
        let ticket = raised(&stand);
        let expected = version(&stand, &ticket).await;
        let theirs = move |desk: &Desk, case: &str| match refused {
            true => desk.set_status(case, "Information Provided"),
            false => desk.change(case, &json!({ "title": "Theirs" })),
        };
        let inner = Arc::clone(&stand.subject.http);
        let http = Arc::new(Meanwhile {
            inner,
            desk: stand.desk.clone(),
            case: ticket.clone(),
            theirs: Box::new(theirs),
        });
        let mut intent = intent(&ticket, operation.clone());
        intent.expected = expected;
        let error = stand.subject.connector.apply(&Ctx { http, ..stand.ctx() }, &intent).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.took_effect()),
            (ErrorKind::Conflict, TookEffect::No),
            "{operation:?}: {error}"
        );
        let held = stand.fetch(&ticket).await;
        match refused {
            true => assert_eq!(held.status, "Information Provided"),
            false => assert_eq!(
                (held.title.as_str(), held.status.as_str()),
                ("Theirs", "In Progress"),
                "{operation:?}"
            ),
        }
    }
}

#[tokio::test]
async fn a_note_between_plan_and_write_is_no_conflict() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    let expected = version(&stand, &ticket).await;
    stand.desk.note(ticket.as_str(), &json!({ "notetext": "<div><p>seen</p></div>" }));
    assert_ne!(version(&stand, &ticket).await, expected, "a note is a visible change");
    assert!(stand.apply(Some(&ticket), titled("New"), expected).await.is_ok());
}

#[tokio::test]
async fn a_case_that_was_deleted_does_not_come_back() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    let inner = Arc::clone(&stand.subject.http);
    let theirs = Box::new(|desk: &Desk, case: &str| desk.delete("incident", case));
    let http = Arc::new(Meanwhile { inner, desk: stand.desk.clone(), case: ticket.clone(), theirs });
    let ctx = Ctx { http, ..stand.ctx() };
    let error = stand.subject.connector.apply(&ctx, &intent(&ticket, titled("New"))).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::NotFound, TookEffect::No));
    assert!(stand.desk.lock().cases.is_empty());
}

#[tokio::test]
async fn one_case_out_of_sight_is_not_the_whole_system() {
    let stand = stand(&[]);
    let (ticket, _other) = (raised(&stand), raised(&stand));
    stand.desk.lock().hidden.push(ticket.as_str().to_owned());
    let error = stand.subject.connector.fetch(&stand.ctx(), &ticket).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn words_are_those_of_the_organization_of_today() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    stand.desk.lock().statuses[1].2 = "Zur\u{fc}ckgestellt";
    stand.apply(Some(&ticket), to("Zur\u{fc}ckgestellt"), None).await.unwrap();
    assert_eq!(stand.fetch(&ticket).await.status, "Zur\u{fc}ckgestellt");
    let words = stand.subject.connector.describe(&stand.ctx()).await.unwrap();
    let closed: Vec<&str> =
        words.statuses.iter().filter(|status| status.closed).map(|status| status.word.as_str()).collect();
    assert_eq!(closed, ["Problem Solved", "Information Provided", "Cancelled", "Merged"]);
    let priorities: Vec<&str> = words.priorities.iter().map(|priority| priority.word.as_str()).collect();
    assert_eq!(priorities, ["Low", "Normal", "High"]);
    // Two of one name: neither is guessed.
    stand.desk.lock().statuses[2].2 = "Zur\u{fc}ckgestellt";
    stand.desk.set_status(ticket.as_str(), "In Progress");
    let error = stand.apply(Some(&ticket), to("Zur\u{fc}ckgestellt"), None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
}

#[tokio::test]
async fn a_field_takes_only_what_its_column_takes() {
    let stand =
        stand(&[("columns", json!({ "Units": "actualserviceunits", "Customer": "_customerid_value" }))]);
    let ticket = raised(&stand);
    stand.asked();
    for (name, value) in [("Units", "many"), ("Customer", "Contoso"), ("Origin", "Pigeon"), ("Unknown", "x")]
    {
        let fields = [(name.to_owned(), value.to_owned())].into();
        let changes = Changes { fields, ..Changes::default() };
        let error = stand.apply(Some(&ticket), Operation::Update { changes }, None).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.took_effect()),
            (ErrorKind::Rejected, TookEffect::No),
            "{name}: {error}"
        );
    }
    assert_eq!(stand.writes(), 0);
}

#[tokio::test]
async fn client_credentials_open_the_environment_and_are_renewed() {
    let stand = stand(&[]);
    let built = built(&[]);
    let base = Arc::new(RouterTransport(stand.desk.router()));
    let limits = Limits { per_second: None, burst: 1, concurrency: 4 };
    let clock = Arc::clone(&stand.subject.clock);
    let entropy = Arc::new(SeededEntropy::new(1));
    let reach = Reach { address: &built.address, further: &built.further };
    let http = plane(base, reach, built.authentication, limits, clock, entropy);
    let ctx = Ctx { http, ..stand.ctx() };
    let identity = built.connector.probe(&ctx).await.unwrap();
    assert_eq!(
        (identity.account.as_str(), identity.product.as_str()),
        ("# Throughline", "Dynamics 365 (Dataverse 9.2.24014.00182)")
    );
    assert_eq!(identity.time, Some(stand.subject.clock.now()));
    assert_eq!(stand.desk.lock().tokens, 1);
    // Revoked before its end.
    stand.desk.lock().issued = Some("another".to_owned());
    built.connector.probe(&ctx).await.unwrap();
    assert_eq!(stand.desk.lock().tokens, 2);
}

#[tokio::test]
async fn a_table_without_change_tracking_is_told_by_name() {
    let stand = stand(&[]);
    stand.desk.lock().untracked.push("annotation");
    let error = stand.subject.connector.probe(&stand.ctx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("annotation"), "{error}");
    let error = stand.subject.connector.changes(&stand.ctx(), None).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("annotation"), "{error}");
}

fn intent(ticket: &RemoteId, operation: Operation) -> throughline_sdk::Intent {
    throughline_sdk::Intent {
        id: throughline_sdk::IntentId::new("meanwhile"),
        ticket: Some(ticket.clone()),
        operation,
        marker: throughline_sdk::Marker::from_hash(&[9; 32]),
        expected: None,
    }
}

type Theirs = Box<dyn Fn(&Desk, &str) + Send + Sync>;

/// Somebody who writes after our last read and before our first write.
struct Meanwhile {
    inner: Arc<dyn Transport>,
    desk: Desk,
    case: RemoteId,
    theirs: Theirs,
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Transport for Meanwhile {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        if !request.is_safe() {
            (self.theirs)(&self.desk, self.case.as_str());
        }
        async move { self.inner.send(request).await }.boxed()
    }
}
