//! Files of foreign people, handed out so that no browser shows them as a page of ours.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use throughline_sdk::Digest;

use super::Refusal;
use crate::api::{Problem, inert};
use crate::daemon::Shared;

/// The bytes of this digest, to be saved under a name of theirs.
pub(super) async fn download(shared: &Shared, digest: &Digest, name: &str) -> Result<Response, Refusal> {
    let bytes = shared.blobs.read(digest).await.map_err(|error| Problem::internal(&error))?;
    let mut answer = inert(bytes);
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{}", saved_as(name))) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(answer)
}

/// A name without a path and without what a reader would not see, percent-encoded (RFC 8187).
fn saved_as(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|sign| !super::words::is_hidden(*sign)).collect();
    let clean = clean.trim_start_matches('.').trim();
    let clean = if clean.is_empty() { "file" } else { clean };
    let mut out = String::new();
    for byte in clean.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_saved_is_a_name_only() {
        for (name, expected) in [
            ("../../etc/passwd", "passwd"),
            ("a\\b.txt", "b.txt"),
            ("log – Ü.txt", "log%20%E2%80%93%20%C3%9C.txt"),
            ("x\r\nset-cookie: a=b\";filename=y.html", "xset-cookie%3A%20a%3Db%22%3Bfilename%3Dy.html"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            (".htaccess", "htaccess"),
            ("", "file"),
        ] {
            assert_eq!(saved_as(name), expected);
        }
    }
}
