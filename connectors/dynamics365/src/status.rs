//! The way to a status: cases are resolved by an action of their own, and go from one closed status to another only
//! through an active one.

use serde_json::json;
use throughline_sdk::{Error, ErrorKind, Result, Version};

use crate::api::{Api, Set};
use crate::choice::{self, MERGED};
use crate::error::not_done;
use crate::map;
use crate::read::{self, Case};
use crate::wire::Choice;

const ACTIVE: i64 = 0;
const RESOLVED: i64 = 1;

/// Brings a case to the status with this label.
pub(crate) async fn bring(api: Api<'_>, case: Case, word: &str, expected: Option<&Version>) -> Result<Case> {
    let statuses = choice::statuses(api).await?;
    let target = choice::find(&statuses, word, "status")?;
    let about = |error: Error| error.with_context("case", case.id);
    if target.value == MERGED {
        let message = "a case becomes merged only by merging it, which is left to people";
        return Err(about(Error::new(ErrorKind::Rejected, message)));
    }
    let stands = case.row.number("statuscode");
    if stands == Some(target.value) {
        return Ok(case);
    }
    if stands == Some(MERGED) {
        let message = "a merged case has no status of its own any more";
        return Err(about(Error::new(ErrorKind::Rejected, message)));
    }
    let condition = expected.map_or(case.row.etag(), map::condition).to_owned();
    let (closed, closing) = (case.row.number("statecode") != Some(ACTIVE), target.state != Some(ACTIVE));
    if !(closed && closing) {
        return step(api, &case, target, &condition).await;
    }
    // Active in between, in the first status there is.
    let between = statuses.iter().find(|status| status.state == Some(ACTIVE)).ok_or_else(|| {
        about(Error::new(ErrorKind::Malformed, "the organization describes no active status of a case"))
    })?;
    let reopened = step(api, &case, between, &condition).await?;
    let condition = reopened.row.etag().to_owned();
    step(api, &reopened, target, &condition).await.map_err(|error| {
        // It is active now. Where somebody was faster, it is read again and whatever stands there decides.
        let error = error.with_context("status now", &reopened.ticket.status);
        if error.kind() == ErrorKind::Conflict { error } else { error.with_unknown_effect() }
    })
}

async fn step(api: Api<'_>, case: &Case, target: &Choice, condition: &str) -> Result<Case> {
    if target.state == Some(RESOLVED) {
        api.close(&case.row, case.id, target.value, Some(condition)).await?;
    } else {
        let columns = match target.state {
            Some(state) if case.row.number("statecode") != Some(state) => {
                json!({ "statecode": state, "statuscode": target.value })
            }
            Some(_) | None => json!({ "statuscode": target.value }),
        };
        api.update(Set::Cases, case.id, condition, &columns).await?;
    }
    let after = read::back(api, case.id).await?;
    if after.row.number("statuscode") == Some(target.value) {
        return Ok(after);
    }
    // Undone in the same breath, or by somebody else since: as it was, or as nobody here asked for.
    let effect = match after.row.number("statuscode") == case.row.number("statuscode") {
        true => throughline_sdk::TookEffect::No,
        false => throughline_sdk::TookEffect::Unknown,
    };
    Err(not_done(&["status".to_owned()], effect).with_context("case", case.id))
}
