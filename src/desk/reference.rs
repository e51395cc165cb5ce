//! A portal that only people reach: what of a ticket they still have to carry over, and since when it is silent.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use throughline_sdk::Timestamp;

use super::record::Record;
use crate::registry::PORTAL_NUMBER;

/// What is agreed upon for a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long an open ticket may hear nothing; `None`: nobody is reminded.
    pub silent_after: Option<Duration>,
}

/// How far the portal is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// The ticket as an agent last said that it stands in the portal.
    pub document: Map<String, Value>,
    /// When something of the portal's was last recorded.
    pub heard: Timestamp,
}

/// Something that a person has to carry over to the portal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Errand {
    /// What it is: `raise`, a field's name, `status`, `comment`, `edit`, `retract` or `file`.
    pub what: String,
    /// What has to stand there, whole.
    pub text: String,
}

/// Fields that are carried over, in the order in which a form asks for them, with the words for people.
const FIELDS: [(&str, &str); 7] = [
    ("name", "title"),
    ("description", "description"),
    ("priority", "priority"),
    ("severity", "severity"),
    ("ticketType", "sort"),
    ("requestedResolutionDate", "wanted until"),
    ("expectedResolutionDate", "expected until"),
];

/// The status in which a ticket begins, in the portal as well as here.
const FIRST: &str = "acknowledged";

impl Record {
    /// The number that the portal gave the ticket, once it was recorded.
    pub fn portal_number(&self) -> Option<&str> {
        let all = entries(&self.document, "externalIdentifier");
        let mut numbers = all.filter(|one| text(one, "externalIdentifierType") == PORTAL_NUMBER);
        numbers.next().map(|one| text(one, "id"))
    }

    /// When something of the portal's was last recorded; when the ticket was made, if nothing was yet.
    pub fn heard(&self) -> Timestamp {
        self.carried.as_ref().map_or(self.created, |carried| carried.heard)
    }

    /// Since when the portal is silent, if that is for longer than it may be.
    pub fn silent_since(&self, terms: Terms, now: Timestamp) -> Option<Timestamp> {
        let heard = self.heard();
        let silence = (now - heard).to_std().unwrap_or_default();
        (self.is_open() && terms.silent_after.is_some_and(|may| silence >= may)).then_some(heard)
    }

    /// Whether the portal is expected to say something.
    pub fn is_open(&self) -> bool {
        !["resolved", "closed", "cancelled", "rejected"].contains(&status(&self.document))
    }

    /// What a person still has to carry over. Empty once the portal is said to have it all.
    pub fn errands(&self) -> Vec<Errand> {
        let nothing = Map::new();
        let there = self.carried.as_ref().map_or(&nothing, |carried| &carried.document);
        let mut errands = Vec::new();
        let mut errand = |what: &str, text: String| errands.push(Errand { what: what.to_owned(), text });
        if self.portal_number().is_none() {
            errand("raise", "a new case in the portal; record the number that it is given".to_owned());
        }
        for (name, word) in FIELDS {
            let (is, was) = (member(&self.document, name), member(there, name));
            if is != was {
                errand(word, is.to_owned());
            }
        }
        for one in entries(&self.document, "troubleTicketCharacteristic") {
            if !entries(there, "troubleTicketCharacteristic").any(|other| other == one) {
                let value = one.get("value").unwrap_or(&Value::Null);
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                errand(text(one, "name"), value);
            }
        }
        if status(&self.document) != status(there) {
            errand("status", status(&self.document).to_owned());
        }
        for note in entries(&self.document, "note") {
            let body = text(note, "text");
            let before = entries(there, "note").find(|other| text(other, "id") == text(note, "id"));
            let before = before.map_or("", |before| text(before, "text"));
            match (body, before) {
                (body, before) if body == before => {}
                ("", before) => errand("retract", before.to_owned()),
                (body, "") => errand("comment", body.to_owned()),
                (body, _) => errand("edit", body.to_owned()),
            }
        }
        for file in entries(&self.document, "attachment") {
            if !entries(there, "attachment").any(|other| text(other, "id") == text(file, "id")) {
                errand("file", text(file, "name").to_owned());
            }
        }
        errands
    }
}

