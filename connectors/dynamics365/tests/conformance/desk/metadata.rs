//! What the organization says about its tables: columns, types, labels.

use serde_json::{Value, json};

use super::State;
use super::web::{Reply, problem};

/// Columns of a case with their type; those with choices have a list of their own.
const COLUMNS: &[(&str, &str)] = &[
    ("incidentid", "Uniqueidentifier"),
    ("ticketnumber", "String"),
    ("title", "String"),
    ("description", "Memo"),
    ("statecode", "State"),
    ("statuscode", "Status"),
    ("prioritycode", "Picklist"),
    ("casetypecode", "Picklist"),
    ("caseorigincode", "Picklist"),
    ("isescalated", "Boolean"),
    ("productserialnumber", "String"),
    ("actualserviceunits", "Integer"),
    ("influencescore", "Double"),
    ("followupby", "DateTime"),
    ("new_marker", "String"),
    ("new_counterpart", "String"),
    ("createdon", "DateTime"),
    ("modifiedon", "DateTime"),
    ("_customerid_value", "Customer"),
    ("_primarycontactid_value", "Lookup"),
    ("_masterid_value", "Lookup"),
];

const NOTE_COLUMNS: &[&str] = &[
    "annotationid",
    "subject",
    "notetext",
    "isdocument",
    "filename",
    "filesize",
    "mimetype",
    "documentbody",
    "createdon",
    "modifiedon",
    "_createdby_value",
    "_objectid_value",
    "objecttypecode",
];

pub(super) fn knows(table: &str, column: &str) -> bool {
    match table {
        "incident" => COLUMNS.iter().any(|(known, _)| *known == column),
        _ => NOTE_COLUMNS.contains(&column),
    }
}

fn choices(state: &State, column: &str) -> Vec<(i64, Option<i64>, &'static str)> {
    let plain =
        |list: &[(i64, &'static str)]| list.iter().map(|(value, label)| (*value, None, *label)).collect();
    match column {
        "statuscode" => {
            state.statuses.iter().map(|(value, state, label)| (*value, Some(*state), *label)).collect()
        }
        "prioritycode" => plain(&[(1, "High"), (2, "Normal"), (3, "Low")]),
        "casetypecode" => plain(&[(1, "Question"), (2, "Problem"), (3, "Request")]),
        "caseorigincode" => plain(&[(1, "Phone"), (2, "Email"), (3, "Web")]),
        "isescalated" => plain(&[(0, "No"), (1, "Yes")]),
        _ => Vec::new(),
    }
}

/// What people see of a choice.
pub(super) fn label(state: &State, column: &str, value: &Value) -> Option<&'static str> {
    let number = value.as_i64().or_else(|| value.as_bool().map(i64::from))?;
    choices(state, column).into_iter().find(|(value, _, _)| *value == number).map(|(_, _, label)| label)
}

pub(super) fn takes(state: &State, column: &str, value: &Value) -> bool {
    let kind = COLUMNS.iter().find(|(known, _)| *known == column).map_or("", |(_, kind)| *kind);
    match kind {
        _ if value.is_null() => true,
        "String" | "Memo" | "DateTime" => value.is_string(),
        "Integer" => value.is_i64(),
        "Double" => value.is_number(),
        "Boolean" => value.is_boolean(),
        "Picklist" | "Status" | "State" => {
            value.is_i64() && (kind == "State" || label(state, column, value).is_some())
        }
        _ => false,
    }
}

/// `EntityDefinitions(...)` and what is below it.
pub(super) fn answer(state: &State, path: &str, select: &str, expand: &str) -> Reply {
    let table = path.split('\'').nth(1).unwrap_or_default();
    if !matches!(table, "incident" | "annotation") {
        return problem(404, "0x80060888", "Could not find an entity with that name.");
    }
    let Some(rest) = path.split_once(")/Attributes(LogicalName='").map(|(_, rest)| rest) else {
        assert_eq!(select, "ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled");
        return Reply::json(&json!({
            "ChangeTrackingEnabled": !state.untracked.contains(&table),
            "IsOptimisticConcurrencyEnabled": true,
        }));
    };
    let (column, cast) = rest.split_once("')").unwrap();
    let Some((_, kind)) = COLUMNS.iter().find(|(known, _)| *known == column) else {
        return problem(404, "0x80040217", "Could not find a column with that name.");
    };
    if cast.is_empty() {
        return Reply::json(&json!({ "AttributeType": kind, "MetadataId": super::ACCOUNT }));
    }
    if cast != format!("/Microsoft.Dynamics.CRM.{kind}AttributeMetadata") {
        return problem(
            404,
            "0x80060888",
            "Resource not found for the segment: the column is of another type.",
        );
    }
    assert!(expand.split(',').any(|part| part == "OptionSet"), "without $expand there are no options");
    let options: Vec<Value> = choices(state, column)
        .into_iter()
        .map(|(value, state, label)| {
            let label = json!({ "LocalizedLabels": [{ "Label": label, "LanguageCode": 1033 }],
                                "UserLocalizedLabel": { "Label": label, "LanguageCode": 1033 } });
            match state {
                Some(state) => json!({ "@odata.type": "#Microsoft.Dynamics.CRM.StatusOptionMetadata",
                                       "Value": value, "Label": label, "State": state, "TransitionData": null }),
                None => json!({ "Value": value, "Label": label, "Color": "#0000ff" }),
            }
        })
        .collect();
    let set = match *kind {
        "Boolean" => json!({ "FalseOption": options[0], "TrueOption": options[1] }),
        _ => json!({ "Options": options }),
    };
    Reply::json(&json!({ "LogicalName": column, "OptionSet": set, "GlobalOptionSet": null }))
}
