//! What every RT ticket has beside its custom fields, under the names its pages show.

use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};
use throughline_sdk::{Error, ErrorKind, Result};

use crate::map;
use crate::wire::Ticket;

/// How RT writes that a date is not set.
const NEVER: &str = "1970-01-01 00:00:00";

/// Who owns a ticket that nobody owns.
const NOBODY: &str = "Nobody";

/// One built-in attribute that appears among a ticket's fields.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// The name people see. A custom field of the same name is not reached.
    pub(crate) name: &'static str,
    /// RT's name for it when it is written, and in the history.
    pub(crate) key: &'static str,
    shape: Shape,
    raw: fn(&Ticket) -> &str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// The account name of somebody at the desk.
    Account,
    /// A date, or a moment in UTC.
    Date,
    /// A number of minutes.
    Minutes,
}

/// All of them.
pub(crate) const ATTRIBUTES: &[Attribute] = &[
    Attribute { name: "Owner", key: "Owner", shape: Shape::Account, raw: |ticket| &ticket.owner.id },
    Attribute { name: "Starts", key: "Starts", shape: Shape::Date, raw: |ticket| &ticket.starts },
    Attribute { name: "Due", key: "Due", shape: Shape::Date, raw: |ticket| &ticket.due },
    Attribute {
        name: "Time estimated",
        key: "TimeEstimated",
        shape: Shape::Minutes,
        raw: |ticket| &ticket.time_estimated,
    },
    Attribute {
        name: "Time worked",
        key: "TimeWorked",
        shape: Shape::Minutes,
        raw: |ticket| &ticket.time_worked,
    },
    Attribute { name: "Time left", key: "TimeLeft", shape: Shape::Minutes, raw: |ticket| &ticket.time_left },
];

/// The attribute with this name.
pub(crate) fn named(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|attribute| attribute.name == name)
}

impl Attribute {
    /// Its value in a ticket; empty where it is not set.
    pub(crate) fn read(&self, ticket: &Ticket) -> String {
        let raw = (self.raw)(ticket);
        match self.shape {
            Shape::Account if raw == NOBODY => String::new(),
            // Accounts of mail correspondents are named by their address, which stays inside.
            Shape::Account => map::person("", raw),
            Shape::Date => date(raw),
            Shape::Minutes if raw == "0" => String::new(),
            Shape::Minutes => raw.to_owned(),
        }
    }

    /// The value as RT takes it.
    pub(crate) fn write(&self, value: &str) -> Result<Value> {
        let wrong = |what: &str| {
            Error::new(ErrorKind::Rejected, format!("{value:?} is {what}")).with_context("field", self.name)
        };
        match self.shape {
            Shape::Account if value.is_empty() => Ok(json!(NOBODY)),
            Shape::Account => Ok(json!(value)),
            Shape::Date if value.is_empty() => Ok(json!(NEVER)),
            Shape::Date => {
                // What RT does not understand as a date it takes for none, and answers with success.
                moment(value)
                    .map(Value::from)
                    .ok_or_else(|| wrong("no date like 2031-05-06 or 2031-05-06T07:08:09Z"))
            }
            Shape::Minutes if value.is_empty() => Ok(json!(0)),
            Shape::Minutes => {
                let minutes: u32 =
                    value.trim().parse().map_err(|_no_number| wrong("no number of minutes"))?;
                Ok(json!(minutes))
            }
        }
    }

    /// Whether what was asked for is what the ticket has.
    pub(crate) fn holds(&self, asked: &str, seen: &str) -> bool {
        match self.shape {
            Shape::Account => map::person("", asked) == seen,
            Shape::Date => asked.is_empty() == seen.is_empty() && moment(asked) == moment(seen),
            Shape::Minutes => {
                let number = |text: &str| text.trim().parse::<u32>().unwrap_or_default();
                number(asked) == number(seen)
            }
        }
    }
}

/// A day where RT has midnight, else the moment as RT writes it.
fn date(raw: &str) -> String {
    match raw.strip_suffix("T00:00:00Z") {
        Some("1970-01-01") => String::new(),
        Some(day) => day.to_owned(),
        None => raw.to_owned(),
    }
}

/// A day or moment in the one form that RT takes without a doubt about its time zone.
fn moment(text: &str) -> Option<String> {
    let text = text.trim();
    let of_day = || text.parse::<NaiveDate>().ok().map(|day| format!("{day} 00:00:00"));
    let of_time = || {
        let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        Some(time.format("%Y-%m-%d %H:%M:%S").to_string())
    };
    of_day().or_else(of_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(more: &Value) -> Ticket {
        let mut ticket = json!({"id": 1});
        for (key, value) in more.as_object().unwrap() {
            ticket[key] = value.clone();
        }
        serde_json::from_value(ticket).unwrap()
    }

    fn read(name: &str, more: &Value) -> String {
        named(name).unwrap().read(&ticket(more))
    }

    #[test]
    fn what_is_not_set_is_empty() {
        let unset = json!({
            "Owner": {"id": "Nobody"}, "Due": "1970-01-01T00:00:00Z", "Starts": null, "TimeWorked": "0",
        });
        for attribute in ATTRIBUTES {
            assert_eq!(attribute.read(&ticket(&unset)), "", "{}", attribute.name);
        }
    }

    #[test]
    fn a_value_reads_as_people_see_it_and_no_address_comes_out() {
        assert_eq!(read("Due", &json!({"Due": "2031-05-06T00:00:00Z"})), "2031-05-06");
        assert_eq!(read("Due", &json!({"Due": "2031-05-06T10:00:00Z"})), "2031-05-06T10:00:00Z");
        assert_eq!(read("Time left", &json!({"TimeLeft": "15"})), "15");
        assert_eq!(read("Owner", &json!({"Owner": {"id": "carol@desk.example"}})), "carol");
    }

    #[test]
    fn what_is_written_is_what_is_read_again() {
        for (name, value, written) in [
            ("Due", "2031-05-06", json!("2031-05-06 00:00:00")),
            ("Due", "2031-05-06T12:00:00+02:00", json!("2031-05-06 10:00:00")),
            ("Starts", "", json!(NEVER)),
            ("Time worked", "90", json!(90)),
            ("Time worked", "", json!(0)),
            ("Owner", "", json!("Nobody")),
            ("Owner", "alice", json!("alice")),
        ] {
            assert_eq!(named(name).unwrap().write(value).unwrap(), written);
        }
        let due = named("Due").unwrap();
        assert!(due.holds("2031-05-06T12:00:00+02:00", "2031-05-06T10:00:00Z"));
        assert!(due.holds("2031-05-06", "2031-05-06") && due.holds("", ""));
        assert!(
            !due.holds("2031-05-06", "")
                && !due.holds("", "2031-05-06")
                && !due.holds("2031-05-06", "2031-05-07")
        );
        assert!(named("Owner").unwrap().holds("carol@desk.example", "carol"));
    }

    #[test]
    fn what_rt_would_take_for_nothing_is_refused_before_it_is_sent() {
        for (name, value) in
            [("Due", "soon"), ("Due", "06.05.2031"), ("Time left", "an hour"), ("Time left", "-5")]
        {
            let error = named(name).unwrap().write(value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected);
            assert!(error.to_string().contains(value), "{error}");
        }
    }
}
