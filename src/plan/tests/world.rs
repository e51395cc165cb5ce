//! A small world for the planner: a few desks with words of their own, people who type, and a lossy carrier.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use ring::hmac;
use throughline_sdk::{
    Capabilities, Changes, Comment, CommentId, Digest, ErrorKind, File, FileId, Intent, IntentId, Linking,
    Operation, Person, RemoteId, Subject, SystemName, Ticket, Timestamp, Visibility,
};

use super::desks::{agreement, capabilities, system};
use crate::agreement::{Named, Policy, Pseudonyms, Rules, Sharing, Unnamed};
use crate::case::{Case, CaseId, Fact, Field, FileCopy, Item, Phase, Prepared};
use crate::plan::{Foresight, MarkerKey, Passage, Plan, View, foresee, plan, want};

pub(crate) const HOME: &str = "helpdesk";
pub(crate) const PARTNER: &str = "partner";
pub(crate) const VENDOR: &str = "vendor";

/// The case, its desks and the carrier between them.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) case: Case,
    pub(crate) rules: Rules,
    pub(crate) able: BTreeMap<SystemName, Capabilities>,
    pub(crate) tickets: BTreeMap<SystemName, Ticket>,
    pub(crate) writes: Vec<(SystemName, Intent)>,
    pub(crate) tick: i64,
    /// What was recorded, and when.
    pub(crate) log: Vec<(Timestamp, Vec<Fact>)>,
    pub(crate) names: Pseudonyms,
    key: MarkerKey,
}

/// How a delivery ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Done,
    DoneAnswerLost,
    LostOnTheWay,
    Dropped,
}

pub(crate) fn name(text: &str) -> SystemName {
    SystemName::new(text)
}

pub(crate) fn at(tick: i64) -> Timestamp {
    DateTime::from_timestamp(1_700_000_000 + tick, 0).unwrap()
}

pub(crate) fn ticket(id: &str) -> Ticket {
    Ticket {
        id: RemoteId::new(id),
        key: format!("#{id}"),
        version: None,
        url: Some(format!("https://desk.example/{id}")),
        title: "Printer burns".to_owned(),
        description: "It burns.\n\nA lot.".to_owned(),
        status: "New".to_owned(),
        priority: Some("Normal".to_owned()),
        kind: None,
        fields: BTreeMap::new(),
        requester: None,
        comments: Vec::new(),
        files: Vec::new(),
        references: Vec::new(),
        marker: None,
        created: at(0),
        updated: at(0),
        lost: Vec::new(),
    }
}

impl World {
    /// Desks of which nobody has been read yet; the ticket stands at `opener`.
    pub(crate) fn new(counterparts: &[&str], policy: Policy, opener: &str) -> Self {
        let mut rules = Rules::default();
        rules.systems.insert(name(HOME), system("home", false));
        for counterpart in counterparts {
            rules.systems.insert(name(counterpart), system(counterpart, true));
            let agreement = agreement(counterpart, policy);
            rules.agreements.insert(agreement.name.clone(), agreement);
        }
        Self {
            case: Case::new(CaseId(1), at(0)),
            able: rules.systems.keys().map(|system| (system.clone(), capabilities())).collect(),
            rules,
            tickets: BTreeMap::from([(name(opener), ticket("1"))]),
            writes: Vec::new(),
            tick: 0,
            log: Vec::new(),
            names: Pseudonyms::default(),
            key: MarkerKey(hmac::Key::new(hmac::HMAC_SHA256, b"key")),
        }
    }

    /// The same, read, created and calm.
    pub(crate) fn calm(counterparts: &[&str], policy: Policy) -> Self {
        let mut world = Self::new(counterparts, policy, HOME);
        world.settle();
        world
    }

    pub(crate) fn plan(&mut self, observed: &[&str], settled: &BTreeSet<IntentId>) -> Plan {
        let observations = self.seen(observed);
        let view = View {
            rules: &self.rules,
            capabilities: &self.able,
            observations: &observations,
            markers: &self.key,
            settled,
            names: &self.names,
            now: at(self.tick),
        };
        let plan = plan(&mut self.case, &view);
        if !plan.facts.is_empty() {
            self.log.push((at(self.tick), plan.facts.clone()));
        }
        plan
    }

