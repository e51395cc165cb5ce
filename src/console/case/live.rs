//! News of a case, told to pages that are open: a page then asks for itself anew.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{Stream, unfold};
use tokio::sync::broadcast::error::RecvError;

use super::find;
use crate::api::{Api, Problem};
use crate::case::CaseId;
use crate::console::{Entered, Refusal};
use crate::daemon::Shared;
use crate::identity::{Look, Place as OpenPlace};

/// So often something is said when there is nothing to say, so that nobody in between hangs up.
const ALIVE: Duration = Duration::from_secs(20);

/// So long one stream lasts. Whoever listens asks again, and has to be known again.
const LIFE: Duration = Duration::from_secs(300);

pub(in crate::console) async fn live(
    State(api): State<Api>,
    entered: Entered<Look>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path(name) = name.map_err(Problem::from)?;
    let case = find(api.bridge.shared(), &name).await?.id;
    let shared = Arc::clone(api.bridge.shared());
    Ok(match api.identity.place(entered.principal()) {
        Ok(place) => stream(shared, case, place, |_| async { true }).into_response(),
        // Told to a script, not to a person.
        Err(full) => Problem::crowded(full).into_response(),
    })
}

/// One event for each record about the case that `concerns` whoever listens, for [`LIFE`] or until the bridge stops. The
/// stream has `place` as long as somebody listens.
pub(in crate::console) fn stream<F, C>(
    shared: Arc<Shared>,
    case: CaseId,
    place: OpenPlace,
    concerns: F,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>>
where
    F: FnMut(Arc<Shared>) -> C + Send + 'static,
    C: Future<Output = bool> + Send,
{
    let news = shared.journal.news();
    let ends = shared.clock.monotonic() + LIFE;
    let stream =
        unfold((shared, news, concerns, place), move |(shared, mut news, mut concerns, place)| async move {
            loop {
                let heard = tokio::select! {
                    () = shared.supervisor.stopping() => return None,
                    () = shared.clock.sleep(ends.saturating_sub(shared.clock.monotonic())) => return None,
                    heard = news.recv() => heard,
                };
                match heard {
                    Ok(told) if told.case != case => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        if concerns(Arc::clone(&shared)).await {
                            return Some((
                                Ok(Event::default().data("news")),
                                (shared, news, concerns, place),
                            ));
                        }
                    }
                    Err(RecvError::Closed) => return None,
                }
            }
        });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE))
}
