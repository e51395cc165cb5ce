//! Encoded queries, as far as their documentation goes; what is not understood is left out silently.

use super::{Row, USER};

/// The rows that fit, in the order that is asked for.
pub(super) fn run(query: &str, rows: &[Row], fields: &[&str]) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.to_vec();
    let mut orders = Vec::new();
    for part in query.split('^').filter(|part| !part.is_empty()) {
        if let Some(field) = part.strip_prefix("ORDERBY") {
            orders.push(field.to_owned());
            continue;
        }
        let name: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        if !fields.contains(&name.as_str()) {
            continue;
        }
        let rest = &part.as_bytes()[name.len()..];
        let rest = std::str::from_utf8(rest).unwrap();
        let get = |row: &Row| row.get(&name).cloned().unwrap_or_default();
        if let Some(value) = rest.strip_prefix(">=") {
            rows.retain(|row| get(row).as_str() >= value);
        } else if let Some(value) = rest.strip_prefix('>') {
            rows.retain(|row| get(row).as_str() > value);
        } else if let Some(value) = rest.strip_prefix("IN") {
            rows.retain(|row| value.split(',').any(|value| value == get(row)));
        } else if let Some(value) = rest.strip_prefix('=') {
            let value = if value == "javascript:gs.getUserID()" { USER } else { value };
            rows.retain(|row| get(row) == value);
        }
    }
    for field in orders.iter().rev() {
        rows.sort_by_key(|row| row.get(field).cloned().unwrap_or_default());
    }
    rows
}
