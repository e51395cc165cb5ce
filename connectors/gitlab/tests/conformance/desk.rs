//! A project's issues as GitLab's documentation describes them: what they are, and what people do with them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::SubsecRound;
use serde_json::{Value, json};
use throughline_sdk::{Clock, Timestamp};

pub(crate) const PROJECT: &str = "fabrikam/support";
pub(crate) const PROJECT_ID: u64 = 7;
/// The account of the project's access token.
pub(crate) const BOT: &str = "project_7_bot_a1b2";
pub(crate) const BOT_ID: u64 = 90;
pub(crate) const TOKEN: &str = "glpat-s3cr3tAAAA";
pub(crate) const WEBHOOK_TOKEN: &str = "a webhook's token";
pub(crate) const SIGNING_TOKEN: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Roles by their numbers.
pub(crate) const GUEST: u64 = 10;
pub(crate) const REPORTER: u64 = 20;

/// How the desk departs from its best day.
#[derive(Clone, Debug)]
pub(crate) struct Mood {
    pub(crate) role: u64,
    pub(crate) version: String,
    /// Lists of issues are keyed, since 18.3.
    pub(crate) keyed: bool,
    /// Updates are answered with success and not done.
    pub(crate) ignores: bool,
    /// A replica shows every second issue of a list this late.
    pub(crate) lag: Duration,
    pub(crate) issues_off: bool,
    pub(crate) archived: bool,
    /// The project went to another path.
    pub(crate) elsewhere: bool,
    /// The token was taken out of the project.
    pub(crate) hidden: bool,
    /// Notes leave out whether they are internal.
    pub(crate) silent: bool,
    /// Files are in an object store, where readers are sent on to.
    pub(crate) stored: bool,
    /// How many notes a minute may be written.
    pub(crate) notes_a_minute: usize,
}

/// A project on GitLab. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

pub(crate) struct State {
    pub(crate) issues: BTreeMap<u64, Issue>,
    pub(crate) labels: Vec<String>,
    pub(crate) uploads: BTreeMap<String, Vec<u8>>,
    pub(crate) mood: Mood,
    pub(crate) noted: Vec<Timestamp>,
    next: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub(crate) iid: u64,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) author: String,
    pub(crate) open: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) kind: String,
    pub(crate) due: Option<String>,
    pub(crate) confidential: bool,
    pub(crate) locked: bool,
    pub(crate) moved: Option<u64>,
    pub(crate) deleted: bool,
    pub(crate) notes: Vec<Note>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// What lists came to show, and when it was written.
    pub(crate) shown: Vec<(Timestamp, Value)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) system: bool,
    pub(crate) internal: bool,
    pub(crate) created: Timestamp,
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let labels =
            ["bug", "network", "status::waiting", "doing", "priority::1", "priority::2", "Priority::3"];
        let state = State {
            issues: BTreeMap::new(),
            labels: labels.map(str::to_owned).to_vec(),
            uploads: BTreeMap::new(),
            mood: Mood {
                role: REPORTER,
                version: "18.5.1-ee".to_owned(),
                keyed: true,
                ignores: false,
                lag: Duration::from_secs(40),
                issues_off: false,
                archived: false,
                elsewhere: false,
                hidden: false,
                silent: false,
                stored: false,
                notes_a_minute: usize::MAX,
            },
            noted: Vec::new(),
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

    /// GitLab keeps microseconds.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().trunc_subsecs(6)
    }

    pub(crate) fn create(&self, author: &str, title: &str, description: Option<String>) -> u64 {
        let now = self.now();
        let mut state = self.state();
        let iid = state.take_number();
        let issue = Issue {
            iid,
            title: title.trim().to_owned(),
            description,
            author: author.to_owned(),
            open: true,
            labels: Vec::new(),
            kind: "issue".to_owned(),
            due: None,
            confidential: false,
            locked: false,
            moved: None,
            deleted: false,
            notes: Vec::new(),
            created: now,
            updated: now,
            shown: Vec::new(),
        };
        state.issues.insert(iid, issue);
        state.touch(iid, now);
        iid
    }

    pub(crate) fn say(&self, author: &str, iid: u64, body: &str, internal: bool) -> u64 {
        let now = self.now();
        let mut state = self.state();
        let id = state.take_number() + 300_000_000;
        let (author, body) = (author.to_owned(), body.to_owned());
        state.issue(iid).notes.push(Note { id, author, body, system: false, internal, created: now });
        state.touch(iid, now);
        id
    }

    /// Changes an issue, and says so in a system note as GitLab does.
    pub(crate) fn change(&self, iid: u64, said: &str, change: impl FnOnce(&mut Issue)) {
        let now = self.now();
        let mut state = self.state();
        let id = state.take_number() + 300_000_000;
        let issue = state.issue(iid);
        change(issue);
        let (author, body) = ("ada".to_owned(), said.to_owned());
        issue.notes.push(Note { id, author, body, system: true, internal: false, created: now });
        state.touch(iid, now);
    }

    /// Stores a file; answers its address in texts.
    pub(crate) fn store(&self, name: &str, bytes: Vec<u8>) -> String {
        let mut state = self.state();
        let number = state.take_number();
        let keeps = |letter: char| letter.is_alphanumeric() || "_.-+".contains(letter);
        let kept: String = name.chars().map(|letter| if keeps(letter) { letter } else { '_' }).collect();
        let place = format!("{number:032x}/{kept}");
        state.uploads.insert(place.clone(), bytes);
        format!("/uploads/{place}")
    }

    /// The payload of an issue's event.
    pub(crate) fn payload(&self, iid: u64) -> Value {
        let mut state = self.state();
        let issue = state.issue(iid);
        json!({
            "object_kind": "issue", "event_type": "issue",
            "user": {"id": 1, "name": "Ada", "username": "ada", "email": "[REDACTED]"},
            "project": {"id": PROJECT_ID, "name": "Support", "path_with_namespace": PROJECT, "visibility_level": 0},
            "object_attributes": {
                "id": 300 + iid, "iid": iid, "title": issue.title, "description": issue.description,
                "state": if issue.open { "opened" } else { "closed" }, "action": "update",
            },
            "labels": [], "changes": {},
        })
    }
}

