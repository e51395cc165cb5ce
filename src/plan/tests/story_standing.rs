//! What a party sees of how things stand: the ball, an offer, a grant, and its ticket.

use super::seen::seen;
use super::story::{asked, origin, partners, story, tell};
use super::world::{HOME, PARTNER, VENDOR, World, at, name};
use crate::agreement::Policy;
use crate::case::{
    Approval, Fact, Field, GrantId, GrantState, Granted, Health, Heard, Level, OfferState, PartyName,
    Priority, Role,
};
use crate::plan::{SeenOffer, Side};

#[test]
fn who_has_the_ball_is_the_party_or_home_whoever_stands_behind_it() {
    let mut world = story();
    assert_eq!(partners(&world).ball, None);
    for (party, since, expected) in [
        // Before it took part.
        ("home", 2, Some((Side::Home, 5))),
        ("home", 10, Some((Side::Home, 5))),
        (VENDOR, 20, Some((Side::Home, 5))),
        (PARTNER, 30, Some((Side::Own, 30))),
        (PARTNER, 40, Some((Side::Own, 30))),
        (VENDOR, 50, Some((Side::Home, 50))),
        ("home", 60, Some((Side::Home, 50))),
        (PARTNER, 70, Some((Side::Own, 70))),
    ] {
        let (party, because) = (PartyName(party.to_owned()), String::new());
        let fact = Fact::Holds { party, level: Level::Vendor, since: at(since), because };
        tell(&mut world, since.max(10), fact);
        assert_eq!(partners(&world).ball, expected.map(|(side, since)| (side, at(since))), "at {since}");
    }
}

/// What it was not told yet it does not see, and only who has to answer sees until when.
#[test]
fn an_offer_is_seen_as_it_was_told() {
    use OfferState::{Accepted, InformationRequested, Offered, Rejected, Withdrawn};
    let (theirs, ours) = (Role::Counterpart, Role::Home);
    for (to, state, is_told, (seen, since, respond_by)) in [
        (theirs, Offered, false, (Offered, 100, Some(500))),
        (theirs, InformationRequested, false, (InformationRequested, 110, Some(500))),
        (theirs, Accepted, false, (Accepted, 110, None)),
        (theirs, Rejected, false, (Rejected, 110, None)),
        (theirs, Withdrawn, false, (Offered, 100, None)),
        (theirs, Withdrawn, true, (Withdrawn, 110, None)),
        (ours, Offered, false, (Offered, 100, None)),
        (ours, InformationRequested, false, (Offered, 100, None)),
        (ours, InformationRequested, true, (InformationRequested, 110, None)),
        (ours, Accepted, false, (Offered, 100, None)),
        (ours, Accepted, true, (Accepted, 110, None)),
        (ours, Rejected, true, (Rejected, 110, None)),
        (ours, Withdrawn, false, (Withdrawn, 110, None)),
    ] {
        let mut world = story();
        let leg = name(PARTNER);
        assert_eq!(partners(&world).offer, None);
        tell(&mut world, 100, Fact::Offering { leg: leg.clone(), to, after: None });
        tell(&mut world, 105, Fact::Offering { leg: name(VENDOR), to, after: None });
        tell(
            &mut world,
            110,
            Fact::Handshake {
                leg: leg.clone(),
                state,
                words: String::new(),
                respond_by: Some(at(500)),
                heard: Heard::default(),
                answers_after: None,
            },
        );
        if is_told {
            tell(&mut world, 120, Fact::Told { leg });
        }
        let to = if to == ours { Side::Home } else { Side::Own };
        let (since, respond_by) = (at(since), respond_by.map(at));
        let expected = SeenOffer { to, state: seen, since, respond_by };
        assert_eq!(partners(&world).offer, Some(expected), "{state:?}, told {is_told}");
    }
}

#[test]
fn a_grant_is_named_without_homes_names_and_followed_to_its_end() {
    for (what, expected) in [
        (Granted::Field(Field::Custom("Asset".to_owned())), "Asset"),
        (Granted::Field(Field::Description), "the description"),
        (Granted::InternalComments, "internal comments"),
        (Granted::Comment(origin(HOME, "4711")), "an internal comment"),
        (Granted::Files, "files"),
        (Granted::File(origin(HOME, "4711")), "a file"),
        (Granted::Environment, "a copy of an environment"),
    ] {
        let mut world = story();
        let (grant, leg) = (GrantId(1), name(PARTNER));
        tell(&mut world, 100, asked(grant, PARTNER, what, true));
        let shown = partners(&world).grants[&grant].clone();
        assert_eq!((shown.what.as_str(), shown.state, shown.until), (expected, GrantState::Asked, at(900)));
        let (by, reason) = ("Grace".to_owned(), "because".to_owned());
        let approval = Approval::Policy { from: Priority::High };
        for (fact, expected) in [
            (
                Fact::GrantRefused { grant, leg: leg.clone(), by: by.clone(), reason: reason.clone() },
                GrantState::Refused,
            ),
            (
                Fact::GrantApproved { grant, leg: leg.clone(), approval, environment: None },
                GrantState::Approved,
            ),
            (Fact::GrantOpened { grant, leg: leg.clone() }, GrantState::Open),
            (Fact::GrantRevoked { grant, leg: leg.clone(), by, reason }, GrantState::Revoked),
            (Fact::GrantExpired { grant, leg }, GrantState::Expired),
        ] {
            tell(&mut world, 110, fact);
            assert_eq!(partners(&world).grants[&grant].state, expected);
        }
    }
}

#[test]
fn home_is_called_by_its_own_name_and_a_ticket_that_is_gone_is_gone() {
    // Its name comes before that of home's desk.
    let mut world = World::calm(&["azure"], Policy::Latest);
    let before = seen(&world, "azure").unwrap();
    assert_eq!((before.home.as_str(), before.gone), ("HOME", false));
    world.rules.systems.remove(&name(HOME));
    assert_eq!(seen(&world, "azure").unwrap().home, "the other side", "home is not configured any more");
    tell(&mut world, 100, Fact::Ailed { leg: name("azure"), health: Health::Gone, reason: String::new() });
    assert!(seen(&world, "azure").unwrap().gone);
}
