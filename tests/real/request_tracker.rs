//! Alice, who works in Request Tracker.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, header};
use serde_json::{Value, json};

use crate::desks::Desks;
use crate::people::{Person, Remark, Seen};

/// How many rows RT gives at once.
const PAGE: usize = 100;

const BOUNDARY: &str = "what-no-file-of-these-tests-contains";

/// Somebody at the helpdesk.
#[derive(Debug)]
pub(crate) struct Alice {
    person: Person,
    queue: String,
    /// Files by the number of their part, which never change.
    files: Mutex<HashMap<String, Bytes>>,
}

impl Alice {
    pub(crate) fn new(desks: &Desks) -> Self {
        let token = format!("token {}", desks.get("RT_AGENT_TOKEN"));
        let base = format!("{}/REST/2.0/", desks.get("RT_URL"));
        Self {
            person: Person::new(&base, header::AUTHORIZATION, token),
            queue: desks.get("RT_QUEUE").to_owned(),
            files: Mutex::default(),
        }
    }

    /// Raises a ticket and gives its number.
    pub(crate) async fn raise(&self, title: &str, text: &str) -> String {
        let ticket =
            json!({"Queue": self.queue, "Subject": title, "Content": text, "ContentType": "text/plain"});
        let made = self.person.act(Method::POST, "ticket", &ticket).await;
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    pub(crate) async fn reply(&self, ticket: &str, text: &str) {
        self.message(ticket, "correspond", json!({"Content": text, "ContentType": "text/plain"})).await;
    }

    /// Comments for colleagues only.
    pub(crate) async fn note(&self, ticket: &str, text: &str) {
        self.message(ticket, "comment", json!({"Content": text, "ContentType": "text/plain"})).await;
    }

    /// Replies with a file, as the web form does: RT's JSON spoils a name that is not ASCII.
    pub(crate) async fn attach(&self, ticket: &str, text: &str, name: &str, bytes: &Bytes) {
        let message = json!({"Content": text, "ContentType": "text/plain"});
        let mut form = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"JSON\"\r\nContent-Type: application/json\r\n\r\n\
             {message}\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"Attachments\"; \
             filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        form.extend_from_slice(bytes);
        form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
        self.person
            .send(Method::POST, &format!("ticket/{ticket}/correspond"), &media_type, form.into())
            .await;
    }

    /// Sets fields by RT's names.
    pub(crate) async fn set(&self, ticket: &str, fields: &Value) {
        self.person.act(Method::PUT, &format!("ticket/{ticket}"), fields).await;
    }

    pub(crate) async fn see(&self, ticket: &str) -> Seen {
        let head = self.person.get(&format!("ticket/{ticket}")).await;
        let history = self.history(ticket).await;
        let said = history.iter().filter_map(|row| {
            let kind = row["Type"].as_str()?;
            matches!(kind, "Create" | "Correspond" | "Comment").then(|| (row["id"].clone(), kind, row))
        });
        let mut seen = Seen {
            title: text(&head["Subject"]),
            description: String::new(),
            status: text(&head["Status"]),
            priority: text(&head["Priority"]),
            remarks: Vec::new(),
            files: Vec::new(),
            entries: history.len(),
        };
        let said: Vec<_> = said.collect();
        let ids: Vec<Value> = said.iter().map(|(id, _, _)| id.clone()).collect();
        let parts = self.parts(&ids).await;
        for (id, kind, row) in said {
            let mut body = String::new();
            for part in parts.iter().filter(|part| text(&part["TransactionId"]) == text(&id)) {
                let name = text(&part["Filename"]);
                if !name.is_empty() {
                    if kind != "Comment" {
                        seen.files.push((name, self.file(&text(&part["id"])).await));
                    }
                } else if text(&part["ContentType"]) == "text/plain" {
                    body.push_str(&text(&part["Content"]));
                }
            }
            let body = body.trim().replace("\r\n", "\n");
            if kind == "Create" {
                seen.description = body;
            } else if !body.is_empty() {
                let author = text(&row["Creator"]["RealName"]);
                seen.remarks.push(Remark { author, body, internal: kind == "Comment" });
            }
        }
        seen
    }

    /// The numbers of all tickets whose title contains `title`, oldest first.
    pub(crate) async fn titled(&self, title: &str) -> Vec<String> {
        let query = format!("Queue = '{}' AND Subject LIKE '{title}'", self.queue);
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let list = self.person.get(&format!("tickets?query={query}&orderby=id&per_page=100")).await;
        list["items"].as_array().unwrap().iter().map(|ticket| text(&ticket["id"])).collect()
    }

    /// A ticket without its history, as RT says it.
    pub(crate) async fn head(&self, ticket: &str) -> String {
        self.person.get(&format!("ticket/{ticket}")).await.to_string()
    }

    /// Everything RT would tell anybody about a ticket, as it says it.
    pub(crate) async fn everything(&self, ticket: &str) -> String {
        let mut all = self.head(ticket).await;
        for row in self.history(ticket).await {
            let id = text(&row["id"]);
            all.push_str(&self.person.get(&format!("transaction/{id}")).await.to_string());
            for part in self.parts(&[row["id"].clone()]).await {
                all.push_str(&part.to_string());
            }
        }
        all
    }

    async fn message(&self, ticket: &str, verb: &str, message: Value) {
        self.person.act(Method::POST, &format!("ticket/{ticket}/{verb}"), &message).await;
    }

    async fn history(&self, ticket: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        for page in 1.. {
            let path = format!(
                "ticket/{ticket}/history?fields=Type,Creator,Created&fields[Creator]=RealName&orderby=id\
                 &per_page={PAGE}&page={page}"
            );
            let list = self.person.get(&path).await;
            let items = list["items"].as_array().unwrap().clone();
            let last = items.len() < PAGE;
            rows.extend(items);
            if last {
                break;
            }
        }
        rows
    }

    async fn parts(&self, transactions: &[Value]) -> Vec<Value> {
        let mut parts = Vec::new();
        for some in transactions.chunks(PAGE / 4) {
            let search = json!([{"field": "TransactionId", "operator": "IN", "value": some}]);
            let path = "attachments?fields=TransactionId,ContentType,Filename,Headers,Content&orderby=id&per_page=100";
            let list = self.person.act(Method::POST, path, &search).await;
            parts.extend(list["items"].as_array().unwrap().iter().cloned());
        }
        parts
    }

    async fn file(&self, part: &str) -> Bytes {
        let known = self.files.lock().unwrap().get(part).cloned();
        if let Some(bytes) = known {
            return bytes;
        }
        let whole = self.person.get(&format!("attachment/{part}")).await;
        let packed: String = text(&whole["Content"]).split_ascii_whitespace().collect();
        let bytes = Bytes::from(STANDARD.decode(packed).unwrap());
        self.files.lock().unwrap().insert(part.to_owned(), bytes.clone());
        bytes
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
