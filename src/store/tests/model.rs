//! The plain model: every acknowledged entry in a list, and each question answered by walking it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use throughline_sdk::{Cursor, ErrorKind, IntentId, RemoteId, Subject, SystemName, TicketRef};

use super::desk::Engine;
use super::{Fate, Say, assert_filed};
use crate::agreement::Products;
use crate::case::{AgreementName, Case, CaseId, Claim, Fact, Fingerprint, Item, Reading};
use crate::ledger::tests::{
    Counting, advanced, at, fold, helpdesk, hinted, intended_create, marker, now, opening, parts, ticket,
};
use crate::ledger::{Entry, Journal, MemoryMedium, Position, verify};
use crate::store::{Index, Store};

/// The daemon's record and the model beside it.
pub(super) struct World {
    engine: Box<dyn Engine>,
    medium: Arc<MemoryMedium>,
    entropy: Arc<Counting>,
    journal: Option<Journal>,
    told: Vec<(Option<CaseId>, Vec<Fact>)>,
}

impl World {
    pub(super) fn new(engine: Box<dyn Engine>) -> Self {
        let (medium, entropy) = (Arc::new(MemoryMedium::new()), Arc::default());
        let mut world = Self { engine, medium, entropy, journal: None, told: Vec::new() };
        world.open();
        world
    }

    pub(super) fn say(&mut self, say: &Say) {
        if let Some((case, facts)) = self.facts(say) {
            let entry = self.entry(case, &facts);
            now(self.journal().commit(entry)).unwrap();
            self.told.push((case, facts));
        }
    }

    pub(super) fn reopen(&mut self) {
        now(self.journal().close()).unwrap();
        self.journal = None;
        self.open();
        self.compare();
    }

    pub(super) fn snapshot(&mut self) {
        now(self.journal().close()).unwrap();
        self.journal = None;
        self.engine.snapshot();
        self.open();
    }

