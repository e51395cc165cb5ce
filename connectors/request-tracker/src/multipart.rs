//! The one form RT takes files in without harm to their names: multipart, where JSON spoils what is not ASCII.

use serde_json::Value;
use throughline_sdk::Marker;

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
    let json = message.to_string();
    let mut boundary = format!("throughline-{}", file.marker);
    while contains(file.bytes, boundary.as_bytes()) || json.contains(&boundary) {
        boundary.push('x');
    }
    let name = file_name(file.name);
    let media_type = media_type(file);
    let marker = file.marker;
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"JSON\"\r\nContent-Type: application/json\r\n\r\n{json}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"Attachments\"; filename=\"{name}\"\r\n\
         Content-Type: {media_type}; {MARKER_PARAMETER}=\"{marker}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary=\"{boundary}\""))
}

/// A name without what would end it, or be taken for a path.
fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if matches!(c, '"' | '/' | '\\') { '_' } else { c })
        .collect();
    // RT takes "0" for no name.
    if safe.is_empty() || safe == "0" { format!("file-{safe}") } else { safe }
}

/// RT rewrites text that is not UTF-8 and takes mails apart; as plain bytes they stay as they are.
fn media_type(file: &File<'_>) -> String {
    const BYTES: &str = "application/octet-stream";
    let plain = file.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    match plain.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) => match kind {
            "multipart" | "message" => BYTES.to_owned(),
            "text" if std::str::from_utf8(file.bytes).is_err() => BYTES.to_owned(),
            _ => plain,
        },
        Some(_) | None => BYTES.to_owned(),
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
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

    #[test]
    fn a_file_that_holds_the_boundary_gets_another() {
        let marker = Marker::from_hash(&[7; 32]);
        let bytes = format!("--throughline-{marker}");
        let (_, media_type) =
            form(&json!({}), &File { name: "a", media_type: "", bytes: bytes.as_bytes(), marker: &marker });
        assert!(media_type.ends_with("x\""), "{media_type}");
    }
}
