//! Redmine's REST API as calls: addresses, bodies, and one answer each.

use bytes::Bytes;
use http::{Method, header};
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, RemoteId, Result, TookEffect};
use url::Url;

use crate::config::Config;
use crate::error::check;
use crate::wire::{
    Attachment, AttachmentAnswer, CustomField, Issue, IssueAnswer, IssueBody, IssueList, IssueWrite,
    JournalBody, MemberList, Named, PriorityList, Project, ProjectAnswer, RoleAnswer, StatusList,
    UploadAnswer, User, UserAnswer, VersionList,
};

/// The largest JSON answer taken: an issue brings all its journals at once.
const MAX_JSON_BYTES: u64 = 32 * 1024 * 1024;

/// One call's view of a Redmine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// The parameters of an address.
type Query<'q> = &'q [(&'q str, String)];

impl Api<'_> {
    /// An issue whole, with the statuses it may take.
    pub(crate) async fn issue(&self, id: u64) -> Result<Issue> {
        let include = [("include", "journals,attachments,allowed_statuses".to_owned())];
        let answer: Result<IssueAnswer> = self.get(&["issues", &format!("{id}.json")], &include).await;
        match answer {
            Ok(answer) => Ok(answer.issue),
            Err(error) if error.kind() == ErrorKind::Forbidden => {
                // Redmine says 403 both of one issue out of our sight and of an account that is shut out of all.
                self.user().await?;
                Err(Error::new(ErrorKind::NotFound, "the issue is no longer visible to our account")
                    .with_context("issue", id))
            }
            Err(error) => Err(error.with_context("issue", id)),
        }
    }

    /// One page of issues.
    pub(crate) async fn issues(&self, query: Query<'_>) -> Result<Vec<Issue>> {
        let answer: IssueList = self.get(&["issues.json"], query).await?;
        Ok(answer.issues)
    }

    /// Our account, with its roles.
    pub(crate) async fn user(&self) -> Result<User> {
        let include = [("include", "memberships".to_owned())];
        let answer: UserAnswer = self.get(&["users", "current.json"], &include).await?;
        Ok(answer.user)
    }

    /// All statuses, in Redmine's order.
    pub(crate) async fn statuses(&self) -> Result<Vec<Named>> {
        let answer: StatusList = self.get(&["issue_statuses.json"], &[]).await?;
        Ok(answer.issue_statuses)
    }

    /// The priorities in use, lowest first.
    pub(crate) async fn priorities(&self) -> Result<Vec<Named>> {
        let answer: PriorityList = self.get(&["enumerations", "issue_priorities.json"], &[]).await?;
        Ok(answer.issue_priorities.into_iter().filter(|priority| priority.active != Some(false)).collect())
    }

    /// A project by identifier or number, with its trackers and categories.
    pub(crate) async fn project(&self, project: &str) -> Result<Project> {
        let include = [("include", "trackers,issue_categories".to_owned())];
        let answer: ProjectAnswer = self.get(&["projects", &format!("{project}.json")], &include).await?;
        Ok(answer.project)
    }

    /// The versions that issues of a project can aim at.
    pub(crate) async fn versions(&self, project: &str) -> Result<Vec<Named>> {
        let answer: VersionList = self.get(&["projects", project, "versions.json"], &[]).await?;
        Ok(answer.versions)
    }

    /// The people and groups of a project: those on its first page of a hundred.
    pub(crate) async fn members(&self, project: &str) -> Result<Vec<Named>> {
        let limit = [("limit", "100".to_owned())];
        let answer: MemberList = self.get(&["projects", project, "memberships.json"], &limit).await?;
        Ok(answer.memberships.into_iter().filter_map(|member| member.user.or(member.group)).collect())
    }

    /// The custom fields that an issue of this project and tracker has.
    ///
    /// The list of custom fields is for administrators only, so they are read from the newest issue; before the
    /// first one none are known.
    pub(crate) async fn custom_fields(&self, tracker: Option<u64>) -> Result<Vec<CustomField>> {
        let mut query = vec![
            ("project_id", self.config.project.clone()),
            ("status_id", "*".to_owned()),
            ("sort", "id:desc".to_owned()),
            ("limit", "1".to_owned()),
        ];
        query.extend(tracker.map(|id| ("tracker_id", id.to_string())));
        Ok(self.issues(&query).await?.into_iter().next().map(|issue| issue.custom_fields).unwrap_or_default())
    }

    /// What a role may do.
    pub(crate) async fn permissions(&self, role: u64) -> Result<Vec<String>> {
        let answer: RoleAnswer = self.get(&["roles", &format!("{role}.json")], &[]).await?;
        Ok(answer.role.permissions)
    }

    /// Creates an issue.
    pub(crate) async fn create(&self, issue: IssueWrite) -> Result<Issue> {
        let call = self.ctx.post(self.address(&["issues.json"], &[])).json(&IssueBody { issue });
        let answer = send(call, &Method::POST).await?;
        let answer: IssueAnswer = answer.json(&Method::POST)?;
        Ok(answer.issue)
    }

    /// Writes into an issue. That Redmine answers with success does not say that it did anything.
    pub(crate) async fn put(&self, id: u64, issue: IssueWrite) -> Result<()> {
        let url = self.address(&["issues", &format!("{id}.json")], &[]);
        match send(self.ctx.call(Method::PUT, url).json(&IssueBody { issue }), &Method::PUT).await {
            Ok(_) => Ok(()),
            Err(error) => {
                if error.kind() == ErrorKind::Forbidden {
                    // Not the account is at fault if the issue went out of its sight; nothing was written then.
                    self.issue(id).await?;
                }
                Err(error.with_context("issue", id))
            }
        }
    }

    /// Replaces the text of a note.
    pub(crate) async fn put_note(&self, journal: u64, body: &JournalBody) -> Result<()> {
        let url = self.address(&["journals", &format!("{journal}.json")], &[]);
        let answer = send(self.ctx.call(Method::PUT, url).json(body), &Method::PUT).await;
        answer.map(drop).map_err(|error| error.with_context("note", journal))
    }

    /// Stores a file and returns the token it is attached with. Nobody sees it until then.
    pub(crate) async fn upload(&self, name: &str, bytes: Bytes) -> Result<String> {
        let url = self.address(&["uploads.json"], &[("filename", name.to_owned())]);
        let answer = async {
            let call = self.ctx.post(url).body("application/octet-stream", bytes);
            let answer: UploadAnswer = send(call, &Method::POST).await?.json(&Method::POST)?;
            Ok(answer.upload.token)
        };
        // An upload that is never attached is swept up by Redmine: nothing a person sees has changed.
        answer.await.map_err(|error: Error| error.with_effect(TookEffect::No))
    }

    /// What Redmine says about a file.
    pub(crate) async fn attachment(&self, id: u64) -> Result<Attachment> {
        let answer: AttachmentAnswer = self.get(&["attachments", &format!("{id}.json")], &[]).await?;
        Ok(answer.attachment)
    }

    /// A file's bytes. The address Redmine gives may name another host, so ours is built from the number.
    pub(crate) async fn bytes(&self, id: u64, limit_bytes: u64) -> Result<Bytes> {
        let call = self.ctx.get(self.address(&["attachments", "download", &id.to_string()], &[]));
        let call = call.header(header::ACCEPT, "*/*").max_answer_bytes(limit_bytes);
        Ok(send(call, &Method::GET).await?.body)
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: Query<'_>) -> Result<T> {
        let call = self.ctx.get(self.address(path, query));
        send(call.max_answer_bytes(MAX_JSON_BYTES), &Method::GET).await?.json(&Method::GET)
    }

    fn address(&self, path: &[&str], query: Query<'_>) -> Url {
        let mut url = join(&self.config.url, path);
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
    number(id.as_str(), "an issue")
}

/// The number in an id that we once gave out.
pub(crate) fn number(text: &str, what: &str) -> Result<u64> {
    text.parse().map_err(|error| {
        Error::new(ErrorKind::NotFound, format!("{text:?} is not the number of {what}: {error}"))
    })
}