    pub(super) fn crash(&mut self, after: u64, during: &Say, seed: u64, store: Fate) {
        let mut in_doubt = None;
        if let Some((case, facts)) = self.facts(during) {
            let entry = self.entry(case, &facts);
            self.medium.fail_after(after);
            match now(self.journal().commit(entry)) {
                Ok(_) => self.told.push((case, facts)),
                Err(_) => in_doubt = Some((case, facts)),
            }
        }
        self.journal = None;
        let mut state = seed;
        self.medium.crash(&mut |bound| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        });
        self.engine.suffer(store);
        self.open();
        let records = verify(&*self.medium, &mut |_| {}).unwrap().records;
        if records > u64::try_from(self.told.len()).unwrap() {
            self.told.push(in_doubt.expect("nothing appears that was not said"));
        }
        assert_eq!(records, u64::try_from(self.told.len()).unwrap(), "an acknowledged record is lost");
        self.compare();
    }

    pub(super) fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn open(&mut self) {
        let store: Arc<dyn Store> = self.engine.open();
        self.journal = Some(now(Journal::open(parts(&self.medium, &store, &self.entropy))).unwrap());
    }

    fn entry(&self, case: Option<CaseId>, facts: &[Fact]) -> Entry {
        let case = case.map(|id| {
            let stored = now(self.journal().read(move |index| index.case(id))).unwrap();
            fold(stored, id, at(0), facts)
        });
        Entry { at: at(0), case, facts: facts.to_vec() }
    }

    /// What is said, where it makes sense: the case of ticket N is number N.
    fn facts(&self, say: &Say) -> Option<(Option<CaseId>, Vec<Fact>)> {
        let acme = || SystemName::new("acme");
        let create = |number: u64| IntentId::new(format!("create-{number}"));
        let (number, facts) = match say {
            Say::Hint(number) => return Some((None, vec![hinted(*number)])),
            Say::Page(number) => {
                return Some((None, vec![advanced(*number), hinted(*number), hinted(number + 1)]));
            }
            Say::Ignore(number) => {
                let (ticket, reason) = (ticket(*number), "no agreement".to_owned());
                let answered = Fact::Answered { ticket: ticket.clone(), through: self.journal().end() };
                return Some((None, vec![Fact::Ignored { ticket, reason }, answered]));
            }
            Say::Open(number) => {
                let is_new = !self.cases().contains_key(&CaseId(*number));
                return is_new.then(|| (Some(CaseId(*number)), opening(*number)));
            }
            Say::Observe(number, key) => {
                let ticket = self.cases().get(&CaseId(*number))?.legs[&helpdesk()].ticket.clone();
                let shown = Some(format!("HD-{number}-{key}"));
                let read = TicketRef::new(helpdesk(), ticket.clone()?);
                let reading = Reading { ticket, key: shown, ..Reading::default() };
                // Every other reading began before anything was hinted: it ends no hint.
                let through = if key % 2 == 0 { self.journal().end() } else { Position(0) };
                let answered = Fact::Answered { ticket: read, through };
                (*number, vec![Fact::Observed { leg: helpdesk(), reading }, answered])
            }
            Say::Create(number) => {
                // No two intents have one id: a creation is planned again only when the last one ended.
                let case = self.cases().remove(&CaseId(*number))?;
                let standing = &case.legs.get(&acme())?.outstanding;
                let is_new = standing.iter().all(|standing| standing.intent.id != create(*number));
                return is_new.then(|| (Some(CaseId(*number)), vec![intended_create(*number)]));
            }
            Say::Effect(number) => {
                let subject = Subject::Ticket(RemoteId::new(format!("a{number}")));
                (
                    *number,
                    vec![Fact::Effected {
                        leg: acme(),
                        intent: create(*number),
                        subject,
                        found: false,
                        lost: Vec::new(),
                    }],
                )
            }
            Say::Drop(number) => {
                let dropped = Fact::Dropped { leg: acme(), intent: create(*number), reason: "no".into() };
                (*number, vec![dropped])
            }
            Say::Park(number) => {
                let parked = Fact::Parked {
                    leg: acme(),
                    item: Item::Ticket,
                    want: Fingerprint::of("x"),
                    kind: ErrorKind::Rejected,
                    reason: "a title is too long".into(),
                    intent: Some(create(*number)),
                };
                (*number, vec![parked])
            }
            Say::Unpark(number) => (
                *number,
                vec![Fact::Unparked {
                    leg: acme(),
                    item: Item::Ticket,
                    discarded: false,
                    by: String::new(),
                    reason: String::new(),
                }],
            ),
            Say::Rekey(number) => {
                let from = self.cases().get(&CaseId(*number))?.legs[&helpdesk()].ticket.clone()?;
                let to = RemoteId::new(format!("{from}m"));
                (*number, vec![Fact::Rekeyed { leg: helpdesk(), from, to }])
            }
            Say::Claim(number) => {
                let claim = Claim {
                    from: acme(),
                    to: SystemName::new("interface"),
                    agreement: AgreementName("interface".into()),
                    ticket: RemoteId::new(format!("i{number}")),
                    updated: at(0),
                    comments: BTreeMap::new(),
                    files: BTreeMap::new(),
                };
                (*number, vec![Fact::Claimed(Box::new(claim))])
            }
            Say::Concern(number, set) => {
                let about = products(*set);
                let about = if about.is_empty() { Products::new() } else { [(board(), about)].into() };
                (*number, vec![Fact::Concerned { products: about }])
            }
            Say::Announce(number, set) => {
                return Some((
                    None,
                    vec![Fact::Announced { ticket: outage(*number), products: products(*set) }],
                ));
            }
            Say::Long(number) => {
                let noise: Vec<String> =
                    (0..800).map(|turn| marker(turn * 7919 + number).to_string()).collect();
                let remarked = Fact::Remarked {
                    origin: format!("helpdesk#{}", noise.len()).try_into().unwrap(),
                    author: "Ada".into(),
                    written: at(0),
                    body: noise.concat(),
                    version: 1,
                    internal: false,
                };
                (*number, vec![remarked])
            }
        };
        self.cases().contains_key(&CaseId(number)).then_some((Some(CaseId(number)), facts))
    }

    fn cases(&self) -> BTreeMap<CaseId, Case> {
        let mut cases = BTreeMap::new();
        for (id, facts) in &self.told {
            if let Some(id) = id {
                let folded = fold(cases.remove(id), *id, at(0), facts);
                cases.insert(*id, folded);
            }
        }
        cases
    }

    pub(super) fn compare(&self) {
        let cases = self.cases();
        let (journal, whole) = (self.journal(), usize::MAX);
        let stored = now(journal.read(move |index| index.cases(CaseId(0), whole))).unwrap();
        let timeless = |case: &Case| Case { last: None, ..case.clone() };
        assert_eq!(
            stored.iter().map(timeless).collect::<Vec<_>>(),
            cases.values().map(timeless).collect::<Vec<_>>()
        );
        for case in &stored {
            let said: Vec<_> = self.told.iter().filter(|(id, _)| *id == Some(case.id)).collect();
            let timeline = now(journal.timeline(case)).unwrap();
            assert_eq!(timeline.len(), said.len());
            assert!(timeline.iter().zip(said).all(|(record, (_, facts))| record.facts == *facts));
        }
        self.compare_tickets(&cases);
        self.compare_standing();
        self.compare_announced(&cases);
        journal
            .look_up(|index| {
                assert_filed(index, &cases);
                Ok(())
            })
            .unwrap();
        let select = |wanted: fn(&Case) -> bool| -> Vec<CaseId> {
            cases.values().filter(|case| wanted(case)).map(|case| case.id).collect()
        };
        let (working, parked) = (select(Case::has_work), select(Case::is_parked));
        for after in 0..5 {
            let page =
                |ids: Vec<CaseId>| ids.into_iter().filter(|id| id.0 > after).take(2).collect::<Vec<_>>();
            let some = now(journal.read(move |index| index.cases(CaseId(after), 2))).unwrap();
            assert_eq!(
                some.iter().map(|case| case.id).collect::<Vec<_>>(),
                page(cases.keys().copied().collect())
            );
            let some = now(journal.read(move |index| index.parked(CaseId(after), 2))).unwrap();
            assert_eq!(some, page(parked.clone()));
        }
        assert_eq!(now(journal.read(Index::working)).unwrap(), working);
        assert_eq!(now(journal.read(move |index| index.parked(CaseId(0), whole))).unwrap(), parked);
        let counts = now(journal.read(Index::counts)).unwrap();
        assert_eq!((counts.cases, counts.working), (to_u64(cases.len()), to_u64(working.len())));
        assert_eq!(counts.parked, to_u64(parked.len()));
        assert!(cases.keys().all(|id| id.0 <= counts.highest));
    }

    fn compare_tickets(&self, cases: &BTreeMap<CaseId, Case>) {
        let (mut tickets, mut keys) = (BTreeMap::new(), BTreeMap::new());
        for (case, leg) in cases.values().flat_map(|case| case.legs.iter().map(move |leg| (case.id, leg))) {
            if let Some(id) = &leg.1.ticket {
                tickets.insert(TicketRef::new(leg.0.clone(), id.clone()), case);
                keys.extend(leg.1.key.clone().map(|key| ((leg.0.clone(), key), case)));
            }
        }
        for (case, (system, id)) in
            cases.values().flat_map(|case| case.former.iter().map(move |former| (case.id, former)))
        {
            tickets.insert(TicketRef::new(system.clone(), id.clone()), case);
        }
        let mut asked: BTreeSet<TicketRef> = tickets.keys().cloned().collect();
        for number in 1..6 {
            asked.insert(ticket(number));
            for key in (0..3).map(|key| format!("HD-{number}-{key}")).chain([format!("HD-{number}")]) {
                let expected = keys.get(&(helpdesk(), key.clone())).copied();
                let found = now(self.journal().read(move |index| index.case_of_key(&helpdesk(), &key)));
                assert_eq!(found.unwrap(), expected);
            }
        }
        for ticket in asked {
            let expected = tickets.get(&ticket).copied();
            assert_eq!(
                now(self.journal().read(move |index| index.case_of_ticket(&ticket))).unwrap(),
                expected
            );
        }
    }

    fn compare_announced(&self, cases: &BTreeMap<CaseId, Case>) {
        let mut announced = BTreeMap::new();
        for fact in self.told.iter().flat_map(|(_, facts)| facts) {
            if let Fact::Announced { ticket, products } = fact {
                announced.insert(ticket.clone(), products.clone());
            }
        }
        for number in 1..6 {
            let expected = announced.get(&outage(number)).cloned().unwrap_or_default();
            assert_eq!(
                now(self.journal().read(move |index| index.announced(&outage(number)))).unwrap(),
                expected
            );
        }
        for product in products(3) {
            let is_about = |case: &&Case| {
                let about = case.references.products.get(&board());
                about.is_some_and(|about| about.contains(&product))
            };
            let about: Vec<CaseId> = cases.values().filter(is_about).map(|case| case.id).collect();
            let standing = announced.iter().filter(|(_, products)| products.contains(&product));
            let standing: Vec<TicketRef> = standing.map(|(ticket, _)| ticket.clone()).collect();
            for after in 0..5 {
                let name = product.clone();
                let page =
                    now(self.journal().read(move |index| index.concerned(&board(), &name, CaseId(after), 2)));
                let expected: Vec<CaseId> = about.iter().copied().filter(|id| id.0 > after).take(2).collect();
                assert_eq!(page.unwrap(), expected);
            }
            let found = now(self.journal().read(move |index| index.standing(&board(), &product, 100)));
            assert_eq!(found.unwrap(), standing);
        }
    }

    fn compare_standing(&self) {
        let (mut hints, mut cursor, mut markers) = (Vec::new(), None, BTreeSet::new());
        for (case, fact) in
            self.told.iter().flat_map(|(case, facts)| facts.iter().map(move |fact| (case, fact)))
        {
            match (fact, case) {
                (Fact::Hinted { ticket, .. }, _) => {
                    hints.retain(|standing| standing != ticket);
                    hints.push(ticket.clone());
                }
                (Fact::Answered { ticket, through }, _) if *through > Position(0) => {
                    hints.retain(|standing| standing != ticket);
                }
                (Fact::Advanced { cursor: to, .. }, _) => cursor = Some(to.clone()),
                (Fact::Intended { intent, .. }, Some(id)) => markers.extend([(id.0, intent.marker.clone())]),
                (Fact::Effected { .. } | Fact::Dropped { .. }, Some(id)) => {
                    markers.remove(&(id.0, marker(id.0)));
                }
                _ => {}
            }
        }
        assert_eq!(now(self.journal().read(|index| index.hints(100))).unwrap(), hints);
        let read: Option<Cursor> = now(self.journal().read(|index| index.cursor(&helpdesk()))).unwrap();
        assert_eq!(read, cursor);
        for number in 1..6 {
            let expected = markers.contains(&(number, marker(number))).then_some(CaseId(number));
            let found = now(self.journal().read(move |index| index.case_of_marker(&marker(number))));
            assert_eq!(found.unwrap(), expected);
        }
    }
}

fn board() -> SystemName {
    SystemName::new("board")
}

fn outage(number: u64) -> TicketRef {
    TicketRef::new(board(), RemoteId::new(format!("EX{number}")))
}

/// None, either or both of two.
fn products(set: u8) -> BTreeSet<String> {
    let all = ["mail", "chat"].into_iter().enumerate();
    all.filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, name)| name.to_owned()).collect()
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap()
}
