//! How the pages of a list follow one another.

use http::Method;
use http::header::LINK;
use serde::{Deserialize, Serialize};
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result};

use crate::expression::{Expression, Scope, Value};
use crate::manifest::Pages;
use crate::request::{Answer, Api, Body, Line, MAX_ANSWER_BYTES, Outgoing, Purpose};

/// More pages than this are not a list that somebody reads, but one without an end.
const MAX_PAGES: usize = 100;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Position {
    One,
    Number(u64),
    Offset(u64),
    Limit(u64),
    Cursor(Option<String>),
    Link(Option<String>),
}

impl Pages {
    /// The first page.
    pub(crate) fn first(&self) -> Position {
        match self {
            Self::One => Position::One,
            Self::Number { first, .. } => Position::Number(*first),
            Self::Offset { .. } => Position::Offset(0),
            Self::Limit { size, .. } => Position::Limit(*size),
            Self::Cursor { .. } => Position::Cursor(None),
            Self::NextLink { .. } | Self::LinkHeader {} => Position::Link(None),
        }
    }

    /// The scope with the names of a page.
    pub(crate) fn names(&self, scope: Scope, position: &Position) -> Scope {
        let scope = match self {
            Self::Number { size, .. } | Self::Offset { size, .. } => scope.with("size", *size),
            Self::One
            | Self::Limit { .. }
            | Self::Cursor { .. }
            | Self::NextLink { .. }
            | Self::LinkHeader {} => scope,
        };
        match position {
            Position::Number(page) => scope.with("page", *page),
            Position::Offset(offset) => scope.with("offset", *offset),
            Position::Limit(size) => scope.with("size", *size),
            Position::Cursor(Some(cursor)) => scope.with("cursor", cursor.as_str()),
            Position::One | Position::Cursor(None) | Position::Link(_) => scope,
        }
    }

    /// The page after one that had `rows` rows; `None` after the last.
    pub(crate) fn next(
        &self,
        api: Api<'_>,
        position: &Position,
        answer: &Answer,
        rows: usize,
    ) -> Result<Option<Position>> {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        let follows = |more: &Option<Expression>, size: u64| match more {
            Some(more) => more.holds(&answer.scope).map_err(|failed| answer.unreadable(api, &failed)),
            None => Ok(rows >= size),
        };
        Ok(match (self, position) {
            (Self::Number { size, more, .. }, Position::Number(page)) => {
                follows(more, *size)?.then(|| Position::Number(page.saturating_add(1)))
            }
            (Self::Offset { size, more }, Position::Offset(offset)) => {
                follows(more, *size)?.then(|| Position::Offset(offset.saturating_add(rows.max(1))))
            }
            (Self::Limit { most, .. }, Position::Limit(size)) if rows >= *size && size < most => {
                Some(Position::Limit(size.saturating_mul(2).min(*most)))
            }
            (Self::Limit { .. }, Position::Limit(size)) if rows >= *size => {
                return Err(answer.malformed(format!(
                    "the list has more than the {size} rows that the desk gives at most"
                )));
            }
            (Self::Cursor { next }, Position::Cursor(now)) => answer
                .text(api, next)?
                .filter(|next| Some(next) != now.as_ref())
                .map(|next| Position::Cursor(Some(next))),
            (Self::NextLink { next }, Position::Link(now)) => answer
                .text(api, next)?
                .filter(|next| Some(next) != now.as_ref())
                .map(|next| Position::Link(Some(next))),
            (Self::LinkHeader {}, Position::Link(now)) => next_of(&answer.response)
                .filter(|next| Some(next) != now.as_ref())
                .map(|next| Position::Link(Some(next))),
            _ => None,
        })
    }
}

