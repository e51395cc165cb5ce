//! One pass over the records of a time: each case folded as it was, each piece of news judged by both rules.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{SystemName, TicketRef, Timestamp, Visibility};

use super::crossing::{Crossing, News};
use super::past::{Drafted, Event, Past, What};
use super::report::{Change, Example, Key, Tally};
use super::requirements::{Need, need};
use super::routing::{Held, Known, Way, held, is_same};
use crate::agreement::{Agreement, Kind, Pseudonyms, Rules, Sharing};
use crate::case::{AgreementName, Case, CaseId, Fact, Field, Role};
use crate::ledger::Record;

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'t> {
    /// The agreement.
    pub agreement: &'t AgreementName,
    /// The rules in force.
    pub in_force: &'t Rules,
    /// The rules with the draft.
    pub draft: &'t Rules,
    /// What was recorded before is only remembered, not judged.
    pub since: Timestamp,
}

/// One hand that takes in records, all of a case in their order.
#[derive(Debug)]
pub struct Rehearsal<'t> {
    trial: Trial<'t>,
    cases: BTreeMap<CaseId, Past>,
    ignored: BTreeSet<TicketRef>,
    /// Pseudonyms that would be given, for this trial only.
    names: Pseudonyms,
    tally: Tally,
}

impl<'t> Rehearsal<'t> {
    /// Nothing taken in yet.
    pub fn new(trial: Trial<'t>) -> Self {
        Self {
            trial,
            cases: BTreeMap::new(),
            ignored: BTreeSet::new(),
            names: Pseudonyms::default(),
            tally: Tally::default(),
        }
    }

    /// Takes in a record.
    pub fn take(&mut self, record: &Record) {
        let Some(id) = record.case else { return self.ignored(record) };
        if record.erased {
            self.cases.remove(&id);
            return;
        }
        let past = self.cases.entry(id).or_insert_with(|| Past::new(id, record.at));
        let judged = record.at >= self.trial.since;
        let events = past.fold(record, judged);
        if !judged {
            return;
        }
        let stood = past.drafted == Drafted::Same;
        let added = self.trial.route(past, record, &mut self.tally);
        let newly = stood && matches!(past.drafted, Drafted::With(_));
        self.trial.require(past, record, newly, &mut self.names, &mut self.tally);
        self.trial.tell_unread(past, record.at, &mut self.tally);
        // What this record tells stands in the case by now: a counterpart that is newly routed is told it with all the rest.
        for event in if added.is_empty() { events } else { added } {
            self.trial.judge(past, &event, record.at, &mut self.names, &mut self.tally);
        }
    }

    /// What was counted.
    pub fn finish(self) -> Tally {
        self.tally
    }

    /// Tickets that no agreement routed: of these history knows nothing but that they were there.
    fn ignored(&mut self, record: &Record) {
        let Some(draft) = self.trial.drafted() else { return };
        for fact in record.facts.iter().filter(|_| record.at >= self.trial.since) {
            let Fact::Ignored { ticket, .. } = fact else { continue };
            let way = match &ticket.system {
                home if *home == draft.home => Way::Outbound,
                counterpart if *counterpart == draft.counterpart => Way::Inbound,
                _ => continue,
            };
            if self.trial.routes_no_more(way) || !self.ignored.insert(ticket.clone()) {
                continue;
            }
            let place = Some(ticket.to_string());
            let example = Example { case: String::new(), at: record.at, place, before: None, after: None };
            let key = self.trial.request(
                Change::Untold,
                way,
                "no agreement routed it",
                "of a ticket that was not taken in nothing is kept",
            );
            self.tally.add(key, None, example);
        }
    }
}

