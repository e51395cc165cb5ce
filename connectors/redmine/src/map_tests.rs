//! The mapping over hand-written issues in the shapes that Redmine 5.0 answers with.

use proptest::prelude::*;
use serde_json::json;
use throughline_sdk::{Settings, ticket::canonical_text};

use super::*;

fn config() -> Config {
    let mut settings = Settings::default();
    for (key, value) in [
        ("url", "https://desk.example/redmine"),
        ("project", "support"),
        ("marker_field", "Marker"),
        ("link_field", "Counterpart"),
    ] {
        settings.values.insert(key.into(), value.into());
    }
    Config::read(&settings).unwrap()
}

fn issue(more: &Value) -> Issue {
    let mut issue = json!({
        "id": 7, "project": {"id": 1, "name": "Support"}, "tracker": {"id": 1, "name": "Bug"},
        "status": {"id": 2, "name": "In Progress", "is_closed": false}, "priority": {"id": 3, "name": "High"},
        "author": {"id": 6, "name": "Bob Agent"}, "subject": " VPN down ", "description": null,
        "start_date": "2031-05-06", "due_date": null, "done_ratio": 0, "is_private": false,
        "estimated_hours": null, "created_on": "2031-05-06T07:08:09Z", "updated_on": "2031-05-06T07:08:10Z"
    });
    for (key, value) in more.as_object().unwrap() {
        issue[key] = value.clone();
    }
    serde_json::from_value(issue).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
fn read(more: Value) -> Ticket {
    ticket(&issue(&more), &config())
}

#[test]
fn an_issue_becomes_a_ticket() {
    let marker = Marker::from_hash(&[9; 32]);
    let ticket = read(json!({
        "description": "Since 08:00 \r\nno tunnel\r\n", "estimated_hours": 2.5, "is_private": true,
        "custom_fields": [
            {"id": 1, "name": "Marker", "value": marker},
            {"id": 2, "name": "Counterpart", "value": "INC 9 https://partner.example/9"},
            {"id": 3, "name": "Areas", "multiple": true, "value": ["lan", "", "wan"]},
            {"id": 4, "name": "Site", "value": null},
        ],
    }));
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("VPN down", "Since 08:00\nno tunnel"));
    assert_eq!(ticket.url.as_deref(), Some("https://desk.example/redmine/issues/7"));
    assert_eq!(ticket.marker, Some(marker));
    assert_eq!(ticket.references, [Reference::new("INC 9", Some("https://partner.example/9".into()))]);
    let fields: Vec<_> = ticket.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        fields,
        ["% Done=0", "Areas=lan\nwan", "Estimated time=2.5", "Private=yes", "Start date=2031-05-06"]
    );
}

#[test]
fn only_a_journal_with_a_note_is_a_comment_and_an_unsaid_visibility_is_unknown() {
    let marker = Marker::from_hash(&[3; 32]);
    let journal = |id: u64, notes: Value, private: Value| {
        json!({"id": id, "user": {"id": 6, "name": "Bob"}, "notes": notes, "private_notes": private,
               "created_on": "2031-05-06T07:08:09Z", "details": []})
    };
    let ticket = read(json!({"journals": [
        journal(1, json!(null), json!(false)),
        journal(2, json!(" \r\n"), json!(false)),
        journal(3, json!("for all"), json!(false)),
        journal(4, json!("for staff"), json!(true)),
        journal(5, json!("for whom?"), json!(null)),
        journal(6, json!(format!("ours\r\n\r\n[{marker}]")), json!(false)),
    ]}));
    let seen: Vec<_> =
        ticket.comments.iter().map(|c| (c.id.as_str(), c.body.as_str(), c.visibility)).collect();
    assert_eq!(
        seen,
        [
            ("3", "for all", Visibility::Public),
            ("4", "for staff", Visibility::Internal),
            ("5", "for whom?", Visibility::Unknown),
            ("6", "ours", Visibility::Public),
        ]
    );
    assert_eq!(ticket.comments[3].marker, Some(marker));
}

