//! What stands on our own desk as a canonical ticket, and canonical text as a comment: pure and total.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ring::digest;
use serde_json::{Value, json};
use throughline_markup::{html, plain};
use throughline_sdk::{
    Comment, CommentId, Error, ErrorKind, File, FileId, Lost, Person, RemoteId, Result, Ticket, Timestamp,
    Version, Visibility,
};

use crate::config::Config;
use crate::wire::{Actor, Push};
use crate::{own, uuid};

/// The words for a status that are in use, and what they mean to Throughline.
pub const STATUSES: &[(&str, &str)] = &[
    ("new", "new"),
    ("open", "open"),
    ("pending", "pending"),
    ("hold", "on_hold"),
    ("solved", "resolved"),
    ("closed", "closed"),
];

/// The protocol has no priorities.
pub const PRIORITIES: &[(&str, &str)] = &[];

/// The statuses after which nothing more is expected.
pub(crate) const CLOSED: [&str; 2] = ["solved", "closed"];

/// Fields beside the custom ones, by their names in the protocol.
pub(crate) const TAGS: &str = "tags";
pub(crate) const CUSTOM_STATUS: &str = "custom_status";

/// A file of a ticket, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'t> {
    pub(crate) comment: &'t own::Comment,
    pub(crate) file: &'t own::Attachment,
}

/// The ticket.
pub(crate) fn ticket(config: &Config, held: &own::Ticket) -> Ticket {
    let described = held.description.as_deref();
    let is_description = |comment: &&own::Comment| described == Some(comment.uuid.as_str());
    let mut lost = Vec::new();
    let mut read = |comment: &own::Comment, id: Option<CommentId>| {
        let text = read_text(comment);
        lost.extend(text.lost.iter().map(|loss| Lost { comment: id.clone(), what: loss.to_string() }));
        text.text
    };
    let description = held.comments.iter().find(is_description).map(|comment| read(comment, None));
    let comments = held.comments.iter().filter(|comment| !is_description(comment) && !only_carries(comment));
    let comments = comments.map(|comment| {
        let id = CommentId::new(&comment.uuid);
        Comment {
            body: read(comment, Some(id.clone())),
            id,
            author: person(comment.author.as_ref()),
            visibility: visibility(config, comment),
            created: moment(comment.authored_at.as_deref()).unwrap_or(comment.at),
            marker: uuid::marker(&comment.uuid),
        }
    });
    let comments = comments.collect();
    let word = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Ticket {
        id: RemoteId::new(&held.id),
        key: word(&held.original_id).unwrap_or_else(|| held.id.clone()),
        version: Some(Version::new(&held.version)),
        url: None,
        title: word(&held.subject).unwrap_or_else(|| {
            // Zendesk asks for none.
            description.as_deref().unwrap_or_default().lines().next().unwrap_or_default().to_owned()
        }),
        description: description.unwrap_or_default(),
        status: word(&held.status).unwrap_or_else(|| first(config)),
        priority: None,
        kind: None,
        fields: fields(held),
        requester: held.requester.as_ref().map(|requester| person(Some(requester))),
        comments,
        files: files(config, held),
        references: Vec::new(),
        marker: uuid::marker(&held.uuid),
        created: held.created,
        updated: held.updated,
        lost,
    }
}

/// The status in which a ticket of ours begins.
pub(crate) fn first(config: &Config) -> String {
    config.statuses.first().cloned().unwrap_or_else(|| "new".to_owned())
}

/// The file with this id.
pub(crate) fn file<'t>(held: &'t own::Ticket, id: &FileId) -> Option<Held<'t>> {
    let all = held.comments.iter().flat_map(attached);
    all.filter(|(name, _)| name == id.as_str()).map(|(_, held)| held).next()
}

/// What an update says of fields, as the ticket's agreement allows.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] for a field that the agreement does not carry.
pub(crate) fn set_fields(
    push: &mut Push,
    fields: &BTreeMap<String, String>,
    terms: own::Terms,
) -> Result<()> {
    for (name, value) in fields {
        match name.as_str() {
            CUSTOM_STATUS => push.custom_status = Some(value.clone()),
            TAGS if terms.sync_tags => {
                push.tags = Some(value.split_whitespace().map(str::to_owned).collect());
            }
            TAGS => return Err(not_agreed("tags", "sync_tags")),
            _ if terms.sync_custom_fields => {
                let value = if value.is_empty() { Value::Null } else { json!(value) };
                push.custom_fields.insert(name.clone(), value);
            }
            _ => return Err(not_agreed(name, "sync_custom_fields")),
        }
    }
    Ok(())
}

