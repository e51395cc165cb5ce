//! A ServiceNow in memory, as its documentation describes the APIs: records, journals, choices, rules, access.
//!
//! It shares nothing with the connector: rows are plain maps of text, and every rule stands here a second time.

mod query;
mod web;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use throughline_sdk::Clock;

pub(crate) const USER: &str = "throughline";
pub(crate) const PASSWORD: &str = "servicenow-password-8c1d";
pub(crate) const CLIENT_SECRET: &str = "servicenow-client-secret-22";

/// One row: its fields as they are stored.
pub(crate) type Row = BTreeMap<String, String>;

/// The desk. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    state: Arc<Mutex<State>>,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) struct State {
    pub(crate) table: &'static str,
    pub(crate) records: Vec<Row>,
    pub(crate) journal: Vec<Row>,
    pub(crate) files: Vec<(Row, Vec<u8>)>,
    pub(crate) choices: Vec<Row>,
    pub(crate) now: String,
    made: u64,
    /// Access rules drop every update without a word.
    pub(crate) ignores: bool,
    /// Access rules drop these fields without a word.
    pub(crate) closed_fields: Vec<&'static str>,
    /// A business rule keeps these records from being resolved.
    pub(crate) kept: Vec<String>,
    /// Records that our account does not see.
    pub(crate) hidden: Vec<String>,
    /// How `sys_journal_field` is closed to us.
    pub(crate) journal_access: Access,
    /// No condition of a query is understood.
    pub(crate) confused: bool,
    /// Whether files state their hash.
    pub(crate) hashes: bool,
    pub(crate) issued: Option<String>,
    /// Every request, as method and path.
    pub(crate) log: Vec<String>,
}

/// What an access rule leaves of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    All,
    /// All rows, without the field that says which journal it is.
    NoElement,
    /// No rows.
    None,
    /// A refusal.
    Forbidden,
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State {
            table: "incident",
            records: Vec::new(),
            journal: Vec::new(),
            files: Vec::new(),
            choices: Vec::new(),
            now: String::new(),
            made: 0,
            ignores: false,
            closed_fields: Vec::new(),
            kept: Vec::new(),
            hidden: Vec::new(),
            journal_access: Access::All,
            confused: false,
            hashes: true,
            issued: None,
            log: Vec::new(),
        };
        let desk = Self { state: Arc::new(Mutex::new(state)), clock };
        let states = [
            ("1", "New"),
            ("2", "In Progress"),
            ("3", "On Hold"),
            ("6", "Resolved"),
            ("7", "Closed"),
            ("8", "Canceled"),
        ];
        desk.choices("incident", "state", &states);
        // The task's own, which an incident overrides.
        desk.choices("task", "state", &[("1", "Open"), ("3", "Closed Complete")]);
        let priorities = [
            ("1", "1 - Critical"),
            ("2", "2 - High"),
            ("3", "3 - Moderate"),
            ("4", "4 - Low"),
            ("5", "5 - Planning"),
        ];
        desk.choices("task", "priority", &priorities);
        desk.choices(
            "incident",
            "category",
            &[("inquiry", "Inquiry / Help"), ("software", "Software"), ("hardware", "Hardware")],
        );
        desk.choices(
            "task",
            "contact_type",
            &[("phone", "Phone"), ("email", "Email"), ("web", "Self-service")],
        );
        desk.choices(
            "sc_request",
            "request_state",
            &[
                ("requested", "Pending Approval"),
                ("in_process", "Approved"),
                ("closed_complete", "Closed Complete"),
            ],
        );
        desk
    }

    fn choices(&self, table: &str, element: &str, choices: &[(&str, &str)]) {
        for (at, (value, label)) in choices.iter().enumerate() {
            for (language, label) in [("en", (*label).to_owned()), ("de", format!("{label} (de)"))] {
                let row = [
                    ("name", table.to_owned()),
                    ("element", element.to_owned()),
                    ("value", (*value).to_owned()),
                    ("label", label),
                    ("language", language.to_owned()),
                    ("inactive", "false".to_owned()),
                    ("sequence", format!("{at:04}")),
                ];
                let row = row.map(|(field, value)| (field.to_owned(), value)).into();
                self.lock().choices.push(row);
            }
        }
    }

    pub(crate) fn router(&self) -> Router {
        web::router(self.clone())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        // Seconds, in UTC.
        state.now = self.clock.now().format("%Y-%m-%d %H:%M:%S").to_string();
        state
    }

    /// A person creates a record.
    pub(crate) fn create(&self, title: &str) -> String {
        let fields = [("short_description", title), ("caller_id", "Abel Tuter"), ("category", "inquiry")];
        let fields = fields.map(|(field, value)| (field.to_owned(), value.to_owned()));
        self.lock().insert(fields.into(), "ada")
    }

    /// A person changes fields of a record in its form.
    pub(crate) fn change(&self, id: &str, changes: &[(&str, &str)]) {
        let changes =
            changes.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        self.lock().update(id, changes, "ada");
    }

    pub(crate) fn attach(&self, record: &str, name: &str, bytes: &[u8]) {
        self.lock().attach(record, (name, "application/octet-stream"), bytes, "ada");
    }

    pub(crate) fn delete(&self, id: &str) {
        self.lock().records.retain(|row| row["sys_id"] != id);
    }

    pub(crate) fn field(&self, id: &str, field: &str) -> String {
        self.lock().record(id).unwrap().get(field).cloned().unwrap_or_default()
    }
}

