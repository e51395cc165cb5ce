//! Every route under `/api/v1`, and what is said of it.

use std::sync::Arc;

use aide::generate::GenContext;
use aide::openapi::{OpenApi, Operation, Response as Described};
use aide::operation::OperationOutput;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::interface::{About, Interface};
use super::routes::Routes;
use super::{
    Api, accounts, cases, drift, entered, erasure, events, explain, find, grants, log, looked, outgoing,
    parked, preview, reference, reload, systems, watched, workbench,
};

/// The routes and their description.
pub(super) fn interface() -> (Routes, OpenApi) {
    let interface = Interface::new();
    let interface = of_cases(interface);
    let interface = of_waiting(interface);
    let interface = of_portals(interface);
    let interface = of_erasing(interface);
    let interface = of_record(interface);
    let interface = of_people(interface);
    let interface = of_drift(interface);
    let interface = of_systems(interface);
    of_bridge(interface).finish()
}

fn of_cases(interface: Interface) -> Interface {
    let about = |id, summary, more, problems| About { tag: "cases", id, summary, more, problems };
    interface
        .get(
            "/cases",
            about(
                "listCases",
                "Find cases by a query, a page at a time",
                "The query language is that of `throughline cases`.",
                &[],
            ),
            find::list,
        )
        .get(
            "/cases/{case}",
            about("showCase", "Show a case: its legs, and who has the ball", "", &[404]),
            cases::show,
        )
        .get("/trace/{case}", about("traceCase", "Tell a case's whole story", "", &[404]), cases::trace)
        .get(
            "/explain/{case}",
            about(
                "explainCase",
                "Tell what became of everything in a case for each party, and by which rule",
                "",
                &[404],
            ),
            explain::explain,
        )
        .post(
            "/refresh/{case}",
            about("refreshCase", "Have the tickets of a case read afresh", "", &[404]),
            cases::refresh,
        )
        .post(
            "/plan/{ticket}",
            about(
                "planTicket",
                "Tell what the bridge would do with a ticket now, without doing it",
                "The ticket and those linked to it are read from their systems for this.",
                &[404, 409, 502],
            ),
            preview::plan,
        )
        .get(
            "/cases/{case}/grants",
            about("listGrants", "List a case's grants, those that ended too", "", &[404]),
            grants::list,
        )
        .post(
            "/cases/{case}/grants",
            about(
                "askGrant",
                "Ask for a grant, or offer one: show a party more of one case than is shared",
                "Each request asks anew: send an `Idempotency-Key`, so that a repetition does not.",
                &[403, 404, 409],
            ),
            grants::ask,
        )
        .post(
            "/cases/{case}/grants/{grant}/{verb}",
            about("decideGrant", "Approve, refuse or revoke a grant", "", &[403, 404, 409]),
            grants::decide,
        )
}

fn of_waiting(interface: Interface) -> Interface {
    let about = |id, summary, more, problems| About { tag: "parked", id, summary, more, problems };
    interface
        .get(
            "/parked",
            about("listParked", "List what waits for a person, with the reasons", "", &[]),
            cases::waiting,
        )
        .post(
            "/parked/retry",
            about("retryParked", "Have a parked item tried again", "", &[404]),
            cases::retry,
        )
        .post("/parked/discard", about("discardParked", "Give a parked item up", "", &[404]), cases::discard)
        .get(
            "/parked/item",
            about(
                "showParked",
                "Show a parked item with what it takes to decide about it",
                "What was to be sent, what stands there, and what may be sent instead.",
                &[404],
            ),
            parked::show,
        )
        .post(
            "/parked/edit",
            about(
                "editParked",
                "Have something else sent in the place of a parked item, this once",
                "The agreement is applied to it as to anything else.",
                &[404],
            ),
            parked::edit,
        )
}

