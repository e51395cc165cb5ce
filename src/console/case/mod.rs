//! The case page: a picture of who did what when, the conversation, the tickets, and why anything stands as it does.

mod front;
mod lanes;
mod live;
mod picture;
mod story;
mod talk;
#[cfg(test)]
mod tests;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use throughline_sdk::{Digest, SystemName, Timestamp};

pub(super) use live::{live, stream};
pub(super) use talk::bytes;

use self::lanes::Lanes;
use super::files::download;
use super::pieces::{Cast, empty};
use super::request;
use super::words::words;
use super::{Entered, Layout, Place, Refusal};
use crate::api::explain::Explanation;
use crate::api::view::{self, Trace};
use crate::api::{Api, Problem};
use crate::case::{Case, Role};
use crate::daemon::Shared;
use crate::identity::{Audit, Look};
use crate::ledger::Record;
use crate::plan::{Known, Seen, Verdict};

/// How a case is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    /// As this party sees it.
    #[serde(rename = "as")]
    party: Option<String>,
    /// All posts and records, however many.
    all: Option<u8>,
}

pub(super) async fn page(
    State(api): State<Api>,
    entered: Entered<Look>,
    name: Result<Path<String>, PathRejection>,
    shown: Result<Query<Shown>, QueryRejection>,
) -> Result<Markup, Refusal> {
    let Path(name) = name.map_err(Problem::from)?;
    let Query(shown) = shown.map_err(Problem::from)?;
    let shared = api.bridge.shared();
    let (case, records) = read(shared, &name).await?;
    entered.may.looks(&api, crate::case::Seen::Case, Some(case.id)).await?;
    let verdicts = shared.verdict(&case);
    let names = shared.vault.names();
    let known = Known { rules: &shared.rules, names: &names };
    let (now, audits) = (shared.clock.now(), entered.principal().may::<Audit>());
    let mut whole = Whole { case: &case, records: &records, known, now, verdicts, audits };
    let body = whole.page(&shown)?;
    let title = format!("{} {}", case.id, view::CaseLine::of(&case).title);
    Ok(Layout::new(&title, Place::Cases, Some(entered.principal())).page(&body))
}

/// A file of the case, as it came or as somebody was sent it.
pub(super) async fn file(
    State(api): State<Api>,
    entered: Entered<Look>,
    place: Result<Path<(String, String)>, PathRejection>,
) -> Result<axum::response::Response, Refusal> {
    let Path((name, digest)) = place.map_err(Problem::from)?;
    let shared = api.bridge.shared();
    let case = find(shared, &name).await?;
    let own =
        case.document.attachments.values().filter_map(|file| Some((file.digest.clone()?, file.name.clone())));
    let copies = case.legs.values().flat_map(|leg| &leg.prepared).filter_map(|(origin, prepared)| {
        let name = case.document.attachments.get(origin)?.name.clone();
        Some((prepared.copy.as_ref()?.digest.clone(), name))
    });
    let found: Option<(Digest, String)> = own.chain(copies).find(|(known, _)| known.as_str() == digest);
    let Some((digest, name)) = found else { return Err(gone("no file of this case has this digest")) };
    entered.may.looks(&api, crate::case::Seen::File, Some(case.id)).await?;
    download(shared, &digest, &name).await
}

pub(super) fn gone(what: &str) -> Refusal {
    Refusal::Problem(StatusCode::NOT_FOUND, what.to_owned())
}

pub(super) async fn find(shared: &Shared, name: &str) -> Result<Case, Refusal> {
    let wanted = name.to_owned();
    let found = shared.journal.read(move |index| view::find(index, &wanted)).await;
    let found = found.map_err(|error| Problem::internal(&error))?;
    found.ok_or_else(|| gone(&format!("no case has the id or ticket {name}")))
}

pub(super) async fn read(shared: &Shared, name: &str) -> Result<(Case, Vec<Record>), Refusal> {
    let case = find(shared, name).await?;
    let records = shared.journal.timeline(&case).await.map_err(|error| Problem::internal(&error))?;
    Ok((case, records))
}

/// Everything a page is made of.
pub(super) struct Whole<'a> {
    pub(super) case: &'a Case,
    pub(super) records: &'a [Record],
    pub(super) known: Known<'a>,
    pub(super) now: Timestamp,
    pub(super) verdicts: Vec<Verdict>,
    /// Whether whoever looks may take evidence along.
    pub(super) audits: bool,
}

/// What the records tell, fact by fact.
pub(super) fn told(records: &[Record]) -> impl Iterator<Item = (Timestamp, &crate::case::Fact)> {
    records.iter().flat_map(|record| record.facts.iter().map(|fact| (record.at, fact)))
}

