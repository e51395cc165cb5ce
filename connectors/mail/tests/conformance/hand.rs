//! The partner, who writes and gets mails past the connector.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use mail_parser::{MessageParser, MimeHeaders};
use throughline_sdk::RemoteId;
use throughline_testkit::conformance::{Hand, Truth};

/// How mails come and go.
pub(crate) trait Post: Send + Sync {
    /// Puts a mail into our inbox.
    fn deliver(&self, raw: Vec<u8>);
    /// What the partner got so far.
    fn received(&self) -> Vec<Vec<u8>>;
    /// Removes a mail from our inbox.
    fn remove(&self, id: &str);
}

pub(crate) struct Partner<P> {
    post: P,
    count: AtomicU64,
    run: String,
}

impl<P: Post> Partner<P> {
    pub(crate) fn new(post: P, run: &str) -> Self {
        Self { post, count: AtomicU64::new(0), run: run.to_owned() }
    }

    fn mail(&self, from: &str, subject: &str, answers: Option<&RemoteId>, rest: &str) -> String {
        let id = format!("{}.{}@partner.example", self.run, self.count.fetch_add(1, Ordering::Relaxed));
        let references =
            answers.map_or(String::new(), |id| format!("References: <{id}>\r\nIn-Reply-To: <{id}>\r\n"));
        let raw = format!(
            "Return-Path: <{from}>\r\nFrom: Pat Partner <{from}>\r\nTo: tickets@example.org\r\nMessage-ID: <{id}>\r\n\
             Subject: =?utf-8?b?{}?=\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n{references}MIME-Version: 1.0\r\n{rest}",
            STANDARD.encode(subject)
        );
        self.post.deliver(raw.into_bytes());
        id
    }

    fn text(&self, from: &str, subject: &str, answers: Option<&RemoteId>, text: &str) -> String {
        let rest = format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            wrapped(text.as_bytes())
        );
        self.mail(from, subject, answers, &rest)
    }
}

fn wrapped(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join("\r\n")
}

const PARTNER: &str = "support@partner.example";

impl<P: Post> Hand for Partner<P> {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        async move { RemoteId::new(self.text(PARTNER, title, None, "It is broken.")) }.boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        // There is no internal mail; but one of a stranger is as little for all.
        let from = if internal { "stranger@elsewhere.example" } else { PARTNER };
        async move { drop(self.text(from, "Re: it", Some(ticket), body)) }.boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, _: &'a str) -> BoxFuture<'a, ()> {
        async move { drop(self.text(PARTNER, "Re: it", Some(ticket), "Something happened.")) }.boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let name: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        async move {
            let rest = format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee file.\r\n\
                 --b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; \
                 filename*=utf-8''{name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
                wrapped(&bytes)
            );
            self.mail(PARTNER, "Re: it", Some(ticket), &rest);
        }
        .boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        async move {
            let mut truth = Truth { status: "Open".to_owned(), ..Truth::default() };
            for raw in self.post.received() {
                let mail = MessageParser::default().parse(&raw).unwrap();
                let references = mail.references().as_text_list().unwrap_or_default();
                if !references.iter().any(|id| id == ticket.as_str()) {
                    continue;
                }
                let files = mail.attachments().count();
                for file in mail.attachments() {
                    let name = file.attachment_name().unwrap_or_default().to_owned();
                    truth.files.push((name, Bytes::copy_from_slice(file.contents()), false));
                }
                if files == 0 {
                    let text = mail.body_text(0).unwrap_or_default().into_owned();
                    truth.comments.push((text, false));
                }
            }
            truth
        }
        .boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        async move {
            let mut ids = Vec::new();
            for raw in self.post.received() {
                let mail = MessageParser::default().parse(&raw).unwrap();
                if mail.subject().is_some_and(|subject| subject.starts_with(title)) {
                    ids.push(RemoteId::new(mail.message_id().unwrap_or_default()));
                }
            }
            ids
        }
        .boxed()
    }

    fn merge<'a>(&'a self, _: &'a RemoteId, _: &'a RemoteId) -> BoxFuture<'a, bool> {
        async { false }.boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        async move {
            self.post.remove(ticket.as_str());
            true
        }
        .boxed()
    }

    fn refuse<'a>(&'a self, _: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        async { None }.boxed()
    }

    fn ignore_updates(&self, _: bool) -> BoxFuture<'_, bool> {
        async { false }.boxed()
    }

    fn hide_visibility(&self, _: bool) -> BoxFuture<'_, bool> {
        async { true }.boxed()
    }
}
