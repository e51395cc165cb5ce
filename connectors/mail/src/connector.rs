//! The connector: threads of a mailbox as tickets.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Comment, CommentId, ConditionalWrite, Connector, CreateClass, Ctx,
    Cursor, Description, Effect, Error, ErrorKind, Feed, File, FileId, Found, Hint, Identity, Intent,
    Linking, Person, RawWebhook, RemoteId, Result, Ticket, Version, Visibility,
};

use crate::config::Config;
use crate::error;
use crate::gather::{self, Member, is_dropped};
use crate::imap::Session;
use crate::letter::{Attached, Letter};
use crate::{smtp, thread, write};

/// The one status.
pub(crate) const OPEN: &str = "Open";
/// How many bytes of one thread are read.
const LARGEST_THREAD: u64 = 256 * 1024 * 1024;
/// How many new mails one page looks at.
const PAGE: usize = 50;

/// A mailbox.
#[derive(Debug)]
pub struct Mail {
    config: Config,
}

/// The cursor: where the inbox was read up to.
#[derive(Debug, Serialize, Deserialize)]
struct At {
    validity: u32,
    next: u32,
}

/// A mail of a thread, as much of it as a ticket needs.
#[derive(Debug)]
struct Mailed {
    member: Member,
    text: String,
    files: Vec<Attached>,
}

impl Mail {
    /// A connector for this mailbox.
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    async fn changes_since(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let since = since.map(|cursor| {
            serde_json::from_str::<At>(cursor.as_str()).map_err(|error| {
                Error::new(ErrorKind::Malformed, format!("the cursor is none of a mailbox: {error}"))
            })
        });
        let since = since.transpose()?;
        let mut session = Session::open(&self.config, ctx).await?;
        let place = session.enter(&self.config.inbox, false).await?;
        let from = match since {
            None => {
                session.close().await;
                return page(Vec::new(), &At { validity: place.validity, next: place.next }, false);
            }
            Some(at) if at.validity == place.validity => at.next,
            // The numbers mean other mails now: all of them may be new.
            Some(_) => 1,
        };
        let mut uids = session.search(&format!("UID {from}:*")).await?;
        // The last mail is in every range that ends with a star.
        uids.retain(|uid| *uid >= from);
        let more = uids.len() > PAGE;
        uids.truncate(PAGE);
        let next = uids.last().map_or(from, |last| last.saturating_add(1));
        let mut roots: Vec<String> = Vec::new();
        for held in session.heads(&uids).await? {
            if held.letter.id.is_empty() {
                tracing::warn!(uid = held.uid, "a mail without a usable Message-ID is left out");
            }
            if is_dropped(&self.config, &held.letter) {
                continue;
            }
            let root = Box::pin(gather::root(&self.config, &mut session, &held.letter)).await?;
            roots.extend(root.filter(|root| !roots.contains(root)));
        }
        session.close().await;
        page(roots, &At { validity: place.validity, next }, more)
    }

    async fn ticket(&self, ctx: &Ctx, id: &RemoteId) -> Result<Ticket> {
        let mut session = Session::open(&self.config, ctx).await?;
        let members = gather::thread(&self.config, &mut session, id.as_str()).await?;
        let most = self.config.max_mail_bytes();
        let total: u64 = members.iter().map(|member| member.held.size.min(most)).sum();
        if total > LARGEST_THREAD {
            return Err(Error::new(ErrorKind::Rejected, "the thread is too large to be read as a ticket")
                .with_context("ticket", id)
                .with_context("bytes", total));
        }
        let mut mails = Vec::new();
        for member in members {
            session.enter(self.folder(&member), false).await?;
            let Some(raw) = session.read(member.held.uid, most).await? else { continue };
            let letter = Letter::read(&raw);
            let text = self.text(&member, &letter);
            // Of the files only what they are called and how large they are is kept.
            let files =
                letter.files.into_iter().map(|file| Attached { bytes: Bytes::new(), ..file }).collect();
            mails.push(Mailed { member, text, files });
        }
        session.close().await;
        self.assemble(id, &mails)
    }

