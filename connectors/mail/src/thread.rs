//! Which thread a mail belongs to: ids of mails, and the tag in the subject.

use ring::digest::{SHA256, digest};
use throughline_sdk::Marker;

/// The tag of a thread: a hash of its root's id.
pub(crate) fn tag(root: &str) -> Marker {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, root.as_bytes()).as_ref()) {
        *to = *from;
    }
    Marker::from_hash(&hash)
}

/// A subject with the tag of its thread.
pub(crate) fn tagged(title: &str, root: &str) -> String {
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{} [{}]", title.trim(), tag(root))
}

/// The tag that stands in a subject.
pub(crate) fn tag_in(subject: &str) -> Option<Marker> {
    // The last one: a title may quote another.
    subject.rmatch_indices('[').find_map(|(at, _)| Marker::find_in(subject.get(at..)?))
}

/// A subject without its tag, as we wrote it.
pub(crate) fn untagged(subject: &str) -> String {
    let text = match tag_in(subject) {
        Some(tag) => subject.replace(&format!("[{tag}]"), ""),
        None => subject.to_owned(),
    };
    text.trim().to_owned()
}

/// A subject without its tag and without the signs of a reply.
pub(crate) fn title(subject: &str) -> String {
    let text = untagged(subject);
    let mut rest = text.as_str();
    loop {
        let lower = rest.to_lowercase();
        let sign =
            ["re:", "aw:", "fw:", "fwd:", "wg:", "sv:"].into_iter().find(|sign| lower.starts_with(sign));
        let Some(after) = sign.and_then(|sign| rest.get(sign.len()..)) else { break };
        rest = after.trim_start();
    }
    match rest.is_empty() {
        true => "(no subject)".to_owned(),
        false => rest.to_owned(),
    }
}

/// Whether a text can be the id of a mail that we look for: it is put between quotes into a command.
pub(crate) fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 500
        && id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'<' | b'>'))
}

/// The marker of a mail of ours, by its id.
pub(crate) fn marker_of(id: &str, domain: &str) -> Option<Marker> {
    let (local, at) = id.split_once('@')?;
    let marker = Marker::find_in(local)?;
    (marker.as_str() == local && at.eq_ignore_ascii_case(domain)).then_some(marker)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_subject_keeps_its_title() {
        let subject = tagged("Printer: on fire", "a@b");
        assert_eq!(title(&format!("AW: Re: {subject}")), "Printer: on fire");
        assert_eq!(tag_in(&format!("Re: {subject}")), Some(tag("a@b")));
        assert_eq!(title(" Re: "), "(no subject)");
        assert_ne!(tag("a@b"), tag("a@c"));
    }

    #[test]
    fn only_our_ids_bear_a_marker() {
        let marker = tag("x");
        assert_eq!(marker_of(&format!("{marker}@example.org"), "Example.ORG"), Some(marker.clone()));
        assert_eq!(marker_of(&format!("{marker}@example.com"), "example.org"), None);
        assert_eq!(marker_of(&format!("x{marker}@example.org"), "example.org"), None);
        assert!(!is_id("a\" OR ALL") && !is_id("") && !is_id("a\r\nb") && is_id("a.b$c@d"));
    }

    proptest! {
        #[test]
        fn no_subject_is_too_odd(text in "\\PC{0,80}") {
            let tagged = tagged(&text, "root@example.org");
            prop_assert_eq!(tag_in(&tagged).is_some(), true);
            prop_assert!(!title(&tagged).is_empty());
        }
    }
}
