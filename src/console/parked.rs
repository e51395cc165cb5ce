//! What waits for a person: why, what was to be sent and what stands there, and what can be done about it.

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use throughline_sdk::SystemName;
use url::form_urlencoded;

use super::pieces::{Tone, badge, empty, moment};
use super::words::{outward, words};
use super::{Entered, Layout, Place, Refusal, form_token};
use crate::api::parked::{self, Discarded, Edit, Named, ParkedItem, Rewritten, What};
use crate::api::view::{self, ParkedLine, ParkedPlace};
use crate::api::{Api, Cursor, Problem};
use crate::identity::{Look, Operate, Principal, Right};

/// Items on one page.
const PAGE: usize = 200;

/// Where a page begins.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    cursor: Option<Cursor>,
}

/// A form about one item.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    case: String,
    system: SystemName,
    item: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    text: String,
}

pub(super) async fn list(
    State(api): State<Api>,
    entered: Entered<Look>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Markup, Refusal> {
    let Query(Asked { cursor }) = asked.map_err(Problem::from)?;
    let after: Option<ParkedPlace> = cursor.as_ref().map(Cursor::place).transpose()?;
    let read =
        api.bridge.shared().journal.read(move |index| view::parked(index, after.as_ref(), PAGE + 1)).await;
    let mut lines = read.map_err(|error| Problem::internal(&error))?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let last = lines.last().and_then(ParkedLine::place).filter(|_| more);
    let next = last.map(|place| Cursor::to(&place)).transpose().map_err(|error| Problem::internal(&error))?;
    let body = html! {
        div.head { div {
            h1 { "Parked" }
            p.sub { "What could not be sent and waits for a person. Everything else of these cases goes on." }
        } }
        section.card aria-label="Parked items" {
            @if lines.is_empty() && cursor.is_some() {
                (empty("Nothing more is parked", "What stood here was sent or given up meanwhile."))
            } @else if lines.is_empty() {
                (empty("Nothing is parked", "What a system refuses for good, or nobody can tell whether it arrived, is listed here."))
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Parked items" { table.data.stack {
                    thead { tr {
                        th scope="col" { "Case" } th scope="col" { "Item" } th scope="col" { "For" }
                        th scope="col" { "Why" } th scope="col" { "Since" }
                    } }
                    tbody { @for line in &lines { (row(line)) } }
                } }
            }
        }
        nav.pager aria-label="Pages" {
            @if cursor.is_some() { a.button href="/console/parked" { "First page" } } @else { span {} }
            @if let Some(Cursor(next)) = &next { a.button href=(format!("/console/parked?cursor={next}")) { "Next page" } }
        }
    };
    Ok(Layout::new("Parked", Place::Parked, Some(entered.principal())).page(&body))
}

pub(super) async fn show(
    State(api): State<Api>,
    entered: Entered<Look>,
    name: Result<Query<Named>, QueryRejection>,
) -> Result<Markup, Refusal> {
    let Query(name) = name.map_err(Problem::from)?;
    let item = parked::item(&api, &name).await?;
    let principal = entered.principal();
    let body = html! {
        div.head {
            div {
                h1 { (what(&item.item)) " for " (item.system.as_str()) }
                p.sub {
                    a href=(format!("/console/cases/{}", item.case)) { (item.case) }
                    (words(&item.title))
                    @if let Some(key) = &item.key { (outward(item.url.as_deref(), &words(key))) }
                }
            }
            div.actions { a.button href="/console/parked" { "All that is parked" } }
        }
        div.columns {
            div {
                section.notice.warn {
                    h2 { (words(&item.reason)) }
                    p { (item.kind) ", since " (moment(item.since)) }
                    @if item.held { p { "It waits to be let through: trying it again sends it as it is." } }
                    @if item.doubtful { p { "Nobody knows whether the last attempt arrived: look there first." } }
                    @if item.discarded { p { "A person gave it up." } }
                }
                section.card {
                    header { h2 { "What was to be sent, and what stands there" } }
                    dl.facts {
                        @for part in &item.sent {
                            dt { "To be sent: " (words(&part.what)) } dd.prose { (words(&part.text)) }
                        }
                        @match &item.there {
                            Some(there) => {
                                dt { "Stands there" }
                                dd.prose {
                                    @if there.text.is_empty() { span.quiet { "nothing" } } @else { (words(&there.text)) }
                                    " " span.quiet.small { "read " (moment(there.read)) }
                                }
                            },
                            None => { dt { "Stands there" } dd { span.quiet { "not known" } } },
                        }
                    }
                }
            }
            @if Operate::has(&principal.role) && !item.discarded { div { (deeds(&item, principal)) } }
        }
    };
    Ok(Layout::new("Parked", Place::Parked, Some(principal)).page(&body))
}

