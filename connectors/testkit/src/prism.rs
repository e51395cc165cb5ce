//! Prism, which holds requests and answers against a document that a vendor publishes. npm installs it:
//! `tests/specifications/run.sh`.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use throughline_sdk::http::{Authentication, Request, Transport};
use tokio::net::TcpStream;

use crate::{ReservedAddress, SocketTransport};

/// How often it is looked whether it answers, a tenth of a second apart.
const LOOKS: u32 = 600;

/// Prism at work. Ends with the test.
#[derive(Debug)]
pub struct Prism {
    at: ReservedAddress,
    process: Child,
}

impl Prism {
    /// Answers with the document's examples, and only notes what is wrong. `installed`: where npm installed it.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not answer within a minute.
    pub async fn answering(installed: &Path, document: &Path) -> Result<Self> {
        Self::start(installed, &["mock"], document, None).await
    }

    /// Answers with the document's examples, and refuses what the document does not allow.
    ///
    /// # Errors
    ///
    /// As [`Prism::answering`].
    pub async fn judging(installed: &Path, document: &Path) -> Result<Self> {
        Self::start(installed, &["mock", "--errors"], document, None).await
    }

    /// Stands in front of a desk, and refuses a request or an answer that the document does not allow.
    ///
    /// # Errors
    ///
    /// As [`Prism::answering`].
    pub async fn before(desk: SocketAddr, installed: &Path, document: &Path) -> Result<Self> {
        Self::start(installed, &["proxy", "--errors"], document, Some(desk)).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.at.address()
    }

    /// What it says to a request, wherever that was to go: a status, and its words if it refuses.
    ///
    /// # Errors
    ///
    /// It gives no answer.
    pub async fn judge(&self, mut request: Request) -> Result<(u16, String)> {
        let elsewhere = || Error::new(ErrorKind::InvalidInput, "the request's address has no host");
        request.url.set_ip_host(self.address().ip()).map_err(|()| elsewhere())?;
        request.url.set_port(Some(self.address().port())).map_err(|()| elsewhere())?;
        let sent = SocketTransport::new(Authentication::None).send(request).await;
        let answer = sent.map_err(Error::other)?;
        Ok((answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned()))
    }

    async fn start(
        installed: &Path,
        mode: &[&str],
        document: &Path,
        behind: Option<SocketAddr>,
    ) -> Result<Self> {
        if !document.is_file() {
            let text = format!("{} is no published document", document.display());
            return Err(Error::new(ErrorKind::NotFound, text));
        }
        let at = ReservedAddress::new()?;
        // Through node itself: whoever ends npx leaves its child listening.
        let mut command = Command::new("node");
        command.current_dir(installed).arg("node_modules/.bin/prism").args(mode);
        command.args(["-h", "127.0.0.1", "-p", &at.address().port().to_string()]).arg(document);
        command.args(behind.map(|desk| format!("http://{desk}")));
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let prism = Self { at, process };
        for _ in 0..LOOKS {
            if TcpStream::connect(prism.address()).await.is_ok() {
                return Ok(prism);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Error::new(ErrorKind::TimedOut, format!("Prism does not listen on {}", prism.at)))
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The folder that a test is told by this variable of the environment.
///
/// # Errors
///
/// It is not set.
#[expect(clippy::disallowed_methods, reason = "the caller says by environment where things are installed")]
pub fn folder(variable: &str) -> Result<PathBuf> {
    std::env::var(variable)
        .map(PathBuf::from)
        .map_err(|_missing| Error::new(ErrorKind::NotFound, format!("{variable} names no folder")))
}
