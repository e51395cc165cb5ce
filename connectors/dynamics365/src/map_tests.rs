//! A case as a ticket: nothing a row may hold is too odd, and nothing of ours shows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use throughline_sdk::{Settings, Visibility};

use super::*;

const ID: &str = "2e451703-c686-e711-80e5-00155db19e6d";

fn config() -> Config {
    let values = [
        ("url", json!("https://contoso.crm.dynamics.com")),
        ("customer", json!("accounts(2e451703-c686-e711-80e5-00155db19e6d)")),
        ("link_column", json!("new_counterpart")),
        ("columns", json!({ "Serial number": "productserialnumber", "Units": "actualserviceunits" })),
        ("choice_columns", json!({ "Origin": "caseorigincode" })),
    ];
    let values: BTreeMap<_, _> = values.map(|(key, value)| (key.to_owned(), value)).into();
    Config::read(&Settings { values, ..Settings::default() }).unwrap()
}

fn row(value: Value) -> Row {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_case_reads_in_the_words_of_its_organization() {
    let case = row(json!({
        "@odata.etag": "W/\"915244\"", "incidentid": ID, "ticketnumber": "CAS-01003-X9Y8Z7",
        "title": " Printer ", "description": "smokes\r\n\r\n[tl-aaaaaaaaaaaaaaaaaaaaaaaaaa]",
        "statecode": 0, "statuscode": 2, "statuscode@OData.Community.Display.V1.FormattedValue": "Zurückgestellt",
        "prioritycode": 1, "casetypecode": null,
        "productserialnumber": "A-1", "actualserviceunits": 7, "new_counterpart": "TL-7 https://desk.example/7",
        "caseorigincode": 3, "caseorigincode@OData.Community.Display.V1.FormattedValue": "Web",
        "_customerid_value@OData.Community.Display.V1.FormattedValue": "Contoso",
        "createdon": "2026-01-01T00:00:00Z", "modifiedon": "2026-01-02T00:00:00Z",
    }));
    let note = row(json!({
        "annotationid": ID, "subject": "Seen", "notetext": "*WEB* thanks", "createdon": "2026-01-03T00:00:00Z",
        "modifiedon": "2026-01-03T00:00:00Z", "filename": "log.txt", "filesize": 3,
        "_createdby_value@OData.Community.Display.V1.FormattedValue": "Ada",
    }));
    let ticket = ticket(ID, &case, std::slice::from_ref(&note), None, &config());
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("Printer", "smokes"));
    assert_eq!((ticket.status.as_str(), ticket.priority.as_deref()), ("Zurückgestellt", Some("1")));
    assert_eq!((ticket.kind, ticket.key.as_str()), (None, "CAS-01003-X9Y8Z7"));
    let fields: Vec<_> = ticket.fields.iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(fields, ["Origin=Web", "Serial number=A-1", "Units=7"]);
    assert_eq!(ticket.marker.unwrap().as_str(), "tl-aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(ticket.references[0].url.as_deref(), Some("https://desk.example/7"));
    assert_eq!(ticket.comments[0].body, "Seen\n\nthanks");
    assert_eq!(
        (ticket.comments[0].visibility, ticket.comments[0].author.name.as_str()),
        (Visibility::Public, "Ada")
    );
    assert_eq!((ticket.files[0].name.as_str(), ticket.files[0].size), ("log.txt", 3));
    assert_eq!(ticket.updated, "2026-01-03T00:00:00Z".parse::<Timestamp>().unwrap());
    assert_eq!(condition(ticket.version.as_ref().unwrap()), "W/\"915244\"");
}

#[test]
fn a_version_changes_with_the_notes_and_its_condition_does_not() {
    let case = row(json!({ "@odata.etag": "W/\"1\"" }));
    let note = |etag: &str| row(json!({ "annotationid": ID, "@odata.etag": etag }));
    let versions: Vec<Version> = [vec![], vec![note("W/\"2\"")], vec![note("W/\"3\"")]]
        .iter()
        .map(|notes| version(&case, notes))
        .collect();
    assert!(versions[0] != versions[1] && versions[1] != versions[2]);
    assert!(versions.iter().all(|version| condition(version) == "W/\"1\""));
}

proptest! {
    #[test]
    fn no_row_is_too_odd(
        keys in proptest::collection::vec("title|description|statuscode|createdon|subject|notetext|filename|filesize", 0..8),
        values in proptest::collection::vec("\\PC{0,20}|\\*WEB\\*<div>|\\[tl-[a-z]{26}\\]", 8),
    ) {
        let case: serde_json::Map<String, Value> =
            keys.into_iter().zip(values.into_iter().map(Value::from)).collect();
        let row = Row(case);
        drop(ticket(ID, &row, std::slice::from_ref(&row), Some(b"\xff"), &config()));
    }
}
