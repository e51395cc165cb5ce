//! Where Partner Center departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 3xx | `Misconfigured` | nobody follows a redirect with a token |
//! | 406 | `Misconfigured` | only the setting `locale` is negotiated ([headers]) |
//!
//! The words of a refusal, `{"code", "description"}`, are kept ([error codes]).
//!
//! [headers]: https://learn.microsoft.com/partner-center/developer/headers
//! [error codes]: https://learn.microsoft.com/partner-center/developer/error-codes

use http::{Method, StatusCode};
use throughline_sdk::http::Response;
use throughline_sdk::{ErrorKind, Result};

use crate::wire::Refusal;

/// How much of Partner Center's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    let status = response.status;
    if status.is_redirection() {
        let message = "Partner Center redirects; set url to the address it redirects to";
        return Err(response.error(ErrorKind::Misconfigured, method, message));
    }
    let Some(kind) = ErrorKind::from_status(status.as_u16()) else { return Ok(response) };
    let kind = if status == StatusCode::NOT_ACCEPTABLE { ErrorKind::Misconfigured } else { kind };
    let Refusal { code, description } = serde_json::from_slice(&response.body).unwrap_or_default();
    // The code is a text by the documentation, and a number in some answers.
    let code = code.filter(|code| !code.is_null());
    let code = code.map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned));
    let said: Vec<String> = [code, description].into_iter().flatten().filter(|one| !one.is_empty()).collect();
    let said: String = said.join(": ").chars().take(MAX_WORDS).collect();
    let words = if said.is_empty() { String::new() } else { format!(": {said}") };
    Err(response.error(kind, method, format!("Partner Center answered {}{words}", status.as_u16())))
}
