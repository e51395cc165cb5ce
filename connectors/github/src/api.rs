//! GitHub's REST API as calls: addresses, bodies, and one answer each.

use http::{HeaderName, Method, header};
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{CommentId, Ctx, Error, ErrorKind, RemoteId, Result, TookEffect};
use url::Url;

use crate::config::Config;
use crate::error::{check, is_githubs};
use crate::feed::PAGE;
use crate::steps::Step;
use crate::wire::{
    Account, AssigneesBody, Comment, CommentBody, Issue, LabelsBody, Named, NewIssue, Repository,
};

/// The version of the interface that this connector was written for.
const VERSION: &str = "2022-11-28";

/// The largest JSON answer taken: a hundred comments of 65,536 characters each, escaped.
const MAX_JSON_BYTES: u64 = 64 * 1024 * 1024;

/// The most pages of one list; GitHub itself ends an issue at 2,500 comments.
const MAX_PAGES: usize = 50;

/// How often the pages of a list that moves are read before giving up.
const READINGS: usize = 3;

/// One call's view of a repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// The parameters of an address.
type Query<'q> = &'q [(&'q str, String)];

impl Api<'_> {
    /// An issue with all its comments.
    pub(crate) async fn whole(&self, number: u64) -> Result<(Issue, Vec<Comment>)> {
        let issue = self.issue(number).await?;
        let comments = self.comments(&issue).await?;
        Ok((issue, comments))
    }

    /// An issue without its comments.
    pub(crate) async fn issue(&self, number: u64) -> Result<Issue> {
        let id = number.to_string();
        let answer = self.read(&self.repository_url(&["issues", &id], &[])).await;
        let issue: Issue = match answer {
            Ok(answer) => answer.json(&Method::GET)?,
            Err(error) => return Err(self.examined(error).await.with_context("issue", number)),
        };
        match issue.pull_request {
            None => Ok(issue),
            Some(_) => Err(Error::new(ErrorKind::NotFound, "this number is a pull request's")
                .with_context("issue", number)),
        }
    }

    /// One page of issues and pull requests.
    pub(crate) async fn issues(&self, query: Query<'_>) -> Result<Vec<Issue>> {
        let mut query = query.to_vec();
        query.extend([("state", "all".to_owned()), ("per_page", PAGE.to_string())]);
        match self.read(&self.repository_url(&["issues"], &query)).await {
            Ok(answer) => answer.json(&Method::GET),
            Err(error) => Err(self.examined(error).await),
        }
    }

    /// The repository itself.
    pub(crate) async fn repository(&self) -> Result<Repository> {
        self.read(&self.repository_url(&[], &[])).await?.json(&Method::GET)
    }

    /// Our account, and GitHub's answer with its header fields. An app's installation has none that it may ask for.
    pub(crate) async fn account(&self) -> Result<(Option<String>, Response)> {
        let answer = self.read(&join(&self.config.url, &["user"])).await?;
        let account: Account = answer.json(&Method::GET)?;
        Ok((Some(account.login), answer))
    }

    /// The names of the repository's labels.
    pub(crate) async fn labels(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for page in 1..=MAX_PAGES {
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let labels: Vec<Named> =
                self.read(&self.repository_url(&["labels"], &query)).await?.json(&Method::GET)?;
            let ends = labels.len() < PAGE;
            names.extend(labels.into_iter().map(|label| label.name));
            if ends {
                break;
            }
        }
        Ok(names)
    }

    /// The organization's issue types; none where the owner is a person or the token may not read them.
    pub(crate) async fn issue_types(&self) -> Result<Vec<String>> {
        let url = join(&self.config.url, &["orgs", &self.config.owner, "issue-types"]);
        match self.read(&url).await {
            Ok(answer) => {
                // Null where the organization has switched them off.
                let types: Option<Vec<Named>> = answer.json(&Method::GET)?;
                Ok(types.into_iter().flatten().map(|kind| kind.name).collect())
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the repository has the label. GitHub would make one of the name it is given.
    pub(crate) async fn has_label(&self, label: &str) -> Result<()> {
        match self.read(&self.repository_url(&["labels", label], &[])).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let message = "the repository has no such label; make it there, or name another one";
                Err(Error::new(ErrorKind::Rejected, message).with_context("label", label))
            }
            Err(error) => Err(error),
        }
    }

    /// Creates an issue.
    pub(crate) async fn create(&self, issue: &NewIssue) -> Result<Issue> {
        let call = self.ctx.post(self.repository_url(&["issues"], &[])).json(issue);
        match self.send(call, &Method::POST).await {
            Ok(answer) => answer.json(&Method::POST),
            Err(error) => Err(self.examined(error).await),
        }
    }

    /// Adds a comment.
    pub(crate) async fn comment(&self, number: u64, body: String) -> Result<Comment> {
        let url = self.repository_url(&["issues", &number.to_string(), "comments"], &[]);
        let call = self.ctx.post(url).json(&CommentBody { body });
        let refused = match self.send(call, &Method::POST).await {
            Ok(answer) => return answer.json(&Method::POST),
            Err(error) if error.kind() != ErrorKind::Forbidden => self.examined(error).await,
            Err(error) => match self.issue(number).await {
                Ok(issue) if issue.locked => Error::new(
                    ErrorKind::Rejected,
                    "the conversation is locked there; unlock it, or give our account the role write",
                ),
                Ok(_) | Err(_) => error,
            },
        };
        Err(refused.with_context("issue", number))
    }

    /// Replaces the text of a comment.
    pub(crate) async fn edit_comment(&self, comment: &CommentId, body: String) -> Result<()> {
        let url = self.repository_url(&["issues", "comments", comment.as_str()], &[]);
        let call = self.ctx.call(Method::PATCH, url).json(&CommentBody { body });
        let answer = self.send(call, &Method::PATCH).await;
        answer.map(drop).map_err(|error| error.with_context("comment", comment))
    }

    /// Deletes a comment.
    pub(crate) async fn delete_comment(&self, comment: &CommentId) -> Result<()> {
        let url = self.repository_url(&["issues", "comments", comment.as_str()], &[]);
        let answer = self.send(self.ctx.call(Method::DELETE, url), &Method::DELETE).await;
        answer.map(drop).map_err(|error| error.with_context("comment", comment))
    }

    /// Carries out one step. That GitHub answers with success does not say that it did all of it.
    pub(crate) async fn step(&self, number: u64, step: &Step) -> Result<()> {
        let id = number.to_string();
        let url = |more: &[&str]| {
            let path: Vec<&str> = ["issues", &id].iter().chain(more).copied().collect();
            self.repository_url(&path, &[])
        };
        let (method, call) = match step {
            Step::Patch(patch) => (Method::PATCH, self.ctx.call(Method::PATCH, url(&[])).json(patch)),
            Step::AddLabels(labels) => {
                (Method::POST, self.ctx.post(url(&["labels"])).json(&LabelsBody { labels }))
            }
            Step::RemoveLabel(label) => {
                (Method::DELETE, self.ctx.call(Method::DELETE, url(&["labels", label])))
            }
            Step::Assign(assignees) => {
                (Method::POST, self.ctx.post(url(&["assignees"])).json(&AssigneesBody { assignees }))
            }
            Step::Unassign(assignees) => {
                let call = self.ctx.call(Method::DELETE, url(&["assignees"]));
                (Method::DELETE, call.json(&AssigneesBody { assignees }))
            }
        };
        match self.send(call, &method).await {
            Ok(_) => Ok(()),
            // Somebody else removed it first. If the issue itself is gone, reading it back tells.
            Err(error) if error.kind() == ErrorKind::NotFound && matches!(step, Step::RemoveLabel(_)) => {
                Ok(())
            }
            Err(error) => Err(self.examined(error).await.with_context("issue", number)),
        }
    }

    /// All comments of an issue, oldest first.
    ///
    /// A comment that is deleted while the pages are read moves the rest up, and one between two pages would be missed
    /// as if it had been deleted too. So where the count is not the issue's, the pages are read until they stand still.
    async fn comments(&self, issue: &Issue) -> Result<Vec<Comment>> {
        let mut comments = self.comment_pages(issue.number).await?;
        if comments.len() == issue.comments || comments.len() < PAGE {
            return Ok(comments);
        }
        for _ in 1..READINGS {
            let again = self.comment_pages(issue.number).await?;
            let still = again.iter().map(|comment| comment.id).eq(comments.iter().map(|comment| comment.id));
            comments = again;
            if still {
                return Ok(comments);
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "the issue's comments changed whenever they were read")
            .with_context("issue", issue.number))
    }

    async fn comment_pages(&self, number: u64) -> Result<Vec<Comment>> {
        let mut comments = Vec::new();
        for page in 1..=MAX_PAGES {
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let url = self.repository_url(&["issues", &number.to_string(), "comments"], &query);
            let answer = match self.read(&url).await {
                Ok(answer) => answer,
                Err(error) => return Err(self.examined(error).await.with_context("issue", number)),
            };
            let rows: Vec<Comment> = answer.json(&Method::GET)?;
            let ends = rows.len() < PAGE;
            comments.extend(rows);
            if ends {
                return Ok(comments);
            }
        }
        let message = format!("the issue has more than {} comments, more than are read", MAX_PAGES * PAGE);
        Err(Error::new(ErrorKind::Rejected, message).with_context("issue", number))
    }

    /// What an answer about one issue means, now that the repository was asked for: it is not the issue that is gone
    /// where the whole repository is out of our sight, was renamed, or has no issues any more.
    async fn examined(&self, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Moved) {
            return error;
        }
        let repository = self.config.full_name();
        let told = |kind, message: &str| {
            Error::new(kind, message).with_effect(error.took_effect()).with_context("repository", &repository)
        };
        let Ok(answer) = self.call(self.ctx.get(self.repository_url(&[], &[]))).send_any().await else {
            return error;
        };
        if answer.status.is_redirection() {
            return told(
                ErrorKind::Misconfigured,
                "the repository was renamed; write its new name in the setting repository",
            );
        }
        // A page of somebody in between says nothing about the repository.
        let ours = is_githubs(&answer);
        match check(answer, &Method::GET, self.ctx.clock.now()) {
            Ok(answer) => match answer.json::<Repository>(&Method::GET) {
                Ok(one) if !one.has_issues => {
                    told(ErrorKind::Forbidden, "issues are switched off in the repository")
                }
                Ok(_) | Err(_) => error,
            },
            Err(worse) if worse.kind() == ErrorKind::NotFound && ours => {
                told(ErrorKind::Forbidden, "our token does not see the repository any more")
            }
            Err(worse) if worse.kind() == ErrorKind::Unauthenticated => {
                worse.with_effect(error.took_effect())
            }
            Err(_) => error,
        }
    }

    async fn read(&self, url: &Url) -> Result<Response> {
        self.send(self.ctx.get(url.clone()).max_answer_bytes(MAX_JSON_BYTES), &Method::GET).await
    }

    async fn send(&self, call: Call<'_>, method: &Method) -> Result<Response> {
        check(self.call(call).send_any().await?, method, self.ctx.clock.now())
    }

    fn call<'c>(&self, call: Call<'c>) -> Call<'c> {
        call.header(header::ACCEPT, "application/vnd.github+json")
            .header(HeaderName::from_static("x-github-api-version"), VERSION)
    }

    fn repository_url(&self, path: &[&str], query: Query<'_>) -> Url {
        let Config { owner, repository, .. } = self.config;
        let path: Vec<&str> = ["repos", owner, repository].iter().chain(path).copied().collect();
        let mut url = join(&self.config.url, &path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// An issue's number; anything else never named an issue.
pub(crate) fn issue_number(id: &RemoteId) -> Result<u64> {
    id.as_str().parse().map_err(|error| {
        Error::new(ErrorKind::NotFound, format!("{id:?} is not the number of an issue: {error}"))
            .with_effect(TookEffect::No)
    })
}
