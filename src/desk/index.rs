//! A few words of each record in memory: what most questions ask for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use throughline_sdk::Timestamp;

use super::record::{Record, Sort};
use super::subscription::Subscription;

/// What rules records out without reading them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// Changed after this moment.
    pub after: Option<Timestamp>,
    /// With this external identifier.
    pub identifier: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    rows: BTreeMap<(Sort, u64), Row>,
    /// Events that wait for a subscriber, by change and place, with what they are about.
    events: BTreeMap<(u64, usize), (Sort, u64)>,
    change: u64,
    /// The highest number given so far.
    highest: BTreeMap<Sort, u64>,
    subscriptions: BTreeMap<u64, Subscription>,
    highest_subscription: u64,
    last: Timestamp,
}

#[derive(Debug)]
struct Row {
    updated: Timestamp,
    identifiers: Vec<Box<str>>,
    events: Vec<(u64, usize)>,
    deleted: bool,
}

impl Index {
    pub(super) fn put(&mut self, sort: Sort, number: u64, record: &Record) {
        let row = Row {
            events: record.events.iter().map(|event| (event.change, event.at)).collect(),
            updated: record.updated,
            identifiers: identifiers(&record.document).map(Into::into).collect(),
            deleted: record.deleted,
        };
        let waiting = row.events.clone();
        for gone in self.rows.insert((sort, number), row).into_iter().flat_map(|before| before.events) {
            self.events.remove(&gone);
        }
        self.events.extend(waiting.into_iter().map(|event| (event, (sort, number))));
        self.change = self.change.max(record.change);
        let highest = self.highest.entry(sort).or_default();
        *highest = number.max(*highest);
        self.last = self.last.max(record.updated);
    }

    /// The numbers that `narrow` does not rule out, in order.
    pub(super) fn numbers(&self, sort: Sort, narrow: &Narrow) -> Vec<u64> {
        let rows = self.rows.range((sort, 0)..=(sort, u64::MAX));
        rows.filter(|(_, row)| {
            !row.deleted
                && narrow.after.is_none_or(|after| row.updated > after)
                && narrow
                    .identifier
                    .as_ref()
                    .is_none_or(|wanted| row.identifiers.iter().any(|is| **is == **wanted))
        })
        .map(|((_, number), _)| *number)
        .collect()
    }

    /// The first events after a change, with what each is about.
    pub(super) fn events_after(&self, change: u64, most: usize) -> Vec<((u64, usize), (Sort, u64))> {
        let from = (change.saturating_add(1), 0);
        self.events.range(from..).take(most).map(|(event, about)| (*event, *about)).collect()
    }

    pub(super) fn next(&self, sort: Sort) -> u64 {
        self.highest.get(&sort).copied().unwrap_or_default().saturating_add(1)
    }

    /// The number of the last change.
    pub(super) fn change(&self) -> u64 {
        self.change
    }

    /// The moment of the last change.
    pub(super) fn last(&self) -> Timestamp {
        self.last
    }

    pub(super) fn subscribe(&mut self, id: u64, subscription: Subscription) {
        self.highest_subscription = self.highest_subscription.max(id);
        self.subscriptions.insert(id, subscription);
    }

    pub(super) fn unsubscribe(&mut self, id: u64) {
        self.subscriptions.remove(&id);
    }

    pub(super) fn subscriptions(&self) -> &BTreeMap<u64, Subscription> {
        &self.subscriptions
    }

    pub(super) fn next_subscription(&self) -> u64 {
        self.highest_subscription.saturating_add(1)
    }

    /// How far every subscriber has been told; `None` where there is none.
    pub(super) fn heard(&self) -> Option<u64> {
        self.subscriptions.values().map(|subscription| subscription.told).min()
    }
}

/// The external identifiers of a document, in either standard.
fn identifiers(document: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let all = document.get("externalIdentifier").and_then(Value::as_array);
    let uuid = document.get("uuid").and_then(Value::as_str);
    all.into_iter().flatten().filter_map(|one| one.get("id")?.as_str()).chain(uuid)
}
