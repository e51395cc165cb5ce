//! What waits for a person, and what that person made of it.

use throughline_sdk::{ErrorKind, SystemName, Timestamp};

use crate::case::{Case, Edited, Fingerprint, Item, Offer, Parked};

impl Case {
    /// A person gave it up, or has it tried again.
    pub(super) fn unparked(&mut self, leg: &SystemName, item: &Item, discarded: bool, at: Timestamp) {
        let Some(leg) = self.legs.get_mut(leg) else { return };
        if discarded {
            if let Some(parked) = leg.parked.get_mut(item) {
                parked.discarded = true;
            }
            return;
        }
        let parked = leg.parked.remove(item);
        leg.dirty = true;
        if let (Item::Offer, Some(offer)) = (item, &mut leg.offer) {
            // A person has it offered once more.
            *offer = Offer {
                heard: offer.heard.clone(),
                waiting: std::mem::take(&mut offer.waiting),
                round: offer.round.saturating_add(1),
                told: offer.told,
                again: offer.again.saturating_add(1),
                ..Offer::new(offer.to, at, offer.after.clone())
            };
        }
        if let Some(held) = parked.as_ref().filter(|parked| parked.held) {
            leg.approved.insert(item.clone(), held.want.clone());
        }
        if let (Some(parked), Item::Field(field)) = (parked, item)
            && parked.is_untranslatable()
            && let Some(seen) = leg.shadow.fields.get_mut(field)
        {
            // Its word may mean something by now, so the next reading counts as a change.
            seen.seen = None;
        }
    }

    /// A person has something else sent in its place.
    pub(super) fn edited(&mut self, leg: &SystemName, item: &Item, edited: Edited) {
        let Some(leg) = self.legs.get_mut(leg) else { return };
        leg.parked.remove(item);
        if matches!(item, Item::Field(_)) {
            // A ticket that is still to be made carries its fields.
            leg.parked.remove(&Item::Ticket);
        }
        leg.edited.insert(item.clone(), edited);
        // What was let through was another text.
        leg.approved.remove(item);
        leg.dirty = true;
    }

    pub(super) fn leaked(&mut self, name: &SystemName, what: &str, at: Timestamp) {
        let reason = format!(
            "it was sent as internal, and {name} does not keep it so: nothing internal goes there until somebody has \
             found out why, and discarded this"
        );
        self.wait_for_a_person(name, Item::Leak(what.to_owned()), &reason, at);
    }

    pub(super) fn wait_for_a_person(&mut self, leg: &SystemName, item: Item, reason: &str, since: Timestamp) {
        let Some(leg) = self.legs.get_mut(leg) else { return };
        let parked = Parked {
            want: Fingerprint::of(&item.to_string()),
            kind: ErrorKind::Unsupported,
            reason: reason.to_owned(),
            since,
            intent: None,
            discarded: false,
            held: false,
        };
        leg.parked.insert(item, parked);
    }
}
