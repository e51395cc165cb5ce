//! The case page: foreign texts stay texts wherever they stand, and a long case is shown as fast as a short one.

use std::collections::BTreeSet;
use std::time::Duration;

use throughline_sdk::Visibility;
use throughline_sdk::{
    Clock, Comment, CommentId, File, FileId, Intent, IntentId, Marker, Operation, Person, Subject,
};

use super::{Shown, Whole};
use crate::agreement::Policy;
use crate::case::{CaseId, Fact, Item, Level, Origin, PartyName};
use crate::clock::SystemClock;
use crate::console::request_shown;
use crate::ledger::{Position, Record};
use crate::plan::Known;
use crate::plan::tests::world::{HOME, PARTNER, World, at, name};

fn records(world: &World) -> Vec<Record> {
    let each = world.log.iter().zip(1..).map(|((at, facts), seq)| Record {
        position: Position(seq),
        seq,
        at: *at,
        case: Some(CaseId(1)),
        prev: None,
        words: Vec::new(),
        facts: facts.clone(),
        erased: false,
    });
    each.collect()
}

fn page(world: &World, shown: &Shown) -> String {
    let records = records(world);
    let known = Known { rules: &world.rules, names: &world.names };
    let verdicts = world.foreseen(&[]).verdicts;
    let now = at(world.tick + 5);
    let mut whole = Whole { case: &world.case, records: &records, known, now, verdicts, audits: true };
    whole.page(shown).unwrap().into_string()
}

fn as_seen_by(party: &str) -> Shown {
    Shown { party: Some(party.to_owned()), all: None }
}

const HOSTILE: &str =
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)>[l](javascript:alert(1))\u{202e}";

#[test]
fn moments_within_one_minute_are_told_apart_along_the_picture() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    for text in ["one", "two", "three"] {
        world.tick += 15;
        world.says(HOME, text, Visibility::Public);
        world.settle();
    }
    let page = page(&world, &Shown::default());
    let labels = page.split("<text class=\"axis\"").skip(1);
    let labels: Vec<&str> = labels.filter_map(|text| text.split(['>', '<']).nth(1)).collect();
    let distinct: BTreeSet<&str> = labels.iter().copied().collect();
    assert!(labels.len() > 4 && distinct.len() == labels.len(), "{labels:?}");
}

/// Every tag's name and its attributes with their values.
fn tags(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    let each = tags.map(|tag| {
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut parts = attributes.split('"');
        let mut all = Vec::new();
        while let Some(key) = parts.next() {
            let value = parts.next().unwrap_or_default();
            all.extend(
                key.split_whitespace().map(|key| (key.trim_end_matches('=').to_owned(), value.to_owned())),
            );
        }
        (name.to_owned(), all)
    });
    each.collect()
}

fn is_tame(html: &str) -> Result<(), String> {
    for (name, attributes) in tags(html) {
        if ["script", "img", "iframe", "object", "style", "link", "base", "form"].contains(&name.as_str()) {
            return Err(format!("there is a {name}"));
        }
        for (key, value) in attributes {
            let own = value.starts_with("/console/") || value.starts_with('#') || value.starts_with('?');
            let leads = own || value.starts_with("https://") || value.starts_with("http://");
            if key.starts_with("on") || key == "style" || key == "src" || (key == "href" && !leads) {
                return Err(format!("{name} {key}={value}"));
            }
        }
    }
    Ok(())
}

#[test]
fn hostile_texts_stay_texts_wherever_they_stand() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    for desk in [HOME, PARTNER] {
        world.person(desk, |ticket, tick| {
            ticket.title = format!("{HOSTILE}{desk}");
            ticket.description = format!("{HOSTILE}\n\n# {HOSTILE}\n\n> {HOSTILE}\n\n```\n{HOSTILE}\n```");
            ticket.url = Some("javascript:alert(1)".to_owned());
            ticket.key = HOSTILE.to_owned();
            ticket.status = HOSTILE.to_owned();
            ticket.fields.insert("tags".to_owned(), HOSTILE.to_owned());
            for visibility in [Visibility::Public, Visibility::Internal] {
                ticket.comments.push(Comment {
                    id: CommentId::new(format!("{HOSTILE}{visibility:?}{tick}")),
                    author: Person { name: HOSTILE.to_owned() },
                    body: HOSTILE.to_owned(),
                    visibility,
                    created: at(tick),
                    marker: None,
                });
            }
            ticket.files.push(File {
                id: FileId::new(format!("f{tick}")),
                name: HOSTILE.to_owned(),
                media_type: HOSTILE.to_owned(),
                size: 10,
                digest: None,
                visibility: Visibility::Public,
                author: Person { name: HOSTILE.to_owned() },
                created: at(tick),
                marker: None,
            });
        });
    }
    world.rounds(12);
    for system in world.rules.systems.values_mut() {
        system.party_title = HOSTILE.to_owned();
    }
    let because = HOSTILE.to_owned();
    let party = PartyName("home".to_owned());
    world.tell(Fact::Holds { party, level: Level::Helpdesk, since: at(world.tick), because });
    for shown in [Shown::default(), as_seen_by(PARTNER)] {
        let page = page(&world, &shown);
        assert_eq!(is_tame(&page), Ok(()), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)"), "it stands there as a text");
        assert!(page.contains("U+202E"), "what turns the order of signs is shown");
    }
    for wild in ["<img src=\"x\">", "<a href=\"javascript:x\">", "<p onclick=\"x\">", "<i style=\"x\">"] {
        assert!(is_tame(wild).is_err(), "the test sees nothing in {wild}");
    }
}

