//! The contract as Zammad fulfils it.

use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, FileId, Found, Hint, Identity, Intent, Linking, Operation,
    RawWebhook, RemoteId, Result, Ticket,
};

use crate::api::{Api, ticket_number};
use crate::config::Config;
use crate::{attribute, feed, map, read, status, webhook, write};

/// The longest a request may still be at work inside Zammad after its answer was lost.
const SETTLE: Duration = Duration::from_secs(60);

/// A Zammad, as its settings describe it.
#[derive(Clone, Debug)]
pub struct Zammad {
    config: Config,
}

impl Zammad {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for Zammad {
    fn kind(&self) -> &'static str {
        "zammad"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // The database finds a marker as soon as the ticket is there.
            create: Some(CreateClass::C2),
            comment: Some(CreateClass::C2),
            attach: Some(CreateClass::C2),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: true,
            edit: false,
            retract: true,
            link_back: if self.config.link_field.is_some() { Linking::Field } else { Linking::None },
            conditional_write: ConditionalWrite::None,
            feed: feed::FEED,
            webhooks: self.config.webhook_secret.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let (me, time) = api.me().await?;
        let sample = api.newest_change().await?;
        let own = [
            ("marker_field", Some(&self.config.marker_field)),
            ("link_field", self.config.link_field.as_ref()),
        ];
        for (setting, name) in own {
            let (Some(sample), Some(name)) = (sample.as_ref(), name) else { continue };
            if !attribute::is_there(sample, name) {
                let words = format!("Zammad has no ticket attribute of the name in {setting}");
                return Err(Error::new(ErrorKind::Misconfigured, words).with_context("attribute", name));
            }
        }
        let name = me.name().unwrap_or_else(|| format!("user {}", me.id));
        let email = me.email.filter(|email| !email.is_empty());
        Ok(Identity {
            account: email.map(|email| format!("{name} ({email})")).unwrap_or(name),
            product: "Zammad".to_owned(),
            time,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let api = self.api(ctx);
        let choice = |word: String| Choice { word, closed: false };
        let states = api.states().await?;
        let priorities = api.priorities().await?;
        let kinds = api.kinds().await?;
        // Which attributes there are any ticket shows.
        let sample = api.newest_change().await?;
        let own = sample.iter().flat_map(attribute::names).filter(|name| {
            **name != self.config.marker_field && Some(*name) != self.config.link_field.as_ref()
        });
        Ok(Description {
            statuses: status::choices(&states),
            priorities: status::priorities(&priorities).into_iter().map(choice).collect(),
            kinds: kinds.into_iter().map(choice).collect(),
            fields: map::ATTRIBUTES.iter().map(|name| (*name).to_owned()).chain(own.cloned()).collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        feed::changes(ctx, &self.config, since).await
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        read::ticket(self.api(ctx), ticket_number(ticket)?).await
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let about = |error: Error| error.with_context("ticket", ticket).with_context("file", file.as_str());
        let number = map::file_number(file)
            .ok_or_else(|| about(Error::new(ErrorKind::NotFound, "no file of this desk has such an id")))?;
        self.api(ctx).bytes(ticket_number(ticket)?, number, limit_bytes).await.map_err(about)
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        let api = self.api(ctx);
        if let Operation::Create(_) = intent.operation {
            return write::find_created(api, &intent.marker).await;
        }
        match intent.marked_in() {
            Some(id) => Ok(intent.left_in(read::ticket(api, ticket_number(id)?).await?)),
            None => Ok(Vec::new()),
        }
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let api = self.api(ctx);
        if let Operation::Create(new) = &intent.operation {
            return write::create(api, new, &intent.marker).await;
        }
        let id = intent.ticket.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "the intent names no ticket").with_context("intent", &intent.id)
        })?;
        write::into_ticket(api, ticket_number(id)?, intent).await
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(webhook, self.config.webhook_secret.as_ref())
    }
}
