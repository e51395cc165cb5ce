//! What an agreement says of offers, in sentences.

use std::time::Duration;

use throughline_sdk::Visibility;

use super::Names;
use crate::agreement::{Answer, AnswerWords, Direction, Handshake, OnLapse};

/// Each sentence with what it is about.
pub(super) fn offers(handshake: &Handshake, names: Names<'_>) -> Vec<(&'static str, String)> {
    let Names { home, counterpart } = names;
    let offered = match handshake.direction {
        Direction::Outbound => format!("A ticket of {home} is an offer that {counterpart} has to accept."),
        Direction::Inbound => format!("A ticket of {counterpart} is an offer that {home} has to accept."),
        Direction::Both => {
            "A ticket of either side is an offer that the other side has to accept.".to_owned()
        }
        Direction::None => "No ticket has to be accepted.".to_owned(),
    };
    let before = match handshake.share_before {
        true => "Until it is accepted, everything that is shared goes over but the status.",
        false => "Until it is accepted, the ticket and answers to questions go over, and nothing else.",
    };
    let mut said = vec![
        ("offers", offered),
        ("what goes over before an offer is accepted", before.to_owned()),
        ("comments that answer an offer", by_comment(&handshake.words)),
    ];
    if let Some(words) = by_word(handshake, counterpart) {
        said.push(("words that answer an offer", words));
    }
    if let Some(field) = &handshake.reason_field {
        said.push((
            "the reason of an answer",
            format!("The field “{field}” of {counterpart}'s ticket says why."),
        ));
    }
    let within = match handshake.respond_within {
        Some(within) => format!("An answer may take {}, by day and by night.", spelled(within)),
        None => "An answer may take as long as it takes.".to_owned(),
    };
    said.push(("the time for an answer", within));
    if handshake.respond_within.is_some() {
        said.push(("silence", silence(handshake, names)));
    }
    said.push(("an offer that nobody takes on", onward(handshake, names)));
    said
}

fn by_comment(words: &AnswerWords) -> String {
    let AnswerWords { accept, reject, need_info } = words;
    let said = [
        (accept, "accepts"),
        (reject, "rejects, and what follows is the reason"),
        (need_info, "asks first, and what follows is the question"),
    ];
    let said: Vec<String> = said
        .into_iter()
        .filter(|(word, _)| !word.is_empty())
        .map(|(word, does)| format!("“{word}” {does}"))
        .collect();
    match said.is_empty() {
        true => "No comment answers.".to_owned(),
        false => format!("A public comment answers by its beginning: {}.", said.join("; ")),
    }
}

fn by_word(handshake: &Handshake, counterpart: &str) -> Option<String> {
    let said: Vec<String> =
        handshake.answers.iter().map(|(word, answer)| format!("“{word}” {}", does(*answer))).collect();
    let whose = match &handshake.field {
        Some(field) => format!("The field “{field}” of {counterpart}'s ticket"),
        None if said.is_empty() => return None,
        None => format!("The status of {counterpart}'s ticket"),
    };
    Some(match said.is_empty() {
        true => format!("{whose} answers by no word yet."),
        false => format!("{whose} answers: {}.", said.join("; ")),
    })
}

fn does(answer: Answer) -> &'static str {
    match answer {
        Answer::Pending => "says nothing",
        Answer::InformationRequested => "asks first",
        Answer::Accepted => "accepts",
        Answer::Rejected => "rejects",
    }
}

fn silence(handshake: &Handshake, Names { home, counterpart }: Names<'_>) -> String {
    match handshake.on_lapse {
        OnLapse::Person => format!("When it takes longer, a person at {home} decides."),
        OnLapse::Remind => {
            let times = match handshake.reminders {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            format!(
                "When it takes longer, {counterpart} is reminded {times}; then a person at {home} decides."
            )
        }
        OnLapse::RouteOn => {
            "When it takes longer, the request is taken back and offered to the next.".to_owned()
        }
    }
}

fn onward(handshake: &Handshake, Names { home, .. }: Names<'_>) -> String {
    let told = match handshake.tell_home {
        None => String::new(),
        Some(Visibility::Public) => format!(", and a public comment on the ticket of {home} says so"),
        Some(Visibility::Internal | Visibility::Unknown) => {
            format!(", and an internal comment on the ticket of {home} says so")
        }
    };
    let next: Vec<String> = handshake.route_on.iter().map(|agreement| format!("“{agreement}”")).collect();
    match next.is_empty() {
        true => format!("A request that is not taken on waits for a person at {home}{told}."),
        false => format!(
            "A request that is not taken on is offered next under {}, in this order; after that it waits for a person \
             at {home}{told}.",
            next.join(", ")
        ),
    }
}

/// A length of time in words.
pub(super) fn spelled(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let fits = |(_, size): &(&str, u64)| seconds >= *size && seconds.is_multiple_of(*size);
    let (unit, size) = units.into_iter().find(fits).unwrap_or(("second", 1));
    match seconds / size {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}
