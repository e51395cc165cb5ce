//! A repository's issues as GitHub's documentation describes them: what they are, and what people do with them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::SubsecRound;
use serde_json::{Value, json};
use throughline_sdk::{Clock, Timestamp};

use crate::render;

/// Owner and name.
pub(crate) const OWNER: &str = "fabrikam";
pub(crate) const NAME: &str = "support";
/// Our account: the one of the examples that GitHub publishes, which answer for it in `specification`.
pub(crate) const BOT: &str = "octocat";
pub(crate) const TOKEN: &str = "github_pat_11AAAA";
pub(crate) const SECRET: &str = "a webhook's secret";

/// How the desk departs from its best day.
#[derive(Clone, Debug)]
pub(crate) struct Mood {
    /// Our account has the role triage or more.
    pub(crate) triage: bool,
    /// Updates are answered with success and not done.
    pub(crate) ignores: bool,
    /// Lists show every second issue this late.
    pub(crate) lag: Duration,
    pub(crate) issues_off: bool,
    pub(crate) archived: bool,
    pub(crate) renamed: bool,
    /// The token was narrowed to other repositories.
    pub(crate) hidden: bool,
    /// The secondary limit counts writes: eighty a minute.
    pub(crate) secondary: bool,
    /// What is left of the primary limit.
    pub(crate) left: Option<u32>,
}

/// A repository on GitHub. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

pub(crate) struct State {
    pub(crate) issues: BTreeMap<u64, Issue>,
    pub(crate) labels: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) people: Vec<String>,
    pub(crate) mood: Mood,
    pub(crate) writes: Vec<Timestamp>,
    next: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) author: String,
    pub(crate) open: bool,
    pub(crate) reason: Option<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) assignees: Vec<String>,
    pub(crate) kind: Option<String>,
    pub(crate) milestone: Option<String>,
    pub(crate) locked: bool,
    pub(crate) pull: bool,
    pub(crate) fate: Fate,
    pub(crate) comments: Vec<Comment>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// What lists came to show, and when it was written.
    pub(crate) shown: Vec<(Timestamp, Value)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Here,
    Deleted,
    /// To another repository, under this number.
    Transferred(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let state = State {
            issues: BTreeMap::new(),
            labels: owned(&["bug", "network", "Waiting", "in progress", "P1", "P2", "p3"]),
            types: owned(&["Bug", "Feature", "Task"]),
            people: owned(&["ada", "grace", BOT]),
            mood: Mood {
                triage: true,
                ignores: false,
                lag: Duration::from_secs(40),
                issues_off: false,
                archived: false,
                renamed: false,
                hidden: false,
                secondary: false,
                left: None,
            },
            writes: Vec::new(),
            next: 1,
        };
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn mood(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.state().mood);
    }

    /// GitHub tells whole seconds.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().trunc_subsecs(0)
    }

    /// Raises an issue; `login` is who does.
    pub(crate) fn create(&self, login: &str, title: &str, body: Option<String>) -> u64 {
        let now = self.now();
        let mut state = self.state();
        let number = state.take_number();
        let issue = Issue {
            number,
            title: title.trim().to_owned(),
            body,
            author: login.to_owned(),
            open: true,
            reason: None,
            labels: Vec::new(),
            assignees: Vec::new(),
            kind: None,
            milestone: None,
            locked: false,
            pull: false,
            fate: Fate::Here,
            comments: Vec::new(),
            created: now,
            updated: now,
            shown: Vec::new(),
        };
        state.issues.insert(number, issue);
        state.touch(number, now);
        number
    }

    pub(crate) fn comment(&self, login: &str, number: u64, body: &str) -> u64 {
        let now = self.now();
        let mut state = self.state();
        let id = state.take_number() + 5_000_000_000;
        let comment =
            Comment { id, author: login.to_owned(), body: body.to_owned(), created: now, updated: now };
        state.issue(number).comments.push(comment);
        state.touch(number, now);
        id
    }

    /// Changes an issue as its page would.
    pub(crate) fn change(&self, number: u64, change: impl FnOnce(&mut Issue)) {
        let now = self.now();
        let mut state = self.state();
        change(state.issue(number));
        state.touch(number, now);
    }

    /// The payload of an `issues` event.
    pub(crate) fn payload(&self, number: u64) -> Value {
        let mut state = self.state();
        let issue = state.issue(number).clone();
        json!({
            "action": "edited", "issue": render::issue(&issue), "changes": {},
            "repository": render::repository(&state.mood), "sender": render::account("ada"),
        })
    }
}

impl State {
    pub(crate) fn issue(&mut self, number: u64) -> &mut Issue {
        self.issues.get_mut(&number).unwrap()
    }

    /// Notes that an issue changed, for lists that show it late.
    pub(crate) fn touch(&mut self, number: u64, now: Timestamp) {
        let issue = self.issue(number);
        issue.updated = now;
        let row = render::issue(issue);
        issue.shown.push((now, row));
    }

    /// The row of an issue as a list shows it at this moment.
    pub(crate) fn row(&self, issue: &Issue, now: Timestamp) -> Option<Value> {
        if issue.fate != Fate::Here {
            return None;
        }
        let until = if issue.number.is_multiple_of(2) { now } else { now - self.mood.lag };
        issue.shown.iter().rev().find(|(at, _)| *at <= until).map(|(_, row)| row.clone())
    }

    pub(crate) fn has_label(&self, name: &str) -> Option<String> {
        self.labels.iter().find(|label| label.eq_ignore_ascii_case(name)).cloned()
    }

    fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }
}