fn status(document: &Map<String, Value>) -> &str {
    match member(document, "status") {
        "" => FIRST,
        status => status,
    }
}

fn member<'d>(document: &'d Map<String, Value>, name: &str) -> &'d str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn entries<'d>(document: &'d Map<String, Value>, name: &str) -> impl Iterator<Item = &'d Value> + use<'d> {
    document.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'d>(entry: &'d Value, name: &str) -> &'d str {
    entry.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A ticket that stands so, where the portal is said to have `there` since the first second of 1970.
    fn record(document: Value, there: Option<Value>) -> Record {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let carried = there.map(|there| Carried { document: map(there), heard: Timestamp::UNIX_EPOCH });
        Record {
            v: 1,
            change: 1,
            created: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
            document: map(document),
            files: Default::default(),
            parts: 0,
            carried,
            events: Vec::new(),
            deleted: false,
        }
    }

    fn told(record: &Record) -> Vec<(String, String)> {
        record.errands().into_iter().map(|errand| (errand.what, errand.text)).collect()
    }

    #[test]
    fn what_differs_from_the_portal_is_to_be_carried_over() {
        let number = json!([{ "externalIdentifierType": PORTAL_NUMBER, "id": "12" }]);
        let is = json!({
            "name": "New title", "priority": "High", "status": "resolved", "externalIdentifier": number,
            "note": [
                { "id": "1", "text": "said" }, { "id": "2", "text": "said better" }, { "id": "3", "text": "" },
                { "id": "4", "text": "new" }, { "id": "5", "text": "" },
            ],
            "attachment": [{ "id": "6", "name": "old.txt" }, { "id": "7", "name": "new.txt" }],
            "troubleTicketCharacteristic": [{ "name": "Site", "value": "Berlin" }, { "name": "Floor", "value": 3 }],
        });
        let there = json!({
            "name": "Title", "priority": "High",
            "note": [
                { "id": "1", "text": "said" }, { "id": "2", "text": "said" }, { "id": "3", "text": "taken back" },
            ],
            "attachment": [{ "id": "6", "name": "old.txt" }],
            "troubleTicketCharacteristic": [{ "name": "Site", "value": "Berlin" }],
        });
        let expected = [
            ("title", "New title"),
            ("Floor", "3"),
            ("status", "resolved"),
            ("edit", "said better"),
            ("retract", "taken back"),
            ("comment", "new"),
            ("file", "new.txt"),
        ];
        let expected: Vec<_> =
            expected.into_iter().map(|(what, text)| (what.to_owned(), text.to_owned())).collect();
        assert_eq!(told(&record(is.clone(), Some(there))), expected);
        assert_eq!(told(&record(is.clone(), Some(is))), []);
        assert_eq!(told(&record(json!({}), None)).first().unwrap().0, "raise");
    }

    #[test]
    fn an_open_ticket_is_silent_from_the_end_of_its_time_on() {
        let terms = |seconds: Option<u64>| Terms { silent_after: seconds.map(Duration::from_secs) };
        let at = |seconds: i64| Timestamp::from_timestamp(seconds, 0).unwrap();
        let open = record(json!({ "status": "pending" }), None);
        assert_eq!(open.silent_since(terms(Some(60)), at(59)), None);
        assert_eq!(open.silent_since(terms(Some(60)), at(60)), Some(at(0)));
        assert_eq!(open.silent_since(terms(Some(60)), at(-60)), None, "a clock that was set back");
        assert_eq!(open.silent_since(terms(None), at(i64::from(i32::MAX))), None);
        for done in ["resolved", "closed", "cancelled", "rejected"] {
            assert_eq!(record(json!({ "status": done }), None).silent_since(terms(Some(60)), at(90)), None);
        }
    }
}