    /// The mails of a thread as a ticket.
    fn assemble(&self, id: &RemoteId, mails: &[Mailed]) -> Result<Ticket> {
        let first = mails.first().filter(|mail| mail.member.held.letter.id == id.as_str());
        let Some(Mailed { member: root, text: description, .. }) = first else { return Err(not_found(id)) };
        let latest = mails.iter().map(|mail| mail.member.held.date).max().unwrap_or(root.held.date);
        let mut ids: Vec<&str> = mails.iter().map(|mail| mail.member.held.letter.id.as_str()).collect();
        ids.sort_unstable();
        let mut ticket = Ticket {
            id: id.clone(),
            key: thread::tag(id.as_str()).to_string(),
            version: Some(version(&ids)),
            url: None,
            title: match root.is_ours {
                true => thread::untagged(&root.held.letter.subject),
                false => thread::title(&root.held.letter.subject),
            },
            description: description.clone(),
            status: OPEN.to_owned(),
            priority: None,
            kind: None,
            fields: BTreeMap::new(),
            requester: Some(Person { name: root.held.letter.author.clone() }),
            comments: Vec::new(),
            files: Vec::new(),
            references: Vec::new(),
            marker: marker(root),
            created: root.held.date,
            updated: latest,
            lost: Vec::new(),
        };
        for (number, Mailed { member, text, files }) in mails.iter().enumerate() {
            let head = &member.held.letter;
            let visibility = match member.is_ours || self.config.accepts(&head.address) {
                true => Visibility::Public,
                false => Visibility::Unknown,
            };
            let author = Person { name: head.author.clone() };
            let is_file = member.is_ours && head.own.as_ref().is_some_and(|own| own.is_file);
            let body = if number == 0 || is_file { String::new() } else { text.clone() };
            if !body.is_empty() {
                ticket.comments.push(Comment {
                    id: CommentId::new(head.id.clone()),
                    author: author.clone(),
                    body,
                    visibility,
                    created: member.held.date,
                    marker: marker(member),
                });
            }
            ticket.files.extend(files.iter().map(|file| File {
                id: file_id(&head.id, file.part),
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                size: file.size,
                digest: None,
                visibility,
                author: author.clone(),
                created: member.held.date,
                marker: if is_file { marker(member) } else { None },
            }));
        }
        Ok(ticket)
    }

    fn text(&self, member: &Member, letter: &Letter) -> String {
        let text = if member.is_ours { letter.written() } else { letter.said.clone() };
        match member.held.size > self.config.max_mail_bytes() {
            true => {
                format!("{text}\n\n[This mail is too large: only its beginning was read.]").trim().to_owned()
            }
            false => text,
        }
    }

    fn folder(&self, member: &Member) -> &str {
        if member.is_ours { &self.config.sent } else { &self.config.inbox }
    }

    async fn file(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let missing = || {
            Error::new(ErrorKind::NotFound, "there is no such file in this thread")
                .with_context("ticket", ticket)
                .with_context("file", file)
        };
        let (part, id) = file.as_str().split_once(':').ok_or_else(missing)?;
        let part: usize = part.parse().ok().ok_or_else(missing)?;
        let mut session = Session::open(&self.config, ctx).await?;
        let members = gather::thread(&self.config, &mut session, ticket.as_str()).await?;
        let member = members.into_iter().find(|member| member.held.letter.id == id).ok_or_else(missing)?;
        session.enter(self.folder(&member), false).await?;
        let raw = session.read(member.held.uid, self.config.max_mail_bytes()).await?.ok_or_else(missing)?;
        session.close().await;
        let letter = Letter::read(&raw);
        let file = letter.files.into_iter().find(|file| file.part == part).ok_or_else(missing)?;
        let size = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
        match size > limit_bytes || member.held.size > self.config.max_mail_bytes() {
            true => Err(Error::new(ErrorKind::Rejected, "the file is larger than what may be read")
                .with_context("ticket", ticket)
                .with_context("bytes", size)),
            false => Ok(file.bytes),
        }
    }

