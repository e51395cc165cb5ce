//! Agreements as documents, their versions, and the workbench: a real ticket on both sides of one, and what each rule
//! does with it.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::drift::cut;
use super::pieces::{Cast, Tone, badge, empty};
use super::words::{prose, words};
use super::{Entered, Layout, Place, Refusal, form_token};
use crate::agreement::{Agreement, Format, render};
use crate::api::workbench::{Asked, Workbench, workbench};
use crate::api::{Api, Problem};
use crate::case::AgreementName;
use crate::daemon::Shared;
use crate::identity::{Look, Operate, Principal, Right};
use crate::rehearse::{Bench, Does, Row};
use crate::store::{Agreed, Index};

/// Which ticket lies on the workbench.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    #[serde(default)]
    ticket: String,
}

/// A ticket with a draft beside it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drafted {
    #[serde(default)]
    ticket: String,
    #[serde(default)]
    draft: String,
}

pub(super) async fn list(State(api): State<Api>, entered: Entered<Look>) -> Result<Markup, Refusal> {
    let shared = api.bridge.shared();
    let agreed = shared.journal.read(Index::agreed).await.map_err(|error| Problem::internal(&error))?;
    let cast = Cast::of(&shared.rules);
    let may = Operate::has(&entered.principal().role);
    let body = html! {
        div.head { div {
            h1 { "Agreements" }
            p.sub { "What is carried between home and each counterpart. Whatever is not named in one stays where it is." }
        } }
        section.card aria-label="Agreements in force" {
            @if shared.rules.agreements.is_empty() {
                (empty("No agreement is in force", "Write one in the configuration, check it, and reload."))
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Agreements" { table.data.stack {
                    thead { tr {
                        th scope="col" { "Agreement" } th scope="col" { "With" } th scope="col" { "Between" }
                        th scope="col" { "Version" } th scope="col" { "Earlier ones" } th scope="col" { "" }
                    } }
                    tbody { @for agreement in shared.rules.agreements.values() {
                        (row(agreement, &agreed, &cast, may))
                    } }
                } }
            }
        }
    };
    Ok(Layout::new("Agreements", Place::Agreements, Some(entered.principal())).page(&body))
}

fn row(agreement: &Agreement, agreed: &[Agreed], cast: &Cast, may: bool) -> Markup {
    let version = agreement.version.as_ref().map(|version| version.0.as_str());
    let earlier = agreed.iter().filter(|one| one.agreement == agreement.name);
    let earlier = earlier.filter(|one| Some(one.version.0.as_str()) != version).count();
    html! {
        tr {
            th scope="row" { a href=(format!("/console/agreements/{}", agreement.name)) { (words(&agreement.name.0)) } }
            td data-label="With" { (cast.party(&agreement.party).chip()) }
            td data-label="Between" { (agreement.home.as_str()) " and " (agreement.counterpart.as_str()) }
            td data-label="Version" { code.key { (version.unwrap_or("none")) } }
            td data-label="Earlier ones" { (earlier) }
            td { @if may {
                a.button.small href=(format!("/console/agreements/{}/workbench", agreement.name)) { "Workbench" }
            } }
        }
    }
}

