//! Every route times everybody: the routes from the list that the router is made of, what is expected from the right
//! that each of them asks for.

use axum::http::{Method, StatusCode, header};

use super::house::{Answer, House, ORIGIN};
use super::routes::Route;
use crate::identity::{self, RightName, Role};

/// The address of a route, with this in the place of every name in it.
fn filled(route: &Route, name: &str) -> String {
    let parts = route.path.split('/').map(|part| if part.starts_with('{') { name } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn routes() -> Vec<Route> {
    let routes = super::routes().list().to_vec();
    assert!(routes.len() > 30, "{routes:?}");
    routes
}

fn is_page(route: &Route) -> bool {
    !route.path.starts_with("/api/")
}

/// What everybody is told who is not known.
fn is_unknown(route: &Route, answer: &Answer) -> bool {
    let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    match is_page(route) {
        true => {
            answer.status == StatusCode::SEE_OTHER
                && location.unwrap_or_default().starts_with("/console/login")
        }
        false => answer.status == StatusCode::UNAUTHORIZED,
    }
}

#[tokio::test]
async fn every_route_lets_in_whoever_has_the_right_that_it_asks_for_and_nobody_else() {
    let house = House::build().await;
    let has = |who: &str, right: RightName| match who {
        "expired" => None,
        "admin who only looks" => Some(right == RightName::Look),
        "agent" => Some(right.is_of(&Role::Agent)),
        "auditor" => Some(right.is_of(&Role::Auditor)),
        "admin" => Some(right.is_of(&Role::Admin)),
        _ => Some(matches!(right, RightName::Visit | RightName::Prove)),
    };
    let mut wrong = Vec::new();
    for route in routes() {
        let Some(right) = route.asks else {
            let answer = house.ask(&route.method, &filled(&route, "x"), &[], "").await;
            let known = answer.status == StatusCode::UNAUTHORIZED || answer.status.is_server_error();
            wrong.extend(known.then(|| format!("{route:?} is open to everybody: {answer:?}")));
            continue;
        };
        for who in house.tokens.keys() {
            let answer = house.bear(who, &route.method, &filled(&route, "TL-999")).await;
            let as_expected = match has(who, right) {
                None => is_unknown(&route, &answer),
                Some(false) => answer.status == StatusCode::FORBIDDEN,
                Some(true) => {
                    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
                    !refused && !answer.status.is_server_error() && !is_refused(&route, &answer)
                }
            };
            wrong.extend((!as_expected).then(|| format!("{who}: {route:?}: {answer:?}")));
        }
        let path = filled(&route, "TL-999");
        for cookie in
            [None, Some("throughline=guessed".to_owned()), Some(format!("throughline={}", house.disabled))]
        {
            let fields: Vec<_> = cookie.into_iter().map(|cookie| ("cookie", cookie)).collect();
            let answer = house.ask(&route.method, &path, &fields, "").await;
            wrong
                .extend((!is_unknown(&route, &answer)).then(|| format!("{fields:?}: {route:?}: {answer:?}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever may leave is led to the login page, too; nobody else who may.
fn is_refused(route: &Route, answer: &Answer) -> bool {
    is_page(route) && route.path != "/console/logout" && is_unknown(route, answer)
}

#[tokio::test]
async fn a_guest_cannot_tell_whether_a_case_of_others_exists() {
    let house = House::build().await;
    let mut wrong = Vec::new();
    let named: Vec<Route> =
        routes().into_iter().filter(|route| route.path.contains('{') && route.asks.is_some()).collect();
    assert!(named.len() > 10, "{named:?}");
    for route in named {
        let mut answers = Vec::new();
        for name in ["TL-1", "TL-9"] {
            let answer = house.bear("guest of another party", &route.method, &filled(&route, name)).await;
            let mut fields: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            fields.sort();
            answers.push((answer.status, fields, answer.body.replace(name, "NAME")));
        }
        wrong.extend((answers[0] != answers[1]).then(|| format!("{route:?}: {answers:?}")));
        let served = answers[0].0.is_success();
        wrong.extend(served.then(|| format!("{route:?} serves a guest of another party: {answers:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn nothing_changes_by_a_cookie_that_another_site_made_its_browser_send() {
    let house = House::build().await;
    let token = identity::csrf(&house.session);
    let cookie = || ("cookie", format!("throughline={}", house.session));
    let kind = || ("content-type", "application/x-www-form-urlencoded".to_owned());
    let origin = |origin: &str| ("origin", origin.to_owned());
    let form = format!("csrf={token}");
    let mut wrong = Vec::new();
    let unsafe_routes: Vec<Route> =
        routes().into_iter().filter(|route| !route.method.is_safe() && route.asks.is_some()).collect();
    assert!(unsafe_routes.len() > 15, "{unsafe_routes:?}");
    // Leaving ends the session with which all the others are asked.
    for route in unsafe_routes.into_iter().filter(|route| route.path != "/console/logout") {
        let path = filled(&route, "TL-999");
        for (fields, body, expected) in [
            (vec![cookie(), kind()], form.as_str(), true),
            (vec![cookie(), kind(), origin("http://evil.example")], &form, true),
            (vec![cookie(), kind(), origin("null")], &form, true),
            (vec![cookie(), kind(), origin(ORIGIN)], "csrf=guessed", true),
            (vec![cookie(), kind(), origin(ORIGIN)], "", true),
            (vec![cookie(), kind(), origin(ORIGIN), ("x-csrf-token", "guessed".to_owned())], &form, true),
            (vec![cookie(), kind(), origin(ORIGIN)], &form, false),
            (vec![cookie(), origin(ORIGIN), ("x-csrf-token", token.clone())], "", false),
        ] {
            let answer = house.ask(&route.method, &path, &fields, body).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            wrong.extend((refused != expected).then(|| format!("{route:?} {fields:?} {body}: {answer:?}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn who_looked_is_told_to_auditors_once_within_a_few_minutes() {
    let house = House::build().await;
    let get = async |who: &str, path: &str| house.bear(who, &Method::GET, path).await;
    for who in ["agent", "agent", "admin"] {
        for path in ["/api/v1/cases/TL-1", "/api/v1/trace/TL-1"] {
            assert_eq!(get(who, path).await.status, StatusCode::OK);
        }
    }
    assert_eq!(get("agent", "/api/v1/cases/TL-9").await.status, StatusCode::NOT_FOUND);
    let told: serde_json::Value =
        serde_json::from_str(&get("auditor", "/api/v1/looked?case=TL-1").await.body).unwrap();
    let lines = told["items"].as_array().unwrap();
    let line = |line: &serde_json::Value| {
        [&line["name"], &line["what"]].map(|word| word.as_str().unwrap().to_owned())
    };
    let expected = [["admin", "trace"], ["admin", "case"], ["agent", "trace"], ["agent", "case"]];
    assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), expected);
    let mut address = "/api/v1/looked?limit=2".to_owned();
    for half in expected.chunks(2) {
        let page: serde_json::Value = serde_json::from_str(&get("auditor", &address).await.body).unwrap();
        assert_eq!(page["items"].as_array().unwrap().iter().map(line).collect::<Vec<_>>(), half);
        address = format!("/api/v1/looked?limit=2&cursor={}", page["next"].as_str().unwrap_or_default());
    }
}
