//! The desk's refusals in its own words; it keeps to the common status table without exception.

use ::http::Method;
use throughline_sdk::http::Response;
use throughline_sdk::{ErrorKind, Result};

use crate::wire;

/// The answer if its status says success, else an error with the desk's words.
pub(crate) fn checked(answer: Response, method: &Method, doing: &'static str) -> Result<Response> {
    let Some(kind) = ErrorKind::from_status(answer.status.as_u16()) else {
        return Ok(answer);
    };
    let words = answer.json::<wire::Problem>(&Method::GET).map(|problem| problem.error);
    let words = words.unwrap_or_else(|_| format!("it answered {}", answer.status));
    Err(answer.error(kind, method, format!("the desk did not {doing}: {words}")))
}