pub(super) async fn retry(
    State(api): State<Api>,
    entered: Entered<Operate>,
    form: Result<Form<About>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let About { case, system, item, .. } = read(form)?;
    let name = Discarded { case, system, item, reason: String::new() };
    parked::unpark(&api, entered.principal(), name, What::Retry).await?;
    Ok(Redirect::to("/console/parked"))
}

pub(super) async fn discard(
    State(api): State<Api>,
    entered: Entered<Operate>,
    form: Result<Form<About>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let About { case, system, item, reason, .. } = read(form)?;
    if reason.trim().is_empty() {
        let detail = "say why it is given up: whoever reads the record wants to know";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).into());
    }
    parked::unpark(&api, entered.principal(), Discarded { case, system, item, reason }, What::Discard)
        .await?;
    Ok(Redirect::to("/console/parked"))
}

pub(super) async fn edit(
    State(api): State<Api>,
    entered: Entered<Operate>,
    form: Result<Form<About>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let About { case, system, item, text, .. } = read(form)?;
    parked::rewrite(&api, entered.principal(), Rewritten { case, system, item, text }).await?;
    Ok(Redirect::to("/console/parked"))
}

fn read<T>(form: Result<Form<T>, FormRejection>) -> Result<T, Problem> {
    form.map(|Form(form)| form).map_err(|refused| Problem::new(refused.status(), refused.body_text()))
}

fn row(line: &ParkedLine) -> Markup {
    let conflict = line.kind == "Conflict";
    html! {
        tr {
            td.nowrap { a href=(format!("/console/cases/{}", line.case)) { (line.case) } }
            th scope="row" {
                @if conflict { (what(&line.item)) " " (badge(Tone::Bad, "conflict")) }
                @else { a href=(address(line)) { (what(&line.item)) } }
            }
            td data-label="For" { (line.system.as_str()) }
            td data-label="Why" { (words(&line.reason)) }
            td data-label="Since" { (moment(line.since)) }
        }
    }
}

/// The page of one item.
fn address(line: &ParkedLine) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("case", &line.case);
    query.append_pair("system", line.system.as_str());
    query.append_pair("item", &line.item);
    format!("/console/parked/item?{}", query.finish())
}

/// An item for readers.
fn what(item: &str) -> Markup {
    let sort = item.split(':').next().unwrap_or_default();
    match sort {
        "comment" | "file" | "link" | "notice" | "recall" | "leak" if item.contains(':') => {
            html! { (sort) " " code.key { (item.split_once(':').map_or(item, |(_, id)| id)) } }
        }
        _ => html! { (item) },
    }
}

fn deeds(item: &ParkedItem, principal: &Principal) -> Markup {
    let named = |of: &str| {
        html! {
            (form_token(principal))
            input type="hidden" name="case" value=(item.case);
            input type="hidden" name="system" value=(item.system.as_str());
            input type="hidden" name="item" value=(of);
        }
    };
    html! {
        section.card {
            header { h2 { "Try it again" } }
            form method="post" action="/console/parked/retry" {
                (named(&item.item))
                p.hint { "As it is. Mend the cause first, or it comes back here." }
                p.actions { button.primary type="submit" { "Try again" } }
            }
        }
        @for edit in &item.edits {
            section.card {
                header { h2 { "Send something else: " (what(&edit.item)) } }
                form.fields method="post" action="/console/parked/edit" {
                    (named(&edit.item))
                    (input(edit))
                    div.actions { button type="submit" { "Send this instead" } }
                }
            }
        }
        section.card {
            header { h2 { "Give it up" } }
            form.fields method="post" action="/console/parked/discard" {
                (named(&item.item))
                div.field {
                    label for="why" { "Why" }
                    input #why name="reason" required maxlength="500" autocomplete="off";
                    p.hint { "It is not tried again until its value changes. The reason stands in the record." }
                }
                div.actions { button.danger type="submit" { "Give it up" } }
            }
        }
    }
}

fn input(edit: &Edit) -> Markup {
    let id = format!("text-{}", edit.item.replace(|sign: char| !sign.is_ascii_alphanumeric(), "-"));
    html! {
        div.field {
            label for=(id) { "Instead" }
            @if !edit.choices.is_empty() {
                select id=(id) name="text" {
                    @for choice in &edit.choices {
                        option value=(choice.word) selected[choice.word == edit.text] {
                            (choice.word) ", shown there as " (choice.shown)
                        }
                    }
                }
            } @else {
                textarea id=(id) name="text" rows="6" { (edit.text) }
            }
            p.hint { "This once, for this value. The agreement is applied to it as to anything else." }
        }
    }
}
