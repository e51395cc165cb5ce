//! A Dataverse in memory, as its documentation describes the Web API: rows, versions, states, change tracking.
//!
//! It shares nothing with the connector: columns are plain JSON, and every rule stands here a second time.

mod batch;
mod metadata;
mod web;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use serde_json::{Map, Value, json};
use throughline_sdk::Clock;

pub(crate) const TOKEN: &str = "dataverse-token-51c7";
pub(crate) const CLIENT_SECRET: &str = "dataverse-client-secret-90aa";
pub(crate) const ACCOUNT: &str = "2e451703-c686-e711-80e5-00155db19e6d";
pub(crate) const OUR_USER: &str = "75c2dd85-e89e-e711-8122-000d3aa2331c";
pub(crate) const PERSON: &str = "e2b9dd85-e89e-e711-8122-000d3aa2331c";

/// The desk. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    state: Arc<Mutex<State>>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// One row: its columns without key, version and times.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) columns: Map<String, Value>,
    pub(crate) version: u64,
    pub(crate) created: String,
    pub(crate) modified: String,
    pub(crate) by: &'static str,
}

#[derive(Clone)]
pub(crate) struct State {
    pub(crate) cases: BTreeMap<String, Row>,
    pub(crate) notes: BTreeMap<String, Row>,
    /// Version, table and id of what was deleted.
    pub(crate) deleted: Vec<(u64, &'static str, String)>,
    pub(crate) version: u64,
    pub(crate) made: u64,
    pub(crate) now: String,
    /// Delta tokens before this version have expired.
    pub(crate) expired_before: u64,
    /// Rows on a page of changes.
    pub(crate) page: usize,
    /// A plug-in undoes every update.
    pub(crate) ignores: bool,
    /// Cases with an open activity cannot be resolved.
    pub(crate) busy: Vec<String>,
    /// Cases that our account may not read.
    pub(crate) hidden: Vec<String>,
    /// Tables that do not track changes.
    pub(crate) untracked: Vec<&'static str>,
    /// Statuses: value, state, label.
    pub(crate) statuses: Vec<(i64, i64, &'static str)>,
    /// The current bearer token; `None` where only the fixed one counts.
    pub(crate) issued: Option<String>,
    pub(crate) tokens: u64,
    /// Where it stands: its links lead there, and tokens are for it.
    pub(crate) org: String,
    /// Every request, as method and path.
    pub(crate) log: Vec<String>,
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State {
            cases: BTreeMap::new(),
            notes: BTreeMap::new(),
            deleted: Vec::new(),
            version: 915_000,
            made: 0,
            now: String::new(),
            expired_before: 0,
            page: 5,
            ignores: false,
            busy: Vec::new(),
            hidden: Vec::new(),
            untracked: Vec::new(),
            statuses: vec![
                (1, 0, "In Progress"),
                (2, 0, "On Hold"),
                (3, 0, "Waiting for Details"),
                (4, 0, "Researching"),
                (5, 1, "Problem Solved"),
                (1000, 1, "Information Provided"),
                (6, 2, "Cancelled"),
                (2000, 2, "Merged"),
            ],
            issued: None,
            tokens: 0,
            org: "http://contoso.crm.test".to_owned(),
            log: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    pub(crate) fn router(&self) -> Router {
        web::router(self.clone())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        // Seconds: the Web API shows no fraction.
        state.now = self.clock.now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        state
    }

    /// A person creates a case.
    pub(crate) fn create(&self, title: &str) -> String {
        let mut state = self.lock();
        let id = state.id();
        let columns = json!({
            "title": title, "description": null, "customerid": { "accounts": ACCOUNT },
            "statecode": 0, "statuscode": 1, "prioritycode": 2,
        });
        state.put("incident", id.clone(), columns.as_object().unwrap().clone(), PERSON);
        id
    }

    /// A person changes columns of a case in a form.
    pub(crate) fn change(&self, id: &str, changes: &Value) {
        let mut state = self.lock();
        let mut columns = state.cases[id].columns.clone();
        columns.extend(changes.as_object().unwrap().clone());
        state.put("incident", id.to_owned(), columns, PERSON);
    }

    /// A person writes a note in the timeline, whose editor keeps HTML.
    pub(crate) fn note(&self, case: &str, columns: &Value) -> String {
        let mut state = self.lock();
        let id = state.id();
        let mut all = json!({ "objectid": case, "objecttypecode": "incident", "isdocument": false });
        all.as_object_mut().unwrap().extend(columns.as_object().unwrap().clone());
        state.put("annotation", id.clone(), all.as_object().unwrap().clone(), PERSON);
        id
    }

    pub(crate) fn set_status(&self, id: &str, label: &str) {
        let (value, state) = {
            let state = self.lock();
            let found = state.statuses.iter().find(|(_, _, known)| *known == label).unwrap();
            (found.0, found.1)
        };
        self.change(id, &json!({ "statecode": state, "statuscode": value }));
    }

    pub(crate) fn delete(&self, table: &'static str, id: &str) {
        self.lock().remove(table, id);
    }
}

impl State {
    pub(crate) fn rows(&mut self, table: &str) -> &mut BTreeMap<String, Row> {
        if table == "incident" { &mut self.cases } else { &mut self.notes }
    }

    fn id(&mut self) -> String {
        self.made += 1;
        format!("60c4e274-0d87-e711-80e5-{:012x}", self.made)
    }

    pub(crate) fn put(&mut self, table: &str, id: String, mut columns: Map<String, Value>, by: &'static str) {
        self.version += 1;
        let (version, modified) = (self.version, self.now.clone());
        if table == "incident" && !columns.contains_key("ticketnumber") {
            columns.insert("ticketnumber".to_owned(), format!("CAS-{version}-X9Y8Z7").into());
        }
        let before = self.rows(table).get(&id).cloned();
        let (created, by) = before.map_or((modified.clone(), by), |row| (row.created, row.by));
        self.rows(table).insert(id, Row { columns, version, created, modified, by });
    }

    pub(crate) fn remove(&mut self, table: &'static str, id: &str) -> bool {
        if self.rows(table).remove(id).is_none() {
            return false;
        }
        self.version += 1;
        self.deleted.push((self.version, table, id.to_owned()));
        if table == "incident" {
            // Notes go with their case.
            let notes: Vec<String> = self
                .notes
                .iter()
                .filter(|(_, note)| note.columns["objectid"] == json!(id))
                .map(|(id, _)| id.clone())
                .collect();
            notes.iter().for_each(|note| {
                self.remove("annotation", note);
            });
        }
        true
    }

    pub(crate) fn state_of(&self, status: i64) -> Option<i64> {
        self.statuses.iter().find(|(value, _, _)| *value == status).map(|(_, state, _)| *state)
    }
}
