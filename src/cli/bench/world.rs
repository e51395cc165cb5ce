//! What the bench's desks hold: tickets that follow from their number, and how the next change of one looks.

use std::collections::BTreeMap;

use chrono::DateTime;
use throughline_practice::desk;
use throughline_sdk::{RemoteId, Ticket, Timestamp, Version};

pub(super) const HOME: &str = "helpdesk";
pub(super) const PARTNER: &str = "partner";
pub(super) const VENDOR: &str = "vendor";

const STATUSES: [&str; 2] = ["In progress", "Waiting"];
const PRIORITIES: [&str; 2] = ["Normal", "High"];

/// What may differ between two versions of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) version: u64,
    pub(super) title: String,
    pub(super) status: String,
    pub(super) priority: String,
}

impl Standing {
    /// As every ticket stands when it has just been linked.
    pub(super) fn linked(number: u64) -> Self {
        Self {
            version: 1,
            title: format!("Invoices do not print since the update of branch {number}"),
            status: word(&STATUSES, 0),
            priority: word(&PRIORITIES, 0),
        }
    }

    /// Changes exactly one shared field, to a value it did not have: one write on the other desk follows.
    pub(super) fn next(&mut self) {
        self.version += 1;
        match self.version % 3 {
            0 => self.title = format!("Invoices do not print, seen {} times", self.version),
            1 => self.status = word(&STATUSES, (self.version + 1) % 2),
            _ => self.priority = word(&PRIORITIES, (self.version + 1) % 2),
        }
    }
}

/// The whole ticket as the practice desk's interface writes it.
///
/// At home it carries what no agreement shares, as tickets do: about three of the four kilobytes of a webhook.
pub(super) fn whole(desk: &str, number: u64, standing: &Standing) -> desk::Ticket {
    let mut fields = BTreeMap::new();
    if desk == HOME {
        for name in ["Environment", "Steps tried", "Log"] {
            fields.insert(
                name.to_owned(),
                format!("{name} of ticket {number}: {}", "spooler 7.2 refused a job; ".repeat(42)),
            );
        }
    }
    desk::Ticket {
        number,
        version: standing.version,
        title: standing.title.clone(),
        description: description(number),
        status: standing.status.clone(),
        priority: standing.priority.clone(),
        kind: "Incident".to_owned(),
        fields,
        requester: "Ada Agent".to_owned(),
        comments: Vec::new(),
        files: Vec::new(),
        references: Vec::new(),
        marker: None,
        created: moment(0),
        updated: moment(standing.version),
    }
}

/// The same ticket as the bridge reads it.
pub(super) fn read(desk: &str, number: u64, base: &str) -> Ticket {
    let ticket = whole(desk, number, &Standing::linked(number));
    Ticket {
        id: RemoteId::new(number.to_string()),
        key: number.to_string(),
        version: Some(Version::new(ticket.version.to_string())),
        url: Some(format!("{base}tickets/{number}")),
        title: ticket.title,
        description: ticket.description,
        status: ticket.status,
        priority: Some(ticket.priority),
        kind: Some(ticket.kind),
        fields: ticket.fields,
        requester: None,
        comments: Vec::new(),
        files: Vec::new(),
        references: Vec::new(),
        marker: None,
        created: ticket.created,
        updated: ticket.updated,
        lost: Vec::new(),
    }
}

fn description(number: u64) -> String {
    format!(
        "Since this morning no invoice of branch {number} leaves the spooler.\n\
         Two counters are affected, a third prints the first page and stops. The driver was updated last night, \
         and the queue was emptied twice without any change.\n\
         The branch closes at six; until then {} invoices are written by hand.",
        number % 97
    )
}

/// The desks' clock follows the version, so that a ticket is the same whoever writes it down.
fn moment(version: u64) -> Timestamp {
    let seconds = i64::try_from(version).unwrap_or_default();
    DateTime::from_timestamp(1_780_000_000 + seconds, 0).unwrap_or_default()
}

fn word(words: &[&str; 2], at: u64) -> String {
    let [first, second] = words;
    if at == 0 { (*first).to_owned() } else { (*second).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_touches_one_shared_field() {
        let mut now = Standing::linked(7);
        for _ in 0..30 {
            let before = now.clone();
            now.next();
            let changed =
                [before.title != now.title, before.status != now.status, before.priority != now.priority];
            assert_eq!(changed.into_iter().filter(|changed| *changed).count(), 1, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_webhook_is_about_four_kilobytes() {
        let ticket = whole(HOME, 123_456, &Standing::linked(123_456));
        let length = serde_json::to_string(&ticket).unwrap().len();
        assert!((3_900..4_300).contains(&length), "{length}");
    }
}
