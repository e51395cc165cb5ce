//! What the mapping promises, on tickets of every shape.

use proptest::prelude::*;
use serde_json::json;
use throughline_markup::normal;

use super::*;

fn config() -> Config {
    Config {
        url: "https://desk.example/help/".parse().unwrap(),
        group: "Users".to_owned(),
        customer: "us@example.org".to_owned(),
        marker_field: "throughline_marker".to_owned(),
        link_field: Some("counterpart".to_owned()),
        link_chars: 255,
        pending_days: 7,
        max_file_bytes: 1,
        webhook_secret: None,
    }
}

fn parts(more: &Value, articles: Value) -> Parts {
    let mut ticket = json!({
        "id": 7, "number": "71007", "title": "Printer", "state": "open", "priority": "2 normal", "type": null,
        "group_id": 1, "group": "Users", "owner_id": 1, "owner": "-", "customer_id": 2, "customer": "ada",
        "organization_id": 2, "organization": "Customer Inc.", "preferences": {}, "note": null,
        "created_at": "2026-01-02T00:00:00.000Z", "updated_at": "2026-01-02T00:00:00.001Z",
    });
    ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut articles: Vec<wire::Article> = serde_json::from_value(articles).unwrap();
    articles.sort_by_key(|article| (article.created_at, article.id));
    Parts {
        ticket: serde_json::from_value(ticket).unwrap(),
        articles,
        customer: Some("Ada Lovelace".to_owned()),
    }
}

fn article(id: u64, body: &str, more: &Value) -> Value {
    let mut whole = json!({
        "id": id, "body": body, "content_type": "text/html", "internal": false, "sender": "Agent",
        "from": "Bob Builder", "preferences": {}, "attachments": [], "created_at": "2026-01-02T00:00:01.000Z",
    });
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

#[test]
fn the_first_article_of_its_own_is_the_description_if_customers_may_read_it() {
    let first = json!({ "created_at": "2026-01-02T00:00:00.000Z", "content_type": "text/plain" });
    let moved = article(3, "of another ticket", &json!({ "created_at": "2026-01-01T00:00:00.000Z" }));
    let articles = json!([article(9, "said", &json!({})), moved, article(8, "It is *broken*.", &first)]);
    let read = ticket(&parts(&json!({}), articles), &config());
    assert_eq!(read.description, "It is \\*broken\\*.");
    let said: Vec<_> = read.comments.iter().map(|comment| comment.id.as_str()).collect();
    assert_eq!(said, ["3", "9"]);
    assert_eq!(read.key, "71007");
    assert_eq!(read.url.as_deref(), Some("https://desk.example/help/#ticket/zoom/7"));
    let internal = json!([article(8, "for us", &json!({ "internal": true }))]);
    let read = ticket(&parts(&json!({}), internal), &config());
    assert_eq!((read.description.as_str(), read.comments[0].visibility), ("", Visibility::Internal));
}

#[test]
fn a_customer_bears_no_marker_of_ours() {
    let preferences = json!({ "throughline": Marker::from_hash(&[7; 32]).as_str() });
    for (sender, ours) in [("Agent", true), ("Customer", false)] {
        let first = article(1, "x", &json!({}));
        let said = article(2, "y", &json!({ "sender": sender, "preferences": preferences }));
        let read = ticket(&parts(&json!({}), json!([first, said])), &config());
        assert_eq!(read.comments[0].marker.is_some(), ours, "{sender}");
    }
}

#[test]
fn authors_are_called_by_their_names() {
    for (from, expected) in [
        (json!("Bob Builder"), "Bob Builder"),
        (json!("\"Lovelace, Ada\" <ada@example.org>"), "Lovelace, Ada"),
        (json!("<ada@example.org>"), "ada@example.org"),
        (json!("- "), "Agent"),
        (json!(null), "Agent"),
    ] {
        let articles = json!([article(1, "x", &json!({})), article(2, "y", &json!({ "from": from }))]);
        let read = ticket(&parts(&json!({}), articles), &config());
        assert_eq!(read.comments[0].author.name, expected);
    }
}

#[test]
fn an_article_of_ours_that_carries_a_file_is_no_comment_and_another_with_a_file_is() {
    let ours = json!({ "throughline": Marker::from_hash(&[7; 32]).as_str() });
    let file = |id: u64, preferences: &Value| json!({ "id": id, "filename": "a_b.txt", "size": "3", "preferences": preferences });
    let carrying = |id, body: &str, preferences: &Value| {
        let files = json!([file(id * 10, &json!({ "Mime-Type": "text/plain; charset=utf-8" }))]);
        article(id, body, &json!({ "preferences": preferences, "attachments": files }))
    };
    let mail =
        json!({ "attachments": [file(50, &json!({ "original-format": true })), file(51, &json!([]))] });
    let articles = json!([
        article(1, "It is broken.", &json!({})),
        carrying(2, "<p>a_b.txt</p>", &ours),
        // Somebody calls a file by its name.
        carrying(3, "<p>a_b.txt</p>", &json!({})),
        carrying(4, "<p>said</p>", &ours),
        article(5, "a mail", &mail),
    ]);
    let read = ticket(&parts(&json!({}), articles), &config());
    let said: Vec<_> = read.comments.iter().map(|comment| comment.id.as_str()).collect();
    assert_eq!(said, ["3", "4", "5"]);
    let files: Vec<_> = read.files.iter().map(|file| (file.id.as_str(), file.marker.is_some())).collect();
    assert_eq!(files, [("2-20", true), ("3-30", false), ("4-40", false), ("5-51", false)]);
    assert_eq!((read.files[0].media_type.as_str(), read.files[0].size), ("text/plain", 3));
    assert_eq!(file_number(&read.files[0].id), Some((2, 20)));
    assert_eq!(file_number(&FileId::new("2")), None);
}

#[test]
fn marker_and_link_are_no_fields_and_nobody_owns_nothing() {
    let marker = Marker::from_hash(&[7; 32]);
    let own = json!({
        "throughline_marker": marker.as_str(), "counterpart": "TL-7 https://desk.example/7", "serial": "A-1", "site": null,
    });
    let read = ticket(&parts(&own, json!([article(1, "x", &json!({}))])), &config());
    let fields: Vec<_> = read.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fields, [("group", "Users"), ("organization", "Customer Inc."), ("serial", "A-1")]);
    assert_eq!(read.marker, Some(marker));
    assert_eq!(read.references[0].label, "TL-7");
}

proptest! {
    #[test]
    fn what_was_written_reads_as_it_was_meant(said in "[ -~\u{e4}\u{a0}\n]{0,60}") {
        let said = normal(&said);
        let written = html::write(&said);
        prop_assume!(written.lost.is_empty());
        // The sanitizer writes entities as letters and adds attributes to links.
        let kept = written.text.replace("&nbsp;", "\u{a0}").replace("<a href=", "<a rel=\"nofollow\" href=");
        let read = article(1, &kept, &json!({}));
        prop_assert_eq!(text(&serde_json::from_value(read).unwrap()), said);
    }
}

#[test]
fn an_address_that_zammad_makes_a_link_reads_as_it_was() {
    let said = normal("see https://desk.example/7 there");
    let linked = "<p>see <a href=\"https://desk.example/7\" rel=\"nofollow noreferrer noopener\" \
                  target=\"_blank\">https://desk.example/7</a> there</p>";
    let read = article(1, linked, &json!({}));
    assert_eq!(text(&serde_json::from_value(read).unwrap()), html::read(&write_text(&said)).text);
}
