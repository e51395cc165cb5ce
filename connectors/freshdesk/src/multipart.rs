//! The one form Freshdesk takes files in: `multipart/form-data` (RFC 7578).

/// A file to send.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    pub(crate) media_type: &'a str,
    pub(crate) bytes: &'a [u8],
}

/// A form with fields and one file, and its content type. `seed` tells the boundary from what stands between.
pub(crate) fn form(fields: &[(&str, &str)], file: &File<'_>, seed: &str) -> (Vec<u8>, String) {
    let mut boundary = format!("throughline-{seed}");
    while contains(file.bytes, boundary.as_bytes())
        || fields.iter().any(|(_, value)| value.contains(&boundary))
    {
        boundary.push('x');
    }
    let mut body = Vec::with_capacity(file.bytes.len().saturating_add(1024));
    for (name, value) in fields {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"attachments[]\"; filename=\"{}\"\r\n\
         Content-Type: {}\r\n\r\n",
        file_name(file.name),
        media_type(file.media_type)
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary=\"{boundary}\""))
}

/// A name without what would end it, or be taken for a path.
fn file_name(name: &str) -> String {
    let letters = name.chars().filter(|letter| !letter.is_control());
    letters.map(|letter| if matches!(letter, '"' | '/' | '\\') { '_' } else { letter }).collect()
}

fn media_type(text: &str) -> String {
    let plain = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    match plain.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) => plain,
        Some(_) | None => "application/octet-stream".to_owned(),
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(name: &str, media_type: &str, bytes: &[u8]) -> (String, String) {
        let (body, content_type) = form(&[("private", "false")], &File { name, media_type, bytes }, "7");
        (String::from_utf8_lossy(&body).into_owned(), content_type)
    }

    #[test]
    fn a_name_or_type_cannot_leave_its_header() {
        let (body, _) = sent("a\"\r\nX: y/…\\ü.txt", "text/x\r\nX: y", b"x");
        assert!(
            body.contains("filename=\"a_X: y_…_ü.txt\"\r\nContent-Type: application/octet-stream\r\n"),
            "{body}"
        );
    }

    #[test]
    fn a_file_that_holds_the_boundary_gets_another() {
        let (_, content_type) = sent("a", "text/plain", b"--throughline-7");
        assert!(content_type.ends_with("7x\""), "{content_type}");
    }
}
