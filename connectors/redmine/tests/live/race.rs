//! Somebody writes between our look at an issue and our write: theirs may not go under unseen.

use http::Method;
use serde_json::json;
use throughline_sdk::{Changes, Ctx, Effect, ErrorKind, Intent, Operation, RemoteId, Result, TookEffect};

use crate::desk::{Desk, fields, intent};

/// Carries out `operation` on what was last read, while somebody sets `theirs`.
async fn raced(
    desk: &Desk,
    id: &RemoteId,
    operation: Operation,
    theirs: serde_json::Value,
) -> Result<Effect> {
    let expected = desk.fetch(id).await.version;
    let ctx: Ctx = desk.meanwhile(Method::PUT, &format!("issues/{id}.json"), &json!({ "issue": theirs }));
    desk.connector.apply(&ctx, &Intent { expected, ..intent(Some(id), operation) }).await
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn what_somebody_set_in_the_moment_of_our_write_stands_afterwards() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("before", "Bug").await;
    let update = |changes: Changes| Operation::Update { changes };
    let site = desk.fetch(&id).await;
    assert!(!site.fields.contains_key("Site"));
    for (operation, theirs) in [
        (update(Changes { title: Some("ours".into()), ..Changes::default() }), json!({"subject": "theirs"})),
        (
            update(Changes { description: Some("our\ntext".into()), ..Changes::default() }),
            json!({"description": "their\r\n\r\ntext"}),
        ),
        (update(Changes { priority: Some("High".into()), ..Changes::default() }), json!({"priority_id": 4})),
        (
            update(Changes { fields: fields(&[("Due date", "2031-05-06")]), ..Changes::default() }),
            json!({"due_date": "2031-05-09"}),
        ),
        (Operation::Transition { status: "Resolved".into() }, json!({"status_id": 4})),
    ] {
        let error = raced(&desk, &id, operation.clone(), theirs).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.took_effect()),
            (ErrorKind::Conflict, TookEffect::No),
            "{operation:?}: {error}"
        );
    }
    let after = desk.fetch(&id).await;
    assert_eq!((after.title.as_str(), after.description.as_str()), ("theirs", "their\n\ntext"));
    assert_eq!((after.priority.as_deref(), after.status.as_str()), (Some("Urgent"), "Feedback"));
    assert_eq!(after.fields["Due date"], "2031-05-09");
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn what_somebody_set_elsewhere_in_the_same_moment_is_none_of_our_concern() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("before", "Bug").await;
    let title = Operation::Update { changes: Changes { title: Some("ours".into()), ..Changes::default() } };
    let after = raced(&desk, &id, title, json!({"priority_id": 4, "notes": "I was here"})).await.unwrap();
    let after = after.read_back.unwrap();
    assert_eq!((after.title.as_str(), after.priority.as_deref()), ("ours", Some("Urgent")));
    assert_eq!(after.comments[0].body, "I was here");
}
