//! Intents carried out: one write each under a name of ours, and what stands there afterwards.

use std::time::Duration;

use throughline_sdk::{
    CommentId, Effect, Error, ErrorKind, Found, Intent, Marker, Operation, RemoteId, Result, Subject,
    TookEffect, Visibility,
};

use crate::api::{Api, Named, Put};
use crate::map::{self, same_word};
use crate::wire::{NewCommunication, Ticket, TicketUpdate};
use crate::{create, file, running};

/// How long to wait between two looks at a ticket that Azure is changing.
const UPDATING_WAIT: Duration = Duration::from_secs(2);
/// How long to wait between two looks for what an earlier attempt may still bring.
const EARLIER_WAIT: Duration = Duration::from_secs(3);

/// Carries out one intent.
pub(crate) async fn apply(api: Api<'_>, intent: &Intent) -> Result<Effect> {
    match &intent.operation {
        Operation::Create(ticket) => create::create(api, &intent.marker, ticket).await,
        Operation::Comment { body, visibility } => {
            let ticket = existing(intent)?;
            comment(api, ticket, &intent.marker, body, *visibility).await
        }
        Operation::Attach { name, size, digest, visibility, .. } => {
            public(*visibility, "file")?;
            file::attach(api, existing(intent)?, &intent.marker, name, *size, digest).await
        }
        Operation::Update { changes } => {
            let severity = map::severity_of(changes)?;
            create::check_severity(api.config, &severity)?;
            update(api, intent, &Wanted::Severity(severity)).await
        }
        Operation::Transition { status } => update(api, intent, &Wanted::status(status)?).await,
        Operation::Edit { .. } | Operation::Retract { .. } => {
            Err(unsupported("Azure neither changes nor deletes a message that was sent"))
        }
        Operation::LinkBack { .. } => Err(unsupported("Azure shows no link to the counterpart")),
    }
}

/// What an earlier attempt of this intent left: the name says it all.
pub(crate) async fn find(api: Api<'_>, intent: &Intent) -> Result<Vec<Found>> {
    let marker = intent.marker.as_str();
    let (ticket, subject) = match (&intent.operation, &intent.ticket) {
        (Operation::Create(_), _) => {
            let id = RemoteId::new(marker);
            let found = api.is_there(Named::Ticket(marker)).await?;
            (id.clone(), found.then_some(Subject::Ticket(id)))
        }
        (Operation::Comment { .. }, Some(ticket)) => {
            let found = api.is_there(Named::Message { ticket: ticket.as_str(), name: marker }).await?;
            (ticket.clone(), found.then(|| Subject::Comment(CommentId::new(marker))))
        }
        (Operation::Attach { name, .. }, Some(ticket)) => {
            (ticket.clone(), file::find(api, ticket, &intent.marker, name).await?.map(Subject::File))
        }
        (
            Operation::Comment { .. }
            | Operation::Attach { .. }
            | Operation::Update { .. }
            | Operation::Transition { .. }
            | Operation::Edit { .. }
            | Operation::Retract { .. }
            | Operation::LinkBack { .. },
            _,
        ) => return Ok(Vec::new()),
    };
    Ok(subject.map(|subject| Found { ticket, subject }).into_iter().collect())
}

/// Settles a refusal of a name of ours: an earlier attempt may have it, or still be on its way to it and is waited for.
pub(crate) async fn settle(api: Api<'_>, named: Named<'_>, refusal: Error) -> Result<()> {
    loop {
        if api.is_there(named).await? {
            return Ok(());
        }
        // Advice: if it cannot be had, the refusal itself is all there is to tell.
        let taken = refusal.kind() == ErrorKind::Conflict
            && api.name_is_free(named).await.is_ok_and(|checked| {
                let invalid = checked.reason.is_some_and(|reason| same_word(&reason, "Invalid"));
                !checked.name_available && !invalid
            });
        if !taken {
            return Err(refusal);
        }
        running::pause(api, EARLIER_WAIT).await?;
    }
}

