//! What the desk holds, and what people do there.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};
use throughline_sdk::Timestamp;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// Our own account.
    Bridge,
    /// An agent.
    Bob,
    /// A customer.
    Ada,
}

/// A status of the workflow: id, name, category.
pub(crate) const STATUSES: &[(&str, &str, &str)] = &[
    ("1", "Open", "new"),
    ("3", "In Progress", "indeterminate"),
    ("10001", "Waiting for customer", "indeterminate"),
    ("5", "Resolved", "done"),
    ("6", "Closed", "done"),
    // In the scheme, and no transition leads there.
    ("10099", "Archived", "done"),
];

/// A transition of the workflow: id, name, from, to.
pub(crate) const TRANSITIONS: &[(&str, &str, &str, &str)] = &[
    ("41", "Ask the customer", "3", "10001"),
    ("51", "Stop", "3", "1"),
    ("61", "Resolve", "3", "5"),
    ("11", "Start", "1", "3"),
    ("71", "Answered", "10001", "3"),
    ("81", "Close", "5", "6"),
    ("91", "Reopen", "5", "3"),
    ("101", "Reopen", "6", "3"),
];

pub(crate) const PRIORITIES: &[&str] = &["Highest", "High", "Medium", "Low", "Lowest"];
pub(crate) const TYPES: &[(&str, &str, bool)] =
    &[("10001", "Task", false), ("10002", "Incident", false), ("10003", "Sub-task", true)];
pub(crate) const ROLES: &[&str] = &["Administrators", "Developers"];

/// A field: id, name, type, items, kind.
pub(crate) type FieldRow =
    (&'static str, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

/// Fields with a value that people can set.
pub(crate) const FIELDS: &[FieldRow] = &[
    (
        "customfield_10030",
        "Serial number",
        "string",
        None,
        Some("com.atlassian.jira.plugin.system.customfieldtypes:textfield"),
    ),
    (
        "customfield_10031",
        "Impact",
        "string",
        None,
        Some("com.atlassian.jira.plugin.system.customfieldtypes:textarea"),
    ),
    (
        "customfield_10032",
        "Machines",
        "number",
        None,
        Some("com.atlassian.jira.plugin.system.customfieldtypes:float"),
    ),
    (
        "customfield_10033",
        "Site",
        "option",
        None,
        Some("com.atlassian.jira.plugin.system.customfieldtypes:select"),
    ),
    (
        "customfield_10034",
        "Watcher",
        "user",
        None,
        Some("com.atlassian.jira.plugin.system.customfieldtypes:userpicker"),
    ),
    ("customfield_10019", "Rank", "any", None, Some("com.pyxis.greenhopper.jira:gh-lexo-rank")),
    (
        "customfield_10040",
        "Root cause",
        "string",
        None,
        Some("com.atlassian.jira.plugin.system.customfieldtypes:textfield"),
    ),
    (
        "customfield_10010",
        "Request Type",
        "sd-customerrequesttype",
        None,
        Some("com.atlassian.servicedesk:vp-origin"),
    ),
    ("duedate", "Due date", "date", None, None),
    ("labels", "Labels", "array", Some("string"), None),
];
pub(crate) const SITES: &[&str] = &["Berlin", "Wien"];

#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) summary: String,
    pub(crate) description: Value,
    pub(crate) status: &'static str,
    pub(crate) priority: String,
    pub(crate) resolution: Option<String>,
    pub(crate) reporter: Actor,
    /// Everything else, by field id.
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) files: Vec<File>,
    pub(crate) links: Vec<Value>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// Closing it asks for what our account does not know.
    pub(crate) closing: Closing,
    pub(crate) histories: Vec<History>,
}

/// An entry of an issue's history.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) id: u64,
    pub(crate) author: Actor,
    pub(crate) at: Timestamp,
    pub(crate) items: Vec<Change>,
}

