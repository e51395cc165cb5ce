//! Agreements: brought to what the settings want, each step told to the partner first and recorded once it took it.
//!
//! An agreement goes one way: its sender shares tickets by it, and both work on them. So there is one that we send, if
//! `invite` says so, and those that the partner sends, of which `invitations` says what becomes.

use serde_json::{Value, json};
use throughline_sdk::{Class, Error, ErrorKind, Result, TookEffect};

use crate::config::Invitations;
use crate::connector::Both;
use crate::map;
use crate::own::Agreement;
use crate::wire::AgreementChange;

/// The agreement by which we share tickets.
///
/// # Errors
///
/// [`ErrorKind::Unavailable`] while the partner has not decided: its answer is waited for.
/// [`ErrorKind::Forbidden`] once it declined or deactivated.
pub(crate) async fn by_which_we_share(both: Both<'_>) -> Result<Agreement> {
    let sent: Vec<Agreement> = both.own.agreements().await?.into_iter().filter(|one| one.sent).collect();
    if let Some(accepted) = sent.iter().find(|one| one.status == "accepted") {
        return Ok(accepted.clone());
    }
    let Some(last) = sent.into_iter().last() else {
        return Err(match both.config.invite {
            true => Error::new(ErrorKind::Unavailable, "the partner has not been invited yet"),
            false => Error::new(
                ErrorKind::Misconfigured,
                "the partner is not invited to take our tickets; set invite to true",
            ),
        });
    };
    in_force(&last).map(|()| last)
}

/// Whether tickets may be worked on by this agreement.
pub(crate) fn in_force(agreement: &Agreement) -> Result<()> {
    let error = match agreement.status.as_str() {
        "accepted" => return Ok(()),
        "pending" => Error::new(ErrorKind::Unavailable, "the sharing agreement has not been accepted yet"),
        "declined" => Error::new(ErrorKind::Forbidden, "the partner declined the sharing agreement"),
        other => {
            let by = agreement.deactivated_by.as_deref().unwrap_or("somebody");
            Error::new(ErrorKind::Forbidden, format!("the sharing agreement is {other}, by its {by}"))
        }
    };
    Err(error.with_context("agreement", &agreement.uuid))
}

/// Takes the next step of each agreement. What the partner does not take now is tried again at the next look, and keeps
/// nobody from reading what it pushed.
pub(crate) async fn settle(both: Both<'_>) {
    let standing = match both.own.agreements().await {
        Ok(standing) => standing,
        Err(error) => {
            tracing::info!(%error, "The sharing agreements cannot be read.");
            return;
        }
    };
    if let Err(error) = settle_ours(both, standing.iter().rfind(|one| one.sent)).await {
        not_taken(&error);
    }
    for invitation in standing.iter().filter(|one| !one.sent) {
        if let Err(error) = settle_theirs(both, invitation).await {
            not_taken(&error);
        }
    }
}

/// A partner that is down comes back; one that refuses needs somebody to look.
fn not_taken(error: &Error) {
    if error.class() == Class::Transient {
        tracing::info!(%error, "A step of a sharing agreement waits for the partner.");
    } else {
        tracing::warn!(%error, "The partner refused a step of a sharing agreement; it is tried again.");
    }
}

async fn settle_ours(both: Both<'_>, ours: Option<&Agreement>) -> Result<()> {
    let by_us = |one: &Agreement| one.deactivated_by.as_deref() == Some("sender");
    match (both.config.invite, ours) {
        (true, None) => {
            let drawn_up = both.own.draw_up(&both.config.name, both.config.terms).await?;
            let uuid = drawn_up.get("uuid").and_then(Value::as_str).unwrap_or_default();
            invite(both, uuid, &drawn_up).await
        }
        (true, Some(one)) if one.status == "pending" && !one.told => {
            let drawn_up = both.own.drawn_up(&one.uuid).await?;
            invite(both, &one.uuid, &drawn_up).await
        }
        (true, Some(one)) if one.status == "inactive" && by_us(one) => amend(both, one, "accepted", "").await,
        (false, Some(one)) if matches!(one.status.as_str(), "accepted" | "pending") && one.told => {
            amend(both, one, "inactive", "sender").await
        }
        // It was never told, or was declined: the next invitation is another one.
        (false, Some(one)) if one.status != "inactive" => both.own.forget(&one.uuid).await,
        (true | false, _) => Ok(()),
    }
}

async fn invite(both: Both<'_>, uuid: &str, drawn_up: &Value) -> Result<()> {
    both.partner.invite(uuid, drawn_up).await?;
    tracing::info!(agreement = uuid, "The partner has our invitation to share tickets.");
    both.own.amend(uuid, &json!({ "told": true })).await
}

async fn settle_theirs(both: Both<'_>, invitation: &Agreement) -> Result<()> {
    let by_us = invitation.deactivated_by.as_deref() == Some("receiver");
    match (both.config.invitations, invitation.status.as_str()) {
        (Invitations::Accept, "pending") => decide(both, invitation, "accepted").await,
        (Invitations::Accept, "inactive") if by_us => amend(both, invitation, "accepted", "").await,
        (Invitations::Decline, "pending") => decide(both, invitation, "declined").await,
        (Invitations::Decline, "accepted") => amend(both, invitation, "inactive", "receiver").await,
        _ => Ok(()),
    }
}

/// Anybody can send an invitation in the partner's name. The partner itself knows whether it did: one that it does not
/// take our answer to is forgotten.
async fn decide(both: Both<'_>, invitation: &Agreement, status: &'static str) -> Result<()> {
    let told = both.partner.amend(&change(both, invitation, status, None)).await;
    match told {
        Ok(()) => both.own.amend(&invitation.uuid, &json!({ "status": status, "told": true })).await,
        Err(error) if error.took_effect() == TookEffect::No && error.kind() != ErrorKind::RateLimited => {
            tracing::warn!(agreement = %invitation.uuid, %error, "An invitation that the partner does not know is forgotten.");
            both.own.forget(&invitation.uuid).await
        }
        Err(error) => Err(error),
    }
}

async fn amend(both: Both<'_>, one: &Agreement, status: &'static str, by: &'static str) -> Result<()> {
    both.partner.amend(&change(both, one, status, Some(by))).await?;
    let by = if by.is_empty() { Value::Null } else { json!(by) };
    both.own.amend(&one.uuid, &json!({ "status": status, "deactivated_by": by })).await
}

fn change(
    both: Both<'_>,
    one: &Agreement,
    status: &'static str,
    deactivated_by: Option<&'static str>,
) -> AgreementChange {
    let (uuid, current_actor) = (one.uuid.clone(), map::actor(both.config));
    AgreementChange { uuid, status, deactivated_by, current_actor }
}