pub(super) async fn show(
    State(api): State<Api>,
    entered: Entered<Look>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Markup, Refusal> {
    let Path(name) = name.map_err(Problem::from)?;
    let shared = api.bridge.shared();
    let agreement = known(shared, &name)?;
    let agreed = shared.journal.read(Index::agreed).await.map_err(|error| Problem::internal(&error))?;
    let document = shared.rules.terms(&agreement.name).map(|terms| render(&terms, Format::Markdown));
    let versions: Vec<&Agreed> = agreed.iter().rev().filter(|one| one.agreement == agreement.name).collect();
    let body = html! {
        div.head {
            div {
                h1 { "Agreement " (words(&name)) }
                p.sub { (agreement.home.as_str()) " and " (agreement.counterpart.as_str()) }
            }
            div.actions {
                a.button href="/console/agreements" { "All agreements" }
                @if Operate::has(&entered.principal().role) {
                    a.button.primary href=(format!("/console/agreements/{name}/workbench")) { "Workbench" }
                }
            }
        }
        div.columns {
            article.card { div.prose { (prose(document.as_deref().unwrap_or_default())) } }
            section.card {
                header { h2 { "Versions" } }
                ol.story { @for (at, one) in versions.iter().enumerate() {
                    li {
                        code.key { (one.version.0) }
                        @if at == 0 { " " (badge(Tone::Good, "newest")) }
                    }
                } }
                p.hint { "`throughline agreement diff` tells in words what two of them differ in." }
            }
        }
    };
    Ok(Layout::new(&format!("Agreement {name}"), Place::Agreements, Some(entered.principal())).page(&body))
}

pub(super) async fn bench(
    State(api): State<Api>,
    entered: Entered<Operate>,
    name: Result<Path<String>, PathRejection>,
    query: Result<Query<Ticket>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Path(agreement) = name.map_err(Problem::from)?;
    let Query(Ticket { ticket }) = query.map_err(Problem::from)?;
    let asked = Asked { agreement, ticket: ticket.trim().to_owned(), draft: None };
    on_bench(&api, entered.principal(), &asked).await
}

pub(super) async fn try_draft(
    State(api): State<Api>,
    entered: Entered<Operate>,
    name: Result<Path<String>, PathRejection>,
    form: Result<Form<Drafted>, FormRejection>,
) -> Result<Response, Refusal> {
    let Path(agreement) = name.map_err(Problem::from)?;
    let Form(Drafted { ticket, draft }) =
        form.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
    let asked = Asked { agreement, ticket: ticket.trim().to_owned(), draft: Some(draft) };
    on_bench(&api, entered.principal(), &asked).await
}

async fn on_bench(api: &Api, principal: &Principal, asked: &Asked) -> Result<Response, Refusal> {
    let shared = api.bridge.shared();
    let agreement = known(shared, &asked.agreement)?;
    let told = match asked.ticket.is_empty() {
        true => None,
        false => Some(workbench(api, asked).await),
    };
    let status = match &told {
        Some(Err(problem)) => problem.status(),
        _ => StatusCode::OK,
    };
    let name = &asked.agreement;
    let body = html! {
        div.head {
            div {
                h1 { "Workbench: " (words(name)) }
                p.sub { "A real ticket, and what each rule does with it. Only reading; nothing is recorded or sent." }
            }
            div.actions { a.button href=(format!("/console/agreements/{name}")) { "The agreement" } }
        }
        section.card { (forms(agreement, asked, principal)) }
        @match &told {
            None => {
                section.card { (empty("No ticket lies here yet", "Name one of either system, by its number or id.")) }
            },
            Some(Err(problem)) => {
                section.notice.bad role="alert" {
                    h2 { "It cannot be shown" }
                    div.prose { pre tabindex="0" { (problem.detail()) } }
                }
            },
            Some(Ok(bench)) => { (shown(bench)) },
        }
    };
    let title = format!("Workbench {name}");
    Ok((status, Layout::new(&title, Place::Agreements, Some(principal)).page(&body)).into_response())
}

fn known<'s>(shared: &'s Shared, name: &str) -> Result<&'s Agreement, Problem> {
    shared.rules.agreements.get(&AgreementName(name.to_owned())).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, format!("no agreement in force is called {name:?}"))
    })
}

fn forms(agreement: &Agreement, asked: &Asked, principal: &Principal) -> Markup {
    let address = format!("/console/agreements/{}/workbench", agreement.name);
    let example = format!("{}:4711", agreement.home);
    html! {
        form.fields method="post" action=(address) {
            (form_token(principal))
            div.field {
                label for="ticket" { "Ticket" }
                input #ticket name="ticket" value=(asked.ticket) placeholder=(example) required autocomplete="off"
                    spellcheck="false";
                p.hint { "SYSTEM:NUMBER, of " (agreement.home.as_str()) " or " (agreement.counterpart.as_str()) "." }
            }
            details.fold open[asked.draft.as_deref().is_some_and(|draft| !draft.trim().is_empty())] {
                summary { "Try a draft beside it" }
                div.field {
                    label for="draft" { "The agreement's file, as TOML" }
                    textarea #draft.mono name="draft" rows="14" spellcheck="false" { (asked.draft.as_deref().unwrap_or_default()) }
                    p.hint { "With its table [agreements." (agreement.name.0) "]. It is checked as a file would be, and tried; what is in force stays." }
                }
            }
            div.actions { button.primary type="submit" { "Show" } }
        }
    }
}

