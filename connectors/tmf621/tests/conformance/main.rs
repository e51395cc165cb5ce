//! The connector against desks written from the standard, each of which uses another freedom that the standard leaves.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod desk;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod pointer;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod subject;

use desk::Manners;
use serde_json::json;
use subject::subject;
use throughline_testkit::conformance;

/// RFC 7386 to the letter, ids of its own, no filter, no order, small pages, whole seconds, files inside the ticket.
#[tokio::test]
async fn a_desk_of_version_4_that_keeps_to_merge_patch_conforms() {
    let manners = Manners { whole_seconds: true, page: 20, inline_files: true, ..Manners::V4 };
    let report = conformance::run(&subject(manners, &[("lag", json!(2))])).await;
    assert!(report.failed().is_empty(), "{report}");
}

/// Each note it is sent is one more.
#[tokio::test]
async fn a_desk_that_adds_whatever_it_is_sent_conforms() {
    let manners = Manners { appends: true, filters: true, sorts: true, ..Manners::V4 };
    let settings = [("note_writes", json!("append")), ("link_back", json!("related-entity"))];
    let report = conformance::run(&subject(manners, &settings)).await;
    assert!(report.failed().is_empty(), "{report}");
}

/// JSON Patch to the letter: nothing can be added to a list that is not there.
#[tokio::test]
async fn a_desk_of_version_5_with_json_patch_and_entity_tags_conforms() {
    let manners = Manners { filters: true, sorts: true, tags: true, keeps_ids: true, ..Manners::V5 };
    let settings = [("conditional", json!(true)), ("marker", json!("id")), ("text", json!("markdown"))];
    let report = conformance::run(&subject(manners, &settings)).await;
    assert!(report.failed().is_empty(), "{report}");
}

/// Writes are accepted and done later, with and without telling where.
#[tokio::test]
async fn a_desk_that_answers_202_conforms() {
    for names_place in [true, false] {
        let manners = Manners { later: true, names_place, filters: true, ..Manners::V5 };
        let report = conformance::run(&subject(manners, &[("later", json!(10))])).await;
        assert!(report.failed().is_empty(), "names_place {names_place}:\n{report}");
    }
}

/// Notes of its own sort are for its own people; lists know neither fields nor filters.
#[tokio::test]
async fn a_desk_with_internal_notes_and_bare_lists_conforms() {
    let manners = Manners { refuses_fields: true, ..Manners::V5 };
    let settings = [
        ("internal_note_type", json!("InternalNote")),
        ("fields", json!(false)),
        ("changes", json!("list")),
        ("patch", json!("json")),
    ];
    let report = conformance::run(&subject(manners, &settings)).await;
    assert!(report.failed().is_empty(), "{report}");
}
