//! The contract as a manifest's desk fulfils it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, Operation,
    RawWebhook, RemoteId, Result, Ticket,
};

use crate::desk::Desk;
use crate::manifest::{Class, Condition};
use crate::request::Api;
use crate::{attach, changes, find, read, webhook, words, write};

/// The longest a request may still be at work inside a desk after its answer was lost.
const SETTLE: Duration = Duration::from_secs(60);

/// A desk, as its manifest and settings describe it.
#[derive(Clone, Debug)]
pub struct Rest {
    desk: Arc<Desk>,
}

impl Rest {
    pub(crate) fn new(desk: Desk) -> Self {
        Self { desk: Arc::new(desk) }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, desk: &self.desk }
    }

    fn class(&self, class: Class) -> CreateClass {
        match class {
            Class::C0 => CreateClass::C0,
            Class::C1 => CreateClass::C1,
            Class::C2 => CreateClass::C2,
            Class::C3 => {
                let lag = self.desk.manifest.find.as_ref().map(|find| find.lag);
                CreateClass::C3 { lag: lag.unwrap_or_default() }
            }
            Class::C4 => CreateClass::C4,
        }
    }
}

impl Connector for Rest {
    fn kind(&self) -> &'static str {
        "rest"
    }

    fn capabilities(&self) -> Capabilities {
        let manifest = &self.desk.manifest;
        let changes = &manifest.changes;
        let internal = &manifest.comments.visibility;
        Capabilities {
            create: Some(self.class(manifest.create.class)),
            comment: Some(self.class(manifest.comment.class)),
            attach: manifest.attach.as_ref().map(|attach| self.class(attach.class)),
            settle: SETTLE,
            update: manifest.update.is_some(),
            transition: manifest.transition.is_some(),
            internal_comments: !internal.internal.is_empty(),
            edit: manifest.edit.is_some(),
            retract: manifest.retract.is_some(),
            link_back: match &manifest.link_back {
                None => Linking::None,
                Some(_) if manifest.ticket.summarizes() => Linking::Field,
                Some(_) => Linking::Link,
            },
            conditional_write: match manifest.update.as_ref().map(|update| update.condition) {
                None | Some(Condition::None) => ConditionalWrite::None,
                Some(Condition::Racy) => ConditionalWrite::Racy,
                Some(Condition::Atomic) => ConditionalWrite::Atomic,
            },
            feed: Feed {
                granularity: if changes.sequence.is_some() { Duration::ZERO } else { changes.granularity },
                lag: changes.lag,
            },
            webhooks: match (&manifest.webhook, &self.desk.config.webhook_secret) {
                (Some(_), Some(_)) => Some(Completeness::Hint),
                (None, _) | (_, None) => None,
            },
            max_file_bytes: self.desk.max_file_bytes(),
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let says = &self.desk.manifest.probe;
        let answer = api.read(&says.request, says.body.as_ref(), &self.desk.scope()).await?;
        let product = match &says.version {
            Some(version) => answer.text(api, version)?,
            None => None,
        };
        Ok(Identity {
            account: answer.required(api, &says.account)?,
            product: product.unwrap_or_else(|| self.desk.manifest.product.clone()),
            time: None,
        })
    }

    async fn describe(&self, _: &Ctx) -> Result<Description> {
        let manifest = &self.desk.manifest;
        Ok(Description {
            statuses: words::choices(&manifest.words.status),
            priorities: words::choices(&manifest.words.priority),
            kinds: words::choices(&manifest.words.kind),
            fields: manifest.ticket.fields.keys().cloned().collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        changes::changes(self.api(ctx), since).await
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let read = read::ticket(self.api(ctx), ticket).await;
        read.map(|read| read.ticket).map_err(|error| error.with_context("ticket", ticket))
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let about = |error: Error| error.with_context("ticket", ticket).with_context("file", file);
        attach::download(self.api(ctx), ticket, file, limit_bytes).await.map_err(about)
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        find::find(self.api(ctx), intent).await
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let api = self.api(ctx);
        let effect = match (&intent.operation, &intent.ticket) {
            (Operation::Create(new), _) => write::create(api, new, &intent.marker).await,
            (_, Some(id)) => write::into_ticket(api, id, intent).await,
            (_, None) => Err(Error::new(ErrorKind::Malformed, "the intent names no ticket")
                .with_context("intent", &intent.id)),
        };
        let dialect = self.desk.manifest.text.dialect;
        effect.map(|effect| effect.with_lost(&intent.operation, |text| dialect.losses(text)))
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(&self.desk, webhook)
    }
}
