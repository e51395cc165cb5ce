//! What Jira Service Management's portal shows of an issue, and how a file gets onto it.
//!
//! Whether a customer may read a comment or a file is known to Service Management alone: a file is shown there only as
//! part of a public comment, or if the customer attached it
//! ([Request](https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/)).

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;
use throughline_sdk::http::join;
use throughline_sdk::{Error, ErrorKind, Marker, Result};
use url::Url;

use crate::api::{Api, PAGE};
use crate::wire::{AdditionalComment, RequestAttach, RequestComment, RequestCommentPage, TemporaryFiles};

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

/// For whom the portal shows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried<'p> {
    /// Whether a public comment carries the file.
    pub(crate) public: bool,
    /// The marker of the comment that carries it, if we wrote that.
    pub(crate) marker: Option<&'p str>,
}

impl Portal {
    /// What is known of a comment.
    pub(crate) fn comment(&self, id: &str) -> Option<&RequestComment> {
        match self {
            Self::Shown(comments) => comments.get(id),
            Self::None | Self::NotShown => None,
        }
    }

    /// What is known of a file.
    pub(crate) fn file(&self, id: &str) -> Option<Carried<'_>> {
        let Self::Shown(comments) = self else { return None };
        let mut carried = None;
        for comment in comments.values().filter(|comment| files(comment).any(|file| file == id)) {
            let known = carried.get_or_insert(Carried { public: false, marker: None });
            known.public |= comment.public == Some(true);
            known.marker = known.marker.or_else(|| carrier(comment));
        }
        carried
    }
}

/// The marker of a comment that only carries a file of ours.
pub(crate) fn carrier(comment: &RequestComment) -> Option<&str> {
    files(comment).next()?;
    let mut lines = comment.body.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let marker = Marker::find_in(first).filter(|marker| marker.as_str() == first)?;
    // What Service Management adds below shows the files.
    let only_files = lines.all(|line| line.starts_with('!') || line.starts_with("[^"));
    (only_files && marker.as_str() == first).then_some(first)
}

/// The ids of a comment's files, which stand in their addresses only.
fn files(comment: &RequestComment) -> impl Iterator<Item = &str> {
    let files = comment.attachments.iter().flat_map(|page| &page.values);
    files.filter_map(|file| file.links.values().find_map(|link| attachment_id(link.as_str()?)))
}

/// The id in `…/rest/api/2/attachment/10001` or `…/secure/attachment/10001/name.png`.
fn attachment_id(address: &str) -> Option<&str> {
    let mut segments = address.split(['?', '#']).next()?.split('/');
    segments.find(|segment| *segment == "attachment")?;
    segments
        .find(|segment| *segment != "content")
        .filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

impl Api<'_> {
    /// What the portal shows of an issue.
    pub(crate) async fn portal(&self, id: &str) -> Result<Portal> {
        const MAX_PAGES: usize = 400;
        if !self.config.service_desk {
            return Ok(Portal::None);
        }
        let mut comments = BTreeMap::new();
        for _ in 0..MAX_PAGES {
            let query = [
                ("start", comments.len().to_string()),
                ("limit", PAGE.to_string()),
                ("expand", "attachment".to_owned()),
            ];
            let page: Result<RequestCommentPage> =
                self.get_from(self.desk(&["request", id, "comment"]), &query).await;
            let page = match page {
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
        let url = self.desk(&["servicedesk", &self.config.project, "attachTemporaryFile"]);
        let stored: TemporaryFiles = self.upload(url, form).await?.json(&Method::POST)?;
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
        let answer = self.write_to(Method::POST, self.desk(&["request", id, "attachment"]), &attach).await;
        // Its body is not needed: the ticket is read back.
        answer.map(drop).map_err(|error| error.with_context("issue", id))
    }

    fn desk(&self, path: &[&str]) -> Url {
        join(&join(&self.config.url, &["rest", "servicedeskapi"]), path)
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
mod tests {
    use serde_json::json;

    use super::*;

    fn comment(body: &str, public: bool, address: &str) -> RequestComment {
        serde_json::from_value(json!({
            "id": 7, "body": body, "public": public,
            "attachments": {"values": [{"filename": "a.png", "_links": {"x": null, "content": address}}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_file_is_known_by_the_id_in_its_address() {
        for address in [
            "https://jira.example/jira/rest/api/2/attachment/10001",
            "https://jira.example/secure/attachment/10001/a%20b.png?x=/attachment/7",
            "https://jira.example/rest/api/3/attachment/content/10001",
        ] {
            assert_eq!(attachment_id(address), Some("10001"), "{address}");
        }
        assert_eq!(attachment_id("https://jira.example/attachment/evil/1"), None);
    }

    #[test]
    fn a_comment_that_only_carries_a_file_is_told_from_one_that_says_something() {
        let marker = Marker::from_hash(&[7; 32]);
        let address = "https://jira.example/secure/attachment/1/a.png";
        for (body, carries) in [
            (format!("{marker}"), true),
            (format!("{marker}\n\n!a.png|thumbnail!\n[^b.txt]\n"), true),
            (format!("{marker}\nLook at this"), false),
            (format!("see {marker}"), false),
            (String::new(), false),
        ] {
            assert_eq!(carrier(&comment(&body, true, address)).is_some(), carries, "{body:?}");
        }
    }

    #[test]
    fn one_public_comment_shows_a_file() {
        let address = "https://jira.example/secure/attachment/1/a.png";
        let shown = |public: &[bool]| {
            let all = public.iter().enumerate();
            let all = all.map(|(at, public)| (at.to_string(), comment("x", *public, address))).collect();
            Portal::Shown(all).file("1").map(|file| file.public)
        };
        assert_eq!(shown(&[false]), Some(false));
        assert_eq!(shown(&[false, true, false]), Some(true));
        assert_eq!(shown(&[]), None);
    }
}
