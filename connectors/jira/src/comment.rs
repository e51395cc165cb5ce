//! Comments: for whom they are is said in each write and checked afterwards.

use serde_json::json;
use throughline_sdk::{CommentId, Effect, Error, ErrorKind, Marker, Result, Subject, TookEffect, Visibility};

use crate::api::{Api, Extent, number};
use crate::config::Circle;
use crate::error::not_done;
use crate::map::{MARKER, PORTAL, Whole};
use crate::wire::{self, CommentWrite, Property};
use crate::write::read_back;
use crate::{map, text};

/// Adds a comment that bears the marker in a property, which nobody sees.
pub(crate) async fn add(
    api: Api<'_>,
    id: &str,
    body: &str,
    visibility: Visibility,
    marker: &Marker,
) -> Result<Effect> {
    let internal = match visibility {
        Visibility::Public => false,
        Visibility::Internal => true,
        Visibility::Unknown => {
            return Err(Error::new(ErrorKind::Unsupported, "a comment is public or internal, nothing else")
                .with_context("issue", id));
        }
    };
    let mut properties = vec![Property { key: MARKER.to_owned(), value: json!({ "marker": marker }) }];
    let mut restricted = None;
    if api.config.service_desk {
        properties.push(Property { key: PORTAL.to_owned(), value: json!({ "internal": internal }) });
    } else if internal {
        restricted = Some(match &api.config.internal {
            Some(Circle::Role(role)) => json!({ "type": "role", "value": role }),
            Some(Circle::Group(group)) => json!({ "type": "group", "value": group }),
            None => {
                let message = "internal comments need service_desk, internal_role or internal_group";
                return Err(Error::new(ErrorKind::Unsupported, message).with_context("issue", id));
            }
        });
    }
    let write =
        CommentWrite { body: text::write(api.config.edition, body), visibility: restricted, properties };
    let made = api.comment(id, &write).await?.id;
    let after = read_back(api, id).await?;
    let Some(comment) = after.comments.iter().find(|comment| comment.id == made) else {
        return Err(not_done(&["the comment".to_owned()], TookEffect::No).with_context("issue", id));
    };
    let seen = map::visibility(comment, &after.portal);
    if seen != visibility {
        // An account without an agent's licence makes internal comments public: no customer is to read it longer than
        // until now.
        api.delete_comment(id, &made).await.map_err(Error::with_unknown_effect)?;
        let message = format!(
            "Jira made a comment {seen:?} that was to be {visibility:?}, so it was deleted; check the account's licence \
             and role"
        );
        return Err(Error::new(ErrorKind::Rejected, message).with_context("issue", id));
    }
    Ok(effect(api, CommentId::new(made), &after))
}

/// Replaces the text of a comment.
///
/// Jira takes a comment that is written without its restriction for one that has none, so what stood there is sent again.
pub(crate) async fn edit(api: Api<'_>, id: &str, comment: &CommentId, body: &str) -> Result<Effect> {
    let before = api.whole(id, Extent::Reading).await?;
    let known = number(comment.as_str(), "a comment")?;
    let was = shown(&before, known).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, "the comment is no longer there")
            .with_context("issue", id)
            .with_context("comment", comment)
    })?;
    let write = CommentWrite {
        body: text::write(api.config.edition, body),
        visibility: was.visibility.clone(),
        properties: was.properties.clone(),
    };
    api.edit_comment(id, known, &write).await?;
    let after = read_back(api, id).await?;
    let wanted = (text::through(api.config.edition, body), map::visibility(was, &before.portal));
    let stands = shown(&after, known).map(|one| (text::read(&one.body), map::visibility(one, &after.portal)));
    match stands {
        Some(stands) if stands == wanted => Ok(effect(api, comment.clone(), &after)),
        Some((_, visibility)) if visibility != wanted.1 => {
            Err(not_done(&["for whom the comment is".to_owned()], TookEffect::Unknown)
                .with_context("issue", id)
                .with_context("comment", comment))
        }
        Some(_) | None => Err(not_done(&["the comment's text".to_owned()], TookEffect::No)
            .with_context("issue", id)
            .with_context("comment", comment)),
    }
}

/// Deletes a comment; one that is gone already is well.
pub(crate) async fn retract(api: Api<'_>, id: &str, comment: &CommentId) -> Result<Effect> {
    let known = number(comment.as_str(), "a comment")?;
    let before = api.whole(id, Extent::Reading).await?;
    if shown(&before, known).is_none() {
        return Ok(effect(api, comment.clone(), &before));
    }
    api.delete_comment(id, known).await?;
    let after = read_back(api, id).await?;
    if shown(&after, known).is_none() {
        return Ok(effect(api, comment.clone(), &after));
    }
    Err(not_done(&["the comment".to_owned()], TookEffect::No)
        .with_context("issue", id)
        .with_context("comment", comment))
}

fn shown<'w>(whole: &'w Whole, comment: &str) -> Option<&'w wire::Comment> {
    whole.comments.iter().find(|one| one.id == comment)
}

fn effect(api: Api<'_>, comment: CommentId, whole: &Whole) -> Effect {
    Effect::of(Subject::Comment(comment)).seen_in(map::ticket(whole, api.config))
}