fn not_agreed(field: &str, term: &str) -> Error {
    let why = format!("the sharing agreement does not carry this field: {term} is not agreed upon");
    Error::new(ErrorKind::Rejected, why).with_context("field", field)
}

/// The comment in canonical text.
fn read_text(comment: &own::Comment) -> throughline_markup::Text {
    match comment.html_body.as_deref().filter(|html| !html.trim().is_empty()) {
        Some(html) => html::read(html),
        None => plain::read(comment.body.as_deref().unwrap_or_default()),
    }
}

/// A canonical text as plain text and as HTML, and what the two of them cannot say.
pub(crate) fn write_text(text: &str) -> (String, throughline_markup::Text) {
    (plain::write(text).text, html::write(text))
}

/// Somebody under the name that the settings give, with a uuid that is the same each time.
pub(crate) fn actor(config: &Config) -> Actor {
    let hash = digest::digest(&digest::SHA256, format!("{}\n{}", config.url, config.author).as_bytes());
    let uuid = hash.as_ref().iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    Actor { uuid, name: config.author.clone() }
}

fn person(actor: Option<&own::Actor>) -> Person {
    let name = actor.and_then(|actor| actor.name.as_deref()).map(str::trim).filter(|name| !name.is_empty());
    Person { name: name.unwrap_or("Unknown").to_owned() }
}

fn visibility(config: &Config, comment: &own::Comment) -> Visibility {
    match comment.public.unwrap_or(config.unsaid_is_public) {
        true => Visibility::Public,
        false => Visibility::Internal,
    }
}

/// The protocol attaches files to comments only: one that says nothing but its file's name is no comment.
fn only_carries(comment: &own::Comment) -> bool {
    let [file] = comment.attachments.as_slice() else { return false };
    comment.body.as_deref().unwrap_or_default().trim() == name(file)
}

fn name(file: &own::Attachment) -> &str {
    let names = [&file.display_filename, &file.filename];
    let mut given = names.into_iter().filter_map(|name| name.as_deref()).filter(|name| !name.is_empty());
    given.next().unwrap_or("attachment")
}

fn files(config: &Config, held: &own::Ticket) -> Vec<File> {
    let all = held.comments.iter().flat_map(attached);
    let files = all.map(|(id, Held { comment, file })| File {
        marker: uuid::marker(&id),
        id: FileId::new(id),
        name: name(file).to_owned(),
        media_type: file.content_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
        // The protocol does not say.
        size: file.size.unwrap_or(0),
        digest: None,
        visibility: visibility(config, comment),
        author: person(comment.author.as_ref()),
        created: moment(comment.authored_at.as_deref()).unwrap_or(comment.at),
    });
    files.collect()
}

/// A comment's files, each with its id: the comment's, and a number from the second on.
fn attached(comment: &own::Comment) -> impl Iterator<Item = (String, Held<'_>)> {
    let id = |at: usize| if at == 0 { comment.uuid.clone() } else { format!("{}.{at}", comment.uuid) };
    comment.attachments.iter().enumerate().map(move |(at, file)| (id(at), Held { comment, file }))
}

fn fields(held: &own::Ticket) -> BTreeMap<String, String> {
    let custom = held.custom_fields.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
        };
        Some((name.clone(), text))
    });
    let mut fields: BTreeMap<String, String> = custom.collect();
    fields.insert(TAGS.to_owned(), held.tags.join(" "));
    fields.insert(CUSTOM_STATUS.to_owned(), held.custom_status.clone().unwrap_or_default());
    fields.retain(|_, value| !value.is_empty());
    fields
}

