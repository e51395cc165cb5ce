//! The connector: threads of a mailbox as tickets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Comment, CommentId, ConditionalWrite, Connector, CreateClass, Ctx,
    Cursor, Description, Effect, Error, ErrorKind, Feed, File, FileId, Found, Hint, Identity, Intent, Person,
    RawWebhook, RemoteId, Result, Ticket, Version, Visibility,
};

use crate::config::Config;
use crate::error;
use crate::imap::{Held, Session, any, header};
use crate::letter::Letter;
use crate::{smtp, thread, write};

/// The one status.
pub(crate) const OPEN: &str = "Open";
/// How many new mails one page looks at.
const PAGE: usize = 50;
/// How many mails of one thread are read.
const LONGEST_THREAD: usize = 1000;
/// How many ids one search is for.
const IDS_AT_ONCE: usize = 10;
/// How far an answer is followed back.
const DEEPEST: usize = 20;

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

/// A mail of a thread, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) held: Held,
    pub(crate) is_ours: bool,
}

impl Mail {
    /// A connector for this mailbox.
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    /// The thread that begins with `root`, oldest first; empty if there is none.
    pub(crate) async fn thread(config: &Config, session: &mut Session, root: &str) -> Result<Vec<Member>> {
        if !thread::is_id(root) {
            return Ok(Vec::new());
        }
        session.enter(&config.sent, false).await?;
        let found = session.search(&header(crate::compose::TICKET, root)).await?;
        let mut ours = session.heads(&found).await?;
        ours.retain(|held| held.letter.own.as_ref().is_some_and(|own| own.ticket == root));
        let mut theirs = Self::inbox(config, session, root, &ours).await?;
        // What is held twice is one mail; a draft is none, unless somebody answered it.
        let answered: BTreeSet<&str> =
            theirs.iter().flat_map(|held| held.letter.answers.iter().map(String::as_str)).collect();
        ours.retain(|held| !held.is_draft || answered.contains(held.letter.id.as_str()));
        ours.sort_by_key(|held| held.is_draft);
        let mut seen = BTreeSet::new();
        let mut members = Vec::new();
        for (held, is_ours) in
            ours.into_iter().map(|held| (held, true)).chain(theirs.drain(..).map(|held| (held, false)))
        {
            if seen.insert(held.letter.id.clone()) {
                members.push(Member { held, is_ours });
            }
        }
        members.sort_by_key(|member| {
            (member.held.letter.id != root, member.held.date, !member.is_ours, member.held.uid)
        });
        let begins = members.first().is_some_and(|first| {
            first.held.letter.id == root && (first.is_ours || config.accepts(&first.held.letter.address))
        });
        Ok(if begins { members } else { Vec::new() })
    }

    /// The mails of a thread that came in, by ids and by the tag, until no further one turns up.
    async fn inbox(config: &Config, session: &mut Session, root: &str, ours: &[Held]) -> Result<Vec<Held>> {
        session.enter(&config.inbox, false).await?;
        let tag = thread::tag(root);
        let mut known: BTreeSet<String> = ours.iter().map(|held| held.letter.id.clone()).collect();
        known.insert(root.to_owned());
        let mut todo: Vec<String> = known.iter().cloned().collect();
        let mut found: BTreeMap<u32, Held> = BTreeMap::new();
        let mut further = vec![header("Message-ID", root), format!("SUBJECT \"{tag}\"")];
        while !(todo.is_empty() && further.is_empty()) && found.len() < LONGEST_THREAD {
            let ids: Vec<String> = todo.drain(..todo.len().min(IDS_AT_ONCE)).collect();
            let mut criteria = std::mem::take(&mut further);
            criteria.extend(ids.iter().flat_map(|id| [header("References", id), header("In-Reply-To", id)]));
            let mut uids = session.search(&any(criteria)).await?;
            uids.retain(|uid| !found.contains_key(uid));
            uids.truncate(LONGEST_THREAD);
            for held in session.heads(&uids).await? {
                let letter = &held.letter;
                let belongs = letter.id == root
                    || letter.answers.iter().any(|id| known.contains(id))
                    || thread::tag_in(&letter.subject).as_ref() == Some(&tag);
                if !belongs || is_dropped(config, letter) {
                    continue;
                }
                if known.insert(letter.id.clone()) {
                    todo.push(letter.id.clone());
                }
                found.insert(held.uid, held);
            }
        }
        Ok(found.into_values().collect())
    }

    /// The root of the thread that a mail belongs to; `None` if it is to be left alone.
    async fn root(&self, session: &mut Session, letter: &Letter) -> Result<Option<String>> {
        let mut letter = letter.clone();
        for _ in 0..DEEPEST {
            if let Some(root) = self.root_by_ours(session, &letter).await? {
                return Ok(Some(root));
            }
            match self.answered(session, &letter).await? {
                Some(before) => letter = before,
                None => break,
            }
        }
        // A thread that a stranger begins is not shared.
        Ok(self.config.accepts(&letter.address).then_some(letter.id))
    }

