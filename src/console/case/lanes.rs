//! The story of a case as a picture has it: who did what when, what crossed to whom, and who had the ball. Pure.

use std::collections::BTreeMap;

use throughline_sdk::{IntentId, SystemName, Timestamp};

use crate::case::{Case, Fact, Field, Item, PartyName, Role};
use crate::ledger::Record;

/// Columns of the picture: what is near in time shares one.
const COLUMNS: usize = 44;

/// Less apart is at once.
const MOMENT_MILLIS: i64 = 20;

/// What something is, the weightiest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Any field but the status.
    Field,
    /// It stays in its system.
    Withheld,
    /// A file.
    File,
    /// A comment.
    Comment,
    /// The status.
    Status,
    /// A grant.
    Grant,
    /// An offer and its answers.
    Offer,
    /// The ticket itself.
    Ticket,
    /// Something waits for a person.
    Parked,
}

/// Something in one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) at: Timestamp,
    pub(super) lane: usize,
    pub(super) what: What,
    pub(super) text: String,
    pub(super) seq: u64,
}

/// Something that crossed from one lane to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Crossing {
    pub(super) left: Timestamp,
    pub(super) arrived: Timestamp,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) what: What,
    pub(super) text: String,
}

/// A time in which a party had the ball.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ball {
    pub(super) lane: usize,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) because: String,
}

/// The whole story.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lanes {
    /// The parties, home first.
    pub(super) parties: Vec<PartyName>,
    pub(super) spots: Vec<Spot>,
    pub(super) crossings: Vec<Crossing>,
    pub(super) balls: Vec<Ball>,
}

/// A part of the time line in which things are near each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Lanes {
    /// What the records tell of the case.
    pub(super) fn of(case: &Case, records: &[Record], now: Timestamp) -> Self {
        let mut legs: Vec<_> = case.legs.iter().collect();
        legs.sort_by_key(|(name, leg)| (leg.role != Role::Home, *name));
        let mut lanes = Self::default();
        let mut places: BTreeMap<SystemName, usize> = BTreeMap::new();
        for (name, leg) in legs {
            let known = lanes.parties.iter().position(|party| *party == leg.party);
            let lane = known.unwrap_or_else(|| {
                lanes.parties.push(leg.party.clone());
                lanes.parties.len() - 1
            });
            places.insert(name.clone(), lane);
        }
        for fact in records.iter().flat_map(|record| &record.facts) {
            if let Fact::Claimed(claim) = fact
                && let Some(lane) = places.get(&claim.to).copied()
            {
                places.insert(claim.from.clone(), lane);
            }
        }
        let mut teller = Teller { lanes, places, ..Teller::default() };
        for record in records {
            let opening = record.facts.contains(&Fact::Opened);
            for fact in &record.facts {
                teller.take(record, fact, opening);
            }
        }
        let mut lanes = teller.lanes;
        let ends: Vec<Timestamp> = lanes.balls.iter().skip(1).map(|ball| ball.from).chain([now]).collect();
        for (ball, until) in lanes.balls.iter_mut().zip(ends) {
            ball.until = until;
        }
        lanes
    }

    /// The columns, in order of time: parted at the longest pauses.
    pub(super) fn columns(&self) -> Vec<Column> {
        let spots = self.spots.iter().map(|spot| spot.at);
        let crossings = self.crossings.iter().flat_map(|crossing| [crossing.left, crossing.arrived]);
        let mut moments: Vec<Timestamp> = spots.chain(crossings).collect();
        moments.sort_unstable();
        moments.dedup();
        let mut pauses: Vec<i64> = moments
            .iter()
            .zip(moments.iter().skip(1))
            .map(|(one, next)| (*next - *one).num_milliseconds())
            .collect();
        pauses.sort_unstable_by(|one, other| other.cmp(one));
        // What is a moment apart only is no pause, however few there are.
        let least = pauses.get(COLUMNS - 1).map_or(MOMENT_MILLIS, |pause| (*pause + 1).max(MOMENT_MILLIS));
        let mut columns: Vec<Column> = Vec::new();
        for at in moments {
            match columns.last_mut() {
                Some(last) if (at - last.to).num_milliseconds() < least => last.to = at,
                Some(_) | None => columns.push(Column { from: at, to: at }),
            }
        }
        columns
    }
}

#[derive(Default)]
struct Teller {
    lanes: Lanes,
    places: BTreeMap<SystemName, usize>,
    /// Where and when each item of the request came up last, and what it is.
    sources: BTreeMap<Item, (usize, Timestamp, String)>,
    intents: BTreeMap<IntentId, Item>,
    opened_in: Option<usize>,
}

