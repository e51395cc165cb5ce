//! What the desk itself promises: repeatable faults, safe pages, a complete history.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode, header};
use throughline_practice::desk::{Desk, DroppedReply, Faults, Patch, Settings};
use throughline_sdk::Clock;
use throughline_testkit::ManualClock;
use tower::ServiceExt;

use crate::subject::TOKEN;

fn desk() -> (Desk, ManualClock) {
    let clock = ManualClock::new();
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    (Desk::new(Settings::new("vendor", "Vendor support", TOKEN, shared)), clock)
}

fn post(path: &str, media_type: &str, body: &str) -> Request<Body> {
    Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, media_type)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

async fn page(desk: &Desk, path: &str) -> (http::response::Parts, String) {
    let answer = desk.router().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    (parts, String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn a_late_commit_takes_effect_when_its_time_has_come() {
    let (desk, clock) = desk();
    desk.set_faults(Faults { late_commit: 100, commit_delay: Duration::from_secs(5), ..Faults::default() });
    let create = post("/api/tickets", "application/json", r#"{"ticket":{"title":"late"}}"#);
    let answer = desk.router().oneshot(create).await.unwrap();
    assert!(answer.extensions().get::<DroppedReply>().is_some());
    assert!(to_bytes(answer.into_body(), 100).await.is_err(), "the reply breaks off");
    assert!(desk.snapshot().tickets.is_empty());
    clock.advance(Duration::from_secs(5));
    assert_eq!(desk.snapshot().tickets.len(), 1);
    assert_eq!(desk.history().len(), 1);
}

#[tokio::test]
async fn a_stranger_gets_nothing() {
    let (desk, _) = desk();
    let request = Request::get("/api/whoami").body(Body::empty()).unwrap();
    assert_eq!(desk.router().oneshot(request).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_escapes_what_people_wrote_and_loads_nothing_from_elsewhere() {
    let (desk, _) = desk();
    let title = Some("<script>alert(1)</script>".to_owned());
    let number = desk.create("Eve \"<b>\"", Patch { title, ..Patch::default() }).unwrap();
    desk.comment("Eve", number, "<img src=x onerror=y>", true).unwrap();
    for path in ["/".to_owned(), format!("/tickets/{number}")] {
        let (parts, body) = page(&desk, &path).await;
        assert_eq!(parts.status, StatusCode::OK);
        assert!(!body.contains("<script") && !body.contains("<img") && !body.contains("<b>"), "{body}");
        assert!(
            parts.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'")
        );
    }
}

#[tokio::test]
async fn people_work_with_forms() {
    let (desk, _) = desk();
    let form = "application/x-www-form-urlencoded";
    let raise =
        post("/tickets", form, "person=Ada&title=Printer&description=dead&priority=High&type=Incident");
    assert_eq!(desk.router().oneshot(raise).await.unwrap().status(), StatusCode::SEE_OTHER);
    for (path, body) in [
        ("/tickets/1/comments", "person=Ada&body=still+dead&internal=yes"),
        ("/tickets/1", "person=Ada&status=Solved&priority=Low"),
    ] {
        let answer = desk.router().oneshot(post(path, form, body)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
    }
    let file = "--x\r\nContent-Disposition: form-data; name=\"person\"\r\n\r\nAda\r\n--x\r\nContent-Disposition: \
                form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
    let attach = post("/tickets/1/files", "multipart/form-data; boundary=x", file);
    assert_eq!(desk.router().oneshot(attach).await.unwrap().status(), StatusCode::SEE_OTHER);
    let snapshot = desk.snapshot();
    let ticket = snapshot.ticket(1).unwrap();
    assert_eq!((ticket.status.as_str(), ticket.priority.as_str()), ("Solved", "Low"));
    assert!(ticket.comments[0].internal);
    let (_, text) = page(&desk, &format!("/tickets/1/files/{}", ticket.files[0].id)).await;
    assert_eq!(text, "hello");
}

#[tokio::test]
async fn another_sites_form_is_refused() {
    let (desk, _) = desk();
    let mut raise = post("/tickets", "application/x-www-form-urlencoded", "person=Eve&title=x");
    raise.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(desk.router().oneshot(raise).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert!(desk.history().is_empty());
}

#[test]
fn a_merged_ticket_is_found_under_the_one_it_went_into() {
    let (desk, _) = desk();
    let raise = |title: &str| desk.create("Ada", Patch { title: Some(title.to_owned()), ..Patch::default() });
    let (first, second) = (raise("one").unwrap(), raise("two").unwrap());
    desk.merge("Ada", second, first).unwrap();
    assert!(desk.comment("Ada", second, "where am I?", false).is_ok());
    assert_eq!(desk.snapshot().ticket(first).unwrap().comments.len(), 1);
    assert_eq!(desk.history().len(), 4);
}