/// A field's change, in words.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) field: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// What stands in the way of closing an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    Free,
    /// A required field on the screen.
    Field,
    /// A validator that no metadata tells of.
    Validator,
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: Actor,
    pub(crate) body: Value,
    pub(crate) visibility: Option<Value>,
    pub(crate) properties: BTreeMap<String, Value>,
    /// The files that the portal shows with it.
    pub(crate) files: Vec<u64>,
    pub(crate) created: Timestamp,
}

impl Comment {
    /// Whether customers may read it on a portal.
    pub(crate) fn public(&self) -> bool {
        self.visibility.is_none()
            && self.properties.get("sd.public.comment").is_none_or(|value| value["internal"] != true)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
    pub(crate) author: Actor,
    pub(crate) created: Timestamp,
}

/// An issue as the search index has it from some moment on; `None` once it is gone.
#[derive(Clone, Debug)]
pub(crate) struct Indexed {
    pub(crate) at: Timestamp,
    pub(crate) id: u64,
    pub(crate) row: Option<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) project: String,
    pub(crate) number: u64,
    pub(crate) updated: Timestamp,
    pub(crate) labels: Vec<String>,
}

/// The desk's state, and how it misbehaves.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) issues: BTreeMap<u64, Issue>,
    /// Keys of moved issues still lead to them.
    pub(crate) old_keys: BTreeMap<String, u64>,
    pub(crate) index: Vec<Indexed>,
    pub(crate) stored: BTreeMap<String, File>,
    /// Answers 204 and does nothing.
    pub(crate) ignore_updates: bool,
    /// Leaves out for whom comments are.
    pub(crate) hide_visibility: bool,
    /// Our account is no agent: its comments are public whatever it asks for.
    pub(crate) no_licence: bool,
    next: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            now: Timestamp::UNIX_EPOCH,
            issues: BTreeMap::new(),
            old_keys: BTreeMap::new(),
            index: Vec::new(),
            stored: BTreeMap::new(),
            ignore_updates: false,
            hide_visibility: false,
            no_licence: false,
            next: 10_000,
        }
    }
}

impl State {
    pub(crate) fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Somebody raises an issue; on a portal, as a request.
    pub(crate) fn raise(&mut self, reporter: Actor, kind: &str, summary: &str, request: bool) -> u64 {
        let id = self.id();
        let mut fields = BTreeMap::from([("customfield_10019".to_owned(), json!("0|i0000f:"))]);
        if request {
            fields.insert("customfield_10010".to_owned(), json!({"requestType": {"id": "25"}}));
        }
        let issue = Issue {
            id,
            key: format!("SUP-{}", id - 10_000),
            kind: kind.to_owned(),
            summary: summary.to_owned(),
            description: Value::Null,
            status: "1",
            priority: "Medium".to_owned(),
            resolution: None,
            reporter,
            fields,
            properties: BTreeMap::new(),
            comments: Vec::new(),
            files: Vec::new(),
            links: Vec::new(),
            created: self.now,
            updated: self.now,
            closing: Closing::Free,
            histories: Vec::new(),
        };
        self.issues.insert(id, issue);
        self.touch(id);
        id
    }

    /// Somebody changes fields; what changed is written down.
    pub(crate) fn change(&mut self, id: u64, author: Actor, change: impl FnOnce(&mut Issue)) {
        let entry = self.id();
        let now = self.now;
        let issue = self.issues.get_mut(&id).unwrap();
        let before = words(issue);
        change(issue);
        let after = words(issue);
        let items: Vec<Change> = before
            .into_iter()
            .zip(after)
            .filter(|((_, from), (_, to))| from != to)
            .map(|((field, from), (_, to))| Change { field, from, to })
            .collect();
        if !items.is_empty() {
            issue.histories.push(History { id: entry, author, at: now, items });
        }
        self.touch(id);
    }

    /// Somebody comments.
    pub(crate) fn comment(&mut self, issue: u64, author: Actor, body: Value) -> &mut Comment {
        let id = self.id();
        let created = self.now;
        let comment = Comment {
            id,
            author,
            body,
            visibility: None,
            properties: BTreeMap::new(),
            files: Vec::new(),
            created,
        };
        self.touch(issue);
        let issue = self.issues.get_mut(&issue).unwrap();
        issue.comments.push(comment);
        issue.comments.last_mut().unwrap()
    }

