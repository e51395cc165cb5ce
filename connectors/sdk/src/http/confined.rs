//! Keeps a system's requests, and so its credentials, at the system's own origin.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ::http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use futures::future::BoxFuture;
use url::{Host, Origin, Url};

use crate::http::{Request, Response, Transport};
use crate::{Error, ErrorKind, Result};

/// Where a system's requests may go.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// Where the system is: its origin is the only one that sees credentials.
    pub address: &'a Url,
    /// Hosts that are asked without credentials.
    pub further: &'a [FurtherHost],
}

/// A host beside the system's own that is asked without its credentials, such as the one that keeps its files.
///
/// Written `files.example.org`, `files.example.org:8443`, or `*.example.org` for every host below that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FurtherHost {
    host: Host,
    /// Whether the hosts below the name are meant, and not the name itself.
    below: bool,
    port: Option<u16>,
}

/// Refuses requests to any other origin than the configured one and takes the credentials off those to further hosts.
///
/// An address inside a ticket's JSON (a file's link, a next page) is written by strangers: whoever can put their own
/// there must not be sent our credentials.
#[derive(Debug)]
pub struct Confined {
    inner: Arc<dyn Transport>,
    bare: Arc<dyn Transport>,
    address: Url,
    origin: Origin,
    further: Vec<FurtherHost>,
}

impl Confined {
    /// Confines requests to `reach`: what is for the system itself is sent by `inner`, what is for a further host
    /// by `bare`, which knows no credentials.
    pub fn new(inner: Arc<dyn Transport>, bare: Arc<dyn Transport>, reach: Reach<'_>) -> Self {
        let (address, further) = (reach.address.clone(), reach.further.to_vec());
        Self { inner, bare, origin: address.origin(), address, further }
    }

    /// Whether an address is one of a further host. Plain `http` only where the system itself is reached by it.
    fn leads_further(&self, url: &Url) -> bool {
        (url.scheme() == "https" || url.scheme() == self.address.scheme())
            && url.username().is_empty()
            && url.password().is_none()
            && self.further.iter().any(|host| host.admits(url))
    }
}

impl Transport for Confined {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            if request.url.origin() == self.origin {
                return self.inner.send(request).await;
            }
            if self.leads_further(&request.url) {
                // No connector holds a credential; one that were given some all the same must not carry them out.
                let secret: Vec<_> = request
                    .headers
                    .iter()
                    .filter(|(name, value)| {
                        value.is_sensitive() || [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name)
                    })
                    .map(|(name, _)| name.clone())
                    .collect();
                for name in secret {
                    request.headers.remove(name);
                }
                return self.bare.send(request).await;
            }
            let message = "an answer of the system led to another address; nothing was sent there";
            Err(Error::new(ErrorKind::Malformed, message)
                .with_context("address", request.url.origin().ascii_serialization())
                .with_context("expected", self.origin.ascii_serialization()))
        })
    }
}

impl FurtherHost {
    /// Whether an address leads to this host.
    pub fn admits(&self, url: &Url) -> bool {
        let here = match (url.host(), &self.host) {
            (Some(Host::Domain(asked)), Host::Domain(name)) if self.below => {
                let asked = asked.strip_suffix('.').unwrap_or(asked);
                asked.strip_suffix(name.as_str()).is_some_and(|left| left.len() > 1 && left.ends_with('.'))
            }
            (Some(Host::Domain(asked)), Host::Domain(name)) => {
                asked.strip_suffix('.').unwrap_or(asked) == name
            }
            (Some(Host::Ipv4(asked)), Host::Ipv4(ip)) => asked == *ip,
            (Some(Host::Ipv6(asked)), Host::Ipv6(ip)) => asked == *ip,
            (Some(_) | None, _) => false,
        };
        // Without a port the scheme's own is meant, which the parser leaves out of an address.
        here && url.port() == self.port
    }
}

impl FromStr for FurtherHost {
    type Err = Error;

    /// Reads a host name, or every host below one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] for anything else, and for `*.` before a name of a single part: nobody holds
    /// every host below `com`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::new(ErrorKind::Misconfigured, format!("{text:?} {why}"));
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (name, port) = match rest.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((name, port)) if !port.ends_with(']') => {
                let port = port.parse().ok().filter(|port| *port != 0);
                (name, Some(port.ok_or_else(|| wrong("has no port behind its colon"))?))
            }
            Some(_) | None => (rest, None),
        };
        let host = Host::parse(name).ok().filter(|_| !name.contains('*'));
        let host = host.ok_or_else(|| wrong("is no host name"))?;
        let parts = match &host {
            Host::Domain(name) => name.split('.').filter(|part| !part.is_empty()).count(),
            Host::Ipv4(_) | Host::Ipv6(_) => 0,
        };
        if below && parts < 2 {
            return Err(wrong("means hosts that no one system holds"));
        }
        let host = match host {
            Host::Domain(name) => Host::Domain(name.strip_suffix('.').unwrap_or(&name).to_owned()),
            ip @ (Host::Ipv4(_) | Host::Ipv6(_)) => ip,
        };
        Ok(Self { host, below, port })
    }
}

