//! What only ServiceNow has: rules that refuse, access that drops silently, journals, import sets.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use throughline_sdk::http::{Limits, Reach, plane};
use throughline_sdk::{
    Changes, Ctx, ErrorKind, NewTicket, Operation, Reference, RemoteId, Subject, TookEffect, Visibility,
};
use throughline_testkit::{RouterTransport, SeededEntropy};

use crate::desk::Access;
use crate::subject::{Stand, built, stand};

fn raised(stand: &Stand) -> RemoteId {
    RemoteId::new(stand.desk.create("Printer"))
}

fn to(status: &str) -> Operation {
    Operation::Transition { status: status.to_owned() }
}

fn said(body: &str, visibility: Visibility) -> Operation {
    Operation::Comment { body: body.to_owned(), visibility }
}

fn fields(fields: &[(&str, &str)]) -> Operation {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Operation::Update { changes: Changes { fields, ..Changes::default() } }
}

fn described(description: &str) -> Operation {
    let description = Some(description.to_owned());
    Operation::Update { changes: Changes { description, ..Changes::default() } }
}

async fn created(stand: &Stand, title: &str, description: &str) -> RemoteId {
    let new = NewTicket {
        title: title.to_owned(),
        description: description.to_owned(),
        ..stand.subject.new_ticket.clone()
    };
    let effect = stand.apply(None, Operation::Create(new), None).await.unwrap();
    let Subject::Ticket(id) = effect.subject else { panic!("{:?}", effect.subject) };
    id
}

#[tokio::test]
async fn every_status_is_reached_with_what_it_asks_for() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    for status in ["In Progress", "On Hold", "Resolved", "In Progress", "Closed", "Canceled", "New"] {
        let expected = stand.fetch(&ticket).await.version;
        stand.apply(Some(&ticket), to(status), expected).await.unwrap();
        assert_eq!(stand.fetch(&ticket).await.status, status);
    }
    assert_eq!(stand.desk.field(ticket.as_str(), "close_notes"), "Resolved by the partner.");
    assert_eq!(stand.desk.field(ticket.as_str(), "hold_reason"), "4");
    // What a person wrote there stays.
    let other = raised(&stand);
    stand.desk.change(other.as_str(), &[("close_notes", "Replaced the drum.")]);
    stand.apply(Some(&other), to("Resolved"), None).await.unwrap();
    assert_eq!(stand.desk.field(other.as_str(), "close_notes"), "Replaced the drum.");
}

#[tokio::test]
async fn a_policy_names_the_fields_it_misses() {
    let stand = stand(&[("close_code", json!(null)), ("close_notes", json!(null))]);
    let ticket = raised(&stand);
    let error = stand.apply(Some(&ticket), to("Resolved"), None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert!(error.message().contains("Resolution code, Resolution notes"), "{error}");
}

#[tokio::test]
async fn what_access_rules_drop_is_told_by_name() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    stand.desk.lock().closed_fields = vec!["u_serial_number", "state", "correlation_display"];
    for (operation, name) in [
        (fields(&[("Serial number", "C-3")]), "Serial number"),
        (to("In Progress"), "status"),
        (Operation::LinkBack(Reference::new("TL-7", None)), "correlation_display"),
    ] {
        let error = stand.apply(Some(&ticket), operation, None).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
        assert!(error.message().contains(name), "{error}");
    }
    // Half of it.
    let both = fields(&[("Serial number", "C-3"), ("Contact type", "Email")]);
    let error = stand.apply(Some(&ticket), both, None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::Unknown));
}

#[tokio::test]
async fn a_link_that_was_cut_is_no_success() {
    let stand = stand(&[("link_chars", json!(500))]);
    let ticket = raised(&stand);
    let url = Some(format!("https://desk.example/{}", "x".repeat(100)));
    let error = stand
        .apply(Some(&ticket), Operation::LinkBack(Reference::new("TL-7".to_owned(), url)), None)
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::Unknown));
}

#[tokio::test]
async fn a_comment_that_nobody_would_see_back_is_no_success() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    stand.desk.lock().closed_fields = vec!["comments"];
    let error = stand.apply(Some(&ticket), said("hello", Visibility::Public), None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
}

#[tokio::test]
async fn a_closed_journal_is_told_and_not_taken_for_empty() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    stand.desk.change(ticket.as_str(), &[("comments", "hello")]);
    for access in [Access::None, Access::Forbidden] {
        stand.desk.lock().journal_access = access;
        let error = stand.subject.connector.fetch(&stand.ctx(), &ticket).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{access:?}: {error}");
        assert!(error.message().contains("sys_journal_field"), "{error}");
    }
    let error = stand.subject.connector.probe(&stand.ctx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

#[tokio::test]
async fn a_tag_in_a_comment_does_not_act() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    let body = "see [code]\\<script>alert(1)\\</script>[/code]";
    stand.apply(Some(&ticket), said(body, Visibility::Public), None).await.unwrap();
    let held = stand.desk.lock().journal[0]["value"].clone();
    assert!(!held.contains("[code]") && !held.contains("[/code]"), "{held}");
    assert_eq!(stand.fetch(&ticket).await.comments[0].body, body);
}

