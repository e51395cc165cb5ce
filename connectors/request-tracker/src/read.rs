//! Reads a ticket whole, and a file's bytes: four or five requests, of which none carries what is not needed.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use throughline_sdk::{Error, ErrorKind, FileId, RemoteId, Result, Ticket, Version};

use crate::config::Config;
use crate::map::{self, Parts};
use crate::rest::{Body, PAGE, Rest, number};
use crate::{error, wire};

/// How many pages of one ticket's history are read before we give up: more than anybody can read.
const MAX_PAGES: usize = 500;

/// How much text is asked for in one request.
const TEXT_BYTES: u64 = 4 * 1024 * 1024;

const CREATOR: (&str, &str) = ("fields[Creator]", "Name,RealName");
const PER_PAGE: (&str, &str) = ("per_page", "100");

/// Reads a ticket whole. A merged one comes with the id of the one that survived.
pub(crate) async fn ticket(config: &Config, rest: &Rest<'_>, id: &RemoteId) -> Result<Ticket> {
    Ok(whole(config, rest, id).await?.ticket)
}

/// A ticket, and what it was made of that a judgement of our own write needs.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) ticket: Ticket,
    /// Its custom fields with their ids.
    pub(crate) fields: Vec<wire::CustomField>,
    /// All that we may see of its history, oldest first.
    pub(crate) history: Vec<wire::Transaction>,
}

/// Reads a ticket with its history.
pub(crate) async fn whole(config: &Config, rest: &Rest<'_>, id: &RemoteId) -> Result<Whole> {
    let (wire, version) = rest.ticket(id).await?;
    let survivor = RemoteId::new(wire.id.clone());
    let history = history(rest, &survivor, version.as_ref()).await?;
    let transactions = messages(&history);
    let attachments = attachments(rest, &transactions).await?;
    let texts = texts(rest, &attachments).await?;
    let requester = requester(rest, &wire).await?;
    let fields = wire.custom_fields.clone();
    let parts = Parts { ticket: wire, version, requester, transactions, attachments, texts };
    Ok(Whole { ticket: map::ticket(config, &parts)?, fields, history })
}

/// Reads the parts of a ticket's messages without their content, and the id of the ticket they are in now.
pub(crate) async fn parts(rest: &Rest<'_>, id: &RemoteId) -> Result<(RemoteId, Vec<wire::Attachment>)> {
    let (wire, version) = rest.ticket(id).await?;
    let survivor = RemoteId::new(wire.id);
    let transactions = messages(&history(rest, &survivor, version.as_ref()).await?);
    Ok((survivor, attachments(rest, &transactions).await?))
}

/// Reads a file's bytes, at most `limit` of them.
pub(crate) async fn file(rest: &Rest<'_>, ticket: &RemoteId, file: &FileId, limit: u64) -> Result<Bytes> {
    let path = ["attachment", number(file.as_str())?];
    let of_file = |error: Error| error.with_context("ticket", ticket).with_context("file", file);
    let too_large =
        || of_file(Error::new(ErrorKind::Rejected, format!("the file is larger than {limit} bytes")));
    // RT answers 500 for a part that is not there, as it does for its own faults; a list knows the difference.
    let search = json!([{"field": "id", "operator": "IN", "value": [file.as_str()]}]);
    let listed: Vec<wire::Attachment> =
        rest.search(&["attachments"], &[("fields", "ContentLength")], &search).await?;
    match listed.first() {
        None => return Err(of_file(Error::new(ErrorKind::NotFound, "the file is not there any more"))),
        Some(listed) if map::size(listed) > limit => return Err(too_large()),
        Some(_) => {}
    }
    // Base64 and the line ends that RT writes into it, the header fields, and room for JSON's own.
    let bound = limit.saturating_mul(3).saturating_div(2).saturating_add(1024 * 1024);
    let answer = rest.raw(Method::GET, &path, &[], Body::default(), bound).await?;
    let attachment: wire::Attachment = error::of(answer, &Method::GET)?.json(&Method::GET)?;
    let packed: String = attachment.content.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|error| {
        of_file(Error::new(ErrorKind::Malformed, format!("a file's content is no base64: {error}")))
    })?;
    if u64::try_from(bytes.len()).map_or(true, |size| size > limit) {
        return Err(too_large());
    }
    Ok(Bytes::from(bytes))
}

