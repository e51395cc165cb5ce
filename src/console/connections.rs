//! Connections: how each system is and why, and letting one stand still; and the configuration that connects them.

use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use throughline_sdk::Timestamp;

use super::pieces::{Tone, badge, elapsed, empty, moment, span};
use super::words::words;
use super::{Entered, Layout, Place, Refusal, form_token};
use crate::api::systems::{self, Health, SystemLine};
use crate::api::{Api, Problem, reload};
use crate::identity::{Administer, Look, Operate, Principal, Right};
use crate::store::{Index, Reconfigured};

/// Why a system is paused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    reason: String,
}

pub(super) async fn list(State(api): State<Api>, entered: Entered<Look>) -> Result<Markup, Refusal> {
    let lines = systems::lines(&api).await?;
    let now = api.bridge.shared().clock.now();
    let body = html! {
        div.head {
            div {
                h1 { "Connections" }
                p.sub { "The systems that are connected, and how each of them is." }
            }
            div.actions {
                a.button href="/console/drift" { "Look for drift" }
                a.button href="/console/configuration" { "Configuration" }
            }
        }
        @if lines.is_empty() {
            section.card { (empty("No system is connected", "Name one in the configuration, and reload.")) }
        } @else {
            div.cards { @for line in &lines { (card(line, now)) } }
        }
    };
    Ok(Layout::new("Connections", Place::Connections, Some(entered.principal())).page(&body))
}

