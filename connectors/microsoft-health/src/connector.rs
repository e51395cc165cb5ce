//! The contract as far as something can fulfil it that is only read.

use std::time::Duration;

use bytes::Bytes;
use http::header;
use throughline_sdk::http::Response;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, ConditionalWrite, Connector, Ctx, Cursor, Description, Effect, Error,
    ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, Linking, Operation, RawWebhook, RemoteId, Result,
    Ticket, Timestamp,
};

use crate::api::{Api, List, PAGE};
use crate::config::Config;
use crate::feed::{LAG_SECONDS, Place, Strand};
use crate::map::{self, FIELDS, PRIORITIES, STATUSES};
use crate::wire::Announced;

/// How often a page that shares one moment is followed by its link.
const MAX_LINKS: usize = 100;
const OLDEST_FIRST: &str = "lastModifiedDateTime";
const NEWEST_FIRST: &str = "lastModifiedDateTime desc";

/// The service health of a tenant, as its settings describe it.
#[derive(Clone, Debug)]
pub struct MicrosoftHealth {
    config: Config,
}

impl MicrosoftHealth {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }

    fn lists(&self) -> &'static [List] {
        if self.config.messages { &[List::Issues, List::Messages] } else { &[List::Issues] }
    }

    fn is_watched(&self, entry: &Announced) -> bool {
        let watched = &self.config.services;
        let about = map::services(entry);
        watched.is_empty()
            || watched.iter().any(|one| about.iter().any(|service| one.eq_ignore_ascii_case(service)))
    }
}

impl Connector for MicrosoftHealth {
    fn kind(&self) -> &'static str {
        "microsoft-health"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // Microsoft publishes, and nobody writes.
            create: None,
            comment: None,
            attach: None,
            settle: Duration::ZERO,
            update: false,
            transition: false,
            internal_comments: false,
            edit: false,
            retract: false,
            link_back: Linking::None,
            conditional_write: ConditionalWrite::None,
            feed: Feed {
                granularity: Duration::from_millis(1),
                lag: Duration::from_secs(LAG_SECONDS.unsigned_abs()),
            },
            webhooks: None,
            // Without files it means nothing.
            max_file_bytes: 1,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let mut time = None;
        for list in self.lists() {
            time = date(&api.list(*list, 1, NEWEST_FIRST, None).await?.1).or(time);
        }
        Ok(Identity {
            account: format!("application {}", self.config.client_id),
            product: "Microsoft 365 service communications (Microsoft Graph)".to_owned(),
            time,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let services = self.api(ctx).services().await?.into_iter().filter_map(|health| health.service);
        let choice = |word: &str, closed| Choice { word: word.to_owned(), closed };
        let closed = |meaning: &str| matches!(meaning, "resolved" | "closed" | "cancelled");
        Ok(Description {
            statuses: STATUSES.iter().map(|(word, meaning)| choice(word, closed(meaning))).collect(),
            priorities: PRIORITIES.iter().map(|(word, _)| choice(word, false)).collect(),
            kinds: services.map(|word| choice(&word, false)).collect(),
            fields: FIELDS.iter().map(|name| (*name).to_owned()).collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let api = self.api(ctx);
        let Some(since) = since else {
            let mut place = Place::default();
            for list in self.lists() {
                *strand(&mut place, *list) = start(api, *list).await?;
            }
            return Ok(ChangePage { hints: Vec::new(), next: Cursor::write(&place)?, more: false });
        };
        let mut place = Place::parse(since)?;
        let mut hints = Vec::new();
        let mut more = false;
        for list in self.lists() {
            let strand = strand(&mut place, *list);
            let (page, goes_on) = page(api, *list, strand).await?;
            more |= goes_on;
            for (modified, entry) in strand.take(&page, goes_on) {
                if self.is_watched(entry) {
                    hints.push((modified, map::remote_id(*list, &entry.id)));
                }
            }
        }
        hints.sort();
        let hints = hints.into_iter().map(|(_, id)| Hint::new(id)).collect();
        Ok(ChangePage { hints, next: Cursor::write(&place)?, more })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let api = self.api(ctx);
        match map::parse_id(ticket) {
            Some((List::Issues, number)) => map::issue(&api.issue(number).await?, &self.config),
            Some((List::Messages, number)) => map::message(&api.message(number).await?, &self.config),
            None => Err(Error::new(ErrorKind::NotFound, "this is no id of an issue or announcement")
                .with_context("ticket", ticket)),
        }
    }

    async fn download(
        &self,
        _ctx: &Ctx,
        ticket: &RemoteId,
        _file: &FileId,
        _limit_bytes: u64,
    ) -> Result<Bytes> {
        Err(unsupported("files are not read").with_context("ticket", ticket))
    }

    async fn find(&self, _ctx: &Ctx, _intent: &Intent) -> Result<Vec<Found>> {
        Ok(Vec::new())
    }

    async fn apply(&self, _ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        match &intent.operation {
            Operation::Create(_)
            | Operation::Update { .. }
            | Operation::Transition { .. }
            | Operation::Comment { .. }
            | Operation::Edit { .. }
            | Operation::Retract { .. }
            | Operation::Attach { .. }
            | Operation::LinkBack { .. } => {
                Err(unsupported("nothing can be written there").with_context("intent", &intent.id))
            }
        }
    }

    fn accept(&self, _webhook: &RawWebhook) -> Result<Vec<Hint>> {
        Err(unsupported("there are no webhooks"))
    }
}

fn strand(place: &mut Place, list: List) -> &mut Strand {
    match list {
        List::Issues => &mut place.issues,
        List::Messages => &mut place.messages,
    }
}

/// The place after everything there is.
async fn start(api: Api<'_>, list: List) -> Result<Strand> {
    let (newest, _) = api.list(list, 1, NEWEST_FIRST, None).await?;
    let newest = newest.value.iter().filter_map(|entry| entry.last_modified_date_time).max();
    let mut strand = Strand::after(newest.unwrap_or_default());
    // What stands there from the last minutes is not told: it is noted as if it had been.
    loop {
        let (page, more) = page(api, list, &strand).await?;
        strand.take(&page, more);
        if !more {
            return Ok(strand);
        }
    }
}

/// The next page of a strand, and whether there is more.
async fn page(api: Api<'_>, list: List, strand: &Strand) -> Result<(Vec<Announced>, bool)> {
    let (first, _) = api.list(list, PAGE, OLDEST_FIRST, Some(&strand.filter())).await?;
    let (mut rows, mut link) = (first.value, first.next_link);
    for _ in 0..MAX_LINKS {
        match link {
            Some(next) if strand.is_stuck(&rows) => {
                let page = api.next(&next).await?;
                rows.extend(page.value);
                link = page.next_link;
            }
            other => return Ok((rows, other.is_some())),
        }
    }
    Err(Error::new(ErrorKind::Malformed, "too many entries bear one and the same time")
        .with_context("list", list.segment()))
}

/// What time it is there, by the answer's own date.
fn date(answer: &Response) -> Option<Timestamp> {
    let text = answer.headers.get(header::DATE)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("Microsoft publishes its service health: {what}"))
}
