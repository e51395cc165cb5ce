//! The contract as GitLab fulfils it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderMap, header};
use throughline_sdk::paged::Row;
use throughline_sdk::{
    Capabilities, ChangePage, Choice, Completeness, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Effect, Error, ErrorKind, FileId, Found, Hint, Identity, Intent, Linking, Marker,
    MarkerLine, Moments, Operation, RawWebhook, RemoteId, Result, Ticket, Timestamp, labels,
};

use crate::api::{Api, issue_number};
use crate::config::Config;
use crate::feed::{self, FEED, PAGE, Place};
use crate::map::{CLOSED, DUE, KINDS, LABELS, OPENED, PRIORITIES, READ_ONLY};
use crate::uploads::Upload;
use crate::{map, webhook, write};

/// GitLab ends a request after sixty seconds; a queue in front of it is given half as long.
///
/// <https://docs.gitlab.com/administration/operations/puma/#change-the-worker-timeout>
const SETTLE: Duration = Duration::from_secs(90);

/// Replicas lag, and whose own writes a reader sees is sure for half a minute only.
const FOUND: CreateClass = CreateClass::C3 { lag: FEED.lag };

/// How long ago a doubtful create can lie. Older issues are not looked at.
const DOUBT: TimeDelta = TimeDelta::days(30);

/// The most pages looked through for a marker: what our account created in [`DOUBT`].
const MAX_PAGES: usize = 200;

/// A project's issues, as its settings describe them.
#[derive(Clone, Debug)]
pub struct GitLab {
    config: Config,
}

impl GitLab {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }

    fn api<'a>(&'a self, ctx: &'a Ctx) -> Api<'a> {
        Api { ctx, config: &self.config }
    }

    /// The issues of our account that bear a marker, newest first. An issue that is created meanwhile moves the rest down,
    /// so that a page may show one twice and none is missed.
    async fn created(&self, ctx: &Ctx, marker: &Marker) -> Result<Vec<Found>> {
        let api = self.api(ctx);
        let since = ctx.clock.now().checked_sub_signed(DOUBT).unwrap_or(chrono::DateTime::UNIX_EPOCH);
        let query = [
            ("scope", "created_by_me".to_owned()),
            ("order_by", "created_at".to_owned()),
            ("sort", "desc".to_owned()),
            ("created_after", feed::moment(since)),
        ];
        let mut numbers = Vec::new();
        for page in 1..=MAX_PAGES {
            let page = [("page", page.to_string())];
            let (issues, _) = api.issues(&[query.as_slice(), &page].concat()).await?;
            let bears = |issue: &&crate::wire::Issue| {
                MarkerLine::COMMENT.split(issue.description.as_deref().unwrap_or_default()).1.as_ref()
                    == Some(marker)
            };
            numbers.extend(issues.iter().filter(bears).map(|issue| issue.iid));
            if issues.len() < PAGE {
                numbers.sort_unstable();
                numbers.dedup();
                let ids = numbers.into_iter().map(|iid| RemoteId::new(iid.to_string()));
                return Ok(ids.map(Found::made).collect());
            }
        }
        Err(Error::new(
            ErrorKind::Rejected,
            "too many issues were created lately to look for one of ours in all of them",
        ))
    }
}

