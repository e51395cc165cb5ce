//! A ticket as the manifest finds it in the desk's answers.

use std::collections::BTreeMap;

use throughline_sdk::{
    Comment, CommentId, Error, ErrorKind, File, FileId, Lost, Marker, Person, Reference, RemoteId, Result,
    Ticket, Timestamp, Version, Visibility, ticket::canonical_text,
};

use crate::expression::{Expression, Scope, Unevaluated, Value, is_list, plain_text};
use crate::manifest::{Comments, Files, Pages, VisibilityRule};
use crate::pagination;
use crate::request::{Api, Line};
use crate::text::Dialect;
use crate::words;

/// How often a ticket may have been merged into another, one after the other.
const MAX_MERGES: usize = 4;
/// Who is named where the desk names nobody.
const NOBODY: &str = "Unknown";
/// After so many members of a list others get their turn.
const TURN: usize = 32;

/// A ticket as read, with what later requests need of it.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) ticket: Ticket,
    /// The ticket as the desk gave it.
    pub(crate) raw: Value,
    /// What each file's expressions see, in the order of `ticket.files`.
    pub(crate) files: Vec<Scope>,
}

/// Reads a ticket whole, or the one it was merged into.
pub(crate) async fn ticket(api: Api<'_>, id: &RemoteId) -> Result<Read> {
    let mut id = id.clone();
    for _ in 0..MAX_MERGES {
        match one(api, &id).await? {
            Found::Here(read) => return Ok(*read),
            Found::MergedInto(into) => id = into,
        }
    }
    Err(Error::new(ErrorKind::Moved, "the ticket was merged, and that one too, more often than we follow"))
}

enum Found {
    Here(Box<Read>),
    MergedInto(RemoteId),
}

/// Evaluates expressions of one scope, and says of a failure what could not be read.
struct Eyes<'a> {
    api: Api<'a>,
    scope: Scope,
}

impl Eyes<'_> {
    fn failed(&self, failed: &Unevaluated) -> Error {
        self.api.failed(failed)
    }

    fn dialect(&self) -> Dialect {
        self.api.desk.manifest.text.dialect
    }

    fn text(&self, expression: &Expression) -> Result<Option<String>> {
        expression.text(&self.scope).map_err(|failed| self.failed(&failed))
    }

    fn optional(&self, expression: Option<&Expression>) -> Result<Option<String>> {
        expression.map_or(Ok(None), |expression| self.text(expression))
    }

    fn required(&self, expression: &Expression) -> Result<String> {
        self.text(expression)?
            .ok_or_else(|| self.failed(&expression.because("the answer does not hold it".to_owned())))
    }

    fn time(&self, expression: &Expression) -> Result<Timestamp> {
        let value = expression.value(&self.scope).map_err(|failed| self.failed(&failed))?;
        self.api.desk.dates.read(&value).ok_or_else(|| {
            self.failed(&expression.because("it gives no time of the form that [dates] says".to_owned()))
        })
    }

    fn visibility(&self, rule: &VisibilityRule) -> Result<Visibility> {
        let value = rule.value.as_ref().map(|value| value.value(&self.scope));
        let value = match value {
            None => return Ok(rule.always.unwrap_or(Visibility::Unknown)),
            Some(value) => plain_text(&value.map_err(|failed| self.failed(&failed))?),
        };
        // What the desk did not say, or said in words of its own, is for nobody else.
        let Some(value) = value else { return Ok(Visibility::Unknown) };
        let among = |list: &[serde_json::Value]| list.iter().any(|one| words::text(one) == value);
        Ok(match (among(&rule.public), among(&rule.internal)) {
            (true, false) => Visibility::Public,
            (false, true) => Visibility::Internal,
            (true, true) | (false, false) => Visibility::Unknown,
        })
    }
}

async fn one(api: Api<'_>, id: &RemoteId) -> Result<Found> {
    let manifest = &api.desk.manifest;
    let says = &manifest.ticket;
    let about = api.desk.scope().with("id", id.as_str());
    let answer = api.read(&says.request, says.body.as_ref(), &about).await?;
    let scope = about.and(&answer.scope);
    let at = says.at.as_ref().map(|at| at.value(&scope)).transpose();
    let at = at.map_err(|failed| answer.unreadable(api, &failed))?;
    let raw = match at {
        Some(raw) => raw,
        None => answer.value(),
    };
    if raw.is_undefined() || raw.is_none() {
        return Err(answer.malformed("the answer holds no ticket where [ticket] says that it stands"));
    }
    let eyes = Eyes { api, scope: scope.with("ticket", raw.clone()) };
    if let Some(into) = eyes.optional(says.merged_into.as_ref())?.filter(|into| into != id.as_str()) {
        return Ok(Found::MergedInto(RemoteId::new(into)));
    }
    let (comments, rows) = comments(api, &manifest.comments, &eyes.scope).await?;
    let (files, seen) = match &manifest.files {
        Some(says) => files(api, says, &eyes.scope, &rows).await?,
        None => Default::default(),
    };
    let mut ticket = whole(&eyes, comments, files)?;
    ticket.version = match eyes.optional(says.version.as_ref())? {
        Some(version) => Some(Version::new(version)),
        None => Some(hash(&ticket)),
    };
    Ok(Found::Here(Box::new(Read { ticket, raw, files: seen })))
}

