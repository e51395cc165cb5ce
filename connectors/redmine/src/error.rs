//! Where Redmine departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 302 to `/login` | `Unauthenticated` | pages outside the API send strangers to the login form ([`AttachmentsController`]) |
//! | other 3xx | `Misconfigured` | nobody follows a redirect with a key; the setting `url` has to name the final address |
//! | 422, no reasons, on `PUT` | `Conflict` | a stale write is refused without a word ([`IssuesController#update`]) |
//! | 422 with reasons | `Rejected` | Redmine's words are kept ([REST API, validation errors]) |
//! | 403 for one issue | `NotFound` | Redmine says so of an issue that moved out of our sight ([`ApplicationController#authorize`]) |
//!
//! The last row is decided by the connector, which first asks whether the key still works at all.
//!
//! [`AttachmentsController`]: https://github.com/redmine/redmine/blob/5.0-stable/app/controllers/attachments_controller.rb
//! [`IssuesController#update`]: https://github.com/redmine/redmine/blob/5.0-stable/app/controllers/issues_controller.rb
//! [`ApplicationController#authorize`]: https://github.com/redmine/redmine/blob/5.0-stable/app/controllers/application_controller.rb
//! [REST API, validation errors]: https://www.redmine.org/projects/redmine/wiki/Rest_api#Validation-errors

use http::{Method, StatusCode, header};
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::wire::Refusal;

/// How much of Redmine's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    if response.status.is_redirection() {
        return Err(redirected(&response));
    }
    if response.status != StatusCode::UNPROCESSABLE_ENTITY {
        return response.success(method);
    }
    let words = serde_json::from_slice::<Refusal>(&response.body).map(|refusal| refusal.errors);
    Err(match words {
        Ok(words) if words.is_empty() && *method == Method::PUT => {
            response.error(ErrorKind::Conflict, method, "somebody else changed the issue at the same moment")
        }
        Ok(words) if words.is_empty() => {
            response.error(ErrorKind::Rejected, method, "Redmine refused without saying why")
        }
        Ok(words) => {
            let words: String = words.join("; ").chars().take(MAX_WORDS).collect();
            response.error(ErrorKind::Rejected, method, format!("Redmine refused: {words}"))
        }
        Err(_) => response.error(ErrorKind::Rejected, method, "Redmine refused without saying why"),
    })
}

/// Redmine accepted a write and did not do it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "Redmine accepted the write and left unchanged: {}; check the account's permissions and the workflow",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

fn redirected(response: &Response) -> Error {
    let to_login =
        response.headers.get(header::LOCATION).and_then(|location| location.to_str().ok()).is_some_and(
            |location| location.split(['?', '#']).next().is_some_and(|path| path.ends_with("/login")),
        );
    if to_login {
        Error::new(ErrorKind::Unauthenticated, "Redmine sent the request to its login form")
    } else {
        Error::new(ErrorKind::Misconfigured, "Redmine redirects; set url to the address it redirects to")
    }
}
