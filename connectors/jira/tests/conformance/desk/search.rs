//! The search: an index that lags behind, dates compared to the minute, and two ways to page.

use chrono::{DurationRound, TimeDelta};
use serde_json::{Value, json};
use throughline_sdk::Timestamp;

use super::Desk;
use super::rest::{Answer, Asked, refuse};
use super::state::Row;

/// What the desk understands of JQL.
#[derive(Default)]
struct Query {
    project: Option<String>,
    label: Option<String>,
    since: Option<Timestamp>,
}

pub(crate) fn cloud(desk: &Desk, asked: &Asked) -> Answer {
    // Fewer than asked for, as the documentation allows.
    const PAGE: usize = 40;
    let jql = asked.one("jql").unwrap_or_default();
    let rows = match rows(desk, &jql, &asked.all("reconcileIssues")) {
        Ok(rows) => rows,
        Err(why) => return refuse(400, &why),
    };
    if asked.all("reconcileIssues").len() > 50 {
        return refuse(400, "reconcileIssues: at most 50");
    }
    // A token belongs to its search.
    let stamp = jql.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let after = match asked.one("nextPageToken").as_deref().map(|token| token.split_once('.')) {
        None => 0,
        Some(Some((of, after))) if of == stamp.to_string() => after.parse().unwrap(),
        Some(_) => return refuse(400, "The provided next page token is invalid or expired"),
    };
    let most = asked.one("maxResults").and_then(|most| most.parse().ok()).unwrap_or(50).min(PAGE);
    let rest: Vec<&(u64, Row)> = rows.iter().filter(|(_, row)| row.number > after).collect();
    let page: Vec<Value> = rest.iter().take(most).map(|row| found(desk, row)).collect();
    let mut body = json!({ "issues": page, "isLast": rest.len() <= most });
    if rest.len() > most {
        body["nextPageToken"] = format!("{stamp}.{}", rest[most - 1].1.number).into();
    }
    Answer::json(200, body)
}

pub(crate) fn data_center(desk: &Desk, asked: &Asked) -> Answer {
    const PAGE: usize = 100;
    let rows = match rows(desk, &asked.one("jql").unwrap_or_default(), &[]) {
        Ok(rows) => rows,
        Err(why) => return refuse(400, &why),
    };
    let number = |name: &str, without| asked.one(name).and_then(|text| text.parse().ok()).unwrap_or(without);
    let (start, most) = (number("startAt", 0), number("maxResults", 50).min(PAGE));
    let page: Vec<Value> = rows.iter().skip(start).take(most).map(|row| found(desk, row)).collect();
    Answer::json(200, json!({"startAt": start, "maxResults": most, "total": rows.len(), "issues": page}))
}

fn found(desk: &Desk, (id, row): &(u64, Row)) -> Value {
    let updated = super::rest::time(desk, row.updated);
    json!({
        "id": id.to_string(), "key": format!("{}-{}", row.project, row.number),
        "fields": {"updated": updated, "labels": row.labels},
    })
}

/// The issues that match, as the index knows them, by key.
fn rows(desk: &Desk, jql: &str, reconciled: &[String]) -> Result<Vec<(u64, Row)>, String> {
    let query = parse(jql, desk.now())?;
    let state = desk.lock();
    let horizon = desk.now() - desk.lag;
    let mut known = std::collections::BTreeMap::new();
    for indexed in &state.index {
        if indexed.at <= horizon || reconciled.contains(&indexed.id.to_string()) {
            known.insert(indexed.id, indexed.row.clone());
        }
    }
    let mut rows: Vec<(u64, Row)> = known.into_iter().filter_map(|(id, row)| Some((id, row?))).collect();
    let minute = |time: Timestamp| time.duration_trunc(TimeDelta::minutes(1)).unwrap();
    rows.retain(|(_, row)| {
        query.project.as_ref().is_none_or(|project| *project == row.project)
            && query.label.as_ref().is_none_or(|label| row.labels.contains(label))
            && query.since.is_none_or(|since| minute(row.updated) > minute(since))
    });
    rows.sort_by_key(|(_, row)| (row.project.clone(), row.number));
    Ok(rows)
}

fn parse(jql: &str, now: Timestamp) -> Result<Query, String> {
    let conditions = jql.strip_suffix(" ORDER BY key ASC").ok_or("an order this desk does not know")?;
    let mut query = Query::default();
    for condition in conditions.split(" AND ") {
        let wrong = || format!("Error in the JQL Query: {condition}");
        let value =
            condition.split_once('"').and_then(|(_, rest)| rest.strip_suffix('"')).ok_or_else(wrong)?;
        match condition.split(' ').take(2).collect::<Vec<_>>()[..] {
            ["project", "="] => query.project = Some(value.to_owned()),
            ["labels", "="] => query.label = Some(value.to_owned()),
            ["updated", ">="] => {
                let minutes =
                    value.strip_prefix('-').and_then(|rest| rest.strip_suffix('m')).ok_or_else(wrong)?;
                let minutes: i64 = minutes.parse().map_err(|_why| wrong())?;
                query.since = Some(now - TimeDelta::minutes(minutes));
            }
            _ => return Err(wrong()),
        }
    }
    if query.project.is_none() && query.label.is_none() {
        return Err("Unbounded JQL queries are not allowed here".to_owned());
    }
    Ok(query)
}
