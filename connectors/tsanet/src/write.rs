//! Writing: what TSANet took is read back, and what it did not do is no success.

use http::Method;
use throughline_sdk::{
    CommentId, Effect, Error, ErrorKind, Intent, Marker, NewTicket, Operation, RemoteId, Result, Subject,
    Ticket, Visibility,
};

use crate::api::Api;
use crate::config::Config;
use crate::error::not_done;
use crate::form;
use crate::map::{self, ACCEPTED, FOR_ALL, FOR_PARTNER, MAX_TEXT, Side};
use crate::marker;
use crate::steps;
use crate::wire::{Case, NewNote, OwnNumber};

/// What our notes are called. Their text stands in the description alone: who repeats it in the summary shows it twice.
const SUMMARY: &str = "Comment";

/// Submits a request.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let form = api.form().await?.ok_or_else(|| {
        Error::new(ErrorKind::Rejected, "no requests are submitted without the setting partner")
    })?;
    let made = api.create(&form::filled(form, new, marker, api.config)?).await?;
    let token = made.token.filter(|token| crate::api::is_token(token)).ok_or_else(|| {
        let message = "TSANet Connect took the request and did not say by which token it is known";
        Error::new(ErrorKind::Malformed, message).with_unknown_effect()
    })?;
    let id = RemoteId::new(token);
    let ticket = read_back(api, &id).await?;
    Ok(Effect::of(Subject::Ticket(id)).seen_in(ticket))
}

/// Carries out an intent on a request.
pub(crate) async fn into_case(api: Api<'_>, id: &RemoteId, intent: &Intent) -> Result<Effect> {
    match &intent.operation {
        Operation::Comment { body, visibility } => comment(api, id, body, *visibility, &intent.marker).await,
        Operation::Transition { status } => {
            let case = expected(api, id, intent).await?;
            if let Some(step) = steps::step(&case, status, api.config)? {
                api.change(Method::POST, id.as_str(), Some(step.part), &step.body).await?;
            }
            let ticket = read_back(api, id).await?;
            if ticket.status != *status {
                return Err(not_done("the status").with_context("case", case.id));
            }
            Ok(changed(ticket))
        }
        Operation::LinkBack(reference) if reference.summary.is_some() => {
            let message = "a collaboration request holds a number of ours, and not how our ticket stands";
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        Operation::LinkBack(reference) => link(api, id, &reference.label).await,
        Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Edit { .. }
        | Operation::Retract { .. }
        | Operation::Attach { .. } => Err(unsupported(&intent.operation)),
    }
}

/// What cannot be done at all, and is refused before anything is sent.
pub(crate) fn unsupported(operation: &Operation) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        match operation {
            Operation::Attach { .. } => {
                "TSANet Connect keeps no files; it hands them on to where a partner takes them"
            }
            Operation::Edit { .. } | Operation::Retract { .. } => "notes in TSANet Connect stay as they are",
            Operation::Comment { visibility: Visibility::Internal, .. } => {
                "with the setting partner_notes at public, no notes are internal"
            }
            Operation::Comment { .. } => "a note is for the customer or it is not",
            Operation::Update { .. } => "a request in TSANet Connect stays as it was submitted",
            Operation::Create(_) | Operation::Transition { .. } | Operation::LinkBack { .. } => {
                "TSANet Connect cannot do this"
            }
        },
    )
}

/// Whether an operation is one of those.
pub(crate) fn is_unsupported(operation: &Operation, config: &Config) -> bool {
    match operation {
        Operation::Comment { visibility, .. } => match visibility {
            Visibility::Public => false,
            // Where all notes count as public there is no other kind.
            Visibility::Internal => config.partner_notes_are_public,
            Visibility::Unknown => true,
        },
        Operation::Attach { .. }
        | Operation::Edit { .. }
        | Operation::Retract { .. }
        | Operation::Update { .. } => true,
        Operation::Create(_) | Operation::Transition { .. } | Operation::LinkBack { .. } => false,
    }
}

async fn comment(
    api: Api<'_>,
    id: &RemoteId,
    body: &str,
    visibility: Visibility,
    marker: &Marker,
) -> Result<Effect> {
    let room = MAX_TEXT.saturating_sub(marker::room(marker));
    let audience = if visibility == Visibility::Public { FOR_ALL } else { FOR_PARTNER };
    let description = marker::mark(&map::write_text(body, room), marker);
    let note = NewNote { summary: SUMMARY.to_owned(), description, audience };
    let made = api.add_note(id.as_str(), &note).await?;
    // A note cannot be taken back, so all that is left is to say what it became. Where TSANet does not tell, one for all
    // is no more visible than it was meant to be.
    let told = made.audience.as_deref();
    let harmless = told.is_none() && visibility == Visibility::Public;
    if map::visibility(told, api.config) != visibility && !harmless {
        return Err(not_done("whom the note is for").with_context("note", made.id));
    }
    let comment = CommentId::new(made.id.to_string());
    let ticket = read_back(api, id).await?;
    if !ticket.comments.iter().any(|one| one.id == comment && one.marker.as_ref() == Some(marker)) {
        return Err(not_done("the note").with_context("note", made.id));
    }
    Ok(Effect::of(Subject::Comment(comment)).seen_in(ticket))
}

/// Puts our number where the partner sees it: into the request, or into the approval of one.
async fn link(api: Api<'_>, id: &RemoteId, label: &str) -> Result<Effect> {
    let case = api.case(id).await?;
    let label = label.trim();
    if !map::numbers(&case).any(|number| number == label) {
        match map::side(&case) {
            Some(Side::Submitter) => {
                let (internal_case_number, submitter_contact_details) =
                    (label.to_owned(), api.config.contact());
                let number = OwnNumber { internal_case_number, submitter_contact_details };
                api.change(Method::PATCH, id.as_str(), None, &number).await?;
            }
            Some(Side::Receiver) if is_approved(&case) => {
                let approval = steps::renumbered(label.to_owned(), api.config);
                api.change(Method::PATCH, id.as_str(), Some("approval"), &approval).await?;
            }
            Some(Side::Receiver) | None => {
                let message = "our number stands in the approval of a request, and this one is not accepted";
                return Err(Error::new(ErrorKind::Rejected, message).with_context("case", case.id));
            }
        }
    }
    let ticket = read_back(api, id).await?;
    if !ticket.references.iter().any(|reference| reference.label == label) {
        return Err(not_done("our number").with_context("case", case.id));
    }
    Ok(changed(ticket))
}

/// Whether there is an approval, which stays when a request goes back for information.
fn is_approved(case: &Case) -> bool {
    let kinds = case.case_responses.iter().flatten().filter_map(|response| response.kind.as_deref());
    case.status == ACCEPTED || kinds.into_iter().any(|kind| kind == "APPROVAL")
}

/// The request, if it still is as the plan was made on. TSANet cannot check that in the write itself.
async fn expected(api: Api<'_>, id: &RemoteId, intent: &Intent) -> Result<Case> {
    let case = api.case(id).await?;
    intent
        .still_fits(map::ticket(id, &case, api.config).version.as_ref())
        .map_err(|error| error.with_context("case", case.id))?;
    Ok(case)
}

/// The ticket after a write. If it cannot be read, the write may have been carried out all the same.
async fn read_back(api: Api<'_>, id: &RemoteId) -> Result<Ticket> {
    let case = api.case(id).await.map_err(Error::with_unknown_effect)?;
    Ok(map::ticket(id, &case, api.config))
}

fn changed(ticket: Ticket) -> Effect {
    Effect::of(Subject::Ticket(ticket.id.clone())).seen_in(ticket)
}
