//! The thread of a case as a conversation: what was said where, who is shown it, and what stays where it is.

use std::collections::BTreeMap;

use maud::{Markup, html};
use throughline_sdk::{SystemName, Timestamp};

use crate::agreement::counted;
use crate::api::explain::{Explanation, ItemLine};
use crate::case::{Attachment, Case, Fact, Field, Item, Origin, PartyName, Remark};
use crate::console::pieces::{Cast, Tone, badge, empty, moment, named_by};
use crate::console::words::{prose, words};
use crate::ledger::Record;
use crate::plan::Outcome;

/// Posts on a page; more are shown on request.
const SHOWN: usize = 200;

/// Something that was said, or of which only that is known.
struct Post<'c> {
    id: String,
    at: Timestamp,
    system: SystemName,
    what: What<'c>,
}

enum What<'c> {
    Remark(&'c Origin, &'c Remark),
    File(&'c Origin, &'c Attachment),
    /// It stays where it was written: its place there, and by which rule.
    Kept(&'c str, &'c str),
}

/// The texts of comments as they are recorded: the document keeps them no longer than it must.
fn texts(records: &[Record]) -> BTreeMap<Origin, &str> {
    let mut texts: BTreeMap<Origin, &str> = BTreeMap::new();
    for fact in records.iter().flat_map(|record| &record.facts) {
        if let Fact::Remarked { origin, body, .. } = fact {
            texts.insert(origin.clone(), body);
        }
        if let Fact::Claimed(claim) = fact {
            texts = texts.into_iter().map(|(origin, body)| (claim.comment_origin(&origin), body)).collect();
        }
    }
    texts
}

/// The conversation, oldest first.
pub(super) fn talk(
    case: &Case,
    records: &[Record],
    explanation: &Explanation,
    cast: &Cast,
    everything: bool,
) -> Markup {
    let texts = texts(records);
    let mut posts: Vec<Post<'_>> = Vec::new();
    for (origin, remark) in &case.document.remarks {
        let what = What::Remark(origin, remark);
        let id = named_by(&["comment", origin.system.as_str(), &origin.id]);
        posts.push(Post { id, at: remark.written, system: origin.system.clone(), what });
    }
    for (origin, file) in &case.document.attachments {
        let id = named_by(&["file", origin.system.as_str(), &origin.id]);
        posts.push(Post {
            id,
            at: file.written,
            system: origin.system.clone(),
            what: What::File(origin, file),
        });
    }
    for record in records {
        for fact in &record.facts {
            if let Fact::Withheld { leg, what, rule } = fact
                && (what.starts_with("comment:") || what.starts_with("file:"))
            {
                let id = named_by(&["kept", leg.as_str(), what, &record.seq.to_string()]);
                posts.push(Post { id, at: record.at, system: leg.clone(), what: What::Kept(what, rule) });
            }
        }
    }
    posts.sort_by_key(|post| post.at);
    let shares = Shares::of(explanation);
    let left_out = if everything { 0 } else { posts.len().saturating_sub(SHOWN) };
    html! {
        section.card #talk aria-labelledby="talk-title" {
            header {
                h2 #talk-title { "Conversation" }
                p { (posts.len()) " posts" }
            }
            @if let Some(description) = case.document.fields.get(&Field::Description).filter(|it| !it.value.is_empty()) {
                (framed(cast, "description", &description.from, &html! {
                    header { (who(cast, &description.from, None)) (moment(description.at)) (badge(Tone::Quiet, "description")) }
                    (prose(&description.value))
                }))
            }
            @if left_out > 0 {
                p.older #older { a href="?all=1#talk" { "Show the " (left_out) " older posts" } }
            }
            @if posts.is_empty() && !case.document.fields.contains_key(&Field::Description) {
                (empty("Nothing was said yet", "Comments and files of all parties appear here in the order in which they were written."))
            }
            @for post in posts.iter().skip(left_out) {
                (framed(cast, &post.id, &post.system, &shown(post, &texts, &shares, case, cast)))
            }
        }
    }
}

fn framed(cast: &Cast, id: &str, system: &SystemName, inner: &Markup) -> Markup {
    let class = cast.of_system(system).map_or_else(|| "party-7".to_owned(), |member| member.class());
    html! { article.post.(class) id=(id) { (inner) } }
}

fn who(cast: &Cast, system: &SystemName, author: Option<&str>) -> Markup {
    let member = cast.of_system(system);
    html! {
        @if let Some(member) = &member { (member.sign()) }
        @if let Some(author) = author { strong { (words(author)) } }
        span.quiet { @if let Some(member) = &member { (words(&member.title)) } @else { (words(system.as_str())) } }
    }
}

