//! The mails that we send.

use std::time::SystemTime;

use bytes::Bytes;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{Error, ErrorKind, Marker, Result, Timestamp};

use crate::config::Config;
use crate::quote::REPLY_LINE;
use crate::thread;

/// The id of the mail that began the thread.
pub(crate) const TICKET: &str = "X-Throughline-Ticket";
/// The marker of the intent that wrote this mail.
pub(crate) const MARKER: &str = "X-Throughline-Marker";
/// What this mail is: a ticket, a comment or a file.
pub(crate) const KIND: &str = "X-Throughline-Kind";

/// A mail to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// Its id without brackets.
    pub(crate) id: String,
    pub(crate) bytes: Vec<u8>,
}

/// What a mail is made of.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) marker: &'a Marker,
    /// The thread's root; `None` begins a thread.
    pub(crate) root: Option<&'a str>,
    /// What is answered: the latest mail of the thread.
    pub(crate) answers: Option<&'a str>,
    pub(crate) title: &'a str,
    pub(crate) text: &'a str,
    pub(crate) file: Option<(&'a str, &'a str, Bytes)>,
    pub(crate) now: Timestamp,
}

/// The id of the mail that bears this marker.
pub(crate) fn id_of(config: &Config, marker: &Marker) -> String {
    format!("{marker}@{}", config.from.domain())
}

/// Writes a mail. Nothing of it but the partner's address says who it goes to.
pub(crate) fn write(config: &Config, draft: &Draft<'_>) -> Result<Outgoing> {
    let id = id_of(config, draft.marker);
    let root = draft.root.unwrap_or(&id);
    let kind = match (draft.root, &draft.file) {
        (None, _) => "ticket",
        (Some(_), Some(_)) => "file",
        (Some(_), None) => "comment",
    };
    let subject = thread::tagged(&words(draft.title), root);
    let subject = if draft.root.is_some() { format!("Re: {subject}") } else { subject };
    let mut builder = Message::builder()
        .from(Mailbox::new(None, config.from.clone()))
        .to(Mailbox::new(None, config.partner.clone()))
        .subject(subject)
        .date(SystemTime::from(draft.now))
        .message_id(Some(format!("<{id}>")));
    if let Some(root) = draft.root {
        let latest = draft.answers.unwrap_or(root);
        let references = if latest == root { format!("<{root}>") } else { format!("<{root}> <{latest}>") };
        builder = builder.in_reply_to(format!("<{latest}>")).references(references);
    }
    for (name, value) in [
        (TICKET, root),
        (MARKER, draft.marker.as_str()),
        (KIND, kind),
        // <https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcmail>
        ("X-Auto-Response-Suppress", "All"),
    ] {
        let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| defect(&error.to_string()))?;
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let text = SinglePart::plain(format!("{REPLY_LINE}\n\n{}\n", canonical_text(draft.text)));
    let message = match &draft.file {
        None => builder.singlepart(text),
        Some((name, media_type, bytes)) => {
            let media_type = ContentType::parse(media_type)
                .or_else(|_| ContentType::parse("application/octet-stream"))
                .map_err(|error| defect(&error.to_string()))?;
            // Text would be sent in another encoding with other line ends.
            let body = lettre::message::Body::new_with_encoding(
                bytes.to_vec(),
                lettre::message::header::ContentTransferEncoding::Base64,
            )
            .map_err(|_bytes| defect("a file cannot be encoded"))?;
            let file = Attachment::new((*name).to_owned()).body(body, media_type);
            builder.multipart(MultiPart::mixed().singlepart(text).singlepart(file))
        }
    };
    let message = message.map_err(|error| defect(&error.to_string()))?;
    Ok(Outgoing { id, bytes: message.formatted() })
}

/// A title with one space between its words: folding and encoding of a header keep no more than that.
fn words(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn defect(why: &str) -> Error {
    Error::new(ErrorKind::Rejected, format!("no mail can be made of this: {why}; nothing was sent"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connector::tests::config;
    use crate::letter::Letter;

    fn draft<'a>(marker: &'a Marker, title: &'a str, text: &'a str) -> Draft<'a> {
        let now = Timestamp::from_timestamp(1_767_225_600, 0).unwrap();
        Draft { marker, root: Some("root@p"), answers: Some("last@p"), title, text, file: None, now }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(title in "[^\\pC ]([^\\pC]{0,60}[^\\pC ])?", text in "(\\PC|\n|\\.\n|From |> ){0,200}") {
            let (config, marker) = (config(), thread::tag("x"));
            let sent = write(&config, &draft(&marker, &title, &text)).unwrap();
            prop_assert!(sent.bytes.is_ascii());
            let read = Letter::read(&sent.bytes);
            prop_assert_eq!(read.written(), canonical_text(canonical_text(&text).trim_start_matches('\n')));
            prop_assert_eq!(thread::untagged(read.subject.strip_prefix("Re: ").unwrap()), words(&title));
            prop_assert_eq!(read.answers, ["root@p", "last@p"]);
            let own = read.own.unwrap();
            prop_assert_eq!(own.marker.as_ref(), Some(&marker));
            prop_assert_eq!(own.ticket, "root@p");
        }

        #[test]
        fn a_file_arrives_as_it_was(name in "[^\\pC\\pZ/\\\\]{1,20}( [^\\pC\\pZ/\\\\]{1,20})?", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (config, marker) = (config(), thread::tag("x"));
            let file = Some((name.as_str(), "text/plain", Bytes::from(bytes.clone())));
            let sent = write(&config, &Draft { file, ..draft(&marker, "t", "A file.") }).unwrap();
            let read = Letter::read(&sent.bytes);
            prop_assert_eq!(read.files.len(), 1);
            prop_assert_eq!(&read.files[0].name, &name);
            prop_assert_eq!(read.files[0].bytes.as_ref(), bytes.as_slice());
        }
    }
}