    /// What our own mails say about the thread, by an id of ours that is answered or else by the tag.
    async fn root_by_ours(&self, session: &mut Session, letter: &Letter) -> Result<Option<String>> {
        let domain = self.config.from.domain();
        let ids = letter.answers.iter().filter(|id| thread::marker_of(id, domain).is_some());
        let ids: Vec<&String> = ids.take(IDS_AT_ONCE).collect();
        let tag = thread::tag_in(&letter.subject);
        let mut criteria: Vec<String> = ids.iter().map(|id| header("Message-ID", id)).collect();
        criteria.extend(tag.iter().map(|tag| format!("SUBJECT \"{tag}\"")));
        if criteria.is_empty() {
            return Ok(None);
        }
        session.enter(&self.config.sent, false).await?;
        let found = session.search(&any(criteria)).await?;
        let found = session.heads(found.get(..found.len().min(100)).unwrap_or_default()).await?;
        let roots =
            || found.iter().filter_map(|held| Some((&held.letter.id, &held.letter.own.as_ref()?.ticket)));
        let by_id = ids.iter().find_map(|id| roots().find(|(held, _)| held == id));
        let by_tag = || roots().find(|(_, root)| Some(thread::tag(root)) == tag);
        Ok(by_id.or_else(by_tag).map(|(_, root)| root.clone()))
    }

    /// The oldest mail in the inbox that this one answers.
    async fn answered(&self, session: &mut Session, letter: &Letter) -> Result<Option<Letter>> {
        let ids: Vec<&String> =
            letter.answers.iter().filter(|id| **id != letter.id).take(IDS_AT_ONCE).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        session.enter(&self.config.inbox, false).await?;
        let found = session.search(&any(ids.iter().map(|id| header("Message-ID", id)).collect())).await?;
        let found = session.heads(found.get(..found.len().min(100)).unwrap_or_default()).await?;
        let usable = |id: &&String| {
            found.iter().find(|held| held.letter.id == **id && !is_dropped(&self.config, &held.letter))
        };
        Ok(ids.iter().find_map(usable).map(|held| held.letter.clone()))
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
            let root = Box::pin(self.root(&mut session, &held.letter)).await?;
            roots.extend(root.filter(|root| !roots.contains(root)));
        }
        session.close().await;
        page(roots, &At { validity: place.validity, next }, more)
    }

    async fn ticket(&self, ctx: &Ctx, id: &RemoteId) -> Result<Ticket> {
        let mut session = Session::open(&self.config, ctx).await?;
        let members = Self::thread(&self.config, &mut session, id.as_str()).await?;
        let mut mails = Vec::new();
        for member in members {
            session.enter(self.folder(&member), false).await?;
            let most = self.config.max_mail_bytes();
            let Some(raw) = session.read(member.held.uid, most).await? else { continue };
            let letter = Letter::read(&raw);
            mails.push((member, letter));
        }
        session.close().await;
        self.assemble(id, &mails)
    }

    /// The mails of a thread as a ticket.
    fn assemble(&self, id: &RemoteId, mails: &[(Member, Letter)]) -> Result<Ticket> {
        let first = mails.first().filter(|(member, _)| member.held.letter.id == id.as_str());
        let Some((root, root_letter)) = first else { return Err(not_found(id)) };
        let latest = mails.iter().map(|(member, _)| member.held.date).max().unwrap_or(root.held.date);
        let mut ids: Vec<&str> = mails.iter().map(|(member, _)| member.held.letter.id.as_str()).collect();
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
            description: self.text(root, root_letter),
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
        for (number, (member, letter)) in mails.iter().enumerate() {
            let head = &member.held.letter;
            let visibility = match member.is_ours || self.config.accepts(&head.address) {
                true => Visibility::Public,
                false => Visibility::Unknown,
            };
            let author = Person { name: head.author.clone() };
            let is_file = member.is_ours && head.own.as_ref().is_some_and(|own| own.is_file);
            let body = if number == 0 || is_file { String::new() } else { self.text(member, letter) };
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
            ticket.files.extend(letter.files.iter().map(|file| File {
                id: file_id(&head.id, file.part),
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                size: u64::try_from(file.bytes.len()).unwrap_or(u64::MAX),
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
        let members = Self::thread(&self.config, &mut session, ticket.as_str()).await?;
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
            create: CreateClass::C4,
            comment: CreateClass::C4,
            attach: Some(CreateClass::C4),
            settle: Duration::from_secs(600),
            update: false,
            transition: false,
            internal_comments: false,
            edit: false,
            retract: false,
            link_back: false,
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

/// Whether a mail in the inbox is none of a person's, or one of ours that came back.
fn is_dropped(config: &Config, letter: &Letter) -> bool {
    letter.id.is_empty() || letter.automatic || thread::marker_of(&letter.id, config.from.domain()).is_some()
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
