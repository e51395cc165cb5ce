//! The contract as GitHub fulfils it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use throughline_sdk::paged::{Place, Row};
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, FileId, Found, Hint, Identity, Intent, Linking, Marker, Moments,
    Operation, RawWebhook, RemoteId, Result, Ticket, labels,
};

use crate::api::{Api, issue_number};
use crate::config::Config;
use crate::feed::{self, FEED, PAGE};
use crate::map::{ASSIGNEES, LABELS, MILESTONE, OPEN, PRIORITIES, STATUSES};
use crate::write::marker_of;
use crate::{error, map, webhook, write};

/// GitHub ends a request after ten seconds; what it then still has in hand is given twice as long.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#timeouts>
const SETTLE: Duration = Duration::from_secs(30);

/// How long ago a doubtful create can lie. Older issues are not looked at.
const DOUBT: TimeDelta = TimeDelta::days(30);

/// The most pages looked through for a marker: what our account created in [`DOUBT`].
const MAX_PAGES: usize = 200;

/// A repository's issues, as its settings describe them.
#[derive(Clone, Debug)]
pub struct GitHub {
    config: Config,
}

impl GitHub {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }

    /// The issues of our account that bear a marker, newest first.
    ///
    /// Found in the list and not by the search, whose index lags without bounds. An issue that is created meanwhile
    /// moves the rest down, so that a page may show one twice and none is missed.
    async fn created(&self, ctx: &Ctx, marker: &Marker) -> Result<Vec<Found>> {
        let api = self.api(ctx);
        let since = ctx.clock.now().checked_sub_signed(DOUBT).unwrap_or(chrono::DateTime::UNIX_EPOCH);
        let mut query = vec![
            ("sort", "created".to_owned()),
            ("direction", "desc".to_owned()),
            ("since", feed::second(since)),
        ];
        match api.account().await {
            Ok((account, _)) => query.extend(account.map(|login| ("creator", login))),
            // The token of an app's installation: everybody's issues are looked at.
            Err(error) if error.kind() == ErrorKind::Forbidden => {}
            Err(error) => return Err(error),
        }
        let mut numbers = Vec::new();
        for page in 1..=MAX_PAGES {
            let page = [("page", page.to_string())];
            let issues = api.issues(&[query.as_slice(), &page].concat()).await?;
            let ours = issues.iter().filter(|issue| issue.pull_request.is_none());
            numbers.extend(
                ours.filter(|issue| marker_of(issue).as_ref() == Some(marker)).map(|issue| issue.number),
            );
            let oldest = issues.last().map(|issue| issue.created_at);
            if issues.len() < PAGE || oldest.is_some_and(|oldest| oldest < since) {
                numbers.sort_unstable();
                numbers.dedup();
                return Ok(numbers
                    .into_iter()
                    .map(|number| RemoteId::new(number.to_string()))
                    .map(Found::made)
                    .collect());
            }
        }
        Err(Error::new(
            ErrorKind::Rejected,
            "too many issues were created lately to look for one of ours in all of them",
        ))
    }
}

