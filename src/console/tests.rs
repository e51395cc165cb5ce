//! Lists on pages: whatever there is, it stands on one of them, and on no other than it should.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use throughline_sdk::{Clock as _, RemoteId, SystemName, Timestamp};

use crate::api::house::{Furniture, House, joined};
use crate::case::{Fact, Heard, OfferState, Reading, Role};
use crate::clock::SystemClock;

/// A case of `fabrikam` about the tickets with this number.
fn case(number: usize) -> Vec<Fact> {
    vec![
        Fact::Opened,
        joined("helpdesk", "contoso", Role::Home),
        joined("desk", "fabrikam", Role::Counterpart),
        observed("helpdesk", &format!("H{number}")),
        observed("desk", &format!("F{number}")),
    ]
}

fn observed(system: &str, key: &str) -> Fact {
    let reading = Reading {
        ticket: Some(RemoteId::new(format!("id-{key}"))),
        key: Some(key.to_owned()),
        ..Reading::default()
    };
    Fact::Observed { leg: SystemName::new(system), reading }
}

async fn page(house: &House, who: &str, path: &str) -> String {
    let answer = house.bear(who, &Method::GET, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    answer.body
}

/// The addresses of links to pages like this one, in their order.
fn links(page: &str, to: &str) -> Vec<String> {
    let all = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    all.filter(|link| link.starts_with(to)).map(|link| link.replace("&amp;", "&")).collect()
}

#[tokio::test]
async fn the_saved_view_of_what_is_breached_shows_a_clock_that_has_run_out_and_is_not_recorded() {
    let offered = |number: usize, due: Timestamp| {
        let leg = SystemName::new("desk");
        let mut facts = case(number);
        facts.push(Fact::Offering { leg: leg.clone(), to: Role::Counterpart, after: None });
        facts.push(Fact::Handshake {
            leg,
            state: OfferState::Offered,
            words: String::new(),
            respond_by: Some(due),
            heard: Heard::default(),
            answers_after: None,
        });
        facts
    };
    let now = SystemClock::new().now();
    let cases = vec![case(1), offered(2, now), offered(3, now + TimeDelta::days(1))];
    let house = House::furnished(Furniture { cases, ..Furniture::default() }).await;
    let page = page(&house, "agent", "/console/?q=is:breached").await;
    assert_eq!(links(&page, "/console/cases/"), ["/console/cases/TL-2"]);
    let (_, view) = page.split_once("<span>Breached</span>").unwrap();
    assert!(view.trim_start().starts_with("<span class=\"count\">1</span>"), "{view}");
}