async fn comment(
    api: Api<'_>,
    ticket: &RemoteId,
    marker: &Marker,
    body: &str,
    visibility: Visibility,
) -> Result<Effect> {
    public(visibility, "message")?;
    let (ticket, name) = (ticket.as_str(), marker.as_str());
    let effect = || Effect::of(Subject::Comment(CommentId::new(name)));
    let named = Named::Message { ticket, name };
    if api.is_there(named).await? {
        return Ok(effect());
    }
    let body = map::write_text(body);
    let communication =
        NewCommunication { subject: &api.config.message_subject, body: &body, sender: &api.config.sender };
    match api.put_communication(ticket, name, communication).await? {
        Put::Done => Ok(effect()),
        Put::Refused(refusal) => settle(api, named, refusal).await.map(|()| effect()),
    }
}

/// What a change aims at, in the words that a change takes.
enum Wanted {
    Severity(String),
    Status(&'static str),
}

impl Wanted {
    fn status(word: &str) -> Result<Self> {
        let known = ["open", "closed"].into_iter().find(|known| same_word(word, known));
        known.map(Self::Status).ok_or_else(|| {
            Error::new(ErrorKind::Rejected, "Azure can be told to open or to close a ticket, nothing else")
                .with_context("status", word)
        })
    }

    fn is_in(&self, ticket: &Ticket) -> bool {
        let (word, seen) = match self {
            Self::Severity(word) => (word.as_str(), &ticket.properties.severity),
            Self::Status(word) => (*word, &ticket.properties.status),
        };
        seen.as_deref().is_some_and(|seen| same_word(seen, word))
    }

    fn body(&self) -> TicketUpdate<'_> {
        match self {
            Self::Severity(word) => TicketUpdate { severity: Some(word), ..TicketUpdate::default() },
            Self::Status(word) => TicketUpdate { status: Some(word), ..TicketUpdate::default() },
        }
    }
}

/// Reads, compares with what the plan was made on, writes, and waits until Azure has done it.
async fn update(api: Api<'_>, intent: &Intent, wanted: &Wanted) -> Result<Effect> {
    let id = existing(intent)?;
    let before = api.ticket(id.as_str()).await?;
    if intent.expected.as_ref().is_some_and(|expected| *expected != map::version(&before)) {
        let message = "the ticket changed since it was read; nothing was written";
        return Err(Error::new(ErrorKind::Conflict, message).with_context("ticket", id));
    }
    let done = || Effect::of(Subject::Ticket(id.clone()));
    if wanted.is_in(&before) {
        return Ok(done());
    }
    let mut after =
        api.patch_ticket(id.as_str(), &wanted.body()).await.map_err(|error| hint(error, wanted))?;
    while map::is_updating(&after) {
        running::pause(api, UPDATING_WAIT).await?;
        after = api.ticket(id.as_str()).await.map_err(Error::with_unknown_effect)?;
    }
    if wanted.is_in(&after) {
        return Ok(done());
    }
    let what = match wanted {
        Wanted::Severity(_) => "the severity",
        Wanted::Status(_) => "the status",
    };
    let message = format!("Azure accepted the change and left {what} as it was");
    Err(Error::new(ErrorKind::Rejected, message).with_effect(TookEffect::No).with_context("ticket", id))
}

/// Says what can be done about a refused severity.
/// <https://learn.microsoft.com/rest/api/support/support-tickets/update>
fn hint(error: Error, wanted: &Wanted) -> Error {
    match (wanted, error.kind()) {
        (Wanted::Severity(_), ErrorKind::Rejected) => {
            let message = format!(
                "{}. While a support engineer works on the ticket its severity stands; ask for another one in a message",
                error.message()
            );
            Error::new(ErrorKind::Rejected, message).with_effect(error.took_effect())
        }
        (Wanted::Severity(_) | Wanted::Status(_), _) => error,
    }
}

/// Everything that Azure shows of a ticket is shown to the customer and to Microsoft alike.
fn public(visibility: Visibility, what: &str) -> Result<()> {
    match visibility {
        Visibility::Public => Ok(()),
        Visibility::Internal | Visibility::Unknown => Err(unsupported(&format!(
            "Azure knows no internal {what}: whatever is written there is read by Microsoft"
        ))),
    }
}

fn existing(intent: &Intent) -> Result<&RemoteId> {
    intent.ticket.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "the intent names no ticket").with_context("intent", &intent.id)
    })
}

fn unsupported(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}
