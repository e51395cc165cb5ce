//! A desk's refusals in its own words, and where the standard departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 409 to a change of status that nobody else made | `Rejected` | the standard has neither 412 nor 422: 409 stands for a step that the lifecycle does not have as well ([TMF621 v5.0.1], responses of `PATCH`) |
//! | 3xx | `Misconfigured` | nobody follows a redirect with a credential |
//!
//! The first row is decided by the connector, which reads the ticket once more to tell the two apart.
//!
//! [TMF621 v5.0.1]: https://github.com/tmforum-apis/TMF621_TroubleTicket

use http::Method;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::wire::Refusal;

/// How much of the desk's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if its status says success, else an error with the desk's words.
pub(crate) fn check(answer: Response, method: &Method, doing: &'static str) -> Result<Response> {
    if answer.status.is_redirection() {
        let why = "the desk redirects; set url to the address it redirects to";
        return Err(answer.error(ErrorKind::Misconfigured, method, why));
    }
    let Some(kind) = ErrorKind::from_status(answer.status.as_u16()) else { return Ok(answer) };
    let refusal = answer.json::<Refusal>(&Method::GET).unwrap_or_default();
    let words: Vec<String> = [refusal.code, refusal.reason, refusal.message]
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect();
    let words = match words.is_empty() {
        true => format!("it answered {}", answer.status),
        false => words.join(": ").chars().take(MAX_WORDS).collect(),
    };
    Err(answer.error(kind, method, format!("the desk did not {doing}: {words}")))
}

/// The desk accepted a write and did not do it.
pub(crate) fn not_done(what: &str, effect: TookEffect) -> Error {
    let message = format!("the desk reported success and left {what} as it was");
    Error::new(ErrorKind::Rejected, message).with_effect(effect)
}
