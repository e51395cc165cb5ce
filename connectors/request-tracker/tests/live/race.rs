//! Somebody writes in the one moment that RT's own check does not cover: theirs may not go under unseen.

use http::Method;
use serde_json::{Value, json};
use throughline_sdk::{
    Changes, Effect, ErrorKind, Intent, Operation, RemoteId, Result, TookEffect, Visibility,
};

use crate::desk::{Desk, fields, intent};

/// Carries out `operation` on what was last read, while somebody sets `theirs`.
async fn raced(desk: &Desk, id: &RemoteId, operation: Operation, theirs: &Value) -> Result<Effect> {
    let expected = desk.fetch(id).await.version;
    let ctx = desk.meanwhile(Method::PUT, &format!("ticket/{id}"), theirs);
    desk.connector.apply(&ctx, &Intent { expected, ..intent(Some(id), operation) }).await
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn what_somebody_set_in_the_moment_of_our_write_stands_afterwards() {
    let desk = Desk::new(true);
    let id = desk.create("before").await;
    let update = |changes: Changes| Operation::Update { changes };
    let field =
        |name: &str, value: &str| update(Changes { fields: fields(&[(name, value)]), ..Changes::default() });
    for (operation, theirs) in [
        (update(Changes { title: Some("ours".into()), ..Changes::default() }), json!({"Subject": "theirs"})),
        (update(Changes { priority: Some("High".into()), ..Changes::default() }), json!({"Priority": "50"})),
        (field("Site", "Bern"), json!({"CustomFields": {"Site": "Basel"}})),
        (field("Due", "2031-05-06"), json!({"Due": "2031-05-09 00:00:00"})),
        (Operation::Transition { status: "resolved".into() }, json!({"Status": "stalled"})),
    ] {
        let error = raced(&desk, &id, operation.clone(), &theirs).await.unwrap_err();
        let is = (error.kind(), error.took_effect());
        assert_eq!(is, (ErrorKind::Conflict, TookEffect::No), "{operation:?}: {error}");
    }
    let after = desk.fetch(&id).await;
    assert_eq!((after.title.as_str(), after.status.as_str()), ("theirs", "stalled"));
    assert_eq!(after.priority.as_deref(), Some("Medium"));
    assert_eq!((after.fields["Site"].as_str(), after.fields["Due"].as_str()), ("Basel", "2031-05-09"));
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn what_somebody_set_elsewhere_in_the_same_moment_is_none_of_our_concern() {
    let desk = Desk::new(true);
    let id = desk.create("before").await;
    let title = Operation::Update { changes: Changes { title: Some("ours".into()), ..Changes::default() } };
    let after = raced(&desk, &id, title, &json!({"Priority": "100"})).await.unwrap().read_back.unwrap();
    assert_eq!((after.title.as_str(), after.priority.as_deref()), ("ours", Some("High")));
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_status_set_while_our_reply_is_on_its_way_stands_afterwards() {
    let desk = Desk::new(true);
    let reply = || Operation::Comment { body: "from the other side".into(), visibility: Visibility::Public };
    for (before, theirs) in [("resolved", "rejected"), ("open", "resolved"), ("stalled", "open")] {
        let id = desk.create("status").await;
        desk.agent(Method::PUT, &format!("ticket/{id}"), json!({ "Status": before })).await;
        let ctx = desk.meanwhile(Method::PUT, &format!("ticket/{id}"), &json!({ "Status": theirs }));
        desk.connector.apply(&ctx, &intent(Some(&id), reply())).await.unwrap();
        let after = desk.fetch(&id).await;
        assert_eq!((after.status.as_str(), after.comments.len()), (theirs, 1), "it was {before}");
    }
    let id = desk.create("status").await;
    desk.agent(Method::PUT, &format!("ticket/{id}"), json!({"Status": "resolved"})).await;
    let message = json!({"Content": "it is broken again", "ContentType": "text/plain"});
    let ctx = desk.meanwhile(Method::POST, &format!("ticket/{id}/correspond"), &message);
    desk.connector.apply(&ctx, &intent(Some(&id), reply())).await.unwrap();
    assert_eq!(desk.fetch(&id).await.status, "open", "their reply reopened it, ours does not shut it again");
}
