//! Reads a record whole, and writes into it; each write is read back, because success does not say that it was done.

use bytes::Bytes;
use ring::digest;
use serde_json::{Map, Value};
use throughline_sdk::overflow::{self, Stored, Whole};
use throughline_sdk::{
    Changes, CommentId, Digest, Effect, Error, ErrorKind, FileId, Intent, Marker, MarkerLine, NewTicket,
    Operation, RemoteId, Result, Subject, Ticket, TookEffect, Version, Visibility, ticket::canonical_text,
};

use crate::api::{Api, SysId, no_journal};
use crate::config::{LongText, PriorityFrom};
use crate::error::not_done;
use crate::wire::Row;
use crate::{choice, map, text};

/// The most read of a whole description.
const MAX_DESCRIPTION_BYTES: u64 = 8 * 1024 * 1024;

/// From which impact and urgency ServiceNow, as it comes, works out each priority.
const IMPACT_AND_URGENCY: [(&str, (&str, &str)); 5] =
    [("1", ("1", "1")), ("2", ("1", "2")), ("3", ("2", "2")), ("4", ("2", "3")), ("5", ("3", "3"))];

/// A record as it was read.
#[derive(Debug)]
pub(crate) struct Record {
    id: SysId,
    row: Row,
    files: Vec<Row>,
    pub(crate) ticket: Ticket,
}

/// Reads a record with its journal and files.
pub(crate) async fn read(api: Api<'_>, id: &SysId) -> Result<Record> {
    let row = api.record(id).await?;
    let journal = api.journal(id).await?;
    for element in ["comments", "work_notes"] {
        // The record shows its entries, and the table that has them one by one is closed to us.
        let shown = !row.display(element).trim().is_empty();
        if shown && !journal.iter().any(|entry| ["", element].contains(&entry.value("element"))) {
            return Err(
                no_journal("the record has entries and none came").with_context("record", id.as_str())
            );
        }
    }
    let files = api.files(id).await?;
    let whole = match map::rest_of_description(&row) {
        Some(name) => whole(api, &files, &name).await?,
        None => None,
    };
    let ticket = map::ticket(&row, &journal, &files, whole.as_deref(), api.config);
    Ok(Record { id: id.clone(), row, files, ticket })
}

/// The record after a write. If it cannot be read, the write may have been carried out all the same.
async fn read_back(api: Api<'_>, id: &SysId) -> Result<Record> {
    read(api, id).await.map_err(Error::with_unknown_effect)
}

async fn whole(api: Api<'_>, files: &[Row], name: &str) -> Result<Option<Bytes>> {
    let file = files.iter().find(|file| file.value("file_name") == name);
    let Some(file) = file.filter(|file| map::size(file) <= MAX_DESCRIPTION_BYTES) else { return Ok(None) };
    let id = SysId::of(file.value("sys_id"), "file")?;
    api.bytes(&id, MAX_DESCRIPTION_BYTES).await.map(Some)
}

/// Creates a record that bears the marker from its first moment.
///
/// Once the record exists this does not fail any more: what is missing in it shows in the ticket read back.
pub(crate) async fn create(api: Api<'_>, new: &NewTicket, marker: &Marker) -> Result<Effect> {
    let changes = Changes {
        priority: new.priority.clone(),
        kind: new.kind.clone(),
        fields: new.fields.clone(),
        ..Changes::default()
    };
    let mut fields = fill(api, &changes).await?;
    let preset = &api.config.new_fields;
    fields.extend(preset.iter().map(|(field, value)| (field.clone(), value.as_str().into())));
    put(&mut fields, &api.config.marker_field, marker.as_str());
    put(&mut fields, "short_description", &cut_title(new.title.trim(), api.config.max_title));
    let stored = describe(api, &new.description)?;
    put(&mut fields, "description", &stored.text);
    let status = match &new.status {
        Some(word) => {
            let states = choice::of(api, &api.config.state_field).await?;
            let value = choice::find(&states, word, "status")?.value.clone();
            // What is created closed would lack what closing asks for.
            let closed = api.config.closed_states.contains(word);
            if !closed {
                put(&mut fields, &api.config.state_field, &value);
            }
            closed.then_some(word)
        }
        None => None,
    };
    let id = match &api.config.import_table {
        Some(table) => api.import(table, &fields).await?,
        None => api.create(&fields).await?,
    };
    let finished = async {
        let mut record = read(api, &id).await?;
        if let Some(whole) = &stored.whole {
            attach_whole(api, &record, whole).await?;
            record = read(api, &id).await?;
        }
        match status {
            Some(word) => bring(api, record, word).await,
            None => Ok(record),
        }
    };
    let read_back = finished
        .await
        .inspect_err(|error| {
            tracing::warn!(record = id.as_str(), %error, "ServiceNow created a record that lacks something we asked for.");
        })
        .ok();
    let subject = Subject::Ticket(RemoteId::new(id.as_str()));
    Ok(Effect::of(subject).seen_in(read_back.map(|record| record.ticket)))
}

