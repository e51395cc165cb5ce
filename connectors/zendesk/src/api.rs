//! Zendesk's Ticketing API as calls: addresses, bodies, and one answer each.

use bytes::Bytes;
use http::{HeaderName, Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, Marker, RemoteId, Result, Timestamp, TookEffect};
use url::Url;

use crate::config::Config;
use crate::error::{check, is_key_taken, is_sign_in};
use crate::wire::{
    Attachment, AttachmentAnswer, Audit, AuditPage, Comment, CommentPage, CustomStatus, CustomStatusList,
    Export, Field, FieldPage, Meta, RedactionBody, Ticket, TicketAnswer, TicketBody, TicketList, TicketWrite,
    UploadAnswer, User, UserAnswer, Written,
};

/// The largest JSON answer taken: a page of the export brings whole tickets.
const MAX_JSON_BYTES: u64 = 64 * 1024 * 1024;

/// The most rows on a page of a list.
const PAGE: &str = "100";

/// The most pages read of one list: a ticket takes 5,000 comments, and its history can be some times as long.
const MAX_PAGES: usize = 500;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// One call's view of a Zendesk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// Where the incremental export is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum From<'a> {
    Time(i64),
    Cursor(&'a str),
}

/// What became of a create.
#[derive(Debug)]
pub(crate) enum Created {
    Ticket(Box<Ticket>),
    /// The key was used with another body, or its first request is still at work.
    KeyTaken,
}

/// The parameters of an address.
type Query<'q> = &'q [(&'q str, &'q str)];