impl fmt::Display for FurtherHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "{}{}{port}", if self.below { "*." } else { "" }, self.host)
    }
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderValue, Method};

    use super::*;
    use crate::double::{Script, request};

    struct Ways {
        inner: Arc<Script>,
        bare: Arc<Script>,
        confined: Confined,
    }

    fn ways(address: &str, further: &[&str]) -> Ways {
        let (inner, bare) = (Arc::new(Script::new([])), Arc::new(Script::new([])));
        let (address, further) = (
            address.parse().unwrap(),
            further.iter().map(|host| host.parse().unwrap()).collect::<Vec<FurtherHost>>(),
        );
        let reach = Reach { address: &address, further: &further };
        let (one, other): (Arc<dyn Transport>, Arc<dyn Transport>) =
            (Arc::<Script>::clone(&inner), Arc::<Script>::clone(&bare));
        Ways { inner, bare, confined: Confined::new(one, other, reach) }
    }

    #[tokio::test]
    async fn credentials_never_leave_their_origin() {
        let ways = ways("https://desk.example/api/", &[]);
        let elsewhere = request(Method::GET, "https://elsewhere.example/file");
        let error = ways.confined.send(elsewhere).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains("https://elsewhere.example"));
        assert_eq!((ways.inner.count(), ways.bare.count()), (0, 0));
        ways.confined.send(request(Method::GET, "https://desk.example/file")).await.unwrap();
        assert_eq!((ways.inner.count(), ways.bare.count()), (1, 0));
    }

    #[tokio::test]
    async fn a_further_host_is_asked_without_credentials() {
        let ways = ways("https://desk.example/api/", &["*.files.example", "cdn.example:8443"]);
        for url in ["https://a.files.example/1", "https://b.a.FILES.example./2", "https://cdn.example:8443/3"]
        {
            let mut asked = request(Method::GET, url);
            let mut secret = HeaderValue::from_static("k");
            secret.set_sensitive(true);
            asked.headers.insert("x-key", secret);
            asked.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer t"));
            asked.headers.insert("accept", HeaderValue::from_static("*/*"));
            ways.confined.send(asked).await.unwrap();
        }
        assert_eq!((ways.inner.count(), ways.bare.count()), (0, 3));
        for at in 0..3 {
            assert!(
                ways.bare.header(at, "x-key").is_none() && ways.bare.header(at, "authorization").is_none()
            );
            assert!(ways.bare.header(at, "accept").is_some());
        }
    }

    #[tokio::test]
    async fn what_only_looks_like_a_further_host_is_refused() {
        let ways = ways("https://desk.example/api/", &["*.files.example", "cdn.example"]);
        for url in [
            "https://files.example/",
            "https://evilfiles.example/",
            "https://files.example.evil.example/",
            "https://.files.example/",
            "https://a.files.example:8443/",
            "http://a.files.example/",
            "https://us:pw@a.files.example/",
            "https://a.cdn.example/",
            "https://desk.example:8443/",
            "http://desk.example/",
        ] {
            let error = ways.confined.send(request(Method::GET, url)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{url}");
        }
        assert_eq!((ways.inner.count(), ways.bare.count()), (0, 0));
    }

    #[tokio::test]
    async fn plain_http_is_for_systems_that_are_reached_by_it_themselves() {
        let ways = ways("http://127.0.0.1:8080/", &["127.0.0.1:9000", "[::1]:9000"]);
        for url in ["http://127.0.0.1:9000/", "http://[::1]:9000/", "https://127.0.0.1:9000/"] {
            ways.confined.send(request(Method::GET, url)).await.unwrap();
        }
        assert_eq!((ways.inner.count(), ways.bare.count()), (0, 3));
    }

    #[test]
    fn a_host_reads_as_it_is_written_and_nonsense_is_refused() {
        for text in ["files.example.org", "*.example.org:8443", "127.0.0.1:9000", "[::1]"] {
            assert_eq!(text.parse::<FurtherHost>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "*",
            "*.com",
            "*.*.example.org",
            "*.127.0.0.1",
            "a b",
            "https://a.example",
            "a.example/",
            "a.example:",
            "a:0",
        ] {
            assert_eq!(text.parse::<FurtherHost>().unwrap_err().kind(), ErrorKind::Misconfigured, "{text}");
        }
    }
}
