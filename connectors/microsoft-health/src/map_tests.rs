//! Microsoft's examples as tickets, in whatever case their words come.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn config(share_posts: bool) -> Config {
    let values =
        [("tenant", json!("contoso")), ("client_id", json!("app")), ("share_posts", json!(share_posts))];
    let values = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Config::read(&throughline_sdk::Settings { values, secrets: BTreeMap::new() }).unwrap()
}

/// The shape of the example at <https://learn.microsoft.com/graph/api/serviceannouncement-list-issues>.
fn outage() -> Issue {
    serde_json::from_value(json!({
        "startDateTime": "2020-11-13T21:00:00Z", "endDateTime": "2020-11-14T17:15:00Z",
        "lastModifiedDateTime": "2020-11-14T18:20:24.767Z", "title": "Some users cannot send e-mail", "id": "EX226792",
        "impactDescription": "Users may have been unable to send * e-mail.", "classification": "Incident",
        "origin": "Microsoft", "status": "ServiceRestored", "service": "Exchange Online",
        "feature": "Mail flow", "featureGroup": null, "isResolved": true,
        "details": [{ "name": "NotifyInApp", "value": "True" }, { "name": "Report", "value": "https://example.com/r" }],
        "posts": [
            { "createdDateTime": "2020-11-12T09:07:38.97Z", "postType": "Regular",
              "description": { "contentType": "Html", "content": "<p>We <b>fixed</b> it.</p>" } },
            { "createdDateTime": "2020-11-12T07:07:38.97Z", "postType": "Regular",
              "description": { "contentType": "Html", "content": "Title: e-mail\n\nUser impact: none" } },
            { "createdDateTime": "2020-11-12T07:07:38.97Z", "postType": "quick", "description": null },
        ],
    }))
    .unwrap()
}

#[test]
fn an_issue_reads_with_its_posts_oldest_first() {
    let ticket = issue(&outage(), &config(false)).unwrap();
    assert_eq!((ticket.id.as_str(), ticket.key.as_str()), ("issues/EX226792", "EX226792"));
    assert_eq!((ticket.status.as_str(), ticket.priority.as_deref()), ("serviceRestored", Some("incident")));
    assert_eq!(ticket.kind.as_deref(), Some("Exchange Online"));
    assert_eq!(
        ticket.url.as_deref(),
        Some("https://admin.microsoft.com/Adminportal/Home#/servicehealth/:/alerts/EX226792")
    );
    let fields: Vec<&str> = ticket.fields.keys().map(String::as_str).collect();
    assert_eq!(fields, ["End", "Feature", "Origin", "Start"]);
    let posts: Vec<(&str, &str)> =
        ticket.comments.iter().map(|comment| (comment.id.as_str(), comment.body.as_str())).collect();
    assert_eq!(
        posts,
        [
            ("2020-11-12T07:07:38.97Z", "Title: e-mail\n\nUser impact: none"),
            ("2020-11-12T07:07:38.97Z#2", ""),
            ("2020-11-12T09:07:38.97Z", "We **fixed** it."),
        ]
    );
    assert_eq!(ticket.references.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(), ["Report"]);
    assert!(ticket.created <= ticket.updated);
}

#[test]
fn posts_leave_to_nobody_unless_the_operator_shares_them() {
    for (share, expected) in [(false, Visibility::Internal), (true, Visibility::Public)] {
        let comments = issue(&outage(), &config(share)).unwrap().comments;
        assert!(comments.iter().all(|comment| comment.visibility == expected));
    }
}

#[test]
fn an_announcement_names_its_services_and_may_begin_in_the_future() {
    let change: Message = serde_json::from_value(json!({
        "id": "MC172851", "title": "(Updated) New feature", "startDateTime": "2031-02-01T18:51:00Z",
        "lastModifiedDateTime": "2021-01-08T01:10:06.843Z", "endDateTime": null, "category": "StayInformed",
        "severity": "Critical", "tags": ["Updated message", null], "isMajorChange": true,
        "actionRequiredByDateTime": null, "services": ["SharePoint Online", "OneDrive for Business"],
        "body": { "contentType": "Html", "content": "<p>Files open faster.</p>" },
    }))
    .unwrap();
    let ticket = message(&change, &config(false)).unwrap();
    assert_eq!((ticket.id.as_str(), ticket.status.as_str()), ("messages/MC172851", "published"));
    assert_eq!(
        (ticket.priority.as_deref(), ticket.kind.as_deref()),
        (Some("critical"), Some("SharePoint Online, OneDrive for Business"))
    );
    assert_eq!(
        ticket.fields.get("Services").map(String::as_str),
        Some("SharePoint Online, OneDrive for Business")
    );
    assert_eq!(ticket.description, "Files open faster.");
    assert_eq!(ticket.created, ticket.updated);
}

#[test]
fn a_word_of_tomorrow_is_kept_and_an_entry_without_a_time_is_malformed() {
    let tomorrow = Issue { status: Some("quantumLeap".to_owned()), ..outage() };
    assert_eq!(issue(&tomorrow, &config(false)).unwrap().status, "quantumLeap");
    let mut timeless = outage();
    timeless.announced.last_modified_date_time = None;
    assert_eq!(issue(&timeless, &config(false)).unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn an_id_is_read_as_it_was_given_out() {
    for list in [List::Issues, List::Messages] {
        assert_eq!(parse_id(&remote_id(list, "EX1")), Some((list, "EX1")));
    }
    for other in ["EX1", "issues/", "tasks/EX1", ""] {
        assert_eq!(parse_id(&RemoteId::new(other)), None, "{other}");
    }
}

#[test]
fn every_documented_status_has_a_meaning() {
    for status in [
        "serviceOperational",
        "investigating",
        "restoringService",
        "verifyingService",
        "serviceRestored",
        "postIncidentReviewPublished",
        "serviceDegradation",
        "serviceInterruption",
        "extendedRecovery",
        "falsePositive",
        "investigationSuspended",
        "resolved",
        "mitigatedExternal",
        "mitigated",
        "resolvedExternal",
        "confirmed",
        "reported",
    ] {
        assert!(STATUSES.iter().any(|(word, _)| *word == status), "{status}");
    }
}
