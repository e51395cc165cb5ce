//! Two feeds under one cursor: files move no record, commits come late, access rules hide rows after the page was cut.

use std::collections::BTreeSet;
use std::time::Duration;

use throughline_sdk::{Cursor, ErrorKind};

use crate::subject::{Stand, stand};

/// Everything since a cursor, and the cursor after it.
async fn since(stand: &Stand, cursor: Option<&Cursor>) -> (BTreeSet<String>, Cursor) {
    let mut seen = BTreeSet::new();
    let mut cursor = cursor.cloned();
    for _ in 0..100 {
        let page = stand.subject.connector.changes(&stand.ctx(), cursor.as_ref()).await.unwrap();
        seen.extend(page.hints.into_iter().map(|hint| hint.ticket.as_str().to_owned()));
        if !page.more && cursor.is_some() {
            return (seen, page.next);
        }
        cursor = Some(page.next);
    }
    panic!("the feed has no end");
}

fn seconds(stand: &Stand, seconds: u64) -> impl Future<Output = ()> {
    stand.subject.clock.sleep(Duration::from_secs(seconds))
}

#[tokio::test]
async fn what_is_old_is_passed_over_and_what_was_read_is_not_read_for_ever() {
    let stand = stand(&[]);
    stand.desk.create("old");
    seconds(&stand, 60).await;
    let (seen, cursor) = since(&stand, None).await;
    assert_eq!(seen, BTreeSet::new());
    let new = stand.desk.create("new");
    let (seen, cursor) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, BTreeSet::from([new]));
    seconds(&stand, 60).await;
    let (_, cursor) = since(&stand, Some(&cursor)).await;
    let (seen, _) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, BTreeSet::new());
}

#[tokio::test]
async fn a_commit_that_comes_late_is_seen() {
    let stand = stand(&[]);
    seconds(&stand, 60).await;
    let (_, cursor) = since(&stand, None).await;
    let (first, late) = (stand.desk.create("first"), stand.desk.create("late"));
    // Not yet there when the feed is read, and bearing an older time when it is.
    let row = {
        let mut state = stand.desk.lock();
        let at = state.records.iter().position(|row| row["sys_id"] == late).unwrap();
        state.records.remove(at)
    };
    seconds(&stand, 4).await;
    let (seen, cursor) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, BTreeSet::from([first]));
    stand.desk.lock().records.push(row);
    let (seen, _) = since(&stand, Some(&cursor)).await;
    assert!(seen.contains(&late));
}

#[tokio::test]
async fn a_file_is_a_change_of_its_record() {
    let stand = stand(&[]);
    let record = stand.desk.create("with a file");
    seconds(&stand, 60).await;
    let (_, cursor) = since(&stand, None).await;
    stand.desk.attach(&record, "log.txt", b"log");
    let (seen, _) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, BTreeSet::from([record]));
}

#[tokio::test]
async fn a_page_of_hidden_rows_is_not_the_end() {
    let stand = stand(&[]);
    let (_, cursor) = since(&stand, None).await;
    let mut expected = BTreeSet::new();
    for n in 0..350 {
        let id = stand.desk.create(&format!("case {n}"));
        if (20..330).contains(&n) {
            stand.desk.lock().hidden.push(id);
        } else {
            expected.insert(id);
        }
        if n % 100 == 0 {
            seconds(&stand, 1).await;
        }
    }
    let (seen, _) = since(&stand, Some(&cursor)).await;
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_told_and_not_believed() {
    let stand = stand(&[]);
    stand.desk.create("old");
    seconds(&stand, 60).await;
    let (_, cursor) = since(&stand, None).await;
    stand.desk.lock().confused = true;
    for cursor in [&cursor, &Cursor::new("{}")] {
        let error = stand.subject.connector.changes(&stand.ctx(), Some(cursor)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
}
