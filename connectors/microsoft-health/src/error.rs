//! Where Graph departs from the common table of statuses: nowhere but in its words, which are kept.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 3xx | `Misconfigured` | nobody follows a redirect with a token; the setting `url` has to name the final address |
//!
//! <https://learn.microsoft.com/graph/errors>

use http::Method;
use throughline_sdk::http::Response;
use throughline_sdk::{ErrorKind, Result};

use crate::wire::Refusal;

/// How much of Microsoft's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer to a reading if it is success, else the error it stands for.
pub(crate) fn check(response: Response) -> Result<Response> {
    let status = response.status.as_u16();
    if response.status.is_redirection() {
        let message = "Microsoft Graph redirects; set url to the address it redirects to";
        return Err(response.error(ErrorKind::Misconfigured, &Method::GET, message));
    }
    let Some(kind) = ErrorKind::from_status(status) else { return Ok(response) };
    let fault =
        serde_json::from_slice::<Refusal>(&response.body).map(|refusal| refusal.error).unwrap_or_default();
    let said: Vec<String> =
        [fault.code, fault.message].into_iter().flatten().filter(|one| !one.is_empty()).collect();
    let said: String = said.join(": ").chars().take(MAX_WORDS).collect();
    let words = if said.is_empty() { String::new() } else { format!(": {said}") };
    Err(response.error(kind, &Method::GET, format!("Microsoft Graph answered {status}{words}")))
}