impl Whole<'_> {
    /// The page without what surrounds it.
    pub(super) fn page(&mut self, shown: &Shown) -> Result<Markup, Refusal> {
        let cast = Cast::of(self.known.rules);
        let explanation =
            Explanation::of(self.case, self.known.rules, std::mem::take(&mut self.verdicts), self.records);
        let line = &explanation.case;
        let main = match &shown.party {
            None => self.ours(&explanation, &cast, shown.all.is_some()),
            Some(party) => self.theirs(party, shown)?,
        };
        let refresh = format!("/console/cases/{}{}", self.case.id, query(shown));
        let evidence = self.evidence(None);
        Ok(html! {
            div #live data-live=(format!("/console/cases/{}/live", self.case.id)) {
                @if shown.party.is_none() { (front::head(line, &cast, self.now, evidence.as_deref())) }
                div.bar #bar {
                    nav.tabs aria-label="As seen by" {
                        @if shown.party.is_some() { code.key { (line.case) } }
                        span.quiet.small { "As seen by" }
                        a href=(format!("/console/cases/{}", self.case.id)) aria-current=[shown.party.is_none().then_some("page")] { "us, all of it" }
                        @for leg in self.case.legs.values().filter(|leg| leg.role == Role::Counterpart) {
                            @let own = shown.party.as_deref() == Some(leg.party.0.as_str());
                            a href=(format!("?as={}", encoded(&leg.party.0))) aria-current=[own.then_some("page")] { (words(&cast.party(&leg.party).title)) }
                        }
                    }
                    p.live-note { span #note role="status" {} " " a.button.plain.small href=(refresh) { "Reload" } }
                }
                (main)
            }
        })
    }

    fn ours(&self, explanation: &Explanation, cast: &Cast, everything: bool) -> Markup {
        let line = &explanation.case;
        let trace = Trace::of(self.case, self.records);
        let first = story::first_shown(&trace, everything);
        let link = |seq: u64| if seq < first { format!("?all=1#e{seq}") } else { format!("#e{seq}") };
        let lanes = Lanes::of(self.case, self.records, self.now);
        let live: Vec<(SystemName, Option<Seen>)> =
            self.case.legs.keys().map(|leg| (leg.clone(), self.seen(leg))).collect();
        html! {
            (front::attention(self.case, cast))
            section.card #picture aria-labelledby="picture-title" {
                header { h2 #picture-title { "Who did what when" } p { a.skip-to href="#talk" { "Skip the picture" } } }
                @if lanes.spots.is_empty() {
                    (empty("Nothing is recorded any more", "The content of this case was erased."))
                } @else {
                    (picture::picture(&lanes, cast, self.now, &link))
                }
            }
            div.columns {
                div { (talk::talk(self.case, self.records, explanation, cast, everything)) }
                aside aria-label="About the case" {
                    (front::tickets(line, &live, cast, self.now))
                    (front::clocks(self.case, line, cast, self.now))
                    (front::shares(explanation, cast))
                }
            }
            (story::story(&trace, cast, everything))
        }
    }

    /// The very page of that party's guests.
    fn theirs(&self, party: &str, shown: &Shown) -> Result<Markup, Refusal> {
        let legs: Vec<&SystemName> = self
            .case
            .legs
            .iter()
            .filter(|(_, leg)| leg.role == Role::Counterpart && leg.party.0 == party)
            .map(|(name, _)| name)
            .collect();
        if legs.is_empty() {
            return Err(gone(&format!("no party {party:?} takes part in {}", self.case.id)));
        }
        let own = html! { (cast_title(self.known, party)) };
        let base = format!("/console/cases/{}", self.case.id);
        let everything = query(&Shown { party: Some(party.to_owned()), all: Some(1) });
        let whole = shown.all.is_none().then_some(everything.as_str());
        Ok(html! {
            div.notice.info {
                p { "This is what " (own) " sees of the request, and all that its guests are shown here." }
                @if let Some(address) = self.evidence(Some(party)) {
                    p.actions { a.button.small href=(address) { "Evidence for " (own) } }
                }
            }
            @for leg in legs {
                @match self.seen(leg) {
                    Some(seen) => {
                        @let title = request::title_of(self.known.rules, leg);
                        (request::shown(&seen, request::Frame { title: &title, base: &base, whole, now: self.now }))
                    }
                    None => section.card { (empty("Nothing yet", "Its ticket was not created yet: nothing was sent there.")) },
                }
            }
        })
    }

    /// Where the evidence is, all of it or for one party, for whoever may take it.
    fn evidence(&self, party: Option<&str>) -> Option<String> {
        let whose = party.map(|party| format!("?for={}", encoded(party))).unwrap_or_default();
        self.audits.then(|| format!("/console/cases/{}/evidence{whose}", self.case.id))
    }

    fn seen(&self, leg: &SystemName) -> Option<Seen> {
        Seen::of(self.case, leg, told(self.records), self.known)
    }
}

fn cast_title(known: Known<'_>, party: &str) -> Markup {
    let title = known.rules.systems.values().find(|system| system.party.0 == party);
    words(title.map_or(party, |system| system.party_title.as_str()))
}

fn query(shown: &Shown) -> String {
    match (&shown.party, shown.all) {
        (Some(party), all) => format!("?as={}{}", encoded(party), if all.is_some() { "&all=1" } else { "" }),
        (None, Some(_)) => "?all=1".to_owned(),
        (None, None) => String::new(),
    }
}

pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
