//! Who we are in this RT, and its words: the queue's lifecycle, priorities and custom fields, as they are now.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use http::Method;
use throughline_sdk::{Choice, Description, Error, ErrorKind, Identity, Result};

use crate::attribute::ATTRIBUTES;
use crate::config::Config;
use crate::feed::quoted;
use crate::rest::{Body, Rest};
use crate::{error, wire};

/// How many statuses a queue may have beyond the known ones before we stop asking for more.
const MAX_STATUSES: usize = 30;

/// RT's default lifecycle; the statuses that count as closed are its inactive ones.
const DEFAULT_LIFECYCLE: &[(&str, bool)] = &[
    ("new", false),
    ("open", false),
    ("stalled", false),
    ("resolved", true),
    ("rejected", true),
    ("deleted", true),
];

/// Who we are there. Fails where the queue is not there or not visible, for nothing would work without it.
pub(crate) async fn probe(config: &Config, rest: &Rest<'_>) -> Result<Identity> {
    let answer = rest.raw(Method::GET, &["rt"], &[], Body::default(), 64 * 1024).await?;
    let answer = error::of(answer, &Method::GET)?;
    let time = answer.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    let time = time.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc());
    let server: wire::Server = answer.json(&Method::GET)?;
    let user: wire::User = rest.get(&["user", &config.account.to_string()], &[]).await?;
    queue(config, rest).await?;
    Ok(Identity { account: user.name, product: format!("Request Tracker {}", server.version), time })
}

/// The words of this very system.
pub(crate) async fn describe(config: &Config, rest: &Rest<'_>) -> Result<Description> {
    let queue = queue(config, rest).await?;
    let queues: Vec<wire::Queue> =
        rest.list(&["queues", "all"], &[("fields", "Name,Lifecycle"), ("per_page", "100")]).await?;
    let own = [&config.marker_field, &config.link_field];
    let custom = queue.ticket_custom_fields.iter().map(|field| field.name.clone());
    let attributes = ATTRIBUTES.iter().map(|attribute| attribute.name.to_owned());
    let fields: BTreeSet<String> = attributes.chain(custom).collect();
    let choice = |word: String, closed| Choice { word, closed };
    Ok(Description {
        statuses: statuses(config, rest, &queue)
            .await?
            .into_iter()
            .map(|(word, closed)| choice(word, closed))
            .collect(),
        priorities: config.priorities.iter().map(|(word, _)| choice(word.clone(), false)).collect(),
        kinds: queues.into_iter().map(|queue| choice(queue.name, false)).collect(),
        fields: fields.into_iter().filter(|name| !own.contains(&&Some(name.clone()))).collect(),
    })
}

/// RT does not show a lifecycle, so that its words come from three places: RT's default one where the queue has it,
/// the setting, and the tickets of the queue, with the next steps RT offers for each status in use.
async fn statuses(config: &Config, rest: &Rest<'_>, queue: &wire::Queue) -> Result<Vec<(String, bool)>> {
    let mut words: Vec<(String, bool)> = Vec::new();
    if queue.lifecycle == "default" {
        words.extend(DEFAULT_LIFECYCLE.iter().map(|(word, closed)| ((*word).to_owned(), *closed)));
    }
    add(&mut words, &config.statuses);
    let mut offered = BTreeMap::new();
    for (set, closed) in [("__Active__", false), ("__Inactive__", true)] {
        for _ in 0..MAX_STATUSES {
            let Some(ticket) = unlike(config, rest, set, &words).await? else { break };
            let next = ticket
                .hyperlinks
                .into_iter()
                .filter(|link| link.relation == "lifecycle" && !link.to.is_empty());
            offered.extend(next.map(|link| (link.to, false)));
            words.push((ticket.status, closed));
        }
    }
    // A status that no ticket has, and that only a next step names, counts as open until one does.
    add(&mut words, &offered);
    Ok(words)
}

/// A ticket of the queue with a status that is not known yet.
async fn unlike(
    config: &Config,
    rest: &Rest<'_>,
    set: &str,
    words: &[(String, bool)],
) -> Result<Option<wire::Ticket>> {
    let mut query = format!("Queue = {} AND Status = '{set}'", quoted(&config.queue));
    for (word, _) in words {
        query.push_str(&format!(" AND Status != {}", quoted(word)));
    }
    let query = [("query", query.as_str()), ("fields", "Status,_hyperlinks"), ("per_page", "1")];
    let found: Vec<wire::Ticket> = rest.list(&["tickets"], &query).await?;
    // RT's own words for sets of statuses are an addition; one that ignores them would show a known status for ever.
    Ok(found.into_iter().next().filter(|ticket| words.iter().all(|(word, _)| *word != ticket.status)))
}

fn add(words: &mut Vec<(String, bool)>, more: &BTreeMap<String, bool>) {
    for (word, closed) in more {
        if words.iter().all(|(known, _)| known != word) {
            words.push((word.clone(), *closed));
        }
    }
}

async fn queue(config: &Config, rest: &Rest<'_>) -> Result<wire::Queue> {
    rest.get(&["queue", &config.queue], &[]).await.map_err(|error| {
        let unseen = matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound);
        if !unseen {
            return error;
        }
        Error::new(
            ErrorKind::Misconfigured,
            "the setting queue names a queue that is not there or that our account may not see (right SeeQueue)",
        )
        .with_context("queue", &config.queue)
    })
}
