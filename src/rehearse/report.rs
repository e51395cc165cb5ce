//! The differences that a draft makes, grouped by rule, so that somebody can act on them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, Timestamp};

use crate::case::CaseId;

/// Examples kept of each group.
const EXAMPLES: usize = 3;

/// What a draft would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It stayed, and would leave.
    NewlyLeaves,
    /// It left, and would stay.
    NoLongerLeaves,
    /// It left, and would leave as something else.
    Changes,
    /// It would be parked.
    Parks,
    /// It was parked, and would stay where it is.
    NoLongerParks,
    /// The request would be routed to the counterpart, or taken in from it.
    NewlyRoutes,
    /// The request was routed, and would not be.
    NoLongerRoutes,
    /// History does not hold what has to be known to tell.
    Untold,
}

/// One difference, and how often it came up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What would change.
    pub change: Change,
    /// Of what: a field's name, comments, files, or the request.
    pub item: String,
    /// The system that it comes from.
    pub source: SystemName,
    /// The system that it goes to.
    pub target: SystemName,
    /// The rule in force, in words.
    pub in_force: String,
    /// The draft's rule, in words.
    pub draft: String,
    /// How often.
    pub count: u64,
    /// In how many cases.
    pub cases: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// One time that a difference came up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The case.
    pub case: String,
    /// When.
    pub at: Timestamp,
    /// The comment or file, by its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What left by the rules in force, where home may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What would leave by the draft, where home may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// All differences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The agreement.
    pub agreement: String,
    /// From when on.
    pub since: Timestamp,
    /// Records of the whole history.
    pub records: u64,
    /// Records of the time that was asked for.
    pub tried: u64,
    /// Cases with a record in that time.
    pub cases: u64,
    /// Values, comments and files that were judged by both rules.
    pub judged: u64,
    /// The differences.
    pub groups: Vec<Group>,
    /// How often each sort came up.
    pub totals: BTreeMap<Change, u64>,
}

/// Differences as they come up.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    groups: BTreeMap<Key, Count>,
    judged: u64,
}

/// What makes two differences the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) change: Change,
    pub(super) item: String,
    pub(super) source: SystemName,
    pub(super) target: SystemName,
    pub(super) in_force: String,
    pub(super) draft: String,
}

#[derive(Clone, Debug, Default)]
struct Count {
    count: u64,
    cases: BTreeSet<CaseId>,
    /// By case and time, so that the same ones are kept whoever counts first.
    examples: BTreeMap<(Timestamp, CaseId, u64), Example>,
}

impl Tally {
    /// Something was judged by both rules.
    pub(super) fn judge(&mut self) {
        self.judged += 1;
    }

    /// Takes in a difference. `case` is none for a ticket that belonged to none.
    pub(super) fn add(&mut self, key: Key, case: Option<CaseId>, example: Example) {
        let count = self.groups.entry(key).or_default();
        count.count += 1;
        count.cases.extend(case);
        count.examples.insert((example.at, case.unwrap_or(CaseId(0)), count.count), example);
        count.shorten();
    }

    /// Takes in what another hand counted.
    pub fn join(&mut self, other: Self) {
        self.judged += other.judged;
        for (key, more) in other.groups {
            let count = self.groups.entry(key).or_default();
            count.count += more.count;
            count.cases.extend(more.cases);
            count.examples.extend(more.examples);
            count.shorten();
        }
    }

    /// The report of what was counted: the most frequent of each sort first.
    pub fn report(self, head: Head) -> Report {
        let mut totals: BTreeMap<Change, u64> = BTreeMap::new();
        let mut groups = Vec::new();
        for (key, count) in self.groups {
            *totals.entry(key.change).or_default() += count.count;
            let Key { change, item, source, target, in_force, draft } = key;
            groups.push(Group {
                change,
                item,
                source,
                target,
                in_force,
                draft,
                count: count.count,
                cases: u64::try_from(count.cases.len()).unwrap_or(u64::MAX),
                examples: count.examples.into_values().collect(),
            });
        }
        groups.sort_by_key(|group| (group.change, std::cmp::Reverse(group.count)));
        let Head { agreement, since, records, tried, cases } = head;
        Report { agreement, since, records, tried, cases, judged: self.judged, groups, totals }
    }
}

/// What a report says besides differences.
#[derive(Clone, Debug)]
pub struct Head {
    /// The agreement.
    pub agreement: String,
    /// From when on.
    pub since: Timestamp,
    /// Records of the whole history.
    pub records: u64,
    /// Records of the time that was asked for.
    pub tried: u64,
    /// Cases with a record in that time.
    pub cases: u64,
}

impl Count {
    fn shorten(&mut self) {
        while self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

impl Report {
    /// Whether the draft makes no difference that history could tell, and none that it could not.
    pub fn is_same(&self) -> bool {
        self.groups.is_empty()
    }
}

impl Change {
    /// In words, for a heading.
    pub fn words(self) -> &'static str {
        match self {
            Self::NewlyLeaves => "Would newly leave",
            Self::NoLongerLeaves => "Would no longer leave",
            Self::Changes => "Would leave as something else",
            Self::Parks => "Would be parked",
            Self::NoLongerParks => "Would no longer be parked, and stay",
            Self::NewlyRoutes => "Would newly be routed",
            Self::NoLongerRoutes => "Would no longer be routed",
            Self::Untold => "Cannot be told: history does not hold it",
        }
    }
}
