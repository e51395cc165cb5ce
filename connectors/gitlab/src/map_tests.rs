//! The mapping over hand-written issues in the shapes of GitLab's documentation.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::tests::config;

pub(crate) const SECRET: &str = "66dbcd21ec5d24ed6ea225176098d52b";

#[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
pub(crate) fn issue(more: Value) -> Issue {
    let mut issue = json!({
        "id": 84, "iid": 14, "project_id": 4, "state": "opened", "title": " VPN down ", "description": null,
        "author": {"id": 18, "username": "eileen.lowe", "name": "Alexandra Bashirian"}, "labels": [],
        "assignees": [], "milestone": null, "due_date": null, "issue_type": "issue", "confidential": false,
        "discussion_locked": null, "moved_to_id": null, "web_url": "https://gitlab.example/fabrikam/support/-/issues/14",
        "created_at": "2031-05-06T07:08:09.123Z", "updated_at": "2031-05-06T07:08:10.456Z",
    });
    for (key, value) in more.as_object().unwrap() {
        issue[key] = value.clone();
    }
    serde_json::from_value(issue).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
fn note(id: u64, body: &str, more: Value) -> Note {
    let mut note = json!({
        "id": id, "body": body, "author": {"id": 1, "username": "pipin", "name": "Pip"}, "system": false,
        "created_at": "2031-05-06T07:08:09.123Z", "internal": false, "confidential": false,
    });
    for (key, value) in more.as_object().unwrap() {
        note[key] = value.clone();
    }
    serde_json::from_value(note).unwrap()
}

fn read(more: Value, notes: &[Note]) -> Ticket {
    ticket(&issue(more), notes, &config())
}

#[test]
fn an_issue_becomes_a_ticket() {
    let marker = Marker::from_hash(&[9; 32]);
    let ticket = read(
        json!({
            "description": format!("Since 08:00\r\nno tunnel\r\n\r\n<!-- {marker} -->\r\n"),
            "labels": ["vpn", "Status::Waiting", "priority::2"], "due_date": "2031-06-01",
            "assignees": [{"id": 2, "username": "grace", "name": "Grace"}], "milestone": {"title": "Q3"},
            "issue_type": "incident",
        }),
        &[],
    );
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("VPN down", "Since 08:00\nno tunnel"));
    assert_eq!((ticket.status.as_str(), ticket.priority.as_deref()), ("waiting", Some("high")));
    assert_eq!((ticket.marker, ticket.kind.as_deref()), (Some(marker), Some("incident")));
    assert_eq!(ticket.requester, Some(Person { name: "Alexandra Bashirian".into() }));
    let fields: Vec<_> = ticket.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["Assignees=grace", "Due date=2031-06-01", "Labels=vpn", "Milestone=Q3"]);
}

#[test]
fn what_is_not_said_to_be_public_is_not() {
    let notes = [
        note(1, "closed", json!({"system": true})),
        note(2, "for all", json!({})),
        note(3, "for staff", json!({"internal": true})),
        note(4, "for staff before 15.5", json!({"internal": null, "confidential": true})),
        note(5, "for whom?", json!({"internal": null, "confidential": null})),
    ];
    let seen = |confidential: Value, config: &Config| -> Vec<Visibility> {
        let issue = issue(json!({"confidential": confidential}));
        ticket(&issue, &notes, config).comments.iter().map(|comment| comment.visibility).collect()
    };
    use Visibility::{Internal, Public, Unknown};
    assert_eq!(seen(json!(false), &config()), [Public, Internal, Internal, Unknown]);
    assert_eq!(seen(json!(null), &config()), [Public, Internal, Internal, Unknown]);
    assert_eq!(seen(json!(true), &config()), [Internal, Internal, Internal, Unknown]);
    let shared = Config { confidential: true, ..config() };
    assert_eq!(seen(json!(true), &shared), [Public, Internal, Internal, Unknown]);
}

#[test]
fn files_are_as_visible_as_the_most_visible_text_that_links_them() {
    let at = |name: &str| format!("[{name}](/uploads/{SECRET}/{name})");
    let marker = Marker::from_hash(&[4; 32]);
    let ticket = read(
        json!({"description": format!("![screen](/uploads/{SECRET}/screen.png)")}),
        &[
            note(1, &at("staff.txt"), json!({"internal": true})),
            note(2, &at("both.txt"), json!({"internal": true})),
            note(3, &format!("see {}", at("both.txt")), json!({})),
            note(4, &format!("{}\n\n<!-- {marker} -->", at("ours.txt")), json!({})),
        ],
    );
    let files: Vec<_> = ticket.files.iter().map(|file| (file.name.as_str(), file.visibility)).collect();
    use Visibility::{Internal, Public};
    assert_eq!(
        files,
        [("screen.png", Public), ("staff.txt", Internal), ("both.txt", Public), ("ours.txt", Public)]
    );
    assert_eq!(ticket.files[3].marker, Some(marker));
    assert_eq!(ticket.description, "![screen](screen.png)");
    let said: Vec<_> = ticket.comments.iter().map(|comment| comment.body.as_str()).collect();
    assert_eq!(said, ["see both.txt"]);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(text in "(.|\n|\r\n|@ada|#7|/close|`|\\*|<b>){0,60}", hash: [u8; 32], marked: bool) {
        let marker = marked.then(|| Marker::from_hash(&hash));
        let written = write_text(&text, "", marker.as_ref());
        prop_assert_eq!(read_text(&written), (normal(&text), marker));
    }

    #[test]
    fn nothing_that_gitlab_may_hold_breaks_the_mapping(
        title in "\\PC{0,30}", text in prop::option::of("(.|\n|\\]\\(/uploads/66dbcd21ec5d24ed6ea225176098d52b/x\\)|\\[){0,60}"),
        state in "[a-z]{0,8}", names in prop::collection::vec("\\PC{0,12}", 0..4),
    ) {
        let body = text.clone().unwrap_or_default();
        let ticket = read(
            json!({"title": title, "description": text, "state": state, "labels": names}),
            &[note(1, &body, json!({}))],
        );
        prop_assert_eq!(normal(&ticket.description), ticket.description.clone());
        prop_assert!(ticket.fields.values().all(|value| !value.is_empty()));
    }
}