impl Trial<'_> {
    fn standing(&self) -> Option<&Agreement> {
        self.in_force.agreements.get(self.agreement)
    }

    fn drafted(&self) -> Option<&Agreement> {
        self.draft.agreements.get(self.agreement)
    }

    /// Whether the draft routes nothing this way that the agreement in force does not.
    fn routes_no_more(&self, way: Way) -> bool {
        let before = self.standing().and_then(|agreement| way.condition(agreement));
        let after = self.drafted().and_then(|agreement| way.condition(agreement));
        after.is_none() || is_same(before, after)
    }

    /// Whether the draft routes the request; what would cross at once if it newly does.
    fn route(&self, past: &mut Past, record: &Record, tally: &mut Tally) -> Vec<Event> {
        let Some(draft) = self.drafted() else { return Vec::new() };
        let at = record.at;
        let (id, empty) = (past.case.id, Known::new());
        let example = Example { case: id.to_string(), at, place: None, before: None, after: None };
        let joins = |fact: &Fact| matches!(fact, Fact::Joined { agreement: Some(name), .. } if name == self.agreement);
        if record.facts.iter().any(joins) {
            let way = way_in(record);
            let before = self.standing().and_then(|agreement| way.condition(agreement));
            if is_same(before, way.condition(draft)) {
                return Vec::new();
            }
            let known = past.natives.get(way.source(draft)).unwrap_or(&empty);
            let (change, words) = match held(self.draft, draft, way, known) {
                Held::Yes => return Vec::new(),
                Held::No(reason) => (Change::NoLongerRoutes, reason),
                Held::Unknown(reason) => (Change::Untold, reason),
            };
            if change == Change::NoLongerRoutes {
                past.drafted = Drafted::Without;
            }
            tally.add(self.request(change, way, "the request was routed", &words), Some(id), example);
            return Vec::new();
        }
        let at_home = past.case.legs.get(&draft.home).is_some_and(|leg| leg.role == Role::Home);
        let joined = past.case.legs.contains_key(&draft.counterpart);
        let read = |fact: &Fact| matches!(fact, Fact::Observed { leg, .. } if *leg == draft.home);
        let asks = at_home && !joined && past.drafted == Drafted::Same && record.facts.iter().any(read);
        if !asks || self.routes_no_more(Way::Outbound) {
            return Vec::new();
        }
        let known = past.natives.get(&draft.home).unwrap_or(&empty);
        match held(self.draft, draft, Way::Outbound, known) {
            Held::No(_) => Vec::new(),
            Held::Unknown(words) if !past.unrouted => {
                past.unrouted = true;
                let key = self.request(Change::Untold, Way::Outbound, "the request was not routed", &words);
                tally.add(key, Some(id), example);
                Vec::new()
            }
            Held::Unknown(_) => Vec::new(),
            Held::Yes => {
                let Some(system) = self.draft.systems.get(&draft.counterpart) else { return Vec::new() };
                past.drafted = Drafted::With(Box::new(Fact::Joined {
                    leg: draft.counterpart.clone(),
                    party: system.party.clone(),
                    role: Role::Counterpart,
                    agreement: Some(draft.name.clone()),
                    version: draft.version.clone(),
                }));
                let words = "the draft routes it";
                let key =
                    self.request(Change::NewlyRoutes, Way::Outbound, "the request was not routed", words);
                tally.add(key, Some(id), example);
                past.standing(&draft.counterpart)
            }
        }
    }

    /// What either agreement requires, in the moment in which the counterpart is to be given the request.
    fn require(&self, past: &Past, record: &Record, newly: bool, names: &mut Pseudonyms, tally: &mut Tally) {
        let Some(draft) = self.drafted() else { return };
        let at = record.at;
        let joins = |fact: &Fact| matches!(fact, Fact::Joined { leg, .. } if *leg == draft.counterpart);
        let joined = record.facts.iter().any(joins) && way_in(record) == Way::Outbound;
        let standing = match &past.drafted {
            Drafted::Same if joined => self.standing(),
            Drafted::With(_) if newly => None,
            Drafted::Same | Drafted::With(_) | Drafted::Without => return,
        };
        let empty = Known::new();
        let known = past.natives.get(&draft.home).unwrap_or(&empty);
        let read = Sharing::of(self.in_force, &past.case, at).fields(&draft.home);
        let mut asks = |rules: &Rules, agreement: &Agreement, case: &Case| {
            need(rules, agreement, (case, at), (known, &read), names)
        };
        let before = standing.map_or(Need::Met, |standing| asks(self.in_force, standing, &past.case));
        let after = asks(self.draft, draft, &past.drafted(&draft.counterpart, at));
        let change = match (&before, &after) {
            (Need::Met | Need::Unknown(_), Need::Lacking(_)) => Change::Parks,
            (Need::Lacking(_), Need::Met) => Change::NewlyLeaves,
            (_, Need::Unknown(_)) => Change::Untold,
            (Need::Met | Need::Unknown(_), Need::Met) | (Need::Lacking(_), Need::Lacking(_)) => return,
        };
        let id = past.case.id;
        let example = Example { case: id.to_string(), at, place: None, before: None, after: None };
        let key = self.request(change, Way::Outbound, &before.words(), &after.words());
        tally.add(key, Some(id), example);
    }

    /// What the draft would let cross and the rules in force never read, once for each case.
    fn tell_unread(&self, past: &mut Past, at: Timestamp, tally: &mut Tally) {
        let Some(draft) = self.drafted() else { return };
        let takes_part = past
            .case
            .legs
            .get(&draft.counterpart)
            .is_some_and(|leg| leg.agreement.as_ref() == Some(&draft.name));
        if past.untold || !takes_part || past.drafted != Drafted::Same {
            return;
        }
        past.untold = true;
        let id = past.case.id;
        let (before, after) =
            (Sharing::of(self.in_force, &past.case, at), Sharing::of(self.draft, &past.case, at));
        let sides = [(&draft.home, &draft.counterpart), (&draft.counterpart, &draft.home)];
        for (source, target) in sides {
            let mut tell = |item: String, rule: String| {
                let example = Example { case: id.to_string(), at, place: None, before: None, after: None };
                let key = Key {
                    change: Change::Untold,
                    item,
                    source: source.clone(),
                    target: target.clone(),
                    in_force: "it was not read".to_owned(),
                    draft: rule,
                };
                tally.add(key, Some(id), example);
            };
            let read = before.fields(source);
            for field in after.fields(source).difference(&read) {
                let ruling = after.ruling(target, field);
                if after.is_source(source, field) && ruling.passes {
                    tell(field.to_string(), format!("{}: {}", draft.name, ruling.rule));
                }
            }
            for (kind, item) in [(Kind::Comments, "comments"), (Kind::Files, "files")] {
                for visibility in [Visibility::Public, Visibility::Internal] {
                    let ruling = after.agreed(kind, visibility, source, target);
                    if ruling.passes && !before.gathers(kind, visibility, source) {
                        let sort = if visibility == Visibility::Internal { "internal " } else { "" };
                        tell(format!("{sort}{item}"), format!("{}: {}", draft.name, ruling.rule));
                    }
                }
            }
        }
    }

    /// Judges a piece of news by both rules, for the legs between which the agreement stands.
    fn judge(&self, past: &Past, event: &Event, at: Timestamp, names: &mut Pseudonyms, tally: &mut Tally) {
        let Some(draft) = self.drafted() else { return };
        let counterpart = &draft.counterpart;
        let concerned = past.case.legs.contains_key(counterpart) || matches!(past.drafted, Drafted::With(_));
        // A request that the draft does not route is told once, not with each of its comments.
        if !concerned || past.drafted == Drafted::Without {
            return;
        }
        let news = event.what.news();
        let known = news.crossings(self.in_force, &past.case, at, names);
        let after = match past.drafted {
            Drafted::Same => news.crossings(self.draft, &past.case, at, names),
            Drafted::Without | Drafted::With(_) => {
                news.crossings(self.draft, &past.drafted(counterpart, at), at, names)
            }
        };
        let targets: BTreeSet<&SystemName> = known.keys().chain(after.keys()).collect();
        for target in targets {
            let between = target == counterpart || news.source() == counterpart;
            let other = event.only.as_ref().is_some_and(|only| only != target);
            if !between || other || event.except.contains(target) {
                continue;
            }
            tally.judge();
            let absent = Crossing::Stays { rule: "the request is not routed there".to_owned() };
            let (before, after) =
                (known.get(target).unwrap_or(&absent), after.get(target).unwrap_or(&absent));
            let Some(change) = difference(before, after) else { continue };
            let (mut in_force, mut drafted) = (before.rule().to_owned(), after.rule().to_owned());
            let mut example = Example {
                case: past.case.id.to_string(),
                at,
                place: event.what.place(),
                before: None,
                after: None,
            };
            if let What::Field(_, field, _) = &event.what
                && is_seen_at_home(past, &news, &known)
            {
                (example.before, example.after) = (shown(before), shown(after));
                // Few words stand in these, so that each pair of them makes a group.
                let word = matches!(field, Field::Status | Field::Priority | Field::Kind);
                if let (true, Change::Changes, Some(from), Some(to)) =
                    (word, change, &example.before, &example.after)
                {
                    in_force.push_str(&format!(", shown as {from}"));
                    drafted.push_str(&format!(", shown as {to}"));
                }
            }
            let key = Key {
                change,
                item: news.sort(),
                source: news.source().clone(),
                target: target.clone(),
                in_force,
                draft: drafted,
            };
            tally.add(key, Some(past.case.id), example);
        }
    }

    fn request(&self, change: Change, way: Way, in_force: &str, draft: &str) -> Key {
        let agreement = self.drafted().or(self.standing());
        let (source, target) = match (agreement, way) {
            (Some(agreement), Way::Outbound) => (agreement.home.clone(), agreement.counterpart.clone()),
            (Some(agreement), Way::Inbound) => (agreement.counterpart.clone(), agreement.home.clone()),
            (None, _) => (SystemName::new(""), SystemName::new("")),
        };
        let (in_force, draft) = (in_force.to_owned(), draft.to_owned());
        Key { change, item: "request".to_owned(), source, target, in_force, draft }
    }
}

