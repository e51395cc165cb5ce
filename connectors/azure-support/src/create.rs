//! Raising a ticket: everything Azure requires of one, under the intent's marker as its name.

use throughline_sdk::{Effect, Error, ErrorKind, Marker, NewTicket, RemoteId, Result, Subject};

use crate::api::{Api, Named, Put};
use crate::classify;
use crate::config::{Config, Contact};
use crate::map::{self, PROBLEM_START, RESOURCE, same_word};
use crate::wire::{ContactWrite, NewTicket as Write, Technical};
use crate::write::settle;

/// The severities for which Microsoft wants to be able to call.
const BY_PHONE: [&str; 2] = ["critical", "highestcriticalimpact"];

/// Raises a ticket, or finds the one that an earlier attempt raised.
pub(crate) async fn create(api: Api<'_>, marker: &Marker, new: &NewTicket) -> Result<Effect> {
    let (config, name) = (api.config, marker.as_str());
    let severity = match &new.priority {
        Some(priority) => map::severity(priority)?,
        None => config.default_severity.clone(),
    };
    check_severity(config, &severity)?;
    check_fields(new)?;
    let effect = || Effect::of(Subject::Ticket(RemoteId::new(name)));
    let named = Named::Ticket(name);
    if api.is_there(named).await? {
        return Ok(effect());
    }
    let resource = new.fields.get(RESOURCE).map(String::as_str);
    let chosen = classify::choose(api, new, resource).await?;
    let secondary_consent = classify::consents(api, &chosen).await?;
    let description = map::write_text(&new.description);
    let ticket = Write {
        title: new.title.trim(),
        // Azure takes no ticket without a description.
        description: if description.is_empty() { new.title.trim() } else { &description },
        severity: &severity,
        service_id: chosen.service_id(),
        problem_classification_id: chosen.problem_id(),
        contact_details: contact(&config.contact),
        advanced_diagnostic_consent: if config.diagnostic_consent { "Yes" } else { "No" },
        require_24x7_response: config.around_the_clock,
        problem_start_time: new.fields.get(PROBLEM_START).map(String::as_str),
        support_plan_id: config.support_plan_id.as_deref(),
        technical_ticket_details: resource.map(|id| Technical { resource_id: Some(id.to_owned()) }),
        secondary_consent,
    };
    match api.put_ticket(name, ticket).await? {
        Put::Done => Ok(effect()),
        Put::Refused(refusal) => settle(api, named, refusal).await.map(|()| effect()),
    }
}

/// Whether the contact details suffice for a severity.
/// <https://learn.microsoft.com/rest/api/support/support-tickets/create#contactprofile>
pub(crate) fn check_severity(config: &Config, severity: &str) -> Result<()> {
    if config.contact.phone.is_some() || !BY_PHONE.iter().any(|word| same_word(word, severity)) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Rejected,
        "Microsoft requires a phone number for this severity; set contact_phone",
    )
    .with_context("severity", severity))
}

/// Refuses fields that a new ticket cannot have: dropped in silence they would be missed.
fn check_fields(new: &NewTicket) -> Result<()> {
    let unknown = new.fields.keys().find(|name| ![RESOURCE, PROBLEM_START].contains(&name.as_str()));
    if let Some(name) = unknown {
        return Err(Error::new(
            ErrorKind::Rejected,
            format!("a new ticket takes the fields {RESOURCE:?} and {PROBLEM_START:?} only"),
        )
        .with_context("field", name));
    }
    match new.fields.get(PROBLEM_START) {
        Some(time) if chrono::DateTime::parse_from_rfc3339(time).is_err() => Err(Error::new(
            ErrorKind::Rejected,
            format!("the field {PROBLEM_START:?} has to be a time such as 2026-01-31T08:00:00Z"),
        )),
        Some(_) | None => Ok(()),
    }
}

fn contact(contact: &Contact) -> ContactWrite<'_> {
    ContactWrite {
        first_name: &contact.first_name,
        last_name: &contact.last_name,
        preferred_contact_method: &contact.method,
        primary_email_address: &contact.email,
        additional_email_addresses: &contact.additional_emails,
        phone_number: contact.phone.as_deref(),
        preferred_time_zone: &contact.time_zone,
        country: &contact.country,
        preferred_support_language: &contact.language,
    }
}
