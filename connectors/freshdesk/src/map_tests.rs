//! What the mapping promises, on tickets of every shape.

use serde_json::json;

use super::*;

fn config() -> Config {
    Config {
        url: "https://example.freshdesk.com/".parse().unwrap(),
        requester: "us@example.org".to_owned(),
        marker_field: "cf_marker".to_owned(),
        link_field: Some("Counterpart".to_owned()),
        link_chars: 255,
        group: None,
        product: None,
        max_file_bytes: 1,
        webhook_token: None,
    }
}

fn parts(custom_fields: &Value, conversations: Value) -> Parts {
    let ticket = json!({
        "id": 7, "status": 2, "subject": "Printer", "description": "<div>It is broken.</div>",
        "requester_id": 1, "requester": { "id": 1, "name": "Ada" }, "responder_id": 2, "tags": ["vip"],
        "custom_fields": custom_fields, "attachments": [{ "id": 70, "name": "a.txt", "size": 3 }],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:01Z",
    });
    let form = json!([
        { "name": "status", "label": "Status", "type": "default_status", "choices": { "2": ["Open", "x"] } },
        { "name": "agent", "label": "Agent", "type": "default_agent", "choices": { "Bob": 2 } },
        { "name": "cf_marker", "label": "Throughline marker", "type": "custom_text" },
        { "name": "cf_link", "label": "Counterpart", "type": "custom_text" },
        { "name": "cf_serial", "label": "Serial", "type": "custom_text" },
    ]);
    Parts {
        ticket: serde_json::from_value(ticket).unwrap(),
        conversations: serde_json::from_value(conversations).unwrap(),
        form: Form::new(serde_json::from_value(form).unwrap()),
        contacts: [(3, "Eve".to_owned())].into(),
    }
}

fn conversation(id: u64, body: &str, more: &Value) -> Value {
    let mut whole = json!({
        "id": id, "body": body, "private": false, "incoming": false, "source": 2, "user_id": 2,
        "attachments": [], "created_at": "2026-01-01T00:00:00Z",
    });
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

#[test]
fn who_may_read_a_conversation_is_what_it_says_and_never_more() {
    let said = [
        (json!({}), Visibility::Public),
        (json!({ "private": true }), Visibility::Internal),
        (json!({ "private": null }), Visibility::Unknown),
        // A mail to a third party.
        (json!({ "private": false, "source": 8 }), Visibility::Internal),
    ];
    for (more, expected) in said {
        let conversations = json!([conversation(1, "x", &more)]);
        let ticket = ticket(&parts(&json!({}), conversations), &config());
        assert_eq!(ticket.comments[0].visibility, expected, "{more}");
    }
    let deleted = json!([conversation(1, "x", &json!({ "deleted": true }))]);
    assert!(ticket(&parts(&json!({}), deleted), &config()).comments.is_empty());
}

#[test]
fn authors_are_called_by_their_names_wherever_these_stand() {
    let conversations = json!([
        conversation(1, "x", &json!({})),
        conversation(2, "x", &json!({ "incoming": true, "user_id": 1 })),
        conversation(3, "x", &json!({ "incoming": true, "user_id": 3 })),
        conversation(4, "x", &json!({ "user_id": 99 })),
    ]);
    let ticket = ticket(&parts(&json!({}), conversations), &config());
    let names: Vec<_> = ticket.comments.into_iter().map(|comment| comment.author.name).collect();
    assert_eq!(names, ["Bob", "Ada", "Eve", "Contact 99"]);
    assert_eq!(ticket.requester.unwrap().name, "Ada");
}

#[test]
fn a_note_of_ours_that_carries_a_file_is_no_comment_and_another_with_a_file_is() {
    let marker = Marker::from_hash(&[7; 32]);
    let ours = |text: &str| format!("<div>{text}<p>[{marker}]</p></div>");
    let file = |id: u64| json!({ "attachments": [{ "id": id, "name": "a_b.txt", "size": 1 }] });
    let conversations = json!([
        conversation(1, &ours("<p>said</p>"), &json!({})),
        conversation(2, &ours("<p>a_b.txt</p>"), &file(20)),
        // Somebody put a file to what we said.
        conversation(3, &ours("<p>said too</p>"), &file(30)),
    ]);
    let ticket = ticket(&parts(&json!({}), conversations), &config());
    let said: Vec<_> =
        ticket.comments.iter().map(|comment| (comment.body.as_str(), comment.marker.is_some())).collect();
    assert_eq!(said, [("said", true), ("said too", true)]);
    let files: Vec<_> = ticket.files.iter().map(|file| (file.id.as_str(), file.marker.is_some())).collect();
    assert_eq!(files, [("70", false), ("20", true), ("30", false)]);
}

#[test]
fn a_mail_that_quotes_a_marker_is_not_ours() {
    let marker = Marker::from_hash(&[7; 32]);
    let quoting = format!("<div>Thanks!<p>[{marker}]</p></div>");
    for more in [json!({ "incoming": true, "user_id": 1 }), json!({ "source": 0 })] {
        let ticket = ticket(&parts(&json!({}), json!([conversation(1, &quoting, &more)])), &config());
        let comment = &ticket.comments[0];
        assert!(comment.marker.is_none() && comment.body.contains(marker.as_str()), "{comment:?}");
    }
}

#[test]
fn marker_and_link_are_no_fields() {
    let marker = Marker::from_hash(&[7; 32]);
    let values =
        json!({ "cf_marker": marker.as_str(), "cf_link": "TL-7 https://desk.example/7", "cf_serial": "A-1" });
    let ticket = ticket(&parts(&values, json!([])), &config());
    let fields: Vec<_> = ticket.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fields, [("Agent", "Bob"), ("Serial", "A-1"), ("Tags", "vip")]);
    assert_eq!(ticket.marker, Some(marker));
    assert_eq!(ticket.references[0].label, "TL-7");
}

#[test]
fn placeholders_are_broken_and_read_whole() {
    for text in ["{{ticket.url}}", "{{{{x}}}}", "{% if x %}"] {
        let html = write_text(text);
        assert!(!html.contains("{{") && !html.contains("{%"), "{html}");
        assert_eq!(read_text(&html), text);
    }
}
