//! Reads a case whole: the row, its notes, and where its description was cut the file with the rest.

use throughline_sdk::{Error, ErrorKind, Result, Ticket};

use crate::api::Api;
use crate::choice::MERGED;
use crate::guid::Guid;
use crate::map;
use crate::wire::Row;

/// The most merges followed from one case to the next.
const MAX_MERGES: usize = 8;
/// The most read of a whole description.
const MAX_DESCRIPTION_BYTES: u64 = 8 * 1024 * 1024;

/// A case as it was read.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) id: Guid,
    pub(crate) row: Row,
    pub(crate) notes: Vec<Row>,
    pub(crate) ticket: Ticket,
}

/// Reads a case. One that was merged reads as the case it was merged into, under that one's id.
pub(crate) async fn following(api: Api<'_>, id: Guid) -> Result<Case> {
    let mut id = id;
    for _ in 0..MAX_MERGES {
        let row = api.case(id).await?;
        match Guid::parse(row.text("_masterid_value")) {
            Some(master) if row.number("statuscode") == Some(MERGED) && master != id => id = master,
            Some(_) | None => return with_notes(api, id, row).await,
        }
    }
    Err(Error::new(ErrorKind::Moved, format!("the case was merged more than {MAX_MERGES} times over"))
        .with_context("case", id))
}

/// Reads the very case.
pub(crate) async fn case(api: Api<'_>, id: Guid) -> Result<Case> {
    let row = api.case(id).await?;
    with_notes(api, id, row).await
}

/// The case after a write. If it cannot be read, the write may have been carried out all the same.
pub(crate) async fn back(api: Api<'_>, id: Guid) -> Result<Case> {
    case(api, id).await.map_err(Error::with_unknown_effect)
}

async fn with_notes(api: Api<'_>, id: Guid, row: Row) -> Result<Case> {
    let notes = api.notes(id).await?;
    let whole = match map::rest_of_description(&row) {
        Some(file) => whole(api, &notes, &file).await?,
        None => None,
    };
    let ticket = map::ticket(&id.to_string(), &row, &notes, whole.as_deref(), api.config);
    Ok(Case { id, row, notes, ticket })
}

async fn whole(api: Api<'_>, notes: &[Row], file: &str) -> Result<Option<Vec<u8>>> {
    let note = notes
        .iter()
        .find(|note| note.text("filename") == file && map::is_whole(note.text("subject").trim(), file));
    let Some(note) = note.filter(|note| map::size(note) <= MAX_DESCRIPTION_BYTES) else { return Ok(None) };
    let id = Guid::of(note.text("annotationid"), "note")?;
    Ok(Some(api.file(id, MAX_DESCRIPTION_BYTES).await?.to_vec()))
}
