//! The mapping over hand-written issues in the shapes of GitHub's documentation.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::tests::config;

/// An issue of the documentation's shape, with some members set otherwise.
#[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
pub(crate) fn issue(more: Value) -> Issue {
    let mut issue = json!({
        "number": 7, "state": "open", "state_reason": null, "title": " VPN down ", "body": null,
        "user": {"login": "ada", "id": 1}, "labels": [], "assignees": [], "milestone": null, "locked": false,
        "comments": 0, "html_url": "https://github.example/fabrikam/support/issues/7",
        "created_at": "2031-05-06T07:08:09Z", "updated_at": "2031-05-06T07:08:10Z",
    });
    for (key, value) in more.as_object().unwrap() {
        issue[key] = value.clone();
    }
    serde_json::from_value(issue).unwrap()
}

fn read(more: Value) -> Ticket {
    ticket(&issue(more), &[], &config())
}

#[test]
fn an_issue_becomes_a_ticket() {
    let marker = Marker::from_hash(&[9; 32]);
    let ticket = read(json!({
        "body": format!("Since 08:00 \r\nno tunnel\r\n\r\n<!-- {marker} -->\r\n"),
        "labels": [{"name": "vpn"}, "Network", {"name": "p2"}, {"name": null}],
        "assignees": [{"login": "grace"}, {"login": "bob"}], "milestone": {"title": "Q3"},
        "type": {"name": "Bug"}, "user": null,
    }));
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("VPN down", "Since 08:00\nno tunnel"));
    assert_eq!((ticket.priority.as_deref(), ticket.kind.as_deref()), (Some("high"), Some("Bug")));
    assert_eq!((ticket.marker, ticket.requester), (Some(marker), Some(Person { name: "ghost".into() })));
    let fields: Vec<_> = ticket.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["Assignees=bob\ngrace", "Labels=Network\nvpn", "Milestone=Q3"]);
}

#[test]
fn a_status_is_read_from_labels_while_open_and_from_the_reason_once_closed() {
    for (state, reason, label, status) in [
        ("open", json!(null), "bug", "open"),
        ("open", json!("reopened"), "bug", "open"),
        ("open", json!(null), "waiting", "waiting"),
        ("closed", json!(null), "waiting", "completed"),
        ("closed", json!("completed"), "bug", "completed"),
        ("closed", json!("not_planned"), "bug", "not planned"),
        ("closed", json!("duplicate"), "bug", "duplicate"),
        ("closed", json!("spam_or_so"), "bug", "spam or so"),
        ("archived", json!(null), "bug", "archived"),
    ] {
        let ticket = read(json!({"state": state, "state_reason": reason, "labels": [{"name": label}]}));
        assert_eq!(ticket.status, status, "{state} {reason} {label}");
    }
}

#[test]
fn an_edited_comment_makes_another_version() {
    let with = |body: &str| {
        let comment =
            json!({"id": 3, "body": body, "user": {"login": "ada"}, "created_at": "2031-05-06T07:08:09Z"});
        ticket(&issue(json!({})), &[serde_json::from_value(comment).unwrap()], &config())
    };
    assert_ne!(with("one").version, with("two").version);
    assert_eq!(with("one").version, with("one").version);
    assert_eq!(with("one").comments[0].visibility, Visibility::Public);
}

#[test]
fn what_github_did_not_do_is_named() {
    let ticket = read(json!({"body": "text", "labels": ["b", "A"]}));
    let changes = Changes {
        title: Some("VPN down".into()),
        description: Some("other".into()),
        priority: Some("high".into()),
        kind: None,
        fields: [(LABELS, "a\nB"), (ASSIGNEES, "ada")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    };
    assert_eq!(not_in(&changes, &ticket), ["description", "priority", "Assignees"]);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(text in "(.|\n|\r\n|@ada|#7|`|\\*|<b>){0,60}", hash: [u8; 32], marked: bool) {
        let marker = marked.then(|| Marker::from_hash(&hash));
        let written = write_text(&text, marker.as_ref());
        prop_assert_eq!(read_text(&written), (normal(&text), marker));
    }

    #[test]
    fn nothing_that_github_may_hold_breaks_the_mapping(
        title in "\\PC{0,30}", body in prop::option::of("(.|\n){0,60}"), state in "[a-z]{0,8}",
        names in prop::collection::vec("\\PC{0,12}", 0..4),
    ) {
        let ticket = read(json!({"title": title, "body": body, "state": state, "labels": names}));
        prop_assert_eq!(normal(&ticket.description), ticket.description.clone());
        prop_assert!(ticket.fields.values().all(|value| !value.is_empty()));
    }
}