/// Carries out an operation on a record that exists.
pub(crate) async fn into_record(api: Api<'_>, id: &SysId, intent: &Intent) -> Result<Effect> {
    let about = |error: Error| error.with_context("record", id.as_str());
    match &intent.operation {
        Operation::Create(new) => create(api, new, &intent.marker).await,
        Operation::Update { changes } => {
            let before = unchanged(read(api, id).await?, intent.expected.as_ref())?;
            update(api, before, changes).await.map(changed)
        }
        Operation::Transition { status } => {
            let before = unchanged(read(api, id).await?, intent.expected.as_ref())?;
            bring(api, before, status).await.map(changed)
        }
        Operation::Comment { body, visibility } => comment(api, id, body, *visibility, &intent.marker).await,
        Operation::Edit { .. } | Operation::Retract { .. } => {
            Err(about(Error::new(ErrorKind::Unsupported, "a journal entry cannot be changed or taken back")))
        }
        Operation::Attach { name, media_type, size, digest, visibility } => {
            if *visibility != Visibility::Public {
                return Err(about(Error::new(
                    ErrorKind::Unsupported,
                    "whoever sees a record sees its files, so only public ones are attached",
                )));
            }
            if *size == 0 || *size > api.config.max_file_bytes {
                let message = format!(
                    "the file has {size} bytes; ServiceNow takes at least one, and at most max_file_bytes"
                );
                return Err(about(Error::new(ErrorKind::Rejected, message)));
            }
            attach(api, id, (name, media_type), digest).await
        }
        Operation::LinkBack(reference) => {
            let text = reference.line(api.config.link_chars);
            link_back(api, id, &text).await.map(changed)
        }
    }
}

async fn update(api: Api<'_>, before: Record, changes: &Changes) -> Result<Record> {
    let asked = map::not_in(changes, &before.ticket);
    if asked.is_empty() {
        return Ok(before);
    }
    let about = |error: Error| error.with_context("record", before.id.as_str());
    let mut fields = fill(api, changes).await.map_err(about)?;
    if let Some(title) = &changes.title {
        let (title, most) = (title.trim(), api.config.max_title);
        if overflow::units(title) > most {
            let message =
                format!("the title has more than the {most} characters of max_title; it was not changed");
            return Err(about(Error::new(ErrorKind::Rejected, message)));
        }
        put(&mut fields, "short_description", title);
    }
    if let Some(description) = &changes.description {
        let stored = describe(api, description).map_err(about)?;
        if let Some(whole) = &stored.whole {
            // First the file, then the sentence that names it: a reader finds it both or neither.
            attach_whole(api, &before, whole).await?;
        }
        put(&mut fields, "description", &stored.text);
    }
    api.update(&before.id, &fields).await?;
    let after = read_back(api, &before.id).await?;
    let refused = map::not_in(changes, &after.ticket);
    if refused.is_empty() {
        if changes.description.is_some() {
            drop_old_wholes(api, &after).await;
        }
        return Ok(after);
    }
    let effect = if refused.len() == asked.len() { TookEffect::No } else { TookEffect::Unknown };
    Err(about(not_done(&refused, effect)))
}

/// Brings a record to the status with this label, with what closing or holding asks for.
async fn bring(api: Api<'_>, before: Record, word: &str) -> Result<Record> {
    let config = api.config;
    if before.ticket.status == word {
        return Ok(before);
    }
    let about = |error: Error| error.with_context("record", before.id.as_str());
    let states = choice::of(api, &config.state_field).await.map_err(about)?;
    let value = choice::find(&states, word, "status").map_err(about)?.value.clone();
    let mut fields = Map::new();
    put(&mut fields, &config.state_field, &value);
    let closing = config.closed_states.iter().any(|state| state == word);
    let details = [
        ("close_code", &config.close_code, closing),
        ("close_notes", &config.close_notes, closing),
        ("hold_reason", &config.hold_reason, word == "On Hold"),
    ];
    for (field, setting, asked_for) in details {
        // What people wrote there stays.
        if let Some(value) = setting.as_ref().filter(|_| asked_for && before.row.value(field).is_empty()) {
            put(&mut fields, field, value);
        }
    }
    api.update(&before.id, &fields).await?;
    let after = read_back(api, &before.id).await?;
    if after.row.value(&config.state_field) == value {
        return Ok(after);
    }
    let same = after.row.value(&config.state_field) == before.row.value(&config.state_field);
    let effect = if same { TookEffect::No } else { TookEffect::Unknown };
    Err(about(not_done(&["status".to_owned()], effect)))
}

