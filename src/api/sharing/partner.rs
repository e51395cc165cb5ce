//! What a partner pushes: agreements, tickets, and the files that it fetches.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use throughline_sdk::{Clock, RemoteId, TicketRef};

use super::address::{self, Closed, Wanted};
use super::agreement::{self, Agreement, Status};
use super::refusal::{Refusal, VERSION};
use super::ticket::{self, Pushed};
use super::{Doors, Face};
use crate::api::inert::inert;
use crate::case::HintSource;
use crate::desk::{Record, Sort};
use crate::intake;

const TOKEN: HeaderName = HeaderName::from_static("x-ticket-sharing-token");

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest push: whole lists of comments come again and again.
const PUSH_BYTES: usize = 4 * 1024 * 1024;
/// The largest agreement, which nobody has to bear a key to send.
const AGREEMENT_BYTES: usize = 64 * 1024;

type Named = Result<Path<(String, String)>, PathRejection>;
/// System, ticket, file, end and signature of an address that was given out.
type Given = Result<Path<(String, u64, String, i64, String)>, PathRejection>;
type Answer = Result<Response, Refusal>;

/// `POST /agreements/{uuid}`: the partner invites us. Whether it really did shows when it takes our answer.
pub(super) async fn invited(
    State(doors): State<Doors>,
    named: Named,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (face, uuid) = doors.face(named, &headers)?;
    let body = json(face, body, AGREEMENT_BYTES).await?;
    let invited = Agreement::invited(&uuid, &body, &face.sharing)?;
    face.book.invite(invited).await?;
    tracing::info!(system.name = %face.desk.name(), agreement = %uuid, "A partner invites us to take its tickets.");
    Ok(done(StatusCode::CREATED))
}

/// `PUT /agreements/{uuid}`: the partner changes an agreement, or decides on our invitation.
pub(super) async fn amended(
    State(doors): State<Doors>,
    named: Named,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (face, uuid) = doors.face(named, &headers)?;
    opened_as(face, &headers, &uuid)?;
    let body = json(face, body, AGREEMENT_BYTES).await?;
    face.book.amend(&uuid, |agreement| agreement.amended(&body, &face.sharing)).await?;
    tracing::info!(system.name = %face.desk.name(), agreement = %uuid, "A partner changed a sharing agreement.");
    Ok(done(StatusCode::OK))
}

/// `GET /agreements/{uuid}`: how an agreement stands, without its key.
pub(super) async fn shown(State(doors): State<Doors>, named: Named, headers: HeaderMap) -> Answer {
    std::future::ready(()).await;
    let (face, uuid) = doors.face(named, &headers)?;
    let opened = opened_as(face, &headers, &uuid)?;
    Ok(axum::Json(opened.told(&face.sharing, false)).into_response())
}

/// `POST /tickets/{uuid}`: the partner shares a ticket. The same again is news of it: an answer may have been lost.
pub(super) async fn shared(
    State(doors): State<Doors>,
    named: Named,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (face, uuid, by, push) = doors.pushed(named, &headers, body).await?;
    let _making = face.making.lock().await;
    let (number, status) = match face.with_uuid(&uuid).await? {
        Some((number, record)) => {
            of(&record, &by)?;
            (Some(number), StatusCode::OK)
        }
        None if by.sent => {
            let message = "by this agreement we share tickets with you; share yours by one that you send";
            return Err(Refusal::new(StatusCode::FORBIDDEN, message));
        }
        None => (None, StatusCode::CREATED),
    };
    take(&doors, face, number, (&uuid, &by), push).await?;
    Ok(done(status))
}

/// `PUT /tickets/{uuid}`: the partner tells what is new of a ticket.
pub(super) async fn updated(
    State(doors): State<Doors>,
    named: Named,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (face, uuid, by, push) = doors.pushed(named, &headers, body).await?;
    let there = face.with_uuid(&uuid).await?;
    let (number, record) = there.ok_or_else(|| Refusal::missing("ticket"))?;
    of(&record, &by)?;
    take(&doors, face, Some(number), (&uuid, &by), push).await?;
    Ok(done(StatusCode::OK))
}

