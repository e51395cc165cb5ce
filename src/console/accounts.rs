//! The page of accounts, tokens and sessions.

use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use secrecy::SecretString;
use serde::Deserialize;
use throughline_sdk::Timestamp;

use super::pieces::{moment, table};
use super::{Entered, Layout, Place, Refusal, form_token};
use crate::api::accounts::{AccountAsked, RoleAsked, TokenAsked};
use crate::api::{Api, Problem};
use crate::case::PartyName;
use crate::config;
use crate::identity::{Account, Administer, Change, Error, Principal, Role, Secret, Token};

const PAGE: &str = "/console/accounts";

/// A form for a new account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountForm {
    name: String,
    role: String,
    #[serde(default)]
    party: String,
    password: SecretString,
}

/// A form for a new token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenForm {
    name: String,
    role: String,
    #[serde(default)]
    party: String,
    #[serde(default)]
    expires: String,
}

/// A form for a change; what is not asked for stays empty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeForm {
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    role: String,
    #[serde(default)]
    party: String,
}

pub(super) async fn page(State(api): State<Api>, entered: Entered<Administer>) -> Markup {
    std::future::ready(whole(&api, entered.principal(), &Notice::None)).await
}

pub(super) async fn add(
    State(api): State<Api>,
    entered: Entered<Administer>,
    form: Result<Form<AccountForm>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(form) = read(form)?;
    let asked =
        AccountAsked { name: form.name, role: form.role, party: party(&form.party), password: form.password };
    let done = match asked.new_account() {
        Ok(new) => api.identity.add(&entered.principal().id, new).await.map(drop),
        Err(error) => Err(error),
    };
    told(&api, &entered, done)
}

pub(super) async fn change(
    State(api): State<Api>,
    entered: Entered<Administer>,
    path: Result<Path<(String, String)>, PathRejection>,
    form: Result<Form<ChangeForm>, FormRejection>,
) -> Result<Response, Refusal> {
    let Path((account, verb)) = path.map_err(Problem::from)?;
    let Form(form) = read(form)?;
    let change = match verb.as_str() {
        "password" => Change::Password(form.password),
        "role" => {
            let asked = RoleAsked { role: form.role, party: party(&form.party) };
            match Role::of(&asked.role, asked.party) {
                Ok(role) => Change::Role(role),
                Err(why) => return told(&api, &entered, Err(Error::Unfit(why))),
            }
        }
        "disable" => Change::Disable,
        "enable" => Change::Enable,
        "remove" => Change::Remove,
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address").into()),
    };
    let done = api.identity.change(&entered.principal().id, &account, change).await.map(drop);
    told(&api, &entered, done)
}

pub(super) async fn issue(
    State(api): State<Api>,
    entered: Entered<Administer>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(form) = read(form)?;
    let until = match expiry(&api, &form.expires) {
        Ok(until) => until,
        Err(error) => return told(&api, &entered, Err(error)),
    };
    let asked =
        TokenAsked { name: form.name, role: form.role, party: party(&form.party), rights: None, until };
    let issued = match asked.new_token() {
        Ok(new) => api.identity.issue(&entered.principal().id, new).await,
        Err(error) => Err(error),
    };
    match issued {
        // Shown in the answer itself, which nothing keeps: no address ever shows it again.
        Ok((token, secret)) => {
            Ok(whole(&api, entered.principal(), &Notice::Issued(&token, &secret)).into_response())
        }
        Err(error) => told(&api, &entered, Err(error)),
    }
}

pub(super) async fn revoke(
    State(api): State<Api>,
    entered: Entered<Administer>,
    token: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let token = token.map_err(Problem::from)?;
    let done = api.identity.revoke(&entered.principal().id, &token).await.map(drop);
    told(&api, &entered, done)
}

pub(super) async fn end_session(
    State(api): State<Api>,
    entered: Entered<Administer>,
    session: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let session = session.map_err(Problem::from)?;
    let done = api.identity.end_session(&entered.principal().id, &session).await;
    told(&api, &entered, done)
}

/// What the page says at its top.
#[derive(Debug)]
enum Notice<'a> {
    None,
    Refused(&'a str),
    Issued(&'a Token, &'a Secret),
}

fn told(api: &Api, entered: &Entered<Administer>, done: Result<(), Error>) -> Result<Response, Refusal> {
    let error = match done {
        Ok(()) => return Ok(Redirect::to(PAGE).into_response()),
        Err(error) => error,
    };
    let problem = Problem::from(error);
    if problem.status().is_server_error() {
        return Err(problem.into());
    }
    let page = whole(api, entered.principal(), &Notice::Refused(problem.detail()));
    Ok((problem.status(), page).into_response())
}

fn read<T>(form: Result<Form<T>, FormRejection>) -> Result<Form<T>, Problem> {
    form.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))
}

fn party(text: &str) -> Option<PartyName> {
    let text = text.trim().to_owned();
    (!text.is_empty()).then_some(PartyName(text))
}

fn expiry(api: &Api, text: &str) -> Result<Option<Timestamp>, Error> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let unfit = || Error::Unfit(format!("{text:?} is no length of time such as 90d or 12h"));
    let span = config::duration(text.trim()).map_err(|_why| unfit())?;
    let span = chrono::TimeDelta::from_std(span).map_err(|_too_long| unfit())?;
    api.bridge.shared().clock.now().checked_add_signed(span).map(Some).ok_or_else(unfit)
}

