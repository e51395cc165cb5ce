//! What Jira Service Management's portal shows of an issue, and how a file gets onto it.
//!
//! Whether a customer may read a comment or a file is known to Service Management alone: a file is shown there only as
//! part of a public comment, or if the customer attached it
//! ([Cloud](https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/),
//! [Data Center](https://developer.atlassian.com/server/jira-servicedesk/rest/)).

use std::collections::BTreeMap;

use http::{HeaderName, Method};
use serde_json::Value;
use throughline_sdk::http::{Call, join};
use throughline_sdk::{Error, ErrorKind, Marker, Result, Timestamp};

use crate::api::{Api, PAGE, read, send, upload};
use crate::config::Edition;
use crate::field::REQUEST_TYPE;
use crate::map::Whole;
use crate::wire::{
    AdditionalComment, Attachment, Issue, RequestAttach, RequestComment, RequestCommentPage, TemporaryFiles,
};

/// Whoever calls what Service Management has on trial says that they know
/// ([Special headers](https://developer.atlassian.com/server/jira-servicedesk/info/special-headers)).
const EXPERIMENTAL: HeaderName = HeaderName::from_static("x-experimentalapi");

/// What is known of the portal.
#[derive(Clone, Debug)]
pub(crate) enum Portal {
    /// There is none: the project is no service project.
    None,
    /// There is one, and the issue is not on it: it has no request type.
    NotShown,
    /// It shows the issue with these comments, by id.
    Shown(BTreeMap<String, RequestComment>),
}

/// How the portal shows a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Whether a public comment carries it.
    pub(crate) public: bool,
    /// The marker of the comment that carries it, if we wrote that.
    pub(crate) marker: Option<Marker>,
}

impl Portal {
    /// What is known of a comment.
    pub(crate) fn comment(&self, id: &str) -> Option<&RequestComment> {
        match self {
            Self::Shown(comments) => comments.get(id),
            Self::None | Self::NotShown => None,
        }
    }
}

/// The files that comments carry, by id.
pub(crate) fn carried(whole: &Whole) -> BTreeMap<&str, Carried> {
    let all = &whole.issue.fields.attachment;
    let mut carried: BTreeMap<&str, Carried> = BTreeMap::new();
    for comment in &whole.comments {
        let Some(shown) = whole.portal.comment(&comment.id) else { continue };
        let marker = carrier(shown);
        for file in files(shown, comment.created, all) {
            let known = carried.entry(&file.id).or_default();
            known.public |= shown.public == Some(true);
            known.marker = known.marker.take().or_else(|| marker.clone());
        }
    }
    carried
}

/// The marker of a comment that only carries a file of ours.
pub(crate) fn carrier(comment: &RequestComment) -> Option<Marker> {
    let mut lines = comment.body.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let marker = Marker::find_in(first).filter(|marker| marker.as_str() == first)?;
    // What Service Management adds below shows the files.
    lines.all(|line| line.starts_with('!') || line.starts_with("[^")).then_some(marker)
}

/// The files of a comment: Cloud tells them, each by an address that holds its id; Data Center refers to them by name in
/// the comment's markup, and means the newest one of that name.
fn files<'f>(comment: &RequestComment, written: Timestamp, all: &'f [Attachment]) -> Vec<&'f Attachment> {
    if let Some(told) = &comment.attachments {
        let addresses = told.values.iter().flat_map(|file| file.links.values()).filter_map(Value::as_str);
        let ids: Vec<&str> = addresses.filter_map(attachment_id).collect();
        return all.iter().filter(|file| ids.contains(&file.id.as_str())).collect();
    }
    let refers = |name: &str| {
        ["[^", "!"].iter().any(|before| {
            let reference = format!("{before}{name}");
            let mut found = comment.body.match_indices(&reference).map(|(at, text)| at + text.len());
            found.any(|end| comment.body.get(end..).is_some_and(|rest| rest.starts_with(['!', '|', ']'])))
        })
    };
    let newest = |file: &&Attachment| {
        let later = |other: &Attachment| {
            other.filename == file.filename && other.created > file.created && other.created <= written
        };
        file.created <= written && !all.iter().any(later)
    };
    all.iter().filter(newest).filter(|file| refers(&file.filename)).collect()
}

