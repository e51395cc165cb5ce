//! Taking back a comment: Zendesk deletes none, it blackens what stands between `<redact>` tags.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/#redact-ticket-comment-in-agent-workspace>

use throughline_sdk::{CommentId, Effect, Error, ErrorKind, Result, Subject, TookEffect};

use crate::api::{Api, number};
use crate::error::not_done;
use crate::wire::RedactionBody;
use crate::{map, read};

/// Elements that show something by themselves and are redacted as a whole.
const ELEMENTS: [&str; 2] = ["a", "img"];

/// Blackens a comment of ours, and empties its files.
pub(crate) async fn comment(api: Api<'_>, ticket: u64, id: &CommentId) -> Result<Effect> {
    let about =
        |error: Error| error.with_context("ticket", ticket).with_context("comment", id.as_str().to_owned());
    let wanted = number(id.as_str(), "a comment").map_err(about)?;
    let before = read::parts(api, ticket).await?;
    let found = before.comments.iter().find(|comment| comment.id == wanted);
    let found = found.ok_or_else(|| {
        about(Error::new(ErrorKind::NotFound, "the comment is not in this ticket any more"))
    })?;
    if map::mark(&before, found).is_none() {
        // It would be gone for good, and it is somebody else's.
        return Err(about(Error::new(ErrorKind::Rejected, "only a comment that we wrote is taken back")));
    }
    let subject = Subject::Comment(id.clone());
    if map::is_redacted(&map::comment_text(found)) {
        return Ok(Effect::of(subject).seen_in(map::ticket(&before, api.config)));
    }
    let html = found.html_body.as_deref().or(found.body.as_deref()).unwrap_or_default();
    let body = RedactionBody {
        ticket_id: ticket,
        html_body: all(html),
        external_attachment_urls: found
            .attachments
            .iter()
            .filter_map(|file| file.content_url.clone())
            .collect(),
    };
    api.redact(wanted, &body).await.map_err(about)?;
    let after = read::parts(api, ticket).await.map_err(Error::with_unknown_effect)?;
    let left = after.comments.iter().find(|comment| comment.id == wanted).map(map::comment_text);
    if left.is_none_or(|text| map::is_redacted(&text)) {
        Ok(Effect::of(subject).seen_in(map::ticket(&after, api.config)))
    } else {
        Err(about(not_done(&["the comment's text".to_owned()], TookEffect::Unknown)))
    }
}

/// HTML in which everything that can be seen is marked to be redacted.
fn all(html: &str) -> String {
    let mut out = String::with_capacity(html.len().saturating_mul(2));
    let mut rest = html;
    while !rest.is_empty() {
        let (text, from) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        if text.trim().is_empty() {
            out.push_str(text);
        } else {
            out.push_str("<redact>");
            out.push_str(text);
            out.push_str("</redact>");
        }
        let (tag, after) = from.split_at(from.find('>').map_or(from.len(), |at| at.saturating_add(1)));
        out.push_str(&marked(tag));
        rest = after;
    }
    out
}

/// A start tag with the attribute that redacts it.
fn marked(tag: &str) -> String {
    let name: String = tag.trim_start_matches('<').chars().take_while(char::is_ascii_alphanumeric).collect();
    let inner = tag.strip_suffix('>').unwrap_or(tag);
    if !ELEMENTS.contains(&name.to_lowercase().as_str()) {
        return tag.to_owned();
    }
    match inner.strip_suffix('/') {
        Some(inner) => format!("{} redact/>", inner.trim_end()),
        None => format!("{inner} redact>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_seen_is_marked() {
        for (html, expected) in [
            ("not meant", "<redact>not meant</redact>"),
            (
                "<div class=\"zd-comment\"><p>a <b>b</b> </p>\n<br>c</div>",
                "<div class=\"zd-comment\"><p><redact>a </redact><b><redact>b</redact></b> </p>\n<br>\
                 <redact>c</redact></div>",
            ),
            (
                "<a href=\"https://x.example\">y</a><img src=\"z\" />",
                "<a href=\"https://x.example\" redact><redact>y</redact></a><img src=\"z\" redact/>",
            ),
            ("1 < 2", "<redact>1 </redact>< 2"),
            ("", ""),
        ] {
            assert_eq!(all(html), expected);
        }
    }
}
