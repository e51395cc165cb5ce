//! The contract as Azure Support fulfils it.

use std::time::Duration;

use bytes::Bytes;
use http::header;
use throughline_sdk::http::Response;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Class, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, RawWebhook,
    RemoteId, Result, Ticket, Timestamp,
};

use crate::api::{Api, TICKETS_A_PAGE, there};
use crate::config::Config;
use crate::feed::{LAG_SECONDS, Look, Moment, News, Place, Row};
use crate::file::MAX_FILE_BYTES;
use crate::map::{self, FIELDS, PRIORITIES, STATUSES, same_word};
use crate::wire::Ticket as Read;
use crate::write;

/// The longest a change may still be at work inside Azure after its answer was lost.
const SETTLE: Duration = Duration::from_secs(120);
/// How long looking at one more ticket may take: what is left is looked at in the next page.
const LOOK_TIME: Duration = Duration::from_secs(5);

/// Azure Support, as its settings describe it.
#[derive(Clone, Debug)]
pub struct AzureSupport {
    config: Config,
}

impl AzureSupport {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }
}

impl Connector for AzureSupport {
    fn kind(&self) -> &'static str {
        "azure-support"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // The names of tickets, messages and files are ours.
            create: Some(CreateClass::C0),
            comment: Some(CreateClass::C0),
            attach: Some(CreateClass::C0),
            settle: SETTLE,
            // Of the severity.
            update: true,
            transition: true,
            internal_comments: false,
            edit: false,
            retract: false,
            link_back: Linking::None,
            conditional_write: ConditionalWrite::None,
            feed: Feed {
                granularity: Duration::from_secs(1),
                lag: Duration::from_secs(LAG_SECONDS.unsigned_abs()),
            },
            webhooks: None,
            max_file_bytes: MAX_FILE_BYTES,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let (_, answer) = self.api(ctx).some_tickets(1, "Status eq 'Open'").await?;
        let scope = match &self.config.subscription {
            Some(subscription) => format!("subscription {subscription}"),
            None => "the tenant".to_owned(),
        };
        Ok(Identity {
            account: format!("application {} in {scope}", self.config.client_id),
            product: format!("Azure Support (Microsoft.Support {})", self.config.api_version),
            time: date(&answer),
        })
    }

    async fn describe(&self, _ctx: &Ctx) -> Result<Description> {
        let choice = |word: &str, closed| Choice { word: word.to_owned(), closed };
        Ok(Description {
            statuses: STATUSES.iter().map(|(word, meaning)| choice(word, *meaning == "closed")).collect(),
            priorities: PRIORITIES.iter().map(|(word, _)| choice(word, false)).collect(),
            kinds: self.config.services.keys().map(|word| choice(word, false)).collect(),
            fields: FIELDS.iter().map(|name| (*name).to_owned()).collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let api = self.api(ctx);
        let ours = ctx.clock.now().timestamp();
        let (open, answer) = api.some_tickets(TICKETS_A_PAGE, "Status eq 'Open'").await?;
        let now = Moment { ours, theirs: date(&answer).map_or(ours, |time| time.timestamp()) };
        let mut listed = api.rest(open).await?;
        let Some(since) = since else {
            let next = Cursor::write(&Place::start(rows(&listed), now))?;
            return Ok(ChangePage { hints: Vec::new(), next, more: false });
        };
        let mut place = Place::parse(since)?;
        let (lately, _) = api.some_tickets(TICKETS_A_PAGE, &place.lately()).await?;
        // Read later, and so what counts of a ticket that is in both.
        listed.extend(api.rest(lately).await?);
        let mut news = place.compare(rows(&listed), now);
        let more = look(api, &mut place, &mut news, now).await?;
        let hints = news.hints.into_iter().map(|(_, name)| Hint::new(RemoteId::new(name))).collect();
        Ok(ChangePage { hints, next: Cursor::write(&place)?, more })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let (api, name) = (self.api(ctx), ticket.as_str());
        let read = api.ticket(name).await?;
        let messages = api.communications(name).await?;
        let chats = match read.properties.chat_conversation_status.as_deref() {
            Some(word) if same_word(word, "None") => Vec::new(),
            Some(_) => api.transcripts(name).await?,
            // Versions before 2026 do not tell whether there was a chat.
            None => there(api.transcripts(name).await)?.unwrap_or_default(),
        };
        map::ticket(&read, &messages, &chats, &self.config)
    }

    async fn download(
        &self,
        _ctx: &Ctx,
        ticket: &RemoteId,
        _file: &FileId,
        _limit_bytes: u64,
    ) -> Result<Bytes> {
        let message = "Azure gives no attached file out; open the ticket in the portal";
        Err(Error::new(ErrorKind::Unsupported, message).with_context("ticket", ticket))
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        write::find(self.api(ctx), intent).await
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        write::apply(self.api(ctx), intent).await
    }

    fn accept(&self, _webhook: &RawWebhook) -> Result<Vec<Hint>> {
        Err(Error::new(ErrorKind::Unsupported, "Azure Support sends no webhooks"))
    }
}

/// Looks at the tickets that tell nothing in the list, one by one, as far as time and allowance reach. Answers whether
/// it is worth going on at once.
async fn look(api: Api<'_>, place: &mut Place, news: &mut News, now: Moment) -> Result<bool> {
    let after = place.after.take();
    let looks = std::mem::take(&mut news.looks);
    let mut last = None;
    for look in looks.into_iter().filter(|look| after.as_ref().is_none_or(|after| look.name > *after)) {
        if api.ctx.clock.monotonic().saturating_add(LOOK_TIME) >= api.ctx.deadline && last.is_some() {
            place.after = last;
            return Ok(true);
        }
        match look_at(api, place, &look, now).await {
            Ok(told) => told.into_iter().for_each(|at| news.hint(at, &look.name)),
            // What was found so far is told, and the rest another time.
            Err(error) if matches!(error.class(), Class::Transient | Class::Wait) && last.is_some() => {
                tracing::info!(%error, "The open tickets were not all looked at; it goes on with the next reading.");
                place.after = last;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        last = Some(look.name);
    }
    Ok(false)
}

/// Looks at one ticket. Answers when it changed, if it did.
async fn look_at(api: Api<'_>, place: &mut Place, look: &Look, now: Moment) -> Result<Option<i64>> {
    let unreadable = |error: &Error| matches!(error.class(), Class::Changed | Class::Park);
    if !look.vanished {
        return match api.talked_since(&look.name, look.talked).await {
            Ok(Some(until)) => {
                place.talked(&look.name, until, now);
                Ok(Some(until.timestamp()))
            }
            Ok(None) => Ok(None),
            // Listed a moment ago, and whoever reads it next is told why it cannot be read.
            Err(error) if unreadable(&error) => Ok(Some(now.theirs)),
            Err(error) => Err(error),
        };
    }
    match api.ticket(&look.name).await {
        Ok(ticket) => {
            let row = Row::of(&ticket);
            Ok(place.found(&row, now).then_some(row.modified))
        }
        Err(error) if unreadable(&error) => Ok(place.lost(&look.name, now).then_some(now.theirs)),
        Err(error) => Err(error),
    }
}

fn rows(tickets: &[Read]) -> Vec<Row> {
    // Of a ticket listed twice, what was read last counts.
    let by_name = tickets.iter().map(|ticket| (ticket.name.as_str(), Row::of(ticket)));
    by_name.collect::<std::collections::BTreeMap<_, _>>().into_values().collect()
}

/// What time it is there, by the answer's own date.
fn date(answer: &Response) -> Option<Timestamp> {
    let text = answer.headers.get(header::DATE)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}