fn shown(bench: &Workbench) -> Markup {
    html! {
        section.card {
            header {
                h2 { (words(&bench.title)) }
                p {
                    (words(&bench.ticket)) " to " (bench.to.as_str())
                    @if let Some(case) = &bench.case { ", " a href=(format!("/console/cases/{case}")) { (case) } }
                    @if let Some(other) = &bench.other { ", there " (words(other)) }
                }
            }
            dl.facts {
                dt { "In force" } dd { (routing(&bench.in_force)) }
                @if let Some(draft) = &bench.draft { dt { "By the draft" } dd { (routing(draft)) } }
            }
        }
        section.card {
            header { h2 { "What each rule does" } }
            (table(bench))
        }
        @if !bench.in_force.required.is_empty() || bench.draft.as_ref().is_some_and(|draft| !draft.required.is_empty()) {
            section.card {
                header { h2 { "What the other side has to be given" } }
                (required("In force", &bench.in_force))
                @if let Some(draft) = &bench.draft { (required("By the draft", draft)) }
            }
        }
    }
}

fn routing(bench: &Bench) -> Markup {
    let (tone, word) = match bench.routing.holds {
        Some(true) => (Tone::Good, "true"),
        Some(false) => (Tone::Quiet, "false"),
        None => (Tone::Warn, "not to be told"),
    };
    html! {
        @if let Some(condition) = &bench.routing.condition { code.key { (condition) } " is " (badge(tone, word)) ": " }
        (words(&bench.routing.words))
    }
}

fn table(bench: &Workbench) -> Markup {
    let drafted: BTreeMap<&str, &Row> = match &bench.draft {
        Some(draft) => draft.rows.iter().map(|row| (row.what.as_str(), row)).collect(),
        None => BTreeMap::new(),
    };
    let known: Vec<&str> = bench.in_force.rows.iter().map(|row| row.what.as_str()).collect();
    let new = drafted.values().filter(|row| !known.contains(&row.what.as_str()));
    html! {
        div.scroll tabindex="0" role="region" aria-label="What each rule does" { table.data.stack {
            thead { tr {
                th scope="col" { "What" } th scope="col" { "Stands here" } th scope="col" { "Means" }
                th scope="col" { "Is shown there" } th scope="col" { "Stands there" } th scope="col" { "By which rule" }
                @if bench.draft.is_some() { th scope="col" { "By the draft" } }
            } }
            tbody {
                @for row in &bench.in_force.rows {
                    (line(row, bench.draft.is_some().then(|| drafted.get(row.what.as_str()).copied())))
                }
                @for row in new { (line(&Row { does: Does::Stays, becomes: None, rule: String::new(), ..(*row).clone() }, Some(Some(row)))) }
            }
        } }
    }
}

/// One row; `draft`: what the draft does, if there is one, and if it knows of it.
fn line(row: &Row, draft: Option<Option<&Row>>) -> Markup {
    html! {
        tr {
            th scope="row" { (words(&row.what)) }
            td data-label="Stands here" { (cut(&row.here)) }
            td data-label="Means" { @if let Some(means) = &row.means { (cut(means)) } @else { span.quiet { "—" } } }
            td data-label="Is shown there" { (outcome(row)) }
            td data-label="Stands there" { @if let Some(there) = &row.there { (cut(there)) } @else { span.quiet { "—" } } }
            td data-label="By which rule" { (words(&row.rule)) }
            @if let Some(draft) = draft {
                td data-label="By the draft" {
                    @match draft {
                        Some(draft) if draft.does == row.does && draft.becomes == row.becomes => {
                            span.quiet { "the same" }
                        },
                        Some(draft) => { (badge(Tone::Info, "differs")) " " (outcome(draft)) " " span.quiet.small { (words(&draft.rule)) } },
                        None => { (badge(Tone::Info, "differs")) " it is not shared" },
                    }
                }
            }
        }
    }
}

fn outcome(row: &Row) -> Markup {
    match (row.does, &row.becomes) {
        (Does::Goes, Some(becomes)) => cut(becomes),
        (Does::Goes, None) => html! { span.quiet { "nothing" } },
        (Does::Parks, _) => badge(Tone::Bad, "waits for a person"),
        (Does::Stays, _) => badge(Tone::Quiet, "stays"),
    }
}

fn required(title: &str, bench: &Bench) -> Markup {
    html! {
        h3 { (title) }
        ul.plain { @for one in &bench.required {
            li {
                @if one.met { (badge(Tone::Good, "met")) } @else { (badge(Tone::Bad, "lacking")) }
                " " (words(&one.message)) " " code.key { (one.condition) }
            }
        } }
    }
}
