//! Files: written in the form that the desk takes, and their bytes read.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::json;
use throughline_sdk::http::multipart::{self, Part};
use throughline_sdk::{
    Digest, Effect, Error, ErrorKind, File, FileId, Marker, RemoteId, Result, Subject, TookEffect, Visibility,
};

use crate::expression::{Expression, Scope, Value, value_of};
use crate::manifest::Files;
use crate::read;
use crate::request::{Api, Body, Outgoing, Purpose};
use crate::write::{not_there, read_back, shown_as, unsupported};

/// A file to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) name: &'a str,
    pub(crate) media_type: &'a str,
    pub(crate) size: u64,
    pub(crate) digest: &'a Digest,
    pub(crate) visibility: Visibility,
}

/// Attaches a file.
pub(crate) async fn attach(api: Api<'_>, id: &RemoteId, file: &Sent<'_>, marker: &Marker) -> Result<Effect> {
    let manifest = &api.desk.manifest;
    let (Some(says), Some(files)) = (&manifest.attach, &manifest.files) else {
        return Err(unsupported("attach"));
    };
    let shown =
        shown_as(files.visibility.as_ref().unwrap_or(&manifest.comments.visibility), file.visibility)?;
    let most = api.desk.max_file_bytes();
    if file.size > most {
        let message = format!("the file has {} bytes, more than the {most} that the desk takes", file.size);
        return Err(Error::new(ErrorKind::Rejected, message));
    }
    let bytes = api.ctx.blobs.read(file.digest).await?;
    let told = value_of(&json!({ "name": file.name, "media_type": file.media_type, "size": bytes.len() }));
    let told = match &says.body {
        Some(_) => Value::from_pairs(
            ["name", "media_type", "size"]
                .into_iter()
                .map(|key| (key, told.get_attr(key).unwrap_or_default()))
                .chain([("base64", Value::from(BASE64_STANDARD.encode(&bytes)))]),
        ),
        None => told,
    };
    let scope = api
        .desk
        .scope()
        .with("id", id.as_str())
        .with("file", told)
        .with("visibility", shown)
        .with("marker", marker.as_str())
        .with("marked", manifest.text.dialect.mark("", marker));
    let mut outgoing = api.outgoing(&says.request, says.body.as_ref(), &scope, Purpose::Writing)?;
    outgoing.headers = api.headers(&says.headers, &scope)?;
    if let Some(fields) = &says.form {
        let part = says.part.as_deref().unwrap_or("file");
        outgoing.body = form(&texts(api, fields, &scope)?, (part, file, &bytes), marker);
    } else if says.raw {
        outgoing.body = Body::Bytes { media_type: file.media_type.to_owned(), bytes: bytes.clone() };
    }
    let answer = api.exchange(outgoing).await?;
    let named = match &says.id {
        Some(expression) => Some(answer.required(api, expression)?),
        None => None,
    };
    let ticket = read_back(api, id).await?.ticket;
    let ours = |one: &&File| match &named {
        Some(named) => one.id.as_str() == named,
        None => one.marker.as_ref() == Some(marker),
    };
    let Some(made) = ticket.files.iter().find(ours) else { return Err(not_there(&answer, "the file")) };
    if made.size != u64::try_from(bytes.len()).unwrap_or(u64::MAX) || made.visibility != file.visibility {
        return Err(Error::new(
            ErrorKind::Rejected,
            "the desk holds the file with another size, or for other readers, than it was sent with",
        )
        .with_effect(TookEffect::Unknown)
        .with_context("file", &made.id));
    }
    Ok(Effect::of(Subject::File(made.id.clone())).seen_in(ticket))
}

/// A file's bytes, at most `limit` of them.
pub(crate) async fn download(api: Api<'_>, id: &RemoteId, file: &FileId, limit: u64) -> Result<Bytes> {
    let Some(says) = &api.desk.manifest.files else { return Err(unsupported("files")) };
    let read = read::ticket(api, id).await?;
    let seen = read.ticket.files.iter().zip(read.files).find(|(one, _)| one.id == *file);
    let (known, scope) =
        seen.ok_or_else(|| Error::new(ErrorKind::NotFound, "the ticket has no such file"))?;
    if known.size > limit {
        let message = format!("the file has {} bytes, more than the {limit} allowed", known.size);
        return Err(Error::new(ErrorKind::Rejected, message));
    }
    let bytes = content(api, says, &scope, limit).await?;
    if u64::try_from(bytes.len()).ok() != Some(known.size) {
        let message = format!("{} of the file's {} bytes came", bytes.len(), known.size);
        return Err(Error::new(ErrorKind::Unavailable, message));
    }
    Ok(bytes)
}