/// The id in `…/rest/api/2/attachment/10001` or `…/secure/attachment/10001/name.png`.
fn attachment_id(address: &str) -> Option<&str> {
    let mut segments = address.split(['?', '#']).next()?.split('/');
    segments.find(|segment| *segment == "attachment")?;
    segments
        .find(|segment| *segment != "content")
        .filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether an issue is a request; `None` where its fields do not tell.
fn is_request(issue: &Issue) -> Option<bool> {
    let kind = |schema: &crate::wire::Schema| schema.custom.as_deref() == Some(REQUEST_TYPE);
    let (id, _) = issue.schema.iter().find(|(_, schema)| kind(schema))?;
    issue.fields.other.get(id).map(|value| !value.is_null())
}

impl Api<'_> {
    /// What the portal shows of an issue.
    pub(crate) async fn portal(&self, issue: &Issue) -> Result<Portal> {
        const MAX_PAGES: usize = 400;
        if !self.config.service_desk {
            return Ok(Portal::None);
        }
        // Of an issue that is none, Service Management says that it has no comments, or that it is not there.
        if is_request(issue) == Some(false) {
            return Ok(Portal::NotShown);
        }
        let id = issue.id.as_str();
        let mut comments = BTreeMap::new();
        for _ in 0..MAX_PAGES {
            let call = self
                .desk(Method::GET, &["request", id, "comment"])
                .query("start", &comments.len().to_string())
                .query("limit", &PAGE.to_string())
                .query("expand", "attachment");
            let page: RequestCommentPage = match read(call).await {
                Ok(page) => page,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Portal::NotShown),
                Err(error) => return Err(error.with_context("issue", id)),
            };
            let before = comments.len();
            comments.extend(page.values.into_iter().map(|comment| (comment.id.clone(), comment)));
            if page.is_last_page || comments.len() == before {
                return Ok(Portal::Shown(comments));
            }
        }
        Err(Error::new(ErrorKind::Malformed, "the comments of a request have no end")
            .with_context("issue", id))
    }

    /// Stores a file and returns the name it is attached by. Nobody sees it until then.
    pub(crate) async fn store(&self, form: (Vec<u8>, String)) -> Result<String> {
        let call = self.desk(Method::POST, &["servicedesk", &self.config.project, "attachTemporaryFile"]);
        let stored: TemporaryFiles = upload(call, form).await?.json(&Method::POST)?;
        stored.temporary_attachments.into_iter().next().map(|file| file.temporary_attachment_id).ok_or_else(
            || Error::new(ErrorKind::Malformed, "Jira Service Management stored a file and gave it no name"),
        )
    }

    /// Attaches a stored file by a comment that holds nothing but the marker.
    pub(crate) async fn show(&self, id: &str, stored: String, public: bool, marker: &Marker) -> Result<()> {
        let attach = RequestAttach {
            temporary_attachment_ids: vec![stored],
            public,
            additional_comment: AdditionalComment { body: marker.to_string() },
        };
        let call = self.desk(Method::POST, &["request", id, "attachment"]).json(&attach);
        // Its body is not needed: the ticket is read back.
        send(call, &Method::POST).await.map(drop).map_err(|error| error.with_context("issue", id))
    }

    fn desk(&self, method: Method, path: &[&str]) -> Call<'_> {
        let url = join(&join(&self.config.url, &["rest", "servicedeskapi"]), path);
        let known = match self.config.edition {
            Edition::Cloud => "opt-in",
            Edition::DataCenter => "true",
        };
        self.ctx.call(method, url).header(EXPERIMENTAL, known)
    }
}

/// Whether a comment property says that the portal does not show it.
pub(crate) fn said_internal(value: &Value) -> Option<bool> {
    match value.get("internal")? {
        Value::Bool(internal) => Some(*internal),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
#[path = "portal_tests.rs"]
mod tests;
