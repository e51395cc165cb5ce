//! Tickets of the simulated desk.

use axum::http::{Method, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::messages::Message;
use super::{
    Answer, Asked, Effect, LIST_LAG, State, UPDATING, invalid, name_is_legal, not_allowed, not_found,
};
use super::{catalogue, refusal, second};

const REQUIRED: [&str; 7] = [
    "description",
    "problemClassificationId",
    "severity",
    "advancedDiagnosticConsent",
    "contactDetails",
    "title",
    "serviceId",
];
const CONTACT: [&str; 7] = [
    "firstName",
    "lastName",
    "preferredContactMethod",
    "primaryEmailAddress",
    "preferredTimeZone",
    "country",
    "preferredSupportLanguage",
];
const SEVERITIES: [&str; 4] = ["minimal", "moderate", "critical", "highestcriticalimpact"];

pub(crate) struct Ticket {
    pub(crate) properties: Value,
    pub(crate) number: String,
    pub(crate) status: String,
    pub(crate) created: DateTime<Utc>,
    modified: DateTime<Utc>,
    pub(crate) messages: Vec<Message>,
    pub(crate) chat: Option<Value>,
    /// An engineer works on it: its severity stands.
    pub(crate) in_work: bool,
    /// It cannot be opened again.
    pub(crate) locked: bool,
    /// What it will be once the change is carried out, and when.
    pending: Option<(String, DateTime<Utc>)>,
    /// Since when it has been listed how.
    listed: Vec<(DateTime<Utc>, String, DateTime<Utc>)>,
}

impl Ticket {
    pub(crate) fn new(properties: &Value, number: String, now: DateTime<Utc>) -> Self {
        let status = "Open".to_owned();
        Self {
            properties: properties.clone(),
            number,
            listed: vec![(now, status.clone(), now)],
            status,
            created: now,
            modified: now,
            messages: Vec::new(),
            chat: None,
            in_work: false,
            locked: false,
            pending: None,
        }
    }

    pub(crate) fn change(&mut self, status: &str, now: DateTime<Utc>) {
        self.status = status.to_owned();
        self.modified = now;
        self.listed.push((now, self.status.clone(), now));
    }

    pub(crate) fn settle(&mut self, now: DateTime<Utc>) {
        if let Some((status, _)) = self.pending.take_if(|(_, at)| *at <= now) {
            self.change(&status, now);
        }
    }

    fn json(&self, scope: &str, name: &str, status: &str, modified: DateTime<Utc>) -> Value {
        let mut properties = self.properties.clone();
        let severity = properties["severity"].as_str().unwrap_or_default().to_owned();
        properties["severity"] = capital(&severity).into();
        properties["status"] = status.into();
        properties["supportTicketId"] = self.number.clone().into();
        properties["createdDate"] = second(self.created).into();
        properties["modifiedDate"] = second(modified).into();
        properties["enrollmentId"] = "".into();
        properties["supportEngineer"] = json!({});
        properties["supportChannel"] = "Email".into();
        properties["serviceDisplayName"] = "Virtual Machine running Linux".into();
        properties["chatConversationStatus"] = if self.chat.is_some() { "Closed" } else { "None" }.into();
        json!({
            "id": format!("{scope}/supportTickets/{name}"),
            "name": name,
            "type": "Microsoft.Support/supportTickets",
            "properties": properties,
        })
    }
}

impl State {
    pub(super) fn ticket(&mut self, name: &str, asked: &Asked<'_>) -> Answer {
        match asked.method {
            Method::GET => match self.tickets.get(name) {
                Some(ticket) if too_old(ticket, asked.now) => {
                    refusal(StatusCode::BAD_REQUEST, "BadRequest", "The support ticket is too old.")
                }
                Some(ticket) => Answer::ok(ticket.json(&self.scope, name, &ticket.status, ticket.modified)),
                None => not_found(name),
            },
            Method::PUT => self.create(name, asked),
            Method::PATCH => self.patch(name, asked),
            _ => not_allowed(),
        }
    }

    fn create(&mut self, name: &str, asked: &Asked<'_>) -> Answer {
        if self.is_taken(name) {
            return refusal(StatusCode::CONFLICT, "Conflict", "A support ticket of this name exists.");
        }
        if !name_is_legal(name) {
            return invalid("Support ticket resource name is invalid. Please provide a valid name.");
        }
        let properties = &asked.body["properties"];
        let lacks = |of: &Value, names: &[&str]| {
            let is_empty = |name: &&&str| {
                let value = &of[**name];
                value.as_str().map_or(!value.is_object(), str::is_empty)
            };
            names.iter().find(is_empty).map(|name| (*name).to_owned())
        };
        let contact = &properties["contactDetails"];
        if let Some(what) = lacks(properties, &REQUIRED).or_else(|| lacks(contact, &CONTACT)) {
            return invalid(&format!("{what} is required."));
        }
        let severity = properties["severity"].as_str().unwrap_or_default();
        if !SEVERITIES.contains(&severity) {
            return invalid("severity is invalid.");
        }
        let by_phone = severity.contains("critical") || contact["preferredContactMethod"] == "phone";
        if by_phone && contact["phoneNumber"].as_str().is_none_or(str::is_empty) {
            return invalid("phoneNumber is required.");
        }
        if !["Yes", "No"].contains(&properties["advancedDiagnosticConsent"].as_str().unwrap_or_default()) {
            return invalid("advancedDiagnosticConsent is invalid.");
        }
        let (service, problem) = (&properties["serviceId"], &properties["problemClassificationId"]);
        if let Some(why) = catalogue::refused(service, problem, &properties["secondaryConsent"]) {
            return invalid(&why);
        }
        self.accept(Effect::Ticket(name.to_owned(), properties.clone()), asked.now)
    }

    fn patch(&mut self, name: &str, asked: &Asked<'_>) -> Answer {
        let (scope, ignores) = (self.scope.clone(), self.ignores);
        let Some(ticket) = self.tickets.get_mut(name) else { return not_found(name) };
        let Some(changes) = asked.body.as_object().filter(|changes| !changes.is_empty()) else {
            return invalid("Request body is invalid.");
        };
        for (what, to) in changes {
            match (what.as_str(), to.as_str()) {
                ("severity", Some(severity)) if SEVERITIES.contains(&severity) => {
                    if ticket.in_work {
                        return invalid(
                            "Severity cannot be changed while a support engineer is working on the ticket.",
                        );
                    }
                }
                ("status", Some("open")) if ticket.locked => {
                    return invalid("The ticket cannot be reopened.");
                }
                ("status", Some("open" | "closed")) => {}
                _ => return invalid(&format!("{what} is invalid.")),
            }
        }
        if !ignores {
            let mut status = ticket.status.clone();
            for (what, to) in changes {
                match what.as_str() {
                    "severity" => ticket.properties["severity"] = to.clone(),
                    _ => status = capital(to.as_str().unwrap_or_default()),
                }
            }
            ticket.change("Updating", asked.now);
            ticket.pending = Some((status, asked.now + TimeDelta::from_std(UPDATING).unwrap()));
        }
        Answer::ok(ticket.json(&scope, name, &ticket.status, ticket.modified))
    }

    pub(super) fn list_tickets(&self, asked: &Asked<'_>) -> Answer {
        let top = match asked.query.get("$top").map(|top| top.parse::<usize>()) {
            None => 25,
            Some(Ok(top)) if (1..=100).contains(&top) => top,
            Some(_) => return invalid("$top is invalid."),
        };
        let Ok((status, created)) = filter(asked.query.get("$filter").map_or("", String::as_str)) else {
            return invalid("$filter is invalid.");
        };
        let shown = asked.now - TimeDelta::from_std(LIST_LAG).unwrap();
        let mut rows: Vec<Value> = self
            .tickets
            .iter()
            .filter(|(_, ticket)| !too_old(ticket, asked.now))
            .filter(|(_, ticket)| created.as_ref().is_none_or(|since| second(ticket.created) >= *since))
            .filter_map(|(name, ticket)| {
                let (_, word, modified) = ticket.listed.iter().rev().find(|(since, _, _)| *since <= shown)?;
                let wanted = status.as_ref().is_none_or(|status| status.eq_ignore_ascii_case(word));
                wanted.then(|| ticket.json(&self.scope, name, word, *modified))
            })
            .collect();
        // In an order that helps nobody.
        rows.reverse();
        let skip: usize =
            asked.query.get("$skipToken").and_then(|skip| skip.parse().ok()).unwrap_or_default();
        let more = rows.len() > skip + top;
        let page: Vec<Value> = rows.into_iter().skip(skip).take(top).collect();
        let mut body = json!({ "value": page });
        if more {
            let filter: String = url::form_urlencoded::byte_serialize(
                asked.query.get("$filter").map_or("", String::as_str).as_bytes(),
            )
            .collect();
            let query = format!("&$top={top}&$filter={filter}&$skipToken={}", skip + top);
            body["nextLink"] = self.link("supportTickets", &query).into();
        }
        Answer::ok(body)
    }

    pub(super) fn check_ticket_name(&self, asked: &Asked<'_>) -> Answer {
        let name = asked.body["name"].as_str().unwrap_or_default();
        if asked.method != Method::POST || asked.body["type"] != "Microsoft.Support/supportTickets" {
            return invalid("type is invalid.");
        }
        Answer::ok(checked(name, self.is_taken(name)))
    }

    pub(super) fn of_ticket(&mut self, name: &str, rest: &[&str], asked: &Asked<'_>) -> Answer {
        let Some(ticket) = self.tickets.get(name) else { return not_found(name) };
        match rest {
            ["chatTranscripts"] => {
                let chats: Vec<&Value> = ticket.chat.iter().collect();
                Answer::ok(json!({ "value": chats }))
            }
            ["checkNameAvailability"] if asked.method == Method::POST => {
                let wanted = asked.body["name"].as_str().unwrap_or_default();
                Answer::ok(checked(wanted, self.message_is_taken(name, wanted)))
            }
            ["communications"] => self.list_messages(name, asked),
            ["communications", message] => self.message(name, message, asked),
            _ => not_found(name),
        }
    }
}

fn checked(name: &str, taken: bool) -> Value {
    if !name_is_legal(name) {
        return json!({ "nameAvailable": false, "reason": "Invalid", "message": format!("Name {name} is invalid.") });
    }
    match taken {
        true => {
            json!({ "nameAvailable": false, "reason": "AlreadyExists", "message": format!("{name} exists.") })
        }
        false => json!({ "nameAvailable": true }),
    }
}

/// Status and earliest creation of a filter: `Status eq '…'` and `CreatedDate ge …`, joined by `and`.
fn filter(text: &str) -> Result<(Option<String>, Option<String>), ()> {
    let (mut status, mut created) = (None, None);
    for part in text.split(" and ").map(str::trim).filter(|part| !part.is_empty()) {
        match part.split(' ').collect::<Vec<_>>().as_slice() {
            ["Status", "eq", word] if word.len() > 2 && word.starts_with('\'') && word.ends_with('\'') => {
                status = Some(word.trim_matches('\'').to_owned());
            }
            ["CreatedDate", "ge", time] if DateTime::parse_from_rfc3339(time).is_ok() => {
                created = Some((*time).to_owned());
            }
            _ => return Err(()),
        }
    }
    Ok((status, created))
}

fn too_old(ticket: &Ticket, now: DateTime<Utc>) -> bool {
    now - ticket.created > TimeDelta::days(548)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
