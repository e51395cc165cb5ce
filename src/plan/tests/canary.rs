//! Canaries: words planted where a party may not see them, looked for in everything that is written to that party, over
//! random agreements, people and carriers. What may be seen is judged here by the agreements' text alone.

use std::collections::BTreeSet;

use throughline_sdk::{Comment, CommentId, File, FileId, Linking, Operation, Person, SystemName, Visibility};
use throughline_testkit::{Canary, Haystack};

use super::world::{HOME, Outcome, PARTNER, VENDOR, World, at, name};
use crate::agreement::{Agreement, Direction, Internal, Policy, Rules};
use crate::case::{Field, PartyName};
use crate::console::request_shown;
use crate::plan::{Known, Seen};

const COUNTERPARTS: [&str; 3] = [PARTNER, VENDOR, "isv"];
const FIELDS: [&str; 5] = ["title", "description", "status", "priority", "field:tags"];
/// A custom field that no agreement names.
const UNSHARED: &str = "cost centre";

#[expect(clippy::disallowed_methods, reason = "how many scenarios to run is told by the environment")]
fn scenarios() -> u64 {
    let told = std::env::var("THROUGHLINE_SCENARIOS").ok().and_then(|count| count.parse().ok());
    told.unwrap_or(if cfg!(debug_assertions) { 400 } else { 10_000 })
}

#[test]
fn nothing_is_written_to_a_party_that_may_not_see_it() {
    let (mut arrived, mut shown) = (0, 0);
    for seed in 0..scenarios() {
        let outcome = run(seed, |_| {});
        assert!(outcome.leaks.is_empty(), "seed {seed}: {:#?}", outcome.leaks);
        arrived += outcome.arrived;
        shown += outcome.shown;
    }
    // Or nothing was put to the test.
    assert!(arrived > scenarios(), "only {arrived} words arrived where they may be seen");
    assert!(shown > scenarios(), "only {shown} words stand on the pages of those who may see them");
}

