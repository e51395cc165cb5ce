//! Single values that TOML has no type for: lengths of time, sizes, addresses, names.

use std::time::Duration;

use url::Url;

/// Reads a length of time: one or more of a whole number and `s`, `m`, `h` or `d`, as in `90s` or `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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
