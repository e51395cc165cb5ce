//! Jira's REST API as calls: addresses, bodies, and one answer each. What differs between the editions stands here.

use bytes::Bytes;
use http::{HeaderName, Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, RemoteId, Result};
use url::Url;

use crate::config::{Config, Edition};
use crate::error::check;
use crate::file::NOTES;
use crate::map::Whole;
use crate::wire::{
    Attachment, Comment, CommentPage, CommentWrite, CreateFields, CreateTypes, FieldDetails, FieldMeta,
    Issue, IssueWrite, Made, Named, RemoteLink, SearchPage, ServerInfo, Status, StatusOnly, Transition,
    TransitionList, TypeStatuses, User,
};

/// The largest JSON answer taken: an issue brings all its fields at once.
const MAX_JSON_BYTES: u64 = 32 * 1024 * 1024;
/// How many rows are asked for at once. Jira may give fewer.
pub(crate) const PAGE: usize = 100;
/// A list that goes on for ever is a defect: so many pages of one are read.
const MAX_PAGES: usize = 200;
/// The most issues of which a search can be asked to be sure.
pub(crate) const MAX_RECONCILED: usize = 50;
/// Jira refuses forms without it, lest a page of somebody else's send them
/// ([Special headers](https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#special-request-headers)).
const NO_CHECK: HeaderName = HeaderName::from_static("x-atlassian-token");