/// What is shared beyond an agreement, and how.
type Sabotage = (&'static str, fn(&mut Agreement));

/// The test can fail: the planner is given rules that share more than the agreements say.
#[test]
fn a_planted_leak_is_caught() {
    let sabotages: [Sabotage; 7] = [
        ("guest_link", |agreement| agreement.guest_link = true),
        ("introduces", |agreement| {
            agreement.introduces = COUNTERPARTS.map(|party| PartyName(party.to_owned())).into();
        }),
        ("internal", |agreement| agreement.internal = Internal::AsInternal),
        ("comments", |agreement| agreement.comments = Direction::Both),
        ("files", |agreement| agreement.files = Direction::Both),
        ("a field's direction", |agreement| {
            agreement.fields.values_mut().for_each(|rule| rule.direction = Direction::Both);
        }),
        ("an unshared field", |agreement| {
            let rule = agreement.fields.values().next().cloned();
            agreement.fields.extend(rule.map(|mut rule| {
                rule.direction = Direction::Both;
                (Field::Custom(UNSHARED.to_owned()), rule)
            }));
        }),
    ];
    for (what, sabotage) in sabotages {
        let caught = (0..150).any(|seed| {
            let outcome = run(seed, |rules| rules.agreements.values_mut().for_each(sabotage));
            !outcome.leaks.is_empty()
        });
        assert!(caught, "nobody notices when {what} is not kept to");
    }
}

/// A planted word, and the one place in which it was planted.
#[derive(Debug)]
struct Planted {
    canary: Canary,
    desk: &'static str,
    place: Place,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    Field(Field),
    Comment(Visibility),
    FileName(Visibility),
    Author,
    PartyTitle,
    Address,
}

#[derive(Debug, Default)]
struct Report {
    leaks: Vec<String>,
    arrived: u64,
    /// Words on the pages of guests.
    shown: u64,
}

/// The agreements as their text has them.
struct Text(Rules);

impl Text {
    fn of(&self, desk: &str) -> Option<&Agreement> {
        self.0.agreements.values().find(|agreement| agreement.counterpart.as_str() == desk)
    }

    /// Whether what is said of this kind at `from` may be read at `to`, and as what.
    fn said(
        &self,
        direction: fn(&Agreement) -> Direction,
        visibility: Visibility,
        from: &str,
        to: &str,
    ) -> Option<Visibility> {
        let inward = |it: &Agreement| matches!(direction(it), Direction::Both | Direction::Inbound);
        let outward = |it: &Agreement| matches!(direction(it), Direction::Both | Direction::Outbound);
        let (source, target) = (self.of(from), self.of(to));
        let goes = match (source, target, visibility) {
            (_, _, Visibility::Unknown) | (Some(_), _, Visibility::Internal) | (None, None, _) => false,
            (None, Some(target), Visibility::Public) => outward(target),
            (None, Some(target), Visibility::Internal) => {
                outward(target) && target.internal == Internal::AsInternal
            }
            (Some(source), None, Visibility::Public) => inward(source),
            (Some(source), Some(target), Visibility::Public) => {
                inward(source) && outward(target) && target.introduces.contains(&PartyName(from.to_owned()))
            }
        };
        goes.then_some(visibility)
    }

    /// Whether a value given to the field at `from` may be read at `to`.
    fn value(&self, field: &Field, from: &str, to: &str) -> bool {
        let rule = |desk: &str| self.of(desk).map(|it| it.fields.get(field).map(|rule| rule.direction));
        let inward = |it| matches!(it, Some(Direction::Both | Direction::Inbound));
        let outward = |it| matches!(it, Some(Direction::Both | Direction::Outbound));
        rule(from).is_none_or(inward) && rule(to).is_none_or(outward)
    }

    /// As what a planted word may be read at `to`.
    fn allows(&self, planted: &Planted, to: &str) -> Option<Visibility> {
        let from = planted.desk;
        let public = |allowed: bool| allowed.then_some(Visibility::Public);
        match &planted.place {
            _ if from == to => Some(Visibility::Public),
            Place::Field(field) => public(self.value(field, from, to)),
            Place::Comment(visibility) => self.said(|it| it.comments, *visibility, from, to),
            Place::FileName(visibility) => self.said(|it| it.files, *visibility, from, to),
            Place::Author => public(
                [Visibility::Public, Visibility::Internal]
                    .into_iter()
                    .any(|visibility| self.said(|it| it.comments, visibility, from, to).is_some()),
            ),
            Place::PartyTitle => public(
                from == HOME
                    || to == HOME
                    || self.said(|it| it.comments, Visibility::Public, from, to).is_some(),
            ),
            // The home desk is linked to from nowhere by address.
            Place::Address => public(to == HOME),
        }
    }

    /// Whether it may stand in the case at all.
    fn records(&self, planted: &Planted) -> bool {
        match &planted.place {
            Place::Comment(visibility) | Place::FileName(visibility) => {
                *visibility == Visibility::Public
                    || (*visibility == Visibility::Internal
                        && planted.desk == HOME
                        && self.0.agreements.values().any(|it| it.internal == Internal::AsInternal))
            }
            Place::Field(Field::Custom(name)) => name != UNSHARED,
            Place::Field(_) | Place::Author | Place::PartyTitle | Place::Address => true,
        }
    }
}

/// Plays one scenario with rules that `sabotage` changed, and judges it by those that were agreed on.
fn run(seed: u64, sabotage: impl Fn(&mut Rules)) -> Report {
    let mut chance = Chance(seed);
    let desks = 1 + chance.below(COUNTERPARTS.len());
    let policies = [Policy::OwnerHome, Policy::OwnerCounterpart, Policy::Latest, Policy::Manual];
    let opener = if chance.hit(20) { COUNTERPARTS[0] } else { HOME };
    let mut world = World::new(&COUNTERPARTS[..desks], policies[chance.below(policies.len())], opener);
    for agreement in world.rules.agreements.values_mut() {
        *agreement = drafted(agreement, &mut chance);
    }
    for able in world.able.values_mut() {
        able.edit = chance.hit(50);
        able.retract = chance.hit(70);
        able.internal_comments = chance.hit(80);
        able.link_back = [Linking::Field, Linking::Comment][chance.below(2)];
    }
    let mut stage = Stage { planted: Vec::new(), number: seed << 16 };
    for (system, rules) in &mut world.rules.systems {
        let desk = known(system);
        rules.party_title = format!("Party {}", stage.plant(desk, Place::PartyTitle));
    }
    world.rules.console = Some("https://console.example".to_owned());
    let text = Text(world.rules.clone());
    sabotage(&mut world.rules);
    for _ in 0..10 + chance.below(30) {
        stage.step(&mut world, &mut chance, desks);
    }
    world.rounds(12);
    judge(&world, &text, &stage.planted)
}

fn judge(world: &World, text: &Text, planted: &[Planted]) -> Report {
    let mut report = Report::default();
    for (system, intent) in &world.writes {
        let to = known(system);
        let sent = serde_json::to_string(&intent.operation).unwrap();
        let haystack = Haystack::of(&sent);
        let internal = match &intent.operation {
            Operation::Comment { visibility, .. } | Operation::Attach { visibility, .. } => {
                *visibility == Visibility::Internal
            }
            Operation::Edit { comment, .. } => {
                let seen = world.case.legs[system].shadow.comments.get(comment);
                seen.is_some_and(|seen| seen.internal)
            }
            Operation::Create(_)
            | Operation::Update { .. }
            | Operation::Transition { .. }
            | Operation::Retract { .. }
            | Operation::LinkBack { .. } => false,
        };
        if to != HOME && sent.contains("TL-") {
            report.leaks.push(format!("{to} can count the cases: {sent}"));
        }
        for planted in planted {
            let Some(form) = planted.canary.form_in(&haystack) else { continue };
            match text.allows(planted, to) {
                Some(Visibility::Internal) if internal => report.arrived += 1,
                Some(Visibility::Public) => report.arrived += u64::from(planted.desk != to),
                _ => report.leaks.push(format!("{planted:?} as {form} in what {to} is sent: {sent}")),
            }
        }
    }
    judge_pages(world, text, planted, &mut report);
    let case = Haystack::of(serde_json::to_string(&world.case).unwrap());
    for planted in planted.iter().filter(|planted| !text.records(planted)) {
        if planted.canary.form_in(&case).is_some() {
            report.leaks.push(format!("{planted:?} stands in the case"));
        }
    }
    report
}

/// The pages of each counterpart's guests are made of what it may see, too.
fn judge_pages(world: &World, text: &Text, planted: &[Planted], report: &mut Report) {
    let told = world.told();
    let with = Known { rules: &world.rules, names: &world.names };
    for leg in world.case.legs.keys().filter(|leg| leg.as_str() != HOME) {
        let to = known(leg);
        let facts = told.iter().map(|(fact, at)| (*at, fact));
        let Some(seen) = Seen::of(&world.case, leg, facts, with) else { continue };
        let title = world.rules.systems[leg].party_title.as_str();
        let page = request_shown(&seen, title, "/console/requests/1", at(world.tick)).into_string();
        if page.contains("TL-") {
            report.leaks.push(format!("{to} can count the cases on its page: {page}"));
        }
        let others =
            COUNTERPARTS.iter().filter(|other| **other != to && world.case.legs.contains_key(&name(other)));
        for other in others {
            // The desks' own names are no words of people.
            if page.contains(&format!("{other}#")) {
                report.leaks.push(format!("{to} is told of {other}: {page}"));
            }
        }
        let haystack = Haystack::of(&page);
        for planted in planted {
            let Some(form) = planted.canary.form_in(&haystack) else { continue };
            match text.allows(planted, to) {
                Some(_) => report.shown += 1,
                None => report.leaks.push(format!("{planted:?} as {form} on the page of {to}: {page}")),
            }
        }
    }
}

fn drafted(from: &Agreement, chance: &mut Chance) -> Agreement {
    let mut agreement = from.clone();
    let others = COUNTERPARTS.iter().filter(|_| chance.hit(40));
    agreement.introduces = others.map(|party| PartyName((*party).to_owned())).collect();
    agreement.comments = chance.direction();
    agreement.files = chance.direction();
    agreement.internal = if chance.hit(40) { Internal::AsInternal } else { Internal::None };
    agreement.fields.retain(|_, _| chance.hit(75));
    for rule in agreement.fields.values_mut() {
        rule.direction = chance.direction();
    }
    agreement
}

fn known(system: &SystemName) -> &'static str {
    let all = COUNTERPARTS.into_iter().chain([HOME]);
    all.into_iter().find(|desk| *desk == system.as_str()).unwrap()
}