    async fn identity(&self, ctx: &Ctx) -> Result<Identity> {
        let mut session = Session::open(&self.config, ctx).await?;
        session.enter(&self.config.sent, false).await?;
        session.enter(&self.config.inbox, false).await?;
        session.close().await;
        smtp::check(&self.config, ctx).await?;
        Ok(Identity { account: self.config.from.to_string(), product: "mailbox".to_owned(), time: None })
    }
}

impl Connector for Mail {
    fn kind(&self) -> &'static str {
        "mail"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: Some(CreateClass::C4),
            comment: Some(CreateClass::C4),
            attach: Some(CreateClass::C4),
            settle: Duration::from_secs(600),
            update: false,
            transition: false,
            internal_comments: false,
            edit: false,
            retract: false,
            link_back: Linking::None,
            conditional_write: ConditionalWrite::None,
            feed: Feed { granularity: Duration::ZERO, lag: Duration::ZERO },
            webhooks: None,
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        within(ctx, self.identity(ctx)).await
    }

    async fn describe(&self, _: &Ctx) -> Result<Description> {
        let statuses = vec![Choice { word: OPEN.to_owned(), closed: false }];
        Ok(Description { statuses, ..Description::default() })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        within(ctx, self.changes_since(ctx, since)).await
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        within(ctx, self.ticket(ctx, ticket)).await
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        within(ctx, self.file(ctx, ticket, file, limit_bytes)).await
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        within(ctx, write::find(&self.config, ctx, intent)).await
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        write::apply(&self.config, ctx, intent).await
    }

    fn accept(&self, _: &RawWebhook) -> Result<Vec<Hint>> {
        Err(Error::new(ErrorKind::Unsupported, "a mailbox has no webhooks"))
    }
}

/// The file's place in its mail, and the mail.
pub(crate) fn file_id(mail: &str, part: usize) -> FileId {
    FileId::new(format!("{part}:{mail}"))
}

/// Does `work`, but not past the call's deadline.
pub(crate) async fn within<T>(ctx: &Ctx, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let left = ctx.deadline.saturating_sub(ctx.clock.monotonic());
    match select(Box::pin(work), ctx.clock.sleep(left)).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) => Err(error::unavailable("the mail server did not answer by the deadline")),
    }
}

fn marker(member: &Member) -> Option<throughline_sdk::Marker> {
    let own = member.held.letter.own.as_ref()?;
    if member.is_ours { own.marker.clone() } else { None }
}

/// Mails do not change: the thread is what it consists of.
fn version(ids: &[&str]) -> Version {
    let sum = digest(&SHA256, ids.join("\n").as_bytes());
    let hex: String = sum.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    Version::new(format!("{}-{hex}", ids.len()))
}

fn page(roots: Vec<String>, next: &At, more: bool) -> Result<ChangePage> {
    let next = serde_json::to_string(next).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the cursor cannot be written: {error}"))
    })?;
    let hints = roots.into_iter().map(|root| Hint::new(RemoteId::new(root))).collect();
    Ok(ChangePage { hints, next: Cursor::new(next), more })
}

pub(crate) fn not_found(id: &RemoteId) -> Error {
    Error::new(ErrorKind::NotFound, "there is no thread of the partner that begins with this mail")
        .with_context("ticket", id)
}

#[cfg(test)]
pub(crate) mod tests {
    use throughline_sdk::Settings;

    use super::*;

    pub(crate) fn config() -> Config {
        let mut settings = Settings::default();
        for (key, value) in [
            ("imap_host", "imap.example.org"),
            ("user", "tickets"),
            ("from", "tickets@example.org"),
            ("partner", "support@partner.example"),
        ] {
            settings.values.insert(key.to_owned(), value.into());
        }
        settings.secrets.insert("password".to_owned(), "secret".into());
        Config::read(&settings).unwrap()
    }

    #[test]
    fn only_the_partner_is_the_partner() {
        let config = config();
        assert!(config.accepts("Anybody@PARTNER.example"));
        for stranger in
            ["a@partner.example.com", "a@sub.partner.example", "partner.example", "", "a@xpartner.example"]
        {
            assert!(!config.accepts(stranger), "{stranger}");
        }
        assert!(!format!("{config:?}").contains("secret"));
    }
}