impl Connector for GitHub {
    fn kind(&self) -> &'static str {
        "github"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // A list reads the database, but GitHub does not promise that it shows at once what was just written.
            create: Some(CreateClass::C3 { lag: FEED.lag }),
            // An issue's own comments are what people see who reload the page.
            comment: Some(CreateClass::C2),
            attach: None,
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: false,
            edit: true,
            retract: true,
            link_back: Linking::None,
            // `If-Match` is not heeded: entity tags are for reads.
            conditional_write: ConditionalWrite::None,
            feed: FEED,
            webhooks: self.config.webhook_secret.as_ref().map(|_| Completeness::Hint),
            max_file_bytes: 0,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let (account, server, time) = match api.account().await {
            Ok((account, answer)) => {
                let server =
                    answer.headers.get("x-github-enterprise-version").and_then(|one| one.to_str().ok());
                (account, server.map(str::to_owned), error::date(&answer.headers))
            }
            Err(error) if error.kind() == ErrorKind::Forbidden => (None, None, None),
            Err(error) => return Err(error),
        };
        let repository = match api.repository().await {
            Ok(repository) => repository,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Moved) => {
                let message = "the setting repository names none that our token sees under this name; check the name and \
                               the token's repositories";
                return Err(misconfigured(message, &self.config.full_name()));
            }
            Err(error) => return Err(error),
        };
        for (fault, message) in [
            (!repository.has_issues, "the setting repository names one where issues are switched off"),
            (
                repository.archived,
                "the setting repository names one that is archived, where nothing can be written",
            ),
        ] {
            if fault {
                return Err(misconfigured(message, &repository.full_name));
            }
        }
        Ok(Identity {
            account: account.unwrap_or_else(|| "an installation of a GitHub App".to_owned()),
            product: server
                .map_or_else(|| "GitHub".to_owned(), |version| format!("GitHub Enterprise Server {version}")),
            time,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let api = self.api(ctx);
        let there = api.labels().await?;
        let words = |words: &BTreeMap<String, String>| {
            let made = words.iter().filter(|(label, _)| there.iter().any(|name| labels::same(name, label)));
            let mut said: Vec<String> = made.map(|(_, word)| word.clone()).collect();
            said.sort_by_key(|word| PRIORITIES.iter().position(|(known, _)| known == word));
            said.dedup();
            said
        };
        let choice = |closed: bool| move |word: String| Choice { word, closed };
        let mut statuses = vec![choice(false)(OPEN.to_owned())];
        let mut labelled = words(&self.config.statuses);
        labelled.sort_unstable();
        labelled.dedup();
        statuses.extend(labelled.into_iter().map(choice(false)));
        let closed = STATUSES.iter().map(|(word, _)| (*word).to_owned()).filter(|word| word != OPEN);
        statuses.extend(closed.map(choice(true)));
        Ok(Description {
            statuses,
            priorities: words(&self.config.priorities).into_iter().map(choice(false)).collect(),
            kinds: api.issue_types().await?.into_iter().map(choice(false)).collect(),
            fields: [ASSIGNEES, LABELS, MILESTONE].map(str::to_owned).to_vec(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let api = self.api(ctx);
        let asked = ctx.clock.now();
        let Some(since) = since else {
            let newest = [("sort", "updated".to_owned()), ("direction", "desc".to_owned())];
            let newest = api.issues(&newest).await?;
            let newest = newest.first().map_or(chrono::DateTime::UNIX_EPOCH, |issue| issue.updated_at);
            let next = Cursor::write(&Place::after(newest, ctx.clock.now(), FEED))?;
            return Ok(ChangePage { hints: Vec::new(), next, more: false });
        };
        let place: Place = since.read("the GitHub connector")?;
        let issues = api.issues(&feed::query(&place)).await?;
        // Pull requests fill the pages like issues, so they count for the place and for nothing else.
        let row = |issue: &crate::wire::Issue| Row { id: issue.number, changed: issue.updated_at };
        let rows: Vec<Row> = issues.iter().map(row).collect();
        let moments = Moments { asked, answered: ctx.clock.now() };
        let (next, more) = place.advance(&rows, rows.len() >= PAGE, moments, FEED);
        let hinted =
            issues.iter().filter(|issue| issue.pull_request.is_none() && feed::wants(&place, &row(issue)));
        Ok(ChangePage {
            hints: hinted.map(|issue| Hint::new(RemoteId::new(issue.number.to_string()))).collect(),
            next: Cursor::write(&next)?,
            more,
        })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let (issue, comments) = self.api(ctx).whole(issue_number(ticket)?).await?;
        Ok(map::ticket(&issue, &comments, &self.config))
    }

    async fn download(
        &self,
        _ctx: &Ctx,
        ticket: &RemoteId,
        file: &FileId,
        _limit_bytes: u64,
    ) -> Result<Bytes> {
        Err(Error::new(ErrorKind::Unsupported, "GitHub's interface gives out no files of issues")
            .with_context("issue", ticket)
            .with_context("file", file))
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        if let Operation::Create(_) = intent.operation {
            return self.created(ctx, &intent.marker).await;
        }
        match intent.marked_in() {
            Some(id) => Ok(intent.left_in(self.fetch(ctx, id).await?)),
            None => Ok(Vec::new()),
        }
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let api = self.api(ctx);
        if let Operation::Create(new) = &intent.operation {
            return write::create(api, new, &intent.marker).await;
        }
        let id = intent.ticket.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "the intent names no issue").with_context("intent", &intent.id)
        })?;
        write::into_issue(api, issue_number(id)?, intent).await
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        webhook::accept(webhook, &self.config)
    }
}

fn misconfigured(message: &str, repository: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message).with_context("repository", repository)
}
