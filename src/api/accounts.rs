//! Accounts, tokens and sessions, for admins; and who somebody is, for everybody.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::Api;
use super::access::May;
use super::answer::{Created, Done, Shown};
use super::ask::{Asked, Body, Named};
use super::cases::Paging;
use super::page::{self, Page};
use super::problem::Problem;
use crate::case::{PartyName, Way};
use crate::identity::{
    Account, Administer, Change, Error, NewAccount, NewToken, Principal, RightName, Role, Session, Token,
    Visit,
};

/// An account, as it is told.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct AccountLine {
    /// What the ledger names it by.
    pub account: String,
    /// What it is called.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its party, for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<PartyName>,
    /// Whether it may not enter.
    pub disabled: bool,
    /// Whether it enters by a password of this bridge.
    pub local: bool,
    /// When it was made.
    pub made: Timestamp,
    /// When it logged in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<Timestamp>,
}

/// A token, as it is told: never its secret.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TokenLine {
    /// What the ledger names it by.
    pub token: String,
    /// What it is called.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its party, for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<PartyName>,
    /// The rights that it is narrowed to; none: all of its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<Vec<RightName>>,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When it was used last, to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Timestamp>,
}

/// A token with its secret, once.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Issued {
    /// The token.
    #[serde(flatten)]
    pub line: TokenLine,
    /// The secret, which is never told again.
    pub secret: String,
}

/// A session, as it is told.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SessionLine {
    /// By what it is named.
    pub session: String,
    /// Whose it is.
    pub account: String,
    /// How it began.
    pub way: Way,
    /// When it began.
    pub began: Timestamp,
    /// When it was used last.
    pub seen: Timestamp,
}

/// Who somebody is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Me {
    /// What the ledger names them by.
    pub id: String,
    /// What they are called.
    pub name: String,
    /// Their role.
    pub role: String,
    /// Their party, for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<PartyName>,
    /// What they may.
    pub rights: Vec<RightName>,
}

/// A role with its party, as it is asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleAsked {
    pub(crate) role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) party: Option<PartyName>,
}

/// An account to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountAsked {
    pub(crate) name: String,
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) party: Option<PartyName>,
    /// The password.
    #[schemars(with = "String")]
    pub(crate) password: SecretString,
}

/// A password, as it is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordAsked {
    /// The password.
    #[schemars(with = "String")]
    pub(crate) password: SecretString,
}

/// A token to be made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenAsked {
    pub(crate) name: String,
    pub(crate) role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) party: Option<PartyName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rights: Option<Vec<RightName>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
}

/// Which account.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct AccountName {
    /// Its id or its name.
    account: String,
}

/// Which token.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct TokenName {
    /// Its id or its name.
    token: String,
}

/// Which session.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct SessionName {
    /// By what it is named.
    session: String,
}

impl AccountLine {
    pub(crate) fn of(account: &Account) -> Self {
        Self {
            account: account.id.0.clone(),
            name: account.name.clone(),
            role: account.role.word().to_owned(),
            party: account.role.party().cloned(),
            disabled: account.disabled,
            local: account.is_local(),
            made: account.made,
            entered: account.entered,
        }
    }
}

impl TokenLine {
    pub(crate) fn of(token: &Token) -> Self {
        Self {
            token: token.id.0.clone(),
            name: token.name.clone(),
            role: token.role.word().to_owned(),
            party: token.role.party().cloned(),
            rights: token.rights.clone(),
            made: token.made,
            until: token.until,
            used: token.used,
        }
    }
}

impl SessionLine {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            session: session.handle(),
            account: session.account.0.clone(),
            way: session.way,
            began: session.began,
            seen: session.seen,
        }
    }
}

impl Me {
    fn of(principal: &Principal) -> Self {
        let role = &principal.role;
        let narrowed =
            |right: &RightName| principal.rights.as_ref().is_none_or(|rights| rights.contains(right));
        Self {
            id: principal.id.0.clone(),
            name: principal.name.clone(),
            role: role.word().to_owned(),
            party: role.party().cloned(),
            rights: RightName::ALL.into_iter().filter(|right| right.is_of(role)).filter(narrowed).collect(),
        }
    }
}

impl AccountAsked {
    pub(crate) fn new_account(self) -> Result<NewAccount, Error> {
        let role = Role::of(&self.role, self.party).map_err(Error::Unfit)?;
        Ok(NewAccount { name: self.name, role, password: self.password })
    }
}

impl TokenAsked {
    pub(crate) fn new_token(self) -> Result<NewToken, Error> {
        let role = Role::of(&self.role, self.party).map_err(Error::Unfit)?;
        Ok(NewToken { name: self.name, role, rights: self.rights, until: self.until })
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Unfit(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Unknown { .. } | Error::None => StatusCode::NOT_FOUND,
            Error::Taken { .. } => StatusCode::CONFLICT,
            Error::Refused | Error::Provider(_) | Error::NoRole(_) => StatusCode::FORBIDDEN,
            Error::Unreachable(_) => StatusCode::BAD_GATEWAY,
            Error::Slowed(wait) => return Self::slowed(*wait),
            Error::Damaged { .. } | Error::Io { .. } | Error::Ledger(_) | Error::Broken(_) => {
                return Self::internal(&error);
            }
        };
        Self::new(status, error.to_string())
    }
}

