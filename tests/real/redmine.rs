//! Bob, who works in Redmine.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use bytes::Bytes;
use http::{HeaderName, Method};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::desks::Desks;
use crate::people::{Person, Remark, Seen};

/// Somebody at the partner's desk.
#[derive(Debug)]
pub(crate) struct Bob {
    person: Person,
    project: String,
    words: OnceCell<BTreeMap<(&'static str, String), u64>>,
    /// Files by number, which never change.
    files: Mutex<HashMap<String, Bytes>>,
}

impl Bob {
    pub(crate) fn new(desks: &Desks) -> Self {
        let key = desks.get("REDMINE_AGENT_KEY").to_owned();
        let base = format!("{}/", desks.get("REDMINE_URL"));
        Self {
            person: Person::new(&base, HeaderName::from_static("x-redmine-api-key"), key),
            project: desks.get("REDMINE_PROJECT").to_owned(),
            words: OnceCell::new(),
            files: Mutex::default(),
        }
    }

    /// Raises an issue and gives its number.
    pub(crate) async fn raise(&self, title: &str, text: &str) -> String {
        let issue = json!({"project_id": self.project, "subject": title, "description": text});
        let made = self.person.act(Method::POST, "issues.json", &json!({ "issue": issue })).await;
        made["issue"]["id"].to_string()
    }

    pub(crate) async fn reply(&self, issue: &str, text: &str) {
        self.set(issue, &json!({ "notes": text })).await;
    }

    /// Comments for colleagues only.
    pub(crate) async fn note(&self, issue: &str, text: &str) {
        self.set(issue, &json!({ "notes": text, "private_notes": true })).await;
    }

    pub(crate) async fn attach(&self, issue: &str, name: &str, bytes: &Bytes) {
        let query: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path = format!("uploads.json?filename={query}");
        let answer = self.person.send(Method::POST, &path, "application/octet-stream", bytes.clone()).await;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let file = json!([{"token": answer["upload"]["token"], "filename": name}]);
        self.set(issue, &json!({ "uploads": file })).await;
    }

    /// Sets fields by Redmine's names; status, priority and tracker by their words.
    pub(crate) async fn set(&self, issue: &str, fields: &Value) {
        let mut fields = fields.clone();
        for kind in ["status", "priority", "tracker"] {
            let Some(word) = fields.as_object_mut().unwrap().remove(kind) else { continue };
            let known = self.words.get_or_init(|| self.words()).await;
            let number = known.get(&(kind, text(&word))).unwrap_or_else(|| panic!("no {kind} {word}"));
            fields[format!("{kind}_id")] = json!(number);
        }
        self.person.act(Method::PUT, &format!("issues/{issue}.json"), &json!({ "issue": fields })).await;
    }

    /// Rewrites the note that contains `old`; an empty text takes it back.
    pub(crate) async fn edit(&self, issue: &str, old: &str, new: &str) {
        let journals = self.issue(issue).await["journals"].as_array().unwrap().clone();
        let contains = |journal: &&Value| journal["notes"].as_str().is_some_and(|notes| notes.contains(old));
        let id = journals.iter().find(contains).unwrap_or_else(|| panic!("no note {old}"))["id"].clone();
        let body = json!({"journal": {"notes": new}});
        self.person.act(Method::PUT, &format!("journals/{id}.json"), &body).await;
    }

    pub(crate) async fn see(&self, issue: &str) -> Seen {
        let issue = self.issue(issue).await;
        let journals = issue["journals"].as_array().unwrap();
        let said = journals.iter().filter(|journal| journal["notes"].as_str().is_some_and(|n| !n.is_empty()));
        let remarks = said
            .map(|journal| Remark {
                author: text(&journal["user"]["name"]),
                body: text(&journal["notes"]).replace("\r\n", "\n"),
                internal: journal["private_notes"] == true,
            })
            .collect();
        let mut files = Vec::new();
        for file in issue["attachments"].as_array().unwrap() {
            files.push((text(&file["filename"]), self.file(&file["id"].to_string()).await));
        }
        Seen {
            title: text(&issue["subject"]),
            description: text(&issue["description"]).replace("\r\n", "\n"),
            status: text(&issue["status"]["name"]),
            priority: text(&issue["priority"]["name"]),
            remarks,
            files,
            entries: journals.len(),
        }
    }

    /// The numbers of all issues whose title contains `title`, oldest first.
    pub(crate) async fn titled(&self, title: &str) -> Vec<String> {
        let query: String = url::form_urlencoded::byte_serialize(title.as_bytes()).collect();
        let path =
            format!("issues.json?project_id={}&status_id=*&subject=~{query}&sort=id&limit=100", self.project);
        let list = self.person.get(&path).await;
        let titled = list["issues"].as_array().unwrap().iter();
        titled
            .filter(|issue| text(&issue["subject"]).contains(title))
            .map(|issue| issue["id"].to_string())
            .collect()
    }

    /// Everything Redmine would tell anybody about an issue, as it says it.
    pub(crate) async fn everything(&self, issue: &str) -> String {
        self.issue(issue).await.to_string()
    }

    /// The numbers of Redmine's words.
    async fn words(&self) -> BTreeMap<(&'static str, String), u64> {
        let mut words = BTreeMap::new();
        for (kind, list) in [
            ("status", "issue_statuses.json"),
            ("priority", "enumerations/issue_priorities.json"),
            ("tracker", "trackers.json"),
        ] {
            let known = self.person.get(list).await;
            let rows = known.as_object().unwrap().values().next().unwrap().as_array().unwrap();
            words.extend(rows.iter().map(|row| ((kind, text(&row["name"])), row["id"].as_u64().unwrap())));
        }
        words
    }

    async fn file(&self, id: &str) -> Bytes {
        let known = self.files.lock().unwrap().get(id).cloned();
        if let Some(bytes) = known {
            return bytes;
        }
        let bytes = self.person.bytes(&format!("attachments/download/{id}")).await;
        self.files.lock().unwrap().insert(id.to_owned(), bytes.clone());
        bytes
    }

    async fn issue(&self, issue: &str) -> Value {
        let path = format!("issues/{issue}.json?include=journals,attachments");
        self.person.get(&path).await["issue"].clone()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
