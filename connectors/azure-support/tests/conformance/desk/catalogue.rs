//! Services and problem classifications of the simulated desk, and how it classifies a text.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Asked, invalid, not_allowed, not_found};

/// The service and the problem that tickets of tests are about.
pub(crate) const SERVICE: &str = "cddd3eb5-1830-b494-44fd-782f691479dc";
pub(crate) const PROBLEM: &str = "6fb3a706-abe9-0693-1544-72e848334a9f";
/// Another one, which asks for a consent.
pub(crate) const BILLING: &str = "517f2da6-78fd-0498-4e22-ad26996b1dfc";
pub(crate) const REFUND: &str = "44114011-6a66-e902-c00f-e419b6b4509f";
const CATALOGUE: [(&str, &str, Option<&str>); 2] =
    [(SERVICE, PROBLEM, None), (BILLING, REFUND, Some("virtualmachinerunninglinuxservice"))];

pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    match (asked.path, &asked.method) {
        (["services", service, "problemClassifications", problem], &Method::GET) => {
            let found = CATALOGUE.iter().find(|(s, p, _)| s == service && p == problem);
            match found {
                Some((_, _, consent)) => {
                    let consents: Vec<Value> = consent
                        .iter()
                        .map(|kind| json!({ "type": kind, "description": "May we?" }))
                        .collect();
                    let properties =
                        json!({ "displayName": "Something is wrong", "secondaryConsentEnabled": consents });
                    Answer::ok(
                        json!({ "id": problem_id(service, problem), "name": problem, "properties": properties }),
                    )
                }
                None => not_found(problem),
            }
        }
        (["services", service, "classifyProblems"], &Method::POST) => {
            let Some(summary) = asked.body["issueSummary"].as_str() else {
                return invalid("issueSummary is required.");
            };
            let found = CATALOGUE.iter().filter(|(s, _, _)| s == service && !summary.contains("nonsense"));
            let found: Vec<Value> = found
                .map(|(_, problem, _)| json!({ "title": "A problem", "problemClassificationId": problem }))
                .collect();
            Answer::ok(json!({ "problemClassificationResults": found }))
        }
        (["classifyServices"], &Method::POST) => {
            let Some(summary) = asked.body["issueSummary"].as_str() else {
                return invalid("issueSummary is required.");
            };
            let found = if summary.contains("refund") {
                json!([{ "serviceId": "/providers/Microsoft.Support/services/parent", "displayName": "Money",
                    "childService": { "serviceId": format!("/providers/Microsoft.Support/services/{BILLING}") } }])
            } else if summary.contains("nowhere") {
                json!([])
            } else {
                json!([{ "serviceId": format!("/providers/Microsoft.Support/services/{SERVICE}") }])
            };
            Answer::ok(json!({ "serviceClassificationResults": found }))
        }
        (["services", ..], _) => not_found("service"),
        _ => not_allowed(),
    }
}

/// Why a ticket cannot be raised under this service and problem.
pub(super) fn refused(service: &Value, problem: &Value, consents: &Value) -> Option<String> {
    let entry = CATALOGUE.iter().find(|(s, p, _)| {
        *service == json!(format!("/providers/Microsoft.Support/services/{s}"))
            && *problem == json!(problem_id(s, p))
    });
    match entry {
        None => Some("problemClassificationId is invalid.".to_owned()),
        Some((_, _, Some(kind))) if consents[0]["type"] != json!(kind) => {
            Some("secondaryConsent is required.".to_owned())
        }
        Some(_) => None,
    }
}

fn problem_id(service: &str, problem: &str) -> String {
    format!("/providers/Microsoft.Support/services/{service}/problemClassifications/{problem}")
}
