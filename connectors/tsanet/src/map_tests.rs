//! What a request reads as.

use proptest::prelude::*;
use serde_json::{Value, json};
use throughline_markup::normal;

use super::*;
use crate::config::tests::{config, settings};

pub(crate) fn case(more: Value) -> Case {
    let mut case = json!({
        "id": 88, "token": "t0k3n", "summary": "VPN down", "description": "Since noon.", "status": "OPEN",
        "direction": "INBOUND", "priority": "HIGH", "submitCompanyName": "Fabrikam", "receiveCompanyName": "Contoso",
        "createdAt": "2031-05-01T10:00:00.123456789Z", "updatedAt": "2031-05-01T10:00:00.123456789Z",
    });
    let Value::Object(more) = more else { panic!("not an object") };
    case.as_object_mut().unwrap().extend(more);
    serde_json::from_value(case).unwrap()
}

fn read(more: Value) -> Ticket {
    ticket(&RemoteId::new("t0k3n"), &case(more), &config())
}

fn note(more: Value) -> Comment {
    let mut note = json!({"id": 5, "createdAt": "2031-05-01T11:00:00Z", "companyName": "Fabrikam"});
    let Value::Object(more) = more else { panic!("not an object") };
    note.as_object_mut().unwrap().extend(more);
    read(json!({"caseNotes": [note]})).comments.remove(0)
}

#[test]
fn a_request_reads_as_a_ticket() {
    let marker = Marker::from_hash(&[3; 32]);
    let ticket = read(json!({
        "submitterCaseNumber": "F-1", "receiverCaseNumber": marker.as_str(), "respondBy": "2031-05-01T12:00:00Z",
        "submitterContactDetails": {"name": "Ada", "email": "ada@fabrikam.example"},
        "customFields": [{"fieldName": "Product", "value": " Gateway "}, {"fieldName": "Remark", "value": ""}],
        "caseNotes": [{"id": 5, "createdAt": "2031-05-03T11:00:00Z", "summary": "s"}],
    }));
    assert_eq!((ticket.key.as_str(), ticket.title.as_str()), ("88", "VPN down"));
    assert_eq!(ticket.requester.unwrap().name, "Ada (Fabrikam)");
    let fields = [("Partner", "Fabrikam"), ("Product", "Gateway"), ("Respond by", "2031-05-01T12:00:00Z")];
    assert_eq!(ticket.fields, fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(ticket.references, [Reference::new("F-1", None)]);
    assert_eq!(ticket.updated.to_rfc3339(), "2031-05-03T11:00:00+00:00", "a note is a change");
    assert_eq!(ticket.marker, None, "that number is the receiver's");
    let ours = read(json!({"submitterCaseNumber": marker.as_str()}));
    assert_eq!(ours.marker, Some(marker.clone()));
    let numbered =
        read(json!({"submitterCaseNumber": "C-7", "description": format!("text\r\n\r\n[{marker}]")}));
    assert_eq!((numbered.marker, numbered.description.as_str()), (Some(marker), "text"));
}

#[test]
fn a_note_says_its_summary_once() {
    let marker = Marker::from_hash(&[3; 32]);
    for (summary, description, body) in [
        ("<p>Done &amp; dusted</p>", None, "Done & dusted"),
        ("Done", Some("<p>Done</p>"), "Done"),
        ("New log", Some("<p>See<br/>below</p>"), "New log\n\nSee\nbelow"),
        ("typed", Some("two\nlines"), "typed\n\ntwo\nlines"),
        ("Comment", Some(&*format!("<p>ours</p><p>[{marker}]</p>")), "ours"),
    ] {
        let read = note(json!({"summary": summary, "description": description}));
        assert_eq!(read.body, body);
        assert_eq!(read.marker.is_some(), body == "ours");
    }
    assert_eq!(note(json!({"creatorName": "Bo", "summary": "x"})).author.name, "Bo (Fabrikam)");
    assert_eq!(note(json!({"summary": "x"})).author.name, "Fabrikam");
}

#[test]
fn what_is_for_the_two_companies_is_internal_until_an_operator_says_otherwise() {
    let public = Config::read(&settings(&[("partner_notes", json!("public"))])).unwrap();
    for (audience, by_default, if_said) in [
        (Some(FOR_ALL), Visibility::Public, Visibility::Public),
        (Some(FOR_PARTNER), Visibility::Internal, Visibility::Public),
        (Some("NEW_KIND"), Visibility::Unknown, Visibility::Public),
        (None, Visibility::Unknown, Visibility::Public),
    ] {
        assert_eq!(visibility(audience, &config()), by_default, "{audience:?}");
        assert_eq!(visibility(audience, &public), if_said, "{audience:?}");
    }
}

#[test]
fn answers_of_the_partner_are_comments_and_ours_are_not() {
    let response = |id: u64, email: &str, said: &str| {
        json!({"id": id, "type": "APPROVAL", "engineerName": "Bo", "engineerEmail": email, "nextSteps": said,
               "createdAt": "2031-05-01T10:30:00Z"})
    };
    let comments = read(json!({"caseResponses": [
        response(1, "bo@fabrikam.example", "We look into it."),
        response(2, "Support@Contoso.example", "ours"),
        response(3, "bo@fabrikam.example", ""),
    ]}))
    .comments;
    let said: Vec<_> =
        comments.iter().map(|one| (one.id.as_str(), one.body.as_str(), one.visibility)).collect();
    assert_eq!(said, [("response-1", "We look into it.", Visibility::Internal)]);
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let long = "\u{1f680}word ".repeat(1000);
    let cut = write_text(&long, 1000);
    assert!(units(&cut) <= 1000 && cut.starts_with("\u{1f680}word"), "{}", units(&cut));
    let (kept, said) = cut.rsplit_once("\n\n").unwrap();
    let missing = normal(&long).chars().count() - kept.chars().count();
    assert_eq!(said, format!("[Cut here: {missing} more characters in the original.]"));
    assert_eq!(cut_line("abcdef", 4), "abc\u{2026}");
    assert_eq!(cut_line("abcd", 4), "abcd");
}

proptest! {
    #[test]
    fn nothing_that_is_read_breaks_it(text in "(.|\n|<p>|</p>|<br/>|&amp;|\\[tl-|\\]){0,60}") {
        let said = note(json!({"summary": text, "description": text})).body;
        prop_assert_eq!(&said, &normal(&said));
        let described = read(json!({"description": text})).description;
        prop_assert_eq!(&described, &normal(&described));
    }

    #[test]
    fn plain_text_comes_back_as_it_was_written(text in "[^\\p{C}<]{0,60}(\n[^\\p{C}<]{0,60}){0,3}") {
        let canonical = plain::read(&text).text;
        let described = read(json!({"description": write_text(&canonical, MAX_TEXT)})).description;
        prop_assert_eq!(described, canonical);
    }
}