/// One call's view of a Jira.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// The parameters of an address.
type Query<'q> = &'q [(&'q str, String)];

/// A search, and which part of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Search<'s> {
    pub(crate) jql: String,
    /// Where the page begins: a token (Cloud) or a row's number (Data Center), as an earlier answer gave it.
    pub(crate) from: Option<&'s str>,
    /// Issues of which the answer has to be up to date; only Cloud can promise that.
    pub(crate) reconcile: &'s [String],
}

impl Api<'_> {
    /// A ticket with all that belongs to it.
    pub(crate) async fn whole(&self, id: &str, extent: Extent) -> Result<Whole> {
        let issue = self.issue(id, extent).await?;
        // Whoever asked with a key, or for an issue that is known by another id now, goes on with the id.
        let comments = self.comments(&issue.id).await?;
        let links = self.links(&issue.id).await?;
        let portal = self.portal(&issue).await?;
        Ok(Whole { issue, comments, links, portal })
    }

    /// An issue with its fields.
    pub(crate) async fn issue(&self, id: &str, extent: Extent) -> Result<Issue> {
        let expand = match extent {
            Extent::Reading => "names,schema",
            Extent::Editing => "names,schema,editmeta,changelog",
        };
        let query = [
            // Comments come cut off here, so they are read by themselves.
            ("fields", "*all,-comment,-worklog".to_owned()),
            ("expand", expand.to_owned()),
            ("properties", NOTES.to_owned()),
        ];
        self.of_issue(id, self.get(&["issue", id], &query).await).await
    }

    /// The status of an issue as it is now.
    pub(crate) async fn status(&self, id: &str) -> Result<Status> {
        let query = [("fields", "status".to_owned())];
        let answer: Result<StatusOnly> = self.get(&["issue", id], &query).await;
        Ok(self.of_issue(id, answer).await?.fields.status)
    }

    /// All comments of an issue, oldest first.
    async fn comments(&self, id: &str) -> Result<Vec<Comment>> {
        let mut all = Rows::new();
        loop {
            let query = [
                ("startAt", all.at()),
                ("maxResults", PAGE.to_string()),
                ("orderBy", "created".to_owned()),
                ("expand", "properties".to_owned()),
            ];
            let page: Result<CommentPage> = self.get(&["issue", id, "comment"], &query).await;
            let page = page.map_err(|error| error.with_context("issue", id))?;
            if !all.add(page.comments, page.total)? {
                return Ok(all.rows);
            }
        }
    }

    async fn links(&self, id: &str) -> Result<Vec<RemoteLink>> {
        let answer = self.get(&["issue", id, "remotelink"], &[]).await;
        answer.map_err(|error: Error| error.with_context("issue", id))
    }

    /// Our account.
    pub(crate) async fn myself(&self) -> Result<User> {
        self.get(&["myself"], &[]).await
    }

    /// What the server says of itself.
    pub(crate) async fn server(&self) -> Result<ServerInfo> {
        self.get(&["serverInfo"], &[]).await
    }

    /// The project's types of issues, each with its statuses.
    pub(crate) async fn types(&self) -> Result<Vec<TypeStatuses>> {
        self.get(&["project", &self.config.project, "statuses"], &[]).await
    }

    /// The site's priorities, highest first.
    pub(crate) async fn priorities(&self) -> Result<Vec<Named>> {
        self.get(&["priority"], &[]).await
    }

    /// The site's fields.
    pub(crate) async fn fields(&self) -> Result<Vec<FieldDetails>> {
        self.get(&["field"], &[]).await
    }

    /// The fields of the screen on which an issue of this type is created.
    pub(crate) async fn create_fields(&self, kind: &str) -> Result<Vec<FieldMeta>> {
        let path = ["issue", "createmeta", &self.config.project, "issuetypes"];
        let query = |at: String| [("startAt", at), ("maxResults", PAGE.to_string())];
        let mut types = Rows::new();
        loop {
            let page: CreateTypes = self.get(&path, &query(types.at())).await?;
            if !types.add(page.types, page.total)? {
                break;
            }
        }
        let of_kind = types.rows.into_iter().find(|one| one.name == kind).ok_or_else(|| {
            Error::new(
                ErrorKind::Rejected,
                format!("our account cannot create issues of the type {kind:?} in the project; see what describe lists"),
            )
        })?;
        let path = ["issue", "createmeta", &self.config.project, "issuetypes", &of_kind.id];
        let mut fields = Rows::new();
        loop {
            let page: CreateFields = self.get(&path, &query(fields.at())).await?;
            if !fields.add(page.fields, page.total)? {
                return Ok(fields.rows);
            }
        }
    }

    /// The transitions that our account may make now, with their screens.
    pub(crate) async fn transitions(&self, id: &str) -> Result<Vec<Transition>> {
        let query = [("expand", "transitions.fields".to_owned())];
        let answer: Result<TransitionList> = self.get(&["issue", id, "transitions"], &query).await;
        let all = self.of_issue(id, answer).await?.transitions;
        Ok(all.into_iter().filter(|one| one.is_available != Some(false)).collect())
    }

    /// One page of a search, and where the next begins.
    pub(crate) async fn search(&self, search: &Search<'_>) -> Result<(SearchPage, Option<String>)> {
        let mut query = vec![
            ("jql", search.jql.clone()),
            ("fields", "updated,labels".to_owned()),
            ("maxResults", PAGE.to_string()),
        ];
        match self.config.edition {
            Edition::Cloud => {
                query.extend(search.from.map(|token| ("nextPageToken", token.to_owned())));
                let reconciled = search.reconcile.iter().take(MAX_RECONCILED);
                query.extend(reconciled.map(|id| ("reconcileIssues", id.clone())));
                let page: SearchPage = self.get(&["search", "jql"], &query).await?;
                let next = page.next_page_token.clone().filter(|_| page.is_last != Some(true));
                if next.is_some() && next.as_deref() == search.from {
                    return Err(Error::new(
                        ErrorKind::Malformed,
                        "Jira's search gives the same page again and again",
                    ));
                }
                Ok((page, next))
            }
            Edition::DataCenter => {
                let at: usize = search.from.and_then(|at| at.parse().ok()).unwrap_or_default();
                query.push(("startAt", at.to_string()));
                let page: SearchPage = self.get(&["search"], &query).await?;
                let rows = page.issues.len();
                let total = usize::try_from(page.total.unwrap_or_default()).unwrap_or(usize::MAX);
                let more = rows > 0 && at.saturating_add(rows) < total;
                // An issue that is deleted meanwhile moves the others up: a few rows are read twice.
                let step = rows.saturating_sub(OVERLAP).max(1);
                Ok((page, more.then(|| at.saturating_add(step).to_string())))
            }
        }
    }

    /// Creates an issue.
    pub(crate) async fn create(&self, issue: &IssueWrite) -> Result<Made> {
        self.post(&["issue"], issue).await?.json(&Method::POST)
    }

    /// Sets fields of an issue.
    pub(crate) async fn edit(&self, id: &str, issue: &IssueWrite) -> Result<()> {
        let answer = self.write(Method::PUT, &["issue", id], issue).await;
        answer.map(drop).map_err(|error| error.with_context("issue", id))
    }

    /// Takes one step of the workflow.
    pub(crate) async fn transition(&self, id: &str, step: &IssueWrite) -> Result<()> {
        let answer = self.post(&["issue", id, "transitions"], step).await;
        answer.map(drop).map_err(|error| error.with_context("issue", id))
    }

    /// Adds a comment.
    pub(crate) async fn comment(&self, id: &str, comment: &CommentWrite) -> Result<Made> {
        let answer = self.post(&["issue", id, "comment"], comment).await;
        answer.and_then(|answer| answer.json(&Method::POST)).map_err(|error| error.with_context("issue", id))
    }

    /// Replaces a comment.
    pub(crate) async fn edit_comment(&self, id: &str, comment: &str, write: &CommentWrite) -> Result<()> {
        let answer = self.write(Method::PUT, &["issue", id, "comment", comment], write).await;
        answer.map(drop).map_err(|error| error.with_context("issue", id).with_context("comment", comment))
    }

    /// Deletes a comment.
    pub(crate) async fn delete_comment(&self, id: &str, comment: &str) -> Result<()> {
        let url = self.address(&["issue", id, "comment", comment], &[]);
        let answer = send(self.ctx.call(Method::DELETE, url), &Method::DELETE).await;
        answer.map(drop).map_err(|error| error.with_context("issue", id).with_context("comment", comment))
    }

    /// Sets an entity property of an issue. Nobody sees it.
    pub(crate) async fn set_property(&self, id: &str, key: &str, value: &Value) -> Result<()> {
        let answer = self.write(Method::PUT, &["issue", id, "properties", key], value).await;
        answer.map(drop).map_err(|error| error.with_context("issue", id))
    }

    /// Attaches a file, given as a form.
    pub(crate) async fn attach(&self, id: &str, form: (Vec<u8>, String)) -> Result<Vec<Attachment>> {
        let call = self.ctx.post(self.address(&["issue", id, "attachments"], &[]));
        let answer = upload(call, form).await;
        answer.and_then(|answer| answer.json(&Method::POST)).map_err(|error| error.with_context("issue", id))
    }

    /// Makes or changes the link with this global id.
    pub(crate) async fn link(&self, id: &str, link: &RemoteLink) -> Result<()> {
        let answer = self.post(&["issue", id, "remotelink"], link).await;
        answer.map(drop).map_err(|error| error.with_context("issue", id))
    }

    /// What Jira says about a file.
    pub(crate) async fn attachment(&self, id: &str) -> Result<Attachment> {
        self.get(&["attachment", id], &[]).await
    }

    /// A file's bytes. The address Jira gives may name another host, so ours is built from the id.
    pub(crate) async fn bytes(&self, file: &Attachment, limit_bytes: u64) -> Result<Bytes> {
        let url = match self.config.edition {
            // Redirected to, it would stand at another host.
            Edition::Cloud => {
                self.address(&["attachment", "content", &file.id], &[("redirect", "false".to_owned())])
            }
            // REST v2 of Data Center tells where it is and does not serve it.
            Edition::DataCenter => {
                join(&self.config.url, &["secure", "attachment", &file.id, &file.filename])
            }
        };
        let call = self.ctx.get(url).header(header::ACCEPT, "*/*").max_answer_bytes(limit_bytes);
        Ok(send(call, &Method::GET).await?.body)
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: Query<'_>) -> Result<T> {
        read(self.ctx.get(self.address(path, query))).await
    }

    async fn post<B: Serialize + Sync>(&self, path: &[&str], body: &B) -> Result<Response> {
        self.write(Method::POST, path, body).await
    }

    async fn write<B: Serialize + Sync>(&self, method: Method, path: &[&str], body: &B) -> Result<Response> {
        send(self.ctx.call(method.clone(), self.address(path, &[])).json(body), &method).await
    }

    /// Jira says 404 both of an issue that is gone and to a stranger: which of them we are is asked.
    async fn of_issue<T>(&self, id: &str, answer: Result<T>) -> Result<T> {
        match answer {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                match self.myself().await {
                    Ok(_) => {}
                    Err(gone) if gone.kind() == ErrorKind::NotFound => {}
                    Err(worse) => return Err(worse),
                }
                Err(error.with_context("issue", id))
            }
            Err(error) => Err(error.with_context("issue", id)),
            Ok(answer) => Ok(answer),
        }
    }

    fn address(&self, path: &[&str], query: Query<'_>) -> Url {
        let version = match self.config.edition {
            Edition::Cloud => "3",
            Edition::DataCenter => "2",
        };
        let mut url = join(&self.config.url, &["rest", "api", version]);
        url = join(&url, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// What an issue is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// To know it.
    Reading,
    /// To write it: with the fields that can be, and its latest changes.
    Editing,
}

/// How many rows of a page are read again with the next one.
const OVERLAP: usize = 5;

/// The rows of a list that is told in pages with their total.
struct Rows<T> {
    rows: Vec<T>,
    pages: usize,
}

impl<T> Rows<T> {
    fn new() -> Self {
        Self { rows: Vec::new(), pages: 0 }
    }

    /// Where the next page begins.
    fn at(&self) -> String {
        self.rows.len().to_string()
    }

    /// Adds a page and says whether there is another one.
    fn add(&mut self, page: Vec<T>, total: u64) -> Result<bool> {
        let end = page.is_empty();
        self.rows.extend(page);
        self.pages = self.pages.saturating_add(1);
        if end || u64::try_from(self.rows.len()).unwrap_or(u64::MAX) >= total {
            return Ok(false);
        }
        if self.pages < MAX_PAGES {
            return Ok(true);
        }
        Err(Error::new(ErrorKind::Malformed, format!("a list of Jira has no end after {MAX_PAGES} pages")))
    }
}

/// Sends a call and reads its answer, if that is success.
pub(crate) async fn send(call: Call<'_>, method: &Method) -> Result<Response> {
    check(call.send_any().await?, method)
}

/// Sends a `GET` and reads its JSON.
pub(crate) async fn read<T: DeserializeOwned>(call: Call<'_>) -> Result<T> {
    send(call.max_answer_bytes(MAX_JSON_BYTES), &Method::GET).await?.json(&Method::GET)
}

/// Sends a form by `POST`.
pub(crate) async fn upload(call: Call<'_>, (body, media_type): (Vec<u8>, String)) -> Result<Response> {
    let call = call.header(NO_CHECK, "no-check").body(&media_type, Bytes::from(body));
    send(call, &Method::POST).await
}

/// An issue's id, or its key; anything else never named one.
pub(crate) fn issue_id(id: &RemoteId) -> Result<&str> {
    let text = id.as_str();
    let named = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !text.is_empty() && text.bytes().all(named) {
        Ok(text)
    } else {
        Err(Error::new(ErrorKind::NotFound, format!("{text:?} is not the id of an issue")))
    }
}

/// A number in an id that we once gave out.
pub(crate) fn number<'n>(text: &'n str, what: &str) -> Result<&'n str> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text)
    } else {
        Err(Error::new(ErrorKind::NotFound, format!("{text:?} is not the id of {what}")))
    }
}
