//! The desks of the small world: what they can do, what their words mean, and what was agreed about them.

use std::collections::BTreeMap;
use std::time::Duration;

use throughline_sdk::{Capabilities, ConditionalWrite, CreateClass, Feed, Linking};

use super::world::HOME;
use crate::agreement::{Agreement, Direction, FieldRule, Policy, SystemRules, Words};
use crate::case::{Field, PartyName, Priority, Status};

pub(crate) fn capabilities() -> Capabilities {
    Capabilities {
        create: Some(CreateClass::C2),
        comment: Some(CreateClass::C2),
        attach: Some(CreateClass::C2),
        settle: Duration::from_secs(1),
        update: true,
        transition: true,
        internal_comments: true,
        edit: true,
        retract: true,
        link_back: Linking::Field,
        conditional_write: ConditionalWrite::None,
        feed: Feed { granularity: Duration::from_secs(1), lag: Duration::ZERO },
        webhooks: None,
        max_file_bytes: 1000,
    }
}

fn words<T: Ord + Copy>(read: &[(&str, T)], write: &[(T, &str)]) -> Words<T> {
    Words {
        read: read.iter().map(|(word, it)| ((*word).to_owned(), *it)).collect(),
        write: write.iter().map(|(it, word)| (*it, (*word).to_owned())).collect(),
    }
}

pub(crate) fn system(party: &str, coarse: bool) -> SystemRules {
    use Status::{Cancelled, Closed, New, OnHold, Open, Pending, Resolved};
    let status = if coarse {
        words(
            &[("Open", Open), ("Waiting", Pending), ("Done", Resolved), ("New", New)],
            &[
                (New, "Open"),
                (Open, "Open"),
                (Pending, "Waiting"),
                (OnHold, "Waiting"),
                (Resolved, "Done"),
                (Closed, "Done"),
            ],
        )
    } else {
        words(
            &[
                ("New", New),
                ("Fresh", New),
                ("Open", Open),
                ("Waiting", Pending),
                ("Done", Resolved),
                ("Closed", Closed),
                ("Rejected", Cancelled),
            ],
            &[
                (New, "New"),
                (Open, "Open"),
                (Pending, "Waiting"),
                (OnHold, "Waiting"),
                (Resolved, "Done"),
                (Closed, "Closed"),
                (Cancelled, "Rejected"),
            ],
        )
    };
    let priority = words(
        &[
            ("Low", Priority::Low),
            ("Normal", Priority::Normal),
            ("High", Priority::High),
            ("Top", Priority::Urgent),
        ],
        &[
            (Priority::Low, "Low"),
            (Priority::Normal, "Normal"),
            (Priority::High, "High"),
            (Priority::Urgent, if coarse { "High" } else { "Top" }),
        ],
    );
    SystemRules { party: PartyName(party.to_owned()), party_title: party.to_uppercase(), status, priority }
}

pub(crate) fn agreement(counterpart: &str, policy: Policy) -> Agreement {
    let rule = |direction| FieldRule::plain(direction, policy);
    let mut fields: BTreeMap<Field, FieldRule> = [Field::Title, Field::Description, Field::Status]
        .into_iter()
        .map(|field| (field, rule(Direction::Both)))
        .collect();
    let mut priority = rule(Direction::Both);
    let shown = [("low", "low"), ("normal", "normal"), ("high", "high"), ("urgent", "high")];
    priority.outbound = shown.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
    fields.insert(Field::Priority, priority);
    fields.insert(Field::Custom("tags".to_owned()), rule(Direction::Both));
    Agreement {
        fields,
        comments: Direction::Both,
        files: Direction::Both,
        introduces: ["partner", "vendor", "isv"].map(|party| PartyName(party.to_owned())).into(),
        counterpart_type: Some("Incident".to_owned()),
        home_type: Some("Request".to_owned()),
        ..Agreement::bare(HOME, counterpart)
    }
}
