//! Two feeds under one cursor: notes move no case, links expire, rows are deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use throughline_sdk::Cursor;

use crate::subject::{Stand, stand};

/// Everything since a cursor, and the cursor after it.
async fn since(stand: &Stand, cursor: Option<&Cursor>) -> (BTreeSet<String>, Cursor) {
    let mut seen = BTreeSet::new();
    let mut cursor = cursor.cloned();
    for _ in 0..100 {
        let page = stand.subject.connector.changes(&stand.ctx(), cursor.as_ref()).await.unwrap();
        seen.extend(page.hints.into_iter().map(|hint| hint.ticket.as_str().to_owned()));
        if !page.more {
            return (seen, page.next);
        }
        cursor = Some(page.next);
    }
    panic!("the feed has no end");
}

fn hours(stand: &Stand, hours: u64) -> impl Future<Output = ()> {
    stand.subject.clock.sleep(Duration::from_secs(hours * 3600))
}

#[tokio::test]
async fn the_first_reading_passes_over_what_is_old() {
    let stand = stand(&[]);
    let old: Vec<String> = (0..23).map(|n| stand.desk.create(&format!("old {n}"))).collect();
    stand.desk.note(&old[0], &json!({ "notetext": "old" }));
    hours(&stand, 1).await;
    // Changed while the whole table is being read, which takes several pages.
    let first = stand.subject.connector.changes(&stand.ctx(), None).await.unwrap();
    assert!(first.more && first.hints.is_empty());
    stand.desk.change(&old[2], &json!({ "title": "meanwhile" }));
    let (seen, cursor) = since(&stand, Some(&first.next)).await;
    assert_eq!(seen, BTreeSet::from([old[2].clone()]));
    let (seen, _) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, BTreeSet::new());
}

#[tokio::test]
async fn a_note_and_a_deleted_case_are_changes() {
    let stand = stand(&[]);
    let (one, other) = (stand.desk.create("one"), stand.desk.create("other"));
    hours(&stand, 1).await;
    let (_, cursor) = since(&stand, None).await;
    stand.asked();
    let note = stand.desk.note(&one, &json!({ "notetext": "seen" }));
    let (seen, cursor) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, BTreeSet::from([one.clone()]));
    assert_eq!(stand.asked().len(), 2, "one request for each table");
    stand.desk.delete("incident", &other);
    stand.desk.delete("annotation", &note);
    let (seen, _) = since(&stand, Some(&cursor)).await;
    // The deleted note does not say whose it was.
    assert_eq!(seen, BTreeSet::from([other]));
}

#[tokio::test]
async fn an_expired_link_loses_no_change() {
    let stand = stand(&[]);
    let cases: Vec<String> = (0..12).map(|n| stand.desk.create(&format!("case {n}"))).collect();
    let (_, cursor) = since(&stand, None).await;
    hours(&stand, 1).await;
    let (_, cursor) = since(&stand, Some(&cursor)).await;
    hours(&stand, 24 * 8).await;
    stand.desk.change(&cases[3], &json!({ "title": "changed" }));
    stand.desk.note(&cases[7], &json!({ "notetext": "noted" }));
    // Begun before the last good reading and committed after it.
    stand.desk.change(&cases[9], &json!({ "title": "late" }));
    let last = stand.subject.clock.now() - Duration::from_secs(24 * 8 * 3600 + 60);
    let late = last.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    stand.desk.lock().cases.get_mut(&cases[9]).unwrap().modified = late;
    let version = stand.desk.lock().version;
    stand.desk.lock().expired_before = version;
    let (seen, cursor) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, BTreeSet::from([cases[3].clone(), cases[7].clone(), cases[9].clone()]));
    let (seen, _) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, BTreeSet::new());
}
