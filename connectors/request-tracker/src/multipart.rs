//! The one form RT takes files in without harm to their names: multipart, where JSON spoils what is not ASCII.

use serde_json::Value;
use throughline_sdk::Marker;
use throughline_sdk::http::multipart::{self, BYTES, Part};

use crate::map::MARKER_PARAMETER;

/// A file to send.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    pub(crate) media_type: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) marker: &'a Marker,
}

/// A form with a message as JSON and one file, and its content type.
pub(crate) fn form(message: &Value, file: &File<'_>) -> (Vec<u8>, String) {
    let (json, name) = (message.to_string(), file_name(file.name));
    let media_type = format!("{}; {MARKER_PARAMETER}=\"{}\"", media_type(file), file.marker);
    let message =
        Part { name: "JSON", file_name: None, media_type: Some("application/json"), bytes: json.as_bytes() };
    let attached = Part {
        name: "Attachments",
        file_name: Some(&name),
        media_type: Some(&media_type),
        bytes: file.bytes,
    };
    multipart::form(&[message, attached], file.marker)
}

/// A name that RT takes: "0" is no name to it.
fn file_name(name: &str) -> String {
    let plain = multipart::plain_name(name);
    if plain.is_empty() || plain == "0" { format!("file-{plain}") } else { plain }
}

/// RT rewrites text that is not UTF-8 and takes mails apart; as plain bytes they stay as they are.
fn media_type(file: &File<'_>) -> String {
    let Some(plain) = multipart::plain_type(file.media_type) else { return BYTES.to_owned() };
    match plain.split('/').next() {
        Some("multipart" | "message") => BYTES.to_owned(),
        Some("text") if std::str::from_utf8(file.bytes).is_err() => BYTES.to_owned(),
        Some(_) | None => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(name: &str, media_type: &str, bytes: &[u8]) -> String {
        let marker = Marker::from_hash(&[7; 32]);
        let (body, _) = form(&json!({}), &File { name, media_type, bytes, marker: &marker });
        String::from_utf8_lossy(&body).into_owned()
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        let body = sent("a\"\r\nX: y/…\\ü.txt", "text/plain", b"x");
        assert!(body.contains("filename=\"a_X: y_…_ü.txt\""), "{body}");
    }

    #[test]
    fn what_rt_would_rewrite_goes_as_bytes() {
        assert!(
            sent("a", "text/plain; charset=latin1", b"\xe9")
                .contains("application/octet-stream; throughline=")
        );
        assert!(sent("a", "text/plain; charset=utf-8", "é".as_bytes()).contains("text/plain; throughline="));
        assert!(sent("a", "message/rfc822", b"x").contains("application/octet-stream"));
        assert!(sent("a", "nonsense\r\nX: y", b"x").contains("application/octet-stream"));
    }
}