fn moment(text: Option<&str>) -> Option<Timestamp> {
    let text = text?.trim();
    let parsed = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %z");
    parsed.or_else(|_other_form| DateTime::parse_from_rfc3339(text)).ok().map(|time| time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use throughline_sdk::Settings;

    use super::*;

    fn config(unsaid: &str) -> Config {
        Config::read(&Settings {
            values: BTreeMap::from([
                ("url".to_owned(), json!("https://partner.example/sharing")),
                ("here".to_owned(), json!("https://bridge.example/sharing/partner")),
                ("unsaid".to_owned(), json!(unsaid)),
            ]),
            ..Settings::default()
        })
        .unwrap()
    }

    fn held(comments: &Value) -> own::Ticket {
        serde_json::from_value(json!({
            "id": "7", "version": "1", "created": "2026-01-02T03:04:05Z", "updated": "2026-01-02T03:04:05Z",
            "uuid": "a", "agreement": { "uuid": "b", "sent": true, "status": "accepted" }, "subject": "Printer",
            "custom_fields": { "n": 2, "gone": null, "list": [1], "s": "text" }, "tags": ["a", "b"],
            "comments": comments, "description": "c1",
        }))
        .unwrap()
    }

    #[test]
    fn the_first_comment_is_the_description_and_what_only_carries_a_file_is_none() {
        let at = "2026-01-02T03:04:05Z";
        let file =
            json!({ "url": "https://partner.example/f", "filename": "a.txt", "content_type": "text/plain" });
        let read = ticket(
            &config("public"),
            &held(&json!([
                { "uuid": "c1", "at": at, "body": "*It* smokes.", "public": true },
                { "uuid": "c2", "at": at, "body": "a.txt", "attachments": [file], "public": false },
                { "uuid": "c3", "at": at, "body": "x", "html_body": "<p><b>said</b></p>", "public": false,
                  "authored_at": "2010-11-24 22:13:54 +0100", "author": { "name": "Ada" }, "attachments": [file, file] },
            ])),
        );
        assert_eq!(read.description, "\\*It\\* smokes.");
        let comments: Vec<_> = read.comments.iter().map(|one| (one.id.as_str(), one.body.as_str())).collect();
        assert_eq!(comments, [("c3", "**said**")]);
        assert_eq!(read.comments[0].created.to_rfc3339(), "2010-11-24T21:13:54+00:00");
        assert_eq!(read.comments[0].author.name, "Ada");
        assert!(
            read.files.iter().all(|file| file.visibility == Visibility::Internal && file.name == "a.txt")
        );
        let ids: Vec<_> = read.files.iter().map(|file| file.id.as_str()).collect();
        assert_eq!(ids, ["c2", "c3", "c3.1"]);
        let fields: Vec<_> =
            read.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("list", "[1]"), ("n", "2"), ("s", "text"), ("tags", "a b")]);
    }

    #[test]
    fn a_comment_that_does_not_say_whether_it_is_public_is_what_the_settings_say() {
        let comments = json!([{ "uuid": "c2", "at": "2026-01-02T03:04:05Z", "body": "said" }]);
        for (unsaid, expected) in [("public", Visibility::Public), ("internal", Visibility::Internal)] {
            assert_eq!(ticket(&config(unsaid), &held(&comments)).comments[0].visibility, expected);
        }
    }

    #[test]
    fn what_is_not_agreed_upon_is_not_sent() {
        let none = own::Terms { sync_tags: false, sync_custom_fields: false, allows_public_comments: true };
        let all = own::Terms { sync_tags: true, sync_custom_fields: true, allows_public_comments: true };
        for name in ["tags", "Product"] {
            let fields = BTreeMap::from([(name.to_owned(), "x y".to_owned())]);
            let error = set_fields(&mut Push::default(), &fields, none).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected);
            let mut push = Push::default();
            set_fields(&mut push, &fields, all).unwrap();
            assert_eq!(push.tags.is_some(), name == "tags");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_it_was(text in "(.|\n|\\*|<b>|&amp;){0,40}") {
            let text = throughline_markup::normal(&text);
            let (body, html) = write_text(&text);
            let comment = serde_json::from_value(json!({
                "uuid": "c", "at": "2026-01-02T03:04:05Z", "body": body, "html_body": html.text,
            }));
            let read = read_text(&comment.unwrap());
            prop_assert!(read.text == text || !html.lost.is_empty(), "{:?} reads as {:?}", text, read.text);
        }
    }
}
