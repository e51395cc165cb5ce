//! Microsoft.Support as calls: addresses, bodies, and one answer each.

use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, Result, Timestamp, TookEffect};
use url::Url;

use crate::config::Config;
use crate::error::{check, check_reading};
use crate::running;
use crate::wire::{
    Body, Chunk, Communication, FileEntry, FileProperties, Issue, NameChecked, NameToCheck, NewCommunication,
    NewTicket, Page, Problem, ProblemsClassified, ServicesClassified, Ticket, TicketUpdate, Transcript,
};

/// The most that a page of tickets may hold; of messages.
/// <https://learn.microsoft.com/rest/api/support/support-tickets/list>
pub(crate) const TICKETS_A_PAGE: usize = 100;
const MESSAGES_A_PAGE: usize = 10;
/// A list that goes on longer than this is given up as a whole: part of it would read as if the rest were deleted.
const MAX_PAGES: usize = 200;

/// One call's view of Azure Support.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// What became of a creation under a name of ours.
#[derive(Clone, Debug)]
pub(crate) enum Put {
    /// It is there.
    Done,
    /// It was refused: for what it says, or because an earlier attempt has the name.
    Refused(Error),
}

/// Something that bears a name of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named<'n> {
    Ticket(&'n str),
    Message { ticket: &'n str, name: &'n str },
}

