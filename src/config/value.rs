//! Single values that TOML has no type for: lengths of time, sizes, networks, addresses, names.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use url::Url;

/// A range of IP addresses, written `10.1.0.0/16` or as one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.1.0.0/16`, `fd00::/8` or a single address.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong. Bits behind the prefix must be zero, so that what stands there is what
    /// is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().ok().ok_or_else(|| format!("{address:?} is no IP address"))?;
        if address.to_canonical() != address {
            return Err("an IPv4 address is written as one".to_owned());
        }
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => prefix
                .parse::<u8>()
                .ok()
                .filter(|prefix| *prefix <= bits)
                .ok_or_else(|| format!("the prefix must be a number from 0 to {bits}"))?,
        };
        let network = Self { address, prefix };
        let host_bits = number(address) & !network.mask();
        if host_bits != 0 {
            return Err(format!("bits are set behind the prefix /{prefix}"));
        }
        Ok(network)
    }

    /// Whether the address lies in this range. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && number(address) & self.mask() == number(self.address)
    }

    fn mask(&self) -> u128 {
        let (bits, all) =
            if self.address.is_ipv4() { (32u32, u128::from(u32::MAX)) } else { (128, u128::MAX) };
        let host_bits = bits.saturating_sub(u32::from(self.prefix));
        all & u128::MAX.checked_shl(host_bits).unwrap_or(0)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// Reads a length of time: one or more of a whole number and `s`, `m`, `h` or `d`, as in `90s` or `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let mut seconds: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("there is no length of time here".to_owned());
    }
    while !rest.is_empty() {
        let (count, unit, after) = part(rest)?;
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "" => return Err("a length of time needs a unit".to_owned()),
            other => return Err(format!("{other:?} is no unit of time")),
        };
        seconds = count
            .checked_mul(factor)
            .and_then(|part| seconds.checked_add(part))
            .filter(|seconds| *seconds <= 3_650 * 86_400)
            .ok_or_else(|| "this is longer than ten years".to_owned())?;
        rest = after;
    }
    Ok(Duration::from_secs(seconds))
}

/// Writes a length of time as [`duration`] reads it.
pub(super) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "0s".to_owned(),
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// Reads a size in bytes: a whole number and `B`, `kB`, `MB`, `GB` (powers of 1000) or `KiB`, `MiB`, `GiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let (count, unit, after) = part(text.trim())?;
    if !after.is_empty() {
        return Err(format!("{after:?} is too much"));
    }
    let factor: u64 = match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "" => return Err("a size needs a unit".to_owned()),
        other => return Err(format!("{other:?} is no unit of size")),
    };
    count.checked_mul(factor).ok_or_else(|| "this size is too large".to_owned())
}

/// Checks an `http` or `https` address.
pub(super) fn address(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("this is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme {:?} is not spoken here", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address holds no account and no password; they have settings of their own".to_owned());
    }
    Ok(())
}

/// Checks a name given to a party, a system or an agreement.
pub(super) fn name(text: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_well = text.bytes().next().is_some_and(plain);
    let goes_on_well = text.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_');
    if starts_well && goes_on_well && text.len() <= 64 {
        return Ok(());
    }
    Err(format!("{text:?} cannot be a name here"))
}

/// What [`name`] takes, as a regular expression and in words.
pub(super) const NAME_PATTERN: &str = "^[a-z0-9][a-z0-9_-]{0,63}$";
pub(super) const NAME_WORDS: &str =
    "small letters, digits, '-' and '_', beginning with a letter or digit, 64 at most";

/// A whole number, the letters after it, and the rest.
fn part(text: &str) -> Result<(u64, &str, &str), String> {
    let digits_end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(digits_end).unwrap_or((text, ""));
    let count = digits.parse().ok().ok_or_else(|| match digits {
        "" => format!("{text:?} does not begin with a whole number"),
        _ => "this number is too large".to_owned(),
    })?;
    let unit_end = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at_checked(unit_end).unwrap_or((rest, ""));
    Ok((count, unit.trim(), after))
}
