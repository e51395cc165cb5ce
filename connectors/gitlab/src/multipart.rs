//! One file as a form, the way GitLab takes uploads.

use bytes::Bytes;
use throughline_sdk::Marker;

/// The media type and body of a form whose part `file` is this file.
///
/// The boundary is made of the marker: a hash of our own key that nobody could put into the file beforehand.
pub(crate) fn form(name: &str, media_type: &str, bytes: &[u8], marker: &Marker) -> (String, Bytes) {
    let boundary = format!("throughline-{marker}");
    let name = header(name).replace('"', "%22");
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {}\r\n\r\n",
        header(media_type)
    );
    let body = [head.as_bytes(), bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    (format!("multipart/form-data; boundary={boundary}"), body.into())
}

/// Without what would end a header field.
fn header(text: &str) -> String {
    text.replace(['\r', '\n', '\0'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stands_between_its_boundaries_whatever_its_name() {
        let marker = Marker::from_hash(&[3; 32]);
        let (media_type, body) = form("a\"b\r\nX: y.txt", "text/plain", b"\x00hi\r\n", &marker);
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(media_type.ends_with(&format!("boundary=throughline-{marker}")));
        assert!(body.contains("filename=\"a%22b  X: y.txt\"\r\n"), "{body}");
        assert!(body.ends_with(&format!("\r\n\r\n\0hi\r\n\r\n--throughline-{marker}--\r\n")), "{body}");
    }
}
