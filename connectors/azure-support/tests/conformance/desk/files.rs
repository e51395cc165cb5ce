//! File workspaces of the simulated desk: one for each ticket, by its number. Nothing gives a file out.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Asked, State, invalid, not_allowed, not_found, refusal, second};

const MAX_FILE: u64 = 5 * 1024 * 1024;
const MAX_CHUNK: u64 = 2_621_440;
const REFUSED: [&str; 5] = [".bin", ".exe", ".js", ".html", ".svg"];

#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) files: BTreeMap<String, Upload>,
}

pub(crate) struct Upload {
    created: String,
    size: u64,
    chunk: u64,
    chunks: Vec<Option<Vec<u8>>>,
}

impl Upload {
    /// The bytes, once all of them are there.
    pub(crate) fn whole(&self) -> Option<Bytes> {
        let chunks: Option<Vec<&[u8]>> = self.chunks.iter().map(Option::as_deref).collect();
        chunks.map(|chunks| chunks.concat().into())
    }

    fn json(&self, scope: &str, workspace: &str, name: &str) -> Value {
        json!({
            "id": format!("{scope}/fileWorkspaces/{workspace}/files/{name}"),
            "name": name,
            "type": "Microsoft.Support/files",
            "properties": {
                "createdOn": self.created, "fileSize": self.size, "chunkSize": self.chunk,
                "numberOfChunks": self.chunks.len(),
            },
        })
    }
}

impl State {
    pub(super) fn files(&mut self, workspace: &str, rest: &[&str], asked: &Asked<'_>) -> Answer {
        let scope = self.scope.clone();
        if !self.tickets.values().any(|ticket| ticket.number == workspace) {
            return not_found(workspace);
        }
        let held = self.workspaces.entry(workspace.to_owned()).or_default();
        match (rest, &asked.method) {
            (["files", name], &Method::GET) => match held.files.get(*name) {
                Some(file) => Answer::ok(file.json(&scope, workspace, name)),
                None => not_found(name),
            },
            (["files", name], &Method::PUT) => {
                let number = |name: &str| asked.body["properties"][name].as_u64().unwrap_or_default();
                let (size, chunk, count) =
                    (number("fileSize"), number("chunkSize"), number("numberOfChunks"));
                if name.chars().count() > 110
                    || REFUSED.iter().any(|ending| name.to_lowercase().ends_with(ending))
                {
                    return invalid("The file name is invalid.");
                }
                if size == 0
                    || size > MAX_FILE
                    || chunk == 0
                    || chunk > MAX_CHUNK
                    || count != size.div_ceil(chunk)
                    || count > 2
                {
                    return invalid("The file size, the chunk size or the number of chunks is invalid.");
                }
                if held.files.contains_key(*name) {
                    return refusal(StatusCode::CONFLICT, "Conflict", "A file of this name exists.");
                }
                let chunks = (0..count).map(|_| None).collect();
                let file = Upload { created: second(asked.now), size, chunk, chunks };
                let body = file.json(&scope, workspace, name);
                held.files.insert((*name).to_owned(), file);
                Answer::of(StatusCode::CREATED, body)
            }
            (["files", name, "upload"], &Method::POST) => {
                let Some(file) = held.files.get_mut(*name) else { return not_found(name) };
                let content =
                    asked.body["content"].as_str().and_then(|content| STANDARD.decode(content).ok());
                let index = asked.body["chunkIndex"].as_u64().and_then(|index| usize::try_from(index).ok());
                let (Some(content), Some(index)) = (content, index) else {
                    return invalid("The chunk is invalid.");
                };
                let last = file.chunks.len() - 1;
                let before = file.chunk * u64::try_from(index).unwrap();
                let expected = file.chunk.min(file.size.saturating_sub(before));
                if u64::try_from(content.len()).unwrap() != expected || index > last {
                    return invalid("The chunk's size or index is invalid.");
                }
                file.chunks[index] = Some(content);
                Answer { status: StatusCode::NO_CONTENT, headers: HeaderMap::new(), body: None }
            }
            _ => not_allowed(),
        }
    }
}
