//! The contract as a partner of the protocol and our own desk together fulfil it.

use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, ConditionalWrite, Connector, CreateClass, Ctx, Cursor, Description,
    Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, Operation, RawWebhook,
    RemoteId, Result, Subject, Ticket,
};
use url::Url;

use crate::config::Config;
use crate::map::{self, CLOSED, CUSTOM_STATUS, TAGS};
use crate::own::{self, Own};
use crate::partner::Partner;
use crate::{agreement, uuid, write};

/// The longest a request may still be at work at the partner after its answer was lost.
const SETTLE: Duration = Duration::from_secs(60);

/// A partner of the protocol.
#[derive(Clone, Debug)]
pub struct NetworkedHelpDesk {
    config: Config,
}

/// What every operation needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Both<'a> {
    pub(crate) config: &'a Config,
    pub(crate) own: Own<'a>,
    pub(crate) partner: Partner<'a>,
}

impl NetworkedHelpDesk {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn both<'a>(&'a self, ctx: &'a Ctx) -> Both<'a> {
        Both {
            config: &self.config,
            own: Own { ctx, address: &self.config.own },
            partner: Partner { ctx, url: &self.config.url },
        }
    }

    async fn held(&self, ctx: &Ctx, id: &RemoteId) -> Result<own::Ticket> {
        let held = self.both(ctx).own.ticket(id).await.map_err(|error| error.with_context("ticket", id))?;
        if held.offered {
            let why = "the partner has not taken this ticket yet";
            return Err(Error::new(ErrorKind::NotFound, why).with_context("ticket", id));
        }
        Ok(held)
    }
}

impl Connector for NetworkedHelpDesk {
    fn kind(&self) -> &'static str {
        crate::KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // Tickets and comments go by uuids that we choose; of one that is there already nothing new is made.
            create: Some(CreateClass::C0),
            comment: Some(CreateClass::C0),
            attach: Some(CreateClass::C0),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: true,
            edit: false,
            retract: false,
            link_back: Linking::None,
            // Compared with what was pushed so far; the partner itself is not asked.
            conditional_write: ConditionalWrite::Racy,
            // Our own desk counts its changes.
            feed: Feed { granularity: Duration::ZERO, lag: Duration::ZERO },
            webhooks: None,
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        // The protocol asks nobody anything: that the partner is there shows in what it takes.
        self.both(ctx).own.agreements().await?;
        Ok(Identity {
            account: self.config.name.clone(),
            product: "Networked Help Desk 1.0".to_owned(),
            time: None,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        self.probe(ctx).await?;
        let mut words = self.config.statuses.clone();
        // What partners set themselves, whatever we may set.
        let usual = map::STATUSES.iter().map(|(word, _)| (*word).to_owned());
        words.extend(usual.filter(|word| !self.config.statuses.contains(word)));
        let choice = |word: String| Choice { closed: CLOSED.contains(&word.as_str()), word };
        let mut fields = vec![CUSTOM_STATUS.to_owned(), TAGS.to_owned()];
        fields.extend(self.config.fields.iter().cloned());
        Ok(Description {
            statuses: words.into_iter().map(choice).collect(),
            priorities: Vec::new(),
            kinds: Vec::new(),
            fields,
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let both = self.both(ctx);
        agreement::settle(both).await;
        let page = both.own.changes(since.map(Cursor::as_str)).await?;
        let hints = page.ids.into_iter().map(|id| Hint::new(RemoteId::new(id))).collect();
        Ok(ChangePage { hints, next: Cursor::new(page.next), more: page.more })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        Ok(map::ticket(&self.config, &self.held(ctx, ticket).await?))
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let about = |error: Error| error.with_context("ticket", ticket).with_context("file", file);
        let held = self.held(ctx, ticket).await?;
        let found = map::file(&held, file)
            .ok_or_else(|| about(Error::new(ErrorKind::NotFound, "the ticket has no such file")))?;
        if found.file.size.is_some() {
            let own = self.both(ctx).own;
            return own.file(&held.id, &found.comment.uuid, limit_bytes).await.map_err(about);
        }
        let url = found.file.url.as_deref().unwrap_or_default();
        let url = Url::parse(url).map_err(|error| {
            about(Error::new(ErrorKind::Malformed, format!("the file's url is no address: {error}")))
        })?;
        // Whatever a partner writes there: the plane lets it lead to the partner and its file hosts only.
        let read = ctx.read_onward(url, limit_bytes).await.map_err(about)?;
        read.stored().map_err(about)
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        let name = uuid::of(&intent.marker);
        match (&intent.operation, &intent.ticket) {
            (Operation::Create(_), _) => {
                let held = self.both(ctx).own.with_uuid(&name).await?.filter(|held| !held.offered);
                let id = held.map(|held| RemoteId::new(held.id));
                Ok(id.map(Found::made).into_iter().collect())
            }
            (Operation::Comment { .. } | Operation::Attach { .. }, Some(id)) => {
                let read = self.fetch(ctx, id).await?;
                let marker = Some(&intent.marker);
                let comments = read.comments.into_iter().filter(|comment| comment.marker.as_ref() == marker);
                let files = read.files.into_iter().filter(|file| file.marker.as_ref() == marker);
                let subjects = comments
                    .map(|comment| Subject::Comment(comment.id))
                    .chain(files.map(|file| Subject::File(file.id)));
                Ok(subjects.map(|subject| Found { ticket: id.clone(), subject }).collect())
            }
            // These set a value: a doubt about them is settled by reading the ticket, they bear no marker.
            (
                Operation::Update { .. }
                | Operation::Transition { .. }
                | Operation::Edit { .. }
                | Operation::Retract { .. }
                | Operation::LinkBack { .. },
                _,
            )
            | (Operation::Comment { .. } | Operation::Attach { .. }, None) => Ok(Vec::new()),
        }
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let both = self.both(ctx);
        match (&intent.operation, &intent.ticket) {
            (Operation::Create(new), _) => write::create(both, new, &intent.marker).await,
            (Operation::Edit { .. } | Operation::Retract { .. }, _) => {
                let why = "the protocol knows comments by their uuids and takes none back";
                Err(Error::new(ErrorKind::Unsupported, why))
            }
            (Operation::LinkBack { .. }, _) => {
                let why = "the protocol has no place for the counterpart's number";
                Err(Error::new(ErrorKind::Unsupported, why))
            }
            (_, None) => Err(Error::new(ErrorKind::Malformed, "the intent names no ticket")
                .with_context("intent", &intent.id)),
            (_, Some(id)) => {
                let written = write::into_ticket(both, id, intent).await;
                written.map_err(|error| error.with_context("ticket", id))
            }
        }
    }

    fn accept(&self, _webhook: &RawWebhook) -> Result<Vec<Hint>> {
        let why = "a partner of this protocol pushes to /sharing/ and the system's name, not to /webhooks/";
        Err(Error::new(ErrorKind::Unsupported, why))
    }
}
