//! Where Azure departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 404 `SubscriptionNotFound`, 400 `InvalidSubscriptionId` | `Misconfigured` | no ticket is gone: the setting is wrong, or the account sees nothing there ([common errors]) |
//! | 404 `InvalidResourceType`, 400 `NoRegisteredProviderFound`, `InvalidApiVersionParameter`, 409 `MissingSubscriptionRegistration` | `Misconfigured` | the subscription does not know the interface or its version ([common errors]) |
//! | 409 `ReadOnlyDisabledSubscription`, `SubscriptionDisabled` | `Forbidden` | reading again does not help ([disabled subscriptions]) |
//! | 400 with a code, when one ticket is read | `NotFound` | after 18 months "a request for data might cause an error" ([reading a ticket]) |
//! | operation `Failed` | `Rejected`, or `Unavailable` for the codes of an outage | a creation is refused after it was accepted ([asynchronous operations]) |
//!
//! A refusal's words are kept. The body is `{"error": {"code", "message"}}` from the Resource Manager, and also
//! `{"Error": {"Code", "Message"}}` from Microsoft.Support behind it, as [recorded answers] show.
//!
//! [common errors]: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
//! [disabled subscriptions]: https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-states
//! [asynchronous operations]: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
//! [reading a ticket]: https://learn.microsoft.com/rest/api/support/support-tickets/get
//! [recorded answers]: https://github.com/Azure/azure-cli-extensions/tree/main/src/support/azext_support/tests/latest/recordings

use http::{Method, StatusCode};
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result};

use crate::wire::{Fault, Refusal};

/// How much of Azure's own words goes into an error.
const MAX_WORDS: usize = 500;

/// What is left of the allowance, which a refusal for its sake should tell.
/// <https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>
const REMAINING: [&str; 4] = [
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-ratelimit-remaining-subscription-writes",
    "x-ms-ratelimit-remaining-tenant-reads",
    "x-ms-ratelimit-remaining-tenant-writes",
];

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    let status = response.status.as_u16();
    if response.status.is_redirection() {
        let message = "Azure redirects; set url to the Resource Manager's final address";
        return Err(response.error(ErrorKind::Misconfigured, method, message));
    }
    let Some(kind) = ErrorKind::from_status(status) else { return Ok(response) };
    let fault = fault(&response);
    let kind = fault.code.as_deref().and_then(by_code).unwrap_or(kind);
    let mut error = response.error(kind, method, format!("Azure answered {status}{}", words(&fault)));
    if kind == ErrorKind::RateLimited {
        for name in REMAINING {
            let left = response.headers.get(name).and_then(|value| value.to_str().ok());
            if let Some(left) = left.filter(|left| left.bytes().all(|byte| byte.is_ascii_digit())) {
                error = error.with_context(name, left);
            }
        }
    }
    Err(error)
}

/// The answer to reading one ticket if it is success. There is nothing in such a request that could be wrong, so that a
/// refusal in Azure's own words is about the ticket.
pub(crate) fn check_reading(response: Response) -> Result<Response> {
    let about_it = response.status == StatusCode::BAD_REQUEST && fault(&response).code.is_some();
    check(response, &Method::GET).map_err(|error| {
        let refused = about_it && error.kind() == ErrorKind::Rejected;
        if refused { Error::new(ErrorKind::NotFound, error.message()) } else { error }
    })
}

/// Why an operation that was accepted came to nothing.
pub(crate) fn ended(status: &str, fault: &Fault) -> Error {
    let message = format!("Azure accepted it, and it ended as {status}{}", words(fault));
    let outage =
        ["InternalServerError", "InternalError", "ServiceUnavailable", "OperationTimedOut", "GatewayTimeout"];
    match fault.code.as_deref() {
        // Whoever failed for reasons of their own may have got far enough.
        Some(code) if outage.iter().any(|one| code.eq_ignore_ascii_case(one)) => {
            Error::new(ErrorKind::Unavailable, message).with_unknown_effect()
        }
        code => Error::new(code.and_then(by_code).unwrap_or(ErrorKind::Rejected), message),
    }
}

fn fault(response: &Response) -> Fault {
    serde_json::from_slice::<Refusal>(&response.body).map(|refusal| refusal.error).unwrap_or_default()
}

fn by_code(code: &str) -> Option<ErrorKind> {
    match code {
        "SubscriptionNotFound"
        | "InvalidSubscriptionId"
        | "InvalidResourceType"
        | "NoRegisteredProviderFound"
        | "InvalidApiVersionParameter"
        | "MissingSubscriptionRegistration" => Some(ErrorKind::Misconfigured),
        "ReadOnlyDisabledSubscription" | "SubscriptionDisabled" => Some(ErrorKind::Forbidden),
        _ => None,
    }
}

fn words(fault: &Fault) -> String {
    let parts = [fault.code.as_deref(), fault.message.as_deref()];
    let said = parts.into_iter().flatten().map(str::trim).filter(|part| !part.is_empty());
    let said = said.collect::<Vec<_>>().join(": ");
    if said.is_empty() {
        return String::new();
    }
    format!(": {}", said.chars().take(MAX_WORDS).collect::<String>())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};
    use throughline_sdk::TookEffect;

    use super::*;

    fn refused(status: u16, body: &'static str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(REMAINING[1], HeaderValue::from_static("0"));
        check(Response { status, headers, body: Bytes::from_static(body.as_bytes()) }, &Method::PUT)
            .unwrap_err()
    }

    #[test]
    fn a_missing_subscription_is_no_missing_ticket() {
        for (status, code, kind) in [
            (404, "SubscriptionNotFound", ErrorKind::Misconfigured),
            (404, "ResourceNotFound", ErrorKind::NotFound),
            (409, "MissingSubscriptionRegistration", ErrorKind::Misconfigured),
            (409, "ReadOnlyDisabledSubscription", ErrorKind::Forbidden),
            (403, "AuthorizationFailed", ErrorKind::Forbidden),
            (400, "InvalidData", ErrorKind::Rejected),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"why"}}}}"#);
            let error = refused(status, body.leak());
            assert_eq!((error.kind(), error.took_effect()), (kind, TookEffect::No), "{code}");
            assert!(error.to_string().contains(&format!("{code}: why")), "{error}");
        }
    }

    #[test]
    fn both_ways_of_writing_a_refusal_are_read() {
        let body =
            r#"{"Error":{"Code":"InvalidData","Message":"the name is invalid","Target":null,"Details":[]}}"#;
        assert_eq!(refused(400, body).message(), "Azure answered 400: InvalidData: the name is invalid");
        assert_eq!(refused(400, "<html>").message(), "Azure answered 400");
    }

    #[test]
    fn a_refusal_for_the_rate_says_what_is_left() {
        let error = refused(429, r#"{"error":{"code":"SubscriptionRequestsThrottled","message":"slowly"}}"#);
        assert!(error.to_string().contains("x-ms-ratelimit-remaining-subscription-writes: 0"), "{error}");
    }

    #[test]
    fn an_operation_that_failed_had_no_effect_unless_azure_itself_failed() {
        let fault = |code: &str| Fault { code: Some(code.to_owned()), message: None };
        let refused = ended("Failed", &fault("BadRequest"));
        assert_eq!((refused.kind(), refused.took_effect()), (ErrorKind::Rejected, TookEffect::No));
        let broken = ended("Failed", &fault("InternalServerError"));
        assert_eq!((broken.kind(), broken.took_effect()), (ErrorKind::Unavailable, TookEffect::Unknown));
    }
}
