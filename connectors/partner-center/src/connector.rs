//! The contract as Partner Center fulfils it.

use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, ConditionalWrite, Connector, CreateClass, Ctx, Cursor, Description,
    Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, RawWebhook, RemoteId,
    Result, Ticket,
};

use crate::api::{Api, Listed};
use crate::config::Config;
use crate::feed::{LAG_SECONDS, Place};
use crate::map::{self, FIELDS, PRIORITIES, STATUSES};
use crate::write;

/// The longest a change may still be at work after its answer was lost.
const SETTLE: Duration = Duration::from_secs(120);

/// A partner's service requests, as their settings describe them.
#[derive(Clone, Debug)]
pub struct PartnerCenter {
    config: Config,
}

impl PartnerCenter {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for PartnerCenter {
    fn kind(&self) -> &'static str {
        "partner-center"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: None,
            // The marker stands in the note, and the request itself is read. That the same MS-RequestId is told as a
            // repetition is documented, for how long it is not.
            comment: Some(CreateClass::C2),
            attach: None,
            settle: SETTLE,
            update: false,
            transition: true,
            internal_comments: false,
            edit: false,
            retract: false,
            link_back: Linking::None,
            conditional_write: ConditionalWrite::None,
            feed: Feed {
                granularity: Duration::from_millis(10),
                lag: Duration::from_secs(LAG_SECONDS.unsigned_abs()),
            },
            webhooks: None,
            // Without files it means nothing.
            max_file_bytes: 1,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        self.api(ctx).page(1, 0).await?;
        Ok(Identity {
            account: format!("application {} and the person who logged in", self.config.client_id),
            product: "Partner Center".to_owned(),
            time: None,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let choice = |word: &str, closed| Choice { word: word.to_owned(), closed };
        let topics = match self.api(ctx).topics().await {
            Ok(topics) => topics,
            // Only the library's own configuration names this list.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported) => Vec::new(),
            Err(error) => return Err(error),
        };
        let topics = topics.into_iter().filter_map(|topic| topic.name);
        Ok(Description {
            statuses: STATUSES.iter().map(|(word, meaning)| choice(word, *meaning == "closed")).collect(),
            priorities: PRIORITIES.iter().map(|(word, _)| choice(word, false)).collect(),
            kinds: topics.map(|word| choice(&word, false)).collect(),
            fields: FIELDS.iter().map(|name| (*name).to_owned()).collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let mut place = since.map_or_else(|| Ok(Place::default()), Place::parse)?;
        let Listed { requests, whole } = self.api(ctx).all().await?;
        let mut hints = place.compare(&requests, whole);
        if since.is_none() {
            // From now on: what stands there is noted as if it had been told.
            hints.clear();
        }
        let hints = hints.into_iter().map(|id| Hint::new(RemoteId::new(id))).collect();
        Ok(ChangePage { hints, next: Cursor::write(&place)?, more: false })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        map::ticket(&self.api(ctx).request(ticket.as_str()).await?)
    }

    async fn download(
        &self,
        _ctx: &Ctx,
        ticket: &RemoteId,
        _file: &FileId,
        _limit_bytes: u64,
    ) -> Result<Bytes> {
        Err(Error::new(ErrorKind::Unsupported, "files of Partner Center are not read")
            .with_context("ticket", ticket))
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        write::find(self.api(ctx), intent).await
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        write::apply(self.api(ctx), intent).await
    }

    fn accept(&self, _webhook: &RawWebhook) -> Result<Vec<Hint>> {
        Err(Error::new(ErrorKind::Unsupported, "no webhooks of Partner Center tell of service requests"))
    }
}