async fn content(api: Api<'_>, says: &Files, scope: &Scope, limit: u64) -> Result<Bytes> {
    let download = &says.download;
    let mut outgoing = match (&download.request, &download.url) {
        (Some(request), _) => api.outgoing(request, None, scope, Purpose::Reading)?,
        (None, Some(url)) => {
            let wrong = |why: String| api.failed(&url.because(why));
            let text = url.text(scope).map_err(|failed| api.failed(&failed))?;
            let text = text.ok_or_else(|| wrong("the answer does not hold it".to_owned()))?;
            // Strangers write it: the plane lets it lead nowhere but to the desk.
            let address = api.desk.config.url.join(&text).map_err(|error| wrong(error.to_string()))?;
            Outgoing {
                method: http::Method::GET,
                url: address,
                headers: Vec::new(),
                body: Body::Empty,
                purpose: Purpose::Reading,
                max_answer_bytes: limit,
            }
        }
        (None, None) => return Err(unsupported("files.download")),
    };
    let Some(expression) = &download.content else {
        outgoing.max_answer_bytes = limit;
        return Ok(api.exchange(outgoing).await?.response.body);
    };
    // Base 64 takes four bytes for three, and a whole ticket may come with it.
    outgoing.max_answer_bytes = outgoing.max_answer_bytes.saturating_add(limit.saturating_mul(4) / 3);
    let answer = api.exchange(outgoing).await?;
    let text = expression
        .text(&scope.clone().and(&answer.scope))
        .map_err(|failed| answer.unreadable(api, &failed))?;
    let packed: String = text.unwrap_or_default().split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(packed).map(Bytes::from).map_err(|_quotes_a_byte| {
        answer.unreadable(api, &expression.because("it gives no base 64".to_owned()))
    })
}

fn texts(
    api: Api<'_>,
    fields: &BTreeMap<String, Expression>,
    scope: &Scope,
) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for (name, expression) in fields {
        if let Some(text) = expression.text(scope).map_err(|failed| api.failed(&failed))? {
            texts.push((name.clone(), text));
        }
    }
    Ok(texts)
}

/// A form with one file (RFC 7578).
fn form(
    fields: &[(String, String)],
    (part, file, bytes): (&str, &Sent<'_>, &Bytes),
    marker: &Marker,
) -> Body {
    let mut parts: Vec<Part<'_>> = fields.iter().map(|(name, text)| Part::text(name, text)).collect();
    parts.push(Part { name: part, file_name: Some(file.name), media_type: Some(file.media_type), bytes });
    let (body, media_type) = multipart::form(&parts, marker);
    Body::Bytes { media_type, bytes: body.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_and_no_content_ends_a_form_early() {
        let marker = Marker::from_hash(&[7; 32]);
        let bytes = Bytes::from(format!("a\r\n--throughline-{marker}--\r\nb"));
        let digest = Digest::new("x");
        let file = Sent {
            name: "a\"; name=\"b\r\n.txt",
            media_type: "text/plain\r\nX-Evil: 1",
            size: 1,
            digest: &digest,
            visibility: Visibility::Public,
        };
        let Body::Bytes { media_type, bytes } =
            form(&[("c".into(), "d".into())], ("file", &file, &bytes), &marker)
        else {
            panic!("a form is bytes")
        };
        let boundary = media_type.split('"').nth(1).unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(text.matches(&format!("--{boundary}\r\n")).count(), 2);
        assert_eq!(text.matches(&format!("--{boundary}--")).count(), 1);
        assert!(text.contains("filename=\"a%22; name=%22b%0D%0A.txt\""), "{text}");
        assert!(!text.contains("\r\nX-Evil"), "{text}");
    }
}
