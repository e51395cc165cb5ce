//! Reading and keeping: one IMAP session over one connection of ours.

use std::collections::BTreeSet;

use bytes::Bytes;
use chrono::Utc;
use futures::TryStreamExt;
use secrecy::ExposeSecret;
use throughline_sdk::{Ctx, Destination, Error, ErrorKind, Protection, Result, Stream, Timestamp};

use crate::config::Config;
use crate::error;
use crate::letter::Letter;

/// How many mails one command asks for.
const AT_ONCE: usize = 100;
/// What is read of each mail to see what it is.
const HEADER: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])";

/// A session that is logged in.
#[derive(Debug)]
pub(crate) struct Session {
    inner: async_imap::Session<Box<dyn Stream>>,
    entered: Option<(String, bool)>,
    place: Place,
}

/// Where a folder stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Changes when the folder's numbers mean other mails than before.
    pub(crate) validity: u32,
    /// The number that the next mail gets.
    pub(crate) next: u32,
}

/// A mail in a folder, known by its header.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) uid: u32,
    pub(crate) size: u64,
    pub(crate) is_draft: bool,
    /// When it came to lie there, on the server's clock.
    pub(crate) date: Timestamp,
    pub(crate) letter: Letter,
}

impl Session {
    /// Connects and logs in.
    pub(crate) async fn open(config: &Config, ctx: &Ctx) -> Result<Self> {
        let host = &config.imap;
        let to = Destination { host: &host.name, port: host.port, protection: host.protection };
        let stream = ctx.dial.dial(to, ctx.deadline).await?;
        let mut client = async_imap::Client::new(stream);
        match client.read_response().await {
            Ok(Some(_)) => {}
            Ok(None) => return Err(error::unavailable("the mail server ended the connection at once")),
            Err(error) => {
                return Err(error::unavailable(&format!("the mail server does not greet: {error}")));
            }
        }
        if host.protection == Protection::StartTls {
            let agreed = client.run_command_and_check_ok("STARTTLS", None).await;
            agreed.map_err(|error| error::imap(error, "STARTTLS"))?;
            let stream = ctx.dial.protect(client.into_inner(), &host.name, ctx.deadline).await?;
            client = async_imap::Client::new(stream);
        }
        let login = client.login(&config.user, config.password.expose_secret()).await;
        let inner = login.map_err(|(error, _)| error::login(error))?;
        Ok(Self { inner, entered: None, place: Place::default() })
    }

    /// Goes into a folder, which may be the one it is in. Reading changes nothing there.
    pub(crate) async fn enter(&mut self, folder: &str, to_write: bool) -> Result<Place> {
        if self.entered.as_ref().is_some_and(|(entered, writable)| entered == folder && *writable == to_write)
        {
            return Ok(self.place);
        }
        self.entered = None;
        let mailbox = match to_write {
            true => self.inner.select(folder).await,
            false => self.inner.examine(folder).await,
        };
        let mailbox = mailbox.map_err(|error| {
            let error = error::imap(error, "to open a folder");
            let wrong = error.kind() == ErrorKind::Rejected;
            let kind = if wrong { ErrorKind::Misconfigured } else { error.kind() };
            Error::new(kind, error.message()).with_context("folder", folder)
        })?;
        let validity = mailbox.uid_validity.unwrap_or_default();
        let next = match mailbox.uid_next {
            Some(next) => next,
            // Old servers do not tell: one more than the last.
            None => self.search("ALL").await?.last().map_or(1, |last| last.saturating_add(1)),
        };
        self.place = Place { validity, next };
        self.entered = Some((folder.to_owned(), to_write));
        Ok(self.place)
    }

