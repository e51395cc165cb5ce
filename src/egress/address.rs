//! Which addresses may be called: a connector's address comes from an admin, what it leads to from strangers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use url::{Host, Url};

/// What an admin allows beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    /// Networks and host names that may be called although their addresses are not public.
    pub allow: Vec<Allowed>,
    /// Whether this machine itself may be called.
    pub loopback: bool,
    /// Whether private networks (RFC 1918, unique local IPv6) may be called.
    pub private: bool,
    /// Whether `http` is taken for every host. Without it: loopback, and what stands in `allow`.
    pub plain_http: bool,
}

/// One exception of an [`AddressPolicy`]: `10.20.0.0/16`, `fd12::/16`, `192.0.2.7` or `desk.internal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Every address in it, of whatever kind.
    Network(Network),
    /// What this host name resolves to, on loopback and in private networks.
    Host(String),
}

/// A range of IP addresses, written `10.1.0.0/16` or as one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// Why an address may not be called, for the admin who reads it.
pub(crate) type Refusal = String;

/// What an address is for (IANA special-purpose registries).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Public,
    Loopback,
    Private,
    /// Never a ticket system: link-local, metadata, multicast, translation, documentation, reserved.
    Other,
}

/// IPv4 blocks that are not public, and what they are.
const SPECIAL_V4: &[([u8; 4], u32, Purpose)] = &[
    ([0, 0, 0, 0], 8, Purpose::Other),
    ([10, 0, 0, 0], 8, Purpose::Private),
    // Shared between a carrier's customers; some clouds keep their metadata here.
    ([100, 64, 0, 0], 10, Purpose::Other),
    ([127, 0, 0, 0], 8, Purpose::Loopback),
    // Azure's platform address: public by number, metadata by use.
    ([168, 63, 129, 16], 32, Purpose::Other),
    // Link-local, with the metadata services of most clouds.
    ([169, 254, 0, 0], 16, Purpose::Other),
    ([172, 16, 0, 0], 12, Purpose::Private),
    ([192, 0, 0, 0], 24, Purpose::Other),
    ([192, 0, 2, 0], 24, Purpose::Other),
    ([192, 88, 99, 0], 24, Purpose::Other),
    ([192, 168, 0, 0], 16, Purpose::Private),
    ([198, 18, 0, 0], 15, Purpose::Other),
    ([198, 51, 100, 0], 24, Purpose::Other),
    ([203, 0, 113, 0], 24, Purpose::Other),
    // Multicast, reserved, broadcast.
    ([224, 0, 0, 0], 3, Purpose::Other),
];

/// IPv6 blocks by first match; what matches none is not public: only `2000::/3` is handed out.
const SPECIAL_V6: &[([u16; 8], u32, Purpose)] = &[
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, Purpose::Loopback),
    // A cloud's metadata service inside the private block.
    ([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32, Purpose::Other),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, Purpose::Private),
    // IETF protocols, among them Teredo, which hides an IPv4 address.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, Purpose::Other),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, Purpose::Other),
    // 6to4 hides an IPv4 address.
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, Purpose::Other),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, Purpose::Other),
    ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, Purpose::Public),
];

impl AddressPolicy {
    /// What a system at `address` may reach: what the admin allowed, and this machine if the admin wrote its name.
    pub fn of_system(address: &Url, allow: Vec<Allowed>) -> Self {
        let loopback = match address.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        Self { allow, loopback, ..Self::default() }
    }

