//! The connector under test, on the simulated server, with a clock that only moves when nothing else does.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use throughline_sdk::{Clock, Destination, Dial, Error, ErrorKind, Result, Settings, Stream, Timestamp};
use throughline_testkit::conformance::Subject;
use throughline_testkit::{Commit, FaultyDial, RouterTransport};

use crate::hand::Partner;
use crate::mailbox::Mailbox;
use crate::server;

pub(crate) const PASSWORD: &str = "pass word+1";

/// The runtime's own paused clock.
#[derive(Debug)]
pub(crate) struct PausedClock(tokio::time::Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(1_767_225_600, 0).unwrap() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// Connections to the simulated servers.
#[derive(Debug)]
struct SimulatedDial(Arc<Mailbox>);

impl Dial for SimulatedDial {
    #[expect(clippy::disallowed_methods, reason = "a server of a test, which ends with its connection")]
    fn dial<'a>(&'a self, to: Destination<'a>, _: Duration) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        async move {
            let (ours, theirs) = tokio::io::duplex(4096);
            let mailbox = Arc::clone(&self.0);
            match (to.host, to.port) {
                ("imap.example.org", 993) => drop(tokio::spawn(server::imap(mailbox, theirs))),
                ("smtp.example.org", 465) => drop(tokio::spawn(server::smtp(mailbox, theirs))),
                other => return Err(Error::new(ErrorKind::Misconfigured, format!("{other:?} was dialled"))),
            }
            let ours: Box<dyn Stream> = Box::new(ours);
            Ok(ours)
        }
        .boxed()
    }

    fn protect<'a>(
        &'a self,
        _: Box<dyn Stream>,
        _: &'a str,
        _: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        async { Err(Error::new(ErrorKind::Misconfigured, "nobody asked for it")) }.boxed()
    }
}

pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    for (key, value) in [
        ("imap_host", "imap.example.org"),
        ("smtp_host", "smtp.example.org"),
        ("user", "tickets@example.org"),
        ("from", "tickets@example.org"),
        ("partner", "support@partner.example"),
    ] {
        settings.values.insert(key.to_owned(), value.into());
    }
    settings.secrets.insert("password".to_owned(), PASSWORD.into());
    settings
}

pub(crate) fn mailbox() -> (Arc<Mailbox>, Subject) {
    let clock: Arc<dyn Clock> = Arc::new(PausedClock(tokio::time::Instant::now()));
    let mailbox = Mailbox::new(Arc::clone(&clock));
    let built = throughline_mail::build(&settings()).unwrap();
    let base = Arc::new(RouterTransport(Default::default()));
    let hand = Box::new(Partner::new(Arc::clone(&mailbox), "run"));
    let mut subject = Subject::new(built, base, clock, hand);
    let commit = Commit { port: 465, end: b"\r\n.\r\n", secret: PASSWORD.to_owned() };
    let dial = Arc::new(SimulatedDial(Arc::clone(&mailbox)));
    subject.dial = Arc::new(FaultyDial::new(dial, subject.transport.clone(), commit));
    subject.dialled = true;
    subject.next_status = "Open".to_owned();
    subject.feed_page = Some(50);
    subject.secrets.push(PASSWORD.to_owned());
    (mailbox, subject)
}
