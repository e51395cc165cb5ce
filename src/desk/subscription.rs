//! Who wants to be told of changes, and how far each has been told.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::record::{Event, Record, Sort};
use super::{Desk, Error, MOST_SUBSCRIPTIONS};

/// A subscription at the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// Under which version of the standard it was made: 4 or 5.
    pub edition: u8,
    /// Where events are sent.
    pub callback: String,
    /// What was subscribed with, such as `query`.
    pub document: Map<String, Value>,
    /// How its subscriber reached us: the beginning of the addresses in its events.
    pub base: String,
    /// The last change it was told of, or that was before it.
    pub told: u64,
}

impl Subscription {
    pub(super) const FOLDER: &'static str = "hub";
}

/// An event that a subscriber is to be told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// What it is about.
    pub sort: Sort,
    /// Its number.
    pub number: u64,
    /// The event.
    pub event: Event,
}

impl Desk {
    /// Subscribes; durable on return. The same address asked for again has the same subscription. `None`: there are
    /// too many.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub async fn subscribe(&self, wanted: Subscription) -> Result<Option<(u64, Subscription)>, Error> {
        self.run(move |inner| {
            let _writing = inner.begin()?;
            let (same, next, count, change) = {
                let index = inner.index.read().unwrap_or_else(PoisonError::into_inner);
                let same = index.subscriptions().iter().find(|(_, is)| {
                    is.edition == wanted.edition
                        && is.callback == wanted.callback
                        && is.document == wanted.document
                });
                let same = same.map(|(id, is)| (*id, is.clone()));
                (same, index.next_subscription(), index.subscriptions().len(), index.change())
            };
            if same.is_some() {
                return Ok(same);
            }
            if count >= MOST_SUBSCRIPTIONS {
                return Ok(None);
            }
            let made = Subscription { told: change, ..wanted };
            inner.write(|folder| folder.write(Subscription::FOLDER, next, &made))?;
            inner.index.write().unwrap_or_else(PoisonError::into_inner).subscribe(next, made.clone());
            inner.changed.send_modify(|_| ());
            Ok(Some((next, made)))
        })
        .await
    }

    /// Ends a subscription; false if there is none with this id.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub async fn unsubscribe(&self, id: u64) -> Result<bool, Error> {
        self.run(move |inner| {
            let _writing = inner.begin()?;
            if !inner.index.read().unwrap_or_else(PoisonError::into_inner).subscriptions().contains_key(&id) {
                return Ok(false);
            }
            inner.write(|folder| folder.remove(Subscription::FOLDER, id))?;
            inner.index.write().unwrap_or_else(PoisonError::into_inner).unsubscribe(id);
            inner.changed.send_modify(|_| ());
            Ok(true)
        })
        .await
    }

    /// A subscription.
    pub fn subscription(&self, id: u64) -> Option<Subscription> {
        let index = self.inner.index.read().unwrap_or_else(PoisonError::into_inner);
        index.subscriptions().get(&id).cloned()
    }

    /// The ids of all subscriptions.
    pub fn subscriptions(&self) -> Vec<u64> {
        let index = self.inner.index.read().unwrap_or_else(PoisonError::into_inner);
        index.subscriptions().keys().copied().collect()
    }

    /// The first events that a subscriber was not told of yet, in order.
    ///
    /// # Errors
    ///
    /// When something cannot be read.
    pub async fn due(&self, told: u64, most: usize) -> Result<Vec<Due>, Error> {
        self.run(move |inner| {
            let waiting = inner.index.read().unwrap_or_else(PoisonError::into_inner).events_after(told, most);
            let mut due = Vec::with_capacity(waiting.len());
            for ((change, at), (sort, number)) in waiting {
                // Also of what was deleted: that is an event as well.
                let Some(record) = inner.folder.read::<Record>(sort.folder(), number)? else { continue };
                let event = record.events.into_iter().find(|event| (event.change, event.at) == (change, at));
                due.extend(event.map(|event| Due { sort, number, event }));
            }
            Ok(due)
        })
        .await
    }

    /// Notes how far a subscriber was told; durable on return.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub async fn told(&self, id: u64, change: u64) -> Result<(), Error> {
        self.run(move |inner| {
            let _writing = inner.begin()?;
            let standing = {
                let index = inner.index.read().unwrap_or_else(PoisonError::into_inner);
                index.subscriptions().get(&id).cloned()
            };
            let Some(standing) = standing.filter(|standing| standing.told < change) else { return Ok(()) };
            let told = Subscription { told: change, ..standing };
            inner.write(|folder| folder.write(Subscription::FOLDER, id, &told))?;
            inner.index.write().unwrap_or_else(PoisonError::into_inner).subscribe(id, told);
            Ok(())
        })
        .await
    }
}