impl Connector for GitLab {
    fn kind(&self) -> &'static str {
        "gitlab"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: Some(FOUND),
            comment: Some(FOUND),
            attach: Some(FOUND),
            settle: SETTLE,
            update: true,
            transition: true,
            internal_comments: true,
            edit: true,
            retract: true,
            link_back: if self.config.link_note { Linking::Comment } else { Linking::None },
            conditional_write: ConditionalWrite::None,
            feed: FEED,
            webhooks: (self.config.webhook_token.is_some() || self.config.webhook_signing_token.is_some())
                .then_some(Completeness::Hint),
            max_file_bytes: self.config.max_file_bytes,
        }
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        let api = self.api(ctx);
        let account = api.account().await?;
        let (version, time) = match api.product().await {
            Ok((product, headers)) => (product.version, date(&headers)),
            // The version may be hidden.
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => {
                (String::new(), None)
            }
            Err(error) => return Err(error),
        };
        let project = match api.project().await {
            Ok(project) => project,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Moved) => {
                let message = "the setting project names none that our token sees under this path; check the path and \
                               the membership";
                return Err(misconfigured(message, &self.config.project));
            }
            Err(error) => return Err(error),
        };
        for (fault, message) in [
            (
                project.issues_access_level.as_deref() == Some("disabled"),
                "the setting project names one where issues are switched off",
            ),
            (
                project.archived,
                "the setting project names one that is archived, where nothing can be written",
            ),
        ] {
            if fault {
                return Err(misconfigured(message, &project.path_with_namespace));
            }
        }
        Ok(Identity {
            account: format!("{} ({})", account.name, account.username).trim().to_owned(),
            product: format!("GitLab {version}").trim().to_owned(),
            time,
        })
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        let there = self.api(ctx).labels().await?;
        let words = |words: &BTreeMap<String, String>| {
            let made = words.iter().filter(|(label, _)| there.iter().any(|name| labels::same(name, label)));
            let mut said: Vec<String> = made.map(|(_, word)| word.clone()).collect();
            let rank = |word: &String| PRIORITIES.iter().position(|(known, _)| known == word);
            said.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.cmp(other)));
            said.dedup();
            said
        };
        let choice = |word: String| Choice { word, closed: false };
        let mut statuses = vec![choice(OPENED.to_owned())];
        statuses.extend(words(&self.config.statuses).into_iter().map(choice));
        statuses.push(Choice { word: CLOSED.to_owned(), closed: true });
        Ok(Description {
            statuses,
            priorities: words(&self.config.priorities).into_iter().map(choice).collect(),
            kinds: KINDS.map(|kind| choice(kind.to_owned())).to_vec(),
            fields: [LABELS, DUE].into_iter().chain(READ_ONLY).map(str::to_owned).collect(),
        })
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let api = self.api(ctx);
        let asked = ctx.clock.now();
        let all = ("scope", "all".to_owned());
        let Some(since) = since else {
            let newest = [all, ("order_by", "updated_at".to_owned()), ("sort", "desc".to_owned())];
            let (newest, _) = api.issues(&newest).await?;
            let newest = newest.first().map_or(chrono::DateTime::UNIX_EPOCH, |issue| issue.updated_at);
            let next = Cursor::write(&Place::after(newest, ctx.clock.now()))?;
            return Ok(ChangePage { hints: Vec::new(), next, more: false });
        };
        let place: Place = since.read("the GitLab connector")?;
        let mut query = place.query();
        query.push(all);
        let (issues, headers) = api.issues(&query).await?;
        let row = |issue: &crate::wire::Issue| Row { id: issue.iid, changed: issue.updated_at };
        let rows: Vec<Row> = issues.iter().map(row).collect();
        let moments = Moments { asked, answered: ctx.clock.now() };
        let (next, more) = place.advance(&rows, feed::next(&headers), moments);
        let hint = |issue: &crate::wire::Issue| Hint::new(RemoteId::new(issue.iid.to_string()));
        Ok(ChangePage { hints: issues.iter().map(hint).collect(), next: Cursor::write(&next)?, more })
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let (issue, notes) = self.api(ctx).whole(issue_number(ticket)?).await?;
        Ok(map::ticket(&issue, &notes, &self.config))
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit_bytes: u64) -> Result<Bytes> {
        let about = |error: Error| error.with_context("issue", ticket).with_context("file", file);
        let (secret, stored) = Upload::at(&format!("/uploads/{file}")).ok_or_else(|| {
            about(Error::new(ErrorKind::NotFound, "this is not the id of a file in GitLab"))
        })?;
        self.api(ctx).bytes(&secret, &stored, limit_bytes).await.map_err(about)
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

/// GitLab's time, as its answer says.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}

fn misconfigured(message: &str, project: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message).with_context("project", project)
}
