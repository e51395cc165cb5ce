//! A mail as it is read: who, when, in answer to what, and what it says.

use bytes::Bytes;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{
    Address, Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};
use throughline_markup::{html, plain};
use throughline_sdk::Marker;
use throughline_sdk::ticket::canonical_text;

use crate::compose::{KIND, MARKER, TICKET};
use crate::quote::{self, REPLY_LINE};
use crate::thread::is_id;

/// A mail, or its header alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Letter {
    /// Its id without brackets; empty if it has none that can be looked for.
    pub(crate) id: String,
    /// What it answers, the oldest first.
    pub(crate) answers: Vec<String>,
    pub(crate) subject: String,
    /// The sender's name, or what stands before the at sign.
    pub(crate) author: String,
    /// The sender's address, in lower case; empty unless there is exactly one.
    pub(crate) address: String,
    /// Whether no person wrote it: an automatic answer, a list, a report.
    pub(crate) automatic: bool,
    /// What our own header fields say; believed only in the folder of sent mails.
    pub(crate) own: Option<Own>,
    /// Its plain text as it stands there.
    plain: String,
    /// What it adds to its thread, as canonical text: what it quotes is left out.
    pub(crate) said: String,
    pub(crate) files: Vec<Attached>,
}

/// Our own header fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) ticket: String,
    pub(crate) marker: Option<Marker>,
    pub(crate) is_file: bool,
}

/// An attached file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    /// Its place in the mail.
    pub(crate) part: usize,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

impl Letter {
    /// Reads a mail. What is broken is read as far as it goes.
    pub(crate) fn read(raw: &[u8]) -> Self {
        // Nothing but an empty text has no header at all.
        let Some(message) = MessageParser::default().parse(raw) else { return Self::default() };
        let own = raw_text(&message, TICKET).filter(|ticket| is_id(ticket)).map(|ticket| Own {
            ticket,
            marker: raw_text(&message, MARKER).as_deref().and_then(Marker::find_in),
            is_file: raw_text(&message, KIND).as_deref() == Some("file"),
        });
        let mut answers: Vec<String> = Vec::new();
        for id in ids(message.references()).chain(ids(message.in_reply_to())) {
            if !answers.contains(&id) {
                answers.push(id);
            }
        }
        let (author, address) = sender(message.from());
        let (plain, said) = texts(&message);
        Self {
            id: message.message_id().map(str::trim).filter(|id| is_id(id)).unwrap_or_default().to_owned(),
            answers,
            subject: message.subject().unwrap_or_default().to_owned(),
            author,
            address,
            automatic: is_automatic(&message),
            own,
            plain,
            said,
            files: files(&message),
        }
    }

    /// What a mail of ours says, exactly as it was written.
    pub(crate) fn written(&self) -> String {
        let text = self.plain.strip_prefix(REPLY_LINE).unwrap_or(&self.plain);
        canonical_text(text.trim_start_matches('\n'))
    }
}

fn raw_text(message: &Message<'_>, name: &'static str) -> Option<String> {
    message.header_raw(name).map(|text| text.trim().to_owned())
}

fn ids<'a>(value: &'a HeaderValue<'_>) -> impl Iterator<Item = String> + 'a {
    let list = value.as_text_list().unwrap_or_default().iter();
    list.map(|id| id.trim().to_owned()).filter(|id| is_id(id))
}

/// The one sender. A mail that claims several is from nobody.
fn sender(from: Option<&Address<'_>>) -> (String, String) {
    let mut all = from.into_iter().flat_map(Address::iter);
    let (first, more) = (all.next(), all.next());
    let address = first.and_then(|one| one.address()).map(str::to_lowercase).unwrap_or_default();
    let local = address.split('@').next().unwrap_or_default();
    let name = first.and_then(|one| one.name()).map(str::trim).filter(|name| !name.is_empty());
    let name = name.unwrap_or(local).to_owned();
    (name, if more.is_none() { address } else { String::new() })
}

/// <https://www.rfc-editor.org/rfc/rfc3834>, and what was used before it.
fn is_automatic(message: &Message<'_>) -> bool {
    let word = |name: &'static str| {
        let text = raw_text(message, name)?.to_ascii_lowercase();
        Some(text.split([';', ' ']).next().unwrap_or_default().to_owned())
    };
    let report = message.root_part().content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case("multipart")
            && kind.subtype().is_some_and(|sub| sub.eq_ignore_ascii_case("report"))
    });
    report
        || word("Auto-Submitted").is_some_and(|word| word != "no")
        || word("Precedence").is_some_and(|word| {
            matches!(word.as_str(), "bulk" | "junk" | "list" | "auto_reply" | "auto-reply")
        })
        || word("Return-Path").is_some_and(|word| word == "<>")
        || word("List-Id").is_some()
        || word("X-Autoreply").is_some()
        || word("X-Autorespond").is_some()
}

/// What a mail says, with and without what it quotes: the plain text where there is one, else what the HTML says.
fn texts(message: &Message<'_>) -> (String, String) {
    let (mut plain, mut canonical, mut has_html) = (Vec::new(), Vec::new(), false);
    for part in message.text_bodies() {
        match &part.body {
            PartType::Text(text) => {
                let text = canonical_text(text);
                canonical.push(plain::read(&text).text);
                plain.push(text);
            }
            PartType::Html(text) => {
                has_html = true;
                canonical.push(html::read(text).text);
            }
            PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_)
            | PartType::Multipart(_) => {}
        }
    }
    let join = |mut texts: Vec<String>| {
        texts.retain(|text| !text.trim().is_empty());
        texts.join("\n\n")
    };
    let (plain, canonical) = (join(plain), join(canonical));
    // Quotes are known by their first characters, which canonical text escapes where they are plain.
    let said = if has_html { quote::cut(&canonical) } else { plain::read(&quote::cut(&plain)).text };
    (plain, canonical_text(&said))
}

