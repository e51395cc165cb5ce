//! The contract as Freshdesk fulfils it.

use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, FileId, Found, Hint, Identity, Intent, Linking, Operation,
    RawWebhook, RemoteId, Result, Ticket,
};

use crate::api::{Api, number, ticket_number};
use crate::config::Config;
use crate::{feed, map, read, webhook, write};

/// The longest a request may still be at work inside Freshdesk after its answer was lost.
const SETTLE: Duration = Duration::from_secs(60);

/// How long the search may take to find what was written: "a few minutes".
/// <https://developers.freshdesk.com/api/#filter_tickets>
const SEARCH_LAG: Duration = Duration::from_secs(10 * 60);

/// A Freshdesk, as its settings describe it.
#[derive(Clone, Debug)]
pub struct Freshdesk {
    config: Config,
}

impl Freshdesk {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for Freshdesk {
    fn kind(&self) -> &'static str {
        "freshdesk"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: Some(CreateClass::C3 { lag: SEARCH_LAG }),
            // The marker stands in the note itself, which the ticket's own list shows.
            comment: Some(CreateClass::C2),
            attach: Some(CreateClass::C2),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: true,
            edit: true,
            retract: true,
            link_back: if self.config.link_field.is_some() { Linking::Field } else { Linking::None },
            conditional_write: ConditionalWrite::None,
            feed: feed::FEED,
            webhooks: self.config.webhook_token.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let (me, time) = api.me().await?;
        let form = api.form().await?;
        for (setting, label) in [
            ("marker_field", Some(&self.config.marker_field)),
            ("link_field", self.config.link_field.as_ref()),
        ] {
            if label.is_some_and(|label| write::custom_name(&form, label).is_none()) {
                let words = format!("the account has no custom ticket field of the label in {setting}");
                return Err(Error::new(ErrorKind::Misconfigured, words));
            }
        }
        let contact = me.contact;
        let name = contact.as_ref().and_then(|contact| contact.name.clone());
        let email = contact.and_then(|contact| contact.email);
        let name = name.unwrap_or_else(|| format!("agent {}", me.id));
        Ok(Identity {
            account: email.map(|email| format!("{name} ({email})")).unwrap_or(name),
            product: "Freshdesk".to_owned(),
            time,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let form = self.api(ctx).form().await?;
        let own: Vec<String> = [Some(&self.config.marker_field), self.config.link_field.as_ref()]
            .into_iter()
            .flatten()
            .map(|name| map::label(&form, name))
            .collect();
        let custom = form.custom().into_keys().filter(|label| !own.contains(label)).collect::<Vec<_>>();
        Ok(Description {
            statuses: form.status_choices(),
            priorities: form.priority_choices(),
            kinds: form.kind_choices(),
            fields: map::ATTRIBUTES.iter().map(|name| (*name).to_owned()).chain(custom).collect(),
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
        // A file's address is signed for a while, so that it is read anew from the ticket.
        let ticket_id = ticket_number(ticket)?;
        let (wire, shelf) = api.ticket(ticket_id).await?;
        let conversations = api.conversations(ticket_id, shelf).await?;
        let mut all = wire.attachments.iter().chain(conversations.iter().flat_map(|one| &one.attachments));
        let attachment = all.find(|one| one.id == id);
        let attachment = attachment.ok_or_else(|| {
            about(Error::new(ErrorKind::NotFound, "the file is not in this ticket any more"))
        })?;
        if attachment.size > limit_bytes {
            let words =
                format!("the file has {} bytes, more than the {limit_bytes} allowed", attachment.size);
            return Err(about(Error::new(ErrorKind::Rejected, words)));
        }
        let address = attachment.attachment_url.as_deref().unwrap_or_default();
        let bytes = api.bytes(address, limit_bytes).await.map_err(about)?;
        if u64::try_from(bytes.len()).ok() != Some(attachment.size) {
            let words = format!("{} of the file's {} bytes came", bytes.len(), attachment.size);
            return Err(about(Error::new(ErrorKind::Unavailable, words)));
        }
        Ok(bytes)
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
        webhook::accept(webhook, self.config.webhook_token.as_ref())
    }
}