#[tokio::test]
async fn a_comment_that_is_too_long_is_not_sent() {
    let stand = stand(&[("max_comment", json!(100))]);
    let ticket = raised(&stand);
    stand.writes();
    let error =
        stand.apply(Some(&ticket), said(&"word ".repeat(30), Visibility::Public), None).await.unwrap_err();
    assert_eq!((error.kind(), stand.writes()), (ErrorKind::Rejected, 0));
}

#[tokio::test]
async fn a_long_description_is_cut_where_people_see_it_and_read_whole() {
    let stand = stand(&[]);
    let text = |word: &str| (0..900).map(|n| format!("{word} {n}")).collect::<Vec<_>>().join("\n");
    let ticket = created(&stand, "Long", &text("word")).await;
    let shown = stand.desk.field(ticket.as_str(), "description");
    assert!(
        shown.chars().count() <= 4000 && shown.contains("more characters in the attached file description-")
    );
    let read = stand.fetch(&ticket).await;
    assert_eq!(read.description, text("word"));
    assert!(read.files.is_empty(), "the file is a part of the description");
    stand.desk.change(ticket.as_str(), &[("description", &shown.replacen("word 0", "WORD 0", 1))]);
    assert_eq!(stand.fetch(&ticket).await.description, text("word").replacen("word 0", "WORD 0", 1));
    stand.apply(Some(&ticket), described(&text("term")), None).await.unwrap();
    assert_eq!(stand.fetch(&ticket).await.description, text("term"));
    assert_eq!(stand.desk.lock().files.len(), 1);
    stand.apply(Some(&ticket), described("short"), None).await.unwrap();
    assert!(stand.fetch(&ticket).await.description == "short" && stand.desk.lock().files.is_empty());
}

#[tokio::test]
async fn a_long_text_is_never_cut_silently() {
    let stand = stand(&[("long_text", "refuse".into())]);
    let title = "\u{1f680} long ".repeat(60);
    let ticket = created(&stand, &title, "text").await;
    let held = stand.desk.field(ticket.as_str(), "short_description");
    assert!(held.ends_with('\u{2026}') && held.encode_utf16().count() <= 160, "{held}");
    stand.writes();
    let changes = Changes { title: Some(title), ..Changes::default() };
    for operation in [Operation::Update { changes }, described(&"word ".repeat(1000))] {
        let error = stand.apply(Some(&ticket), operation, None).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    }
    assert_eq!(stand.writes(), 0);
}

#[tokio::test]
async fn a_new_record_has_what_the_operator_gives_every_one() {
    for import_table in [json!(null), json!("u_throughline_incident")] {
        let stand = stand(&[("import_table", import_table)]);
        let ticket = created(&stand, "New", "text").await;
        assert_eq!(stand.desk.field(ticket.as_str(), "assignment_group"), "287ebd7da9fe198100f92cc8d1d2154e");
        let read = stand.fetch(&ticket).await;
        assert_eq!((read.priority.as_deref(), read.kind.as_deref()), (Some("2 - High"), Some("Software")));
    }
}

#[tokio::test]
async fn a_record_created_closed_goes_through_what_closing_asks_for() {
    let stand = stand(&[]);
    let status = Some("Resolved".to_owned());
    let new = NewTicket { title: "Closed".to_owned(), status, ..stand.subject.new_ticket.clone() };
    let effect = stand.apply(None, Operation::Create(new), None).await.unwrap();
    assert_eq!(effect.read_back.unwrap().status, "Resolved");
}

#[tokio::test]
async fn a_refusal_of_the_transform_map_is_no_record() {
    let stand = stand(&[("import_table", "u_throughline_incident".into()), ("hold_reason", json!(null))]);
    let status = Some("On Hold".to_owned());
    let new = NewTicket { title: "Held".to_owned(), status, ..stand.subject.new_ticket.clone() };
    let error = stand.apply(None, Operation::Create(new), None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert!(stand.desk.lock().records.is_empty());
}

#[tokio::test]
async fn a_file_is_found_by_its_content_also_where_no_hash_is_stated() {
    for hashes in [true, false] {
        let stand = stand(&[]);
        stand.desk.lock().hashes = hashes;
        let ticket = raised(&stand);
        stand.desk.attach(ticket.as_str(), "log.txt", b"theirs");
        let attach = |bytes: &'static [u8]| Operation::Attach {
            name: "log.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            size: 6,
            digest: stand.blobs.put(Bytes::from_static(bytes)),
            visibility: Visibility::Public,
        };
        let find = async |operation| {
            let intent = Stand::intent(Some(&ticket), operation, None);
            stand.subject.connector.find(&stand.ctx(), &intent).await.unwrap()
        };
        assert_eq!(find(attach(b"ours, ")).await, []);
        let made = stand.apply(Some(&ticket), attach(b"ours, "), None).await.unwrap().subject;
        let found = find(attach(b"ours, ")).await;
        assert_eq!(found.iter().map(|found| &found.subject).collect::<Vec<_>>(), [&made]);
    }
}

