//! Freshdesk's API as calls: addresses, bodies, and one answer each.

use bytes::Bytes;
use http::{Method, StatusCode, header};
use serde::de::DeserializeOwned;
use throughline_sdk::http::multipart::{self, Part};
use throughline_sdk::http::{Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, Marker, NewFile, RemoteId, Result, Timestamp};
use url::Url;

use crate::config::Config;
use crate::error::{check, check_ticket};
use crate::feed::PAGE;
use crate::fields::Form;
use crate::wire::{Agent, Contact, Conversation, Found, NoteEdit, NoteWrite, Ticket, TicketWrite};

/// The largest JSON answer taken: a page of conversations may be long mails.
const MAX_JSON_BYTES: u64 = 32 * 1024 * 1024;

/// The most pages of conversations that are read of one ticket.
const MAX_PAGES: usize = 200;

/// One call's view of a Freshdesk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// Whether a ticket lies in the archive, where closed ones go after 120 days without a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    Open,
    Archive,
}

/// The parameters of an address.
type Query<'q> = &'q [(&'q str, &'q str)];

impl Api<'_> {
    /// A ticket with its requester, and where it lies.
    pub(crate) async fn ticket(&self, id: u64) -> Result<(Ticket, Shelf)> {
        let about = |error: Error| error.with_context("ticket", id);
        let (ticket, shelf) = match self.get(&Shelf::Open.path(id), &[("include", "requester")]).await {
            Ok(ticket) => (ticket, Shelf::Open),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Of an archived ticket Freshdesk knows nothing under its usual address.
                let archived: Result<Ticket> = self.get(&Shelf::Archive.path(id), &[]).await;
                let missing = |archived: Error| {
                    if matches!(archived.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) {
                        error
                    } else {
                        archived
                    }
                };
                (archived.map_err(missing).map_err(about)?, Shelf::Archive)
            }
            Err(error) if error.kind() == ErrorKind::Forbidden => {
                // Freshdesk says 403 both of one ticket out of our sight and of a key that is shut out of all.
                self.me().await?;
                let words = "the ticket is no longer visible to our account";
                return Err(about(Error::new(ErrorKind::NotFound, words)));
            }
            Err(error) => return Err(about(error)),
        };
        if ticket.deleted || ticket.spam {
            let words = "the ticket is in Freshdesk's bin or marked as spam";
            return Err(about(Error::new(ErrorKind::NotFound, words)));
        }
        Ok((ticket, shelf))
    }

    /// All conversations of a ticket, oldest first.
    pub(crate) async fn conversations(&self, id: u64, shelf: Shelf) -> Result<Vec<Conversation>> {
        let mut path = shelf.path(id);
        path.push("conversations".to_owned());
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let (page, size) = (page.to_string(), PAGE.to_string());
            let rows: Result<Vec<Conversation>> =
                self.get(&path, &[("page", &page), ("per_page", &size)]).await;
            let rows = rows.map_err(|error| error.with_context("ticket", id))?;
            let last = rows.len() < PAGE;
            all.extend(rows);
            if last {
                return Ok(all);
            }
        }
        Err(Error::new(
            ErrorKind::Malformed,
            format!("the conversations have no end after {MAX_PAGES} pages"),
        )
        .with_context("ticket", id))
    }

    /// The account's ticket form.
    pub(crate) async fn form(&self) -> Result<Form> {
        self.get(&["ticket_fields"], &[]).await.map(Form::new)
    }

    /// The name of somebody outside; none where we may not look.
    pub(crate) async fn contact(&self, id: u64) -> Result<Option<String>> {
        let answer: Result<Contact> = self.get(&["contacts", &id.to_string()], &[]).await;
        match answer {
            Ok(contact) => Ok(contact.name.filter(|name| !name.trim().is_empty())),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Our account.
    pub(crate) async fn me(&self) -> Result<(Agent, Option<Timestamp>)> {
        let answer = self.ask(&["agents", "me"], &[]).await?;
        let time = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let time = time.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
        Ok((answer.json(&Method::GET)?, time.map(|time| time.with_timezone(&chrono::Utc))))
    }

    /// The ticket that changed last.
    pub(crate) async fn newest_change(&self) -> Result<Option<Ticket>> {
        // Without a time only tickets of the last thirty days are listed.
        let query = [
            ("updated_since", "2000-01-01T00:00:00Z"),
            ("order_by", "updated_at"),
            ("order_type", "desc"),
            ("per_page", "1"),
        ];
        let rows: Vec<Ticket> = self.get(&["tickets"], &query).await?;
        Ok(rows.into_iter().next())
    }

    /// One page of the tickets that changed from a second on, the longest ago first.
    pub(crate) async fn changed_since(&self, since: Timestamp, page: u32) -> Result<Vec<Ticket>> {
        let (since, page, size) =
            (since.format("%Y-%m-%dT%H:%M:%SZ").to_string(), page.to_string(), PAGE.to_string());
        let query = [
            ("updated_since", since.as_str()),
            ("order_by", "updated_at"),
            ("order_type", "asc"),
            ("per_page", &size),
            ("page", &page),
        ];
        self.get(&["tickets"], &query).await
    }

    /// The newest tickets of the contact that ours are raised for.
    pub(crate) async fn newest_of_ours(&self) -> Result<Vec<Ticket>> {
        let size = PAGE.to_string();
        let query = [
            ("email", self.config.requester.as_str()),
            ("order_by", "created_at"),
            ("order_type", "desc"),
            ("per_page", &size),
        ];
        self.get(&["tickets"], &query).await
    }

    /// What the search finds for a marker in a custom field, some minutes after it was written.
    pub(crate) async fn search(&self, field: &str, marker: &Marker) -> Result<Vec<Ticket>> {
        let mut found = Vec::new();
        // Which of the two forms finds a field depends on when the account made it.
        for query in [format!("\"{field}:'{marker}'\""), format!("\"custom_string:'{marker}'\"")] {
            let answer: Result<Found> = self.get(&["search", "tickets"], &[("query", &query)]).await;
            match answer {
                Ok(answer) => found.extend(answer.results),
                // Freshdesk refuses the form that it does not know.
                Err(error) if error.kind() == ErrorKind::Rejected => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Creates a ticket.
    pub(crate) async fn create(&self, ticket: &TicketWrite) -> Result<Ticket> {
        let answer = self.ctx.post(self.address(&["tickets"], &[])).json(ticket).send_any().await?;
        check(answer, &Method::POST)?.json(&Method::POST)
    }

    /// Writes into a ticket.
    pub(crate) async fn update(&self, id: u64, ticket: &TicketWrite) -> Result<()> {
        let url = self.address(&["tickets", &id.to_string()], &[]);
        let answer = self.ctx.call(Method::PUT, url).json(ticket).send_any().await?;
        self.of_ticket(id, answer, &Method::PUT).await.map(drop)
    }

    /// Adds a note.
    pub(crate) async fn add_note(&self, id: u64, note: &NoteWrite) -> Result<Conversation> {
        let url = self.address(&["tickets", &id.to_string(), "notes"], &[]);
        let answer = self.ctx.post(url).json(note).send_any().await?;
        self.of_ticket(id, answer, &Method::POST).await?.json(&Method::POST)
    }

    /// Adds a note with a file.
    pub(crate) async fn add_file(
        &self,
        id: u64,
        note: &NoteWrite,
        (file, bytes): (NewFile<'_>, &[u8]),
        marker: &Marker,
    ) -> Result<Conversation> {
        let private = if note.private { "true" } else { "false" };
        let (name, media_type) = (multipart::plain_name(file.name), multipart::plain_type(file.media_type));
        let sent = Part {
            name: "attachments[]",
            file_name: Some(&name),
            media_type: Some(media_type.as_deref().unwrap_or(multipart::BYTES)),
            bytes,
        };
        let parts = [Part::text("body", &note.body), Part::text("private", private), sent];
        let (body, media_type) = multipart::form(&parts, marker);
        let url = self.address(&["tickets", &id.to_string(), "notes"], &[]);
        let answer = self.ctx.post(url).body(&media_type, Bytes::from(body)).send_any().await?;
        self.of_ticket(id, answer, &Method::POST).await?.json(&Method::POST)
    }

    /// Replaces the text of a note.
    pub(crate) async fn edit_note(&self, note: u64, body: String) -> Result<Conversation> {
        let url = self.address(&["conversations", &note.to_string()], &[]);
        let answer = self.ctx.call(Method::PUT, url).json(&NoteEdit { body }).send_any().await?;
        let answer = check(answer, &Method::PUT).map_err(|error| error.with_context("note", note))?;
        answer.json(&Method::PUT)
    }

    /// Deletes a note. One that is not there is deleted.
    pub(crate) async fn delete_note(&self, note: u64) -> Result<()> {
        let url = self.address(&["conversations", &note.to_string()], &[]);
        let answer = self.ctx.call(Method::DELETE, url).send_any().await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        check(answer, &Method::DELETE).map(drop).map_err(|error| error.with_context("note", note))
    }

    /// A file's bytes. Its address leads to another host, which the plane asks without our key.
    pub(crate) async fn bytes(&self, address: &str, limit_bytes: u64) -> Result<Bytes> {
        let url = Url::parse(address).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the file's address cannot be read: {error}"))
        })?;
        let end = self.ctx.read_onward(url, limit_bytes).await?;
        if end.url.origin() == self.config.url.origin() {
            return Ok(check(end.response, &Method::GET)?.body);
        }
        end.stored()
    }

    /// What became of a write into a ticket.
    async fn of_ticket(&self, id: u64, answer: Response, method: &Method) -> Result<Response> {
        match check_ticket(answer, method) {
            Ok(answer) => Ok(answer),
            Err(error) => {
                if error.kind() == ErrorKind::Forbidden {
                    // Not the key is at fault if the ticket went out of its sight; nothing was written then.
                    self.ticket(id).await?;
                }
                Err(error.with_context("ticket", id))
            }
        }
    }

    async fn get<T: DeserializeOwned, S: AsRef<str>>(&self, path: &[S], query: Query<'_>) -> Result<T> {
        self.ask(path, query).await?.json(&Method::GET)
    }

    async fn ask<S: AsRef<str>>(&self, path: &[S], query: Query<'_>) -> Result<Response> {
        let call = self.ctx.get(self.address(path, query)).max_answer_bytes(MAX_JSON_BYTES);
        check(call.send_any().await?, &Method::GET)
    }

    fn address<S: AsRef<str>>(&self, path: &[S], query: Query<'_>) -> Url {
        let path: Vec<&str> = ["api", "v2"].into_iter().chain(path.iter().map(AsRef::as_ref)).collect();
        let mut url = join(&self.config.url, &path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

impl Shelf {
    fn path(self, id: u64) -> Vec<String> {
        let shelf = match self {
            Self::Open => &["tickets"][..],
            Self::Archive => &["tickets", "archived"],
        };
        shelf.iter().map(|part| (*part).to_owned()).chain([id.to_string()]).collect()
    }
}

/// A ticket's number; anything else never named a ticket.
pub(crate) fn ticket_number(id: &RemoteId) -> Result<u64> {
    number(id.as_str(), "a ticket")
}

/// The number in an id that we once gave out.
pub(crate) fn number(text: &str, what: &str) -> Result<u64> {
    text.parse().map_err(|error| {
        Error::new(ErrorKind::NotFound, format!("{text:?} is not the number of {what}: {error}"))
    })
}