/// `GET /tickets/{uuid}`: the ticket as both sides pushed it.
pub(super) async fn told(State(doors): State<Doors>, named: Named, headers: HeaderMap) -> Answer {
    let (face, uuid) = doors.face(named, &headers)?;
    let by = in_force(face, &headers)?;
    let there = face.with_uuid(&uuid).await?.filter(|(_, record)| !ticket::is_offered(&record.document));
    let (_, record) = there.ok_or_else(|| Refusal::missing("ticket"))?;
    of(&record, &by)?;
    Ok(axum::Json(ticket::told(&record.document)).into_response())
}

/// `DELETE /tickets/{uuid}`: the partner shares a ticket no more.
pub(super) async fn unshared(State(doors): State<Doors>, named: Named, headers: HeaderMap) -> Answer {
    let (face, uuid) = doors.face(named, &headers)?;
    let by = in_force(face, &headers)?;
    let there = face.with_uuid(&uuid).await?;
    let (number, record) = there.ok_or_else(|| Refusal::missing("ticket"))?;
    of(&record, &by)?;
    let change = |before: crate::desk::Before<'_>| Ok::<_, Refusal>(ticket::unshared(before.record));
    face.desk.change(Sort::Ticket, Some(number), change).await??;
    doors.tell(face, number).await;
    Ok(done(StatusCode::OK))
}

/// A file of ours, by the address that the partner was given: that is all that opens it.
pub(super) async fn file(State(doors): State<Doors>, given: Given) -> Answer {
    let missing = || Refusal::missing("file");
    let Ok(Path((system, number, uuid, until, signature))) = given else { return Err(missing()) };
    let face = doors.of_system(&system).ok_or_else(missing)?;
    let record = face.desk.read(Sort::Ticket, number).await?.ok_or_else(missing)?;
    let by = face.book.get(ticket::agreement(&record.document)).ok_or_else(missing)?;
    let wanted = Wanted { number, uuid: &uuid };
    match address::check(&by, wanted, until, &signature, face.desk.clock().now()) {
        Ok(()) => {}
        Err(Closed::Unknown) => return Err(missing()),
        Err(Closed::Ended) => return Err(Refusal::new(StatusCode::GONE, "this address has run out")),
    }
    let stored = record.files.get(&uuid).ok_or_else(missing)?;
    let bytes = face.desk.blobs().read(&stored.digest).await.map_err(|error| {
        tracing::error!(%error, "A file for a partner could not be read.");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the bridge could not read this file")
    })?;
    let mut answer = inert(bytes);
    // What the address opens is nobody's to keep, and nothing in it acts.
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(answer)
}

impl Doors {
    fn of_system(&self, system: &str) -> Option<&Face> {
        self.faces.iter().find(|face| face.desk.name().as_str() == system)
    }

    /// The face that is asked, and the uuid in the address.
    fn face(&self, named: Named, headers: &HeaderMap) -> Result<(&Face, String), Refusal> {
        if self.told.as_ref().is_some_and(|shared| shared.supervisor.is_stopping() || shared.has_failed()) {
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the bridge is stopping; come again"));
        }
        if headers.get_all(VERSION).iter().any(|version| version != "1" && version != "1.0") {
            let message = "this bridge speaks version 1 of the protocol";
            return Err(Refusal::new(StatusCode::PRECONDITION_FAILED, message));
        }
        let Ok(Path((system, uuid))) = named else { return Err(Refusal::missing("address")) };
        // Nobody is told which partners there are.
        let face = self.of_system(&system).ok_or_else(Refusal::stranger)?;
        Ok((face, uuid))
    }

