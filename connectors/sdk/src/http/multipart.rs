//! Files in a form: `multipart/form-data` (RFC 7578).

use crate::Marker;

/// What is said of a file without a media type that can be read.
pub const BYTES: &str = "application/octet-stream";

/// One part of a form.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The field.
    pub name: &'a str,
    /// What the file is called, where it is one.
    pub file_name: Option<&'a str>,
    /// The media type with its parameters; text without it.
    pub media_type: Option<&'a str>,
    /// What stands in it.
    pub bytes: &'a [u8],
}

impl<'a> Part<'a> {
    /// A field with a text.
    pub fn text(name: &'a str, text: &'a str) -> Self {
        Self { name, file_name: None, media_type: None, bytes: text.as_bytes() }
    }
}

/// The body of a form and its content type. No name, type or content ends a part early: the boundary begins with the
/// marker, which nobody could know beforehand, and stands in none of them.
pub fn form(parts: &[Part<'_>], marker: &Marker) -> (Vec<u8>, String) {
    let mut boundary = format!("throughline-{marker}");
    while parts.iter().any(|part| holds(part.bytes, boundary.as_bytes())) {
        boundary.push('x');
    }
    let mut body = Vec::new();
    for part in parts {
        let mut head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(part.name));
        if let Some(name) = part.file_name {
            head.push_str(&format!("; filename=\"{}\"", quoted(name)));
        }
        if let Some(media_type) = part.media_type {
            let media_type: String = media_type.chars().filter(|letter| !letter.is_control()).collect();
            head.push_str(&format!("\r\nContent-Type: {media_type}"));
        }
        head.push_str("\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary=\"{boundary}\""))
}

/// A file's name for desks that take a slash for a path and read a quote to its end.
pub fn plain_name(name: &str) -> String {
    let letters = name.chars().filter(|letter| !letter.is_control());
    letters.map(|letter| if matches!(letter, '"' | '/' | '\\') { '_' } else { letter }).collect()
}

/// A media type in small letters and without its parameters; `None` for what is none.
pub fn plain_type(text: &str) -> Option<String> {
    let plain = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    let (kind, subtype) = plain.split_once('/')?;
    (token(kind) && token(subtype)).then_some(plain)
}

/// A name inside of quotes, escaped as browsers do it (WHATWG, multipart/form-data).
fn quoted(name: &str) -> String {
    let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    name.chars().filter(|letter| !letter.is_control()).collect()
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_its_parts_between_boundaries() {
        let marker = Marker::from_hash(&[7; 32]);
        let file =
            Part { name: "f", file_name: Some("ü.txt"), media_type: Some("text/plain"), bytes: b"\0hi" };
        let (body, content_type) = form(&[Part::text("private", "false"), file], &marker);
        let boundary = format!("throughline-{marker}");
        assert_eq!(content_type, format!("multipart/form-data; boundary=\"{boundary}\""));
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"private\"\r\n\r\nfalse\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"ü.txt\"\r\n\
             Content-Type: text/plain\r\n\r\n\0hi\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn nothing_ends_a_part_early(
            name in "(.|\r|\n|\"|--){0,12}",
            media_type in "(text/plain|\r\n|X: y|;){0,4}",
            text in "(.|\r\n|--|BOUNDARY|x){0,12}",
        ) {
            let marker = Marker::from_hash(&[7; 32]);
            let text = text.replace("BOUNDARY", &format!("throughline-{marker}"));
            let part =
                Part { name: &name, file_name: Some(&name), media_type: Some(&media_type), bytes: text.as_bytes() };
            let (body, content_type) = form(&[part, Part::text("last", &text)], &marker);
            let body = String::from_utf8(body).unwrap();
            let boundary = content_type.split('"').nth(1).unwrap();
            let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
            prop_assert_eq!(parts.len(), 4, "{}", body);
            let (head, inside) = parts[1].split_once("\r\n\r\n").unwrap();
            prop_assert_eq!(head.trim_start().lines().count(), 2, "{}", head);
            prop_assert_eq!(inside, format!("{text}\r\n"));
        }
    }

    #[test]
    fn a_plain_name_is_no_path_and_a_plain_type_has_no_parameters() {
        assert_eq!(plain_name("a\"\r\nX: y/…\\ü.txt"), "a_X: y_…_ü.txt");
        assert_eq!(plain_type("Text/Plain; charset=utf-8").as_deref(), Some("text/plain"));
        for none in ["", "text", "text/", "text/x\r\nX: y", "te xt/plain"] {
            assert_eq!(plain_type(none), None, "{none:?}");
        }
    }
}