async fn comment(
    api: Api<'_>,
    id: &SysId,
    body: &str,
    visibility: Visibility,
    marker: &Marker,
) -> Result<Effect> {
    let about = |error: Error| error.with_context("record", id.as_str());
    let journal = match visibility {
        Visibility::Public => "comments",
        Visibility::Internal => "work_notes",
        Visibility::Unknown => {
            return Err(about(Error::new(
                ErrorKind::Unsupported,
                "an entry is public or internal, nothing else",
            )));
        }
    };
    let entry = MarkerLine::BRACKETS.mark(&text::write_entry(body), marker);
    let most = api.config.max_comment;
    if overflow::units(&entry) > most {
        let message =
            format!("the comment has more than the {most} characters of max_comment; it was not written");
        return Err(about(Error::new(ErrorKind::Rejected, message)));
    }
    let mut fields = Map::new();
    put(&mut fields, journal, &entry);
    api.update(id, &fields).await?;
    let ticket = read_back(api, id).await?.ticket;
    // Our account may write what it may not read, and a rule may send it to the other journal.
    match ticket.comments.iter().find(|comment| comment.marker.as_ref() == Some(marker)) {
        Some(made) if made.visibility == visibility => {
            Ok(Effect::of(Subject::Comment(CommentId::new(made.id.as_str()))).seen_in(ticket))
        }
        Some(_) => Err(about(not_done(&["for whom the comment is".to_owned()], TookEffect::Unknown))),
        None => Err(about(not_done(&[journal.to_owned()], TookEffect::No))),
    }
}

async fn attach(
    api: Api<'_>,
    id: &SysId,
    (name, media_type): (&str, &str),
    digest: &Digest,
) -> Result<Effect> {
    let bytes = api.ctx.blobs.read(digest).await?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let file = api.attach(id, name, media_type, bytes).await?;
    let ticket = read_back(api, id).await?.ticket;
    let made = ticket.files.iter().find(|one| one.id.as_str() == file.as_str());
    match made {
        Some(made) if made.size == size => {
            Ok(Effect::of(Subject::File(FileId::new(file.as_str()))).seen_in(ticket))
        }
        Some(_) | None => {
            Err(not_done(&["the file".to_owned()], TookEffect::Unknown).with_context("record", id.as_str()))
        }
    }
}

/// The files of a record that have this name and content: what an attempt to attach one may have left.
///
/// Nothing of an upload could bear a marker that people would not see.
pub(crate) async fn same_files(
    api: Api<'_>,
    id: &SysId,
    name: &str,
    size: u64,
    wanted: &Digest,
) -> Result<Vec<SysId>> {
    let mut same = Vec::new();
    for file in api.files(id).await? {
        if file.value("file_name") != name || map::size(&file) != size {
            continue;
        }
        let file_id = SysId::of(file.value("sys_id"), "file")?;
        let stated = match map::hash(&file) {
            Some(stated) => stated,
            None => sha256(&api.bytes(&file_id, size).await?),
        };
        if stated == *wanted {
            same.push(file_id);
        }
    }
    Ok(same)
}

