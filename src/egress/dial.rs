//! Connections for protocols other than HTTP, through the same guard. The only file that names tokio-rustls.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Either, select};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt;
use throughline_sdk::stream::{Destination, Dial, Protection, Stream};
use throughline_sdk::{Clock, Error, ErrorKind, Result};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::{AddressPolicy, Refusal};
use super::{CONNECT_TIMEOUT, install_tls};

/// The guarded way to open connections.
#[derive(Debug)]
pub struct GuardedDial {
    policy: AddressPolicy,
    clock: Arc<dyn Clock>,
}

impl GuardedDial {
    /// Connections as far as `policy` leaves the way open.
    pub fn new(policy: AddressPolicy, clock: Arc<dyn Clock>) -> Self {
        Self { policy, clock }
    }

    async fn open(&self, to: Destination<'_>) -> Result<Box<dyn Stream>> {
        let addresses = self.resolve(to).await?;
        let mut last = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A dialogue of short lines must not wait for longer ones.
                    drop(stream.set_nodelay(true));
                    return match to.protection {
                        Protection::Tls => handshake(Box::new(stream), to.host).await,
                        Protection::StartTls | Protection::Open => Ok(Box::new(stream)),
                    };
                }
                Err(error) => last = Some(error),
            }
        }
        let why = last.map_or_else(|| "its name has no address".to_owned(), |error| error.to_string());
        Err(unavailable(to.host, &format!("no connection to port {}: {why}", to.port)))
    }

    /// The addresses of a host, each of which the policy has to admit.
    async fn resolve(&self, to: Destination<'_>) -> Result<Vec<SocketAddr>> {
        let refused = |reason: Refusal| {
            Error::new(ErrorKind::Misconfigured, format!("the address was refused: {reason}"))
                .with_context("host", to.host)
        };
        let literal = to.host.parse::<IpAddr>().ok();
        let found: Vec<SocketAddr> = match literal {
            Some(ip) => vec![SocketAddr::new(ip, to.port)],
            None => tokio::net::lookup_host((to.host, to.port))
                .await
                .map_err(|error| unavailable(to.host, &format!("its name cannot be resolved: {error}")))?
                .collect(),
        };
        let named = literal.is_none().then_some(to.host);
        for address in &found {
            self.policy.check_address(named, address.ip()).map_err(refused)?;
            if to.protection == Protection::Open {
                self.policy.check_open(named, address.ip()).map_err(refused)?;
            }
        }
        Ok(found)
    }

    async fn within<T>(
        &self,
        host: &str,
        deadline: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let left = deadline.saturating_sub(self.clock.monotonic()).min(CONNECT_TIMEOUT);
        match select(Box::pin(work), self.clock.sleep(left)).await {
            Either::Left((result, _)) => result,
            Either::Right(((), _)) => Err(unavailable(host, "no connection in time")),
        }
    }
}

impl Dial for GuardedDial {
    fn dial<'a>(&'a self, to: Destination<'a>, deadline: Duration) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        Box::pin(self.within(to.host, deadline, self.open(to)))
    }

    fn protect<'a>(
        &'a self,
        stream: Box<dyn Stream>,
        host: &'a str,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Stream>>> {
        Box::pin(self.within(host, deadline, handshake(stream, host)))
    }
}

/// TLS with the certificates that this machine trusts, as for HTTP.
async fn handshake(stream: Box<dyn Stream>, host: &str) -> Result<Box<dyn Stream>> {
    install_tls();
    let config = ClientConfig::with_platform_verifier()
        .map_err(|error| Error::new(ErrorKind::Misconfigured, format!("TLS cannot be set up: {error}")))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| {
        Error::new(ErrorKind::Misconfigured, format!("no certificate can be issued to this host: {error}"))
            .with_context("host", host)
    })?;
    let connector = TlsConnector::from(Arc::new(config));
    let protected: io::Result<_> = connector.connect(name, stream).await;
    let protected =
        protected.map_err(|error| unavailable(host, &format!("the TLS handshake failed: {error}")))?;
    Ok(Box::new(protected))
}

fn unavailable(host: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, what).with_context("host", host)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock::SystemClock;

    const IN_TIME: Duration = Duration::from_secs(30);

    fn dial(policy: AddressPolicy) -> GuardedDial {
        GuardedDial::new(policy, Arc::new(SystemClock::new()))
    }

    fn to(host: &str, port: u16, protection: Protection) -> Destination<'_> {
        Destination { host, port, protection }
    }

    #[tokio::test]
    async fn a_connection_to_this_machine_carries_bytes_both_ways() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let dial = dial(AddressPolicy { loopback: true, ..AddressPolicy::default() });
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(&asked).await.unwrap();
        };
        let ask = async {
            let mut stream = dial.dial(to("127.0.0.1", port, Protection::Open), IN_TIME).await.unwrap();
            stream.write_all(b"ping").await.unwrap();
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"ping");
        };
        futures::join!(serve, ask);
    }

    #[tokio::test]
    async fn what_the_guard_refuses_is_not_dialled() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for (host, protection) in [
            ("127.0.0.1", Protection::Tls),
            ("localhost", Protection::StartTls),
            ("10.0.0.1", Protection::Tls),
            ("169.254.169.254", Protection::Tls),
            // Public, but in the open.
            ("8.8.8.8", Protection::Open),
        ] {
            let error =
                dial(AddressPolicy::default()).dial(to(host, port, protection), IN_TIME).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{host}: {error}");
        }
        assert!(futures::poll!(Box::pin(listener.accept())).is_pending());
    }

    #[tokio::test]
    async fn who_speaks_no_tls_is_unavailable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let dial = dial(AddressPolicy { loopback: true, ..AddressPolicy::default() });
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"220 in the open\r\n").await.unwrap();
        };
        let ask = dial.dial(to("localhost", port, Protection::Tls), IN_TIME);
        let ((), asked) = futures::join!(serve, ask);
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
