//! Sending: one mail over one connection of ours.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;
use throughline_sdk::{Ctx, Destination, Protection, Result, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::compose::Outgoing;
use crate::config::Config;
use crate::error;

/// The longest answer that is read before TLS begins.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Sends a mail. Sets `committed` right before the server may take it; an error after that leaves it in doubt, unless
/// the server refused.
pub(crate) async fn send(config: &Config, ctx: &Ctx, mail: &Outgoing, committed: &AtomicBool) -> Result<()> {
    let mut connection = open(config, ctx).await?;
    let sender = Mail::new(Some(config.from.clone()), Vec::new());
    connection.command(sender).await.map_err(|error| error::smtp(&error, "our address"))?;
    let partner = Rcpt::new(config.partner.clone(), Vec::new());
    connection.command(partner).await.map_err(|error| error::smtp(&error, "the partner's address"))?;
    connection.command(Data).await.map_err(|error| error::smtp(&error, "to take a mail"))?;
    committed.store(true, Ordering::SeqCst);
    match connection.message(&mail.bytes).await {
        Ok(_) => {}
        Err(error) if error.status().is_some() => return Err(error::smtp(&error, "the mail")),
        Err(error) => return Err(error::smtp(&error, "the mail").with_unknown_effect()),
    }
    // Politeness: the mail is theirs by now.
    drop(connection.quit().await);
    Ok(())
}

/// Logs in and out again, to see that mails could be sent.
pub(crate) async fn check(config: &Config, ctx: &Ctx) -> Result<()> {
    let mut connection = open(config, ctx).await?;
    drop(connection.quit().await);
    Ok(())
}

async fn open(config: &Config, ctx: &Ctx) -> Result<AsyncSmtpConnection> {
    let host = &config.smtp;
    let to = Destination { host: &host.name, port: host.port, protection: host.protection };
    let mut stream = ctx.dial.dial(to, ctx.deadline).await?;
    let mut greeting: &'static [u8] = b"";
    if host.protection == Protection::StartTls {
        let cannot = |error: io::Error| error::unavailable(&format!("STARTTLS came to nothing: {error}"));
        start_tls(&mut stream, config.from.domain()).await.map_err(cannot)?;
        stream = ctx.dial.protect(stream, &host.name, ctx.deadline).await?;
        greeting = b"220 protected\r\n";
    }
    let name = ClientId::Domain(config.from.domain().to_owned());
    let stream = Box::new(Greeted { stream, greeting });
    let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &name)
        .await
        .map_err(|error| error::smtp(&error, "the greeting"))?;
    if config.smtp_login {
        let credentials = Credentials::new(config.user.clone(), config.password.expose_secret().to_owned());
        connection
            .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
            .await
            .map_err(|error| error::smtp(&error, "user and password"))?;
    }
    Ok(connection)
}

/// Says hello in the open and agrees on TLS: what was said before is not believed afterwards.
async fn start_tls(stream: &mut Box<dyn Stream>, name: &str) -> io::Result<()> {
    answer(stream).await?;
    stream.write_all(format!("EHLO {name}\r\n").as_bytes()).await?;
    answer(stream).await?;
    stream.write_all(b"STARTTLS\r\n").await?;
    answer(stream).await
}

/// Reads an answer and not one byte more; anything but 2xx is an error.
async fn answer(stream: &mut Box<dyn Stream>) -> io::Result<()> {
    let mut line = Vec::new();
    for _ in 0..LONGEST_ANSWER {
        line.push(stream.read_u8().await?);
        if !line.ends_with(b"\n") {
            continue;
        }
        match (line.first(), line.get(3)) {
            (Some(b'2'), Some(b'-')) => line.clear(),
            (Some(b'2'), _) => return Ok(()),
            _ => return Err(io::Error::other("the mail server refused it")),
        }
    }
    Err(io::Error::other("the answer has no end"))
}

/// A connection with a greeting in front: after STARTTLS there is none, and the client waits for one.
#[derive(Debug)]
struct Greeted {
    stream: Box<dyn Stream>,
    greeting: &'static [u8],
}

impl AsyncTokioStream for Greeted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        // Asked for by nobody but logs.
        Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }
}

impl AsyncRead for Greeted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let greeting = self.greeting;
        if !greeting.is_empty() {
            let (now, later) = greeting.split_at(greeting.len().min(buf.remaining()));
            buf.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Greeted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
