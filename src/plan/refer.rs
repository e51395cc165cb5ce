//! Referring: which products a case is about by its home ticket, and what an announcement has to tell it.

use throughline_sdk::{SystemName, Ticket, TicketRef};

use super::planner::Planner;
use crate::agreement::{Products, Rules};
use crate::case::{Case, Fact, Health, Reference, Role};

impl Planner<'_> {
    /// Notes which products the case is about, if its home ticket was read or went away.
    pub(super) fn concern(&mut self) {
        let Some((home, leg)) = self.case.legs.iter().find(|(_, leg)| leg.role == Role::Home) else { return };
        let products = match (&leg.health, self.view.observations.get(home)) {
            (Health::Well, Some(ticket)) => self.view.rules.concerns(home, ticket),
            (Health::Well, None) => return,
            (Health::Gone | Health::Merged { .. }, _) => Products::new(),
        };
        if products != self.case.references.products {
            self.say(Fact::Concerned { products });
        }
    }
}

/// What an announcement, as read, has to tell a case that it did not know. Says nothing of what it said before.
///
/// What nobody works on any more is news only to a case that was open when it was announced.
pub fn refer(case: &Case, rules: &Rules, system: &SystemName, ticket: &Ticket) -> Vec<Fact> {
    let reference = TicketRef::new(system.clone(), ticket.id.clone());
    let (references, over) = (&case.references, rules.is_over(system, &ticket.status));
    let known = references.get(&reference);
    let is_unread = references.unread.contains(&reference);
    let about = rules.announced(ticket);
    let is_concerned = references.products.get(system).is_some_and(|products| !products.is_disjoint(&about));
    let is_news = match known {
        Some(known) => known.updated <= ticket.updated,
        None => references.has_room() && (!over || ticket.created >= case.opened),
    };
    let mut facts = Vec::new();
    if !(is_concerned && is_news) {
        if is_unread {
            let reason = "it is over, or about something else".to_owned();
            facts.push(Fact::Unreferred { reference, reason });
        }
        return facts;
    }
    let is_same = known.is_some_and(|known| {
        (&known.key, &known.title, &known.url) == (&ticket.key, &ticket.title, &ticket.url)
            && (&known.status, known.over, known.updated) == (&ticket.status, over, ticket.updated)
    });
    if !is_same {
        facts.push(Fact::Referred {
            reference: reference.clone(),
            key: ticket.key.clone(),
            title: ticket.title.clone(),
            url: ticket.url.clone(),
            status: ticket.status.clone(),
            over,
            updated: ticket.updated,
        });
    }
    let is_told = |print| known.is_some_and(|known| known.posts.contains(&print));
    let room = Reference::MOST_POSTS.saturating_sub(known.map_or(0, |known| known.posts.len()));
    let mut posts: Vec<_> = ticket.comments.iter().collect();
    posts.sort_by_key(|post| post.created);
    let new = posts.into_iter().filter(|post| !is_told(Reference::post(&post.id, &post.body)));
    facts.extend(new.take(room).map(|post| Fact::ReferencePost {
        reference: reference.clone(),
        id: post.id.clone(),
        author: post.author.name.clone(),
        written: post.created,
        body: post.body.clone(),
    }));
    facts
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::collection::vec;
    use proptest::prelude::*;
    use throughline_sdk::{Comment, CommentId, Person, RemoteId, Timestamp, Visibility};

    use super::*;
    use crate::agreement::{ReferenceRule, SystemRules, Words};
    use crate::case::{CaseId, Field, PartyName, References, Status};

    fn board() -> SystemName {
        SystemName::new("board")
    }

    fn at(second: u32) -> Timestamp {
        Timestamp::from_timestamp(1_700_000_000 + i64::from(second), 0).unwrap()
    }

    fn rules() -> Rules {
        let read = [("up", Status::Resolved), ("down", Status::Open)];
        let read = read.into_iter().map(|(word, status)| (word.to_owned(), status)).collect();
        let words = SystemRules {
            party: PartyName("vendor".to_owned()),
            party_title: "Vendor".to_owned(),
            status: Words { read, write: BTreeMap::new() },
            priority: Words { read: BTreeMap::new(), write: BTreeMap::new() },
        };
        let desk = |name| SystemName::new(name);
        let rule = ReferenceRule {
            system: board(),
            home: desk("helpdesk"),
            field: Field::Custom("Product".to_owned()),
            products: [("E-mail".to_owned(), "Exchange Online".to_owned())].into(),
        };
        Rules {
            systems: [(board(), words.clone()), (desk("helpdesk"), words)].into(),
            references: [("mail".to_owned(), rule)].into(),
            ..Rules::default()
        }
    }

    /// A case opened at second 100 that is about mail.
    fn case() -> Case {
        let mut case = Case::new(CaseId(1), at(100));
        let products = [(board(), BTreeSet::from(["exchange online".to_owned()]))].into();
        case.apply(&Fact::Concerned { products }, at(100));
        case.apply(&Fact::Consulted { found: Vec::new() }, at(100));
        case
    }

    fn outage(number: u32, created: u32, updated: u32, status: &str, posts: &[&str]) -> Ticket {
        let post = |(place, body): (usize, &&str)| Comment {
            id: CommentId::new(place.to_string()),
            author: Person { name: "Vendor".to_owned() },
            body: (*body).to_owned(),
            visibility: Visibility::Internal,
            created: at(created + u32::try_from(place).unwrap()),
            marker: None,
        };
        Ticket {
            id: RemoteId::new(format!("issues/EX{number}")),
            key: format!("EX{number}"),
            version: None,
            url: None,
            title: "Mail is late".to_owned(),
            description: String::new(),
            status: status.to_owned(),
            priority: None,
            kind: Some("Exchange online, Teams".to_owned()),
            fields: BTreeMap::new(),
            requester: None,
            comments: posts.iter().enumerate().map(post).collect(),
            files: Vec::new(),
            references: Vec::new(),
            marker: None,
            created: at(created),
            updated: at(updated),
            lost: Vec::new(),
        }
    }

    fn tell(case: &mut Case, ticket: &Ticket) -> Vec<Fact> {
        let facts = refer(case, &rules(), &board(), ticket);
        for fact in &facts {
            case.apply(fact, at(0));
        }
        facts
    }

    fn words(facts: &[Fact]) -> Vec<String> {
        let word = |fact: &Fact| {
            if let Fact::Referred { key, status, .. } = fact {
                format!("{key} {status}")
            } else if let Fact::ReferencePost { body, .. } = fact {
                body.clone()
            } else {
                format!("{fact:?}")
            }
        };
        facts.iter().map(word).collect()
    }

    #[test]
    fn a_case_is_told_what_is_new_and_nothing_twice() {
        let mut case = case();
        assert_eq!(
            words(&tell(&mut case, &outage(1, 50, 110, "down", &["we look"]))),
            ["EX1 down", "we look"]
        );
        assert_eq!(tell(&mut case, &outage(1, 50, 110, "down", &["we look"])), []);
        let told = tell(&mut case, &outage(1, 50, 120, "up", &["we look", "it is back"]));
        assert_eq!(words(&told), ["EX1 up", "it is back"]);
        assert!(case.references.known[0].over && case.references.known.len() == 1);
        assert_eq!(tell(&mut case, &outage(1, 50, 110, "down", &["we look"])), [], "what comes late is past");
        let told = tell(&mut case, &outage(1, 50, 130, "up", &["we looked", "it is back"]));
        assert_eq!(words(&told), ["EX1 up", "we looked"], "what was rewritten is told again");
    }

    #[test]
    fn what_is_over_is_news_only_to_a_case_that_was_open_when_it_began() {
        let mut case = case();
        assert_eq!(tell(&mut case, &outage(1, 50, 110, "up", &["it is back"])), []);
        assert_eq!(words(&tell(&mut case, &outage(2, 105, 110, "up", &[]))), ["EX2 up"]);
    }

    #[test]
    fn only_a_case_about_the_product_is_told_and_what_it_awaited_is_let_go() {
        let mut case = case();
        let other = Ticket { kind: Some("Teams".to_owned()), ..outage(1, 50, 110, "down", &[]) };
        assert_eq!(tell(&mut case, &other), []);
        let unread = TicketRef::new(board(), other.id.clone());
        case.apply(&Fact::Consulted { found: vec![unread] }, at(0));
        assert!(case.has_work());
        assert!(matches!(tell(&mut case, &other).as_slice(), [Fact::Unreferred { .. }]));
        assert!(!case.has_work());
        case.apply(&Fact::Concerned { products: Products::new() }, at(0));
        assert_eq!(tell(&mut case, &outage(1, 50, 110, "down", &[])), [], "nobody works on it any more");
    }

    #[test]
    fn a_home_ticket_concerns_what_its_words_mean_until_it_is_over() {
        let rules = rules();
        let concerns = |value: &str, status: &str| {
            let mut ticket = outage(1, 0, 0, status, &[]);
            ticket.fields.insert("Product".to_owned(), value.to_owned());
            rules.concerns(&SystemName::new("helpdesk"), &ticket)
        };
        let mail: Products = [(board(), BTreeSet::from(["exchange online".to_owned()]))].into();
        for (value, status) in [("E-mail", "down"), ("Printer, E-mail", "unheard of")] {
            assert_eq!(concerns(value, status), mail, "{value} {status}");
        }
        for (value, status) in [("E-mail", "up"), ("Printer", "down"), ("", "down")] {
            assert_eq!(concerns(value, status), Products::new(), "{value} {status}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_announced_a_case_stays_within_bounds_and_says_nothing_twice(
            told in vec((0u32..60, 0u32..300, any::<bool>(), 0usize..200), 1..80),
        ) {
            let bodies: Vec<String> = (0..200).map(|place| format!("post {place}")).collect();
            let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
            let mut case = case();
            for (number, updated, over, posts) in told {
                let status = if over { "up" } else { "down" };
                let ticket = outage(number, updated / 2, updated, status, &bodies[..posts]);
                tell(&mut case, &ticket);
                prop_assert!(case.references.known.len() <= References::MOST);
                prop_assert!(case.references.known.iter().all(|one| one.posts.len() <= Reference::MOST_POSTS));
                prop_assert_eq!(refer(&case, &rules(), &board(), &ticket), []);
            }
            let stored: Case = serde_json::from_str(&serde_json::to_string(&case).unwrap()).unwrap();
            prop_assert_eq!(stored, case);
        }
    }
}
