//! How long a caller may take to send a body, and the bridge to begin its answer: whoever is slower is let go.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, stream};
use throughline_sdk::Clock;

use super::problem::Problem;

/// How long a body may take: a file of many megabytes over a slow line comes in this time.
const BODY: Duration = Duration::from_secs(180);
/// How long an answer may take to begin. The longest is a plan, for which several desks are read.
const ANSWER: Duration = Duration::from_secs(240);

/// Stands before everything but webhooks, which have less time.
pub(super) async fn patience(State(clock): State<Arc<dyn Clock>>, request: Request, next: Next) -> Response {
    let request = match request.body().is_end_stream() {
        true => request,
        false => request.map(|body| in_time(body, Arc::clone(&clock))),
    };
    tokio::select! {
        biased;
        response = next.run(request) => response,
        () = clock.sleep(ANSWER) => {
            let detail = format!("this took longer than {} s, and its answer is not waited for", ANSWER.as_secs());
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
        }
    }
}

/// The same body, which fails once it took too long.
fn in_time(body: Body, clock: Arc<dyn Clock>) -> Body {
    let late = Box::pin(async move { clock.sleep(BODY).await });
    let data = body.into_data_stream();
    Body::from_stream(stream::unfold(Some((data, late)), |under_way| async move {
        let (mut data, mut late) = under_way?;
        tokio::select! {
            biased;
            next = data.next() => match next? {
                Ok(bytes) => Some((Ok(bytes), Some((data, late)))),
                Err(error) => Some((Err(io::Error::other(error)), None)),
            },
            () = late.as_mut() => {
                Some((Err(io::Error::new(io::ErrorKind::TimedOut, "the body did not arrive in time")), None))
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use axum::{Router, body::Bytes};
    use throughline_testkit::ManualClock;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_that_never_ends_and_an_answer_that_never_begins_are_let_go() {
        let clock = ManualClock::new();
        let given: Arc<dyn Clock> = Arc::new(clock.clone());
        let router = Router::new()
            .route("/take", post(|body: Bytes| async move { body.len().to_string() }))
            .route("/never", post(std::future::pending::<()>))
            .layer(from_fn_with_state(given, patience));
        // Everything that sleeps has fallen asleep before the time moves.
        let after = |request: Request, passed: Duration| {
            let (router, clock) = (router.clone(), clock.clone());
            async move { tokio::join!(router.oneshot(request), async { clock.advance(passed) }).0.unwrap() }
        };
        let whole = Request::post("/take").body(Body::from("four")).unwrap();
        let answer = router.clone().oneshot(whole).await.unwrap();
        assert_eq!(to_bytes(answer.into_body(), 9).await.unwrap(), "4");

        let begun = stream::iter([Ok::<_, io::Error>("four")]).chain(stream::pending());
        let slow = Request::post("/take").body(Body::from_stream(begun)).unwrap();
        assert_eq!(after(slow, BODY).await.status(), StatusCode::BAD_REQUEST);
        let never = Request::post("/never").body(Body::empty()).unwrap();
        assert_eq!(after(never, ANSWER).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