fn shown(
    post: &Post<'_>,
    texts: &BTreeMap<Origin, &str>,
    shares: &Shares<'_>,
    case: &Case,
    cast: &Cast,
) -> Markup {
    match &post.what {
        What::Remark(origin, remark) => {
            let text = texts.get(*origin).copied().or(remark.body.as_deref());
            html! {
                header {
                    (who(cast, &post.system, Some(&remark.author))) (moment(remark.written))
                    @if remark.internal { (badge(Tone::Warn, "internal")) }
                    @if remark.version > 1 { (badge(Tone::Quiet, "edited")) }
                    @if remark.withdrawn { (badge(Tone::Quiet, "withdrawn")) }
                }
                @match text {
                    Some(text) if remark.withdrawn => details.fold { summary { "It was deleted, or is not public any more" } (prose(text)) },
                    Some(text) => (prose(text)),
                    None => p.quiet { "Its text is not kept." },
                }
                (shares.of_item(&Item::Remark((*origin).clone()), cast))
            }
        }
        What::File(origin, file) => html! {
            header {
                (who(cast, &post.system, Some(&file.author))) (moment(file.written))
                @if file.internal { (badge(Tone::Warn, "internal")) }
                @if file.withdrawn { (badge(Tone::Quiet, "withdrawn")) }
            }
            p.file {
                @match &file.digest {
                    Some(digest) if !file.withdrawn => {
                        a href=(format!("/console/cases/{}/files/{digest}", case.id)) download { (words(&file.name)) }
                    }
                    Some(_) | None => (words(&file.name)),
                }
                " " span.quiet { (bytes(file.size)) @if file.digest.is_none() { ", its bytes were not needed yet" } }
            }
            (shares.of_item(&Item::Attachment((*origin).clone()), cast))
        },
        What::Kept(what, rule) => html! {
            header { (who(cast, &post.system, None)) (moment(post.at)) (badge(Tone::Quiet, "stays there")) }
            p.quiet { (kept(what)) ": " (rule) ". Its words are not recorded here; read it in the desk." }
        },
    }
}

/// What stays where it is, in words.
fn kept(what: &str) -> String {
    match what.split_once(':') {
        Some(("comment", id)) => format!("Comment {id}"),
        Some(("file", id)) => format!("File {id}"),
        _ => what.to_owned(),
    }
}

/// A size for readers.
pub(in crate::console) fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{} kB", size / 1_000),
        _ => format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10),
    }
}

/// What became of each item for each party.
struct Shares<'e>(BTreeMap<&'e str, Vec<(&'e str, &'e ItemLine)>>);

impl<'e> Shares<'e> {
    fn of(explanation: &'e Explanation) -> Self {
        let mut items: BTreeMap<&str, Vec<(&str, &ItemLine)>> = BTreeMap::new();
        for party in &explanation.parties {
            for line in &party.items {
                items.entry(&line.item).or_default().push((&party.party, line));
            }
        }
        Self(items)
    }

    fn of_item(&self, item: &Item, cast: &Cast) -> Markup {
        let name = item.to_string();
        let lines = self.0.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        html! {
            @if !lines.is_empty() {
                footer {
                    @for (party, line) in lines {
                        @let member = cast.party(&PartyName((*party).to_owned()));
                        @let (sign, tone, told) = outcome(line);
                        span.share.(tone.class()) title=(format!("{}: {told}", member.title)) {
                            span aria-hidden="true" { (sign) " " } (member.title)
                            @if !matches!(line.outcome, Outcome::Passed) { ": " (told) }
                        }
                    }
                }
            }
        }
    }
}

/// What became of an item: a sign, how that is, and in words.
pub(super) fn outcome(line: &ItemLine) -> (&'static str, Tone, String) {
    match &line.outcome {
        Outcome::Passed => ("✓", Tone::Good, "there as it is".to_owned()),
        Outcome::Mapped { to, .. } => ("✓", Tone::Good, format!("there as “{to}”")),
        Outcome::Masked { classes, to } => {
            let to = to.as_ref().map(|to| format!(", as “{to}”")).unwrap_or_default();
            ("◐", Tone::Info, format!("there, redacted: {}{to}", counted(classes)))
        }
        Outcome::Due { .. } => ("→", Tone::Info, "is sent next".to_owned()),
        Outcome::Waiting { reason } => ("…", Tone::Warn, format!("waits: {reason}")),
        Outcome::Withheld => ("⊘", Tone::Quiet, format!("withheld: {}", line.rule)),
        Outcome::Parked { reason, .. } => ("!", Tone::Bad, format!("waits for a person: {reason}")),
        Outcome::NotShared => ("⊘", Tone::Quiet, format!("not shared: {}", line.rule)),
    }
}
