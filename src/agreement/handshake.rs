//! Handshake: what a desk's words, a field or a comment say to an offer, and what follows from silence. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use throughline_sdk::{Ticket, Visibility};

use super::Direction;
use crate::case::AgreementName;

/// What of a reason or question is kept: who wants to read more reads the comment.
const LONGEST_WORDS: usize = 500;

/// A request has to be accepted by whoever gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handshake {
    /// Who has to accept: outbound the counterpart, inbound home.
    pub direction: Direction,
    /// How long an answer may take; `None`: as long as it takes.
    pub respond_within: Option<Duration>,
    /// What follows when it takes longer.
    pub on_lapse: OnLapse,
    /// How often the counterpart is reminded before a person is asked.
    pub reminders: u32,
    /// The agreements under which the request is offered next, in this order, when it is not taken on.
    pub route_on: Vec<AgreementName>,
    /// Whether everything is sent before the counterpart accepts, and not the ticket and answers alone.
    pub share_before: bool,
    /// Whether home's ticket gets a comment when a person has to decide, and for whose eyes.
    pub tell_home: Option<Visibility>,
    /// What a comment begins with that answers.
    pub words: AnswerWords,
    /// The custom field of the counterpart's ticket that answers; `None`: its status does.
    pub field: Option<String>,
    /// The custom field of the counterpart's ticket that says why.
    pub reason_field: Option<String>,
    /// What the words of that field, or of the status, say. Of several words the first is written.
    pub answers: Vec<(String, Answer)>,
}

/// What follows when an answer takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLapse {
    /// A person decides.
    Person,
    /// The counterpart is reminded, then a person decides.
    Remind,
    /// The request is offered to the next.
    RouteOn,
}

/// What a public comment begins with that answers; an empty one is never said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerWords {
    /// It is accepted.
    pub accept: String,
    /// It is rejected; what follows is the reason.
    pub reject: String,
    /// Something is asked; what follows is the question.
    pub need_info: String,
}

/// What was said to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing, or nothing any more.
    Pending,
    /// A question.
    InformationRequested,
    /// Yes.
    Accepted,
    /// No.
    Rejected,
}

impl Handshake {
    /// What the counterpart's ticket says by the word of its status or field, with that word.
    pub fn said_by_word(&self, ticket: &Ticket) -> Option<(String, Answer)> {
        let word = match &self.field {
            Some(field) => ticket.fields.get(field)?,
            None => &ticket.status,
        };
        Some((word.clone(), self.answer_of(word)?))
    }

    /// What a word says, unless that is nothing.
    pub fn answer_of(&self, word: &str) -> Option<Answer> {
        let (_, answer) = self.answers.iter().find(|(known, _)| known == word)?;
        Some(*answer).filter(|answer| *answer != Answer::Pending)
    }

    /// Why the counterpart said so, where its ticket has a field for it.
    pub fn reason_in(&self, ticket: &Ticket) -> Option<String> {
        let reason = ticket.fields.get(self.reason_field.as_ref()?)?;
        Some(cut(reason)).filter(|reason| !reason.is_empty())
    }

    /// What a comment says by its beginning, and what follows there.
    pub fn said_in(&self, text: &str) -> Option<(Answer, String)> {
        let AnswerWords { accept, reject, need_info } = &self.words;
        [(accept, Answer::Accepted), (reject, Answer::Rejected), (need_info, Answer::InformationRequested)]
            .into_iter()
            .find_map(|(word, answer)| Some((answer, cut(rest_after(text.trim_start(), word)?))))
    }

    /// The word that is written into the counterpart's ticket to give it this answer.
    pub fn word_for(&self, answer: Answer) -> Option<&str> {
        self.answers.iter().find(|(_, known)| *known == answer).map(|(word, _)| word.as_str())
    }
}

impl AnswerWords {
    /// The words that are documented.
    pub const USUAL: [&str; 3] = ["ACCEPT", "REJECT", "NEED INFO"];
}

impl Default for AnswerWords {
    fn default() -> Self {
        let [accept, reject, need_info] = Self::USUAL.map(str::to_owned);
        Self { accept, reject, need_info }
    }
}

impl Answer {
    /// The answer with this word in configuration.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "pending" => Self::Pending,
            "information_requested" => Self::InformationRequested,
            "accepted" => Self::Accepted,
            "rejected" => Self::Rejected,
            _ => return None,
        })
    }
}

/// What follows a word that stands alone: "ACCEPTED" does not begin with the word ACCEPT.
fn rest_after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    if word.is_empty() {
        return None;
    }
    let rest = text.strip_prefix(word)?;
    let alone = rest.chars().next().is_none_or(|next| !next.is_alphanumeric() && next != '_' && next != '-');
    alone.then(|| rest.trim_start_matches([':', '.', ',', ';', '!']).trim())
}