    /// The numbers of the mails that meet a criterion, ascending. What is about to be removed is not there.
    pub(crate) async fn search(&mut self, criterion: &str) -> Result<Vec<u32>> {
        let found = self.inner.uid_search(format!("UNDELETED {criterion}")).await;
        let found = found.map_err(|error| error::imap(error, "a search"))?;
        Ok(found.into_iter().collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The headers of mails.
    pub(crate) async fn heads(&mut self, uids: &[u32]) -> Result<Vec<Held>> {
        let mut held = Vec::new();
        for some in uids.chunks(AT_ONCE) {
            let list = some.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
            let stream = self.inner.uid_fetch(list, HEADER).await;
            let stream = stream.map_err(|error| error::imap(error, "headers"))?;
            let fetched: Vec<_> =
                stream.try_collect().await.map_err(|error| error::imap(error, "headers"))?;
            for fetch in fetched {
                // Servers may tell of other mails in between.
                let (Some(uid), Some(header)) = (fetch.uid, fetch.header()) else { continue };
                let date = fetch.internal_date().map(|date| date.with_timezone(&Utc));
                held.push(Held {
                    uid,
                    size: fetch.size.map_or(u64::MAX, u64::from),
                    is_draft: fetch.flags().any(|flag| flag == async_imap::types::Flag::Draft),
                    date: date.unwrap_or_default(),
                    letter: Letter::read(header),
                });
            }
        }
        held.sort_by_key(|held| held.uid);
        Ok(held)
    }

    /// The first `most` bytes of a mail; `None` if it is not there any more.
    pub(crate) async fn read(&mut self, uid: u32, most: u64) -> Result<Option<Bytes>> {
        let stream = self.inner.uid_fetch(uid.to_string(), format!("(UID BODY.PEEK[]<0.{most}>)")).await;
        let stream = stream.map_err(|error| error::imap(error, "a mail"))?;
        let fetched: Vec<_> = stream.try_collect().await.map_err(|error| error::imap(error, "a mail"))?;
        let mail = fetched.iter().find(|fetch| fetch.uid == Some(uid));
        Ok(mail.and_then(|fetch| fetch.body()).map(Bytes::copy_from_slice))
    }

    /// Puts a mail into a folder, as a draft.
    pub(crate) async fn keep(&mut self, folder: &str, mail: &[u8]) -> Result<()> {
        let kept = self.inner.append(folder, Some("(\\Draft \\Seen)"), None, mail).await;
        kept.map_err(|error| error::imap(error, "to keep a mail").with_context("folder", folder))
    }

    /// Changes the flags of a mail in the folder it is in.
    pub(crate) async fn mark(&mut self, uid: u32, change: &str) -> Result<()> {
        let stream = self.inner.uid_store(uid.to_string(), change).await;
        let stream = stream.map_err(|error| error::imap(error, "a change of flags"))?;
        let changed: Result<Vec<_>, _> = stream.try_collect().await;
        changed.map(drop).map_err(|error| error::imap(error, "a change of flags"))
    }

    /// Removes a mail: where only all that is marked could be removed at once, the mark has to do.
    pub(crate) async fn remove(&mut self, uid: u32) -> Result<()> {
        self.mark(uid, "+FLAGS (\\Deleted)").await?;
        let able = self.inner.capabilities().await.map_err(|error| error::imap(error, "its capabilities"))?;
        if able.has_str("UIDPLUS") {
            let stream = self.inner.uid_expunge(uid.to_string()).await;
            let stream = stream.map_err(|error| error::imap(error, "to remove a mail"))?;
            let removed: Result<Vec<_>, _> = stream.try_collect().await;
            removed.map_err(|error| error::imap(error, "to remove a mail"))?;
        }
        Ok(())
    }

    /// Says goodbye, as politeness.
    pub(crate) async fn close(mut self) {
        drop(self.inner.logout().await);
    }
}

/// A criterion that any of these meets.
pub(crate) fn any(mut criteria: Vec<String>) -> String {
    let Some(last) = criteria.pop() else { return "NOT ALL".to_owned() };
    criteria.into_iter().rev().fold(last, |rest, one| format!("OR {one} {rest}"))
}

/// Mails whose header field `name` holds `id`, which has to be fit for being looked for.
pub(crate) fn header(name: &str, id: &str) -> String {
    format!("HEADER {name} \"{id}\"")
}
