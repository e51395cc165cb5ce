//! What a ticket read from RT means, on records written by hand in RT's shapes.

use proptest::prelude::*;
use serde_json::json;
use throughline_sdk::ticket::canonical_text;

use super::*;
use crate::config::tests::config;

const MARKER: &str = "tl-abcdefghijklmnopqrstuvwxyz";

fn transaction(id: u32, kind: &str, object: u32) -> wire::Transaction {
    let creator = json!({"id": 30, "Name": "alice", "RealName": "Alice Agent"});
    let created = "2026-11-22T19:52:58Z";
    let row = json!({"id": id.to_string(), "Type": kind, "ObjectId": object, "Creator": creator, "Created": created});
    serde_json::from_value(row).unwrap()
}

fn part(id: u32, transaction: u32, media_type: &str, name: Option<&str>, headers: &str) -> wire::Attachment {
    let row = json!({
        "id": id, "TransactionId": transaction.to_string(), "ContentType": media_type, "ContentLength": "5",
        "Filename": name, "Headers": headers,
    });
    serde_json::from_value(row).unwrap()
}

fn parts() -> Parts {
    let marked = format!("Content-Type: text/plain;\n charset=\"utf-8\";\n throughline=\"{MARKER}\"");
    let ticket = json!({
        "id": 1, "EffectiveId": {"id": "1"}, "Queue": {"id": "3", "Name": "Federated"}, "Subject": "VPN down",
        "Status": "open", "Priority": "50", "Created": "2026-11-22T19:52:58Z", "LastUpdated": "2026-11-22T19:53:06Z",
        "CustomFields": [{"name": "Site", "values": ["B", "C"]}, {"name": "Empty", "values": []}],
        "_hyperlinks": [
            {"ref": "self", "type": "ticket", "id": 1, "_url": "http://rt/REST/2.0/ticket/1"},
            {"ref": "refers-to", "type": "external", "_url": "https://partner.test/77"},
        ],
    });
    Parts {
        ticket: serde_json::from_value(ticket).unwrap(),
        version: Some(Version::new("57")),
        requester: Some("carol".to_owned()),
        transactions: vec![
            transaction(45, "Create", 1),
            transaction(46, "EmailRecord", 1),
            transaction(47, "Correspond", 1),
            transaction(49, "Status", 1),
            transaction(50, "Comment", 1),
            transaction(54, "Correspond", 1),
        ],
        attachments: vec![
            part(1, 45, "text/plain", None, &marked),
            part(3, 46, "text/plain", None, ""),
            part(5, 47, "multipart/alternative", None, ""),
            part(6, 47, "text/plain", None, ""),
            part(7, 47, "text/html", None, ""),
            part(9, 50, "text/html", None, ""),
            part(10, 50, "image/png", None, ""),
            part(15, 54, "application/octet-stream", Some("trace ü.bin"), &marked),
        ],
        texts: [
            ("1", "No tunnel.\r\n\r\n"),
            ("3", "a mail"),
            ("6", "Looking."),
            ("7", "<p>Looking.</p>"),
            ("9", "<b>do not tell</b>"),
        ]
        .into_iter()
        .map(|(id, text)| (id.to_owned(), text.to_owned()))
        .collect(),
    }
}

#[test]
fn a_ticket_is_read_whole() {
    let ticket = ticket(&config(), &parts()).unwrap();
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("VPN down", "No tunnel."));
    assert_eq!(ticket.priority.as_deref(), Some("Medium"));
    assert_eq!(ticket.kind.as_deref(), Some("Federated"));
    assert_eq!(ticket.fields, BTreeMap::from([("Site".to_owned(), "B, C".to_owned())]));
    assert_eq!(ticket.marker, Marker::find_in(MARKER));
    assert_eq!(ticket.references[0].url.as_deref(), Some("https://partner.test/77"));
    assert_eq!(ticket.url.as_deref(), Some("https://rt.example.org/rt/Ticket/Display.html?id=1"));
    let comments: Vec<_> =
        ticket.comments.iter().map(|c| (c.id.as_str(), c.body.as_str(), c.visibility)).collect();
    assert_eq!(
        comments,
        [("47", "Looking.", Visibility::Public), ("50", "**do not tell**", Visibility::Internal)]
    );
}

