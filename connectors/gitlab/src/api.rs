//! GitLab's REST API as calls: addresses, bodies, and one answer each.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, RemoteId, Result, TookEffect};
use url::Url;

use crate::config::Config;
use crate::error::{check, is_gitlabs};
use crate::feed::PAGE;
use crate::wire::{
    Issue, IssueWrite, Member, Named, NewNote, Note, NoteBody, Person, Product, Project, Uploaded,
};

/// The largest JSON answer taken: a note may have a million characters.
const MAX_JSON_BYTES: u64 = 128 * 1024 * 1024;

/// The most pages of one list.
const MAX_PAGES: usize = 50;

/// How often the pages of a list that moves are read before giving up.
const READINGS: usize = 3;

/// The first version that knows internal notes by this name. Before it GitLab leaves out the word and publishes the note.
const INTERNAL_SINCE: (u64, u64) = (15, 5);

/// The least role that may write internal notes: Planner. To a lesser one GitLab publishes the note and says nothing.
const PLANNER: u64 = 15;

/// One call's view of a project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// The parameters of an address.
type Query<'q> = &'q [(&'q str, String)];

impl Api<'_> {
    /// An issue with all its notes.
    pub(crate) async fn whole(&self, iid: u64) -> Result<(Issue, Vec<Note>)> {
        let issue = self.issue(iid).await?;
        let notes = self.notes(iid).await?;
        Ok((issue, notes))
    }

    /// An issue without its notes.
    pub(crate) async fn issue(&self, iid: u64) -> Result<Issue> {
        let issue: Issue = self.of_issue(iid, self.get(&["issues", &iid.to_string()], &[]).await).await?;
        match issue.moved_to_id {
            None => Ok(issue),
            Some(id) => Err(Error::new(ErrorKind::Moved, "the issue was moved to another project")
                .with_context("issue", iid)
                .with_context("number across projects", id)),
        }
    }

    /// One page of issues, with the header fields that tell of the next one.
    pub(crate) async fn issues(&self, query: Query<'_>) -> Result<(Vec<Issue>, HeaderMap)> {
        let mut query = query.to_vec();
        query.extend([("state", "all".to_owned()), ("per_page", PAGE.to_string())]);
        match self.read(self.project_url(&["issues"], &query)).await {
            Ok(answer) => Ok((answer.json(&Method::GET)?, answer.headers)),
            Err(error) => Err(self.examined(error).await),
        }
    }

    /// The project itself.
    pub(crate) async fn project(&self) -> Result<Project> {
        self.get(&[], &[]).await
    }

    /// Our account.
    pub(crate) async fn account(&self) -> Result<Person> {
        self.read(join(&self.config.api, &["user"])).await?.json(&Method::GET)
    }

    /// What GitLab is, and its answer with the time.
    pub(crate) async fn product(&self) -> Result<(Product, HeaderMap)> {
        let answer = self.read(join(&self.config.api, &["version"])).await?;
        Ok((answer.json(&Method::GET)?, answer.headers))
    }

    /// The names of the labels that the project's issues can have, its groups' among them.
    pub(crate) async fn labels(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for page in 1..=MAX_PAGES {
            let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
            let labels: Vec<Named> = self.get(&["labels"], &query).await?;
            let ends = labels.len() < PAGE;
            names.extend(labels.into_iter().map(|label| label.name));
            if ends {
                break;
            }
        }
        Ok(names)
    }

    /// Whether the project has each of these labels. GitLab would make one of any name it is given.
    pub(crate) async fn has_labels(&self, labels: &str) -> Result<()> {
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            match self.read(self.project_url(&["labels", label], &[])).await {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let message = "the project has no such label; make it there, or name another one";
                    return Err(Error::new(ErrorKind::Rejected, message).with_context("label", label));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Refuses where GitLab would publish an internal note: a version or a role that it leaves out the word for.
    pub(crate) async fn may_write_internal_notes(&self) -> Result<()> {
        let refused = |message: &str| {
            Err(Error::new(
                ErrorKind::Rejected,
                format!("GitLab would publish this internal note: {message}"),
            ))
        };
        let (product, _) = self.product().await?;
        let mut numbers = product.version.split('.').map(|number| number.parse().unwrap_or_default());
        if (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) < INTERNAL_SINCE {
            return refused("it is older than 15.5");
        }
        let account = self.account().await?.id.to_string();
        match self.get::<Member>(&["members", "all", &account], &[]).await {
            Ok(member) if member.access_level >= PLANNER => Ok(()),
            Ok(_) => refused("give our account the role Reporter in the project"),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                refused("our account is no member of the project")
            }
            Err(error) => Err(error),
        }
    }

    /// Creates an issue.
    pub(crate) async fn create(&self, issue: &IssueWrite) -> Result<Issue> {
        let call = self.ctx.post(self.project_url(&["issues"], &[])).json(issue);
        match send(call, &Method::POST).await {
            Ok(answer) => answer.json(&Method::POST),
            Err(error) => Err(self.examined(error).await),
        }
    }

    /// Writes into an issue. That GitLab answers with success does not say that it did all of it.
    pub(crate) async fn put(&self, iid: u64, issue: &IssueWrite) -> Result<()> {
        let url = self.project_url(&["issues", &iid.to_string()], &[]);
        let answer = send(self.ctx.call(Method::PUT, url).json(issue), &Method::PUT).await;
        self.of_issue(iid, answer.map(drop)).await
    }

    /// Adds a note.
    pub(crate) async fn add_note(&self, iid: u64, note: &NewNote) -> Result<Note> {
        let url = self.project_url(&["issues", &iid.to_string(), "notes"], &[]);
        let error = match send(self.ctx.post(url).json(note), &Method::POST).await {
            Ok(answer) if answer.status == StatusCode::ACCEPTED => {
                let message =
                    "GitLab took the whole text for commands, may have carried them out, and kept no note";
                Error::new(ErrorKind::Rejected, message).with_unknown_effect()
            }
            Ok(answer) => return answer.json(&Method::POST),
            Err(error) if error.kind() != ErrorKind::Forbidden => self.examined(error).await,
            Err(error) => match self.issue(iid).await {
                Ok(issue) if issue.discussion_locked == Some(true) => Error::new(
                    ErrorKind::Rejected,
                    "the discussion is locked there; unlock it, or make our account a member of the project",
                ),
                Ok(_) | Err(_) => error,
            },
        };
        Err(error.with_context("issue", iid))
    }

    /// Replaces the text of a note.
    pub(crate) async fn edit_note(&self, iid: u64, note: &str, body: String) -> Result<()> {
        let call = self.ctx.call(Method::PUT, self.note_url(iid, note)).json(&NoteBody { body });
        send(call, &Method::PUT)
            .await
            .map(drop)
            .map_err(|error| error.with_context("issue", iid).with_context("note", note))
    }

    /// Deletes a note.
    pub(crate) async fn delete_note(&self, iid: u64, note: &str) -> Result<()> {
        let call = self.ctx.call(Method::DELETE, self.note_url(iid, note));
        send(call, &Method::DELETE)
            .await
            .map(drop)
            .map_err(|error| error.with_context("issue", iid).with_context("note", note))
    }

    /// Stores a file in the project. Nobody is told its address but us, until a text links to it.
    pub(crate) async fn upload(&self, media_type: &str, form: Bytes) -> Result<Uploaded> {
        let call = self.ctx.post(self.project_url(&["uploads"], &[])).body(media_type, form);
        let answer = async { send(call, &Method::POST).await?.json(&Method::POST) };
        answer.await.map_err(|error: Error| error.with_effect(TookEffect::No))
    }

    /// A file's bytes, from GitLab or from the store that it sends readers on to.
    pub(crate) async fn bytes(&self, secret: &str, stored: &str, limit_bytes: u64) -> Result<Bytes> {
        let mut url = self.project_url(&["uploads", secret], &[]);
        // The name stands in links as it does in addresses, with what it needs escaped.
        let path = format!("{}/{stored}", url.path());
        url.set_path(&path);
        let end = self.ctx.read_onward(url, limit_bytes).await?;
        match end.url.origin() == self.config.api.origin() {
            true => Ok(check(end.response, &Method::GET)?.body),
            false => end.stored(),
        }
    }

    /// All notes of an issue, oldest first.
    ///
    /// A note that is deleted while the pages are read moves the rest up, and one between two pages would be missed as
    /// if it had been deleted too. So several pages are read again until they stand still.
    async fn notes(&self, iid: u64) -> Result<Vec<Note>> {
        let (mut notes, total) = self.note_pages(iid).await?;
        if notes.len() < PAGE || total == Some(notes.len()) {
            return Ok(notes);
        }
        for _ in 1..READINGS {
            let (again, _) = self.note_pages(iid).await?;
            let still = again.iter().map(|note| note.id).eq(notes.iter().map(|note| note.id));
            notes = again;
            if still {
                return Ok(notes);
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "the issue's notes changed whenever they were read")
            .with_context("issue", iid))
    }

    /// The notes, and how many there were when the first page was read, where GitLab tells.
    async fn note_pages(&self, iid: u64) -> Result<(Vec<Note>, Option<usize>)> {
        let (mut notes, mut total) = (Vec::new(), None);
        for page in 1..=MAX_PAGES {
            let query = [
                ("sort", "asc".to_owned()),
                ("order_by", "created_at".to_owned()),
                ("per_page", PAGE.to_string()),
                ("page", page.to_string()),
            ];
            let url = self.project_url(&["issues", &iid.to_string(), "notes"], &query);
            let answer = self.of_issue(iid, self.read(url).await).await?;
            let count = answer.headers.get("x-total").and_then(|count| count.to_str().ok()?.parse().ok());
            total = total.or(count);
            let rows: Vec<Note> = answer.json(&Method::GET)?;
            let ends = rows.len() < PAGE;
            notes.extend(rows);
            if ends {
                return Ok((notes, total));
            }
        }
        let message = format!("the issue has more than {} notes, more than are read", MAX_PAGES * PAGE);
        Err(Error::new(ErrorKind::Rejected, message).with_context("issue", iid))
    }

    async fn of_issue<T>(&self, iid: u64, answer: Result<T>) -> Result<T> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.examined(error).await.with_context("issue", iid)),
        }
    }

    /// What an answer about one issue means, now that the project was asked for: it is not the issue that is gone where
    /// the whole project is out of our sight, was moved, or has no issues any more.
    async fn examined(&self, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Moved) {
            return error;
        }
        let told = |kind, message: &str| {
            let told = Error::new(kind, message).with_effect(error.took_effect());
            told.with_context("project", &self.config.project)
        };
        let Ok(answer) = self.ctx.get(self.project_url(&[], &[])).send_any().await else { return error };
        if answer.status.is_redirection() {
            return told(
                ErrorKind::Misconfigured,
                "the project's path changed; write the new one in the setting project",
            );
        }
        // A page of somebody in between says nothing about the project.
        let gitlabs = is_gitlabs(&answer);
        match check(answer, &Method::GET) {
            Ok(answer) => match answer.json::<Project>(&Method::GET) {
                Ok(one) if one.issues_access_level.as_deref() == Some("disabled") => {
                    told(ErrorKind::Forbidden, "issues are switched off in the project")
                }
                Ok(_) | Err(_) => error,
            },
            Err(worse) if worse.kind() == ErrorKind::NotFound && gitlabs => {
                told(ErrorKind::Forbidden, "our token does not see the project any more")
            }
            Err(worse) if worse.kind() == ErrorKind::Unauthenticated => {
                worse.with_effect(error.took_effect())
            }
            Err(_) => error,
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: Query<'_>) -> Result<T> {
        self.read(self.project_url(path, query)).await?.json(&Method::GET)
    }

    async fn read(&self, url: Url) -> Result<Response> {
        send(self.ctx.get(url).max_answer_bytes(MAX_JSON_BYTES), &Method::GET).await
    }

    fn note_url(&self, iid: u64, note: &str) -> Url {
        self.project_url(&["issues", &iid.to_string(), "notes", note], &[])
    }

    fn project_url(&self, path: &[&str], query: Query<'_>) -> Url {
        let path: Vec<&str> = ["projects", &self.config.project].iter().chain(path).copied().collect();
        let mut url = join(&self.config.api, &path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

async fn send(call: Call<'_>, method: &Method) -> Result<Response> {
    check(call.send_any().await?, method)
}

/// An issue's number; anything else never named an issue.
pub(crate) fn issue_number(id: &RemoteId) -> Result<u64> {
    id.as_str().parse().map_err(|error| {
        Error::new(ErrorKind::NotFound, format!("{id:?} is not the number of an issue: {error}"))
    })
}
