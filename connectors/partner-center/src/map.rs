//! A service request as a canonical ticket, and back: pure and total.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_markup::plain;
use throughline_sdk::{
    Comment, CommentId, Error, ErrorKind, MarkerLine, Person, RemoteId, Result, Ticket, Timestamp, Version,
    Visibility,
};

use crate::wire::{Note, ServiceRequest};

/// Partner Center's words for a status, and what they mean to Throughline.
pub const STATUSES: &[(&str, &str)] =
    &[("open", "open"), ("attention_needed", "pending"), ("closed", "closed")];

/// Partner Center's words for a severity, lowest first, and what they mean to Throughline.
pub const PRIORITIES: &[(&str, &str)] = &[("minimal", "low"), ("moderate", "normal"), ("critical", "urgent")];

/// The lists by number, as one of the samples gives them.
/// <https://learn.microsoft.com/dotnet/api/microsoft.store.partnercenter.models.servicerequests>
const STATUS_NUMBERS: [&str; 4] = ["none", "open", "closed", "attention_needed"];
const SEVERITY_NUMBERS: [&str; 4] = ["unknown", "critical", "moderate", "minimal"];

const CUSTOMER: &str = "Customer";
const PRODUCT: &str = "Product";
const COUNTRY: &str = "Country";
const CLOSED: &str = "Closed";
/// Every field a request may have.
pub(crate) const FIELDS: [&str; 4] = [CUSTOMER, PRODUCT, COUNTRY, CLOSED];

/// A request with its notes.
///
/// # Errors
///
/// [`ErrorKind::Malformed`] where it does not say when it was created.
pub(crate) fn ticket(request: &ServiceRequest) -> Result<Ticket> {
    let created = request.created_date.as_deref().and_then(time).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "the service request has no createdDate")
            .with_context("request", &request.id)
    })?;
    let comments = comments(request.notes.as_deref().unwrap_or_default(), created);
    Ok(Ticket {
        id: RemoteId::new(&request.id),
        key: request.id.clone(),
        version: Some(version(request)),
        url: None,
        title: text(&request.title).unwrap_or_default().to_owned(),
        description: plain::read(text(&request.description).unwrap_or_default()).text,
        status: status(request),
        priority: word(request.severity.as_ref(), &SEVERITY_NUMBERS).filter(|word| word != "unknown"),
        kind: text(&request.support_topic_name).map(str::to_owned),
        fields: fields(request),
        requester: requester(request),
        comments,
        files: Vec::new(),
        references: Vec::new(),
        marker: None,
        created,
        updated: modified(request).unwrap_or(created).max(created),
        lost: Vec::new(),
    })
}

/// The status, in the one spelling that is described; an unknown one as it is.
pub(crate) fn status(request: &ServiceRequest) -> String {
    word(request.status.as_ref(), &STATUS_NUMBERS).unwrap_or_else(|| "none".to_owned())
}

/// What a plan was made on.
pub(crate) fn version(request: &ServiceRequest) -> Version {
    let modified = text(&request.last_modified_date).unwrap_or_default();
    Version::new(format!("{modified} {}", status(request)))
}

/// When a request last changed, if it says so.
pub(crate) fn modified(request: &ServiceRequest) -> Option<Timestamp> {
    request.last_modified_date.as_deref().and_then(time)
}

/// The notes as comments, oldest first.
pub(crate) fn comments(notes: &[Note], otherwise: Timestamp) -> Vec<Comment> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut comments: Vec<Comment> = notes
        .iter()
        .map(|note| {
            // Notes have no id but the moment at which they were written.
            let moment = text(&note.created_date).unwrap_or("?");
            let number = seen.entry(moment).and_modify(|count| *count += 1).or_insert(1);
            let id = if *number == 1 { moment.to_owned() } else { format!("{moment}#{number}") };
            let (body, marker) = MarkerLine::BRACKETS.split(note.text.as_deref().unwrap_or_default());
            Comment {
                id: CommentId::new(id),
                author: Person { name: text(&note.created_by_name).unwrap_or("(not told)").to_owned() },
                // What we wrote comes back as it was written, anybody else's text as what it says.
                body: if marker.is_some() { body } else { plain::read(&body).text },
                // The interface shows what the partner and Microsoft wrote to one another.
                visibility: Visibility::Public,
                created: time(moment).unwrap_or(otherwise),
                marker,
            }
        })
        .collect();
    comments.sort_by_key(|comment| comment.created);
    comments
}

/// A status as a change takes it.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] for a word that Partner Center does not know.
pub(crate) fn status_to_write(word: &str) -> Result<&'static str> {
    let known = STATUSES.iter().find(|(known, _)| same_word(known, word));
    known.map(|(known, _)| *known).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, "Partner Center has no such status; see what describe lists")
            .with_context("status", word)
    })
}

