//! Tells subscribers what happened: at least once, in order, each on its own, so that a dead one delays nobody.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, header};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use throughline_sdk::http::{Request, Schedule};
use throughline_sdk::{Error, ErrorKind, Urgency};
use url::Url;

use super::edition::{Edition, told};
use super::query::Query;
use super::ticket::{typed, written_time};
use super::view::{address, name};
use crate::daemon::Shared;
use crate::desk::{Desk, Due, Sort, Subscription};

/// Between attempts to tell one event.
const RETRY: Schedule = Schedule::new(Duration::from_secs(1), LONGEST_WAIT);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// After so many attempts, some eight hours, an event is given up: the subscriber reads the list when it is back.
const ATTEMPTS: u32 = 100;
/// How long a subscriber may take for one event.
const PATIENCE: Duration = Duration::from_secs(30);
/// Events that are looked up at a time.
const BATCH: usize = 50;
/// The largest answer taken: nothing in it counts.
const ANSWER_BYTES: u64 = 64 * 1024;

/// Starts telling the subscribers of every face.
pub(crate) fn start(shared: &Arc<Shared>) {
    for face in &shared.northbound.faces {
        shared.supervisor.spawn(watch(Arc::clone(shared), face.desk.clone()));
    }
}

/// Sees to it that each subscription has somebody who serves it.
async fn watch(shared: Arc<Shared>, desk: Desk) {
    let served: Arc<Mutex<BTreeSet<u64>>> = Arc::default();
    let mut changed = desk.watch();
    loop {
        for id in desk.subscriptions() {
            if served.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
                let (shared_by, desk, served) = (Arc::clone(&shared), desk.clone(), Arc::clone(&served));
                shared.supervisor.spawn(async move {
                    serve(&shared_by, &desk, id).await;
                    served.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                });
            }
        }
        tokio::select! {
            biased;
            () = shared.supervisor.stopping() => return,
            gone = changed.changed() => if gone.is_err() { return },
        }
    }
}

/// Tells one subscriber, until it subscribes no more or the daemon stops.
async fn serve(shared: &Arc<Shared>, desk: &Desk, id: u64) {
    let mut changed = desk.watch();
    while let Some(subscription) = desk.subscription(id) {
        changed.borrow_and_update();
        let due = match desk.due(subscription.told, BATCH).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(system.name = %desk.name(), %error, "A subscriber's events cannot be read; trying again.");
                tokio::select! {
                    biased;
                    () = shared.supervisor.stopping() => return,
                    () = shared.clock.sleep(LONGEST_WAIT) => continue,
                }
            }
        };
        if due.is_empty() {
            tokio::select! {
                biased;
                () = shared.supervisor.stopping() => return,
                gone = changed.changed() => if gone.is_err() { return },
            }
            continue;
        }
        // Of the last change in a full batch more may follow.
        let whole = due.len() < BATCH;
        for (at, event) in due.iter().enumerate() {
            if !tell(shared, desk, id, &subscription, event).await {
                return;
            }
            let change = event.event.change;
            let is_last = due.get(at + 1).map_or(whole, |next| next.event.change != change);
            if is_last && let Err(error) = desk.told(id, change).await {
                tracing::error!(system.name = %desk.name(), %error, "It cannot be noted what a subscriber was told.");
                return;
            }
        }
    }
}

/// Tells one event, again and again; false when the subscription or the daemon ends meanwhile.
async fn tell(shared: &Arc<Shared>, desk: &Desk, id: u64, subscription: &Subscription, due: &Due) -> bool {
    let body = event(subscription, due);
    if !is_wanted(subscription, &body) {
        return true;
    }
    for attempt in 0..ATTEMPTS {
        if shared.supervisor.is_stopping() || desk.subscription(id).is_none() {
            return false;
        }
        let error = match post(shared, desk, subscription, &due.event.name, &body).await {
            Ok(()) => return true,
            Err(error) => error,
        };
        // Its address holds a token: it is not logged.
        tracing::info!(system.name = %desk.name(), subscription = id, attempt, error = error.message(), "A subscriber could not be told.");
        let wait = RETRY.delay(attempt, shared.entropy.as_ref()).max(error.retry_after().unwrap_or_default());
        tokio::select! {
            biased;
            () = shared.supervisor.stopping() => return false,
            () = shared.clock.sleep(wait) => {}
        }
    }
    tracing::warn!(system.name = %desk.name(), subscription = id, "A subscriber is not told of an event after many attempts.");
    true
}

