//! Who came in, who was not let in, and what changed about who may, for auditors.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::Api;
use super::access::May;
use super::ask::Asked;
use super::cases::{Paging, read};
use super::page::{Cursor, Page};
use super::problem::Problem;
use crate::case::{PartyName, Way, Who};
use crate::identity::{Audit, Identity};
use crate::ledger::Position;
use crate::store::Entered;

/// Something happened at the door.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EnteredLine {
    /// When.
    pub(crate) at: Timestamp,
    /// What: `logged_in`, `refused` or `logged_out`; of accounts `added`, `role_changed`, `password_changed`, `disabled`,
    /// `enabled` or `removed`; of tokens `issued` or `revoked`.
    pub(crate) what: String,
    /// The id of the account or token; none where somebody was refused who has no account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) who: Option<String>,
    /// What it is called, as long as anybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The id of whoever did it, if not they themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// What that one is called, as long as anybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by_name: Option<String>,
    /// How it was tried to log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) way: Option<Way>,
    /// The role that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    /// The party of a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) party: Option<PartyName>,
    /// When a token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
    /// Where it was recorded.
    pub(crate) record: u64,
}

impl EnteredLine {
    pub(crate) fn of(entered: &Entered, identity: &Identity) -> Self {
        let happened = entered.door.happened();
        let named = |who: Option<&Who>| who.and_then(|who| identity.name_of(who));
        let id = |who: Option<&Who>| who.map(|who| who.0.clone());
        Self {
            at: entered.at,
            what: happened.what.to_owned(),
            who: id(happened.who),
            name: named(happened.who),
            by: id(happened.by),
            by_name: named(happened.by),
            way: happened.way,
            role: happened.role.map(str::to_owned),
            party: happened.party.cloned(),
            until: happened.until,
            record: entered.position.0,
        }
    }
}

/// The latest first.
pub(super) async fn list(
    State(api): State<Api>,
    _: May<Audit>,
    query: Asked<Paging>,
) -> Result<Page<EnteredLine>, Problem> {
    let before: Option<u64> = query.asked.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = query.asked.limit;
    let entered = read(&api, move |index| index.entered(before.map(Position), limit.items() + 1)).await?;
    let lines = entered.iter().map(|entered| EnteredLine::of(entered, &api.identity)).collect();
    query.cut(lines, limit, |line| line.record)
}
