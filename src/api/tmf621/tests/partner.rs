//! What partners ask of the face, and what the standard says of the answers.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use throughline_testkit::ManualClock;

use super::{Partner, desk};
use crate::api::tmf621::Edition;

const V4: &str = "/tmf-api/troubleTicket/v4";
const V5: &str = "/tmf-api/troubleTicket/v5";
const MERGE: &str = "application/merge-patch+json";
const PATCH: &str = "application/json-patch+json";
const QUERY: &str = "application/json-patch-query+json";

/// A partner who speaks both editions to the same desk.
struct Both {
    v4: Partner,
    v5: Partner,
}

impl Both {
    fn new() -> Self {
        let desk = desk(&ManualClock::auto_advance());
        Self { v4: Partner::of(&desk, Edition::V4), v5: Partner::of(&desk, Edition::V5) }
    }

    /// A ticket made under version 5, with these attributes as well.
    async fn made(&self, more: &Value) -> Value {
        let mut body = json!({
            "@type": "TroubleTicket",
            "name": "Printer",
            "description": "It smokes.",
            "severity": "Major",
            "ticketType": "Incident",
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.v5.post(&format!("{V5}/troubleTicket"), &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.headers["location"], answer.body["href"].as_str().unwrap());
        answer.body
    }

    async fn listed(&self, query: &str) -> Vec<String> {
        let answer = self.v5.get(&format!("{V5}/troubleTicket?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {answer:?}");
        let listed = answer.body.as_array().unwrap().iter();
        listed.map(|ticket| ticket["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_ticket_is_the_same_in_both_editions() {
    let both = Both::new();
    let body = json!({
        "description": "It smokes.",
        "severity": "Major",
        "ticketType": "Incident",
        "externalId": "HD-7",
        "status": "closed",
        "relatedParty": [{ "id": "9", "role": "customer", "name": "Ada", "@referredType": "Individual" }],
        "relatedEntity": [{ "id": "3", "role": "printer", "@referredType": "Product", "@schemaLocation": "https://x.example/" }],
        "note": [{ "text": "Hurry." }],
    });
    let made = both.v4.post(&format!("{V4}/troubleTicket"), &body).await.body;
    assert_eq!(made["status"], "acknowledged", "whatever its sender thinks");
    assert_eq!((&made["externalId"], &made["note"][0]["author"]), (&json!("HD-7"), &json!("Fabrikam")));
    assert_eq!(made["statusChange"][0]["status"], "acknowledged");
    let newer = both.v5.get(&format!("{V5}/troubleTicket/{}", made["id"].as_str().unwrap())).await.body;
    assert_eq!(
        newer["externalIdentifier"],
        json!([{ "@type": "ExternalIdentifier", "owner": "Fabrikam", "externalIdentifierType": "externalId", "id": "HD-7" }])
    );
    assert_eq!(newer["relatedParty"][0]["partyOrPartyRole"]["name"], "Ada");
    assert_eq!(newer["relatedEntity"][0]["entity"]["@schemaLocation"], "https://x.example/");
    assert_eq!(newer["statusChangeHistory"][0]["status"], "acknowledged");
    let older = both.v4.get(&format!("{V4}/troubleTicket/{}", made["id"].as_str().unwrap())).await.body;
    assert_eq!(older, made);
}

#[tokio::test]
async fn the_lifecycle_is_kept_and_its_history_written() {
    let both = Both::new();
    let path = format!("{V5}/troubleTicket/{}", both.made(&json!({})).await["id"].as_str().unwrap());
    let set = async |status: &str| {
        let body = json!({ "@type": "TroubleTicket", "status": status, "statusChangeReason": format!("to {status}") });
        both.v5.patch(&path, MERGE, &body).await
    };
    for (status, answer) in [
        ("resolved", StatusCode::CONFLICT),
        ("inProgress", StatusCode::OK),
        ("held", StatusCode::OK),
        ("resolved", StatusCode::CONFLICT),
        ("inProgress", StatusCode::OK),
        ("resolved", StatusCode::OK),
        ("closed", StatusCode::OK),
        ("inProgress", StatusCode::CONFLICT),
        ("nonsense", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(set(status).await.status, answer, "{status}");
    }
    let ticket = both.v5.get(&path).await.body;
    let history = ticket["statusChangeHistory"].as_array().unwrap();
    let reasons: Vec<_> =
        history.iter().map(|change| change["statusChangeReason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["", "to inProgress", "to held", "to inProgress", "to resolved", "to closed"]);
    assert!(
        ticket["resolutionDate"].is_string() && ticket["statusChangeDate"] == history[5]["statusChangeDate"]
    );
}

#[tokio::test]
async fn each_media_type_of_a_change_does_what_its_standard_says() {
    let both = Both::new();
    let note = json!({ "@type": "Note", "id": "77456", "author": "Jack", "text": "first" });
    let path =
        format!("{V5}/troubleTicket/{}", both.made(&json!({ "note": [note] })).await["id"].as_str().unwrap());
    let texts = |ticket: &Value| -> Vec<String> {
        ticket["note"]
            .as_array()
            .unwrap()
            .iter()
            .map(|note| note["text"].as_str().unwrap().to_owned())
            .collect()
    };
    // Merge patch: a known id changes that note, any other is one more, and what is left out stays.
    let body = json!({ "@type": "TroubleTicket", "note": [{ "@type": "Note", "text": "second" }] });
    assert_eq!(texts(&both.v5.patch(&path, MERGE, &body).await.body), ["first", "second"]);
    let body =
        json!({ "@type": "TroubleTicket", "note": [{ "@type": "Note", "id": "77456", "text": "First" }] });
    assert_eq!(texts(&both.v5.patch(&path, "application/json", &body).await.body), ["First", "second"]);
    // JSON Patch, also as the standard's example has it.
    let body = json!([
        { "op": "test", "path": "/note/0/id", "value": "77456" },
        { "op": "replace", "path": "/severity", "value": "Minor" },
        { "op": "add", "path": "/note", "value": { "@type": "Note", "text": "third" } },
        { "op": "add", "path": "/note/-", "value": { "@type": "Note", "text": "fourth" } },
        { "op": "remove", "path": "/note/1" },
    ]);
    let after = both.v5.patch(&path, PATCH, &body).await;
    assert_eq!(
        (after.status, texts(&after.body)),
        (StatusCode::OK, vec!["First".into(), "third".into(), "fourth".into()])
    );
    let body = json!([{ "op": "replace", "path": "/note?id=77456", "value": { "text": "Please." } }]);
    let after = both.v5.patch(&path, QUERY, &body).await.body;
    assert_eq!((texts(&after)[0].as_str(), &after["note"][0]["author"]), ("Please.", &json!("Jack")));
    // All of it or nothing.
    let body = json!([
        { "op": "remove", "path": "/note" },
        { "op": "replace", "path": "/nowhere/else", "value": 1 },
    ]);
    let refused = both.v5.patch(&path, PATCH, &body).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.body["@type"], "Error");
    assert_eq!(texts(&both.v5.get(&path).await.body).len(), 3);
    for (body, status) in [
        (json!([{ "op": "remove", "path": "/severity" }]), StatusCode::CONFLICT),
        (json!([{ "op": "add", "path": "", "value": null }]), StatusCode::CONFLICT),
        (json!([{ "op": "add", "path": "/note", "value": "x" }]), StatusCode::CONFLICT),
        (json!([{ "op": "burn", "path": "/note" }]), StatusCode::BAD_REQUEST),
        (json!({ "op": "remove" }), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(both.v5.patch(&path, PATCH, &body).await.status, status, "{body}");
    }
    assert_eq!(both.v5.patch(&path, "text/plain", &json!({})).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_sent_has_the_form_of_its_edition() {
    let both = Both::new();
    let (four, five) = (format!("{V4}/troubleTicket"), format!("{V5}/troubleTicket"));
    let ticket = json!({ "@type": "TroubleTicket", "description": "d", "severity": "s", "ticketType": "t" });
    let with = |name: &str, value: Value| {
        let mut body = ticket.clone();
        body[name] = value;
        body
    };
    for (v4, v5, body) in [
        (201, 201, ticket.clone()),
        (201, 201, with("unknown", json!([1, { "x": null }]))),
        (400, 400, Value::Null),
        (400, 400, json!("AAA")),
        (400, 400, json!([null, null])),
        (400, 400, json!({ "@type": "TroubleTicket", "severity": "s", "ticketType": "t" })),
        (201, 400, json!({ "description": "d", "severity": "s", "ticketType": "t" })),
        (400, 400, with("name", Value::Null)),
        (400, 400, with("requestedResolutionDate", json!("tomorrow"))),
        (400, 400, with("note", json!({}))),
        (201, 400, with("note", json!([{ "text": "t" }]))),
        (400, 201, with("channel", json!({ "@type": "ChannelRef", "id": "1", "href": "no address" }))),
        (400, 400, with("channel", json!({ "@type": "ChannelRef" }))),
        (
            400,
            400,
            with(
                "attachment",
                json!([{ "@type": "Attachment", "attachmentType": "a", "mimeType": "m", "content": "%" }]),
            ),
        ),
        (400, 400, with("status", json!("Pending"))),
        (201, 400, with("externalIdentifier", json!("a name of version 5 only"))),
    ] {
        assert_eq!(both.v4.post(&four, &body).await.status, v4, "version 4: {body}");
        assert_eq!(both.v5.post(&five, &body).await.status, v5, "version 5: {body}");
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let both = Both::new();
    let mut times = Vec::new();
    for (name, priority, author) in
        [("a", "High", "Ada"), ("c", "Low", "Bo"), ("b", "High", "Bo"), ("d", "Low", "Ada")]
    {
        let note = json!([{ "@type": "Note", "author": author, "text": "x" }]);
        let made = both.made(&json!({ "name": name, "priority": priority, "note": note })).await;
        times.push(made["lastUpdate"].as_str().unwrap().to_owned());
    }
    let after = |time: &str| format!("lastUpdate.gt={}", time.replace('+', "%2B"));
    for (query, ids) in [
        ("", &["1", "2", "3", "4"][..]),
        ("priority=High", &["1", "3"]),
        ("priority=High,Low&name.ne=a", &["2", "3", "4"]),
        ("note.author=Bo&priority=Low", &["2"]),
        ("name.gte=b&name.lt=d", &["2", "3"]),
        ("name%3E=c", &["2", "4"]),
        (&after(&times[1]), &["3", "4"]),
        ("nothing.of=this", &[]),
        ("sort=name", &["1", "3", "2", "4"]),
        ("sort=-priority,name", &["2", "4", "1", "3"]),
        ("sort=name&offset=1&limit=2", &["3", "2"]),
        ("limit=0", &[]),
        ("limit=-3", &[]),
        ("offset=99999999999999999999999999", &[]),
        ("filter=note%5B%3F(%40.author%3D%3D'Ada')%5D", &["1", "4"]),
        ("filter=%24%5B%3F(%40.priority%3D%3D'High')%5D", &["1", "3"]),
    ] {
        assert_eq!(both.listed(query).await, ids, "{query}");
    }
    for query in ["limit=ten", "offset=1.5", "filter=note%5B", "after=x", "before="] {
        let refused = both.v5.get(&format!("{V5}/troubleTicket?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let page = both.v5.get(&format!("{V5}/troubleTicket?limit=3&fields=name")).await;
    assert_eq!(
        (&page.headers["x-total-count"], &page.headers["x-result-count"]),
        (&"4".parse().unwrap(), &"3".parse().unwrap())
    );
    assert_eq!(
        page.body[0],
        json!({ "@type": "TroubleTicket", "id": "1", "href": "http://bridge.test/tmf-api/troubleTicket/v5/troubleTicket/1", "name": "a" })
    );
}

#[tokio::test]
async fn pages_follow_one_another_by_cursor_whatever_is_made_meanwhile() {
    let both = Both::new();
    for name in ["e", "d", "c", "b", "a"] {
        both.made(&json!({ "name": name })).await;
    }
    let mut path = format!("{V5}/troubleTicket?limit=2");
    let mut seen = Vec::new();
    loop {
        let page = both.v5.get(&path).await;
        seen.extend(
            page.body.as_array().unwrap().iter().map(|ticket| ticket["name"].as_str().unwrap().to_owned()),
        );
        let links =
            page.headers.get("link").map(|links| links.to_str().unwrap().to_owned()).unwrap_or_default();
        let next = links.split(", ").find(|link| link.ends_with("rel=\"next\""));
        let Some(next) = next else { break };
        let address = next.split(['<', '>']).nth(1).unwrap();
        path = address.strip_prefix("http://bridge.test").unwrap().to_owned();
    }
    assert_eq!(seen, ["e", "d", "c", "b", "a"]);
    let last = both.v5.get(&path).await;
    let links = last.headers["link"].to_str().unwrap().to_owned();
    let back = links.split(['<', '>']).nth(1).unwrap().strip_prefix("http://bridge.test").unwrap().to_owned();
    let names: Vec<_> = both
        .v5
        .get(&back)
        .await
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|ticket| ticket["name"].clone())
        .collect();
    assert_eq!(names, ["c", "b"]);
}

#[tokio::test]
async fn an_attachments_bytes_are_kept_apart_and_handed_out_under_its_own_ticket_only() {
    let both = Both::new();
    let file = json!({ "@type": "Attachment", "attachmentType": "log", "mimeType": "text/plain", "name": "a.txt", "content": "c21va2U=" });
    let made = both.made(&json!({ "attachment": [file] })).await;
    let attachment = &made["attachment"][0];
    assert_eq!(
        (&attachment["content"], &attachment["size"]),
        (&Value::Null, &json!({ "amount": 5, "units": "B" }))
    );
    let url = attachment["url"].as_str().unwrap().strip_prefix("http://bridge.test").unwrap();
    let bytes = both.v5.ask(Method::GET, url, "", None).await;
    assert_eq!(bytes.body, json!(b"smoke"));
    assert_eq!(bytes.headers["content-disposition"], "attachment");
    both.made(&json!({})).await;
    let elsewhere = url.replace("troubleTicket/1/", "troubleTicket/2/");
    assert_eq!(both.v5.get(&elsewhere).await.status, StatusCode::NOT_FOUND);
    // Nobody reaches a file by writing down what another ticket holds.
    let stolen = json!([{ "op": "add", "path": "/attachment", "value": [attachment] }]);
    let after = both.v5.patch(&format!("{V5}/troubleTicket/2"), PATCH, &stolen).await.body;
    let id = after["attachment"][0]["id"].as_str().unwrap();
    let there = both.v5.get(&format!("{V5}/troubleTicket/2/attachment/{id}")).await;
    assert_eq!(there.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_condition_is_kept_and_a_wrong_method_told_which_there_are() {
    let both = Both::new();
    both.made(&json!({})).await;
    let path = format!("{V5}/troubleTicket/1");
    let tag = both.v5.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    let body = json!({ "@type": "TroubleTicket", "name": "first" });
    for status in [StatusCode::OK, StatusCode::PRECONDITION_FAILED] {
        assert_eq!(both.v5.patch_if(&path, &tag, &body).await.status, status);
    }
    for (path, method, allow) in [
        ("troubleTicket", Method::PUT, "GET, POST"),
        ("troubleTicket/1", Method::POST, "GET, PATCH, DELETE"),
        ("hub", Method::GET, "POST"),
        ("hub/1", Method::PATCH, "GET, DELETE"),
        ("listener/troubleTicketCreateEvent", Method::GET, "POST"),
    ] {
        let answer = both.v5.ask(method, &format!("{V5}/{path}"), "", None).await;
        assert_eq!(
            (answer.status, &answer.headers["allow"]),
            (StatusCode::METHOD_NOT_ALLOWED, &allow.parse().unwrap())
        );
        assert_eq!(
            (&answer.body["code"], &answer.body["reason"]),
            (&json!("ERR405"), &json!("Method Not Allowed"))
        );
    }
    for path in
        ["troubleTicket/01", "troubleTicket/+1", "troubleTicket/x", "nowhere", "hub/9", "listener/other"]
    {
        let status = both.v5.get(&format!("{V5}/{path}")).await.status;
        assert!(
            [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status),
            "{path}: {status}"
        );
    }
}

#[tokio::test]
async fn a_deleted_ticket_is_gone() {
    let both = Both::new();
    both.made(&json!({})).await;
    let path = format!("{V5}/troubleTicket/1");
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        assert_eq!(both.v5.ask(Method::DELETE, &path, "", None).await.status, status);
    }
    assert_eq!(both.v5.get(&path).await.status, StatusCode::NOT_FOUND);
    assert!(both.listed("").await.is_empty());
    assert_eq!(both.made(&json!({})).await["id"], "2");
}

#[tokio::test]
async fn specifications_are_kept_under_version_5() {
    let both = Both::new();
    let all = format!("{V5}/troubleTicketSpecification");
    let body = json!({ "@type": "TroubleTicketSpecification", "name": "Bill dispute", "version": "1" });
    assert_eq!(both.v5.post(&all, &body).await.status, StatusCode::CREATED);
    assert_eq!(both.v5.post(&all, &json!({ "@type": "x" })).await.status, StatusCode::BAD_REQUEST);
    let change = json!({ "@type": "TroubleTicketSpecification", "lifecycleStatus": "Active" });
    let after = both.v5.patch(&format!("{all}/1"), MERGE, &change).await.body;
    assert_eq!((&after["name"], &after["lifecycleStatus"]), (&json!("Bill dispute"), &json!("Active")));
    assert_eq!(both.v5.get(&all).await.body.as_array().unwrap().len(), 1);
    assert_eq!(
        both.v5.ask(Method::DELETE, &format!("{all}/1"), "", None).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(both.v4.get(&format!("{V4}/troubleTicketSpecification")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn subscriptions_are_made_shown_and_ended_in_their_own_edition() {
    let both = Both::new();
    let body = json!({ "@type": "Hub", "callback": "https://partner.example/hook", "query": "eventType=TroubleTicketStatusChangeEvent" });
    let made = both.v5.post(&format!("{V5}/hub"), &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let path = format!("{V5}/hub/{}", made.body["id"].as_str().unwrap());
    assert_eq!(both.v5.get(&path).await.body, made.body);
    assert_eq!(
        both.v5.post(&format!("{V5}/hub"), &body).await.body["id"],
        made.body["id"],
        "the same one again"
    );
    assert_eq!(
        both.v4.ask(Method::DELETE, &path.replace("v5", "v4"), "", None).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(both.v5.ask(Method::DELETE, &path, "", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(both.v5.get(&path).await.status, StatusCode::NOT_FOUND);
    for body in [json!({ "callback": 5 }), json!({ "query": "x" }), json!({ "callback": "x", "query": 5 })] {
        assert_eq!(both.v4.post(&format!("{V4}/hub"), &body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
}