#[test]
fn a_file_is_as_private_as_the_message_it_came_with() {
    let ticket = ticket(&config(), &parts()).unwrap();
    let files: Vec<_> = ticket.files.iter().map(|f| (f.id.as_str(), f.name.as_str(), f.visibility)).collect();
    assert_eq!(
        files,
        [("10", "attachment-10", Visibility::Internal), ("15", "trace ü.bin", Visibility::Public)],
        "an unnamed picture in a comment is internal, a file in a reply public"
    );
    assert_eq!(ticket.files[1].marker, Marker::find_in(MARKER));
}

#[test]
fn what_rt_mails_out_is_neither_comment_nor_file() {
    let ticket = ticket(&config(), &parts()).unwrap();
    assert!(ticket.comments.iter().all(|comment| comment.id.as_str() != "46" && comment.body != "a mail"));
}

#[test]
fn a_merged_ticket_s_own_beginning_reads_as_a_reply() {
    let mut parts = parts();
    parts.transactions.insert(0, transaction(40, "Create", 2));
    parts.attachments.insert(0, part(31, 40, "text/plain", None, ""));
    parts.texts.insert("31".to_owned(), "older, merged".to_owned());
    let ticket = ticket(&config(), &parts).unwrap();
    assert_eq!(ticket.description, "No tunnel.");
    assert_eq!(ticket.comments[0].body, "older, merged");
}

#[test]
fn our_own_fields_are_no_fields() {
    let mut config = config();
    config.marker_field = Some("Mark".to_owned());
    config.link_field = Some("Partner".to_owned());
    let mut parts = parts();
    parts.attachments.clear();
    for (name, value) in [("Mark", MARKER), ("Partner", "INC-7")] {
        let field = serde_json::from_value(json!({"name": name, "values": [value]})).unwrap();
        parts.ticket.custom_fields.push(field);
    }
    let ticket = ticket(&config, &parts).unwrap();
    assert_eq!(ticket.fields.keys().collect::<Vec<_>>(), ["Site"]);
    assert_eq!(ticket.marker, Marker::find_in(MARKER));
    assert_eq!(ticket.references[0].label, "INC-7");
}

#[test]
fn a_number_reads_as_the_nearest_word() {
    let words = config().priorities;
    let word = |number: &str| priority_word(&words, number).unwrap();
    assert_eq!(word("0").as_deref(), Some("Low"));
    assert_eq!(word("24").as_deref(), Some("Low"));
    assert_eq!(word("25").as_deref(), Some("Medium"), "the higher in the middle");
    assert_eq!(word("100000").as_deref(), Some("High"));
    assert_eq!(word(""), None);
    assert!(priority_word(&words, "Low").is_err());
}

#[test]
fn a_mail_account_s_address_is_not_shown() {
    assert_eq!(person("", "carol@partner.test"), "carol");
    assert_eq!(person("carol@partner.test", "carol@partner.test"), "carol");
    assert_eq!(person("Carol C.", "carol@partner.test"), "Carol C.");
}

proptest! {
    #[test]
    fn nothing_panics_and_nothing_internal_turns_public(
        kinds in proptest::collection::vec("(Create|Correspond|Comment|EmailRecord|Set|[a-zA-Z]{0,6})", 0..12),
        types in proptest::collection::vec("(text/plain|text/html|multipart/mixed|image/png|[a-z/]{0,8})", 0..12),
        text in ".{0,40}",
    ) {
        let mut parts = parts();
        let numbered = || (100u32..).zip(&kinds);
        parts.transactions = numbered().map(|(id, kind)| transaction(id, kind, 1)).collect();
        parts.attachments = (100u32..)
            .zip(&types)
            .map(|(id, media_type)| part(id, id, media_type, (id % 3 == 0).then_some("x"), &text))
            .collect();
        parts.texts = parts.attachments.iter().map(|a| (a.id.clone(), text.clone())).collect();
        let ticket = ticket(&config(), &parts).unwrap();
        let public: Vec<_> = numbered()
            .filter(|(_, kind)| *kind == "Create" || *kind == "Correspond")
            .map(|(id, _)| id.to_string())
            .collect();
        for comment in &ticket.comments {
            prop_assert!(comment.visibility == Visibility::Internal || public.contains(&comment.id.as_str().to_owned()));
            prop_assert_eq!(canonical_text(&comment.body), comment.body.clone());
        }
        for file in &ticket.files {
            prop_assert!(file.visibility == Visibility::Internal || public.contains(&file.id.as_str().to_owned()));
        }
    }

    #[test]
    fn any_title_becomes_one_line_that_rt_keeps(title in ".{0,400}") {
        let line = subject(&title);
        prop_assert!(line.chars().count() <= 200 && !line.contains(['\n', '\r']));
        prop_assert_eq!(subject(&line), line);
    }
}
