//! The contract as Zendesk fulfils it.

use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, Operation,
    RawWebhook, RemoteId, Result, Ticket,
};

use crate::api::{Api, number, ticket_number};
use crate::config::Config;
use crate::{feed, fields, map, read, status, webhook, write};

/// The longest a request may still be at work inside Zendesk after its answer was lost.
const SETTLE: Duration = Duration::from_secs(60);

/// A Zendesk, as its settings describe it.
#[derive(Clone, Debug)]
pub struct Zendesk {
    config: Config,
}

impl Zendesk {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for Zendesk {
    fn kind(&self) -> &'static str {
        "zendesk"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // Under its key for two hours; after that the ticket is looked for by its external id before it is sent.
            create: Some(CreateClass::C0),
            // The marker stands in the audit that the comment itself is listed by.
            comment: Some(CreateClass::C2),
            attach: Some(CreateClass::C2),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: true,
            edit: false,
            retract: true,
            link_back: if self.config.link_field.is_some() { Linking::Field } else { Linking::None },
            // The condition is a time in whole seconds: two writes within one may both pass.
            conditional_write: ConditionalWrite::Racy,
            feed: Feed { granularity: Duration::from_secs(1), lag: Duration::from_secs(feed::LAG_SECONDS) },
            webhooks: self.config.webhook_secret.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let (me, time) = self.api(ctx).me().await?;
        // To a stranger Zendesk answers with an anonymous user, and with success.
        if me.id.is_none() || me.role.as_deref() == Some("end-user") {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "Zendesk does not know our account as an agent; check the settings account and secret, and its role",
            ));
        }
        let name = me.name.unwrap_or_default();
        Ok(Identity {
            account: me.email.map(|email| format!("{name} ({email})")).unwrap_or(name),
            product: "Zendesk Support".to_owned(),
            time,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let api = self.api(ctx);
        let (own, known) = (api.custom_statuses().await?, api.fields().await?);
        let open = |word: &str| Choice { word: word.to_owned(), closed: false };
        let names =
            fields::by_name(&known).into_keys().filter(|name| Some(name) != self.config.link_field.as_ref());
        Ok(Description {
            statuses: status::choices(&own),
            priorities: map::PRIORITIES.iter().map(|(word, _)| open(word)).collect(),
            kinds: map::KINDS.iter().map(|word| open(word)).collect(),
            fields: map::ATTRIBUTES.iter().map(|name| (*name).to_owned()).chain(names).collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        feed::changes(ctx, &self.config, since).await
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        read::ticket(self.api(ctx), ticket_number(ticket)?).await
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let api = self.api(ctx);
        let id = number(file.as_str(), "a file")?;
        let about = |error: Error| error.with_context("ticket", ticket).with_context("file", id);
        let attachment = api.attachment(id).await.map_err(about)?;
        let refused = |why: String| about(Error::new(ErrorKind::Rejected, why));
        if attachment.size > limit_bytes {
            let size = attachment.size;
            return Err(refused(format!("the file has {size} bytes, more than the {limit_bytes} allowed")));
        }
        if attachment.malware_scan_result.as_deref() == Some("malware_found") {
            return Err(refused("Zendesk found malware in the file".to_owned()));
        }
        let address = attachment.content_url.as_deref().unwrap_or_default();
        let bytes = api.bytes(address, limit_bytes).await.map_err(about)?;
        if u64::try_from(bytes.len()).ok() != Some(attachment.size) {
            return Err(about(Error::new(
                ErrorKind::Unavailable,
                format!("{} of the file's {} bytes came", bytes.len(), attachment.size),
            )));
        }
        Ok(bytes)
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        let api = self.api(ctx);
        if let Operation::Create(_) = intent.operation {
            return write::find_created(api, &intent.marker).await;
        }
        let Some(id) = intent.marked_in() else { return Ok(Vec::new()) };
        let parts = read::parts(api, ticket_number(id)?).await?;
        Ok(intent.left_in(map::ticket(&parts, &self.config)))
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
