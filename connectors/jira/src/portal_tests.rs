//! Comments as Service Management tells them, and which files they carry.

use serde_json::json;

use super::*;
use crate::wire::Comment;

fn shown(more: &Value) -> RequestComment {
    let mut comment = json!({"id": 7, "body": "", "public": true});
    for (key, value) in more.as_object().unwrap() {
        comment[key] = value.clone();
    }
    serde_json::from_value(comment).unwrap()
}

/// An issue with files, each an id, a name and a minute, and comments on the portal, each written in a minute.
fn whole(files: &[(&str, &str, u8)], comments: &[(u8, Value)]) -> Whole {
    let time = |minute: &u8| format!("2026-01-02T03:{minute:02}:00.000+0000");
    let file = |(id, name, minute): &(&str, &str, u8)| json!({"id": id, "filename": name, "size": 1, "created": time(minute)});
    let issue = json!({"id": "1", "key": "S-1", "fields": {
        "status": {"id": "1", "name": "Open"}, "created": time(&0), "updated": time(&0),
        "attachment": files.iter().map(file).collect::<Vec<_>>(),
    }});
    let comment = |(at, (minute, _)): (usize, &(u8, Value))| -> Comment {
        serde_json::from_value(json!({"id": at.to_string(), "created": time(minute)})).unwrap()
    };
    let portal = comments.iter().enumerate().map(|(at, (_, more))| (at.to_string(), shown(more))).collect();
    Whole {
        issue: serde_json::from_value(issue).unwrap(),
        comments: comments.iter().enumerate().map(comment).collect(),
        links: Vec::new(),
        portal: Portal::Shown(portal),
    }
}

fn told(public: bool, id: &str) -> Value {
    let address = format!("https://jira.example/secure/attachment/{id}/a%20b.png?x=/attachment/7");
    json!({"public": public, "attachments": {"values": [{"_links": {"thumbnail": null, "content": address}}]}})
}

#[test]
fn a_file_is_known_by_the_id_in_its_address() {
    for address in [
        "https://jira.example/jira/rest/api/2/attachment/10001",
        "https://jira.example/secure/attachment/10001/a%20b.png?x=/attachment/7",
        "https://jira.example/rest/api/3/attachment/content/10001",
    ] {
        assert_eq!(attachment_id(address), Some("10001"), "{address}");
    }
    assert_eq!(attachment_id("https://jira.example/attachment/evil/1"), None);
}

#[test]
fn a_comment_that_only_carries_a_file_is_told_from_one_that_says_something() {
    let marker = Marker::from_hash(&[7; 32]);
    for (body, carries) in [
        (format!("{marker}"), true),
        (format!("{marker}\r\n\r\n!a.png|thumbnail!\n[^b.txt]\n"), true),
        (format!("{marker}\nLook at this"), false),
        (format!("see {marker}"), false),
        (String::new(), false),
    ] {
        assert_eq!(carrier(&shown(&json!({ "body": body }))).is_some(), carries, "{body:?}");
    }
}

#[test]
fn one_public_comment_shows_a_file() {
    let public = |all: &[bool]| {
        let comments: Vec<_> = all.iter().map(|public| (5, told(*public, "1"))).collect();
        let whole = whole(&[("1", "a b.png", 4), ("2", "b", 4)], &comments);
        carried(&whole).get("1").map(|file| file.public)
    };
    assert_eq!(public(&[false]), Some(false));
    assert_eq!(public(&[false, true, false]), Some(true));
    assert_eq!(public(&[]), None);
}

#[test]
fn where_files_are_not_told_the_markup_refers_to_them() {
    let files = &[
        ("1", "a.png", 1),
        ("2", "a.png", 4),
        ("3", "b (1).txt", 1),
        ("4", "a.pn", 1),
        ("5", "late.txt", 9),
    ];
    for (minute, body, ids) in [
        (5, "see !a.png! there", vec!["2"]),
        (2, "!a.png|width=3!", vec!["1"]),
        (5, "[^b (1).txt]\n[^a.png]", vec!["2", "3"]),
        (5, "a.png, [a.png], !a.png and [^late.txt]", vec![]),
    ] {
        let whole = whole(files, &[(minute, json!({ "body": body }))]);
        assert_eq!(carried(&whole).into_keys().collect::<Vec<_>>(), ids, "{body}");
    }
}
