//! Connections that fail on command, for connectors that speak other protocols than HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::Method;
use throughline_sdk::{Destination, Dial, Error, ErrorKind, Result, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use url::Url;

use crate::{Fault, Faulty};

/// How many bytes of a connection arrive before it is cut off.
const CUT_AFTER: usize = 512;

/// What makes a write of the bytes that go over a connection.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The port that writes go to.
    pub port: u16,
    /// With these bytes the other side has everything it needs to carry the write out.
    pub end: &'static [u8],
    /// What is replaced by other letters where credentials are to be wrong.
    pub secret: String,
}

/// Connections that take their faults from a [`Faulty`]: each connection counts as a read there, each commit as a write.
///
/// A fault of a read meets the whole connection, that of a write the moment of its commit: the reply to it is dropped,
/// or it never arrives and nothing ever answers. Faults that only HTTP knows are a dropped reply.
#[derive(Debug)]
pub struct FaultyDial {
    inner: Arc<dyn Dial>,
    faults: Faulty,
    commit: Commit,
}

impl FaultyDial {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn Dial>, faults: Faulty, commit: Commit) -> Self {
        Self { inner, faults, commit }
    }
}

impl Dial for FaultyDial {
    fn dial<'a>(&'a self, to: Destination<'a>, deadline: Duration) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        async move {
            let address = format!("dial://{}:{}/", to.host, to.port);
            let url = Url::parse(&address).map_err(|error| {
                Error::new(ErrorKind::Misconfigured, format!("{} is no host: {error}", to.host))
            })?;
            let fault = self.faults.meet(Method::GET, url.clone(), deadline);
            let stream = self.inner.dial(to, deadline).await?;
            let (mode, wrong) = match fault {
                None | Some(Fault::Delay(_)) => (Mode::Open, false),
                Some(Fault::WrongCredentials) => (Mode::Open, true),
                Some(Fault::Hang) => (Mode::Hang, false),
                Some(
                    Fault::DropReply
                    | Fault::RateLimit(_)
                    | Fault::Unavailable
                    | Fault::Answer(_)
                    | Fault::Truncate
                    | Fault::Oversize,
                ) => (Mode::Cut(CUT_AFTER), false),
            };
            let commits = to.port == self.commit.port;
            let faulty = FaultyStream {
                inner: stream,
                faults: self.faults.clone(),
                commit: self.commit.clone(),
                commits,
                wrong,
                url,
                deadline,
                mode,
                sent: Vec::new(),
                decided: None,
            };
            let faulty: Box<dyn Stream> = Box::new(faulty);
            Ok(faulty)
        }
        .boxed()
    }

    fn protect<'a>(
        &'a self,
        stream: Box<dyn Stream>,
        host: &'a str,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        self.inner.protect(stream, host, deadline)
    }
}

#[derive(Debug)]
struct FaultyStream {
    inner: Box<dyn Stream>,
    faults: Faulty,
    commit: Commit,
    commits: bool,
    wrong: bool,
    url: Url,
    deadline: Duration,
    mode: Mode,
    /// The last bytes that were sent, as many as the end of a commit has.
    sent: Vec<u8>,
    /// What was decided about the commit that is being written.
    decided: Option<Option<Fault>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    /// So many bytes arrive, and then the end.
    Cut(usize),
    /// Whatever arrives next is lost with the connection.
    Drop,
    Hang,
}

impl FaultyStream {
    fn ends_commit(&self, buf: &[u8]) -> bool {
        let both = [self.sent.as_slice(), buf].concat();
        self.commits && both.ends_with(self.commit.end)
    }

    fn note(&mut self, sent: &[u8]) {
        self.sent.extend_from_slice(sent);
        let surplus = self.sent.len().saturating_sub(self.commit.end.len());
        self.sent.drain(..surplus);
    }

    fn disguised(&self, buf: &[u8]) -> Vec<u8> {
        let mut bytes = buf.to_vec();
        let secret = self.commit.secret.as_bytes();
        if self.wrong
            && !secret.is_empty()
            && let Some(at) = buf.windows(secret.len()).position(|window| window == secret)
        {
            bytes.iter_mut().skip(at).take(secret.len()).for_each(|byte| *byte = b'x');
        }
        bytes
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.mode {
            Mode::Open => Pin::new(&mut self.inner).poll_read(cx, buf),
            Mode::Hang => Poll::Pending,
            Mode::Cut(0) => Poll::Ready(Ok(())),
            Mode::Cut(left) => {
                let mut some = vec![0; left.min(buf.remaining())];
                let mut part = ReadBuf::new(&mut some);
                ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
                buf.put_slice(part.filled());
                self.mode = Mode::Cut(left - part.filled().len());
                Poll::Ready(Ok(()))
            }
            Mode::Drop => {
                // Only when the reply is there has it certainly been carried out.
                let mut lost = [0; 1];
                ready!(Pin::new(&mut self.inner).poll_read(cx, &mut ReadBuf::new(&mut lost)))?;
                self.mode = Mode::Cut(0);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.mode {
            Mode::Hang => return Poll::Ready(Ok(buf.len())),
            Mode::Cut(0) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Mode::Open | Mode::Cut(_) | Mode::Drop => {}
        }
        let ends = self.ends_commit(buf);
        if ends && self.decided.is_none() {
            let fault = self.faults.meet(Method::POST, self.url.clone(), self.deadline);
            self.decided = Some(fault);
        }
        if ends && self.decided == Some(Some(Fault::Hang)) {
            self.mode = Mode::Hang;
            return Poll::Ready(Ok(buf.len()));
        }
        let bytes = self.disguised(buf);
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, &bytes))?;
        self.note(buf.get(..count).unwrap_or_default());
        if ends && count == buf.len() {
            match self.decided.take().flatten() {
                None | Some(Fault::WrongCredentials | Fault::Delay(_) | Fault::Hang) => {}
                Some(
                    Fault::DropReply
                    | Fault::RateLimit(_)
                    | Fault::Unavailable
                    | Fault::Answer(_)
                    | Fault::Truncate
                    | Fault::Oversize,
                ) => self.mode = Mode::Drop,
            }
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
