//! Text that is too long, text for staff, and text that people work on.

use serde_json::json;
use throughline_sdk::{Changes, ErrorKind, NewTicket, Operation, RemoteId, Subject, TookEffect, Visibility};

use crate::subject::{Stand, stand};

fn long() -> String {
    (0..900).map(|n| format!("word {n}")).collect::<Vec<_>>().join("\n")
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

fn described(description: &str) -> Operation {
    let description = Some(description.to_owned());
    Operation::Update { changes: Changes { description, ..Changes::default() } }
}

fn column(stand: &Stand, ticket: &RemoteId, column: &str) -> String {
    stand.desk.lock().cases[ticket.as_str()].columns[column].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_long_description_is_cut_where_people_see_it_and_read_whole() {
    let stand = stand(&[]);
    let ticket = created(&stand, "Long", &long()).await;
    let shown = column(&stand, &ticket, "description");
    assert!(shown.encode_utf16().count() <= 2000);
    let line = shown.lines().find(|line| line.starts_with("[\u{2026} ")).unwrap();
    assert!(line.contains("more characters in the attached file description-"), "{line}");
    let read = stand.fetch(&ticket).await;
    assert_eq!(read.description, long());
    assert!(read.files.is_empty() && read.comments.is_empty(), "the file is a part of the description");
    // A person corrects the part that shows: the rest is still there, and so is the marker.
    let corrected = shown.replacen("word 0", "WORD 0", 1);
    stand.desk.change(ticket.as_str(), &json!({ "description": corrected }));
    let again = stand.fetch(&ticket).await;
    assert_eq!(again.description, long().replacen("word 0", "WORD 0", 1));
    assert_eq!(again.marker, read.marker);
    assert!(again.marker.is_some());
}

#[tokio::test]
async fn a_new_long_description_leaves_one_file() {
    let stand = stand(&[]);
    let ticket = created(&stand, "Long", &long()).await;
    let other = long().replace("word", "term");
    stand.apply(Some(&ticket), described(&other), None).await.unwrap();
    assert_eq!(stand.fetch(&ticket).await.description, other);
    assert_eq!(stand.desk.lock().notes.len(), 1);
    stand.apply(Some(&ticket), described("short"), None).await.unwrap();
    assert_eq!(stand.fetch(&ticket).await.description, "short");
    assert!(stand.desk.lock().notes.is_empty());
}

#[tokio::test]
async fn a_long_description_is_refused_where_the_operator_wants_that() {
    let stand = stand(&[("long_text", "refuse".into())]);
    let ticket = RemoteId::new(stand.desk.create("Short"));
    stand.asked();
    let error = stand.apply(Some(&ticket), described(&long()), None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert!(error.message().contains("max_description"), "{error}");
    assert_eq!(stand.writes(), 0);
}

#[tokio::test]
async fn a_long_title_is_cut_in_a_new_case_and_refused_in_a_change() {
    let stand = stand(&[]);
    let title = "\u{1f680} long ".repeat(60);
    let ticket = created(&stand, &title, "text").await;
    let held = column(&stand, &ticket, "title");
    assert!(held.ends_with('\u{2026}') && held.encode_utf16().count() <= 200, "{held}");
    let changes = Changes { title: Some(title), ..Changes::default() };
    let error = stand.apply(Some(&ticket), Operation::Update { changes }, None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
}

#[tokio::test]
async fn staff_never_speak_through_the_portal() {
    let stand = stand(&[]);
    let ticket = RemoteId::new(stand.desk.create("Private"));
    stand.asked();
    let body = "they write \\*web\\* in front of it".to_owned();
    let comment = Operation::Comment { body, visibility: Visibility::Internal };
    let error = stand.apply(Some(&ticket), comment, None).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert_eq!(stand.writes(), 0);
}

#[tokio::test]
async fn the_marker_of_a_note_stands_where_no_portal_shows_it() {
    let stand = stand(&[]);
    let ticket = RemoteId::new(stand.desk.create("Marked"));
    let comment = Operation::Comment { body: "hello".to_owned(), visibility: Visibility::Public };
    stand.apply(Some(&ticket), comment, None).await.unwrap();
    let note = stand.desk.lock().notes.values().next().unwrap().columns.clone();
    assert!(!note["notetext"].as_str().unwrap().contains("tl-"));
    assert!(note["subject"].as_str().unwrap().starts_with("[tl-"));
    let read = stand.fetch(&ticket).await;
    assert!(read.comments[0].marker.is_some() && read.comments[0].body == "hello");
}

#[tokio::test]
async fn an_edit_goes_over_nothing_and_keeps_for_whom_it_is() {
    let stand = stand(&[]);
    let ticket = RemoteId::new(stand.desk.create("Edited"));
    for visibility in [Visibility::Public, Visibility::Internal] {
        let comment = Operation::Comment { body: "first".to_owned(), visibility };
        let effect = stand.apply(Some(&ticket), comment, None).await.unwrap();
        let Subject::Comment(id) = effect.subject else { panic!("{:?}", effect.subject) };
        let edit = Operation::Edit { comment: id.clone(), body: "second".to_owned() };
        stand.apply(Some(&ticket), edit.clone(), None).await.unwrap();
        let read = stand.fetch(&ticket).await;
        let comment = read.comments.iter().find(|comment| comment.id == id).unwrap();
        assert_eq!((comment.body.as_str(), comment.visibility), ("second", visibility));
        stand.desk.delete("annotation", id.as_str());
        let error = stand.apply(Some(&ticket), edit, None).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    }
}