    fn seen(&self, observed: &[&str]) -> BTreeMap<SystemName, Ticket> {
        let seen = self.tickets.iter().filter(|(system, _)| observed.contains(&system.as_str()));
        seen.map(|(system, ticket)| (system.clone(), ticket.clone())).collect()
    }

    /// Everything that was recorded, and when.
    pub(super) fn told(&self) -> Vec<(Fact, Timestamp)> {
        let each = |(at, facts): &(Timestamp, Vec<Fact>)| {
            let at = *at;
            facts.iter().map(move |fact| (fact.clone(), at)).collect::<Vec<_>>()
        };
        self.log.iter().flat_map(each).collect()
    }

    /// How often a desk was written to, not counting how the counterpart's ticket is shown there.
    pub(crate) fn changes(&self) -> usize {
        self.writes.iter().filter(|(_, intent)| !matches!(intent.operation, Operation::LinkBack(_))).count()
    }

    /// Records a fact.
    pub(crate) fn tell(&mut self, fact: Fact) {
        self.case.apply(&fact, at(self.tick));
        self.log.push((at(self.tick), vec![fact]));
    }

    /// What the planner would do if these desks were read.
    pub(crate) fn foreseen(&self, observed: &[&str]) -> Foresight {
        let observations = self.seen(observed);
        let view = View {
            rules: &self.rules,
            capabilities: &self.able,
            observations: &observations,
            markers: &self.key,
            settled: &BTreeSet::new(),
            names: &self.names,
            now: at(self.tick),
        };
        foresee(&self.case, &view)
    }

    /// Reads these desks and does whatever the plan asks to be read or stored.
    pub(crate) fn observe(&mut self, observed: &[&str]) -> Plan {
        let plan = self.plan(observed, &BTreeSet::new());
        for origin in &plan.unstored {
            let digest = Digest::new("00");
            self.tell(Fact::Stored { origin: origin.clone(), digest });
        }
        self.name(&plan.unnamed);
        for (leg, origin) in &plan.unprepared {
            let sharing = Sharing::of(&self.rules, &self.case, at(self.tick));
            let passage = Passage::of(&sharing, &self.names, origin, leg);
            let terms = passage.terms(self.case.document.attachments[origin].digest.as_ref().unwrap());
            let copy = Some(FileCopy { digest: Digest::new("redacted"), size: 1 });
            let prepared = Prepared { terms, copy, left: BTreeMap::new() };
            let (leg, origin) = (leg.clone(), origin.clone());
            let fact = Fact::Prepared { leg, origin, prepared, redacted: BTreeMap::new() };
            self.tell(fact);
        }
        plan
    }

    /// Gives values pseudonyms that count up.
    fn name(&mut self, unnamed: &[Unnamed]) {
        for Unnamed { agreement, label, key, value } in unnamed {
            let count =
                self.rules.agreements.keys().map(|agreement| self.names.count(agreement)).sum::<usize>();
            let pseudonym = format!("{label}-{:04}", 2222 + count);
            let (agreement, key, value) = (agreement.clone(), key.clone(), value.clone());
            self.names.insert(&Named { agreement, pseudonym, key, value });
        }
    }

    pub(crate) fn person(&mut self, system: &str, change: impl FnOnce(&mut Ticket, i64)) {
        self.tick += 1;
        let tick = self.tick;
        if let Some(ticket) = self.tickets.get_mut(&name(system)) {
            change(ticket, tick);
            ticket.updated = at(tick);
        }
    }

    pub(crate) fn says(&mut self, system: &str, text: &str, visibility: Visibility) {
        self.person(system, |ticket, tick| {
            ticket.comments.push(Comment {
                id: CommentId::new(format!("p{tick}")),
                author: Person { name: "Ada".to_owned() },
                body: text.to_owned(),
                visibility,
                created: at(tick),
                marker: None,
            });
        });
    }

