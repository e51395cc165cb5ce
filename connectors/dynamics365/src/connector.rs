//! The contract as Dynamics 365 fulfils it.

use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, Operation,
    RawWebhook, RemoteId, Result, Subject, Ticket,
};

use crate::api::{Api, Set, case_id};
use crate::config::Config;
use crate::feed::Place;
use crate::guid::Guid;
use crate::{choice, map, read, webhook, wire, write};

/// The longest a request may still be at work inside Dataverse after its answer was lost: its operations end after two
/// minutes.
const SETTLE: Duration = Duration::from_secs(150);

/// A Dynamics 365, as its settings describe it.
#[derive(Clone, Debug)]
pub struct Dynamics365 {
    config: Config,
}

impl Dynamics365 {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for Dynamics365 {
    fn kind(&self) -> &'static str {
        "dynamics365"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // Every row is created under an id made of the marker, on the condition that it is not there.
            create: Some(CreateClass::C0),
            comment: Some(CreateClass::C0),
            attach: Some(CreateClass::C0),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: true,
            edit: true,
            retract: true,
            link_back: if self.config.link_column.is_some() { Linking::Field } else { Linking::None },
            conditional_write: ConditionalWrite::Atomic,
            // Delta links go by row versions, not by a clock.
            feed: Feed { granularity: Duration::ZERO, lag: Duration::ZERO },
            webhooks: self.config.webhook_key.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let (account, time) = api.account().await?;
        for set in [Set::Cases, Set::Notes] {
            let table = api.table(set).await?;
            let problem = match (table.change_tracking, table.optimistic_concurrency, set) {
                (Some(false), _, _) => {
                    "Dataverse does not track changes of this table; switch on Track changes in its properties"
                }
                (_, Some(false), Set::Cases) => {
                    "Dataverse does not check versions of this table; enable optimistic concurrency for it"
                }
                (_, _, Set::Cases | Set::Notes) => continue,
            };
            return Err(Error::new(ErrorKind::Misconfigured, problem).with_context("table", set.table()));
        }
        let product = format!("Dynamics 365 (Dataverse {})", api.version().await?);
        Ok(Identity { account, product, time })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let api = self.api(ctx);
        let closed = |choice: &wire::Choice| choice.state.is_some_and(|state| state != 0);
        let words = |choices: Vec<wire::Choice>| -> Vec<Choice> {
            choices.iter().map(|choice| Choice { word: choice.word(), closed: closed(choice) }).collect()
        };
        // The highest comes first there.
        let mut priorities = words(choice::of(api, "prioritycode").await?);
        priorities.reverse();
        let names = self.config.columns.keys().chain(self.config.choice_columns.keys());
        Ok(Description {
            statuses: words(choice::statuses(api).await?),
            priorities,
            kinds: words(choice::of(api, "casetypecode").await?),
            fields: names.cloned().collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let place = match since {
            Some(cursor) => Place::parse(cursor)?,
            None => Place::now(ctx.clock.now()),
        };
        place.advance(self.api(ctx)).await
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        Ok(read::following(self.api(ctx), case_id(ticket)?).await?.ticket)
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let api = self.api(ctx);
        let about = |error: Error| error.with_context("case", ticket).with_context("file", file);
        let id = Guid::of(file.as_str(), "file").map_err(about)?;
        let note = api.note(case_id(ticket)?, id).await.map_err(about)?;
        let note = note
            .filter(|note| !note.text("filename").is_empty())
            .ok_or_else(|| about(Error::new(ErrorKind::NotFound, "the case has no such file any more")))?;
        let size = map::size(&note);
        if size > limit_bytes {
            let message = format!("the file has {size} bytes, more than the {limit_bytes} allowed");
            return Err(about(Error::new(ErrorKind::Rejected, message)));
        }
        let bytes = api.file(id, limit_bytes).await.map_err(about)?;
        if u64::try_from(bytes.len()).ok() != Some(size) {
            let message = format!("{} of the file's {size} bytes came", bytes.len());
            return Err(about(Error::new(ErrorKind::Unavailable, message)));
        }
        Ok(bytes)
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        let api = self.api(ctx);
        let id = Guid::from_marker(&intent.marker);
        let text = id.to_string();
        let (there, ticket, subject) = match (&intent.operation, &intent.ticket) {
            (Operation::Create(_), _) => {
                let ticket = RemoteId::new(text);
                (api.exists(Set::Cases, id).await?, ticket.clone(), Subject::Ticket(ticket))
            }
            (Operation::Comment { .. }, Some(ticket)) => {
                let there = api.note(case_id(ticket)?, id).await?.is_some();
                (there, ticket.clone(), Subject::Comment(throughline_sdk::CommentId::new(text)))
            }
            (Operation::Attach { .. }, Some(ticket)) => {
                let there = api.note(case_id(ticket)?, id).await?.is_some();
                (there, ticket.clone(), Subject::File(FileId::new(text)))
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
            | (Operation::Comment { .. } | Operation::Attach { .. }, None) => return Ok(Vec::new()),
        };
        Ok(there.then_some(Found { ticket, subject }).into_iter().collect())
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let api = self.api(ctx);
        if let Operation::Create(new) = &intent.operation {
            return write::create(api, new, &intent.marker).await;
        }
        let id = intent.ticket.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "the intent names no case").with_context("intent", &intent.id)
        })?;
        write::into_case(api, case_id(id)?, intent).await
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        let header = self.config.webhook_header.as_deref();
        webhook::accept(webhook, self.config.webhook_key.as_ref(), header)
    }
}