impl Api<'_> {
    pub(crate) async fn ticket(&self, name: &str) -> Result<Ticket> {
        let answer = self.ctx.get(self.ours(&["supportTickets", name])).send_any().await?;
        check_reading(answer).map_err(|error| absent(error, name))?.json(&Method::GET)
    }

    /// The first page of tickets that pass a filter, at most `top` of them, and the answer they came in.
    pub(crate) async fn some_tickets(&self, top: usize, filter: &str) -> Result<(Page<Ticket>, Response)> {
        let mut url = self.ours(&["supportTickets"]);
        url.query_pairs_mut().append_pair("$top", &top.to_string()).append_pair("$filter", filter);
        let answer = self.raw(url).await?;
        Ok((answer.json(&Method::GET)?, answer))
    }

    pub(crate) async fn communication(&self, ticket: &str, name: &str) -> Result<Communication> {
        self.get(self.ours(&["supportTickets", ticket, "communications", name])).await
    }

    /// All messages of a ticket.
    pub(crate) async fn communications(&self, ticket: &str) -> Result<Vec<Communication>> {
        let mut url = self.ours(&["supportTickets", ticket, "communications"]);
        url.query_pairs_mut().append_pair("$top", &MESSAGES_A_PAGE.to_string());
        let first = self.get(url).await?;
        self.rest(first).await
    }

    /// When the newest message after `since` was written, if there is one; of many, that of one page.
    pub(crate) async fn talked_since(&self, ticket: &str, since: Timestamp) -> Result<Option<Timestamp>> {
        let mut url = self.ours(&["supportTickets", ticket, "communications"]);
        let filter = format!("createdDate gt {}", since.format("%Y-%m-%dT%H:%M:%SZ"));
        url.query_pairs_mut()
            .append_pair("$top", &MESSAGES_A_PAGE.to_string())
            .append_pair("$filter", &filter);
        let page: Page<Communication> = self.get(url).await?;
        // That a filter is heeded is not taken for granted.
        let times = page.value.into_iter().filter_map(|message| message.properties.created_date);
        Ok(times.filter(|time| *time > since).max())
    }

    /// All chats of a ticket.
    pub(crate) async fn transcripts(&self, ticket: &str) -> Result<Vec<Transcript>> {
        let first = self.get(self.ours(&["supportTickets", ticket, "chatTranscripts"])).await?;
        self.rest(first).await
    }

    pub(crate) async fn put_ticket(&self, name: &str, ticket: NewTicket<'_>) -> Result<Put> {
        self.put(self.ours(&["supportTickets", name]), &Body { properties: ticket }).await
    }

    pub(crate) async fn put_communication(
        &self,
        ticket: &str,
        name: &str,
        communication: NewCommunication<'_>,
    ) -> Result<Put> {
        let url = self.ours(&["supportTickets", ticket, "communications", name]);
        self.put(url, &Body { properties: communication }).await
    }

    pub(crate) async fn patch_ticket(&self, name: &str, update: &TicketUpdate<'_>) -> Result<Ticket> {
        let call = self.ctx.call(Method::PATCH, self.ours(&["supportTickets", name])).json(update);
        send(call, &Method::PATCH).await.map_err(|error| absent(error, name))?.json(&Method::PATCH)
    }

    /// Whether what bears this name is there to be read.
    pub(crate) async fn is_there(&self, named: Named<'_>) -> Result<bool> {
        let read = match named {
            Named::Ticket(name) => self.ticket(name).await.map(drop),
            Named::Message { ticket, name } => self.communication(ticket, name).await.map(drop),
        };
        Ok(there(read)?.is_some())
    }

    /// Whether a name can still be given. It cannot from the moment on in which a creation was accepted.
    pub(crate) async fn name_is_free(&self, named: Named<'_>) -> Result<NameChecked> {
        let (url, name, kind) = match named {
            Named::Ticket(name) => {
                (self.ours(&["checkNameAvailability"]), name, "Microsoft.Support/supportTickets")
            }
            Named::Message { ticket, name } => (
                self.ours(&["supportTickets", ticket, "checkNameAvailability"]),
                name,
                "Microsoft.Support/communications",
            ),
        };
        self.ask(url, &NameToCheck { name, kind }).await
    }

    pub(crate) async fn problem(&self, service: &str, problem: &str) -> Result<Problem> {
        // Services and problems are the same for everybody and stand outside any subscription.
        self.get(self.shared(&["services", service, "problemClassifications", problem])).await
    }

    pub(crate) async fn classify_services(&self, issue: &Issue<'_>) -> Result<ServicesClassified> {
        self.ask(self.ours(&["classifyServices"]), issue).await
    }

    pub(crate) async fn classify_problems(
        &self,
        service: &str,
        issue: &Issue<'_>,
    ) -> Result<ProblemsClassified> {
        self.ask(self.ours(&["services", service, "classifyProblems"]), issue).await
    }

    pub(crate) async fn file(&self, workspace: &str, name: &str) -> Result<FileEntry> {
        self.get(self.ours(&["fileWorkspaces", workspace, "files", name])).await
    }

    /// Announces a file, whose content is to follow.
    pub(crate) async fn put_file(&self, workspace: &str, name: &str, file: FileProperties) -> Result<()> {
        let url = self.ours(&["fileWorkspaces", workspace, "files", name]);
        let call = self.ctx.call(Method::PUT, url).json(&Body { properties: file });
        send(call, &Method::PUT).await.map(drop)
    }

    pub(crate) async fn upload(&self, workspace: &str, name: &str, chunk: &Chunk) -> Result<()> {
        let url = self.ours(&["fileWorkspaces", workspace, "files", name, "upload"]);
        send(self.ctx.post(url).json(chunk), &Method::POST).await.map(drop)
    }

    /// Whatever stands at an address that Azure itself gave out.
    pub(crate) async fn raw(&self, url: Url) -> Result<Response> {
        send(self.ctx.get(url), &Method::GET).await
    }

    /// Follows a list to its end.
    pub(crate) async fn rest<T: DeserializeOwned>(&self, first: Page<T>) -> Result<Vec<T>> {
        let (mut all, mut next) = (first.value, first.next_link);
        for _ in 0..MAX_PAGES {
            let Some(link) = next.filter(|link| !link.is_empty()) else { return Ok(all) };
            let url = Url::parse(&link).map_err(|error| {
                Error::new(ErrorKind::Malformed, format!("the link to the next page is no address: {error}"))
            })?;
            let page: Page<T> = self.get(url).await?;
            all.extend(page.value);
            next = page.next_link;
        }
        Err(Error::new(ErrorKind::Malformed, format!("a list of Azure's has no end after {MAX_PAGES} pages")))
    }

    async fn put<T: Serialize>(&self, url: Url, body: &T) -> Result<Put> {
        let answer = match send(self.ctx.call(Method::PUT, url).json(body), &Method::PUT).await {
            Ok(answer) => answer,
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Rejected) => {
                return Ok(Put::Refused(error));
            }
            Err(error) => return Err(error),
        };
        if answer.status == StatusCode::ACCEPTED {
            running::follow(*self, &answer).await?;
        }
        Ok(Put::Done)
    }

    /// A question that takes a `POST`. It changes nothing, whatever becomes of it.
    async fn ask<T: DeserializeOwned>(&self, url: Url, question: &impl Serialize) -> Result<T> {
        let answer =
            async { send(self.ctx.post(url).json(question), &Method::POST).await?.json(&Method::POST) };
        answer.await.map_err(|error: Error| error.with_effect(TookEffect::No))
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T> {
        self.raw(url).await?.json(&Method::GET)
    }

    /// An address in the configured scope: a subscription, or the tenant.
    fn ours(&self, path: &[&str]) -> Url {
        let mut whole = match &self.config.subscription {
            Some(subscription) => vec!["subscriptions", subscription.as_str()],
            None => Vec::new(),
        };
        whole.extend(["providers", "Microsoft.Support"]);
        whole.extend(path);
        self.address(&whole)
    }

    /// An address outside any subscription.
    fn shared(&self, path: &[&str]) -> Url {
        self.address(&[["providers", "Microsoft.Support"].as_slice(), path].concat())
    }

    fn address(&self, path: &[&str]) -> Url {
        let mut url = join(&self.config.url, path);
        url.query_pairs_mut().append_pair("api-version", &self.config.api_version);
        url
    }
}

async fn send(call: Call<'_>, method: &Method) -> Result<Response> {
    check(call.send_any().await?, method)
}

/// The value, or nothing if that is what the error says.
pub(crate) fn there<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A missing ticket, with what it may mean.
fn absent(error: Error, name: &str) -> Error {
    let error = if error.kind() == ErrorKind::NotFound {
        let message = format!(
            "{}. Azure gives out tickets for 18 months after they were created; that it shows one no longer does not say \
             that it was deleted",
            error.message()
        );
        Error::new(ErrorKind::NotFound, message).with_effect(error.took_effect())
    } else {
        error
    };
    error.with_context("ticket", name)
}
