//! Events that a partner posts to the face itself, about tickets of its own desk: hints for the systems of that party
//! that we are a client of.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use throughline_sdk::{RemoteId, TicketRef};

use super::refusal::Refusal;
use super::resources;
use super::shape::{self, Purpose};
use super::visitor::Visitor;
use super::{Edition, body};
use crate::case::HintSource;
use crate::intake;
use crate::registry;

const OF_TICKETS: [&str; 6] = [
    "troubleTicketCreateEvent",
    "troubleTicketAttributeValueChangeEvent",
    "troubleTicketStatusChangeEvent",
    "troubleTicketDeleteEvent",
    "troubleTicketResolvedEvent",
    "troubleTicketInformationRequiredEvent",
];
const OF_SPECIFICATIONS: [&str; 4] = [
    "troubleTicketSpecificationCreateEvent",
    "troubleTicketSpecificationAttributeValueChangeEvent",
    "troubleTicketSpecificationStatusChangeEvent",
    "troubleTicketSpecificationDeleteEvent",
];

/// Whether an edition has an event of this name.
pub(super) fn is_known(edition: Edition, event: &str) -> bool {
    OF_TICKETS.contains(&event) || (edition == Edition::V5 && OF_SPECIFICATIONS.contains(&event))
}

pub(super) async fn hear(
    visitor: &Visitor,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    if !is_known(visitor.edition, &event) {
        return Err(Refusal::missing("event"));
    }
    body::of_new(&headers)?;
    let body = body::json(visitor, body).await?;
    shape::check(&body, shape::event(visitor.edition), Purpose::Whole)?;
    let id = body.pointer("/event/troubleTicket/id").and_then(Value::as_str).filter(|id| !id.is_empty());
    if let (Some(shared), Some(id)) = (&visitor.told, id) {
        let party = shared.systems.get(visitor.desk.name()).map(|system| &system.party);
        for system in shared.systems.values() {
            let is_client = registry::is_tmf621_client(system.connector.kind());
            if !is_client || Some(&system.party) != party {
                continue;
            }
            let ticket = TicketRef::new(system.name.clone(), RemoteId::new(id));
            shared.metrics.hint("webhook");
            intake::operator(shared, ticket, HintSource::Webhook).await.map_err(|error| {
                tracing::error!(%error, "A partner's event could not be recorded.");
                Refusal::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the event could not be recorded; send it again",
                )
            })?;
        }
    }
    match visitor.edition {
        // Version 4 answers an event as if it were a subscription.
        Edition::V4 => {
            let answer = json!({ "id": body.get("eventId").and_then(Value::as_str).unwrap_or_default(), "callback": "" });
            Ok(resources::json(StatusCode::CREATED, &answer))
        }
        Edition::V5 => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}