async fn post(
    shared: &Shared,
    desk: &Desk,
    subscription: &Subscription,
    event: &str,
    body: &Value,
) -> Result<(), Error> {
    let url = place(&subscription.callback, event)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(super::MEDIA_TYPE));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let mut trace = [0; 16];
    shared.entropy.fill(&mut trace);
    let request = Request {
        method: Method::POST,
        url,
        headers,
        body: Bytes::from(body.to_string()),
        deadline: desk.clock().monotonic() + PATIENCE,
        urgency: Urgency::default(),
        trace,
        max_answer_bytes: ANSWER_BYTES,
    };
    let Some(callbacks) = &shared.northbound.callbacks else {
        return Err(Error::new(ErrorKind::Unsupported, "this bridge calls nobody"));
    };
    callbacks.send(request).await?.success(&Method::POST).map(drop)
}

/// Where an event goes: below the callback, unless that names a listener itself.
fn place(callback: &str, event: &str) -> Result<Url, Error> {
    let no_address = |_error| Error::new(ErrorKind::Misconfigured, "the callback is no address");
    let mut url = Url::parse(callback).map_err(no_address)?;
    if !url.path().contains("/listener/") {
        let mut name = event.to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        // An http address always has a path to extend.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["listener", &name]);
        }
    }
    Ok(url)
}

/// The event as the subscriber's edition has it.
fn event(subscription: &Subscription, due: &Due) -> Value {
    let edition = Edition::of(subscription.edition);
    let Due { sort, number, event } = due;
    let time = written_time(event.time);
    let mut document: Map<String, Value> = event.document.clone();
    document.insert("id".to_owned(), json!(number.to_string()));
    document.insert("href".to_owned(), json!(address(&subscription.base, *sort, *number)));
    document.insert("lastUpdate".to_owned(), json!(time));
    if *sort == Sort::Ticket {
        typed(&mut document);
        document = told(edition, document);
    }
    let mut body = json!({
        "eventId": format!("{}-{}", event.change, event.at),
        "eventTime": time,
        "eventType": event.name,
        "title": event.name,
        "event": { name(*sort): document },
    });
    let (name_of_time, sort) = match edition {
        Edition::V4 => ("timeOcurred", None),
        Edition::V5 => ("timeOccurred", Some(json!(event.name))),
    };
    if let Some(body) = body.as_object_mut() {
        body.insert(name_of_time.to_owned(), json!(time));
        body.extend(sort.map(|sort| ("@type".to_owned(), sort)));
    }
    body
}

/// Whether the subscription's query asks for this event: conditions on its attributes, such as
/// `eventType=TroubleTicketStatusChangeEvent`.
fn is_wanted(subscription: &Subscription, event: &Value) -> bool {
    let query = subscription.document.get("query").and_then(Value::as_str).unwrap_or_default();
    // Only version 4's words count here: there are no pages of events.
    Query::parse(query.trim_start_matches('?'), Edition::V4).map_or(true, |query| query.wants(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_goes_below_the_callback_unless_that_names_a_listener() {
        for (callback, goes_to) in [
            (
                "https://a.example/hook?token=x",
                "https://a.example/hook/listener/troubleTicketCreateEvent?token=x",
            ),
            ("https://a.example/", "https://a.example/listener/troubleTicketCreateEvent"),
            ("https://a.example/v5/listener/mine", "https://a.example/v5/listener/mine"),
        ] {
            assert_eq!(place(callback, "TroubleTicketCreateEvent").unwrap().as_str(), goes_to);
        }
    }
}