/// Who plants and what was planted.
struct Stage {
    planted: Vec<Planted>,
    number: u64,
}

impl Stage {
    fn plant(&mut self, desk: &'static str, place: Place) -> String {
        self.number += 1;
        let word = format!("kanarie{:010}q", self.number);
        self.planted.push(Planted { canary: Canary::new(word.clone()), desk, place });
        word
    }

    fn step(&mut self, world: &mut World, chance: &mut Chance, desks: usize) {
        let places: Vec<&'static str> =
            [HOME].into_iter().chain(COUNTERPARTS.into_iter().take(desks)).collect();
        let desk = places[chance.below(places.len())];
        match chance.below(12) {
            0 | 1 => self.types(world, chance, desk),
            2 | 3 => self.says(world, chance, desk),
            4 => self.attaches(world, chance, desk),
            5 => self.edits(world, chance, desk),
            6 => world.person(desk, |ticket, _| {
                // What was not for everybody is shown to nobody later, so that its word may be looked for everywhere.
                if let Some(comment) = ticket.comments.iter_mut().find(|it| it.marker.is_none())
                    && comment.visibility == Visibility::Public
                {
                    comment.visibility = Visibility::Internal;
                }
            }),
            7 => world.person(desk, |ticket, _| {
                if ticket.comments.first().is_some_and(|it| it.marker.is_none()) {
                    ticket.comments.remove(0);
                }
            }),
            8 | 9 => {
                let opened = !world.case.legs.is_empty();
                let read: Vec<&str> = if opened {
                    places.iter().copied().filter(|_| chance.hit(60)).collect()
                } else {
                    world.tickets.keys().map(known).collect()
                };
                world.observe(&read);
            }
            _ => {
                let outcomes = [
                    Outcome::Done,
                    Outcome::Done,
                    Outcome::Done,
                    Outcome::DoneAnswerLost,
                    Outcome::LostOnTheWay,
                    Outcome::Dropped,
                ];
                world.deliver(desk, outcomes[chance.below(outcomes.len())]);
            }
        }
    }