fn sha256(bytes: &[u8]) -> Digest {
    let hash = digest::digest(&digest::SHA256, bytes);
    Digest::new(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

async fn link_back(api: Api<'_>, id: &SysId, text: &str) -> Result<Record> {
    let field = api.config.link_field.as_str();
    let before = read(api, id).await?;
    if before.row.value(field) == text {
        return Ok(before);
    }
    let mut fields = Map::new();
    put(&mut fields, field, text);
    api.update(id, &fields).await?;
    let after = read_back(api, id).await?;
    if after.row.value(field) == text {
        Ok(after)
    } else {
        // Also where the field is too short: then ServiceNow has cut it.
        let same = after.row.value(field) == before.row.value(field);
        let effect = if same { TookEffect::No } else { TookEffect::Unknown };
        Err(not_done(&[field.to_owned()], effect).with_context("record", id.as_str()))
    }
}

/// The values for changes other than title and description. A word that the instance does not know is refused here,
/// before anything is sent.
async fn fill(api: Api<'_>, changes: &Changes) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    if let Some(word) = &changes.priority {
        let value = choice::find(&choice::of(api, "priority").await?, word, "priority")?.value.clone();
        match api.config.priority_from {
            PriorityFrom::Priority => put(&mut fields, "priority", &value),
            PriorityFrom::ImpactAndUrgency => {
                let known = IMPACT_AND_URGENCY.iter().find(|(priority, _)| *priority == value);
                let (impact, urgency) = known.map(|(_, both)| *both).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Rejected,
                        "from which impact and urgency this priority follows is not known; set priority_from to priority",
                    )
                    .with_context("priority", word)
                })?;
                put(&mut fields, "impact", impact);
                put(&mut fields, "urgency", urgency);
            }
        }
    }
    if let Some(word) = &changes.kind {
        let field = api.config.type_field.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Rejected, "records of this table have no type; see the setting type_field")
        })?;
        put(&mut fields, field, &choice::find(&choice::of(api, field).await?, word, field)?.value.clone());
    }
    for (name, value) in &changes.fields {
        if let Some(field) = api.config.choice_columns.get(name) {
            let value = match value.is_empty() {
                true => String::new(),
                false => choice::find(&choice::of(api, field).await?, value, field)?.value.clone(),
            };
            put(&mut fields, field, &value);
            continue;
        }
        let field = api.config.columns.get(name).ok_or_else(|| {
            Error::new(ErrorKind::Rejected, "no field is shared under this name; see the setting columns")
                .with_context("field", name)
        })?;
        put(&mut fields, field, &canonical_text(value));
    }
    Ok(fields)
}

fn describe(api: Api<'_>, description: &str) -> Result<Stored> {
    let most = api.config.max_description;
    let stored = overflow::store(&text::write(description), most);
    if stored.whole.is_some() && api.config.long_text == LongText::Refuse {
        return Err(Error::new(
            ErrorKind::Rejected,
            format!(
                "the description has more than the {most} characters of max_description, and long_text is refuse"
            ),
        ));
    }
    Ok(stored)
}

fn cut_title(title: &str, most: usize) -> String {
    if overflow::units(title) <= most {
        return title.to_owned();
    }
    format!("{}\u{2026}", overflow::prefix(title, most.saturating_sub(1)).trim_end())
}

/// Attaches a whole description, unless it is there.
async fn attach_whole(api: Api<'_>, record: &Record, whole: &Whole) -> Result<()> {
    let name = whole.name();
    if record.files.iter().any(|file| file.value("file_name") == name) {
        return Ok(());
    }
    let attached = api.attach(&record.id, &name, "text/plain", whole.bytes.clone()).await;
    // Nobody sees a change of the ticket before the sentence that names the file.
    attached.map(drop).map_err(|error| error.with_effect(TookEffect::No))
}

/// Takes away what earlier descriptions left. If one stays, nobody reads it.
async fn drop_old_wholes(api: Api<'_>, record: &Record) {
    let current = map::rest_of_description(&record.row);
    for file in &record.files {
        let name = file.value("file_name");
        if !overflow::is_whole(name) || current.as_deref() == Some(name) {
            continue;
        }
        if let Some(id) = SysId::parse(file.value("sys_id"))
            && let Err(error) = api.detach(&id).await
        {
            tracing::info!(record = record.id.as_str(), file = id.as_str(), %error,
                "The whole of an earlier description stays attached.");
        }
    }
}

/// The record, if it still is as the plan was made on. ServiceNow cannot check that in the write itself: what changes
/// between this read and the write is overwritten.
fn unchanged(record: Record, expected: Option<&Version>) -> Result<Record> {
    let stands = record.ticket.version.as_ref().map(map::of_record);
    if expected.is_some_and(|expected| Some(map::of_record(expected)) != stands) {
        return Err(Error::new(ErrorKind::Conflict, "the record has changed since the plan was made")
            .with_context("record", record.id.as_str()));
    }
    Ok(record)
}

fn put(fields: &mut Map<String, Value>, field: &str, value: &str) {
    fields.insert(field.to_owned(), value.into());
}

fn changed(record: Record) -> Effect {
    Effect::of(Subject::Ticket(record.ticket.id.clone())).seen_in(record.ticket)
}