fn of_portals(interface: Interface) -> Interface {
    let about = |id, summary, more, problems| About { tag: "portals", id, summary, more, problems };
    interface
        .get(
            "/reference",
            about(
                "listReferences",
                "List the tickets that our agents keep for portals, with what is to be carried over",
                "",
                &[],
            ),
            reference::list,
        )
        .post(
            "/reference",
            about(
                "recordReference",
                "Record what a portal says, or that something was carried over",
                "Each request records anew: send an `Idempotency-Key`, so that a repetition does not.",
                &[404, 409],
            ),
            reference::enter,
        )
        .post(
            "/reference/claim",
            about(
                "claimReference",
                "Let another system's ticket take the place of one that our agents kept",
                "Without `confirmed` nothing happens: the answer lists what would, and holds what confirms just that.",
                &[404, 409],
            ),
            reference::claim,
        )
}

fn of_record(interface: Interface) -> Interface {
    let about = |id, summary, more, problems| About { tag: "record", id, summary, more, problems };
    interface
        .get(
            "/cases/{case}/evidence",
            about(
                "takeEvidence",
                "Take what proves a case, as one archive",
                "An auditor takes the whole of it, or with `for` what one party was shown; a guest its own party's view.",
                &[403, 404],
            ),
            log::evidence,
        )
        .get(
            "/looked",
            about("listLooked", "Tell who looked at what, the latest first", "Also at cases that were erased.", &[]),
            looked::list,
        )
        .get(
            "/entered",
            about(
                "listEntered",
                "Tell who came in, who was not let in, and what changed about who may, the latest first",
                "",
                &[],
            ),
            entered::list,
        )
        .get(
            "/watched",
            about("listWatched", "List the logs of others that are watched, and how they stand", "", &[]),
            watched::list,
        )
        .post(
            "/log/exported",
            about(
                "noteExport",
                "Record that the ledger is read from the data directory itself",
                "`throughline ledger export` does so before it writes anything.",
                &[],
            ),
            looked::exported,
        )
        .get("/log/key", about("showLogKey", "Show the public key of the log", "", &[]), log::key)
        .get(
            "/log/checkpoint",
            about(
                "signCheckpoint",
                "Sign a checkpoint of the log",
                "In the form of C2SP. With `since`, before it stands what proves that the log only grew since that size.",
                &[],
            ),
            log::checkpoint,
        )
        .get(
            "/log/records/{seq}",
            about("proveRecord", "Prove that a record stands in the log", "", &[404]),
            log::record,
        )
}

fn of_erasing(interface: Interface) -> Interface {
    let about = |id, summary, more, problems| About { tag: "erasing", id, summary, more, problems };
    interface
        .post(
            "/cases/{case}/erase",
            about("eraseCase", "Erase a case for good", "That it was, by whom and why, stays.", &[404]),
            erasure::erase,
        )
        .post(
            "/forget",
            about("forgetPerson", "Forget a person for good: what pseudonyms stand for them", "", &[404]),
            erasure::forget,
        )
        .get(
            "/erasures",
            about("listErasures", "List what was erased, by whom and why", "", &[]),
            erasure::list,
        )
        .get(
            "/forgotten",
            about(
                "listForgotten",
                "Tell when people were forgotten, by whom and why, the latest first",
                "Never who it was.",
                &[],
            ),
            erasure::forgotten,
        )
}

