//! What differs between tickets and their cases, looked for over many of them; and mending the ones that are chosen.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{RawForm, State};
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use throughline_sdk::SystemName;
use url::form_urlencoded;

use super::pieces::{Tone, badge, empty, moment};
use super::words::words;
use super::{Entered, Layout, Place, Refusal, form_token};
use crate::api::{Api, Problem, drift};
use crate::deliver::{Difference, Look as Looked, Scope};
use crate::identity::{Look, Operate, Principal, Right};

const PAGE: &str = "/console/drift";

/// The most differences on the page: the interface tells all.
const SHOWN: usize = 300;

/// What is to be looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    system: String,
    #[serde(default)]
    sample: String,
}

pub(super) async fn show(State(api): State<Api>, entered: Entered<Look>) -> Result<Markup, Refusal> {
    std::future::ready(()).await;
    let shared = api.bridge.shared();
    let last = shared.drift.last();
    let principal = entered.principal();
    let may = Operate::has(&principal.role);
    let goes_on = last.as_ref().is_some_and(|look| look.ended.is_none());
    let body = html! {
        div.head {
            div {
                h1 { "Drift" }
                p.sub { "What differs between tickets as they are now and what their cases say. Looking changes nothing." }
            }
            div.actions { a.button href="/console/connections" { "Connections" } }
        }
        @if may && !goes_on { section.card { (begin(shared.systems.keys(), principal)) } }
        @match &last {
            None => { section.card { (empty("Nobody has looked yet", "Begin with a sample: it is read after everything else that is to be done.")) } },
            Some(look) => {
                section.card { (progress(look, may, principal)) }
                section.card { (found(look, may, principal)) }
            },
        }
    };
    Ok(Layout::new("Drift", Place::Connections, Some(principal)).page(&body))
}

pub(super) async fn look(
    State(api): State<Api>,
    entered: Entered<Operate>,
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let Form(wanted) = form.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
    let system = Some(wanted.system).filter(|name| !name.is_empty()).map(SystemName::new);
    let sample = wanted.sample.parse().ok();
    drift::look(&api, entered.principal(), Scope { system, sample }).await?;
    Ok(Redirect::to(PAGE))
}

pub(super) async fn stop(State(api): State<Api>, entered: Entered<Operate>) -> Result<Redirect, Refusal> {
    std::future::ready(()).await;
    drift::end(&api, entered.principal());
    Ok(Redirect::to(PAGE))
}

pub(super) async fn repair(
    State(api): State<Api>,
    _: Entered<Operate>,
    RawForm(form): RawForm,
) -> Result<Redirect, Refusal> {
    let chosen = form_urlencoded::parse(&form).filter(|(key, _)| key == "case");
    let cases: Vec<String> = chosen.map(|(_, case)| case.into_owned()).collect();
    drift::mend(&api, &cases).await?;
    Ok(Redirect::to(PAGE))
}

fn begin<'s>(systems: impl Iterator<Item = &'s SystemName>, principal: &Principal) -> Markup {
    html! {
        form.filters method="post" action=(PAGE) {
            (form_token(principal))
            label { "System"
                select name="system" {
                    option value="" { "all of them" }
                    @for system in systems { option value=(system.as_str()) { (system.as_str()) } }
                }
            }
            label { "Cases"
                select name="sample" {
                    option value="20" { "20, spread evenly" }
                    option value="100" selected { "100, spread evenly" }
                    option value="1000" { "1000, spread evenly" }
                    option value="" { "all of them" }
                }
            }
            button.primary type="submit" { "Look" }
        }
    }
}

fn progress(look: &Looked, may: bool, principal: &Principal) -> Markup {
    html! {
        header {
            h2 { @if look.ended.is_some() { "The last look" } @else { "A look goes on" } }
            p { "begun " (moment(look.began)) " by " (words(&look.by)) }
        }
        p {
            (look.looked) " of " (look.total) " cases were looked at"
            @if let Some(system) = &look.scope.system { ", for " (system.as_str()) }
            "."
        }
        progress max=(look.total.max(1)) value=(look.looked) aria-label="Cases looked at" {}
        @if let Some(why) = &look.stopped { p { (badge(Tone::Warn, "ended early")) " " (words(why)) } }
        @if !look.unread.is_empty() {
            details.fold {
                summary { (look.unread.len()) " tickets could not be read" }
                ul.plain { @for unread in look.unread.iter().take(SHOWN) { li { (words(unread)) } } }
            }
        }
        @if look.ended.is_none() {
            div.actions {
                a.button href=(PAGE) { "See how far it is" }
                @if may {
                    form method="post" action="/console/drift/stop" {
                        (form_token(principal))
                        button type="submit" { "Stop it" }
                    }
                }
            }
        }
    }
}

fn found(look: &Looked, may: bool, principal: &Principal) -> Markup {
    let beyond = look.more + u64::try_from(look.differences.len().saturating_sub(SHOWN)).unwrap_or_default();
    html! {
        header { h2 { "What differs" } }
        @if look.differences.is_empty() {
            (empty("Nothing differs", if look.ended.is_some() { "Every ticket is as its case says." } else { "So far." }))
        } @else {
            form method="post" action="/console/drift/repair" {
                (form_token(principal))
                div.scroll tabindex="0" role="region" aria-label="Differences" { table.data.stack {
                    thead { tr {
                        @if may { th scope="col" { span.visually-hidden { "Mend" } } }
                        th scope="col" { "Case" } th scope="col" { "Ticket" } th scope="col" { "Item" }
                        th scope="col" { "The case says" } th scope="col" { "Stands there" }
                        th scope="col" { "The bridge" }
                    } }
                    tbody { @for one in look.differences.iter().take(SHOWN) { (row(one, may)) } }
                } }
                @if beyond > 0 { p.hint { "And " (beyond) " more: look at one system or fewer cases at a time." } }
                @if may {
                    p.hint { "Mending reads the tickets of the chosen cases once more, and does in their lanes what the last column says, if it is still so." }
                    div.actions { button.primary type="submit" { "Mend the chosen cases" } }
                }
            }
        }
    }
}

fn row(one: &Difference, may: bool) -> Markup {
    html! {
        tr {
            @if may {
                td { input type="checkbox" name="case" value=(one.case) aria-label=(format!("Mend {}", one.case)); }
            }
            td.nowrap { a href=(format!("/console/cases/{}", one.case)) { (one.case) } }
            td data-label="Ticket" { (one.system.as_str()) @if let Some(key) = &one.key { " " (words(key)) } }
            th scope="row" { (words(&one.item)) }
            td data-label="The case says" { (cut(&one.here)) }
            td data-label="Stands there" { (cut(&one.there)) }
            td data-label="The bridge" { (words(&one.does)) }
        }
    }
}

/// A text no longer than a cell of a table.
pub(super) fn cut(text: &str) -> Markup {
    const LONGEST: usize = 160;
    let short: String = text.chars().take(LONGEST).collect();
    html! {
        @if text.is_empty() { span.quiet { "nothing" } }
        @else { (words(&short)) @if short.len() < text.len() { "…" } }
    }
}