fn whole(
    eyes: &Eyes<'_>,
    (comments, mut lost): (Vec<Comment>, Vec<Lost>),
    files: Vec<File>,
) -> Result<Ticket> {
    let says = &eyes.api.desk.manifest.ticket;
    let listed = &eyes.api.desk.manifest.words;
    let id = eyes.required(&says.id)?;
    let key = eyes.optional(says.key.as_ref())?.unwrap_or_else(|| id.clone());
    let description = eyes.dialect().read(&eyes.text(&says.description)?.unwrap_or_default());
    let marker = match &says.marker {
        Some(says) => eyes.text(says)?.and_then(|text| Marker::find_in(&text)),
        None => description.marker,
    };
    lost.extend(description.lost.iter().map(|loss| Lost { comment: None, what: loss.to_string() }));
    let created = eyes.time(&says.created)?;
    let word = |list, value: Option<String>| value.map(|value| words::read(list, &value));
    Ok(Ticket {
        url: page(eyes.api, &id, &key)?,
        title: eyes.text(&says.title)?.unwrap_or_default().trim().to_owned(),
        description: description.text,
        status: words::read(&listed.status, &eyes.required(&says.status)?),
        priority: word(&listed.priority, eyes.optional(says.priority.as_ref())?),
        kind: word(&listed.kind, eyes.optional(says.kind.as_ref())?),
        fields: fields(eyes, &says.fields)?,
        requester: eyes.optional(says.requester.as_ref())?.map(|name| Person { name }),
        comments,
        files,
        references: references(eyes)?,
        marker,
        created,
        updated: eyes.time(&says.updated)?.max(created),
        version: None,
        id: RemoteId::new(id),
        key,
        lost,
    })
}

fn page(api: Api<'_>, id: &str, key: &str) -> Result<Option<String>> {
    let Some(page) = &api.desk.manifest.ticket.page else { return Ok(None) };
    let scope = api.desk.scope().with("id", id).with("key", key);
    let path = page.text(&scope).map_err(|failed| api.failed(&failed))?;
    api.desk.config.below(&path).map(|url| Some(url.into()))
}

fn fields(eyes: &Eyes<'_>, says: &BTreeMap<String, Expression>) -> Result<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    for (name, expression) in says {
        let value = expression.value(&eyes.scope).map_err(|failed| eyes.failed(&failed))?;
        let text = field_text(&value);
        if !text.is_empty() {
            fields.insert(name.clone(), text);
        }
    }
    Ok(fields)
}

/// A field's value as text, one line for each member of a list.
fn field_text(value: &Value) -> String {
    if value.is_undefined() || value.is_none() {
        return String::new();
    }
    if let Some(text) = plain_text(value) {
        return canonical_text(&text);
    }
    match value.try_iter() {
        Ok(members) if is_list(value) => members
            .map(|member| field_text(&member))
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("\n"),
        Ok(_) | Err(_) => value.to_string(),
    }
}

fn references(eyes: &Eyes<'_>) -> Result<Vec<Reference>> {
    let says = &eyes.api.desk.manifest.ticket;
    if let Some(line) = eyes.optional(says.link_line.as_ref())? {
        return Ok(vec![Reference::of_line(&line)]);
    }
    let url = eyes.optional(says.link_url.as_ref())?;
    let label = eyes.optional(says.link_label.as_ref())?.or_else(|| url.clone());
    let summary = eyes.optional(says.link_summary.as_ref())?;
    Ok(label.map(|label| Reference { label, url, summary }).into_iter().collect())
}

