//! What the answer to an offer makes of it, and of what stands by it.

use throughline_sdk::Timestamp;

use crate::case::{Case, Fact, Item, Offer, OfferState};

impl Case {
    pub(super) fn handshake(&mut self, fact: &Fact, at: Timestamp) {
        let Fact::Handshake { leg, state, words, respond_by, heard, answers_after } = fact else { return };
        let Some(leg) = self.legs.get_mut(leg) else { return };
        let Some(offer) = &mut leg.offer else { return };
        let before = offer.clone();
        let turned = before.state != *state;
        let again = before.state == OfferState::Withdrawn && *state == OfferState::Offered;
        *offer = Offer {
            state: *state,
            since: if turned { at } else { before.since },
            words: words.clone(),
            respond_by: *respond_by,
            lapsed: before.lapsed && !turned && respond_by.is_none(),
            again: before.again.saturating_add(u32::from(again)),
            heard: heard.clone(),
            answers_after: *answers_after,
            round: before.round.saturating_add(u32::from(turned)),
            ..before
        };
        if *state == OfferState::Accepted {
            offer.waiting.clear();
            offer.set_before.clear();
        }
        if turned || respond_by.is_some() {
            leg.parked.remove(&Item::Offer);
        }
    }
}