    /// Checks what can be told from the address itself: scheme, user name, and a host that is an IP address
    /// in any spelling, all of which the parser has brought to one form.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address must not hold a user name or password".to_owned());
        }
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            other => return Err(format!("the scheme {other} is not http or https")),
        };
        let (named, literal) = match url.host() {
            None => return Err("the address has no host".to_owned()),
            Some(Host::Domain(name)) => (Some(name), None),
            Some(Host::Ipv4(ip)) => (None, Some(IpAddr::V4(ip))),
            Some(Host::Ipv6(ip)) => (None, Some(IpAddr::V6(ip))),
        };
        if let Some(ip) = literal {
            self.check_address(None, ip)?;
        }
        let trusted = match (named, literal) {
            (Some(name), _) => self.names(name) || (self.loopback && bare(name) == "localhost"),
            (None, Some(ip)) => self.holds(ip) || purpose(ip) == Purpose::Loopback,
            (None, None) => false,
        };
        if plain && !self.plain_http && !trusted {
            return Err("plain http would show the credentials on the way; use https, or allow it".to_owned());
        }
        Ok(())
    }

    /// Checks an address that `host` resolved to, or that is itself the host.
    pub(super) fn check_address(&self, host: Option<&str>, ip: IpAddr) -> Result<(), Refusal> {
        let named = host.is_some_and(|host| self.names(host));
        let allowed = match purpose(ip) {
            Purpose::Public => true,
            Purpose::Loopback => self.loopback || named,
            Purpose::Private => self.private || named,
            Purpose::Other => false,
        };
        if allowed || self.holds(ip) {
            return Ok(());
        }
        let host = host.map(|host| format!("{host} leads to ")).unwrap_or_default();
        Err(format!("{host}{ip}, which is not public; if it is meant, allow that network or host"))
    }

    /// Checks whether a host may be spoken to in the open: this machine, and what stands in `allow`.
    pub(super) fn check_open(&self, host: Option<&str>, ip: IpAddr) -> Result<(), Refusal> {
        if self.plain_http
            || purpose(ip) == Purpose::Loopback
            || self.holds(ip)
            || host.is_some_and(|host| self.names(host))
        {
            return Ok(());
        }
        Err("without TLS others could read the credentials on the way; use it, or allow that host".to_owned())
    }

    /// Checks where a connection really went.
    pub(super) fn check_connected(&self, url: &Url, peer: SocketAddr) -> Result<(), Refusal> {
        self.check_address(url.domain(), peer.ip())
    }

    fn names(&self, host: &str) -> bool {
        self.allow.iter().any(|allowed| match allowed {
            Allowed::Host(name) => name == bare(host),
            Allowed::Network(_) => false,
        })
    }

    fn holds(&self, ip: IpAddr) -> bool {
        self.allow.iter().any(|allowed| match allowed {
            Allowed::Network(network) => network.holds(ip),
            Allowed::Host(_) => false,
        })
    }
}

impl FromStr for Allowed {
    type Err = String;

    /// Reads a network, an address or a host name. An address in any other spelling than its usual one, and a
    /// network with bits set behind its prefix, are refused: what stands there is what is allowed.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(['/', ':']) || text.parse::<IpAddr>().is_ok() {
            return text.parse().map(Self::Network);
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) => Ok(Self::Host(bare(&name).to_owned())),
            Ok(Host::Ipv4(ip)) => Err(format!("{text:?} is another spelling of {ip}")),
            Ok(Host::Ipv6(_)) | Err(_) => Err(format!("{text:?} is no IP address and no host name")),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Host(name) => f.write_str(name),
        }
    }
}

impl FromStr for Network {
    type Err = String;