impl State {
    pub(crate) fn issue(&mut self, iid: u64) -> &mut Issue {
        self.issues.get_mut(&iid).unwrap()
    }

    /// Notes that an issue changed, for replicas that show it late.
    pub(crate) fn touch(&mut self, iid: u64, now: Timestamp) {
        let issue = self.issue(iid);
        issue.updated = now;
        let row = issue.render();
        issue.shown.push((now, row));
    }

    /// Gives a note another text. That this moves the issue's time is nowhere said, so it does not.
    pub(crate) fn rewrite(&mut self, iid: u64, note: u64, text: &str) {
        let notes = self.issue(iid).notes.iter_mut();
        notes.filter(|one| one.id == note).for_each(|one| one.body = text.to_owned());
    }

    /// The row of an issue as a list shows it at this moment, with its exact time.
    pub(crate) fn row(&self, issue: &Issue, now: Timestamp) -> Option<(Timestamp, Value)> {
        if issue.deleted {
            return None;
        }
        let until = if issue.iid.is_multiple_of(2) { now } else { now - self.mood.lag };
        issue.shown.iter().rev().find(|(at, _)| *at <= until).cloned()
    }

    pub(crate) fn label(&self, name: &str) -> Option<String> {
        self.labels.iter().find(|label| label.eq_ignore_ascii_case(name)).cloned()
    }

    /// Sets a label, makes it if need be, and takes off others of its scope.
    pub(crate) fn put_label(&mut self, iid: u64, name: &str) {
        let name = self.label(name).unwrap_or_else(|| {
            self.labels.push(name.to_owned());
            name.to_owned()
        });
        let scope = name.rsplit_once("::").map(|(scope, _)| format!("{scope}::"));
        let issue = self.issue(iid);
        issue
            .labels
            .retain(|label| *label != name && !scope.as_ref().is_some_and(|scope| label.starts_with(scope)));
        issue.labels.push(name);
        issue.labels.sort();
    }

    pub(crate) fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }
}

impl Issue {
    pub(crate) fn render(&self) -> Value {
        json!({
            "id": 84_000_000 + self.iid, "iid": self.iid, "project_id": PROJECT_ID, "title": self.title,
            "description": self.description, "state": if self.open { "opened" } else { "closed" },
            "created_at": time(self.created), "updated_at": time(self.updated),
            "closed_at": (!self.open).then(|| time(self.updated)), "labels": self.labels, "milestone": null,
            "assignees": [], "author": account(&self.author), "type": self.kind.to_uppercase(), "assignee": null,
            "user_notes_count": self.notes.iter().filter(|note| !note.system).count(), "upvotes": 0,
            "due_date": self.due, "confidential": self.confidential,
            "discussion_locked": self.locked.then_some(true), "issue_type": self.kind,
            "web_url": format!("https://gitlab.example/{PROJECT}/-/issues/{}", self.iid), "moved_to_id": self.moved,
            "references": {"short": format!("#{}", self.iid)}, "severity": "UNKNOWN",
        })
    }
}

impl Note {
    pub(crate) fn render(&self, iid: u64, mood: &Mood) -> Value {
        let internal = (!mood.silent).then_some(self.internal);
        json!({
            "id": self.id, "type": null, "body": self.body, "author": account(&self.author),
            "created_at": time(self.created), "updated_at": time(self.created), "system": self.system,
            "noteable_id": 84_000_000 + iid, "noteable_type": "Issue", "project_id": PROJECT_ID, "noteable_iid": iid,
            "resolvable": false, "confidential": internal, "internal": internal,
        })
    }
}

pub(crate) fn account(username: &str) -> Value {
    let id = if username == BOT { BOT_ID } else { 1 };
    json!({"id": id, "username": username, "name": format!("{username} by name"), "state": "active", "locked": false})
}

pub(crate) fn time(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
