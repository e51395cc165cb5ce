//! The contract as TSANet Connect fulfils it.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, Operation,
    RawWebhook, RemoteId, Result, Ticket,
};

use crate::api::{Api, date};
use crate::config::Config;
use crate::feed::{self, LAG_SECONDS, NOT_OVER, Place, ROUND_SECONDS};
use crate::map::{self, CLOSED, PRIORITIES, READ_ONLY, REJECTED, STATUSES};
use crate::wire::FormField;
use crate::{webhook, write};

/// TSANet says nothing about it. Azure, where it runs, gives up a request without an answer after four minutes.
const SETTLE: Duration = Duration::from_secs(300);

/// There is no idempotency key, and a second request with the same number is a second one. A look for it is best effort
/// by TSANet's own account, so it is given the same time as its poller.
///
/// <https://developer.tsanet.org/connectors/fin-intercom.html#taxonomy>
const FOUND: CreateClass = CreateClass::C3 { lag: Duration::from_secs(LAG_SECONDS) };

/// How long ago a doubtful create can lie. Older requests are not looked at.
const DOUBT: TimeDelta = TimeDelta::days(30);

/// A member's requests, as its settings describe them.
#[derive(Clone, Debug)]
pub struct TsaNet {
    config: Config,
}

impl TsaNet {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for TsaNet {
    fn kind(&self) -> &'static str {
        "tsanet"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: Some(FOUND),
            comment: Some(FOUND),
            attach: None,
            settle: SETTLE,
            update: false,
            transition: true,
            internal_comments: !self.config.partner_notes_are_public,
            edit: false,
            retract: false,
            link_back: Linking::Link,
            conditional_write: ConditionalWrite::None,
            feed: Feed {
                granularity: Duration::from_secs(1),
                lag: Duration::from_secs(LAG_SECONDS.saturating_add(ROUND_SECONDS)),
            },
            webhooks: self.config.webhook_secret.is_some().then_some(Completeness::Hint),
            max_file_bytes: 0,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let (me, headers) = api.me().await?;
        api.form().await?;
        let company = me.company.and_then(|company| company.name).unwrap_or_default();
        let user = me.user.and_then(|user| user.username).unwrap_or_default();
        let account = match (company.trim(), user.trim()) {
            ("", "") => {
                return Err(Error::new(ErrorKind::Malformed, "TSANet Connect does not say who we are"));
            }
            (company, "") => company.to_owned(),
            ("", user) => user.to_owned(),
            (company, user) => format!("{user} ({company})"),
        };
        Ok(Identity { account, product: "TSANet Connect".to_owned(), time: date(&headers) })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let form = self.api(ctx).form().await?;
        let labels = form.iter().flat_map(|form| &form.custom_fields).map(FormField::label);
        let over = |word: &str| word == CLOSED || word == REJECTED;
        let choice = |(word, _): &(&str, &str)| Choice { word: (*word).to_owned(), closed: over(word) };
        Ok(Description {
            statuses: STATUSES.iter().map(choice).collect(),
            priorities: PRIORITIES.iter().map(choice).collect(),
            kinds: Vec::new(),
            fields: labels.chain(READ_ONLY).map(str::to_owned).collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let api = self.api(ctx);
        let Some(since) = since else {
            let (_, headers) = api.me().await?;
            let place = Place::after(date(&headers).unwrap_or_else(|| ctx.clock.now()));
            let next = Cursor::write(&place)?;
            return Ok(ChangePage { hints: Vec::new(), next, more: false });
        };
        let place = Place::parse(since)?;
        let (changed, headers) = api.cases(&[("updatedAfter", place.since())]).await?;
        let (there, mut all) = (date(&headers), Vec::new());
        let due = place.is_due(there);
        if due {
            for status in NOT_OVER {
                all.extend(api.cases(&[("status", status.to_owned())]).await?.0);
            }
        }
        let next = Cursor::write(&place.next(&changed, there, due))?;
        let hints = feed::hints(changed.iter().chain(place.new_among(&all)));
        Ok(ChangePage { hints, next, more: false })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let case = self.api(ctx).case(ticket).await?;
        Ok(map::ticket(ticket, &case, &self.config))
    }

    async fn download(&self, _ctx: &Ctx, _ticket: &RemoteId, file: &FileId, _limit: u64) -> Result<Bytes> {
        Err(Error::new(ErrorKind::Unsupported, "TSANet Connect keeps no files").with_context("file", file))
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        if let Operation::Create(_) = intent.operation {
            let since = ctx.clock.now().checked_sub_signed(DOUBT).unwrap_or(chrono::DateTime::UNIX_EPOCH);
            let filter = [("type", "OUTBOUND".to_owned()), ("createdAfter", feed::second(since))];
            let (cases, _) = self.api(ctx).cases(&filter).await?;
            let ids = cases.iter().filter_map(|case| {
                let id = RemoteId::new(case.token.clone()?);
                (map::ticket(&id, case, &self.config).marker.as_ref() == Some(&intent.marker)).then_some(id)
            });
            return Ok(ids.map(Found::made).collect());
        }
        match intent.marked_in() {
            Some(id) => Ok(intent.left_in(self.fetch(ctx, id).await?)),
            None => Ok(Vec::new()),
        }
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let api = self.api(ctx);
        if write::is_unsupported(&intent.operation, &self.config) {
            return Err(write::unsupported(&intent.operation));
        }
        if let Operation::Create(new) = &intent.operation {
            return write::create(api, new, &intent.marker).await;
        }
        let id = intent.ticket.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "the intent names no request").with_context("intent", &intent.id)
        })?;
        write::into_case(api, id, intent).await
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(webhook, &self.config)
    }
}