/// Reads one page.
pub(crate) async fn page(
    api: Api<'_>,
    (line, body): (&Line, Option<&Expression>),
    pages: &Pages,
    position: &Position,
    scope: &Scope,
) -> Result<Answer> {
    if let Position::Link(Some(link)) = position {
        // Strangers write it: the plane lets it lead nowhere but to the desk.
        let url = api.desk.config.url.join(link).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the next page's address is none: {error}"))
        })?;
        let outgoing = Outgoing {
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: Body::Empty,
            purpose: Purpose::Reading,
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        return api.exchange(outgoing).await;
    }
    api.read(line, body, &pages.names(scope.clone(), position)).await
}

/// Reads a whole list: each row with the answer it stood in.
///
/// # Errors
///
/// [`ErrorKind::Malformed`] where it has no end.
pub(crate) async fn all(
    api: Api<'_>,
    request: (&Line, Option<&Expression>),
    pages: &Pages,
    list: &Expression,
    scope: &Scope,
) -> Result<Vec<(Scope, Value)>> {
    let mut position = pages.first();
    let mut all = Vec::new();
    for _ in 0..MAX_PAGES {
        let answer = page(api, request, pages, &position, scope).await?;
        // What the caller knows, and on top of it what this answer says.
        let seen = scope.clone().and(&answer.scope);
        let rows = list.list(&seen).map_err(|failed| answer.unreadable(api, &failed))?;
        let next = pages.next(api, &position, &answer, rows.len())?;
        if matches!(position, Position::Limit(_)) {
            // Asked for more, the desk begins from the start.
            all.clear();
        }
        all.extend(rows.into_iter().map(|row| (seen.clone(), row)));
        match next {
            Some(next) => position = next,
            None => return Ok(all),
        }
    }
    Err(Error::new(ErrorKind::Malformed, format!("the list has more than {MAX_PAGES} pages")))
}

/// The address with `rel="next"` in the field `Link` (RFC 8288 §3).
fn next_of(response: &Response) -> Option<String> {
    let fields = response.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    fields
        .flat_map(links)
        .find(|(_, relations)| relations.iter().any(|one| one == "next"))
        .map(|(target, _)| target)
}

/// The targets of one field, each with its relations. An address may hold commas and semicolons.
fn links(field: &str) -> Vec<(String, Vec<String>)> {
    let mut links = Vec::new();
    let mut rest = field;
    while let Some((_, from)) = rest.split_once('<') {
        let Some((target, after)) = from.split_once('>') else { break };
        let end = after.find(",").filter(|at| !quoted(after.get(..*at).unwrap_or_default()));
        let end = end.or_else(|| after.find("<").and_then(|at| after.get(..at)?.rfind(',')));
        let (parameters, next) = after.split_at(end.unwrap_or(after.len()));
        let relations = parameters.split(';').filter_map(|one| {
            let (name, value) = one.trim().split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("rel")
                .then(|| value.trim().trim_matches(['"', ' ']).to_ascii_lowercase())
        });
        let relations = relations.flat_map(|value| value.split(' ').map(str::to_owned).collect::<Vec<_>>());
        links.push((target.to_owned(), relations.collect()));
        rest = next;
    }
    links
}

/// Whether a text ends inside of quotes.
fn quoted(text: &str) -> bool {
    text.matches('"').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (field, next) in [
            (r#"<https://d.example/t?page=2>; rel="next""#, Some("https://d.example/t?page=2")),
            (r#"<https://d.example/t?page=1>; rel="prev", </t?page=3>; rel=next"#, Some("/t?page=3")),
            (r#"</t?a=1,2;b>; title="x, y"; rel="first", </t?c=3,4>; rel="last next""#, Some("/t?c=3,4")),
            (r#"</t?page=1>; rel="prev""#, None),
            ("", None),
            ("<broken", None),
        ] {
            let links = links(field);
            let found = links.iter().find(|(_, relations)| relations.iter().any(|one| one == "next"));
            assert_eq!(found.map(|(target, _)| target.as_str()), next, "{field}");
        }
    }
}
