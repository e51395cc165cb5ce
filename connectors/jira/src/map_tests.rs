//! The mapping over hand-written issues in the shapes that Atlassian documents.

use proptest::prelude::*;
use serde_json::{Map, json};
use throughline_sdk::Settings;

use super::*;
use crate::wire::{Comment as WireComment, RequestComment};

fn config() -> Config {
    let mut settings = Settings::default();
    for (key, value) in [
        ("url", "https://jira.example/jira"),
        ("edition", "cloud"),
        ("project", "SUP"),
        ("issue_type", "Task"),
    ] {
        settings.values.insert(key.into(), value.into());
    }
    Config::read(&settings).unwrap()
}

fn issue(more: &Value) -> Issue {
    let mut fields = json!({
        "summary": " VPN down ", "description": null, "labels": null, "attachment": null,
        "status": {"id": "3", "name": "In Progress", "statusCategory": {"id": 4, "key": "indeterminate"}},
        "priority": {"name": "High"}, "issuetype": {"name": "Task"},
        "reporter": {"accountId": "ada", "displayName": "Ada"},
        "created": "2026-01-02T03:04:05.678+0000", "updated": "2026-01-02T08:34:06.000+0530",
    });
    for (key, value) in more.as_object().unwrap() {
        fields[key] = value.clone();
    }
    let names =
        json!({"customfield_1": "Site", "customfield_2": "Rank", "labels": "Labels", "duedate": "Due date"});
    let schema =
        json!({"customfield_2": {"type": "any", "custom": "com.pyxis.greenhopper.jira:gh-lexo-rank"}});
    serde_json::from_value(
        json!({"id": "10002", "key": "SUP-2", "fields": fields, "names": names, "schema": schema}),
    )
    .unwrap()
}

fn whole(more: &Value) -> Whole {
    Whole { issue: issue(more), comments: Vec::new(), links: Vec::new(), portal: Portal::None }
}

fn comment(more: &Value) -> WireComment {
    let mut comment = json!({
        "id": "7", "author": {"displayName": "Bob"}, "created": "2026-01-02T03:04:05.678+0000",
        "body": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hi"}]}]},
    });
    for (key, value) in more.as_object().unwrap() {
        comment[key] = value.clone();
    }
    serde_json::from_value(comment).unwrap()
}

#[test]
fn an_issue_becomes_a_ticket() {
    let marker = Marker::from_hash(&[9; 32]);
    let mut whole = whole(&json!({
        "labels": ["vpn", marker, "tl-short"], "duedate": "2026-03-01",
        "customfield_1": {"id": "1", "value": "Berlin"}, "customfield_2": "0|i0000f:", "votes": {"votes": 3},
        "attachment": [{
            "id": "5", "filename": "a b.txt", "size": 3, "mimeType": "", "author": {"displayName": "Bob"},
            "created": "2026-01-02T03:04:05.678+0000",
        }],
    }));
    let links = [("TL-1", "https://partner.example/1"), ("TL-2", "https://jira.example/jira/browse/SUP-2")];
    for (title, url) in links {
        let link = json!({"id": 1, "object": {"title": title, "url": url}});
        whole.links.push(serde_json::from_value(link).unwrap());
    }
    let ticket = ticket(&whole, &config());
    assert_eq!(
        (ticket.title.as_str(), ticket.key.as_str(), ticket.id.as_str()),
        ("VPN down", "SUP-2", "10002")
    );
    assert_eq!(ticket.url.as_deref(), Some("https://jira.example/jira/browse/SUP-2"));
    assert_eq!(ticket.marker, Some(marker));
    let fields: Vec<_> = ticket.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["Due date=2026-03-01", "Labels=vpn\ntl-short", "Site=Berlin"]);
    assert_eq!(ticket.files[0].media_type, "application/octet-stream");
    assert_eq!(ticket.files[0].visibility, Visibility::Public);
    // The address of the issue itself stands where none was to be shown.
    let urls: Vec<_> = ticket.references.iter().map(|one| one.url.as_deref()).collect();
    assert_eq!(urls, [Some("https://partner.example/1"), None]);
    assert_eq!(ticket.updated.to_rfc3339(), "2026-01-02T03:04:06+00:00");
}

