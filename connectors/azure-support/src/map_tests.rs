//! The map is total, keeps what we wrote, and reads words in any case.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn config() -> Config {
    let values = [
        ("tenant", json!("contoso")),
        ("client_id", json!("app")),
        ("contact_first_name", json!("Service")),
        ("contact_last_name", json!("Desk")),
        ("contact_email", json!("desk@contoso.example")),
        ("contact_time_zone", json!("UTC")),
        ("contact_country", json!("DEU")),
        ("services", json!({ "Billing": "billing/refund" })),
    ];
    let values = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Config::read(&throughline_sdk::Settings { values, secrets: BTreeMap::new() }).unwrap()
}

fn read(properties: &serde_json::Value) -> wire::Ticket {
    let mut all = json!({ "createdDate": "2026-01-01T00:00:00Z", "status": "Open" });
    all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    serde_json::from_value(json!({ "name": "t", "id": "/subscriptions/s/x", "properties": all })).unwrap()
}

fn message(name: &str, body: &str) -> Communication {
    let properties =
        json!({ "body": body, "subject": "s", "createdDate": "2026-01-02T00:00:00Z", "sender": "" });
    serde_json::from_value(json!({ "name": name, "properties": properties })).unwrap()
}

#[test]
fn words_are_read_in_any_case_and_unknown_ones_are_kept() {
    for (status, severity, expected) in [
        ("open", "Minimal", ("Open", "minimal")),
        ("CLOSED", "highestCriticalImpact", ("Closed", "highestcriticalimpact")),
        ("Resolving", "catastrophic", ("Resolving", "catastrophic")),
    ] {
        let read = read(&json!({ "status": status, "severity": severity, "supportChannel": "Email" }));
        let ticket = ticket(&read, &[], &[], &config()).unwrap();
        assert_eq!((ticket.status.as_str(), ticket.priority.as_deref()), (expected.0, Some(expected.1)));
    }
}

#[test]
fn a_ticket_is_known_by_its_number_and_its_type_by_the_table() {
    let id = "/providers/Microsoft.Support/services/billing/problemClassifications/refund";
    let read = read(&json!({ "supportTicketId": "118", "problemClassificationId": id }));
    let ticket = ticket(&read, &[], &[], &config()).unwrap();
    assert_eq!((ticket.id.as_str(), ticket.key.as_str()), ("t", "118"));
    assert_eq!(ticket.kind.as_deref(), Some("Billing"));
    assert_eq!(ticket.url.as_deref(), Some("https://portal.azure.com/#resource/subscriptions/s/x"));
    assert_eq!(ticket.fields.get(PROBLEM).map(String::as_str), Some(id));
}

#[test]
fn comments_are_in_the_order_of_their_time_whatever_the_list_says() {
    let chat = json!({ "name": "c", "properties": { "messages": [
        { "body": "first", "createdDate": "2026-01-01T09:00:00Z", "sender": "Ada" },
        { "body": null },
        { "body": "third", "createdDate": "2026-01-03T09:00:00Z" },
    ] } });
    let chat: Transcript = serde_json::from_value(chat).unwrap();
    let ticket = ticket(&read(&json!({})), &[message("m", "second")], &[chat], &config()).unwrap();
    let bodies: Vec<&str> = ticket.comments.iter().map(|comment| comment.body.as_str()).collect();
    assert_eq!(bodies, ["first", "second", "third"]);
    assert_eq!(ticket.comments[2].id.as_str(), "chat:c:2");
    assert_eq!(ticket.comments[0].author.name, "Ada");
}

#[test]
fn what_engineers_write_with_a_mail_program_is_read_as_text() {
    for (body, expected) in [
        (
            "<html><body><div>Hello,</div><p>please <b>restart</b> it.</p></body></html>",
            "Hello,\n\nplease **restart** it.",
        ),
        ("if a < b and c > d", "if a < b and c > d"),
        ("see <server name> in the log", "see <server name> in the log"),
    ] {
        let ticket = ticket(&read(&json!({})), &[message("theirs", body)], &[], &config()).unwrap();
        // What could mean something is escaped; it says the same.
        assert_eq!(ticket.comments[0].body.replace('\\', ""), expected);
    }
}

#[test]
fn only_severity_can_be_changed_and_a_refusal_names_the_rest() {
    let changes = Changes { priority: Some("Critical".to_owned()), ..Changes::default() };
    assert_eq!(severity_of(&changes).unwrap(), "critical");
    let changes = Changes {
        title: Some("new".to_owned()),
        fields: [("Plan".to_owned(), "x".to_owned())].into(),
        ..changes
    };
    let error = severity_of(&changes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().ends_with("not: title, Plan"), "{error}");
}

#[test]
fn a_ticket_without_its_times_is_malformed() {
    let bare: wire::Ticket = serde_json::from_value(json!({ "name": "t", "properties": {} })).unwrap();
    assert_eq!(ticket(&bare, &[], &[], &config()).unwrap_err().kind(), ErrorKind::Malformed);
}

proptest! {
    #[test]
    fn what_we_wrote_is_read_as_we_wrote_it(text in "(.|\n|<b>|&amp;|<p>x</p>){0,60}", hash: [u8; 32]) {
        let (text, marker) = (canonical_text(&text), Marker::from_hash(&hash));
        let ticket = ticket(&read(&json!({})), &[message(marker.as_str(), &write_text(&text))], &[], &config()).unwrap();
        let comment = &ticket.comments[0];
        prop_assert_eq!(&comment.marker, &Some(marker));
        // An empty body cannot be sent; the subject stands in for it.
        let expected = if text.trim().is_empty() { "s" } else { text.trim_start_matches(' ') };
        prop_assert_eq!(comment.body.trim_start(), expected.trim_start());
    }

    #[test]
    fn every_marker_is_a_legal_name(hash: [u8; 32]) {
        let name = Marker::from_hash(&hash).to_string();
        prop_assert!(name.len() <= 255 && !name.starts_with("tmp-"));
        prop_assert!(!name.contains(['<', '>', '%', '&', ':', '\\', '?', '/']) && !name.chars().any(char::is_control));
        prop_assert!(!name.bytes().all(|byte| byte.is_ascii_digit()));
    }
}