    pub(crate) fn attaches(&mut self, system: &str, size: u64, visibility: Visibility) {
        self.person(system, |ticket, tick| {
            ticket.files.push(File {
                id: FileId::new(format!("f{tick}")),
                name: format!("file {tick}"),
                media_type: "text/plain".to_owned(),
                size,
                digest: None,
                visibility,
                author: Person { name: "Ada".to_owned() },
                created: at(tick),
                marker: None,
            });
        });
    }

    /// Sends the first intent of a leg, or finds out about it if it is in doubt.
    pub(crate) fn deliver(&mut self, system: &str, outcome: Outcome) {
        self.tick += 1;
        let leg = name(system);
        let Some(standing) = self.case.legs.get(&leg).and_then(|it| it.outstanding.front()).cloned() else {
            return;
        };
        let intent = standing.intent.id.clone();
        if matches!(standing.phase, Phase::Doubtful { .. }) {
            let class = matches!(
                standing.intent.operation,
                Operation::Create(_) | Operation::Comment { .. } | Operation::Attach { .. }
            );
            if !class {
                self.plan(&[system], &BTreeSet::from([intent]));
            } else {
                let fact = match self.find(&leg, &standing.intent) {
                    Some(subject) => Fact::Effected { leg, intent, subject, found: true, lost: Vec::new() },
                    None => Fact::Absolved { leg, intent },
                };
                self.tell(fact);
            }
            return;
        }
        let fact = match outcome {
            Outcome::Done => match self.write(&leg, &standing.intent) {
                Ok(subject) => Fact::Effected { leg, intent, subject, found: false, lost: Vec::new() },
                Err(reason) => Fact::Parked {
                    leg,
                    item: standing.item.clone(),
                    want: want(&standing),
                    kind: ErrorKind::Rejected,
                    reason,
                    intent: Some(intent),
                },
            },
            Outcome::Dropped => Fact::Dropped { leg, intent, reason: "stale".to_owned() },
            Outcome::DoneAnswerLost | Outcome::LostOnTheWay => {
                if matches!(outcome, Outcome::DoneAnswerLost) {
                    let _known_later = self.write(&leg, &standing.intent);
                }
                Fact::Attempted {
                    leg,
                    intent,
                    kind: ErrorKind::Unavailable,
                    reason: "no answer".to_owned(),
                    doubtful: true,
                    counted: true,
                    not_before: at(self.tick),
                }
            }
        };
        self.tell(fact);
    }

    fn find(&self, leg: &SystemName, intent: &Intent) -> Option<Subject> {
        let ticket = self.tickets.get(leg)?;
        if ticket.marker.as_ref() == Some(&intent.marker) {
            return Some(Subject::Ticket(ticket.id.clone()));
        }
        let comment = ticket.comments.iter().find(|it| it.marker.as_ref() == Some(&intent.marker));
        let file = ticket.files.iter().find(|it| it.marker.as_ref() == Some(&intent.marker));
        let comment = comment.map(|comment| Subject::Comment(comment.id.clone()));
        comment.or_else(|| file.map(|file| Subject::File(file.id.clone())))
    }

