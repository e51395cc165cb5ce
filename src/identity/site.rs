//! Where browsers reach the console: what its cookie is called, and whether a request comes from its own pages.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::{Host, Url};

/// Only sent by a browser to the very host that set it, over TLS, and set by no other.
const SECURE: &str = "__Host-throughline";
/// Where there is no TLS: on this machine.
const PLAIN: &str = "throughline";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where browsers reach the console.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The address that people use; `None`: the one that is listened at, without TLS.
    pub public: Option<Url>,
    /// A proxy stands before it and says from where a request comes.
    pub behind_proxy: bool,
}

/// From where a connection comes.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Site {
    /// Whether it is reached over TLS.
    pub fn is_secure(&self) -> bool {
        self.public.as_ref().is_some_and(|public| public.scheme() == "https")
    }

    /// The session's secret that a browser sent along.
    pub(crate) fn session<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        self.cookie(headers, self.cookie_name())
    }

    /// The value of a cookie of this name.
    pub(crate) fn cookie<'h>(&self, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.flat_map(|value| value.split(';')).find_map(|pair| {
            let (found, value) = pair.trim().split_once('=')?;
            (found == name).then_some(value)
        })
    }

    /// Gives a session's secret to a browser, which keeps it until it is closed.
    pub(crate) fn set(&self, session: &str) -> Option<HeaderValue> {
        self.sensitive(&format!("{}={session}", self.cookie_name()), "")
    }

    /// Takes it back.
    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        self.sensitive(&format!("{}=", self.cookie_name()), "; Max-Age=0")
    }

    /// A cookie that no script reads and that comes with no request that another site makes, but for following a link.
    pub(crate) fn sensitive(&self, pair: &str, more: &str) -> Option<HeaderValue> {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let mut value =
            HeaderValue::from_str(&format!("{pair}; Path=/; HttpOnly; SameSite=Lax{secure}{more}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The name of a cookie beside the session's.
    pub(crate) fn named(&self, what: &str) -> String {
        format!("{}-{what}", self.cookie_name())
    }

    fn cookie_name(&self) -> &'static str {
        if self.is_secure() { SECURE } else { PLAIN }
    }

    /// Whether a request was made by a page of this console, as browsers tell it. What tells nothing is none.
    pub(crate) fn is_own(&self, headers: &HeaderMap) -> bool {
        let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let (fetched, origin) = (text(&SEC_FETCH_SITE), text(&header::ORIGIN));
        let fetched_here = fetched.is_none_or(|site| site == "same-origin");
        let from_here = match (origin, self.origin(headers)) {
            (Some(origin), Some(own)) => origin == own,
            (Some(_), None) => false,
            // Only a browser names the site at all, and it names the origin with everything but a reading.
            (None, own) => fetched.is_some() && own.is_some(),
        };
        fetched_here && from_here
    }

    /// The origin of our own pages. Without a configured one only a host that no name server answers for: a name that
    /// leads here could be anybody's.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(public) = &self.public {
            return Some(public.origin().ascii_serialization());
        }
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let url = Url::parse(&format!("http://{host}/")).ok()?;
        let is_own = match url.host()? {
            Host::Ipv4(_) | Host::Ipv6(_) => true,
            Host::Domain(name) => name == "localhost",
        };
        is_own.then(|| url.origin().ascii_serialization())
    }

    /// From where a request comes.
    pub(crate) fn client(&self, headers: &HeaderMap, peer: Option<Peer>) -> IpAddr {
        let last = || {
            let value = headers.get_all(X_FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
            value.rsplit(',').next()?.trim().parse().ok()
        };
        let forwarded = if self.behind_proxy { last() } else { None };
        forwarded.or(peer.map(|Peer(address)| address.ip())).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn public() -> Site {
        Site { public: Some("https://tickets.contoso.example/".parse().unwrap()), behind_proxy: false }
    }

    #[test]
    fn only_our_own_pages_are_ours() {
        let (plain, public) = (Site::default(), public());
        let own = |site: &Site, pairs: &[(&str, &str)]| site.is_own(&headers(pairs));
        assert!(own(&plain, &[("host", "127.0.0.1:8780"), ("origin", "http://127.0.0.1:8780")]));
        assert!(own(&plain, &[("host", "localhost:8780"), ("sec-fetch-site", "same-origin")]));
        assert!(own(&public, &[("host", "x"), ("origin", "https://tickets.contoso.example")]));
        for foreign in [
            [("host", "127.0.0.1:8780"), ("origin", "http://evil.example")].as_slice(),
            &[("host", "127.0.0.1:8780"), ("origin", "http://127.0.0.1:9999")],
            &[("host", "127.0.0.1:8780"), ("origin", "null")],
            &[("host", "127.0.0.1:8780")],
            // A name server that says 127.0.0.1.
            &[("host", "rebound.example:8780"), ("origin", "http://rebound.example:8780")],
            &[("host", "127.0.0.1"), ("origin", "http://127.0.0.1"), ("sec-fetch-site", "cross-site")],
            &[("host", "127.0.0.1"), ("origin", "http://127.0.0.1"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!own(&plain, foreign), "{foreign:?}");
            assert!(!own(&public, foreign), "{foreign:?}");
        }
        assert!(!own(&public, &[("origin", "http://tickets.contoso.example")]));
    }

    #[test]
    fn the_cookie_is_bound_to_the_host_where_there_is_tls() {
        let set = |site: &Site| site.set("abc").unwrap().to_str().unwrap().to_owned();
        assert_eq!(set(&public()), "__Host-throughline=abc; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(set(&Site::default()), "throughline=abc; Path=/; HttpOnly; SameSite=Lax");
        let sent = headers(&[("cookie", "a=b; throughline=plain; __Host-throughline=secure")]);
        assert_eq!(public().session(&sent), Some("secure"));
        assert_eq!(Site::default().session(&sent), Some("plain"));
        assert_eq!(public().session(&headers(&[("cookie", "throughline=plain")])), None);
    }

    #[test]
    fn a_proxy_is_believed_only_where_there_is_one() {
        let peer = Some(Peer("10.0.0.1:5".parse().unwrap()));
        let sent = headers(&[("x-forwarded-for", "1.1.1.1, 2.2.2.2")]);
        assert_eq!(public().client(&sent, peer).to_string(), "10.0.0.1");
        let proxied = Site { behind_proxy: true, ..public() };
        assert_eq!(proxied.client(&sent, peer).to_string(), "2.2.2.2");
        assert_eq!(proxied.client(&HeaderMap::new(), peer).to_string(), "10.0.0.1");
    }
}
