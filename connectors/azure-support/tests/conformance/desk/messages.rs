//! Messages of a ticket of the simulated desk. They do not count as a modification of it.

use axum::http::Method;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Answer, Asked, Effect, State, invalid, name_is_legal, not_allowed, not_found, refusal, second};

/// The most that a list of messages gives.
const PAGE: usize = 10;

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) sender: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) created: DateTime<Utc>,
}

impl Message {
    fn json(&self, scope: &str, ticket: &str) -> Value {
        json!({
            "id": format!("{scope}/supportTickets/{ticket}/communications/{}", self.name),
            "name": self.name,
            "type": "Microsoft.Support/communications",
            "properties": {
                "communicationType": "Web",
                "communicationDirection": "Inbound",
                "sender": self.sender,
                "subject": self.subject,
                "body": self.body,
                "createdDate": second(self.created),
            },
        })
    }
}

impl State {
    pub(super) fn message(&mut self, ticket: &str, name: &str, asked: &Asked<'_>) -> Answer {
        let Some(on) = self.tickets.get(ticket) else { return not_found(ticket) };
        match asked.method {
            Method::GET => match on.messages.iter().find(|message| message.name == name) {
                Some(message) => Answer::ok(message.json(&self.scope, ticket)),
                None => not_found(name),
            },
            Method::PUT => {
                if self.message_is_taken(ticket, name) {
                    return refusal(StatusCode::CONFLICT, "Conflict", "A communication of this name exists.");
                }
                let looks_generated =
                    name.len() == 36 && name.bytes().filter(|byte| *byte == b'-').count() == 4;
                if !name_is_legal(name) || looks_generated {
                    return invalid("Communication resource name is invalid. Please provide a valid name.");
                }
                let text =
                    |name: &str| asked.body["properties"][name].as_str().unwrap_or_default().to_owned();
                let message = Message {
                    name: name.to_owned(),
                    sender: text("sender"),
                    subject: text("subject"),
                    body: text("body"),
                    created: asked.now,
                };
                // A service principal calls, who has no address.
                if !message.sender.contains('@') {
                    return invalid("sender is required.");
                }
                if message.subject.is_empty() || message.body.is_empty() {
                    return invalid("subject and body are required.");
                }
                self.accept(Effect::Message(ticket.to_owned(), message), asked.now)
            }
            _ => not_allowed(),
        }
    }

    pub(super) fn list_messages(&self, ticket: &str, asked: &Asked<'_>) -> Answer {
        let Some(on) = self.tickets.get(ticket) else { return not_found(ticket) };
        match asked.query.get("$top").map(|top| top.parse::<usize>()) {
            None => {}
            Some(Ok(top)) if (1..=PAGE).contains(&top) => {}
            Some(_) => return invalid("$top is invalid."),
        }
        let since = match asked.query.get("$filter").map(|filter| filter.split(' ').collect::<Vec<_>>()) {
            None => String::new(),
            Some(words) => match words.as_slice() {
                ["createdDate", "gt", time] if DateTime::parse_from_rfc3339(time).is_ok() => {
                    (*time).to_owned()
                }
                _ => return invalid("$filter is invalid."),
            },
        };
        // The newest first.
        let mut rows: Vec<&Message> =
            on.messages.iter().filter(|message| second(message.created) > since).collect();
        rows.reverse();
        let skip: usize =
            asked.query.get("$skipToken").and_then(|skip| skip.parse().ok()).unwrap_or_default();
        let page: Vec<Value> =
            rows.iter().skip(skip).take(PAGE).map(|message| message.json(&self.scope, ticket)).collect();
        let mut body = json!({ "value": page });
        if rows.len() > skip + PAGE {
            let query = format!("&$top={PAGE}&$skipToken={}", skip + PAGE);
            body["nextLink"] = self.link(&format!("supportTickets/{ticket}/communications"), &query).into();
        }
        Answer::ok(body)
    }
}
