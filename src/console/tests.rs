//! Lists on pages: whatever there is, it stands on one of them, and on no other than it should.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode, header};
use chrono::TimeDelta;
use throughline_sdk::{Clock as _, ErrorKind, RemoteId, SystemName, Timestamp};

use crate::agreement::{Rules, SystemRules, Words};
use crate::api::house::{Furniture, House, joined};
use crate::case::{Fact, Field, Fingerprint, Heard, Item, OfferState, Origin, PartyName, Reading, Role};
use crate::clock::SystemClock;
use crate::identity::{Settings, Streams};

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

fn rules() -> Rules {
    let mut rules = Rules::default();
    for (system, party) in [("helpdesk", "contoso"), ("desk", "fabrikam"), ("other", "adatum")] {
        let known = SystemRules {
            party: PartyName(party.to_owned()),
            party_title: format!("{party} Ltd"),
            status: Words { read: BTreeMap::new(), write: BTreeMap::new() },
            priority: Words { read: BTreeMap::new(), write: BTreeMap::new() },
        };
        rules.systems.insert(SystemName::new(system), known);
    }
    rules
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
async fn every_parked_item_stands_on_one_page_of_the_parked() {
    let parked = |id: usize| Fact::Parked {
        leg: SystemName::new("desk"),
        item: Item::Remark(Origin { system: SystemName::new("helpdesk"), id: format!("c{id:03}") }),
        want: Fingerprint::of("x"),
        kind: ErrorKind::Rejected,
        reason: "it is too long".to_owned(),
        intent: None,
    };
    // A page ends in the midst of a case.
    let cases = [90, 150, 3, 250];
    let cases = cases.iter().enumerate().map(|(number, count)| {
        let items = (0..*count).map(parked);
        case(number).into_iter().chain(items).collect()
    });
    let house = House::furnished(Furniture { cases: cases.collect(), ..Furniture::default() }).await;
    let (mut found, mut next, mut pages) = (Vec::new(), vec!["/console/parked".to_owned()], 0);
    while let Some(address) = next.pop() {
        let page = page(&house, "agent", &address).await;
        found.extend(links(&page, "/console/parked/item?"));
        next = links(&page, "/console/parked?cursor=");
        pages += 1;
    }
    assert_eq!((found.len(), pages), (493, 3));
    let all: std::collections::BTreeSet<&String> = found.iter().collect();
    assert_eq!(all.len(), 493, "none stands on two pages");
    let wrong = house.bear("agent", &Method::GET, "/console/parked?cursor=guessed").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.body);
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

/// All pages of the list of `fabrikam`'s guests, one after the other.
async fn guests_list(house: &House) -> Vec<String> {
    let (mut pages, mut next) = (Vec::new(), vec!["/console/".to_owned()]);
    while let Some(address) = next.pop() {
        let page = page(house, "guest of the case", &address).await;
        next = links(&page, "/console/?after=");
        assert!(next.len() < 2 && pages.len() < 9, "{address}: {next:?}");
        pages.push(page);
    }
    pages
}

/// A page without what is its own: the token of its forms, and the moments, which are those of two houses.
fn told(page: &str) -> String {
    let mut parts = page.split("<time");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| told + part.split_once("</time>").map_or(part, |(_, rest)| rest))
}

