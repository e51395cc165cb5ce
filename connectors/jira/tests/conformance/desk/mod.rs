//! A Jira simulated from Atlassian's documentation, as hostile as that allows: its search lags behind and compares
//! dates to the minute, its lists come in small pages, its workflow takes several steps and asks for fields, it refuses
//! documents it does not know, answers strangers with 404, and forgets a comment's restriction that is not sent again.
//!
//! It shares no types with the connector: everything is raw JSON, written from the documentation of
//! [Cloud](https://developer.atlassian.com/cloud/jira/platform/rest/v3/),
//! [Data Center](https://developer.atlassian.com/server/jira/platform/rest/) and
//! [Service Management](https://developer.atlassian.com/cloud/jira/service-desk/rest/).

mod adf;
mod comments;
mod issues;
mod portal;
mod rest;
mod search;
mod state;
mod steps;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use throughline_sdk::{Clock, Timestamp};

pub(crate) use adf::check as check_document;
pub(crate) use state::{Actor, Closing, Comment, State, flat};

pub(crate) const EMAIL: &str = "bridge@jira.test";
pub(crate) const TOKEN: &str = "jira-token-51c9e0";
pub(crate) const PROJECT: &str = "SUP";

/// Which Jira it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plays {
    /// Jira Cloud with Service Management.
    CloudWithPortal,
    /// Jira Cloud without.
    Cloud,
    /// Jira Data Center without Service Management.
    DataCenter,
    /// Jira Data Center with it.
    DataCenterWithPortal,
}

impl Plays {
    pub(crate) fn cloud(self) -> bool {
        matches!(self, Self::Cloud | Self::CloudWithPortal)
    }

    pub(crate) fn portal(self) -> bool {
        matches!(self, Self::CloudWithPortal | Self::DataCenterWithPortal)
    }
}

/// The desk; clones are the same one.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) plays: Plays,
    pub(crate) lag: Duration,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

impl Desk {
    pub(crate) fn new(plays: Plays, lag: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { plays, lag, clock, state: Arc::default() }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(rest::answer).with_state(self.clone())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The state, to look at or to act on as a person would.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.now = self.clock.now();
        state
    }
}

/// The id of the status with this name.
pub(crate) fn status_id(name: &str) -> &'static str {
    state::STATUSES.iter().find(|status| status.1 == name).unwrap().0
}

/// The name of the status with this id.
pub(crate) fn status_name(id: &str) -> &'static str {
    state::STATUSES.iter().find(|status| status.0 == id).unwrap().1
}