/// Whether home is shown the value by the rules in force, by which these are the crossings: it is its own, or it comes in.
fn is_seen_at_home(past: &Past, news: &News<'_>, in_force: &BTreeMap<SystemName, Crossing>) -> bool {
    let home = past.case.legs.iter().find(|(_, leg)| leg.role == Role::Home).map(|(name, _)| name);
    let Some(home) = home else { return false };
    news.source() == home || matches!(in_force.get(home), Some(Crossing::Leaves { .. }))
}

/// Which way the request went that this record opened or widened.
fn way_in(record: &Record) -> Way {
    let mut joined = record.facts.iter();
    let first = joined.find_map(|fact| if let Fact::Joined { role, .. } = fact { Some(*role) } else { None });
    let opened = record.facts.contains(&Fact::Opened);
    if opened && first == Some(Role::Counterpart) { Way::Inbound } else { Way::Outbound }
}

fn difference(before: &Crossing, after: &Crossing) -> Option<Change> {
    match (before, after) {
        (Crossing::Leaves { shown: before, .. }, Crossing::Leaves { shown: after, .. }) => {
            (before != after).then_some(Change::Changes)
        }
        (Crossing::Stays { .. } | Crossing::Parks { .. }, Crossing::Leaves { .. }) => {
            Some(Change::NewlyLeaves)
        }
        (Crossing::Leaves { .. }, Crossing::Stays { .. }) => Some(Change::NoLongerLeaves),
        (Crossing::Leaves { .. } | Crossing::Stays { .. }, Crossing::Parks { .. }) => Some(Change::Parks),
        (Crossing::Parks { .. }, Crossing::Stays { .. }) => Some(Change::NoLongerParks),
        (Crossing::Stays { .. }, Crossing::Stays { .. })
        | (Crossing::Parks { .. }, Crossing::Parks { .. }) => None,
    }
}

/// What is shown, shortened, in quotes.
fn shown(crossing: &Crossing) -> Option<String> {
    const LONGEST: usize = 60;
    let Crossing::Leaves { shown, .. } = crossing else { return None };
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(LONGEST).collect();
    Some(if cut.len() < line.len() { format!("“{cut}…”") } else { format!("“{cut}”") })
}
