//! Lengths of time as they are written.

use std::time::Duration;

use serde::Deserialize as _;
use serde::de::{Deserializer, Error as _};

/// A length of time such as `"250ms"`, `"5s"`, `"10m"`, `"8h"`.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or(("", &text));
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let length =
        number.parse::<u64>().ok().filter(|_| millis > 0).and_then(|number| number.checked_mul(millis));
    length.map(Duration::from_millis).ok_or_else(|| {
        D::Error::custom("a length of time is a number and a unit: \"250ms\", \"5s\", \"10m\" or \"8h\"")
    })
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}