impl State {
    /// In no order of time, as `sys_id`s are.
    pub(crate) fn id(&mut self) -> String {
        self.made += 1;
        format!("{:016x}{:016x}", self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15), self.made)
    }

    pub(crate) fn record(&self, id: &str) -> Option<&Row> {
        self.records.iter().find(|row| row["sys_id"] == id)
    }

    pub(crate) fn label(&self, field: &str, value: &str) -> Option<String> {
        let table = self.table;
        let of = |name: &str| {
            let fits = |row: &&Row| {
                row["name"] == name
                    && row["element"] == field
                    && row["value"] == value
                    && row["language"] == "en"
            };
            self.choices.iter().find(fits).map(|row| row["label"].clone())
        };
        of(table).or_else(|| of("task"))
    }

    pub(crate) fn insert(&mut self, fields: Row, by: &str) -> String {
        let id = self.id();
        let (now, number) = (self.now.clone(), format!("INC{:07}", self.made));
        let mut row: Row = [
            ("sys_id", id.as_str()),
            ("number", &number),
            ("state", "1"),
            ("request_state", "requested"),
            ("impact", "3"),
            ("urgency", "3"),
            ("sys_created_on", &now),
            ("sys_created_by", by),
            ("sys_mod_count", "-1"),
        ]
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .into();
        row.insert("opened_by".to_owned(), by.to_owned());
        self.records.push(row);
        self.update(&id, fields, by);
        id
    }

    pub(crate) fn update(&mut self, id: &str, changes: Row, by: &str) {
        let now = self.now.clone();
        for element in ["comments", "work_notes"] {
            if let Some(value) = changes.get(element).filter(|value| !value.is_empty()) {
                let row = [
                    ("sys_id", self.id()),
                    ("element", element.to_owned()),
                    ("element_id", id.to_owned()),
                    ("name", self.table.to_owned()),
                    ("value", value.clone()),
                    ("sys_created_on", now.clone()),
                    ("sys_created_by", by.to_owned()),
                ];
                self.journal.push(row.map(|(field, value)| (field.to_owned(), value)).into());
            }
        }
        let row = self.records.iter_mut().find(|row| row["sys_id"] == id).unwrap();
        for (field, mut value) in changes {
            // Longer text is cut without a word.
            let most = match field.as_str() {
                "comments" | "work_notes" | "priority" => continue,
                "short_description" => 160,
                "correlation_id" | "correlation_display" => 100,
                _ => 4000,
            };
            if value.chars().count() > most {
                value = value.chars().take(most).collect();
            }
            row.insert(field, value);
        }
        // A business rule works it out.
        let number = |field: &str| row[field].parse::<i64>().unwrap_or(3);
        let priority = (number("impact") + number("urgency") - 1).clamp(1, 5);
        row.insert("priority".to_owned(), priority.to_string());
        let count: i64 = row["sys_mod_count"].parse().unwrap();
        row.insert("sys_mod_count".to_owned(), (count + 1).to_string());
        row.insert("sys_updated_on".to_owned(), now);
    }

    /// A file does not move its record.
    pub(crate) fn attach(
        &mut self,
        record: &str,
        (name, media_type): (&str, &str),
        bytes: &[u8],
        by: &str,
    ) -> String {
        let id = self.id();
        let mut row: Row = [
            ("sys_id", id.as_str()),
            ("table_name", self.table),
            ("table_sys_id", record),
            ("file_name", name),
            ("content_type", media_type),
            ("size_bytes", &bytes.len().to_string()),
            ("download_link", "https://elsewhere.example/api/now/attachment/x/file"),
            ("sys_created_on", &self.now),
            ("sys_created_by", by),
        ]
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .into();
        if self.hashes {
            row.insert("hash".to_owned(), web::sha256(bytes));
        }
        self.files.push((row, bytes.to_vec()));
        id
    }
}