#[tokio::test]
async fn a_marker_is_not_found_in_what_a_query_left_out() {
    let stand = stand(&[]);
    raised(&stand);
    stand.desk.lock().confused = true;
    let new = Operation::Create(stand.subject.new_ticket.clone());
    let found = stand.subject.connector.find(&stand.ctx(), &Stand::intent(None, new, None)).await.unwrap();
    assert_eq!(found, []);
}

#[tokio::test]
async fn requests_are_tickets_by_configuration() {
    let settings = [
        ("table", json!("sc_request")),
        ("state_field", json!("request_state")),
        ("priority_from", json!("priority")),
    ];
    let stand = stand(&settings);
    stand.desk.lock().table = "sc_request";
    let ticket = raised(&stand);
    let read = stand.fetch(&ticket).await;
    assert_eq!((read.status.as_str(), read.kind), ("Pending Approval", None));
    stand.apply(Some(&ticket), to("Closed Complete"), None).await.unwrap();
    let words = stand.subject.connector.describe(&stand.ctx()).await.unwrap();
    let closed: Vec<&str> =
        words.statuses.iter().filter(|status| status.closed).map(|status| status.word.as_str()).collect();
    assert_eq!(closed, ["Closed Complete"]);
    // Here ServiceNow works the priority out all the same, so that writing it does nothing.
    let priority = Some("1 - Critical".to_owned());
    let changes = Changes { priority, ..Changes::default() };
    let error = stand.apply(Some(&ticket), Operation::Update { changes }, None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
}

#[tokio::test]
async fn a_stale_plan_is_a_conflict_before_anything_is_sent() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    let expected = stand.fetch(&ticket).await.version;
    stand.desk.attach(ticket.as_str(), "log.txt", b"a file moves no record");
    stand.apply(Some(&ticket), to("In Progress"), expected.clone()).await.unwrap();
    stand.writes();
    let error = stand.apply(Some(&ticket), to("On Hold"), expected).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect(), stand.writes()), (ErrorKind::Conflict, TookEffect::No, 0));
}

#[tokio::test]
async fn words_are_those_of_the_instance_of_today() {
    let stand = stand(&[]);
    let ticket = raised(&stand);
    for row in &mut stand.desk.lock().choices {
        if row["element"] == "state" && row["value"] == "2" && row["language"] == "en" {
            row.insert("label".to_owned(), "Being worked on".to_owned());
        }
    }
    stand.apply(Some(&ticket), to("Being worked on"), None).await.unwrap();
    assert_eq!(stand.fetch(&ticket).await.status, "Being worked on");
    let words = stand.subject.connector.describe(&stand.ctx()).await.unwrap();
    let labels: Vec<&str> = words.statuses.iter().map(|status| status.word.as_str()).collect();
    assert_eq!(labels, ["New", "Being worked on", "On Hold", "Resolved", "Closed", "Canceled"]);
    assert_eq!(words.priorities[0].word, "5 - Planning");
    stand.desk.lock().choices.clear();
    let error = stand.subject.connector.describe(&stand.ctx()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Misconfigured && error.message().contains("sys_choice"), "{error}");
}

#[tokio::test]
async fn client_credentials_open_the_instance() {
    let stand = stand(&[]);
    let built = built(&[("authentication", json!("oauth")), ("account", json!("app-1"))]);
    let base = Arc::new(RouterTransport(stand.desk.router()));
    let limits = Limits { per_second: None, burst: 1, concurrency: 4 };
    let clock = Arc::clone(&stand.subject.clock);
    let entropy = Arc::new(SeededEntropy::new(1));
    let reach = Reach { address: &built.address, further: &built.further };
    let http = plane(base, reach, built.authentication, limits, clock, entropy);
    let identity = built.connector.probe(&Ctx { http, ..stand.ctx() }).await.unwrap();
    assert_eq!(identity.account, "Throughline (throughline)");
    assert_eq!(identity.time, Some(stand.subject.clock.now()));
}