    fn types(&mut self, world: &mut World, chance: &mut Chance, desk: &'static str) {
        let chosen = chance.below(FIELDS.len() + 2);
        if chosen > FIELDS.len() {
            let url = format!("https://desk.example/{}", self.plant(desk, Place::Address));
            return world.person(desk, |ticket, _| ticket.url = Some(url));
        }
        let field: Field = match FIELDS.get(chosen) {
            Some(field) => field.parse().unwrap(),
            None => Field::Custom(UNSHARED.to_owned()),
        };
        let word = match field {
            Field::Status | Field::Priority => String::new(),
            Field::Title | Field::Description | Field::Kind | Field::Custom(_) => {
                self.plant(desk, Place::Field(field.clone()))
            }
        };
        let status = ["New", "Open", "Waiting", "Done"][chance.below(4)];
        world.person(desk, |ticket, _| match &field {
            Field::Title => ticket.title = word,
            Field::Description => ticket.description = format!("about <{word}> & more"),
            Field::Status => status.clone_into(&mut ticket.status),
            Field::Priority => ticket.priority = Some("High".to_owned()),
            Field::Kind => ticket.kind = Some(word),
            Field::Custom(name) => {
                ticket.fields.insert(name.clone(), word);
            }
        });
    }

    fn says(&mut self, world: &mut World, chance: &mut Chance, desk: &'static str) {
        let visibility = chance.visibility();
        let (word, author) = (self.plant(desk, Place::Comment(visibility)), self.plant(desk, Place::Author));
        world.person(desk, |ticket, tick| {
            ticket.comments.push(Comment {
                id: CommentId::new(format!("p{tick}")),
                author: Person { name: format!("Ada {author}") },
                body: format!("said \"{word}\"."),
                visibility,
                created: at(tick),
                marker: None,
            });
        });
    }

    fn edits(&mut self, world: &mut World, chance: &mut Chance, desk: &'static str) {
        let Some(ticket) = world.tickets.get(&name(desk)) else { return };
        let own: Vec<usize> =
            (0..ticket.comments.len()).filter(|at| ticket.comments[*at].marker.is_none()).collect();
        if own.is_empty() {
            return;
        }
        let at = own[chance.below(own.len())];
        let word = self.plant(desk, Place::Comment(ticket.comments[at].visibility));
        world.person(desk, |ticket, _| ticket.comments[at].body = format!("edited to {word}"));
    }

    fn attaches(&mut self, world: &mut World, chance: &mut Chance, desk: &'static str) {
        let visibility = chance.visibility();
        let word = self.plant(desk, Place::FileName(visibility));
        world.person(desk, |ticket, tick| {
            ticket.files.push(File {
                id: FileId::new(format!("f{tick}")),
                name: format!("/home/{word}/{word}.txt"),
                media_type: "text/plain".to_owned(),
                size: 10,
                digest: None,
                visibility,
                author: Person { name: "Ada".to_owned() },
                created: at(tick),
                marker: None,
            });
        });
    }
}

/// What a seed decides (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap();
        usize::try_from(self.next() % bound).unwrap()
    }

    fn hit(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn direction(&mut self) -> Direction {
        let all =
            [Direction::Both, Direction::Both, Direction::Outbound, Direction::Inbound, Direction::None];
        all[self.below(all.len())]
    }

    fn visibility(&mut self) -> Visibility {
        let all = [Visibility::Public, Visibility::Public, Visibility::Internal, Visibility::Unknown];
        all[self.below(all.len())]
    }
}

/// Seeds that are the same scenario twice would be worth one.
#[test]
fn scenarios_differ() {
    let firsts: BTreeSet<u64> = (0..1000).map(|seed| Chance(seed).next()).collect();
    assert_eq!(firsts.len(), 1000);
}