impl Teller {
    fn take(&mut self, record: &Record, fact: &Fact, opening: bool) {
        if let Fact::Observed { leg, .. } = fact
            && self.opened_in.is_none()
        {
            self.opened_in = self.places.get(leg).copied();
            self.spot(record, leg, What::Ticket, "the ticket was raised".to_owned());
        }
        if let Fact::Remarked { origin, author, version, .. } = fact {
            let again = if *version > 1 { "edited a comment" } else { "commented" };
            let text = format!("{author} {again}");
            self.source(record, &origin.system, Item::Remark(origin.clone()), &text);
            self.spot(record, &origin.system, What::Comment, text);
        }
        if let Fact::Attached { origin, name, author, .. } = fact {
            let text = format!("{author} attached {name}");
            self.source(record, &origin.system, Item::Attachment(origin.clone()), &text);
            self.spot(record, &origin.system, What::File, text);
        }
        if let Fact::Changed { field, value, leg, .. } = fact {
            let text = match field {
                Field::Description => "the description changed".to_owned(),
                Field::Title | Field::Status | Field::Priority | Field::Kind | Field::Custom(_) => {
                    format!("{field}: {value}")
                }
            };
            self.source(record, leg, Item::Field(field.clone()), &text);
            if !opening {
                let what = if *field == Field::Status { What::Status } else { What::Field };
                self.spot(record, leg, what, text);
            }
        }
        if let Fact::Withheld { leg, what, rule } = fact {
            self.spot(record, leg, What::Withheld, format!("{what} stays: {rule}"));
        }
        if let Fact::Parked { leg, item, reason, .. } | Fact::Held { leg, item, reason, .. } = fact {
            self.spot(record, leg, What::Parked, format!("{item} waits for a person: {reason}"));
        }
        if let Fact::Ailed { leg, reason, .. } = fact {
            self.spot(record, leg, What::Parked, reason.clone());
        }
        if let Fact::Handshake { leg, state, .. } = fact {
            let state = state.word().replace('_', " ");
            self.spot(record, leg, What::Offer, format!("offer: {state}"));
        }
        if let Fact::GrantOpened { leg, grant } | Fact::GrantExpired { leg, grant } = fact {
            let verb = if matches!(fact, Fact::GrantOpened { .. }) { "opens" } else { "ends" };
            self.spot(record, leg, What::Grant, format!("grant {grant} {verb}"));
        }
        if let Fact::Holds { party, since, because, .. } = fact
            && let Some(lane) = self.lanes.parties.iter().position(|known| known == party)
        {
            let ball = Ball { lane, from: *since, until: *since, because: because.clone() };
            self.lanes.balls.push(ball);
        }
        if let Fact::Intended { item, intent, .. } = fact {
            self.intents.insert(intent.id.clone(), item.clone());
        }
        if let Fact::Effected { leg, intent, .. } = fact
            && let Some(item) = self.intents.remove(intent)
        {
            self.crossed(record, leg, &item);
        }
    }

    fn crossed(&mut self, record: &Record, leg: &SystemName, item: &Item) {
        let what = match item {
            Item::Ticket => What::Ticket,
            Item::Field(Field::Status) => What::Status,
            Item::Field(_) => What::Field,
            Item::Remark(_) => What::Comment,
            Item::Attachment(_) => What::File,
            Item::Notice(_) | Item::Offer => What::Offer,
            Item::LinkBack(_) | Item::Recall(_) | Item::Leak(_) => return,
        };
        let raised = || (self.opened_in.unwrap_or_default(), record.at, "the ticket".to_owned());
        let (from, left, text) = self.sources.get(item).cloned().unwrap_or_else(raised);
        let Some(to) = self.places.get(leg).copied().filter(|to| *to != from) else { return };
        self.lanes.crossings.push(Crossing { left, arrived: record.at, from, to, what, text });
    }

    fn source(&mut self, record: &Record, system: &SystemName, item: Item, text: &str) {
        if let Some(lane) = self.places.get(system) {
            self.sources.insert(item, (*lane, record.at, text.to_owned()));
        }
    }

    fn spot(&mut self, record: &Record, system: &SystemName, what: What, text: String) {
        if let Some(lane) = self.places.get(system) {
            self.lanes.spots.push(Spot { at: record.at, lane: *lane, what, text, seq: record.seq });
        }
    }
}
