//! What cases are filed under, held against filing each of them once, as it is now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::case::{Case, CaseId};
use crate::ledger::Position;
use crate::store::memory::MemoryStore;
use crate::store::{Changes, Index, Table, View};

/// However the cases came to what they are, and whatever was erased: the rows are those of these cases, and so are the
/// counts.
pub(crate) fn assert_filed(index: &Index, cases: &BTreeMap<CaseId, Case>) {
    let once = Index::new(Arc::new(MemoryStore::new()));
    let mut changes = Changes::new(&once).unwrap();
    for case in cases.values() {
        changes.record(&[], Some(case.clone()), case.changed, Position(0)).unwrap();
    }
    once.absorb(changes.finish());
    for table in [Table::Filed, Table::Changed, Table::Hours, Table::Due] {
        assert_eq!(index.rows(table).unwrap(), once.rows(table).unwrap(), "{table:?}");
    }
    let counts = index.counts().unwrap();
    for view in View::ALL {
        let holding = cases.values().filter(|case| view.holds(case)).count();
        assert_eq!(counts.standing.of(view), u64::try_from(holding).unwrap(), "{view:?}");
    }
}
