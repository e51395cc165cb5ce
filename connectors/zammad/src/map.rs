//! Zammad's ticket as a canonical ticket, and back: pure and total.

use std::collections::BTreeMap;

use serde_json::Value;
use throughline_markup::{html, plain};
use throughline_sdk::{
    Comment, CommentId, File, FileId, Marker, Person, Reference, RemoteId, Ticket, Version, Visibility,
};

use crate::attribute;
use crate::config::Config;
use crate::wire::{self, Preferences};

/// The names of what every ticket has beside attributes of the operator's own. The organization is only read.
pub(crate) const ATTRIBUTES: [&str; 3] = [GROUP, OWNER, "organization"];
pub(crate) const GROUP: &str = "group";
pub(crate) const OWNER: &str = "owner";

/// The login of nobody, whom Zammad lets own what has no owner.
pub(crate) const NOBODY: &str = "-";

/// Everything that was read of a ticket.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) ticket: wire::Ticket,
    /// Oldest first.
    pub(crate) articles: Vec<wire::Article>,
    /// The customer's name.
    pub(crate) customer: Option<String>,
}

/// A ticket.
pub(crate) fn ticket(parts: &Parts, config: &Config) -> Ticket {
    let wire = &parts.ticket;
    let mut fields = values(wire);
    let mut own = |name: Option<&String>| fields.remove(name?);
    let (marker, link) = (own(Some(&config.marker_field)), own(config.link_field.as_ref()));
    let described = described(parts);
    let said = parts.articles.iter().filter(|one| described.is_none_or(|described| described.id != one.id));
    Ticket {
        id: RemoteId::new(wire.id.to_string()),
        key: wire.number.clone().unwrap_or_else(|| wire.id.to_string()),
        version: Some(version(wire)),
        url: Some(address(config, wire.id)),
        title: wire.title.as_deref().unwrap_or_default().trim().to_owned(),
        description: described.map(text).unwrap_or_default(),
        status: wire.state.clone().unwrap_or_default(),
        priority: wire.priority.clone(),
        kind: wire.kind.clone().filter(|kind| !kind.is_empty()),
        fields,
        requester: parts.customer.clone().map(|name| Person { name }),
        comments: said.filter_map(comment).collect(),
        files: parts.articles.iter().flat_map(files).collect(),
        references: link.iter().map(|text| Reference::of_line(text)).collect(),
        marker: marker.and_then(|text| whole_marker(&text)),
        created: wire.created_at,
        updated: wire.updated_at,
        lost: Vec::new(),
    }
}

/// `updated_at`, which each article sets too, and a hash of what a ticket shows: two changes may share a millisecond.
pub(crate) fn version(ticket: &wire::Ticket) -> Version {
    let visible = serde_json::to_vec(&(
        (&ticket.title, &ticket.state, &ticket.priority, &ticket.kind, ticket.customer_id),
        (values(ticket), ticket.rest.get("article_count")),
    ))
    .unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Version::new(format!("{}~{hash:016x}", ticket.updated_at.format("%Y-%m-%dT%H:%M:%S%.3fZ")))
}

/// The values of a ticket's fields, by the names of their attributes.
pub(crate) fn values(ticket: &wire::Ticket) -> BTreeMap<String, String> {
    let owner = ticket.owner.clone().filter(|owner| owner != NOBODY);
    let organization = ticket.rest.get("organization").and_then(Value::as_str).map(str::to_owned);
    let built_in = ATTRIBUTES.iter().zip([ticket.group.clone(), owner, organization]);
    let built_in = built_in.filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
    let own = attribute::names(ticket).filter_map(|name| {
        let value = ticket.rest.get(name)?;
        Some((name.clone(), attribute::read(value)))
    });
    built_in.chain(own).filter(|(_, value)| !value.is_empty()).collect()
}

/// What stands in an attribute of a ticket, as text.
pub(crate) fn raw<'a>(ticket: &'a wire::Ticket, name: &str) -> Option<&'a str> {
    ticket.rest.get(name).and_then(Value::as_str)
}

/// The canonical text of an article.
pub(crate) fn text(article: &wire::Article) -> String {
    let body = article.body.as_deref().unwrap_or_default();
    let is_html = article.content_type.as_deref().unwrap_or_default().to_ascii_lowercase().contains("html");
    if is_html { html::read(body).text } else { plain::read(body).text }
}

/// The HTML of a canonical text.
pub(crate) fn write_text(text: &str) -> String {
    html::write(text).text
}