fn cut(text: &str) -> String {
    text.trim().chars().take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn usual() -> Handshake {
        Handshake {
            direction: Direction::Outbound,
            respond_within: None,
            on_lapse: OnLapse::Person,
            reminders: 1,
            route_on: Vec::new(),
            share_before: false,
            tell_home: None,
            words: AnswerWords::default(),
            field: None,
            reason_field: None,
            answers: Vec::new(),
        }
    }

    #[test]
    fn a_comment_answers_by_its_first_word_alone() {
        let said = |text: &str| usual().said_in(text);
        let is = |answer, rest: &str| Some((answer, rest.to_owned()));
        assert_eq!(said("ACCEPT"), is(Answer::Accepted, ""));
        assert_eq!(said("  ACCEPT.\n\nWe begin."), is(Answer::Accepted, "We begin."));
        assert_eq!(said("REJECT: not our product"), is(Answer::Rejected, "not our product"));
        assert_eq!(said("NEED INFO: which version?"), is(Answer::InformationRequested, "which version?"));
        for text in ["ACCEPTED", "Accept", "We ACCEPT", "> ACCEPT", "NEED", "REJECT-ish", "ACCEPT_ME", ""] {
            assert_eq!(said(text), None, "{text}");
        }
        let silent =
            Handshake { words: AnswerWords { accept: String::new(), ..AnswerWords::default() }, ..usual() };
        for text in ["ACCEPT", "", "  ", ": yes", "- a list", "> ACCEPT"] {
            assert_eq!(silent.said_in(text), None, "a word that was taken away says nothing: {text:?}");
        }
    }

    #[test]
    fn a_word_of_the_desk_answers_if_it_is_known_for_an_answer() {
        let told = |word: &str, answer| (word.to_owned(), answer);
        let answers = vec![
            told("Accepted", Answer::Accepted),
            told("Declined", Answer::Rejected),
            told("Question", Answer::InformationRequested),
            told("Waiting", Answer::Pending),
            told("Yes", Answer::Accepted),
        ];
        let words = Handshake { answers, ..usual() };
        for (word, answer) in [
            ("Accepted", Some(Answer::Accepted)),
            ("Yes", Some(Answer::Accepted)),
            ("Declined", Some(Answer::Rejected)),
            ("Question", Some(Answer::InformationRequested)),
            ("Waiting", None),
            ("accepted", None),
            ("", None),
        ] {
            assert_eq!(words.answer_of(word), answer, "{word:?}");
        }
        assert_eq!(words.word_for(Answer::Accepted), Some("Accepted"), "of several the first is written");
        assert_eq!(words.word_for(Answer::Pending), Some("Waiting"));
        assert_eq!(usual().word_for(Answer::Accepted), None);
    }

    #[test]
    fn an_answer_is_configured_by_the_word_that_stands_in_terms() {
        for answer in [Answer::Pending, Answer::InformationRequested, Answer::Accepted, Answer::Rejected] {
            let word = serde_json::to_value(answer).unwrap();
            assert_eq!(Answer::from_word(word.as_str().unwrap()), Some(answer));
        }
        for word in ["", "Accepted", "yes", "information requested"] {
            assert_eq!(Answer::from_word(word), None, "{word:?}");
        }
    }

    #[test]
    fn a_reason_is_what_stands_in_its_field_and_an_empty_one_is_none() {
        let ticket = |value: &str| {
            let fields = [("Why".to_owned(), value.to_owned())];
            Ticket { fields: fields.into(), ..crate::agreement::tests::ticket() }
        };
        let asked = Handshake { reason_field: Some("Why".to_owned()), ..usual() };
        assert_eq!(asked.reason_in(&ticket(" not ours ")).as_deref(), Some("not ours"));
        let long = "y".repeat(LONGEST_WORDS + 1);
        assert_eq!(asked.reason_in(&ticket(&long)).map(|reason| reason.len()), Some(LONGEST_WORDS));
        for empty in ["", " \n"] {
            assert_eq!(asked.reason_in(&ticket(empty)), None, "{empty:?}");
        }
        assert_eq!(asked.reason_in(&crate::agreement::tests::ticket()), None, "it has no such field");
        assert_eq!(usual().reason_in(&ticket("not ours")), None, "nobody said where the reason stands");
    }

    proptest! {
        #[test]
        fn whatever_is_said_has_a_bound_and_a_reason_is_kept(text in "(?s).{0,900}", reason in "[a-zä][a-z ,.:\n]{0,600}") {
            if let Some((_, rest)) = usual().said_in(&text) {
                prop_assert!(rest.chars().count() <= LONGEST_WORDS);
            }
            let kept: String = reason.trim().chars().take(LONGEST_WORDS).collect();
            prop_assert_eq!(usual().said_in(&format!("REJECT: {reason}")), Some((Answer::Rejected, kept)));
        }
    }
}
