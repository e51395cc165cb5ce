//! Redacting a text: what is recognized goes, and what then stands there is looked at again until nothing is found.

use std::collections::BTreeMap;
use std::ops::Range;

use super::folded::{Folded, fold, widened};
use super::pseudonym::{Pseudonyms, Unnamed};
use super::recognize::Match;
use super::terms::{Action, Class, MASK_CLOSES, MASK_OPENS, Place, Redaction};
use super::{Account, Refused, residual};
use crate::case::AgreementName;

/// What stands in the place of what was dropped, so that what stood around it cannot close up.
const DROPPED: char = '…';
/// How often a rest is looked at again. What is taken out of a text can hardly make new values, and never many.
const MAX_ROUNDS: u32 = 16;

/// Redacts texts at one place under one agreement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cleaner<'a> {
    pub(super) agreement: &'a AgreementName,
    pub(super) redaction: &'a Redaction,
    pub(super) place: &'a Place,
    pub(super) names: &'a Pseudonyms,
}

/// A text as far as it is clean.
#[derive(Debug, Default)]
struct Clean {
    parts: Vec<Part>,
    redacted: BTreeMap<String, u32>,
    unnamed: Vec<Unnamed>,
}

#[derive(Debug)]
enum Part {
    /// Left as it was.
    Plain(String),
    /// A pseudonym, a mask or an ellipsis: nothing is looked for in it.
    Token(String),
}

impl Clean {
    /// In scripts without spaces two values may touch: their pseudonyms would be known as neither of them, and would not
    /// come back.
    fn token(&mut self, token: String) {
        if let Some(Part::Token(last)) = self.parts.last()
            && last.ends_with(char::is_alphanumeric)
            && token.starts_with(char::is_alphanumeric)
        {
            self.parts.push(Part::Plain(" ".to_owned()));
        }
        self.parts.push(Part::Token(token));
    }
}