#[test]
fn an_edited_note_makes_another_version() {
    let with = |notes: &str| {
        read(json!({"journals": [{"id": 3, "notes": notes, "private_notes": false,
                                  "created_on": "2031-05-06T07:08:09Z", "details": []}]}))
    };
    assert_ne!(with("one").version, with("two").version);
    assert_eq!(with("one").version, with("one").version);
}

#[test]
fn a_field_is_written_in_its_own_shape() {
    let known = issue(&json!({"custom_fields": [
        {"id": 3, "name": "Areas", "multiple": true, "value": []}, {"id": 4, "name": "Site", "value": null},
    ]}))
    .custom_fields;
    let write = |name: &str, value: &str| field_write(&known, name, value).map(|write| write.value);
    assert_eq!(write("Areas", "lan\nwan"), Some(json!(["lan", "wan"])));
    assert_eq!(write("Areas", ""), Some(json!([])));
    assert_eq!(write("Site", "Bern"), Some(json!("Bern")));
    assert_eq!(write("Nonsense", ""), None);
}

#[test]
fn what_redmine_did_not_do_is_named() {
    let ticket = read(json!({"description": "text"}));
    let changes = Changes {
        title: Some("VPN down".into()),
        description: Some("other".into()),
        priority: Some("Low".into()),
        kind: Some("Bug".into()),
        fields: [("% Done".to_owned(), String::new()), ("Site".to_owned(), "Bern".to_owned())].into(),
    };
    assert_eq!(not_in(&changes, &ticket, Dialect::Textile), ["description", "priority", "Site"]);
}

#[test]
fn the_way_to_a_status_prefers_what_lies_between_and_never_closes_on_the_way() {
    let status = |id: u64, name: &str, is_closed| Named { id, name: name.into(), is_closed, active: None };
    let order = [
        status(1, "New", false),
        status(2, "In Progress", false),
        status(3, "Resolved", false),
        status(4, "Feedback", false),
        status(5, "Closed", true),
        status(6, "Rejected", true),
    ];
    let check = |from, to, allowed: &[u64], visited: &[u64]| {
        let allowed: Vec<_> = order.iter().filter(|one| allowed.contains(&one.id)).cloned().collect();
        step(from, to, &allowed, &order, visited).map(|one| one.id)
    };
    assert_eq!(check(1, 5, &[1, 2, 4], &[1]), Some(4));
    assert_eq!(check(3, 1, &[4, 2], &[3]), Some(2));
    assert_eq!(check(1, 5, &[1, 6], &[1]), None, "a closed status is no step");
    assert_eq!(check(1, 5, &[2], &[1, 2]), None, "nowhere twice");
    assert_eq!(check(1, 99, &[2], &[1]), None);
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(text in "(.|\n|\r\n){0,60}", label in "[a-z]{1,9}( [a-z0-9]{1,9}){0,2}") {
        let ticket = read(json!({"description": text, "custom_fields": [
            {"id": 2, "name": "Counterpart", "value": Reference::new(label.clone(), Some("https://partner.example/x".into())).line(255)},
        ]}));
        prop_assert_eq!(&ticket.description, &Dialect::Textile.read(&canonical_text(&text)).text);
        let reference = Reference::new(label, Some("https://partner.example/x".into()));
        prop_assert_eq!(ticket.references, vec![reference]);
        let written = Dialect::Textile.write(&ticket.description).text;
        let changes = Changes { description: Some(ticket.description), ..Changes::default() };
        prop_assert_eq!(not_in(&changes, &read(json!({"description": written})), Dialect::Textile), Vec::<String>::new());
    }

    #[test]
    fn values_compare_as_redmine_keeps_them(mut lines in proptest::collection::vec("[a-z]{1,5}", 1..5)) {
        let asked = lines.join("\n");
        lines.reverse();
        prop_assert!(same_value(&asked, &lines.join("\n")));
        prop_assert!(!same_value(&asked, ""));
        prop_assert!(same_value("2.50", "2.5") && !same_value("2", "3") && same_value("", ""));
    }
}
