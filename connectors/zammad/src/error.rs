//! Where Zammad departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 3xx | `Misconfigured` | nobody follows a redirect with a token; the setting `url` has to name the desk itself |
//! | 403 in maintenance | `Unavailable` | Zammad turns everybody but administrators away for a while ([Maintenance]) |
//! | 403 for one ticket | `NotFound` | Zammad says so where our groups may not see it; the token is asked about first ([Groups]) |
//!
//! Of its own faults Zammad tells an agent no more than `Error ID …: Please contact your administrator.`; that is kept.
//!
//! [Maintenance]: https://admin-docs.zammad.org/en/latest/system/maintenance.html
//! [Groups]: https://docs.zammad.org/en/latest/api/ticket/index.html

use http::{Method, StatusCode};
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::wire::Refusal;

/// How much of Zammad's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    let Some(kind) = ErrorKind::from_status(response.status.as_u16()) else {
        return response.success(method);
    };
    let said =
        serde_json::from_slice::<Refusal>(&response.body).map(|refusal| words(&refusal)).unwrap_or_default();
    let away = response.status == StatusCode::FORBIDDEN && said.starts_with("Maintenance mode");
    let kind = if away { ErrorKind::Unavailable } else { kind };
    let words = match said.is_empty() {
        true => format!("Zammad answered {}", response.status),
        false => format!("Zammad answered {}: {said}", response.status),
    };
    Err(response.error(kind, method, words))
}

/// Zammad accepted a write and did not do it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "Zammad accepted the write and left unchanged: {}; check the account's groups, core workflows and triggers",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

fn words(refusal: &Refusal) -> String {
    let said =
        refusal.error_human.as_ref().or(refusal.error.as_ref()).map(String::as_str).unwrap_or_default();
    said.trim().chars().filter(|letter| !letter.is_control()).take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn fault(status: u16, body: &'static str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let response =
            Response { status, headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) };
        check(response, &Method::PUT).unwrap_err()
    }

    #[test]
    fn zammad_is_quoted() {
        let error = fault(422, r#"{"error":"Missing required value for field 'site'!"}"#);
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
        assert_eq!(
            error.message(),
            "Zammad answered 422 Unprocessable Entity: Missing required value for field 'site'!"
        );
        assert_eq!(fault(404, "<html>").message(), "Zammad answered 404 Not Found");
    }

    #[test]
    fn maintenance_passes_and_a_lack_of_permission_does_not() {
        let error = fault(403, r#"{"error":"Maintenance mode enabled!"}"#);
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::No));
        assert_eq!(fault(403, r#"{"error":"Not authorized"}"#).kind(), ErrorKind::Forbidden);
    }
}