#[tokio::test]
async fn a_guests_list_is_the_same_whatever_others_have() {
    let titled = |mut facts: Vec<Fact>, title: &str| {
        facts.push(Fact::Changed {
            field: Field::Title,
            value: title.to_owned(),
            leg: SystemName::new("helpdesk"),
            changed: SystemClock::new().now(),
            overruled: BTreeMap::new(),
        });
        facts
    };
    let strangers = |number: usize| {
        let mut facts = vec![
            Fact::Opened,
            joined("helpdesk", "contoso", Role::Home),
            joined("other", "adatum", Role::Counterpart),
            observed("helpdesk", &format!("X{number}")),
            observed("other", &format!("A{number}")),
        ];
        // What is about to be offered to fabrikam, and does not stand in its desk yet, is none of its requests.
        if number.is_multiple_of(3) {
            facts.push(joined("desk", "fabrikam", Role::Counterpart));
        }
        titled(facts, "kanarie0000000003q")
    };
    let own: Vec<Vec<Fact>> = (0..60).map(|number| titled(case(number), "Printer")).collect();
    let among = own.iter().cloned().enumerate().flat_map(|(number, facts)| {
        (0..number % 4).map(move |more| strangers(10 * number + more)).chain([facts])
    });
    let among = among.chain((0..30).map(|number| strangers(1000 + number))).collect();
    let furnished = |cases| House::furnished(Furniture { cases, rules: rules(), ..Furniture::default() });
    let (alone, among) = (furnished(own).await, furnished(among).await);

    let pages = (guests_list(&alone).await, guests_list(&among).await);
    assert_eq!(pages.0.len(), 3, "sixty are three pages");
    let rows: Vec<usize> = pages.1.iter().map(|page| links(page, "/console/requests/").len()).collect();
    assert_eq!(rows, [25, 25, 10]);
    for (alone, among) in pages.0.iter().zip(&pages.1) {
        assert_eq!(told(alone), told(among));
        assert!(!among.contains("TL-") && !among.contains("kanarie") && !among.contains("datum"), "{among}");
    }
    // Where a page begins is told by their own numbers, and by no other.
    assert_eq!(links(&pages.1[0], "/console/?after="), ["/console/?after=F35"]);
    let answers = async |house: &House, query: &str| {
        let answer = house.bear("guest of the case", &Method::GET, &format!("/console/?{query}")).await;
        (answer.status, told(&answer.body))
    };
    for known in ["A201", "X201", "id-A201", "TL-1", "H3"] {
        let (foreign, nobodys) =
            (answers(&among, &format!("after={known}")).await, answers(&among, "after=nobodys").await);
        assert_eq!(foreign.0, StatusCode::NOT_FOUND, "{known}");
        assert_eq!(foreign.1.replace(known, "#"), nobodys.1.replace("nobodys", "#"), "{known}");
    }
    // What agents may ask makes no difference to a guest.
    for query in
        ["q=is:open", "q=TL-1", "q=party:adatum&sort=oldest", "cursor=AAAA", "q=is:breached&sort=silent"]
    {
        assert_eq!(answers(&among, query).await, (StatusCode::OK, told(&pages.0[0])), "{query}");
    }
}

#[tokio::test]
async fn one_stream_of_events_too_many_is_refused_and_a_closed_one_makes_room() {
    let settings = Settings { streams: Streams { each: 2, all: 3 }, ..Settings::default() };
    let house = House::furnished(Furniture { rules: rules(), cases: vec![case(1)], settings }).await;
    let open = async |who: &str, path: &str| house.send(&Method::GET, path, &[house.bearer(who)], "").await;
    let (page, events) = ("/console/cases/TL-1/live", "/api/v1/events");
    let first = open("agent", page).await;
    let second = open("agent", events).await;
    assert_eq!([first.status(), second.status()], [StatusCode::OK; 2]);
    let refused = async |who: &str, path: &str, status: StatusCode| {
        let answer = house.bear(who, &Method::GET, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(answer.headers[header::RETRY_AFTER], "30");
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["type"], "/problems/too-many-streams", "{problem}");
        assert_eq!(problem["instance"], path);
    };
    for path in [page, events] {
        refused("agent", path, StatusCode::TOO_MANY_REQUESTS).await;
    }
    // What one has open keeps nobody else from it, until there is no place at all: for guests neither.
    let third = open("admin", page).await;
    assert_eq!(third.status(), StatusCode::OK);
    refused("auditor", events, StatusCode::SERVICE_UNAVAILABLE).await;
    refused("guest of the case", "/console/requests/F1/live", StatusCode::SERVICE_UNAVAILABLE).await;
    // A stream that is not open takes no place: neither what was refused, nor what nobody listens to any more.
    drop(third);
    let fourth = open("guest of the case", "/console/requests/F1/live").await;
    assert_eq!(fourth.status(), StatusCode::OK);
    drop((first, fourth));
    assert_eq!(open("agent", page).await.status(), StatusCode::OK);
    let explained = house.ask(&Method::GET, "/problems/too-many-streams", &[], "").await;
    assert!(explained.status == StatusCode::OK && explained.body.contains("/api/v1/events"), "{explained:?}");
}