fn of_people(interface: Interface) -> Interface {
    let about = |id, summary, problems| About { tag: "people", id, summary, more: "", problems };
    interface
        .get("/me", about("showMe", "Tell who the caller is, and what they may", &[]), accounts::me)
        .get("/accounts", about("listAccounts", "List accounts", &[]), accounts::list)
        .post("/accounts", about("addAccount", "Make an account", &[409]), accounts::add)
        .post(
            "/accounts/{account}/password",
            about("setPassword", "Give an account a new password", &[404]),
            accounts::password,
        )
        .post("/accounts/{account}/role", about("setRole", "Give an account a role", &[404]), accounts::role)
        .post(
            "/accounts/{account}/disable",
            about("disableAccount", "Let an account in no more", &[404]),
            accounts::disable,
        )
        .post(
            "/accounts/{account}/enable",
            about("enableAccount", "Let an account in again", &[404]),
            accounts::enable,
        )
        .post(
            "/accounts/{account}/remove",
            about("removeAccount", "Remove an account", &[404]),
            accounts::remove,
        )
        .get("/tokens", about("listTokens", "List tokens, without their secrets", &[]), accounts::tokens)
        .post(
            "/tokens",
            about("createToken", "Make a token: its secret is told this once", &[409]),
            accounts::issue,
        )
        .post(
            "/tokens/{token}/revoke",
            about("revokeToken", "Let a token in no more", &[404]),
            accounts::revoke,
        )
        .get("/sessions", about("listSessions", "List who is logged in", &[]), accounts::sessions)
        .post(
            "/sessions/{session}/end",
            about("endSession", "Log somebody out", &[404]),
            accounts::end_session,
        )
}

fn of_drift(interface: Interface) -> Interface {
    let about = |id, summary, more, problems| About { tag: "drift", id, summary, more, problems };
    interface
        .get(
            "/drift",
            about("showDrift", "Tell how far the last look for drift is, and what differs", "", &[]),
            drift::show,
        )
        .post(
            "/drift",
            about(
                "beginDrift",
                "Begin to look for what differs between tickets and their cases",
                "Nothing is recorded or written. One look at a time.",
                &[409],
            ),
            drift::begin,
        )
        .post(
            "/drift/stop",
            about("stopDrift", "End the look for drift, if one goes on", "", &[]),
            drift::stop,
        )
        .post(
            "/drift/repair",
            about(
                "repairDrift",
                "Have the tickets of cases read, and what differs mended",
                "All of the cases or none: where one is not known, nothing is done.",
                &[404],
            ),
            drift::repair,
        )
}

fn of_systems(interface: Interface) -> Interface {
    let about = |id, summary, more, problems| About { tag: "systems", id, summary, more, problems };
    interface
        .get("/systems", about("listSystems", "Tell how each system answered last", "", &[]), systems::list)
        .get(
            "/systems/{name}",
            about("showSystem", "Tell how one system is, and what it can do", "", &[404]),
            systems::show,
        )
        .post(
            "/systems/{name}/pause",
            about(
                "pauseSystem",
                "Pause a system",
                "Nothing is read from it or sent to it; its webhooks are kept until it goes on.",
                &[404, 409],
            ),
            systems::pause,
        )
        .post(
            "/systems/{name}/resume",
            about("resumeSystem", "Let a paused system go on", "", &[404, 409]),
            systems::resume,
        )
}

fn of_bridge(interface: Interface) -> Interface {
    let about = |id, summary, more, problems| About { tag: "bridge", id, summary, more, problems };
    interface
        .get(
            "/agreements",
            about("listAgreements", "List every version of an agreement that was ever in force", "", &[]),
            cases::agreements,
        )
        .post(
            "/workbench",
            about(
                "benchTicket",
                "Hold a ticket against an agreement, and against a draft of it",
                "The ticket and its counterpart are read from their systems for this; nothing is recorded or written.",
                &[404, 409, 502],
            ),
            workbench::show,
        )
        .get(
            "/reload",
            about("listReloads", "List every reload of the configuration, the oldest first", "", &[]),
            reload::history,
        )
        .post(
            "/reload",
            about(
                "reload",
                "Have the configuration loaded anew",
                "Where something is wrong with it, it is refused whole, and the one before stays in force.",
                &[409, 422],
            ),
            reload::ask,
        )
        .get(
            "/webhooks",
            about("listWebhooks", "List who is told what happens, and who cannot be", "", &[]),
            outgoing::list,
        )
        .post(
            "/webhooks/{webhook}/enable",
            about("enableWebhook", "Have somebody told again who was given up", "", &[404]),
            outgoing::enable,
        )
        .get(
            "/events",
            about(
                "listen",
                "Hear what is recorded about cases, as it happens",
                "Server-sent events. An event says that something happened and of which kind; read the case to see \
                 what. After a break the header `Last-Event-ID` takes up where it left; what is too long ago is \
                 answered by an event `reset`, after which everything has to be read anew. Whoever reads too slowly \
                 is cut off with an event `end`.",
                &[404],
            ),
            events::listen,
        )
        .open(
            "/openapi.json",
            about("describe", "This description, in OpenAPI 3.1", "It takes no token.", &[]),
            published,
        )
}

