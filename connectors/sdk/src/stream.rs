//! Byte streams for protocols other than HTTP, such as IMAP and SMTP: opened by the same guard as every request.

use std::fmt::Debug;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::Result;

/// Opens connections. One per system, which reaches the system's own hosts and no other.
pub trait Dial: Debug + Send + Sync + 'static {
    /// Opens a connection to `port` of `host`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) when the guard refused the address,
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) when no connection came about before `deadline`, on
    /// [`Clock::monotonic`](crate::Clock::monotonic). Either way nothing was sent.
    fn dial<'a>(&'a self, to: Destination<'a>, deadline: Duration) -> BoxFuture<'a, Result<Box<dyn Stream>>>;

    /// Protects a connection that began in the open, after both sides agreed on it (`STARTTLS`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) when the other side cannot prove that it is `host`, or
    /// no handshake came about before `deadline`.
    fn protect<'a>(
        &'a self,
        stream: Box<dyn Stream>,
        host: &'a str,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Stream>>>;
}

/// Where a connection leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The host's name or address.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// What keeps others from reading along.
    pub protection: Protection,
}

/// What keeps others from reading along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte.
    Tls,
    /// TLS once both sides agreed on it, before any secret is sent: [`Dial::protect`] follows.
    StartTls,
    /// Nothing: only for this machine, and hosts that the admin allowed by name or network.
    Open,
}

/// An open connection.
pub trait Stream: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin> Stream for S {}

/// For systems that speak HTTP only: every connection is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDial;

impl Dial for NoDial {
    fn dial<'a>(&'a self, to: Destination<'a>, _: Duration) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        Box::pin(async move { Err(refused(to.host)) })
    }

    fn protect<'a>(
        &'a self,
        _: Box<dyn Stream>,
        host: &'a str,
        _: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        Box::pin(async move { Err(refused(host)) })
    }
}

fn refused(host: &str) -> crate::Error {
    crate::Error::new(crate::ErrorKind::Misconfigured, "this system is reached by HTTP only")
        .with_context("host", host)
}
