//! Both desks, a person in each, and a bridge between them: what every test here begins with.

use std::time::Duration;

use futures::future::join;

use crate::bridge::{Bridge, pass, until};
use crate::desks::Desks;
use crate::people::Seen;
use crate::redmine::Bob;
use crate::request_tracker::Alice;
use crate::setup::Setup;

/// How long something may take to cross: polls, a busy machine, and one wait for a doubt to settle. Only what never
/// comes to pass takes so long.
pub(crate) const SOON: Duration = Duration::from_secs(120);

/// How long desks are watched that should stay as they are: several polls, and whatever those would have led to.
pub(crate) const QUIET: Duration = Duration::from_secs(6);

/// The stage of one test.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) alice: Alice,
    pub(crate) bob: Bob,
    pub(crate) bridge: Bridge,
    pub(crate) setup: Setup,
}

/// One request: its ticket in Request Tracker and its issue in Redmine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) ticket: String,
    pub(crate) issue: String,
}

impl Stage {
    /// The stage with a running bridge; `None` where there are no desks.
    pub(crate) async fn open(name: &str) -> Option<Self> {
        let desks = Desks::standing()?;
        let mut stage = Self::set(name, &desks, Setup::new());
        stage.bridge.start().await;
        Some(stage)
    }

    /// The stage before the bridge is started.
    pub(crate) fn set(name: &str, desks: &Desks, setup: Setup) -> Self {
        let bridge = Bridge::configured(name, desks, &setup);
        Self { alice: Alice::new(desks), bob: Bob::new(desks), bridge, setup }
    }

    /// Alice raises a ticket; gives it once its issue stands in Redmine.
    pub(crate) async fn raised(&self, title: &str, text: &str) -> Pair {
        let title = self.setup.title(title);
        let ticket = self.alice.raise(&title, text).await;
        let issue =
            until("the ticket appears in Redmine", SOON, async || self.bob.titled(&title).await.pop()).await;
        Pair { ticket, issue }
    }

    /// The request in both desks.
    pub(crate) async fn see(&self, pair: &Pair) -> (Seen, Seen) {
        join(self.alice.see(&pair.ticket), self.bob.see(&pair.issue)).await
    }

    /// Waits until both desks look right.
    pub(crate) async fn until(
        &self,
        what: &str,
        pair: &Pair,
        right: impl Fn(&Seen, &Seen) -> bool,
    ) -> (Seen, Seen) {
        let mut last = None;
        let found = until(what, SOON, async || {
            let (ours, theirs) = self.see(pair).await;
            let holds = right(&ours, &theirs);
            last = Some((ours, theirs));
            holds.then_some(())
        });
        let found = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(found)).await;
        let last = last.expect("both desks were looked at");
        assert!(found.is_ok(), "not so: {what}\n{:#?}\n{:#?}", last.0, last.1);
        last
    }

    /// Waits until each side shows the other's number: the last thing that is written for a new pair.
    pub(crate) async fn is_linked(&self, pair: &Pair) {
        until("each side shows the other's number", SOON, async || {
            let (ours, theirs) = join(self.alice.head(&pair.ticket), self.bob.everything(&pair.issue)).await;
            let shown = ours.contains(&format!("Fabrikam {}", pair.issue))
                && theirs.contains(&format!("Contoso {}", pair.ticket));
            shown.then_some(())
        })
        .await;
    }

    /// Both desks are left alone for some polls: nothing may be written, and each holds the request once.
    pub(crate) async fn is_quiet(&self, pair: &Pair) {
        self.are_quiet([pair]).await;
    }

    /// The same for several requests at once.
    pub(crate) async fn are_quiet<'p>(&self, pairs: impl IntoIterator<Item = &'p Pair>) {
        let pairs: Vec<&Pair> = pairs.into_iter().collect();
        let mut looked = Vec::new();
        for pair in &pairs {
            self.is_linked(pair).await;
        }
        // How the counterpart stands is said last, after what is asked of each ticket already shows.
        until("the bridge has carried over what it planned", SOON, async || {
            let systems = self.bridge.json(&["system", "list"]);
            let outstanding =
                systems.as_array().unwrap().iter().map(|system| system["outstanding"].as_u64().unwrap());
            (outstanding.sum::<u64>() == 0).then_some(())
        })
        .await;
        for pair in pairs {
            looked.push((pair, self.see(pair).await));
        }
        pass(QUIET).await;
        for (pair, before) in looked {
            let after = self.see(pair).await;
            assert_eq!(before.0, after.0, "written in Request Tracker while nobody said anything");
            assert_eq!(before.1, after.1, "written in Redmine while nobody said anything");
            let title = &before.0.title;
            assert_eq!(self.alice.titled(title).await, std::slice::from_ref(&pair.ticket));
            assert_eq!(self.bob.titled(title).await, std::slice::from_ref(&pair.issue));
        }
    }

    /// Nothing waits for a person, the ledger is whole, and the daemon stops in good order.
    pub(crate) async fn close(mut self) {
        let parked = self.bridge.json(&["parked"]);
        assert_eq!(parked, serde_json::json!([]), "something is parked");
        let verified = self.bridge.told(&["ledger", "verify"]);
        assert!(verified.starts_with("The ledger is whole"), "{verified}");
        self.bridge.stop().await;
    }
}