    /// Somebody attaches a file.
    pub(crate) fn attach(
        &mut self,
        issue: u64,
        author: Actor,
        name: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> u64 {
        let file = File {
            id: self.id(),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes,
            author,
            created: self.now,
        };
        let id = file.id;
        self.issues.get_mut(&issue).unwrap().files.push(file);
        self.touch(issue);
        id
    }

    /// Somebody moves an issue to another project: it gets another key and keeps its id.
    pub(crate) fn relocate(&mut self, id: u64) {
        let issue = self.issues.get_mut(&id).unwrap();
        let key = issue.key.replace("SUP-", "NET-");
        let old = std::mem::replace(&mut issue.key, key);
        self.old_keys.insert(old, id);
        self.touch(id);
    }

    pub(crate) fn delete(&mut self, id: u64) {
        self.issues.remove(&id);
        self.index.push(Indexed { at: self.now, id, row: None });
    }

    /// The issue's time of change, and what the index will know of it.
    pub(crate) fn touch(&mut self, id: u64) {
        let now = self.now;
        let issue = self.issues.get_mut(&id).unwrap();
        issue.updated = now;
        let labels = issue.fields.get("labels").cloned().unwrap_or_default();
        let labels =
            labels.as_array().into_iter().flatten().filter_map(|label| label.as_str().map(str::to_owned));
        let (project, number) = issue.key.split_once('-').unwrap();
        let row = Row {
            project: project.to_owned(),
            number: number.parse().unwrap(),
            updated: now,
            labels: labels.collect(),
        };
        self.index.push(Indexed { at: now, id, row: Some(row) });
    }

    /// An issue by its id, its key or an old key.
    pub(crate) fn named(&self, id_or_key: &str) -> Option<u64> {
        let by_key = || self.issues.values().find(|issue| issue.key == id_or_key).map(|issue| issue.id);
        let by_id = id_or_key.parse().ok().filter(|id| self.issues.contains_key(id));
        by_id.or_else(by_key).or_else(|| self.old_keys.get(id_or_key).copied())
    }
}

/// What the history compares, by field.
fn words(issue: &Issue) -> Vec<(String, String)> {
    let of = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(labels)) => labels.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Some(other) if other["value"].is_string() => other["value"].as_str().unwrap().to_owned(),
        Some(other) if other["type"] == "doc" => flat(other),
        Some(other) => other.to_string(),
    };
    let mut all = vec![
        ("summary".to_owned(), issue.summary.clone()),
        ("description".to_owned(), of(Some(&issue.description))),
        ("priority".to_owned(), issue.priority.clone()),
        ("issuetype".to_owned(), issue.kind.clone()),
        ("status".to_owned(), issue.status.to_owned()),
        ("resolution".to_owned(), issue.resolution.clone().unwrap_or_default()),
    ];
    all.extend(FIELDS.iter().map(|field| (field.1.to_owned(), of(issue.fields.get(field.0)))));
    all
}

pub(crate) fn status(id: &str) -> Value {
    let (id, name, category) = STATUSES.iter().find(|one| one.0 == id).unwrap();
    let category_id = match *category {
        "new" => 2,
        "indeterminate" => 4,
        _ => 3,
    };
    json!({
        "id": id, "name": name, "description": "",
        "statusCategory": {"id": category_id, "key": category, "name": category},
    })
}

/// What a text says, whatever its dialect.
pub(crate) fn flat(text: &Value) -> String {
    if let Some(wiki) = text.as_str() {
        return wiki.to_owned();
    }
    let own = match text["type"].as_str() {
        Some("text") => text["text"].as_str().unwrap_or_default(),
        Some("hardBreak") => "\n",
        _ => "",
    };
    let inner = text["content"].as_array().into_iter().flatten().map(flat).collect::<String>();
    format!("{own}{inner}")
}