    /// What a desk does with an intent: it collapses white space in titles and cuts them.
    fn write(&mut self, leg: &SystemName, intent: &Intent) -> Result<Subject, String> {
        self.writes.push((leg.clone(), intent.clone()));
        let tick = self.tick;
        let tidy =
            |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(50).collect();
        if let Operation::Create(new) = &intent.operation {
            if self.tickets.contains_key(leg) {
                return Err("a second ticket".to_owned());
            }
            let mut made = ticket("77");
            made.title = tidy(&new.title);
            made.description.clone_from(&new.description);
            made.priority.clone_from(&new.priority);
            made.marker = Some(intent.marker.clone());
            made.updated = at(tick);
            self.tickets.insert(leg.clone(), made);
            return Ok(Subject::Ticket(RemoteId::new("77")));
        }
        let ticket = self.tickets.get_mut(leg).ok_or("no ticket")?;
        ticket.updated = at(tick);
        let this = Subject::Ticket(ticket.id.clone());
        Ok(match &intent.operation {
            Operation::Create(_) => this,
            Operation::Update { changes: Changes { title, description, priority, kind: _, fields } } => {
                if let Some(title) = title {
                    ticket.title = tidy(title);
                }
                if let Some(description) = description {
                    ticket.description.clone_from(description);
                }
                if let Some(priority) = priority {
                    ticket.priority = Some(priority.clone());
                }
                ticket.fields.extend(fields.clone());
                this
            }
            Operation::Transition { status } => {
                ticket.status.clone_from(status);
                this
            }
            Operation::Comment { body, visibility } => {
                let id = CommentId::new(format!("c{tick}"));
                ticket.comments.push(Comment {
                    id: id.clone(),
                    author: Person { name: "Throughline".to_owned() },
                    body: body.replace("  ", " "),
                    visibility: *visibility,
                    created: at(tick),
                    marker: Some(intent.marker.clone()),
                });
                Subject::Comment(id)
            }
            Operation::Edit { comment, body } => {
                let there = ticket.comments.iter_mut().find(|it| it.id == *comment).ok_or("no comment")?;
                there.body.clone_from(body);
                Subject::Comment(comment.clone())
            }
            Operation::Retract { comment } => {
                ticket.comments.retain(|it| it.id != *comment);
                Subject::Comment(comment.clone())
            }
            Operation::Attach { name, media_type, size, digest, visibility } => {
                let id = FileId::new(format!("a{tick}"));
                ticket.files.push(File {
                    id: id.clone(),
                    name: name.clone(),
                    media_type: media_type.clone(),
                    size: *size,
                    digest: Some(digest.clone()),
                    visibility: *visibility,
                    author: Person { name: "Throughline".to_owned() },
                    created: at(tick),
                    marker: Some(intent.marker.clone()),
                });
                Subject::File(id)
            }
            Operation::LinkBack(link) if self.able[leg].link_back == Linking::Comment => {
                let body = format!("{} {}", link.label, link.summary.as_deref().unwrap_or_default());
                let marker = Some(intent.marker.clone());
                match ticket.comments.iter_mut().find(|it| it.marker == marker) {
                    Some(there) => there.body = body,
                    None => ticket.comments.push(Comment {
                        id: CommentId::new(format!("l{tick}")),
                        author: Person { name: "Throughline".to_owned() },
                        body,
                        visibility: Visibility::Internal,
                        created: at(tick),
                        marker,
                    }),
                }
                this
            }
            Operation::LinkBack(link) => {
                ticket.references.retain(|it| it.label != link.label);
                ticket.references.push(link.clone());
                this
            }
        })
    }

    /// Reads and delivers everything until nothing is left to do; the number of rounds is bounded.
    pub(crate) fn settle(&mut self) {
        let rests = self.rounds(60);
        assert!(rests, "it never comes to rest: {:#?}", self.case);
    }

    /// The same for some rounds; whether it came to rest.
    pub(crate) fn rounds(&mut self, most: usize) -> bool {
        for _ in 0..most {
            let all: Vec<String> = self.rules.systems.keys().map(ToString::to_string).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let plan = self.observe(&all);
            let quiet = plan.facts.is_empty()
                && plan.unstored.is_empty()
                && plan.unread.is_empty()
                && plan.unnamed.is_empty()
                && plan.unprepared.is_empty();
            if quiet && !self.case.has_work() {
                return true;
            }
            for system in &all {
                while self.case.legs.get(&name(system)).is_some_and(|leg| !leg.outstanding.is_empty()) {
                    self.deliver(system, Outcome::Done);
                }
            }
        }
        false
    }

    pub(crate) fn value(&self, field: &Field) -> Option<&str> {
        self.case.document.fields.get(field).map(|field| field.value.as_str())
    }

    pub(crate) fn is_parked(&self, system: &str, item: &Item) -> bool {
        self.case.legs.get(&name(system)).is_some_and(|leg| leg.parked.contains_key(item))
    }
}