/// Everything that is neither the text nor another form of it: attachments, and pictures inside the text.
fn files(message: &Message<'_>) -> Vec<Attached> {
    let mut files = Vec::new();
    for (number, part) in message.parts.iter().enumerate() {
        let listed = message.attachments.iter().any(|id| usize::try_from(*id).ok() == Some(number));
        let binary = matches!(&part.body, PartType::Binary(_) | PartType::InlineBinary(_));
        if matches!(&part.body, PartType::Multipart(_)) || !(listed || binary) {
            continue;
        }
        let kind = part.content_type();
        let media_type = kind.map(|kind| match kind.subtype() {
            Some(sub) => format!("{}/{sub}", kind.ctype()).to_lowercase(),
            None => kind.ctype().to_lowercase(),
        });
        let bytes = match &part.body {
            PartType::Message(inner) => Bytes::copy_from_slice(inner.raw_message()),
            // Texts are turned into UTF-8 by the parser; a file is what was attached.
            PartType::Text(_) | PartType::Html(_) => undecoded(message, part),
            PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Multipart(_) => {
                Bytes::copy_from_slice(part.contents())
            }
        };
        let named = part.attachment_name().map(file_name).filter(|name| !name.is_empty());
        let ending = if matches!(&part.body, PartType::Message(_)) { ".eml" } else { "" };
        files.push(Attached {
            part: number,
            name: named.unwrap_or_else(|| format!("part-{number}{ending}")),
            media_type: media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
            bytes,
        });
    }
    files
}

/// The bytes of a part in their own character set.
fn undecoded(message: &Message<'_>, part: &MessagePart<'_>) -> Bytes {
    let range = usize::try_from(part.offset_body).ok().zip(usize::try_from(part.offset_end).ok());
    let raw = range.and_then(|(from, to)| message.raw_message().get(from..to)).unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::None => None,
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
        Encoding::Base64 => base64_decode(raw),
    };
    decoded.map_or_else(|| Bytes::copy_from_slice(raw), Bytes::from)
}

/// A name without a path and without control characters.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(200).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letter(header: &str, body: &str) -> Letter {
        Letter::read(
            format!("{}\r\n\r\n{}", header.replace('\n', "\r\n"), body.replace('\n', "\r\n")).as_bytes(),
        )
    }

    #[test]
    fn a_mail_says_who_and_in_answer_to_what() {
        let read = letter(
            "From: =?utf-8?q?J=C3=BCrgen?= <J@Partner.example>\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\nMessage-ID: <m3@p>\n\
             References: <m1@p>\n <m2@p>\nIn-Reply-To: <m2@p>",
            "Hello\n\nOn Mon, us@example.org wrote:\n> old\n",
        );
        assert_eq!((read.author.as_str(), read.address.as_str()), ("J\u{fc}rgen", "j@partner.example"));
        assert_eq!((read.subject.as_str(), read.id.as_str()), ("Gr\u{fc}\u{df}e", "m3@p"));
        assert_eq!(read.answers, ["m1@p", "m2@p"]);
        assert_eq!(read.said, "Hello");
        assert!(!read.automatic && read.own.is_none());
    }

    #[test]
    fn what_no_person_wrote_is_told() {
        for header in [
            "Auto-Submitted: auto-replied",
            "auto-submitted: auto-generated; x=y",
            "Precedence: bulk",
            "Precedence: auto_reply",
            "List-Id: <l.example>",
            "Return-Path: <>",
            "X-Autoreply: yes",
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        ] {
            assert!(letter(&format!("From: a@b\n{header}"), "x").automatic, "{header}");
        }
        for header in ["Auto-Submitted: no", "Return-Path: <a@b>", "Precedence: first-class"] {
            assert!(!letter(&format!("From: a@b\n{header}"), "x").automatic, "{header}");
        }
        assert_eq!(letter("From: a@b, c@d", "x").address, "", "two senders are none");
    }

    #[test]
    fn files_are_read_with_their_names_and_pictures_too() {
        let read = letter(
            "From: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o",
            "--o\nContent-Type: multipart/related; boundary=i\n\n--i\nContent-Type: text/html\n\n<p>see <b>this</b></p>\n\
             --i\nContent-Type: image/png\nContent-ID: <p>\nContent-Disposition: inline; filename=p.png\n\
             Content-Transfer-Encoding: base64\n\nAAEC\n--i--\n--o\nContent-Type: application/pdf\n\
             Content-Disposition: attachment; filename*=utf-8''..%2F%C3%9C.pdf\nContent-Transfer-Encoding: base64\n\n/w==\n--o--\n",
        );
        assert_eq!(read.said, "see **this**");
        let files: Vec<_> = read.files.iter().map(|f| (f.name.as_str(), f.bytes.as_ref())).collect();
        assert_eq!(files, [("p.png", &[0u8, 1, 2][..]), ("\u{dc}.pdf", &[255][..])]);
    }

    proptest! {
        #[test]
        fn nothing_is_too_broken_to_be_read(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(Letter::read(&raw).said);
        }

        #[test]
        fn no_header_is_too_broken_to_be_read(
            text in "(Content-Type: multipart/mixed; boundary=b\r\n|--b|\r\n|From: |<a@b>|\\PC){0,30}"
        ) {
            drop(Letter::read(text.as_bytes()).said);
        }
    }
}
