//! The contract as ServiceNow fulfils it.

use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, CommentId, Completeness, ConditionalWrite, Connector, CreateClass, Ctx,
    Cursor, Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking,
    Operation, RawWebhook, RemoteId, Result, Subject, Ticket,
};

use crate::api::{Api, SysId, journal_refused, record_id};
use crate::config::Config;
use crate::feed::{LAG_SECONDS, Place};
use crate::{choice, map, webhook, write};

/// The longest a request may still be at work inside ServiceNow after its answer was lost: its REST transactions are
/// cancelled after a minute as it comes.
const SETTLE: Duration = Duration::from_secs(90);

/// A ServiceNow, as its settings describe it.
#[derive(Clone, Debug)]
pub struct ServiceNow {
    config: Config,
}

impl ServiceNow {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for ServiceNow {
    fn kind(&self) -> &'static str {
        "servicenow"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // An import set updates the record that has the marker; else the table's own database is asked for it.
            create: Some(if self.config.import_table.is_some() { CreateClass::C1 } else { CreateClass::C2 }),
            comment: Some(CreateClass::C2),
            attach: Some(CreateClass::C2),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: true,
            // A journal is written once.
            edit: false,
            retract: false,
            link_back: Linking::Field,
            conditional_write: ConditionalWrite::None,
            feed: Feed {
                granularity: Duration::from_secs(1),
                lag: Duration::from_secs(LAG_SECONDS.unsigned_abs()),
            },
            webhooks: self.config.webhook_secret.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let (account, time) = api.account().await?;
        api.sample(&self.config.table).await.map_err(|error| {
            if !matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Rejected) {
                return error;
            }
            let message = format!("our account cannot read the table of the settings: {}", error.message());
            Error::new(ErrorKind::Misconfigured, message).with_context("table", &self.config.table)
        })?;
        api.sample("sys_journal_field").await.map_err(journal_refused)?;
        // The interface does not tell its version.
        Ok(Identity { account, product: "ServiceNow".to_owned(), time })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let api = self.api(ctx);
        let open = |choices: Vec<choice::Choice>| -> Vec<Choice> {
            choices.into_iter().map(|choice| Choice { word: choice.label, closed: false }).collect()
        };
        let mut statuses = open(choice::of(api, &self.config.state_field).await?);
        for status in &mut statuses {
            status.closed = self.config.closed_states.contains(&status.word);
        }
        // The highest comes first there.
        let mut priorities = open(choice::of(api, "priority").await?);
        priorities.reverse();
        let kinds = match &self.config.type_field {
            Some(field) => open(choice::of(api, field).await?),
            None => Vec::new(),
        };
        let names = self.config.columns.keys().chain(self.config.choice_columns.keys());
        Ok(Description { statuses, priorities, kinds, fields: names.cloned().collect() })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let api = self.api(ctx);
        match since {
            Some(cursor) => Place::parse(cursor)?.advance(api).await,
            None => {
                let next = Cursor::write(&Place::now(api).await?)?;
                Ok(ChangePage { hints: Vec::new(), next, more: false })
            }
        }
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        write::read(self.api(ctx), &record_id(ticket)?).await.map(|record| record.ticket)
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let api = self.api(ctx);
        let about = |error: Error| error.with_context("record", ticket).with_context("file", file);
        let id = SysId::of(file.as_str(), "file").map_err(about)?;
        let row = api.file(&id).await.map_err(about)?;
        if row.value("table_sys_id") != record_id(ticket)?.as_str() {
            return Err(about(Error::new(ErrorKind::NotFound, "the record has no such file any more")));
        }
        let size = map::size(&row);
        if size > limit_bytes {
            let message = format!("the file has {size} bytes, more than the {limit_bytes} allowed");
            return Err(about(Error::new(ErrorKind::Rejected, message)));
        }
        let bytes = api.bytes(&id, limit_bytes).await.map_err(about)?;
        if u64::try_from(bytes.len()).ok() != Some(size) {
            let message = format!("{} of the file's {size} bytes came", bytes.len());
            return Err(about(Error::new(ErrorKind::Unavailable, message)));
        }
        Ok(bytes)
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        let api = self.api(ctx);
        let found = |ticket: &RemoteId, subject| Found { ticket: ticket.clone(), subject };
        match (&intent.operation, &intent.ticket) {
            (Operation::Create(_), _) => {
                let ids = api.marked(&intent.marker).await?.into_iter();
                let ids = ids.map(|id| RemoteId::new(id.as_str()));
                Ok(ids.map(|id| found(&id, Subject::Ticket(id.clone()))).collect())
            }
            (Operation::Comment { .. }, Some(ticket)) => {
                let read = self.fetch(ctx, ticket).await?;
                let ours = read
                    .comments
                    .into_iter()
                    .filter(|comment| comment.marker.as_ref() == Some(&intent.marker));
                Ok(ours
                    .map(|comment| found(ticket, Subject::Comment(CommentId::new(comment.id.as_str()))))
                    .collect())
            }
            (Operation::Attach { name, size, digest, .. }, Some(ticket)) => {
                let ours = write::same_files(api, &record_id(ticket)?, name, *size, digest).await?;
                // Several of one content are one file, sent by hand more than once.
                let first = ours.first().map(|file| found(ticket, Subject::File(FileId::new(file.as_str()))));
                Ok(first.into_iter().collect())
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
        let api = self.api(ctx);
        if let Operation::Create(new) = &intent.operation {
            return write::create(api, new, &intent.marker).await;
        }
        let id = intent.ticket.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "the intent names no record").with_context("intent", &intent.id)
        })?;
        write::into_record(api, &record_id(id)?, intent).await
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(webhook, &self.config)
    }
}