/// The HTML of a name, in which nothing is formatting.
pub(crate) fn write_name(name: &str) -> String {
    write_text(&plain::read(name).text)
}

/// Where an article keeps its marker.
pub(crate) fn marked(marker: &Marker) -> Preferences {
    Preferences { throughline: Some(Value::from(marker.as_str())) }
}

/// The marker of an article of ours. A customer can set preferences as well, and is none of us.
pub(crate) fn marker(article: &wire::Article) -> Option<Marker> {
    let ours = article.sender.as_deref() == Some("Agent");
    article.preferences.throughline.as_ref().filter(|_| ours)?.as_str().and_then(whole_marker)
}

/// The article and the file that an id of ours names: Zammad gives a file only by both.
pub(crate) fn file_number(id: &FileId) -> Option<(u64, u64)> {
    let (article, file) = id.as_str().split_once('-')?;
    Some((article.parse().ok()?, file.parse().ok()?))
}

/// The id of a file.
pub(crate) fn file_id(article: u64, file: u64) -> FileId {
    FileId::new(format!("{article}-{file}"))
}

fn whole_marker(text: &str) -> Option<Marker> {
    Marker::find_in(text).filter(|marker| marker.as_str() == text.trim())
}

/// Where people open a ticket.
fn address(config: &Config, id: u64) -> String {
    let mut url = config.url.clone();
    url.set_fragment(Some(&format!("ticket/zoom/{id}")));
    url.into()
}

/// The article that a ticket was raised with, if its customer may read it.
///
/// A merge brings articles here that may be older than the ticket: those are not its own.
fn described(parts: &Parts) -> Option<&wire::Article> {
    let of_its_own = |article: &&wire::Article| article.created_at >= parts.ticket.created_at;
    let first = parts.articles.iter().find(of_its_own).or_else(|| parts.articles.first());
    first.filter(|article| article.internal == Some(false))
}

/// Whether an article is one of ours that only carries a file: Zammad attaches files to articles only.
fn carries_file(article: &wire::Article) -> bool {
    let name = article.attachments.first().and_then(|file| file.filename.as_deref());
    let named = |name: &str| html::read(&write_name(name)).text == text(article);
    marker(article).is_some() && name.is_some_and(named)
}

fn comment(article: &wire::Article) -> Option<Comment> {
    if carries_file(article) {
        return None;
    }
    Some(Comment {
        id: CommentId::new(article.id.to_string()),
        author: author(article),
        body: text(article),
        visibility: visibility(article),
        created: article.created_at,
        marker: marker(article),
    })
}

fn files(article: &wire::Article) -> Vec<File> {
    let marker = marker(article).filter(|_| carries_file(article));
    let own = article.attachments.iter().filter(|file| !is_body(file));
    own.map(|attachment| File {
        id: file_id(article.id, attachment.id),
        name: attachment.filename.clone().unwrap_or_else(|| attachment.id.to_string()),
        media_type: media_type(attachment),
        size: attachment.bytes().unwrap_or_default(),
        digest: None,
        visibility: visibility(article),
        author: author(article),
        created: article.created_at,
        marker: marker.clone(),
    })
    .collect()
}

/// Zammad keeps the HTML of a mail beside the article that it made of it.
fn is_body(file: &wire::Attachment) -> bool {
    let set = |key: &str| file.preferences.get(key).is_some_and(|value| *value == Value::Bool(true));
    set("original-format") || set("content-alternative")
}

fn media_type(file: &wire::Attachment) -> String {
    let said = ["Mime-Type", "Content-Type"].iter().find_map(|key| file.preferences.get(*key)?.as_str());
    let said = said.and_then(|said| said.split(';').next()).map(str::trim).filter(|said| !said.is_empty());
    said.unwrap_or("application/octet-stream").to_owned()
}

fn visibility(article: &wire::Article) -> Visibility {
    match article.internal {
        Some(true) => Visibility::Internal,
        Some(false) => Visibility::Public,
        None => Visibility::Unknown,
    }
}

/// The name in the sender's line, `"Ada Lovelace" <ada@example.org>`; the address where there is no name.
fn author(article: &wire::Article) -> Person {
    let from = article.from.as_deref().unwrap_or_default();
    let (name, address) = from.split_once('<').unwrap_or((from, ""));
    let name = name.trim().trim_matches('"').trim();
    let address = address.trim_end().trim_end_matches('>').trim();
    let known = [name, address].into_iter().find(|word| !word.is_empty() && *word != NOBODY);
    Person { name: known.or(article.sender.as_deref()).unwrap_or("Zammad").to_owned() }
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
