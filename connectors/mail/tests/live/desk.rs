//! The two mailboxes of `tests/desks/mail.sh`, and connections to its servers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use throughline_sdk::{
    Clock, Destination, Dial, Error, ErrorKind, Protection, Result, Settings, Stream, Timestamp,
};
use throughline_testkit::conformance::Subject;
use throughline_testkit::{Commit, FaultyDial, RouterTransport};
use tokio::net::TcpStream;

use crate::hand::{Partner, Post};

/// One test at the mailboxes.
pub(crate) struct Desk {
    pub(crate) settings: Settings,
    pub(crate) post: Maildirs,
    /// Tells one run from another.
    pub(crate) run: u128,
    env: BTreeMap<String, String>,
}

impl Desk {
    pub(crate) fn new(protection: &str) -> Self {
        Self::with(protection, "support@partner.example")
    }

    pub(crate) fn with(protection: &str, partner: &str) -> Self {
        let folder = std::env::var("THROUGHLINE_DESKS").expect("THROUGHLINE_DESKS names a folder");
        let text = std::fs::read_to_string(Path::new(&folder).join("mail/desk.env")).unwrap();
        let env: BTreeMap<String, String> =
            text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        let mut settings = Settings::default();
        let user = env["MAIL_USER"].as_str();
        for (key, value) in [
            ("imap_host", "localhost"),
            ("imap_protection", protection),
            ("smtp_protection", protection),
            ("user", user),
            ("from", user),
            ("partner", partner),
        ] {
            settings.values.insert(key.to_owned(), value.into());
        }
        for (key, name) in [("imap_port", "MAIL_IMAP_PORT"), ("smtp_port", "MAIL_SMTP_PORT")] {
            settings.values.insert(key.to_owned(), env[name].parse::<u64>().unwrap().into());
        }
        settings.secrets.insert("password".to_owned(), env["MAIL_PASSWORD"].as_str().into());
        let post = Maildirs {
            inbox: env["MAIL_INBOX"].clone().into(),
            partner: env["MAIL_PARTNER"].clone().into(),
            spool: env["MAIL_SPOOL"].clone().into(),
        };
        let run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        Self { settings, post, run, env }
    }

    pub(crate) fn subject(&self) -> Subject {
        let clock: Arc<dyn Clock> = Arc::new(RealClock(Instant::now()));
        let built = throughline_mail::build(&self.settings).unwrap();
        let base = Arc::new(RouterTransport(Default::default()));
        let hand = Box::new(Partner::new(self.post.clone(), &self.run.to_string()));
        let mut subject = Subject::new(built, base, clock, hand);
        let secret = self.env["MAIL_PASSWORD"].clone();
        let port = self.env["MAIL_SMTP_PORT"].parse().unwrap();
        let dial = Arc::new(TcpDial { certificate: self.env["MAIL_CERTIFICATE"].clone().into() });
        let commit = Commit { port, end: b"\r\n.\r\n", secret: secret.clone() };
        subject.dial = Arc::new(FaultyDial::new(dial, subject.transport.clone(), commit));
        subject.dialled = true;
        subject.next_status = "Open".to_owned();
        subject.feed_page = Some(50);
        subject.secrets.push(secret);
        subject
    }

    /// Whether any mail of ours or of the partner has this text in it.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let folders = [
            self.post.inbox.join("new"),
            self.post.inbox.join("cur"),
            self.post.inbox.join(".Sent/new"),
            self.post.inbox.join(".Sent/cur"),
            self.post.partner.join("new"),
        ];
        folders
            .iter()
            .flat_map(|folder| mails(folder))
            .any(|(_, raw)| String::from_utf8_lossy(&raw).contains(text))
    }
}

/// The folders that the servers keep mails in.
#[derive(Clone)]
pub(crate) struct Maildirs {
    inbox: PathBuf,
    partner: PathBuf,
    spool: PathBuf,
}

impl Post for Maildirs {
    fn deliver(&self, raw: Vec<u8>) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name =
            format!("{}.M{}P{}Q{count}.localhost", now.as_secs(), now.subsec_micros(), std::process::id());
        std::fs::write(self.inbox.join("tmp").join(&name), raw).unwrap();
        std::fs::rename(self.inbox.join("tmp").join(&name), self.inbox.join("new").join(&name)).unwrap();
    }

    fn received(&self) -> Vec<Vec<u8>> {
        // Exim delivers in its own time; what is under way lies in its spool.
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(100));
            if std::fs::read_dir(&self.spool).unwrap().next().is_none() {
                break;
            }
        }
        mails(&self.partner.join("new")).into_iter().map(|(_, raw)| raw).collect()
    }

    fn remove(&self, id: &str) {
        let id = format!("Message-ID: <{id}>");
        for folder in ["new", "cur"] {
            for (path, raw) in mails(&self.inbox.join(folder)) {
                if String::from_utf8_lossy(&raw).contains(&id) {
                    std::fs::remove_file(path).unwrap();
                }
            }
        }
    }
}

fn mails(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    // One may be moved or removed meanwhile.
    paths.into_iter().filter_map(|path| std::fs::read(&path).ok().map(|raw| (path, raw))).collect()
}

#[derive(Debug)]
struct RealClock(Instant);

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// Connections to loopback, with the one certificate of the servers trusted.
#[derive(Debug)]
struct TcpDial {
    certificate: PathBuf,
}

impl Dial for TcpDial {
    fn dial<'a>(&'a self, to: Destination<'a>, _: Duration) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        async move {
            assert!(to.protection != Protection::Tls, "the servers begin in the open");
            let stream = TcpStream::connect(("127.0.0.1", to.port)).await;
            let stream: Box<dyn Stream> = Box::new(stream.map_err(|error| unavailable(&error.to_string()))?);
            Ok(stream)
        }
        .boxed()
    }

    fn protect<'a>(
        &'a self,
        stream: Box<dyn Stream>,
        host: &'a str,
        _: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        async move {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(&self.certificate).unwrap()).unwrap();
            let config = rustls::ClientConfig::builder_with_provider(Arc::new(
                rustls::crypto::ring::default_provider(),
            ))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
            let name = ServerName::try_from(host.to_owned()).unwrap();
            let protected = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
            let protected: Box<dyn Stream> =
                Box::new(protected.map_err(|error| unavailable(&error.to_string()))?);
            Ok(protected)
        }
        .boxed()
    }
}

fn unavailable(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, why)
}
