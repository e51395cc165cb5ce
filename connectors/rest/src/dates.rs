//! Times as a desk writes them, and back.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use throughline_sdk::Timestamp;

use crate::expression::{Value, plain_text};
use crate::manifest::Dates;

/// A way of writing a time, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    style: Style,
    zone: FixedOffset,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Style {
    Rfc3339,
    Seconds,
    Milliseconds,
    Pattern { pattern: String, zoned: bool },
}

impl Format {
    /// Checks what a manifest says.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn new(dates: &Dates) -> Result<Self, String> {
        let zone = zone(&dates.zone).ok_or_else(|| {
            format!("the zone {:?} is neither \"UTC\" nor an offset such as \"+02:00\"", dates.zone)
        })?;
        let style = match dates.format.as_str() {
            "rfc3339" => Style::Rfc3339,
            "seconds" => Style::Seconds,
            "milliseconds" => Style::Milliseconds,
            pattern if pattern.contains('%') => {
                let zoned = ["%z", "%:z", "%#z", "%+"].iter().any(|sign| pattern.contains(sign));
                Style::Pattern { pattern: pattern.to_owned(), zoned }
            }
            other => {
                return Err(format!(
                    "the format {other:?} is neither \"rfc3339\", \"seconds\", \"milliseconds\" nor a pattern with % signs"
                ));
            }
        };
        let format = Self { style, zone };
        // A pattern that cannot be read back would make every time of the desk unreadable.
        let probe = DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default();
        match format.read(&format.write(probe)) {
            Some(read) if read == probe || format.is_coarse(read, probe) => Ok(format),
            _ => Err(format!("the format {:?} cannot write a time and read it again", dates.format)),
        }
    }

    /// A pattern without seconds or hours still says the day.
    fn is_coarse(&self, read: Timestamp, written: Timestamp) -> bool {
        matches!(self.style, Style::Pattern { .. })
            && written.signed_duration_since(read).abs() <= TimeDelta::days(1)
    }

    /// The moment that the desk wrote; `None` where it is none of this form.
    pub(crate) fn read(&self, value: &Value) -> Option<Timestamp> {
        let text = plain_text(value)?;
        match &self.style {
            Style::Rfc3339 => DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc()),
            Style::Seconds => DateTime::from_timestamp(text.parse().ok()?, 0),
            Style::Milliseconds => DateTime::from_timestamp_millis(text.parse().ok()?),
            Style::Pattern { pattern, zoned: true } => {
                DateTime::parse_from_str(&text, pattern).ok().map(|time| time.to_utc())
            }
            Style::Pattern { pattern, zoned: false } => {
                let naive = NaiveDateTime::parse_from_str(&text, pattern)
                    .or_else(|_| {
                        NaiveDate::parse_from_str(&text, pattern).map(|day| day.and_time(NaiveTime::MIN))
                    })
                    .ok()?;
                self.zone.from_local_datetime(&naive).single().map(|time| time.to_utc())
            }
        }
    }

    /// The moment as the desk writes it.
    pub(crate) fn write(&self, time: Timestamp) -> Value {
        let local = time.with_timezone(&self.zone);
        match &self.style {
            Style::Rfc3339 if self.zone.fix().local_minus_utc() == 0 => {
                Value::from(time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
            }
            Style::Rfc3339 => Value::from(local.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)),
            Style::Seconds => Value::from(time.timestamp()),
            Style::Milliseconds => Value::from(time.timestamp_millis()),
            Style::Pattern { pattern, .. } => {
                let mut text = String::new();
                // A pattern that chrono does not know fails here, and then reads as nothing.
                match std::fmt::write(&mut text, format_args!("{}", local.format(pattern))) {
                    Ok(()) => Value::from(text),
                    Err(_) => Value::UNDEFINED,
                }
            }
        }
    }
}

fn zone(text: &str) -> Option<FixedOffset> {
    if text == "UTC" { Some(Utc.fix()) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(format: &str, zone: &str) -> Result<Format, String> {
        Format::new(&Dates { format: format.to_owned(), zone: zone.to_owned() })
    }

    #[test]
    fn a_time_is_read_as_the_desk_writes_it() {
        for (pattern, zone, written) in [
            ("rfc3339", "UTC", "2026-11-22T19:58:49Z"),
            ("rfc3339", "UTC", "2026-11-22T20:58:49+01:00"),
            ("%Y-%m-%d %H:%M:%S", "UTC", "2026-11-22 19:58:49"),
            ("%Y-%m-%d %H:%M:%S", "+01:00", "2026-11-22 20:58:49"),
            ("%Y-%m-%dT%H:%M:%S%.f%z", "UTC", "2026-11-22T19:58:49.000+0000"),
        ] {
            let read = format(pattern, zone).unwrap().read(&Value::from(written));
            assert_eq!(read, DateTime::from_timestamp(1_795_377_529, 0), "{pattern} {zone} {written}");
        }
        let seconds = format("seconds", "UTC").unwrap();
        assert_eq!(seconds.read(&Value::from(1_795_377_529)), DateTime::from_timestamp(1_795_377_529, 0));
        assert_eq!(seconds.read(&Value::from("1795377529")), DateTime::from_timestamp(1_795_377_529, 0));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let time = DateTime::from_timestamp(1_795_377_529, 250_000_000).unwrap();
        for (pattern, zone) in [
            ("rfc3339", "UTC"),
            ("rfc3339", "-03:30"),
            ("milliseconds", "UTC"),
            ("%Y-%m-%d %H:%M:%S%.f", "+05:45"),
        ] {
            let format = format(pattern, zone).unwrap();
            assert_eq!(format.read(&format.write(time)), Some(time), "{pattern} {zone}");
        }
        assert_eq!(format("%Y-%m-%d %H:%M", "UTC").unwrap().write(time), Value::from("2026-11-22 19:58"));
    }

    #[test]
    fn a_format_that_says_nothing_is_refused() {
        for (pattern, zone) in [("iso", "UTC"), ("%H:%M", "UTC"), ("%Q", "UTC"), ("rfc3339", "Europe/Berlin")]
        {
            assert!(format(pattern, zone).is_err(), "{pattern} {zone}");
        }
    }
}
