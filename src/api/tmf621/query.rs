//! What of a list is asked for: which tickets, in what order, which page, which attributes.

use std::cmp::Ordering;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::edition::Edition;
use super::jsonpath::Expression;
use super::refusal::Refusal;
use crate::desk::Narrow;

/// Tickets in an answer where nobody says how many.
const PAGE: usize = 100;
/// The most tickets in one answer.
const LARGEST_PAGE: usize = 1000;

/// A question about a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) fields: Fields,
    pub(super) offset: usize,
    pub(super) limit: usize,
    pub(super) place: Option<Place>,
    sort: Vec<Sorting>,
    filters: Vec<Filter>,
    expression: Option<Expression>,
}

/// Which attributes are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Option<Vec<String>>);

/// A page that begins behind, or ends before, a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    After(Mark),
    Before(Mark),
}

/// A ticket's place in an order: what it is sorted by, and its number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) keys: Vec<Value>,
    pub(super) number: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Sorting {
    path: Vec<String>,
    descending: bool,
}

/// A condition on one attribute, which one of the values has to meet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter {
    path: Vec<String>,
    compared: Compared,
    values: Vec<String>,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Equal,
    Other,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const SUFFIXES: [(&str, Compared); 6] = [
    (".eq", Compared::Equal),
    (".ne", Compared::Other),
    (".lte", Compared::LessOrEqual),
    (".gte", Compared::GreaterOrEqual),
    (".lt", Compared::Less),
    (".gt", Compared::Greater),
];

impl Query {
    /// Reads the query part of an address.
    pub(super) fn parse(raw: &str, edition: Edition) -> Result<Self, Refusal> {
        let mut query = Self { limit: PAGE, ..Self::default() };
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            match (&*name, edition) {
                ("fields", _) => query.fields = Fields::parse(&value),
                ("offset", _) => query.offset = count("offset", &value)?,
                ("limit", _) => query.limit = count("limit", &value)?.min(LARGEST_PAGE),
                ("sort", _) => query.sort = sortings(&value),
                ("after", Edition::V5) => query.place = Some(Place::After(Mark::parse("after", &value)?)),
                ("before", Edition::V5) => query.place = Some(Place::Before(Mark::parse("before", &value)?)),
                ("filter", Edition::V5) => {
                    let expression = Expression::parse(&value);
                    query.expression = Some(
                        expression.map_err(|why| Refusal::bad(format!("filter is no JSONPath: {why}")))?,
                    );
                }
                (_, _) => query.filters.push(Filter::parse(&name, &value)),
            }
        }
        Ok(query)
    }

    /// What the desk knows without reading a ticket.
    pub(super) fn narrow(&self) -> Narrow {
        let only = |filter: &Filter| match filter.values.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        let mut narrow = Narrow::default();
        for filter in &self.filters {
            let path: Vec<&str> = filter.path.iter().map(String::as_str).collect();
            match (path.as_slice(), filter.compared) {
                (["lastUpdate"], Compared::Greater) => {
                    let time = only(filter).and_then(|time| DateTime::parse_from_rfc3339(&time).ok());
                    narrow.after = time.map(|time| time.to_utc());
                }
                (["externalId"] | ["externalIdentifier", "id"], Compared::Equal) => {
                    narrow.identifier = only(filter);
                }
                _ => {}
            }
        }
        narrow
    }

    /// Whether a ticket is asked for.
    pub(super) fn wants(&self, ticket: &Value) -> bool {
        self.filters.iter().all(|filter| filter.holds(ticket))
            && self.expression.as_ref().is_none_or(|expression| expression.selects(ticket))
    }

    /// What a ticket is sorted by.
    pub(super) fn keys(&self, ticket: &Value) -> Vec<Value> {
        let first = |sorting: &Sorting| values(ticket, &sorting.path).first().map(|value| (*value).clone());
        self.sort.iter().map(|sorting| first(sorting).unwrap_or_default()).collect()
    }

    /// The order of two tickets: those without a value last, then by number.
    pub(super) fn order(&self, one: &Mark, other: &Mark) -> Ordering {
        let none = Value::Null;
        let by_key = self.sort.iter().enumerate().map(|(at, sorting)| {
            let (one, other) = (one.keys.get(at).unwrap_or(&none), other.keys.get(at).unwrap_or(&none));
            match (one.is_null(), other.is_null()) {
                (false, false) => {
                    let order = compare(one, other).unwrap_or(Ordering::Equal);
                    if sorting.descending { order.reverse() } else { order }
                }
                (one, other) => one.cmp(&other),
            }
        });
        by_key.fold(Ordering::Equal, Ordering::then).then(one.number.cmp(&other.number))
    }
}

impl Fields {
    pub(super) fn parse(text: &str) -> Self {
        let names: Vec<String> =
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self((!names.is_empty()).then_some(names))
    }

    /// From a query part in which nothing else counts.
    pub(super) fn of(raw: &str) -> Self {
        let fields = form_urlencoded::parse(raw.as_bytes()).filter(|(name, _)| name == "fields").last();
        fields.map_or_else(Self::default, |(_, value)| Self::parse(&value))
    }