#[test]
fn whatever_says_staff_only_is_believed() {
    let shown = |public: Option<bool>| {
        let one: RequestComment = serde_json::from_value(json!({"id": 7, "public": public})).unwrap();
        Portal::Shown([("7".to_owned(), one)].into())
    };
    let property = |internal: Value| json!({"properties": [{"key": "sd.public.comment", "value": {"internal": internal}}]});
    let role = json!({"visibility": {"type": "role", "value": "Developers"}, "jsdPublic": true});
    for (comment_says, portal, expected) in [
        (json!({}), Portal::None, Visibility::Public),
        (json!({"visibility": null}), Portal::None, Visibility::Public),
        (role.clone(), Portal::None, Visibility::Internal),
        (role, shown(Some(true)), Visibility::Internal),
        (property(json!(true)), Portal::None, Visibility::Internal),
        (property(json!("true")), shown(Some(true)), Visibility::Internal),
        (json!({"jsdPublic": false}), Portal::None, Visibility::Internal),
        (json!({"jsdPublic": true}), shown(Some(false)), Visibility::Internal),
        (json!({"jsdPublic": true}), shown(None), Visibility::Public),
        (json!({}), shown(Some(true)), Visibility::Public),
        (property(json!(false)), Portal::NotShown, Visibility::Public),
        (property(json!(null)), Portal::NotShown, Visibility::Unknown),
        (json!({}), Portal::NotShown, Visibility::Unknown),
        (json!({}), shown(None), Visibility::Unknown),
    ] {
        assert_eq!(visibility(&comment(&comment_says), &portal), expected, "{comment_says} {portal:?}");
    }
}

#[test]
fn a_marker_is_read_from_the_comments_property_alone() {
    let marker = Marker::from_hash(&[3; 32]);
    let mut whole = whole(&json!({}));
    whole
        .comments
        .push(comment(&json!({"properties": [{"key": "throughline", "value": {"marker": marker}}]})));
    let forged = json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": marker}]}]});
    whole.comments.push(comment(&json!({"id": "8", "body": forged})));
    let markers: Vec<_> = ticket(&whole, &config()).comments.into_iter().map(|one| one.marker).collect();
    assert_eq!(markers, [Some(marker), None]);
}

#[test]
fn a_change_that_the_dialect_cannot_express_is_not_missed() {
    let ticket = ticket(&whole(&json!({})), &config());
    let changes = |title: &str, priority: &str| Changes {
        title: Some(title.to_owned()),
        description: Some(String::new()),
        priority: Some(priority.to_owned()),
        fields: [("Site".to_owned(), String::new())].into(),
        ..Changes::default()
    };
    assert_eq!(not_in(&changes(" VPN down", "High"), &ticket, Edition::Cloud), Vec::<String>::new());
    assert_eq!(not_in(&changes("VPN up", "Low"), &ticket, Edition::Cloud), ["title", "priority"]);
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(doc|text|value|.{0,12})".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = "(type|content|text|value|name|child|.{0,6})";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn any_field_and_any_text_make_a_ticket(
        description in any_json(),
        field in any_json(),
        property in any_json(),
        body in any_json(),
    ) {
        let mut whole = whole(&json!({"description": description, "customfield_1": field, "components": field}));
        whole.issue.properties.insert(file::NOTES.to_owned(), property.clone());
        whole.comments.push(comment(&json!({"body": body, "properties": [{"key": "throughline", "value": property}]})));
        let once = ticket(&whole, &config());
        prop_assert_eq!(once.version.clone(), ticket(&whole, &config()).version);
        prop_assert_eq!(&once.description, &throughline_markup::normal(&once.description));
    }
}
