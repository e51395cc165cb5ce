//! Files: uploaded into the workspace that bears the ticket's number, in at most two chunks, and never read back.
//!
//! The reference of the interface names workspaces only as a place for a ticket that is yet to be created. Microsoft's
//! command line and PowerShell module document the same calls with a support request's number in the place of the
//! workspace: that attaches the file to the request
//! (<https://learn.microsoft.com/powershell/module/az.support/new-azsupportfileandupload>, example 2). Nothing gives a
//! file's bytes out again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use throughline_sdk::{Digest, Effect, Error, ErrorKind, FileId, Marker, RemoteId, Result, Subject};

use crate::api::{Api, there};
use crate::wire::{Chunk, FileProperties};

/// The largest file, and the largest chunk of one.
/// <https://learn.microsoft.com/rest/api/support/files/create>
pub(crate) const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;
const MAX_CHUNK_BYTES: usize = 2_621_440;
/// The longest name, and the endings that are refused, by Microsoft's command line
/// (<https://github.com/Azure/azure-cli-extensions/blob/main/src/support/azext_support/_validators.py>).
const MAX_NAME_CHARS: usize = 110;
const REFUSED_ENDINGS: [&str; 31] = [
    "bat", "bin", "cmd", "com", "cpl", "exe", "htm", "html", "inf", "ins", "isu", "job", "js", "jse", "lnk",
    "msi", "msp", "paf", "pif", "ps1", "reg", "rgs", "scr", "sct", "svg", "vb", "vbe", "vbs", "ws", "wsf",
    "wsh",
];

/// Attaches a file to a ticket that exists.
pub(crate) async fn attach(
    api: Api<'_>,
    ticket: &RemoteId,
    marker: &Marker,
    name: &str,
    size: u64,
    digest: &Digest,
) -> Result<Effect> {
    check(name, size)?;
    let workspace = workspace(api, ticket).await?;
    let name = marked(name, marker);
    let bytes = api.ctx.blobs.read(digest).await?;
    let chunks: Vec<&[u8]> = bytes.chunks(MAX_CHUNK_BYTES).collect();
    let file = FileProperties {
        chunk_size: length(bytes.len().min(MAX_CHUNK_BYTES)),
        file_size: length(bytes.len()),
        number_of_chunks: length(chunks.len()),
    };
    if let Err(error) = api.put_file(&workspace, &name, file).await {
        // The name is ours alone: what bears it already was announced by an earlier attempt.
        let announced = error.kind() == ErrorKind::Conflict
            && there(api.file(&workspace, &name).await)?
                .is_some_and(|there| there.properties.file_size == length(bytes.len()));
        if !announced {
            return Err(error);
        }
    }
    for (index, chunk) in chunks.iter().enumerate() {
        // Addressed by its place: the same chunk again is the same chunk.
        let chunk = Chunk { content: STANDARD.encode(chunk), chunk_index: length(index) };
        api.upload(&workspace, &name, &chunk).await.map_err(|error| error.with_context("chunk", index))?;
    }
    Ok(Effect::of(Subject::File(FileId::new(name))))
}

/// The file of an intent, if it was announced.
pub(crate) async fn find(
    api: Api<'_>,
    ticket: &RemoteId,
    marker: &Marker,
    name: &str,
) -> Result<Option<FileId>> {
    let name = marked(name, marker);
    let found = there(api.file(&workspace(api, ticket).await?, &name).await)?;
    Ok(found.map(|_| FileId::new(name)))
}

/// The number of a ticket, which names its workspace.
async fn workspace(api: Api<'_>, ticket: &RemoteId) -> Result<String> {
    let read = api.ticket(ticket.as_str()).await?.properties;
    let temporary = read.is_temporary_ticket.is_some_and(|word| word.eq_ignore_ascii_case("yes"));
    read.support_ticket_id.filter(|number| !number.is_empty() && !temporary).ok_or_else(|| {
        Error::new(
            ErrorKind::Unavailable,
            "Azure has not given the ticket its number yet, and files go by it",
        )
        .with_context("ticket", ticket)
    })
}

/// The file's name with the marker before its ending, so that no two files of one name meet, and within the limit.
fn marked(name: &str, marker: &Marker) -> String {
    let name: String =
        name.chars().map(|c| if c.is_control() || "<>:\"/\\|?*%&".contains(c) { '_' } else { c }).collect();
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.chars().count() < 20 => {
            (stem, format!(".{ending}"))
        }
        Some(_) | None => (name.as_str(), String::new()),
    };
    let tail = format!(".{marker}{ending}");
    let room = MAX_NAME_CHARS.saturating_sub(tail.chars().count());
    let stem: String = stem.chars().take(room).collect();
    format!("{stem}{tail}")
}

fn check(name: &str, size: u64) -> Result<()> {
    let reason = match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()) {
        _ if size == 0 => "Azure takes no empty file".to_owned(),
        _ if size > MAX_FILE_BYTES => format!("Azure takes files of at most {MAX_FILE_BYTES} bytes"),
        Some(ending) if REFUSED_ENDINGS.contains(&ending.as_str()) => {
            format!("Azure refuses files that end in .{ending}; pack it into an archive")
        }
        Some(_) | None => return Ok(()),
    };
    Err(Error::new(ErrorKind::Rejected, reason).with_context("bytes", size))
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_ending_and_bears_the_marker_within_the_limit() {
        let marker = Marker::from_hash(&[7; 32]);
        assert_eq!(marked("log.txt", &marker), format!("log.{marker}.txt"));
        assert_eq!(marked("LICENSE", &marker), format!("LICENSE.{marker}"));
        assert_eq!(marked(".env", &marker), format!(".env.{marker}"));
        assert_eq!(marked("a/b\\c:d.txt", &marker), format!("a_b_c_d.{marker}.txt"));
        let long = marked(&format!("{}.log", "\u{fc}".repeat(300)), &marker);
        assert_eq!(long.chars().count(), MAX_NAME_CHARS);
        assert!(long.ends_with(&format!(".{marker}.log")));
    }

    #[test]
    fn what_azure_refuses_is_refused_with_its_reason() {
        for (name, size) in [("a.txt", 0), ("a.txt", MAX_FILE_BYTES + 1), ("run.EXE", 1), ("page.html", 1)] {
            assert_eq!(check(name, size).unwrap_err().kind(), ErrorKind::Rejected, "{name} {size}");
        }
        assert!(check("a.txt", MAX_FILE_BYTES).is_ok() && check("noending", 1).is_ok());
    }
}