impl Cleaner<'_> {
    /// The text as the counterpart may have it.
    ///
    /// # Errors
    ///
    /// [`Refused::Unnamed`] where a value has no pseudonym yet, with all of them.
    pub(super) fn clean(&self, text: &str) -> Result<(String, Account), Refused> {
        let mut clean = Clean::default();
        match self.redaction.whole(self.place) {
            Some(action) if !text.trim().is_empty() => {
                let (class, key, value) = self.whole(text);
                // A value that already is a token of ours stays one.
                let token = self.tokens(text).first().is_some_and(|token| *token == (0..text.len()));
                if token || action == Action::Pass {
                    clean.token(text.to_owned());
                } else {
                    self.replace(&mut clean, action, &class, key, value);
                }
            }
            Some(_) | None => self.part(text, &mut clean)?,
        }
        let Clean { parts, redacted, mut unnamed } = clean;
        if !unnamed.is_empty() {
            unnamed.sort();
            unnamed.dedup();
            return Err(Refused::Unnamed(unnamed));
        }
        let mut left = BTreeMap::new();
        for part in &parts {
            if let Part::Plain(text) = part {
                residual::count(self.redaction, self.place, text, &mut left);
            }
        }
        let text = parts.iter().map(|part| match part {
            Part::Plain(text) | Part::Token(text) => text.as_str(),
        });
        Ok((text.collect(), Account { redacted, left }))
    }

    /// What a whole value is known by: an author who is on the list of people, by that.
    fn whole(&self, text: &str) -> (Class, String, String) {
        if *self.place != Place::Authors {
            return (Class::Whole, fold(text), text.to_owned());
        }
        let folded = Folded::of(text.trim());
        let all = 0..folded.text().len();
        let listed = self.redaction.recognizers.find(&folded, |class| *class == Class::Person);
        let listed =
            listed.into_iter().find(|found| found.place == all).and_then(|it| Some((it.key, it.value?)));
        let (key, value) = listed.unwrap_or_else(|| (fold(text), text.to_owned()));
        (Class::Person, key, value)
    }

    /// The parts between tokens of ours are cleaned, each by itself.
    fn part(&self, text: &str, clean: &mut Clean) -> Result<(), Refused> {
        let mut done = 0;
        for token in self.tokens(text) {
            self.plain(text.get(done..token.start).unwrap_or_default(), 0, clean)?;
            done = token.end;
            clean.token(text.get(token).unwrap_or_default().to_owned());
        }
        self.plain(text.get(done..).unwrap_or_default(), 0, clean)
    }

    fn plain(&self, text: &str, round: u32, clean: &mut Clean) -> Result<(), Refused> {
        if text.is_empty() {
            return Ok(());
        }
        if round > MAX_ROUNDS {
            return Err(Refused::Undecided(
                "what is left of this text is taken for personal data again and again".to_owned(),
            ));
        }
        let mut found = self.find(&Folded::of(text), false);
        if let Some(decoded) = Folded::decoded(text) {
            found.extend(self.find(&decoded, true));
        }
        let claims = claims(text, found, |class| self.redaction.action(self.place, class));
        if claims.is_empty() {
            clean.parts.push(Part::Plain(text.to_owned()));
            return Ok(());
        }
        let mut done = 0;
        for Claim { place, class, action, key, value } in claims {
            // What stood before a value may be one by itself now.
            self.plain(text.get(done..place.start).unwrap_or_default(), round + 1, clean)?;
            done = place.end;
            self.replace(clean, action, &class, key, value);
        }
        self.plain(text.get(done..).unwrap_or_default(), round + 1, clean)
    }

    /// What is found in a folded form of a text, at its places in the text itself.
    fn find(&self, folded: &Folded, decoded: bool) -> Vec<Match> {
        let wanted = |class: &Class| self.redaction.action(self.place, class) != Action::Pass;
        let found = self.redaction.recognizers.find(folded, wanted).into_iter().filter_map(|mut found| {
            // Half a word would tell the rest.
            found.place = folded.source(&widened(folded.text(), found.place))?;
            // What was spelled otherwise comes back in the form by which it is known.
            found.value = found.value.or_else(|| decoded.then(|| found.key.clone()));
            Some(found)
        });
        found.collect()
    }

    fn replace(&self, clean: &mut Clean, action: Action, class: &Class, key: String, value: String) {
        let token = match action {
            Action::Pass => value,
            Action::Drop => DROPPED.to_string(),
            Action::Mask => class.mask(),
            Action::Pseudonymize => match self.names.of(self.agreement, &class.label(), &key) {
                Some(pseudonym) => pseudonym.to_owned(),
                None => {
                    clean.unnamed.push(class.unnamed(self.agreement, key, value));
                    return;
                }
            },
        };
        *clean.redacted.entry(class.word().to_owned()).or_default() += 1;
        clean.token(token);
    }

    /// Where pseudonyms of this agreement, masks and ellipses stand.
    fn tokens(&self, text: &str) -> Vec<Range<usize>> {
        let mut tokens: Vec<_> =
            self.names.find(self.agreement, text).into_iter().map(|(place, _)| place).collect();
        tokens.extend(text.match_indices(DROPPED).map(|(at, token)| at..at + token.len()));
        for (at, _) in text.match_indices(MASK_OPENS) {
            let rest = text.get(at..).unwrap_or_default();
            let Some(end) = rest.find(MASK_CLOSES).map(|end| at + end + MASK_CLOSES.len_utf8()) else {
                break;
            };
            if text.get(at..end).is_some_and(|mask| self.is_mask(mask)) {
                tokens.push(at..end);
            }
        }
        tokens.sort_by_key(|token| token.start);
        let mut done = 0;
        tokens.retain(|token| {
            let apart = token.start >= done;
            done = done.max(token.end);
            apart
        });
        tokens
    }

    fn is_mask(&self, text: &str) -> bool {
        let own = self.redaction.classes.keys();
        let here = self.redaction.places.values().flat_map(|terms| terms.classes.keys());
        let always = [Class::Whole, Class::Person];
        always.iter().chain(own).chain(here).any(|class| class.mask() == text)
    }
}

/// A stretch of the text that one or more recognizers claim.
#[derive(Debug)]
struct Claim {
    place: Range<usize>,
    class: Class,
    action: Action,
    key: String,
    value: String,
}

/// Matches as stretches of the text that do not overlap, in order. Where matches overlap, all of what they cover goes,
/// as the longest of them says, or more strictly.
fn claims(text: &str, mut found: Vec<Match>, action: impl Fn(&Class) -> Action) -> Vec<Claim> {
    found.sort_by_key(|found| (found.place.start, std::cmp::Reverse(found.place.end)));
    let mut groups: Vec<(Range<usize>, Vec<Match>)> = Vec::new();
    for found in found {
        match groups.last_mut() {
            Some((place, group)) if found.place.start < place.end => {
                place.end = place.end.max(found.place.end);
                group.push(found);
            }
            _ => groups.push((found.place.clone(), vec![found])),
        }
    }
    let mut claims: Vec<Claim> = Vec::new();
    for (place, group) in groups {
        let strictest = group.iter().map(|found| action(&found.class)).max_by_key(|action| severity(*action));
        // Of two equal ones the first: the one that stands there as it is.
        let best = group.into_iter().rev().max_by_key(|found| found.place.len());
        let (Some(best), Some(action)) = (best, strictest) else { continue };
        let alone = best.place == place;
        let whole = text.get(place.clone()).unwrap_or_default();
        let (key, value) = match best.value {
            _ if !alone => (fold(whole), whole.to_owned()),
            Some(name) => (best.key, name),
            None => (best.key, whole.to_owned()),
        };
        claims.push(Claim { place, class: best.class, action, key, value });
    }
    claims
}

fn severity(action: Action) -> u8 {
    match action {
        Action::Pass => 0,
        Action::Pseudonymize => 1,
        Action::Mask => 2,
        Action::Drop => 3,
    }
}
