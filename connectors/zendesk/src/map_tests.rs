//! What the mapping promises, on tickets of every shape.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn config() -> Config {
    Config {
        url: "https://example.zendesk.com/".parse().unwrap(),
        brand: None,
        group: None,
        form: None,
        link_field: Some("Counterpart".to_owned()),
        link_chars: 255,
        max_file_bytes: 1,
        webhook_secret: None,
    }
}

fn parts(ticket: &Value, comments: Value, audits: Value) -> Parts {
    let mut whole = json!({
        "id": 7, "status": "open", "subject": "Printer",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:01Z",
    });
    whole.as_object_mut().unwrap().extend(ticket.as_object().unwrap().clone());
    Parts {
        ticket: serde_json::from_value(whole).unwrap(),
        users: serde_json::from_value(json!([{ "id": 1, "name": "Ada", "role": "end-user" }])).unwrap(),
        groups: Vec::new(),
        statuses: Vec::new(),
        fields: serde_json::from_value(json!([
            { "id": 31, "title": "Counterpart", "type": "text" },
            { "id": 32, "title": "Serial", "type": "text" },
        ]))
        .unwrap(),
        comments: serde_json::from_value(comments).unwrap(),
        audits: serde_json::from_value(audits).unwrap(),
    }
}

fn comment(id: u64, html: &str, public: impl Into<Value>) -> Value {
    let public: Value = public.into();
    json!({
        "id": id, "author_id": 1, "html_body": html, "public": public, "created_at": "2026-01-01T00:00:00Z",
        "attachments": [{ "id": id + 1000, "file_name": "a.txt", "size": 3 }],
    })
}

#[test]
fn a_first_note_for_staff_is_no_description() {
    for (public, expected) in [
        (json!(true), ("secret", 0, Visibility::Public)),
        (json!(false), ("", 1, Visibility::Internal)),
        (Value::Null, ("", 1, Visibility::Unknown)),
    ] {
        let ticket =
            ticket(&parts(&json!({}), json!([comment(1, "<p>secret</p>", public)]), json!([])), &config());
        let seen = (ticket.description.as_str(), ticket.comments.len(), ticket.files[0].visibility);
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_marker_is_known_by_its_audit_and_a_file_has_no_comment_beside_it() {
    let marker = Marker::from_hash(&[7; 32]);
    let metadata = |purpose: &str| json!({ "custom": { "throughline": marker.as_str(), "throughline_purpose": purpose } });
    let audits = json!([
        { "id": 11, "metadata": metadata("comment"), "events": [{ "id": 2, "type": "Comment" }] },
        { "id": 12, "metadata": metadata("file"), "events": [{ "id": 3, "type": "Comment" }, { "id": 9, "type": "Change" }] },
        { "id": 13, "metadata": { "custom": {} }, "events": null },
        { "id": 14, "metadata": { "custom": "" }, "events": [{ "id": 4, "type": "Comment" }] },
    ]);
    let comments = json!([
        comment(1, "first", true),
        comment(2, "ours", true),
        comment(3, "a.txt", false),
        comment(4, "\u{2587}\u{2587} \u{2587}", true),
        comment(5, "theirs", true),
    ]);
    let ticket = ticket(&parts(&json!({}), comments, audits), &config());
    let said: Vec<_> =
        ticket.comments.iter().map(|comment| (comment.body.as_str(), comment.marker.clone())).collect();
    assert_eq!(said, [("ours", Some(marker.clone())), ("theirs", None)]);
    let files: Vec<_> = ticket.files.iter().map(|file| (file.id.as_str(), file.marker.clone())).collect();
    let ours = Some(marker);
    assert_eq!(files, [("1001", None), ("1002", None), ("1003", ours), ("1004", None), ("1005", None)]);
}

#[test]
fn fields_have_their_names_and_the_link_is_a_reference() {
    let values = json!([
        { "id": 31, "value": "TL-7 https://desk.example/7" },
        { "id": 32, "value": "A-1" },
        { "id": 99, "value": "of no known field" },
    ]);
    let ticket = ticket(
        &parts(
            &json!({ "custom_fields": values, "tags": ["vip", "x"], "assignee_id": 2 }),
            json!([]),
            json!([]),
        ),
        &config(),
    );
    let fields: Vec<_> = ticket.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fields, [("Assignee", "User 2"), ("Serial", "A-1"), ("Tags", "vip\nx")]);
    assert_eq!(ticket.references[0].url.as_deref(), Some("https://desk.example/7"));
    assert_eq!(ticket.references[0].label, "TL-7");
}

#[test]
fn a_version_changes_with_what_is_seen_also_within_a_second() {
    let version = |ticket: Value| version(&parts(&ticket, json!([]), json!([])).ticket);
    let first = version(json!({}));
    assert!(first.as_str().starts_with("2026-01-01T00:00:01Z~"), "{first}");
    assert_eq!(first, version(json!({})));
    for change in [
        json!({ "status": "pending" }),
        json!({ "priority": "high" }),
        json!({ "custom_fields": [{ "id": 32, "value": "B" }] }),
        json!({ "comment_count": 2 }),
    ] {
        assert_ne!(first, version(change));
    }
}

#[test]
fn placeholders_are_broken_for_zendesk_and_whole_for_us() {
    for text in ["{{ticket.latest_comment}}", "{% if x %}", "{{{{dc.x}}}}", "{ {x} }"] {
        let html = write_text(text);
        assert!(!html.contains("{{") && !html.contains("{%"), "{html}");
        assert_eq!(read_text(&html), text);
        assert_eq!(harmful_again(&harmless(text)), text);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(text in "[ -~\u{e4}\u{20ac}\u{1f680}\n]{0,80}") {
        let text = throughline_markup::normal(&text);
        prop_assume!(html::write(&text).lost.is_empty());
        prop_assert_eq!(read_text(&write_text(&text)), text);
    }

    #[test]
    fn any_html_is_read_without_a_panic(html in "(<[a-z/]{0,4}|>|&[a-z#0-9]{0,4};|[ -~\u{e4}]){0,40}") {
        let text = read_text(&html);
        prop_assert_eq!(throughline_markup::normal(&text), text);
    }
}
