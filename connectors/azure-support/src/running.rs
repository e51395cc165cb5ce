//! Operations that Azure accepts first and carries out later: followed to their end, within the call's deadline.
//!
//! `Azure-AsyncOperation` names where the operation's status is told; where it is missing, `Location` answers 202 until
//! the operation is over (<https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations>).

use std::time::Duration;

use http::{Method, StatusCode, header};
use throughline_sdk::http::Response;
use throughline_sdk::{Class, Error, ErrorKind, Result};
use url::Url;

use crate::api::Api;
use crate::error;
use crate::wire::OperationStatus;

/// How long to wait between two looks where Azure does not say: creating takes some ten seconds.
const UNSTATED_WAIT: Duration = Duration::from_secs(3);
const ASYNC_OPERATION: &str = "azure-asyncoperation";

/// Follows an accepted operation to its end.
///
/// # Errors
///
/// Its own failure, which had no effect. Anything else may have had one: the deadline, or a status that cannot be read.
pub(crate) async fn follow(api: Api<'_>, accepted: &Response) -> Result<()> {
    let named = |name: &str| {
        let text = accepted.headers.get(name)?.to_str().ok()?;
        Url::parse(text).ok()
    };
    let (url, by_status) = match (named(ASYNC_OPERATION), named(header::LOCATION.as_str())) {
        (Some(url), _) => (url, true),
        (None, Some(url)) => (url, false),
        (None, None) => {
            let message = "Azure accepted it and does not say where to follow it";
            return Err(Error::new(ErrorKind::Unavailable, message).with_unknown_effect());
        }
    };
    let mut wait = accepted.retry_after();
    loop {
        pause(api, wait.unwrap_or(UNSTATED_WAIT)).await?;
        let answer = match api.raw(url.clone()).await {
            Ok(answer) => answer,
            // Only the look failed. The operation goes on, and there may be time for another look.
            Err(error) if matches!(error.class(), Class::Transient | Class::Wait) => {
                wait = error.retry_after();
                continue;
            }
            Err(error) => return Err(error.with_unknown_effect()),
        };
        wait = answer.retry_after();
        let running = if by_status { runs(&answer)? } else { answer.status == StatusCode::ACCEPTED };
        if !running {
            return Ok(());
        }
    }
}

/// Waits, if that ends before the deadline.
pub(crate) async fn pause(api: Api<'_>, wait: Duration) -> Result<()> {
    let clock = &api.ctx.clock;
    if clock.monotonic().saturating_add(wait) >= api.ctx.deadline {
        let message = "Azure was still at it when the time for the call was over; a longer timeout may help";
        return Err(Error::new(ErrorKind::Unavailable, message).with_unknown_effect());
    }
    clock.sleep(wait).await;
    Ok(())
}

fn runs(answer: &Response) -> Result<bool> {
    let told: OperationStatus = answer.json(&Method::GET).map_err(Error::with_unknown_effect)?;
    match told.status.to_ascii_lowercase().as_str() {
        "succeeded" => Ok(false),
        "failed" | "canceled" | "cancelled" => {
            Err(error::ended(&told.status, &told.error.unwrap_or_default()))
        }
        // Whatever else a provider calls it, it is not over.
        _ => Ok(true),
    }
}