impl Api<'_> {
    /// A ticket with the people, groups and statuses it names.
    pub(crate) async fn ticket(&self, id: u64) -> Result<TicketAnswer> {
        let include = [("include", "users,groups,custom_statuses,comment_count")];
        let answer: Result<TicketAnswer> = self.get(&["tickets", &format!("{id}.json")], &include).await;
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) if error.kind() == ErrorKind::Forbidden => {
                // Zendesk says 403 both of one ticket out of our sight and of an account that is shut out of all.
                self.me().await?;
                Err(Error::new(ErrorKind::NotFound, "the ticket is no longer visible to our account")
                    .with_context("ticket", id))
            }
            Err(error) => Err(error.with_context("ticket", id)),
        }
    }

    /// All comments of a ticket, oldest first, and who wrote them.
    pub(crate) async fn comments(&self, id: u64) -> Result<(Vec<Comment>, Vec<User>)> {
        let (mut comments, mut users) = (Vec::new(), Vec::new());
        let query = [("include", "users"), ("include_inline_images", "true")];
        let path = ["tickets", &id.to_string(), "comments.json"];
        self.pages(&path, &query, |page: CommentPage| {
            comments.extend(page.comments);
            users.extend(page.users);
            page.meta
        })
        .await
        .map_err(|error| error.with_context("ticket", id))?;
        Ok((comments, users))
    }

    /// A ticket's history, oldest first.
    pub(crate) async fn audits(&self, id: u64) -> Result<Vec<Audit>> {
        let mut audits = Vec::new();
        self.pages(&["tickets", &id.to_string(), "audits.json"], &[], |page: AuditPage| {
            audits.extend(page.audits);
            page.meta
        })
        .await
        .map_err(|error| error.with_context("ticket", id))?;
        Ok(audits)
    }

    /// The account's ticket fields.
    pub(crate) async fn fields(&self) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        self.pages(&["ticket_fields.json"], &[], |page: FieldPage| {
            fields.extend(page.ticket_fields);
            page.meta
        })
        .await?;
        Ok(fields)
    }

    /// The account's own statuses; none where it does not use them.
    pub(crate) async fn custom_statuses(&self) -> Result<Vec<CustomStatus>> {
        let answer: Result<CustomStatusList> = self.get(&["custom_statuses.json"], &[]).await;
        match answer {
            Ok(answer) => Ok(answer.custom_statuses),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {
                self.me().await?;
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Our account.
    pub(crate) async fn me(&self) -> Result<(User, Option<Timestamp>)> {
        let answer = self.ask(&["users", "me.json"], &[]).await?;
        let time = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let time = time.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
        let me: UserAnswer = answer.json(&Method::GET)?;
        Ok((me.user, time.map(|time| time.with_timezone(&chrono::Utc))))
    }

    /// The tickets that bear a marker.
    pub(crate) async fn marked(&self, marker: &Marker) -> Result<Vec<Ticket>> {
        let answer: TicketList = self.get(&["tickets.json"], &[("external_id", marker.as_str())]).await?;
        // A filter that is not understood lists everything.
        let bears = |ticket: &Ticket| ticket.external_id.as_deref() == Some(marker.as_str());
        Ok(answer.tickets.into_iter().filter(bears).collect())
    }

    /// One page of the incremental export of tickets.
    pub(crate) async fn export(&self, from: &From<'_>, rows: usize) -> Result<Export> {
        let rows = rows.to_string();
        let (name, value) = match from {
            From::Time(seconds) => ("start_time", seconds.to_string()),
            From::Cursor(cursor) => ("cursor", (*cursor).to_owned()),
        };
        self.get(&["incremental", "tickets", "cursor.json"], &[(name, &value), ("per_page", &rows)]).await
    }

    /// Creates a ticket under an idempotency key.
    pub(crate) async fn create(&self, ticket: TicketWrite, key: &Marker) -> Result<Created> {
        let url = self.address(&["tickets.json"], &[]);
        let call = self.ctx.post(url.clone()).json(&TicketBody { ticket });
        let answer = call.header(IDEMPOTENCY_KEY, key.as_str()).send_any().await?;
        if is_key_taken(&answer) || answer.status == http::StatusCode::CONFLICT {
            return Ok(Created::KeyTaken);
        }
        let written: Written = check(answer, &Method::POST, &url)?.json(&Method::POST)?;
        Ok(Created::Ticket(Box::new(written.ticket)))
    }

    /// Writes into a ticket.
    pub(crate) async fn update(&self, id: u64, ticket: TicketWrite) -> Result<Written> {
        match self.put(&["tickets", &format!("{id}.json")], &TicketBody { ticket }).await {
            Ok(answer) => answer.json(&Method::PUT).map_err(|error| error.with_context("ticket", id)),
            Err(error) => {
                if error.kind() == ErrorKind::Forbidden {
                    // Not the account is at fault if the ticket went out of its sight; nothing was written then.
                    self.ticket(id).await?;
                }
                Err(error.with_context("ticket", id))
            }
        }
    }

    /// Takes words out of a comment for good.
    pub(crate) async fn redact(&self, comment: u64, body: &RedactionBody) -> Result<()> {
        let answer = self.put(&["comment_redactions", &format!("{comment}.json")], body).await;
        answer.map(drop).map_err(|error| error.with_context("comment", comment))
    }

    /// Takes a public comment out of the requester's sight.
    pub(crate) async fn make_private(&self, ticket: u64, comment: u64) -> Result<()> {
        let path = ["tickets", &ticket.to_string(), "comments", &comment.to_string(), "make_private.json"];
        let answer = self.put(&path, &serde_json::Map::new()).await;
        answer.map(drop).map_err(|error| error.with_context("comment", comment))
    }

    /// Stores a file and returns the token it is attached with. Nobody sees it until then.
    pub(crate) async fn upload(&self, name: &str, media_type: &str, bytes: Bytes) -> Result<String> {
        let url = self.address(&["uploads.json"], &[("filename", name)]);
        let answer = async {
            let answer = self.ctx.post(url.clone()).body(media_type, bytes).send_any().await?;
            let answer: UploadAnswer = check(answer, &Method::POST, &url)?.json(&Method::POST)?;
            Ok(answer.upload.token)
        };
        // An upload that is never attached is swept up after three days: nothing a person sees has changed.
        answer.await.map_err(|error: Error| error.with_effect(TookEffect::No))
    }

    /// What Zendesk says about a file.
    pub(crate) async fn attachment(&self, id: u64) -> Result<Attachment> {
        let answer: AttachmentAnswer = self.get(&["attachments", &format!("{id}.json")], &[]).await?;
        Ok(answer.attachment)
    }

    /// A file's bytes. Its address leads to another host, which the plane asks without our credentials.
    pub(crate) async fn bytes(&self, address: &str, limit_bytes: u64) -> Result<Bytes> {
        let url = Url::parse(address).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the file's address cannot be read: {error}"))
        })?;
        let end = self.ctx.read_onward(url, limit_bytes).await?;
        if end.url.origin() != self.config.url.origin() {
            return end.stored();
        }
        if is_sign_in(&end.url) {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "Zendesk asked to sign in before it gave the file",
            ));
        }
        Ok(check(end.response, &Method::GET, &end.url)?.body)
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: Query<'_>,
        mut take: impl FnMut(T) -> Meta,
    ) -> Result<()> {
        let mut after = None::<String>;
        for _ in 0..MAX_PAGES {
            let mut query = query.to_vec();
            query.push(("page[size]", PAGE));
            query.extend(after.as_deref().map(|cursor| ("page[after]", cursor)));
            let meta = take(self.get(path, &query).await?);
            match meta.after_cursor.filter(|_| meta.has_more) {
                Some(cursor) => after = Some(cursor),
                None => return Ok(()),
            }
        }
        Err(Error::new(ErrorKind::Malformed, format!("a list has no end after {MAX_PAGES} pages")))
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: Query<'_>) -> Result<T> {
        self.ask(path, query).await?.json(&Method::GET)
    }

    async fn ask(&self, path: &[&str], query: Query<'_>) -> Result<Response> {
        let url = self.address(path, query);
        let answer = self.ctx.get(url.clone()).max_answer_bytes(MAX_JSON_BYTES).send_any().await?;
        check(answer, &Method::GET, &url)
    }

    async fn put<T: Serialize>(&self, path: &[&str], body: &T) -> Result<Response> {
        let url = self.address(path, &[]);
        let answer = self.ctx.call(Method::PUT, url.clone()).json(body).send_any().await?;
        check(answer, &Method::PUT, &url)
    }

    fn address(&self, path: &[&str], query: Query<'_>) -> Url {
        let path: Vec<&str> = ["api", "v2"].into_iter().chain(path.iter().copied()).collect();
        let mut url = join(&self.config.url, &path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
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