pub(super) async fn me(State(_): State<Api>, may: May<Visit>) -> Result<Json<Me>, Problem> {
    std::future::ready(Ok(Json(Me::of(&may.principal)))).await
}

pub(super) async fn list(
    State(api): State<Api>,
    _: May<Administer>,
    query: Asked<Paging>,
) -> Result<Page<AccountLine>, Problem> {
    let accounts = api.identity.accounts();
    let lines = accounts.iter().map(AccountLine::of);
    std::future::ready(page::of_all(&query, query.asked.limit, query.asked.cursor.as_ref(), lines)).await
}

pub(super) async fn add(
    State(api): State<Api>,
    may: May<Administer>,
    Body(asked): Body<AccountAsked>,
) -> Result<Created<AccountLine>, Problem> {
    let account = api.identity.add(&may.principal.id, asked.new_account()?).await?;
    Ok(Created(AccountLine::of(&account)))
}

pub(super) async fn password(
    State(api): State<Api>,
    may: May<Administer>,
    Named(AccountName { account }): Named<AccountName>,
    Body(asked): Body<PasswordAsked>,
) -> Result<Json<AccountLine>, Problem> {
    changed(&api, &may, &account, Change::Password(asked.password)).await
}

pub(super) async fn role(
    State(api): State<Api>,
    may: May<Administer>,
    Named(AccountName { account }): Named<AccountName>,
    Body(asked): Body<RoleAsked>,
) -> Result<Json<AccountLine>, Problem> {
    let role = Role::of(&asked.role, asked.party).map_err(Error::Unfit)?;
    changed(&api, &may, &account, Change::Role(role)).await
}

pub(super) async fn disable(
    State(api): State<Api>,
    may: May<Administer>,
    Named(AccountName { account }): Named<AccountName>,
) -> Result<Json<AccountLine>, Problem> {
    changed(&api, &may, &account, Change::Disable).await
}

pub(super) async fn enable(
    State(api): State<Api>,
    may: May<Administer>,
    Named(AccountName { account }): Named<AccountName>,
) -> Result<Json<AccountLine>, Problem> {
    changed(&api, &may, &account, Change::Enable).await
}

pub(super) async fn remove(
    State(api): State<Api>,
    may: May<Administer>,
    Named(AccountName { account }): Named<AccountName>,
) -> Result<Json<AccountLine>, Problem> {
    changed(&api, &may, &account, Change::Remove).await
}

pub(super) async fn tokens(
    State(api): State<Api>,
    _: May<Administer>,
    query: Asked<Paging>,
) -> Result<Page<TokenLine>, Problem> {
    let tokens = api.identity.tokens();
    let lines = tokens.iter().map(TokenLine::of);
    std::future::ready(page::of_all(&query, query.asked.limit, query.asked.cursor.as_ref(), lines)).await
}

pub(super) async fn issue(
    State(api): State<Api>,
    may: May<Administer>,
    Body(asked): Body<TokenAsked>,
) -> Result<Shown<Issued>, Problem> {
    let (token, secret) = api.identity.issue(&may.principal.id, asked.new_token()?).await?;
    Ok(Shown(Issued { line: TokenLine::of(&token), secret: secret.show().to_owned() }))
}

pub(super) async fn revoke(
    State(api): State<Api>,
    may: May<Administer>,
    Named(TokenName { token }): Named<TokenName>,
) -> Result<Json<TokenLine>, Problem> {
    let token = api.identity.revoke(&may.principal.id, &token).await?;
    Ok(Json(TokenLine::of(&token)))
}

pub(super) async fn sessions(
    State(api): State<Api>,
    _: May<Administer>,
    query: Asked<Paging>,
) -> Result<Page<SessionLine>, Problem> {
    let sessions = api.identity.sessions();
    let lines = sessions.iter().map(SessionLine::of);
    std::future::ready(page::of_all(&query, query.asked.limit, query.asked.cursor.as_ref(), lines)).await
}

pub(super) async fn end_session(
    State(api): State<Api>,
    may: May<Administer>,
    Named(SessionName { session }): Named<SessionName>,
) -> Result<Done, Problem> {
    api.identity.end_session(&may.principal.id, &session).await?;
    Ok(Done)
}

async fn changed(
    api: &Api,
    may: &May<Administer>,
    name: &str,
    change: Change,
) -> Result<Json<AccountLine>, Problem> {
    let account = api.identity.change(&may.principal.id, name, change).await?;
    Ok(Json(AccountLine::of(&account)))
}
