//! How long a case is kept once it is over: by agreement, and by class of request.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::Rules;
use crate::case::{AgreementName, Case, Field, Priority, Status};

/// One rule: cases of this kind are erased so long after they were over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// What it is called in configuration.
    pub name: String,
    /// How long a case is kept after it was over.
    pub keep: Duration,
    /// Only cases in which one of these agreements has a part; all if empty.
    pub agreements: BTreeSet<AgreementName>,
    /// Only requests of one of these types; all if empty.
    pub types: BTreeSet<String>,
    /// Only requests of one of these priorities; all if empty.
    pub priorities: BTreeSet<Priority>,
}

/// When a case is to be erased, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due<'a> {
    /// The rule.
    pub rule: &'a Retention,
    /// The moment.
    pub at: Timestamp,
}

impl Rules {
    /// When a case is to be erased. `None`: it is not over, something of it is still on its way or waits for a person, or
    /// no rule is about it: what no rule is about is kept. Where several are, the one that keeps it longest holds.
    pub fn kept_until(&self, case: &Case) -> Option<Due<'_>> {
        let status = case.document.fields.get(&Field::Status)?;
        let over = matches!(Status::from_word(&status.value)?, Status::Closed | Status::Cancelled);
        if !over || case.has_work() || case.is_parked() {
            return None;
        }
        let rules = self.retention.iter().filter(|rule| rule.is_about(case));
        let rule = rules.max_by_key(|rule| rule.keep)?;
        let at = status.at.checked_add_signed(TimeDelta::from_std(rule.keep).ok()?)?;
        Some(Due { rule, at })
    }
}

impl Retention {
    fn is_about(&self, case: &Case) -> bool {
        let value = |field| case.document.fields.get(&field).map(|field| field.value.as_str());
        let agreements = || case.legs.values().filter_map(|leg| leg.agreement.as_ref());
        let priority = value(Field::Priority).and_then(Priority::from_word);
        (self.agreements.is_empty() || agreements().any(|name| self.agreements.contains(name)))
            && (self.types.is_empty() || value(Field::Kind).is_some_and(|kind| self.types.contains(kind)))
            && (self.priorities.is_empty() || priority.is_some_and(|is| self.priorities.contains(&is)))
    }
}

#[cfg(test)]
mod tests {
    use throughline_sdk::SystemName;

    use super::*;
    use crate::case::{CaseId, Fact, FieldValue, PartyName, Role};

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn case(status: &str, kind: &str) -> Case {
        let mut case = Case::new(CaseId(7), at(0));
        for (field, value) in [(Field::Status, status), (Field::Kind, kind), (Field::Priority, "high")] {
            let value = FieldValue { value: value.to_owned(), from: SystemName::new("helpdesk"), at: at(10) };
            case.document.fields.insert(field, value);
        }
        case
    }

    fn rule(name: &str, days: u32, types: &[&str]) -> Retention {
        let types = types.iter().map(|kind| (*kind).to_owned()).collect();
        Retention {
            name: name.to_owned(),
            keep: DAY * days,
            agreements: BTreeSet::new(),
            types,
            priorities: BTreeSet::new(),
        }
    }

    fn until(rules: Vec<Retention>, case: &Case) -> Option<(String, Timestamp)> {
        let rules = Rules { retention: rules, ..Rules::default() };
        rules.kept_until(case).map(|due| (due.rule.name.clone(), due.at))
    }

    #[test]
    fn a_case_is_kept_from_its_end_on_for_as_long_as_the_longest_rule_says() {
        let rules = vec![rule("all", 30, &[]), rule("incidents", 90, &["incident"])];
        assert_eq!(
            until(rules.clone(), &case("closed", "incident")),
            Some(("incidents".to_owned(), at(100)))
        );
        assert_eq!(until(rules, &case("cancelled", "question")), Some(("all".to_owned(), at(40))));
    }

    #[test]
    fn what_is_not_over_and_what_no_rule_is_about_is_kept() {
        assert_eq!(until(vec![rule("all", 1, &[])], &case("resolved", "incident")), None);
        assert_eq!(until(vec![rule("all", 1, &[])], &case("what?", "incident")), None);
        assert_eq!(until(vec![rule("incidents", 1, &["incident"])], &case("closed", "question")), None);
        assert_eq!(until(Vec::new(), &case("closed", "question")), None);
    }

    #[test]
    fn a_rule_is_about_the_agreements_and_priorities_that_it_names() {
        let mut shared = case("closed", "question");
        for (leg, agreement) in [("helpdesk", None), ("partner", Some("fabrikam"))] {
            let fact = Fact::Joined {
                leg: SystemName::new(leg),
                party: PartyName(leg.to_owned()),
                role: if agreement.is_some() { Role::Counterpart } else { Role::Home },
                agreement: agreement.map(|name| AgreementName(name.to_owned())),
                version: None,
            };
            shared.apply(&fact, at(1));
        }
        let under = |names: &[&str]| {
            let agreements = names.iter().map(|name| AgreementName((*name).to_owned())).collect();
            vec![Retention { agreements, ..rule("agreements", 1, &[]) }]
        };
        assert!(until(under(&["fabrikam"]), &shared).is_some());
        assert!(until(under(&["northwind", "fabrikam"]), &shared).is_some());
        assert_eq!(until(under(&["northwind"]), &shared), None);
        assert_eq!(until(under(&["fabrikam"]), &case("closed", "question")), None, "it had no part");

        let of = |priorities: &[Priority]| {
            vec![Retention { priorities: priorities.iter().copied().collect(), ..rule("priorities", 1, &[]) }]
        };
        assert!(until(of(&[Priority::High]), &shared).is_some());
        assert!(until(of(&[Priority::Low, Priority::High]), &shared).is_some());
        assert_eq!(until(of(&[Priority::Urgent]), &shared), None);
        shared.document.fields.remove(&Field::Priority);
        assert_eq!(until(of(&[Priority::High]), &shared), None, "without a priority it is none of them");
        assert!(until(of(&[]), &shared).is_some());
        let both = Retention { priorities: [Priority::High].into(), ..under(&["fabrikam"]).remove(0) };
        assert_eq!(until(vec![both], &shared), None, "all that a rule names must hold");
    }

    #[test]
    fn what_is_still_on_its_way_is_kept() {
        let mut busy = case("closed", "incident");
        let fact = Fact::Joined {
            leg: SystemName::new("partner"),
            party: PartyName("fabrikam".to_owned()),
            role: Role::Counterpart,
            agreement: None,
            version: None,
        };
        busy.apply(&fact, at(1));
        let leg = busy.legs.values_mut().next().unwrap();
        leg.dirty = true;
        assert_eq!(until(vec![rule("all", 1, &[])], &busy), None);
        busy.legs.values_mut().next().unwrap().dirty = false;
        assert_eq!(until(vec![rule("all", 1, &[])], &busy), Some(("all".to_owned(), at(11))));
    }

    #[test]
    fn what_waits_for_a_person_is_kept() {
        let mut parked = case("closed", "incident");
        let conflict = crate::case::Conflict { wanted: std::collections::BTreeMap::new(), since: at(11) };
        parked.document.conflicts.insert(Field::Title, conflict);
        assert_eq!(until(vec![rule("all", 1, &[])], &parked), None);
    }
}
