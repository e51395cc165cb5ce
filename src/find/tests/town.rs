//! Cases of which much happens, in a journal, with what is known of them beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::{Just, Strategy, prop_oneof};
use throughline_sdk::{ErrorKind, RemoteId, SystemName, Timestamp};

use crate::case::{
    AgreementName, Case, CaseId, Claim, Fact, Field, Fingerprint, Heard, Item, Level, OfferState, PartyName,
    Priority, Role, Status,
};
use crate::ledger::tests::{Counting, at, fold, helpdesk, now, observed, parts};
use crate::ledger::{Entry, Journal, MemoryMedium};
use crate::store::memory::MemoryStore;
use crate::store::tests::assert_filed;
use crate::store::{Index, Store};

/// Numbers that stand in several blocks.
pub(super) fn number() -> impl Strategy<Value = u64> {
    (0u64..6).prop_map(|number| number * 700 + 1)
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Open(u64),
    Say(u64, Said),
    Erase(u64),
    /// So many hours pass.
    Wait(i64),
    Reopen,
}

/// What is said of a case.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Title(&'static str),
    Status(Status),
    Priority(Priority),
    Holds(&'static str),
    Dispute,
    Settle,
    Park,
    Unpark,
    /// With so many hours to answer.
    Offer(i64),
    Lapse,
    Accept,
    Created,
    Rekeyed,
    Claimed,
    /// Something of the bridge's own: no news.
    Postponed,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let said = prop_oneof![
        proptest::sample::select(vec!["Printer fire", "mail", "PRINTER mail", "printing", ""])
            .prop_map(Said::Title),
        proptest::sample::select(Status::ALL.to_vec()).prop_map(Said::Status),
        proptest::sample::select(Priority::ALL.to_vec()).prop_map(Said::Priority),
        prop_oneof![Just("helpdesk"), Just("acme")].prop_map(Said::Holds),
        Just(Said::Dispute),
        Just(Said::Settle),
        Just(Said::Park),
        Just(Said::Unpark),
        (1i64..60).prop_map(Said::Offer),
        Just(Said::Lapse),
        Just(Said::Accept),
        Just(Said::Created),
        Just(Said::Rekeyed),
        Just(Said::Claimed),
        Just(Said::Postponed),
    ];
    prop_oneof![
        6 => number().prop_map(Step::Open),
        16 => (number(), said).prop_map(|(number, said)| Step::Say(number, said)),
        1 => number().prop_map(Step::Erase),
        2 => (1i64..40).prop_map(Step::Wait),
        1 => Just(Step::Reopen),
    ]
}

/// The journal, and every case that was not erased as it was folded.
pub(super) struct Town {
    medium: Arc<MemoryMedium>,
    store: Arc<dyn Store>,
    entropy: Arc<Counting>,
    journal: Option<Journal>,
    cases: BTreeMap<CaseId, Case>,
    erased: Vec<u64>,
    now: Timestamp,
}

impl Town {
    pub(super) fn new() -> Self {
        let mut town = Self {
            medium: Arc::new(MemoryMedium::new()),
            store: Arc::new(MemoryStore::new()),
            entropy: Arc::default(),
            journal: None,
            cases: BTreeMap::new(),
            erased: Vec::new(),
            now: at(0),
        };
        town.open();
        town
    }

    pub(super) fn go(&mut self, step: &Step) {
        match step {
            Step::Open(number) => {
                if !self.cases.contains_key(&CaseId(*number)) && !self.erased.contains(number) {
                    self.tell(*number, opening(*number));
                }
            }
            Step::Say(number, said) => {
                if let Some(case) = self.cases.get(&CaseId(*number)) {
                    let facts = facts(*number, said, case, self.now);
                    self.tell(*number, facts);
                }
            }
            Step::Erase(number) => {
                if self.cases.remove(&CaseId(*number)).is_some() {
                    self.erased.push(*number);
                    now(self.journal().erase(CaseId(*number))).unwrap();
                }
            }
            Step::Wait(hours) => self.now += chrono::Duration::hours(*hours),
            Step::Reopen => self.reopen(),
        }
    }

    /// Stops in good order and starts again.
    pub(super) fn reopen(&mut self) {
        now(self.journal().close()).unwrap();
        self.journal = None;
        self.open();
    }