/// Reads the parts of these transactions' messages, without their content.
///
/// Asked for by transaction, so that the mails RT sent stay out, and so that a short page is the last one: whoever
/// may see a transaction may see its parts.
pub(crate) async fn attachments(
    rest: &Rest<'_>,
    transactions: &[wire::Transaction],
) -> Result<Vec<wire::Attachment>> {
    let query =
        [("fields", "TransactionId,ContentType,ContentLength,Filename,Headers"), ("orderby", "id"), PER_PAGE];
    let mut found = Vec::new();
    for some in transactions.chunks(PAGE) {
        let ids: Vec<&str> = some.iter().map(|transaction| transaction.id.as_str()).collect();
        let mut after = "0".to_owned();
        loop {
            let search = json!([
                {"field": "TransactionId", "operator": "IN", "value": ids},
                {"field": "id", "operator": ">", "value": after},
            ]);
            let page: Vec<wire::Attachment> = rest.search(&["attachments"], &query, &search).await?;
            let last = page.len() < PAGE;
            after = page.last().map(|attachment| attachment.id.clone()).unwrap_or(after);
            found.extend(page);
            if last {
                break;
            }
        }
    }
    Ok(found)
}

/// The transactions with messages.
fn messages(history: &[wire::Transaction]) -> Vec<wire::Transaction> {
    history.iter().filter(|row| map::visibility(row).is_some()).cloned().collect()
}

/// Reads a ticket's history, oldest first.
///
/// Rows we may not see are cut after the page was, so that only the version says where the end is: it is the id of
/// the newest transaction that we may see.
async fn history(
    rest: &Rest<'_>,
    id: &RemoteId,
    version: Option<&Version>,
) -> Result<Vec<wire::Transaction>> {
    let newest: u64 = version.and_then(|version| version.as_str().parse().ok()).unwrap_or_default();
    let path = ["ticket", number(id.as_str())?, "history"];
    let mut found = Vec::new();
    for page in 1..=MAX_PAGES {
        let page = page.to_string();
        let query = [
            ("fields", "Type,Creator,Created,ObjectId,Field,OldValue,NewValue"),
            CREATOR,
            ("orderby", "id"),
            PER_PAGE,
            ("page", &page),
        ];
        let rows: Vec<wire::Transaction> = rest.list(&path, &query).await?;
        let reached = rows.iter().filter_map(|row| row.id.parse::<u64>().ok()).any(|id| id >= newest);
        found.extend(rows);
        if reached {
            return Ok(found);
        }
    }
    Err(Error::new(ErrorKind::Malformed, format!("the ticket's history has no end after {MAX_PAGES} pages"))
        .with_context("ticket", id))
}

/// Reads the texts of messages, many in one request: raw here, where a part's own page would have base64.
async fn texts(rest: &Rest<'_>, attachments: &[wire::Attachment]) -> Result<BTreeMap<String, String>> {
    let query = [("fields", "Content"), ("orderby", "id"), PER_PAGE];
    let mut texts = BTreeMap::new();
    let mut wanted: Vec<&str> = Vec::new();
    let mut bytes = 0u64;
    let mut batches: Vec<Value> = Vec::new();
    for attachment in attachments.iter().filter(|attachment| map::is_text(attachment)) {
        bytes = bytes.saturating_add(map::size(attachment));
        if wanted.len() == PAGE || (bytes > TEXT_BYTES && !wanted.is_empty()) {
            batches.push(json!(std::mem::take(&mut wanted)));
            bytes = map::size(attachment);
        }
        wanted.push(&attachment.id);
    }
    if !wanted.is_empty() {
        batches.push(json!(wanted));
    }
    for ids in batches {
        let search = json!([{"field": "id", "operator": "IN", "value": ids}]);
        let page: Vec<wire::Attachment> = rest.search(&["attachments"], &query, &search).await?;
        texts.extend(page.into_iter().map(|attachment| (attachment.id, attachment.content)));
    }
    Ok(texts)
}

/// The name of the first requestor; by the account's own where we may not look at it.
async fn requester(rest: &Rest<'_>, ticket: &wire::Ticket) -> Result<Option<String>> {
    let Some(first) = ticket.requestor.first() else { return Ok(None) };
    match rest.get::<wire::User>(&["user", &first.id], &[]).await {
        Ok(user) => Ok(Some(map::person(&user.real_name, &user.name))),
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => {
            Ok(Some(map::person("", &first.id)))
        }
        Err(error) => Err(error),
    }
}