#[test]
fn the_switch_shows_the_very_page_of_the_partys_guests() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "Which log?", Visibility::Public);
    world.says(HOME, "Do not tell them.", Visibility::Internal);
    world.settle();
    let switched = page(&world, &as_seen_by(PARTNER));
    let records = records(&world);
    let known = Known { rules: &world.rules, names: &world.names };
    let seen = crate::plan::Seen::of(&world.case, &name(PARTNER), super::told(&records), known).unwrap();
    let title = &world.rules.systems[&name(PARTNER)].party_title;
    let guests = request_shown(&seen, title, "/console/cases/TL-1", at(world.tick + 5)).into_string();
    assert!(switched.contains(&guests) && guests.contains("Which log?") && !guests.contains("Do not tell"));
    let ours = page(&world, &Shown::default());
    assert!(ours.contains("stays there") && ours.contains("internal comments stay in their system"));
}

/// A case of two thousand events.
fn long(events: u32) -> World {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    let marker = Marker::from_hash(&[7; 32]);
    for number in 0..events / 3 {
        world.tick += i64::from(number % 17) * i64::from(number % 23) * 30;
        let origin = Origin { system: name(PARTNER), id: format!("c{number}") };
        world.tell(Fact::Remarked {
            origin: origin.clone(),
            author: "Paul".to_owned(),
            written: at(world.tick),
            body: format!(
                "Line {number} of a **long** talk, see https://a.test/{number} and `code`.\n\n- one\n- two"
            ),
            version: 1,
            internal: false,
        });
        let id = IntentId::new(format!("TL-1-{}", 1000 + number));
        let body = "Paul (partner):\n\nLine".to_owned();
        let operation = Operation::Comment { body, visibility: Visibility::Public };
        let intent =
            Intent { id: id.clone(), ticket: None, operation, marker: marker.clone(), expected: None };
        world.tell(Fact::Intended { leg: name(HOME), item: Item::Remark(origin), value: None, intent });
        let subject = Subject::Comment(CommentId::new(format!("h{number}")));
        world.tell(Fact::Effected { leg: name(HOME), intent: id, subject, found: false, lost: Vec::new() });
    }
    world
}

#[test]
fn a_long_case_is_shown_at_once() {
    let world = long(2000);
    let (records, clock) = (records(&world), SystemClock::new());
    let known = Known { rules: &world.rules, names: &world.names };
    let verdicts = world.foreseen(&[]).verdicts;
    for (shown, most_bytes) in [(Shown::default(), 700_000), (as_seen_by(PARTNER), 500_000)] {
        let begun = clock.monotonic();
        let verdicts = verdicts.clone();
        let now = at(world.tick);
        let mut whole = Whole { case: &world.case, records: &records, known, now, verdicts, audits: true };
        let page = whole.page(&shown).unwrap().into_string();
        let took = clock.monotonic() - begun;
        let bound = if cfg!(debug_assertions) { Duration::from_secs(15) } else { Duration::from_millis(300) };
        assert!(took < bound, "{took:?} for {} records", records.len());
        assert!(page.len() < most_bytes, "{} bytes", page.len());
        assert!(page.matches("class=\"spot").count() < 200, "what is near is told together");
        let elements = tags(&page).iter().filter(|(name, _)| !name.starts_with('/')).count();
        assert!(elements < 10_000, "{elements} elements are more than a browser lays out at once");
    }
}

/// The ids of the posts on a page.
fn posts(page: &str) -> Vec<String> {
    let posts = tags(page).into_iter().filter(|(name, _)| name == "article");
    let ids = posts.filter_map(|(_, attributes)| attributes.into_iter().find(|(key, _)| key == "id"));
    ids.map(|(_, id)| id).filter(|id| id != "description").collect()
}

#[test]
fn of_a_long_case_the_latest_is_shown_and_all_of_it_on_request() {
    let world = long(2000);
    for party in [None, Some(PARTNER)] {
        let of = |all| page(&world, &Shown { party: party.map(str::to_owned), all });
        let (latest, whole) = (of(None), of(Some(1)));
        let (few, all) = (posts(&latest), posts(&whole));
        assert!(few.len() == 200 && all.len() > 600, "{party:?}: {} of {}", few.len(), all.len());
        assert!(all.ends_with(&few), "{party:?}: what is left out is what is older");
        assert!(latest.contains(&format!("Show the {} older posts", all.len() - few.len())));
        assert!(!whole.contains("older posts") && !whole.contains("older records"), "{party:?}");
    }
}

#[test]
fn a_new_post_leaves_the_others_what_they_are() {
    for shown in [Shown::default(), as_seen_by(PARTNER)] {
        let (before, after) = (posts(&page(&long(900), &shown)), posts(&page(&long(903), &shown)));
        assert_eq!(before[1..], after[..199], "the script finds them by their ids");
        assert!(!before.contains(&after[199]));
        let different: BTreeSet<&String> = after.iter().collect();
        assert_eq!(different.len(), 200);
    }
}