    /// Starts with nothing but the ledger.
    pub(super) fn rebuild(&mut self) {
        now(self.journal().close()).unwrap();
        self.journal = None;
        self.store = Arc::new(MemoryStore::new());
        self.open();
    }

    pub(super) fn cases(&self) -> &BTreeMap<CaseId, Case> {
        &self.cases
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Index) -> T) -> T {
        self.journal().look_up(|index| Ok(read(index))).unwrap()
    }

    /// What the cases are filed under is what they are filed under as they are now.
    pub(super) fn compare(&self) {
        self.read(|index| assert_filed(index, &self.cases));
    }

    fn tell(&mut self, number: u64, facts: Vec<Fact>) {
        let id = CaseId(number);
        let mut case = fold(self.cases.remove(&id), id, self.now, &facts);
        let entry = Entry { at: self.now, case: Some(case.clone()), facts };
        case.last = Some(now(self.journal().commit(entry)).unwrap().position);
        self.cases.insert(id, case);
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn open(&mut self) {
        let parts = parts(&self.medium, &self.store, &self.entropy);
        self.journal = Some(now(Journal::open(parts)).unwrap());
    }
}

fn acme() -> SystemName {
    SystemName::new("acme")
}

fn opening(number: u64) -> Vec<Fact> {
    crate::ledger::tests::opening(number)
}

fn facts(number: u64, said: &Said, case: &Case, now: Timestamp) -> Vec<Fact> {
    let changed = |field, value: &str| Fact::Changed {
        field,
        value: value.to_owned(),
        leg: helpdesk(),
        changed: now,
        overruled: BTreeMap::new(),
    };
    let handshake = |state, within: Option<i64>| Fact::Handshake {
        leg: acme(),
        state,
        words: String::new(),
        respond_by: within.map(|hours| now + chrono::Duration::hours(hours)),
        heard: Heard::default(),
        answers_after: None,
    };
    vec![match said {
        Said::Title(title) => changed(Field::Title, title),
        Said::Status(status) => changed(Field::Status, status.word()),
        Said::Priority(priority) => changed(Field::Priority, priority.word()),
        Said::Holds(party) => Fact::Holds {
            party: PartyName((*party).to_owned()),
            level: Level::Helpdesk,
            since: now,
            because: "it was asked".into(),
        },
        Said::Dispute => {
            Fact::Disputed { field: Field::Priority, wanted: [(helpdesk(), "high".to_owned())].into() }
        }
        Said::Settle => Fact::Settled { field: Field::Priority },
        Said::Park => Fact::Parked {
            leg: helpdesk(),
            item: Item::Ticket,
            want: Fingerprint::of("x"),
            kind: ErrorKind::Rejected,
            reason: "a title is too long".into(),
            intent: None,
        },
        Said::Unpark => Fact::Unparked {
            leg: helpdesk(),
            item: Item::Ticket,
            discarded: number.is_multiple_of(2),
            by: String::new(),
            reason: String::new(),
        },
        Said::Offer(hours) => {
            return vec![
                Fact::Offering { leg: acme(), to: Role::Counterpart, after: None },
                handshake(OfferState::Offered, Some(*hours)),
            ];
        }
        Said::Lapse => Fact::OfferLapsed { leg: acme() },
        Said::Accept => handshake(OfferState::Accepted, None),
        Said::Created => {
            let Fact::Observed { mut reading, .. } = observed(number) else { return Vec::new() };
            reading.ticket = Some(RemoteId::new(format!("a{}", number - 1)));
            reading.key = None;
            Fact::Observed { leg: acme(), reading }
        }
        Said::Rekeyed => {
            let Some(from) = case.legs.get(&helpdesk()).and_then(|leg| leg.ticket.clone()) else {
                return Vec::new();
            };
            Fact::Rekeyed { leg: helpdesk(), from, to: RemoteId::new((number - 1).to_string()) }
        }
        Said::Claimed => Fact::Claimed(Box::new(Claim {
            from: acme(),
            to: SystemName::new("interface"),
            agreement: AgreementName("interface".into()),
            ticket: RemoteId::new(format!("i{}", number - 1)),
            updated: now,
            comments: BTreeMap::new(),
            files: BTreeMap::new(),
        })),
        Said::Postponed => Fact::Postponed { leg: acme() },
    }]
}