fn fields(request: &ServiceRequest) -> BTreeMap<String, String> {
    let closed = request.last_closed_date.as_deref().and_then(time);
    let values = [
        (CUSTOMER, request.organization.as_ref().and_then(|one| text(&one.name)).map(str::to_owned)),
        (PRODUCT, text(&request.product_name).or(text(&request.product_id)).map(str::to_owned)),
        (COUNTRY, text(&request.country_code).map(str::to_owned)),
        (CLOSED, closed.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn requester(request: &ServiceRequest) -> Option<Person> {
    let contact = request.primary_contact.as_ref()?;
    let names = [text(&contact.first_name), text(&contact.last_name)];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Person { name }).filter(|person| !person.name.is_empty())
}

/// A word of a closed list, given as a text in any spelling or as its number.
fn word(value: Option<&Value>, numbers: &[&str]) -> Option<String> {
    let value = value?;
    if let Some(number) = value.as_u64().and_then(|number| usize::try_from(number).ok()) {
        return Some(numbers.get(number).map_or_else(|| value.to_string(), |word| (*word).to_owned()));
    }
    let word = value.as_str().filter(|word| !word.is_empty())?;
    Some(numbers.iter().find(|known| same_word(known, word)).map_or(word, |known| *known).to_owned())
}

/// Whether two words are the same but for upper case and underscores.
fn same_word(left: &str, right: &str) -> bool {
    let letters = |word: &str| word.replace('_', "").to_ascii_lowercase();
    letters(left) == letters(right)
}

/// A time with or without its zone, which is UTC; none for the first moment of all.
fn time(text: &str) -> Option<Timestamp> {
    let time = match chrono::DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc(),
    };
    (time.timestamp() > 0).then_some(time)
}

fn text(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: Value) -> Ticket {
        ticket(&serde_json::from_value(json).unwrap()).unwrap()
    }

    /// The two samples of Microsoft's pages, in shape: words, then numbers.
    #[test]
    fn words_and_numbers_times_with_and_without_a_zone_are_read() {
        let words = read(json!({
            "title": "TrialSR", "description": "Ignore this SR", "severity": "critical", "supportTopicName": "My profile",
            "id": "616122292874576", "status": "attention_needed", "organization": { "name": "Contoso" },
            "productId": "15960", "createdDate": "2016-12-22T20:31:17.24Z",
            "lastModifiedDate": "2017-01-09T23:31:15.373Z", "lastClosedDate": "0001-01-01T00:00:00",
            "notes": [{ "createdByName": "Account", "createdDate": "2017-01-09T23:31:15.373", "text": "Sample Note" }],
        }));
        assert_eq!(
            (words.status.as_str(), words.priority.as_deref()),
            ("attention_needed", Some("critical"))
        );
        let fields: Vec<(&str, &str)> =
            words.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("Customer", "Contoso"), ("Product", "15960")]);
        assert_eq!(words.comments[0].created, words.updated);
        let numbers = read(json!({
            "title": "Test", "severity": 0, "id": "615112491169010", "status": 1,
            "primaryContact": { "lastName": "Lovelace", "firstName": "Ada" },
            "createdDate": "2015-11-24T01:07:00.863", "lastModifiedDate": "2015-11-24T01:17:10.61",
            "lastClosedDate": "0001-01-01T00:00:00",
        }));
        assert_eq!((numbers.status.as_str(), numbers.priority.as_deref()), ("open", None));
        assert_eq!(numbers.requester.map(|person| person.name).as_deref(), Some("Ada Lovelace"));
        assert!(numbers.created < numbers.updated);
    }

    #[test]
    fn unknown_words_and_numbers_are_kept() {
        for (status, expected) in [(json!("Escalated"), "Escalated"), (json!(9), "9"), (Value::Null, "none")]
        {
            let ticket = read(json!({ "id": "1", "createdDate": "2016-12-22T20:31:17Z", "status": status }));
            assert_eq!(ticket.status, expected);
        }
    }

    #[test]
    fn notes_of_one_moment_have_ids_of_their_own() {
        let note = json!({ "createdDate": "2017-01-09T23:31:15.373", "text": "same" });
        let ticket = read(json!({ "id": "1", "createdDate": "2016-12-22T20:31:17Z", "notes": [note, note] }));
        let ids: Vec<&str> = ticket.comments.iter().map(|comment| comment.id.as_str()).collect();
        assert_eq!(ids, ["2017-01-09T23:31:15.373", "2017-01-09T23:31:15.373#2"]);
    }

    #[test]
    fn a_status_is_written_in_the_documented_spelling() {
        assert_eq!(status_to_write("Closed").unwrap(), "closed");
        assert_eq!(status_to_write("AttentionNeeded").unwrap(), "attention_needed");
        assert_eq!(status_to_write("none").unwrap_err().kind(), ErrorKind::Rejected);
    }

    #[test]
    fn a_request_without_a_time_is_malformed() {
        let nothing: ServiceRequest = serde_json::from_value(json!({ "id": "1" })).unwrap();
        assert_eq!(ticket(&nothing).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