    /// What is pushed of the ticket that a request names, and the agreement whose key it bears.
    async fn pushed(
        &self,
        named: Named,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(&Face, String, Agreement, Map<String, Value>), Refusal> {
        let (face, uuid) = self.face(named, headers)?;
        let by = in_force(face, headers)?;
        let push = json(face, body, PUSH_BYTES).await?;
        agreement::named(&uuid, &push)?;
        Ok((face, uuid, by, push))
    }

    /// Wakes the lane of a ticket that was changed. It stands on the desk already, where the change feed finds it: this
    /// only makes it quicker.
    async fn tell(&self, face: &Face, number: u64) {
        let Some(shared) = &self.told else { return };
        let ticket = TicketRef::new(face.desk.name().clone(), RemoteId::new(number.to_string()));
        shared.metrics.hint("webhook");
        if let Err(error) = intake::operator(shared, ticket, HintSource::Webhook).await {
            tracing::warn!(%error, "A partner's push waits for the change feed.");
        }
    }
}

/// The agreement whose key a request bears.
fn opened(face: &Face, headers: &HeaderMap) -> Result<Agreement, Refusal> {
    let mut tokens = headers.get_all(TOKEN).iter();
    let token = tokens.next().filter(|_| tokens.next().is_none()).and_then(|token| token.to_str().ok());
    token.and_then(|token| face.book.opened_by(token)).ok_or_else(Refusal::stranger)
}

/// The same, if it is the agreement of the address. Of any other its partner is told nothing.
fn opened_as(face: &Face, headers: &HeaderMap, uuid: &str) -> Result<Agreement, Refusal> {
    let agreement = opened(face, headers)?;
    if agreement.uuid == uuid { Ok(agreement) } else { Err(Refusal::missing("agreement")) }
}

/// The one whose key a request bears, if tickets may be worked on by it.
fn in_force(face: &Face, headers: &HeaderMap) -> Result<Agreement, Refusal> {
    let agreement = opened(face, headers)?;
    match agreement.status {
        Status::Accepted => Ok(agreement),
        Status::Pending | Status::Declined | Status::Inactive => {
            Err(Refusal::new(StatusCode::FORBIDDEN, "this agreement is not accepted, or not any more"))
        }
    }
}

/// Ensures that a ticket is shared by this agreement. One of another agreement is not told of.
fn of(record: &Record, by: &Agreement) -> Result<(), Refusal> {
    if ticket::agreement(&record.document) == by.uuid { Ok(()) } else { Err(Refusal::missing("ticket")) }
}

/// Puts a push onto the desk, durable on return, and tells the engine.
async fn take(
    doors: &Doors,
    face: &Face,
    number: Option<u64>,
    (uuid, by): (&str, &Agreement),
    push: Map<String, Value>,
) -> Result<(), Refusal> {
    let (uuid, by) = (uuid.to_owned(), by.uuid.clone());
    let change = move |before: crate::desk::Before<'_>| {
        let pushed = Pushed {
            record: before.record,
            uuid: &uuid,
            agreement: &by,
            push: &push,
            // What the partner speaks of, it has.
            offered: false,
            now: before.now,
        };
        ticket::merged(pushed)
    };
    let changed = face.desk.change(Sort::Ticket, number, change).await??;
    let changed = changed.ok_or_else(|| Refusal::missing("ticket"))?;
    doors.tell(face, changed.number).await;
    Ok(())
}

/// The JSON object of a body, whatever its media type says: implementations differ.
async fn json(face: &Face, body: Body, most: usize) -> Result<Map<String, Value>, Refusal> {
    let clock: &Arc<dyn Clock> = face.desk.clock();
    let bytes = tokio::select! {
        biased;
        read = to_bytes(body, most) => read.map_err(|error| {
            tracing::debug!(%error, "A partner's body could not be read.");
            let message = format!("the body did not arrive whole, or has more than {most} bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        })?,
        () = clock.sleep(PATIENCE) => {
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"));
        }
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "the body has to be a JSON object")),
        Err(error) => {
            let place = format!("line {} column {}", error.line(), error.column());
            Err(Refusal::new(StatusCode::BAD_REQUEST, format!("the body is no JSON at {place}")))
        }
    }
}

fn done(status: StatusCode) -> Response {
    (status, [(VERSION, HeaderValue::from_static("1"))]).into_response()
}