    /// What is shown of a ticket; with its id and address, unless only what was named is.
    pub(super) fn of_ticket(&self, ticket: Map<String, Value>, only: bool) -> Map<String, Value> {
        let Some(names) = &self.0 else { return ticket };
        let always: &[&str] = if only { &[] } else { &["id", "href", "@type"] };
        let wanted = |name: &str| {
            always.contains(&name)
                || names.iter().any(|wanted| wanted.split('.').next().is_some_and(|first| first == name))
        };
        ticket.into_iter().filter(|(name, _)| wanted(name)).collect()
    }
}

impl Mark {
    fn parse(name: &str, text: &str) -> Result<Self, Refusal> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let read = bytes.and_then(|bytes| serde_json::from_slice::<(u64, Vec<Value>)>(&bytes).ok());
        let (number, keys) =
            read.ok_or_else(|| Refusal::bad(format!("{name} is no cursor that a Link of ours bears")))?;
        Ok(Self { keys, number })
    }

    /// The mark as a cursor.
    pub(super) fn cursor(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(json!([self.number, self.keys]).to_string())
    }
}

impl Filter {
    /// `status=held`, `status=held,pending`, `lastUpdate.gt=…`, `lastUpdate>=…`.
    fn parse(name: &str, value: &str) -> Self {
        let whole = if value.is_empty() { name.to_owned() } else { format!("{name}={value}") };
        let signs = [
            (">=", Compared::GreaterOrEqual),
            ("<=", Compared::LessOrEqual),
            (">", Compared::Greater),
            ("<", Compared::Less),
        ];
        let by_sign = signs.iter().find_map(|(sign, compared)| {
            let (path, value) = whole.split_once(sign).filter(|_| name.contains(['<', '>']))?;
            Some((path.to_owned(), *compared, value.to_owned()))
        });
        let (path, compared, value) = by_sign.unwrap_or_else(|| {
            let by_suffix = SUFFIXES.iter().find_map(|(suffix, compared)| {
                name.strip_suffix(suffix).map(|path| (path.to_owned(), *compared, value.to_owned()))
            });
            by_suffix.unwrap_or_else(|| (name.to_owned(), Compared::Equal, value.to_owned()))
        });
        let values = match compared {
            Compared::Equal | Compared::Other => value.split(',').map(str::to_owned).collect(),
            Compared::Less | Compared::LessOrEqual | Compared::Greater | Compared::GreaterOrEqual => {
                vec![value]
            }
        };
        Self { path: path.split('.').map(str::to_owned).collect(), compared, values }
    }

    fn holds(&self, ticket: &Value) -> bool {
        let found = values(ticket, &self.path);
        let wanted = |is: &Value, value: &String| {
            // A query has texts only: a number or flag as it is written is the same.
            let plain = if is.is_string() { is.clone() } else { Value::from(is.to_string()) };
            let wanted = Value::from(value.as_str());
            let same = compare(&plain, &wanted) == Some(Ordering::Equal);
            let order = if same { Some(Ordering::Equal) } else { compare(is, &wanted) };
            self.compared.holds(order)
        };
        if self.compared == Compared::Other {
            return found.iter().all(|is| self.values.iter().all(|value| wanted(is, value)));
        }
        found.iter().any(|is| self.values.iter().any(|value| wanted(is, value)))
    }
}

impl Compared {
    /// Whether values in this order, `None` for those that have none, are as asked for.
    pub(super) fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Other => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

/// What stands under a path of names; of an array, what stands in each entry.
pub(super) fn values<'v>(value: &'v Value, path: &[String]) -> Vec<&'v Value> {
    let entries = |value: &'v Value| match value {
        Value::Array(entries) => entries.iter().collect(),
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
    };
    let mut found = entries(value);
    for name in path {
        found = found.into_iter().filter_map(|value| value.get(name)).flat_map(entries).collect();
    }
    found
}

/// The order of two values, if they have one: numbers as numbers, moments as moments, texts as texts.
pub(super) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        // Two texts of digits are names: 007 is not 7.
        (Value::String(one), Value::String(other)) => match (moment(one), moment(other)) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => Some(one.cmp(other)),
        },
        (Value::Number(_), _) | (_, Value::Number(_)) => number(one)?.partial_cmp(&number(other)?),
        (one, other) => (one == other).then_some(Ordering::Equal),
    }
}

/// A number, also one that a query writes as a text beside a number.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok().filter(|number: &f64| number.is_finite()))
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

/// A whole number of tickets: what is below zero is none, what is beyond all is all.
fn count(name: &str, text: &str) -> Result<usize, Refusal> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::bad(format!("{name} has to be a whole number")));
    }
    if text.starts_with('-') {
        return Ok(0);
    }
    Ok(digits.parse().unwrap_or(usize::MAX))
}

fn sortings(text: &str) -> Vec<Sorting> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let (path, descending) = match name.strip_prefix('-') {
                Some(path) => (path, true),
                None => (name.strip_prefix('+').unwrap_or(name), false),
            };
            Sorting { path: path.split('.').map(str::to_owned).collect(), descending }
        })
        .collect()
}