/// The comments, and all members of the list with what their expressions see.
async fn comments(
    api: Api<'_>,
    says: &Comments,
    about: &Scope,
) -> Result<((Vec<Comment>, Vec<Lost>), Vec<Scope>)> {
    let mut rows = rows(api, (says.request.as_ref(), &says.pages), &says.list, about).await?;
    if says.newest_first {
        rows.reverse();
    }
    let (mut comments, mut lost, mut seen) = (Vec::new(), Vec::new(), Vec::with_capacity(rows.len()));
    for (index, (scope, row)) in rows.into_iter().enumerate() {
        take_turns(index).await;
        let eyes = Eyes { api, scope: scope.with("comment", row).with("index", index) };
        if let Some((one, of_it)) = comment(&eyes, says)? {
            comments.push(one);
            lost.extend(of_it);
        }
        seen.push(eyes.scope);
    }
    Ok(((comments, lost), seen))
}

/// `None` for a member of the list that is no comment.
fn comment(eyes: &Eyes<'_>, says: &Comments) -> Result<Option<(Comment, Vec<Lost>)>> {
    if let Some(filter) = &says.filter
        && !filter.holds(&eyes.scope).map_err(|failed| eyes.failed(&failed))?
    {
        return Ok(None);
    }
    let read = eyes.dialect().read(&eyes.text(&says.body)?.unwrap_or_default());
    if read.text.is_empty() {
        return Ok(None);
    }
    let comment = Comment {
        id: CommentId::new(eyes.required(&says.id)?),
        author: Person { name: eyes.text(&says.author)?.unwrap_or_else(|| NOBODY.to_owned()) },
        body: read.text,
        visibility: eyes.visibility(&says.visibility)?,
        created: eyes.time(&says.created)?,
        marker: read.marker,
    };
    let lost =
        read.lost.iter().map(|loss| Lost { comment: Some(comment.id.clone()), what: loss.to_string() });
    let lost = lost.collect();
    Ok(Some((comment, lost)))
}

async fn files(
    api: Api<'_>,
    says: &Files,
    about: &Scope,
    comments: &[Scope],
) -> Result<(Vec<File>, Vec<Scope>)> {
    let mut found = Vec::new();
    if says.in_comments {
        for (index, comment) in comments.iter().enumerate() {
            take_turns(index).await;
            let list = says.list.list(comment).map_err(|failed| api.failed(&failed))?;
            found.extend(list.into_iter().map(|row| (comment.clone(), row)));
        }
    } else {
        found = rows(api, (says.request.as_ref(), &says.pages), &says.list, about).await?;
    }
    let (mut files, mut seen) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
    for (index, (scope, row)) in found.into_iter().enumerate() {
        take_turns(index).await;
        let eyes = Eyes { api, scope: scope.with("file", row) };
        files.push(file(&eyes, says)?);
        seen.push(eyes.scope);
    }
    Ok((files, seen))
}

fn file(eyes: &Eyes<'_>, says: &Files) -> Result<File> {
    let rule = says.visibility.as_ref().unwrap_or(&eyes.api.desk.manifest.comments.visibility);
    let size = eyes.required(&says.size)?;
    let name = eyes.required(&says.name)?;
    Ok(File {
        id: FileId::new(eyes.required(&says.id)?),
        name: name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(),
        media_type: eyes
            .optional(says.media_type.as_ref())?
            .unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: size.parse().map_err(|error| {
            eyes.failed(&says.size.because(format!("it gives no number of bytes: {error}")))
        })?,
        digest: None,
        visibility: eyes.visibility(rule)?,
        author: Person { name: eyes.text(&says.author)?.unwrap_or_else(|| NOBODY.to_owned()) },
        created: eyes.time(&says.created)?,
        marker: eyes.optional(says.marker.as_ref())?.and_then(|text| Marker::find_in(&text)),
    })
}

/// A list that stands in the ticket, or apart.
async fn rows(
    api: Api<'_>,
    (request, pages): (Option<&Line>, &Pages),
    list: &Expression,
    about: &Scope,
) -> Result<Vec<(Scope, Value)>> {
    match request {
        Some(line) => pagination::all(api, (line, None), pages, list, about).await,
        None => {
            let rows = list.list(about).map_err(|failed| api.failed(&failed))?;
            Ok(rows.into_iter().map(|row| (about.clone(), row)).collect())
        }
    }
}

/// A long list is read in steps, each of which is short: others have their turn in between.
async fn take_turns(index: usize) {
    if index % TURN == TURN - 1 {
        tokio::task::yield_now().await;
    }
}

/// A hash of all that is read: for desks that give no version.
fn hash(ticket: &Ticket) -> Version {
    let visible = serde_json::to_vec(ticket).unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Version::new(format!("{}-{hash:016x}", ticket.updated.format("%Y%m%dT%H%M%SZ")))
}