fn whole(api: &Api, principal: &Principal, notice: &Notice<'_>) -> Markup {
    let accounts = api.identity.accounts();
    let content = html! {
        div.head { div { h1 { "Accounts" } p.sub { "Who may enter, by which token programs do, and who is logged in." } } }
        @match notice {
            Notice::None => {}
            Notice::Refused(why) => p.error role="alert" { "Not done: " (why) "." },
            Notice::Issued(token, secret) => section.notice role="status" {
                h2 { "The token " (token.name) }
                p { "Copy it now: it is shown this once, and kept nowhere but as a hash." }
                pre { code { (secret.show()) } }
            },
        }
        (accounts_section(&accounts, principal))
        (tokens_section(api, principal))
        (sessions_section(api, &accounts, principal))
    };
    Layout::new("Accounts", Place::Accounts, Some(principal)).page(&content)
}

fn accounts_section(accounts: &[Account], principal: &Principal) -> Markup {
    html! {
        section.card aria-labelledby="people" {
            header { h2 #people { "People" } }
            (table("People", &["Name", "Role", "Enters by", "Logged in last", "Change"], &html! {
                @for account in accounts {
                    tr {
                        th scope="row" { (account.name) @if account.disabled { " (disabled)" } }
                        td data-label="Role" { (account.role) }
                        td data-label="Enters by" { @if account.is_local() { "password" } @else { "the organization's login" } }
                        td data-label="Logged in last" { (moment_or_never(account.entered)) }
                        td {
                            @let verb = if account.disabled { "enable" } else { "disable" };
                            (button(principal, "accounts", &account.id.0, verb, &account.name))
                            (button(principal, "accounts", &account.id.0, "remove", &account.name))
                        }
                    }
                }
            }))
            details.fold {
                summary { "Add a person" }
                form.fields method="post" action=(PAGE) {
                    (form_token(principal))
                    div.field {
                        label for="name" { "Name" }
                        input #name name="name" required autocomplete="off";
                    }
                    (role_fields("account"))
                    div.field {
                        label for="password" { "Password, 15 characters or more" }
                        input #password name="password" type="password" required minlength="15"
                            autocomplete="new-password";
                    }
                    div { button.primary type="submit" { "Add" } }
                }
            }
        }
    }
}

fn tokens_section(api: &Api, principal: &Principal) -> Markup {
    let now = api.bridge.shared().clock.now();
    html! {
        section.card aria-labelledby="tokens" {
            header { h2 #tokens { "Tokens of programs" } }
            (table("Tokens of programs", &["Name", "Role", "Ends", "Used last", "Change"], &html! {
                @for token in api.identity.tokens() {
                    tr {
                        th scope="row" { (token.name) @if token.has_ended(now) { " (ended)" } }
                        td data-label="Role" {
                            (token.role)
                            @for right in token.rights.iter().flatten() { " · " (right) " only" }
                        }
                        td data-label="Ends" { (moment_or_never(token.until)) }
                        td data-label="Used last" { (moment_or_never(token.used)) }
                        td { (button(principal, "tokens", &token.id.0, "revoke", &token.name)) }
                    }
                }
            }))
            details.fold {
                summary { "Make a token" }
                form.fields method="post" action="/console/tokens" {
                    (form_token(principal))
                    div.field {
                        label for="token-name" { "Name" }
                        input #token-name name="name" required autocomplete="off";
                    }
                    (role_fields("token"))
                    div.field {
                        label for="expires" { "Ends after, such as 90d; empty: when it is revoked" }
                        input #expires name="expires" value="90d" autocomplete="off";
                    }
                    div { button.primary type="submit" { "Make" } }
                }
            }
        }
    }
}

fn sessions_section(api: &Api, accounts: &[Account], principal: &Principal) -> Markup {
    html! {
        section.card aria-labelledby="sessions" {
            header { h2 #sessions { "Who is logged in" } }
            (table("Who is logged in", &["Name", "Since", "Used last", "Change"], &html! {
                @for session in api.identity.sessions() {
                    @let account = accounts.iter().find(|account| account.id == session.account);
                    @let name = account.map_or(session.account.0.as_str(), |account| account.name.as_str());
                    tr {
                        th scope="row" { (name) }
                        td data-label="Since" { (moment(session.began)) }
                        td data-label="Used last" { (moment(session.seen)) }
                        td { (button(principal, "sessions", &session.handle(), "end", name)) }
                    }
                }
            }))
        }
    }
}

fn role_fields(of: &str) -> Markup {
    let (role, party) = (format!("{of}-role"), format!("{of}-party"));
    html! {
        div.field {
            label for=(role) { "Role" }
            select id=(role) name="role" {
                @for word in ["agent", "auditor", "admin", "guest"] { option value=(word) { (word) } }
            }
        }
        div.field {
            label for=(party) { "Party, for a guest" }
            input id=(party) name="party" autocomplete="off";
        }
    }
}

/// A button that does one thing to one of them, and says so to whoever does not see the row.
fn button(principal: &Principal, what: &str, id: &str, verb: &str, name: &str) -> Markup {
    html! {
        form.inline method="post" action=(format!("/console/{what}/{id}/{verb}")) {
            (form_token(principal))
            button type="submit" aria-label=(format!("{verb} {name}")) { (verb) }
        }
    }
}

fn moment_or_never(at: Option<Timestamp>) -> Markup {
    html! { @match at { Some(at) => (moment(at)), None => "never" } }
}