pub(super) async fn show(
    State(api): State<Api>,
    entered: Entered<Look>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Markup, Refusal> {
    let Path(name) = name.map_err(Problem::from)?;
    let line = systems::line(&api, &name).await?;
    let now = api.bridge.shared().clock.now();
    let body = html! {
        div.head {
            div {
                h1 { (line.name.as_str()) " " (health(line.health)) }
                p.sub { (line.title) " of " (words(&line.party)) }
            }
            div.actions { a.button href="/console/connections" { "All connections" } }
        }
        div.columns {
            div {
                @if let Some(notice) = notice(&line) { (notice) }
                section.card {
                    header { h2 { "How far we lag behind" } }
                    (lag(&line, now))
                }
                section.card {
                    header { h2 { "What is left of its rate" } }
                    (rate(&line))
                }
            }
            div {
                @if Operate::has(&entered.principal().role) {
                    section.card { (switch(&line, entered.principal())) }
                }
                section.card {
                    header { h2 { "Credentials" } }
                    (credentials(&line))
                }
                section.card {
                    header { h2 { "What it can do" } }
                    ul.plain { @for ability in &line.abilities { li { (ability) } } }
                }
            }
        }
    };
    Ok(Layout::new(line.name.as_str(), Place::Connections, Some(entered.principal())).page(&body))
}

pub(super) async fn pause(
    State(api): State<Api>,
    entered: Entered<Operate>,
    name: Result<Path<String>, PathRejection>,
    form: Result<Form<Why>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let Path(name) = name.map_err(Problem::from)?;
    let Form(why) = form.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
    systems::hold(&api, entered.principal(), &name, &why.reason).await?;
    Ok(back(&name))
}

pub(super) async fn resume(
    State(api): State<Api>,
    entered: Entered<Operate>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Redirect, Refusal> {
    let Path(name) = name.map_err(Problem::from)?;
    systems::release(&api, entered.principal(), &name).await?;
    Ok(back(&name))
}

pub(super) async fn configuration(State(api): State<Api>, entered: Entered<Look>) -> Result<Markup, Refusal> {
    configured(&api, entered.principal(), None).await
}

pub(super) async fn load_anew(
    State(api): State<Api>,
    entered: Entered<Administer>,
) -> Result<Response, Refusal> {
    match reload::reload(&api, entered.principal()).await {
        Ok(_) => Ok(Redirect::to("/console/configuration").into_response()),
        Err(problem) => {
            let page = configured(&api, entered.principal(), Some(problem.detail())).await?;
            Ok((problem.status(), page).into_response())
        }
    }
}

async fn configured(api: &Api, principal: &Principal, refused: Option<&str>) -> Result<Markup, Refusal> {
    let history = api.bridge.shared().journal.read(Index::reconfigured).await;
    let history = history.map_err(|error| Problem::internal(&error))?;
    let body = html! {
        div.head {
            div {
                h1 { "Configuration" }
                p.sub { "Loaded anew as a whole, or not at all; nothing that is under way is dropped." }
            }
            div.actions {
                a.button href="/console/connections" { "Connections" }
                @if Administer::has(&principal.role) {
                    form method="post" action="/console/configuration/reload" {
                        (form_token(principal))
                        button.primary type="submit" { "Load anew" }
                    }
                }
            }
        }
        @if let Some(refused) = refused {
            section.notice.bad role="alert" {
                h2 { "It was not loaded" }
                div.prose { pre tabindex="0" { (refused) } }
            }
        }
        section.card {
            header { h2 { "When it was loaded anew" } }
            @if history.is_empty() {
                (empty("Not since the first start", "Change a file, then have it loaded: here, by `throughline reload`, or by SIGHUP."))
            } @else {
                ol.story { @for one in history.iter().rev() { (loaded(one)) } }
            }
        }
    };
    Ok(Layout::new("Configuration", Place::Connections, Some(principal)).page(&body))
}

fn loaded(one: &Reconfigured) -> Markup {
    html! {
        li {
            p { (moment(one.at)) " by " strong { (words(&one.by)) } }
            @if one.differed.is_empty() { p.quiet { "No setting differed." } } @else {
                ul { @for words in &one.differed { li.mono { (words) } } }
            }
        }
    }
}

fn back(name: &str) -> Redirect {
    Redirect::to(&format!("/console/connections/{name}"))
}

fn card(line: &SystemLine, now: Timestamp) -> Markup {
    let more = if line.at_least { "at least " } else { "" };
    html! {
        article.card {
            header {
                h2 { a href=(format!("/console/connections/{}", line.name)) { (line.name.as_str()) } }
                (health(line.health))
            }
            p { (words(&line.words)) }
            @if let Some(error) = &line.error {
                p.quiet.small { "Last error " (moment(error.at)) ": " (words(&error.message)) }
            }
            dl.facts {
                dt { "Kind" } dd { (line.title) }
                dt { "Party" } dd { (words(&line.party)) }
                dt { "On their way" } dd { (more) (line.outstanding) @if let Some(since) = line.lag.oldest_outstanding {
                    ", the oldest for " (span(elapsed(since, now)))
                } }
                dt { "Parked" } dd {
                    @if line.parked == 0 { "0" } @else { a href="/console/parked" { (more) (line.parked) } }
                }
                dt { "Rate" } dd { (budget(line)) }
                @if line.credentials.soon {
                    dt { "Credentials" } dd { (expiry(line)) }
                }
            }
        }
    }
}

fn health(health: Health) -> Markup {
    let tone = match health {
        Health::Well => Tone::Good,
        Health::Failing | Health::Paused => Tone::Warn,
        Health::LeftAlone | Health::Refused => Tone::Bad,
        Health::Unasked => Tone::Quiet,
    };
    badge(tone, health.word())
}

fn notice(line: &SystemLine) -> Option<Markup> {
    let tone = match line.health {
        Health::Well | Health::Unasked => return None,
        Health::Failing | Health::Paused => Tone::Warn,
        Health::LeftAlone | Health::Refused => Tone::Bad,
    };
    Some(html! {
        section.notice.(tone.class()) {
            h2 { (words(&line.words)) }
            @if let Some(error) = &line.error {
                p { (moment(error.at)) ": " (words(&error.message)) }
                p { strong { "What to do: " } (error.advice) }
            }
        }
    })
}

fn lag(line: &SystemLine, now: Timestamp) -> Markup {
    let since = |at: Option<Timestamp>| match at {
        Some(at) => html! { (moment(at)) },
        None => html! { span.quiet { "not since the start" } },
    };
    html! {
        dl.facts {
            dt { "Oldest on its way" } dd {
                @match line.lag.oldest_outstanding {
                    Some(at) => { "for " (span(elapsed(at, now))) ", since " (moment(at)) },
                    None => { "nothing is on its way" },
                }
            }
            dt { "On their way" } dd { @if line.at_least { "at least " } (line.outstanding) }
            dt { "Parked" } dd { @if line.at_least { "at least " } a href="/console/parked" { (line.parked) } }
            dt { "Changes last read" } dd { (since(line.lag.polled)) ", every " (span(line.lag.poll_seconds)) }
            dt { "Changes last found" } dd { (since(line.lag.cursor_moved)) }
            dt { "Last webhook" } dd { (since(line.lag.webhook)) }
            dt { "Last answered well" } dd { (since(line.well)) }
        }
    }
}

fn budget(line: &SystemLine) -> Markup {
    let rate = &line.rate;
    html! {
        @match (rate.paused_until, rate.left) {
            (Some(until), _) => { "asked us to wait until " (moment(until)) },
            (None, Some(left)) => { (left) " of " (rate.burst) " at once" },
            (None, None) => { "no limit of ours" },
        }
    }
}

fn rate(line: &SystemLine) -> Markup {
    let rate = &line.rate;
    html! {
        dl.facts {
            dt { "Our limit" } dd {
                @match rate.per_second {
                    Some(per_second) => { (per_second) " a second, " (rate.burst) " at once" },
                    None => { "none; the system's own refusals are heeded" },
                }
            }
            dt { "Left now" } dd { (budget(line)) }
            dt { "In the last minute" } dd { (rate.last_minute) " requests" }
            dt { "Under way" } dd { (rate.under_way) " of " (rate.concurrency) }
            @if let Some(told) = rate.told {
                dt { "By its own count" } dd {
                    (told.remaining) @if let Some(limit) = told.limit { " of " (limit) } " left, " (moment(told.at))
                }
            }
        }
    }
}

fn credentials(line: &SystemLine) -> Markup {
    html! {
        dl.facts {
            dt { "Shown there" } dd { (line.credentials.how) }
            dt { "Good until" } dd { (expiry(line)) }
        }
        @if line.credentials.expire.is_none() {
            p.hint { "Set credentials_expire of this system to be warned a month before." }
        }
    }
}

fn expiry(line: &SystemLine) -> Markup {
    html! {
        @match line.credentials.expire {
            Some(day) => {
                (day) @if line.credentials.soon { " " (badge(Tone::Warn, "renew them")) }
            },
            None => { span.quiet { "not known" } },
        }
    }
}

fn switch(line: &SystemLine, principal: &Principal) -> Markup {
    let action = |verb: &str| format!("/console/connections/{}/{verb}", line.name);
    html! {
        @if let Some(paused) = &line.paused {
            header { h2 { "Paused" } }
            p { "Since " (moment(paused.since)) " by " (words(&paused.by)) ": " (words(&paused.reason)) }
            form method="post" action=(action("resume")) {
                (form_token(principal))
                p.actions { button.primary type="submit" { "Let it go on" } }
            }
        } @else {
            header { h2 { "Pause it" } }
            form.fields method="post" action=(action("pause")) {
                (form_token(principal))
                div.field {
                    label for="reason" { "Why" }
                    input #reason name="reason" required maxlength="200" autocomplete="off";
                    p.hint { "Nothing is read from it or sent to it until it goes on, also over a restart. Its webhooks are kept." }
                }
                div.actions { button type="submit" { "Pause" } }
            }
        }
    }
}
