//! A retention rule that runs out is carried out by the reconciliation, on a clock of the test's own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::{Clock, RemoteId, SystemName, TicketRef};
use throughline_testkit::ManualClock;

use crate::agreement::{Retention, Rules};
use crate::case::{Case, CaseId, Fact, Field, PartyName, Reading, Role};
use crate::daemon::Bridge;
use crate::daemon::bare::Bare;
use crate::ledger::{self, Entry, Journal, Keyring, Medium, Scope};

const DAY: Duration = Duration::from_secs(86_400);
const SECRET: &str = "the kiwi is ripe";

/// A bridge whose requests are kept for thirty days once they are over, with one case for each status.
struct House {
    bare: Bare,
    clock: ManualClock,
    bridge: Bridge,
}

impl House {
    async fn of(statuses: &[&str]) -> Self {
        let clock = ManualClock::new();
        let bare = Bare::new(Arc::new(clock.clone()));
        let journal = bare.journal().await;
        for status in statuses {
            open(&journal, &clock, status).await;
        }
        let retention = vec![Retention {
            name: "closed".to_owned(),
            keep: DAY * 30,
            agreements: BTreeSet::new(),
            types: BTreeSet::new(),
            priorities: BTreeSet::new(),
        }];
        let parts = bare.parts(journal);
        let parts = crate::daemon::Parts { rules: Rules { retention, ..Rules::default() }, ..parts };
        let bridge = Bridge::start(parts).await.unwrap();
        let house = Self { bare, clock, bridge };
        house.settle().await;
        house
    }

    /// Lets whatever has something to do come to its end: all of it runs on this thread, and nothing sleeps but on the
    /// clock.
    async fn settle(&self) {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    }

    /// Days go by.
    async fn pass(&self, days: u32) {
        for _ in 0..days {
            self.clock.advance(DAY);
            self.settle().await;
        }
    }

    fn journal(&self) -> &Journal {
        &self.bridge.shared().journal
    }

    async fn cases(&self) -> Vec<CaseId> {
        let cases = self.journal().read(|index| index.cases(CaseId(0), 100)).await.unwrap();
        cases.iter().map(|case| case.id).collect()
    }

    /// The records as an auditor reads them who has every key that is left.
    fn exported(&self) -> String {
        let medium: Arc<dyn Medium> = Arc::<ledger::MemoryMedium>::clone(&self.bare.medium);
        let entropy = Arc::clone(&self.bare.entropy);
        let keyring = Keyring::open(Arc::clone(&medium), entropy, &self.bare.master, true).unwrap();
        let mut out = Vec::new();
        ledger::export(medium.as_ref(), &keyring, Scope::All, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}

/// Opens a case with one ticket, as it would stand after its first reading.
async fn open(journal: &Journal, clock: &ManualClock, status: &str) {
    let (at, leg) = (clock.now(), SystemName::new("helpdesk"));
    let mut case = Case::new(journal.next_case(), at);
    let ticket = Some(RemoteId::new(case.id.0.to_string()));
    let set = |field, value: &str| Fact::Changed {
        field,
        value: value.to_owned(),
        leg: leg.clone(),
        changed: at,
        overruled: Default::default(),
    };
    let facts = vec![
        Fact::Opened,
        Fact::Joined {
            leg: leg.clone(),
            party: PartyName("contoso".to_owned()),
            role: Role::Home,
            agreement: None,
            version: None,
        },
        Fact::Observed {
            leg: leg.clone(),
            reading: Reading { ticket, updated: Some(at), ..Reading::default() },
        },
        set(Field::Title, SECRET),
        set(Field::Status, status),
    ];
    facts.iter().for_each(|fact| case.apply(fact, at));
    journal.commit(Entry { at, case: Some(case), facts }).await.unwrap();
}

#[tokio::test]
async fn a_closed_case_is_erased_when_its_time_runs_out_and_the_record_says_by_which_rule() {
    let house = House::of(&["closed", "open"]).await;
    house.pass(29).await;
    assert_eq!(house.cases().await, [CaseId(1), CaseId(2)], "its time is not over");
    assert_eq!(house.exported().matches(SECRET).count(), 2);

    house.pass(1).await;
    assert_eq!(house.cases().await, [CaseId(2)], "what is not over is kept");
    let erasures = house.journal().read(|index| index.erasures(CaseId(0), 10)).await.unwrap();
    let [erasure] = erasures.as_slice() else { panic!("{erasures:?}") };
    let because = "[retention.closed]: it was over for 30 days";
    assert_eq!((erasure.case, erasure.at), (CaseId(1), house.clock.now()));
    assert_eq!((erasure.by.as_str(), erasure.because.as_str()), ("retention", because));
    assert_eq!(erasure.files, Some(0), "and it was carried out");
    let ticket = TicketRef::new(SystemName::new("helpdesk"), RemoteId::new("1"));
    let gone = house.journal().read(move |index| index.erased_with(&ticket)).await.unwrap();
    assert_eq!(gone, Some(CaseId(1)), "its ticket is not taken up again");

    house.pass(40).await;
    assert_eq!(house.cases().await, [CaseId(2)]);
    house.bridge.stop().await.unwrap();
    let exported = house.exported();
    assert_eq!(exported.matches(SECRET).count(), 1, "nobody can read it any more");
    assert_eq!(exported.matches(because).count(), 1, "once, by whom and why stays");
    let verified = ledger::verify(house.bare.medium.as_ref(), &mut |_| {}).unwrap();
    assert_eq!(verified.records, u64::try_from(exported.lines().count()).unwrap());
}
