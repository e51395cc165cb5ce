//! The one form Jira takes files in.

use throughline_sdk::Marker;

/// A form with one file under the name that Jira asks for, and its content type.
///
/// See [Add attachment](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-attachments/).
pub(crate) fn form(name: &str, media_type: &str, bytes: &[u8], marker: &Marker) -> (Vec<u8>, String) {
    let mut boundary = format!("throughline-{marker}");
    while contains(bytes, boundary.as_bytes()) {
        boundary.push('x');
    }
    let (name, media_type) = (file_name(name), plain(media_type));
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary={boundary}"))
}

/// A name without what would end it, be taken for a path, or is refused by Jira.
pub(crate) fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if matches!(c, '"' | '/' | '\\') { '_' } else { c })
        .collect();
    if safe.trim().is_empty() { "file".to_owned() } else { safe }
}

fn plain(media_type: &str) -> String {
    let plain = media_type.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    match plain.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) => plain.to_owned(),
        Some(_) | None => "application/octet-stream".to_owned(),
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        let (body, _) = form("a\"\r\nX: y/…\\ü.txt", "text/plain; x", b"x", &Marker::from_hash(&[7; 32]));
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains("filename=\"a_X: y_…_ü.txt\"\r\nContent-Type: text/plain\r\n"), "{body}");
    }

    #[test]
    fn a_file_that_holds_the_boundary_gets_another() {
        let marker = Marker::from_hash(&[7; 32]);
        let (_, media_type) = form("a", "?", format!("--throughline-{marker}").as_bytes(), &marker);
        assert!(media_type.ends_with('x'), "{media_type}");
    }
}