/// The description as it goes out: it is written once.
struct Published(Arc<str>);

async fn published(State(api): State<Api>) -> Published {
    std::future::ready(()).await;
    Published(api.description)
}

impl IntoResponse for Published {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0.to_string()).into_response()
    }
}

impl OperationOutput for Published {
    type Inner = Self;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Described)> {
        let mut described =
            Json::<Map<String, Value>>::operation_response(context, operation).unwrap_or_default();
        described.description = "An OpenAPI document.".to_owned();
        vec![(Some(200), described)]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::interface::BASE;
    use super::*;
    use crate::identity::RightName;

    /// Each operation: method, path, and what is said of it.
    fn operations() -> Vec<(String, String, Value)> {
        let (_, description) = interface();
        let description = serde_json::to_value(description).unwrap();
        let mut operations = Vec::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                operations.push((method.clone(), path.clone(), operation.clone()));
            }
        }
        operations
    }

    #[test]
    fn every_route_says_what_it_does_and_which_right_it_asks_for() {
        let rights = ["visit", "look", "operate", "prove", "audit", "administer"];
        let mut names = BTreeSet::new();
        let operations = operations();
        assert!(operations.len() > 15, "{operations:?}");
        for (method, path, operation) in operations {
            let place = format!("{method} {path}");
            assert!(path.starts_with(BASE), "{place}");
            for member in ["summary", "operationId"] {
                assert!(operation[member].as_str().is_some_and(|text| !text.is_empty()), "{place}: {member}");
            }
            assert!(
                names.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{place}: another one has its name"
            );
            if path.ends_with("/openapi.json") {
                continue;
            }
            let right = operation["x-right"].as_str().unwrap_or_default();
            assert!(rights.contains(&right), "{place} asks for no right: take an argument May<…>");
            assert_eq!(operation["security"], serde_json::json!([{ "token": [right] }]), "{place}");
        }
    }

    #[test]
    fn what_is_listed_is_what_is_described() {
        let routes = crate::api::routes();
        let listed: BTreeSet<(String, String, Option<&str>)> = routes
            .list()
            .iter()
            .filter(|route| route.path.starts_with(BASE))
            .map(|route| {
                (route.method.as_str().to_lowercase(), route.path.clone(), route.asks.map(RightName::word))
            })
            .collect();
        let operations = operations();
        let described = operations
            .iter()
            .map(|(method, path, operation)| (method.clone(), path.clone(), operation["x-right"].as_str()));
        assert_eq!(listed, described.collect());
    }

    #[test]
    fn every_name_and_parameter_of_a_route_is_described() {
        for (method, path, operation) in operations() {
            let place = format!("{method} {path}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path: BTreeSet<&str> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let named: BTreeSet<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(in_path, named, "{place}");
            for parameter in &parameters {
                let words = parameter["description"].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{place}: {}", parameter["name"]);
            }
        }
    }

    #[test]
    fn every_answer_has_a_form_and_every_problem_is_one_document() {
        for (method, path, operation) in operations() {
            let place = format!("{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{place}: nothing is answered");
            for (status, response) in responses {
                let content = response["content"].as_object();
                match status.as_str() {
                    "304" | "204" => assert!(content.is_none(), "{place}: {status}"),
                    status if status.starts_with('2') => {
                        let media = content.and_then(|content| content.values().next());
                        assert!(media.is_some_and(|media| media["schema"].is_object()), "{place}: {status}");
                    }
                    _ => {
                        let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                        assert_eq!(schema, "#/components/schemas/Problem", "{place}: {status}");
                    }
                }
            }
        }
    }
}