    /// Reads `10.1.0.0/16`, `fd00::/8` or a single address; the error is a sentence that says what is wrong.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().ok().ok_or_else(|| format!("{address:?} is no IP address"))?;
        if unmapped(address) != address {
            return Err("an IPv4 address is written as one".to_owned());
        }
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|prefix| *prefix <= bits)
                .ok_or_else(|| format!("the prefix must be a number from 0 to {bits}"))?,
        };
        let behind = match address {
            IpAddr::V4(address) => address.to_bits() & !mask_v4(prefix) != 0,
            IpAddr::V6(address) => address.to_bits() & !mask_v6(prefix) != 0,
        };
        if behind {
            return Err(format!("bits are set behind the prefix /{prefix}"));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Network {
    /// Whether an address lies in it; an IPv4 address also in its IPv6 spelling.
    pub fn holds(self, ip: IpAddr) -> bool {
        match (self.address, unmapped(ip)) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => same_v4(net, ip, self.prefix),
            (IpAddr::V6(net), IpAddr::V6(ip)) => same_v6(net, ip, self.prefix),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn purpose(ip: IpAddr) -> Purpose {
    match unmapped(ip) {
        IpAddr::V4(ip) => SPECIAL_V4
            .iter()
            .find(|(net, prefix, _)| same_v4(Ipv4Addr::from(*net), ip, *prefix))
            .map_or(Purpose::Public, |(_, _, purpose)| *purpose),
        IpAddr::V6(ip) => SPECIAL_V6
            .iter()
            .find(|(net, prefix, _)| same_v6(Ipv6Addr::from(*net), ip, *prefix))
            .map_or(Purpose::Other, |(_, _, purpose)| *purpose),
    }
}

/// `::ffff:10.0.0.1` is 10.0.0.1.
fn unmapped(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

fn same_v4(net: Ipv4Addr, ip: Ipv4Addr, prefix: u32) -> bool {
    net.to_bits() & mask_v4(prefix) == ip.to_bits() & mask_v4(prefix)
}

fn same_v6(net: Ipv6Addr, ip: Ipv6Addr, prefix: u32) -> bool {
    net.to_bits() & mask_v6(prefix) == ip.to_bits() & mask_v6(prefix)
}

fn mask_v4(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0)
}

fn mask_v6(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0)
}

/// A host name without the dot that makes it absolute.
fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(policy: &AddressPolicy, url: &str) -> bool {
        policy.check_url(&url.parse().unwrap()).is_err()
    }

    #[test]
    fn by_default_every_spelling_of_an_inner_address_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "１２７.0.0.1",
            "0",
            "10.0.0.1",
            "012.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "0xa9fea9fe",
            "168.63.129.16",
            "192.0.0.192",
            "198.19.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
        ] {
            assert!(refused(&AddressPolicy::default(), &format!("https://{host}/")), "{host}");
        }
    }

    #[test]
    fn the_public_internet_is_open_over_https_without_credentials_in_the_address() {
        let policy = AddressPolicy::default();
        for url in ["https://8.8.8.8/", "https://[2606:4700::1111]/", "https://desk.example:8443/"] {
            assert!(!refused(&policy, url), "{url}");
        }
        for url in
            ["http://desk.example/", "ftp://desk.example/", "https://us:pw@desk.example/", "file:///etc"]
        {
            assert!(refused(&policy, url), "{url}");
        }
    }

    #[test]
    fn an_admin_opens_what_is_meant_and_no_more() {
        let allow = ["10.20.0.0/16", "desk.internal"].map(|text| text.parse().unwrap()).to_vec();
        let policy = AddressPolicy { allow, ..AddressPolicy::default() };
        for url in ["http://10.20.3.4/", "http://desk.internal/", "https://[::ffff:10.20.3.4]/"] {
            assert!(!refused(&policy, url), "{url}");
        }
        assert!(refused(&policy, "http://10.21.0.1/"));
        let leads = |host, ip: &str| policy.check_address(Some(host), ip.parse().unwrap()).is_ok();
        assert!(leads("desk.internal", "192.168.7.7") && leads("desk.internal.", "fd12::1"));
        assert!(!leads("desk.internal", "169.254.169.254"), "a name never opens metadata");
        assert!(!leads("evil.example", "192.168.7.7") && !leads("evil.example", "::ffff:127.0.0.1"));
    }

    #[test]
    fn a_network_holds_its_addresses_only() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("10.1.0.0/16", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("fd00::/8", "fd12::1", "fe80::1"),
            ("::/0", "::1", "10.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.holds(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.holds(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn an_exception_that_is_not_what_it_seems_is_refused() {
        for (text, why) in [
            ("10.0.0.0/33", "the prefix must be a number from 0 to 32"),
            ("10.0.0.0/-1", "the prefix must be a number from 0 to 32"),
            ("::/129", "the prefix must be a number from 0 to 128"),
            ("10.1.0.1/16", "bits are set behind the prefix /16"),
            ("::ffff:10.0.0.0/104", "an IPv4 address is written as one"),
            ("10.0.0/8", "\"10.0.0\" is no IP address"),
            ("desk.example/8", "\"desk.example\" is no IP address"),
            ("127.1", "\"127.1\" is another spelling of 127.0.0.1"),
            ("[::1]", "\"[::1]\" is no IP address"),
            ("", "\"\" is no IP address and no host name"),
            ("a b", "\"a b\" is no IP address and no host name"),
        ] {
            assert_eq!(text.parse::<Allowed>().unwrap_err(), why, "{text}");
        }
        assert_eq!("desk.internal.".parse(), Ok(Allowed::Host("desk.internal".to_owned())));
    }
}
