//! What each recognizer claims and what it leaves alone, border by border. How much that is of real texts is measured
//! beside this.

mod card;
mod email;
mod groups;
mod iban;
mod ip;
mod phone;
mod wanted;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::super::folded::Folded;
use super::super::terms::Class;
use super::Recognizers;

static RECOGNIZERS: LazyLock<Recognizers> = LazyLock::new(|| Recognizers::new(&[], &[], Vec::new()).unwrap());

/// Where values of a class begin and end in a text, and by which form each is known again.
fn found(class: &Class, text: &str) -> BTreeMap<(usize, usize), String> {
    let folded = Folded::of(text);
    RECOGNIZERS
        .find(&folded, |wanted| wanted == class)
        .into_iter()
        .map(|found| {
            let place = folded.source(&found.place).unwrap();
            ((place.start, place.end), found.key)
        })
        .collect()
}

/// The text with «…» around everything of the class that is found in it.
fn marked(class: &Class, text: &str) -> String {
    let found = found(class, text);
    let mut marked = String::new();
    for (at, char) in text.char_indices().chain([(text.len(), '\n')]) {
        marked.extend(found.keys().filter(|(_, end)| *end == at).map(|_| '»'));
        marked.extend(found.keys().filter(|(start, _)| *start == at).map(|_| '«'));
        marked.push(char);
    }
    marked.trim_end_matches('\n').to_owned()
}

/// Holds texts in which «…» stands around everything of the class that has to be found, and around nothing else.
fn check(class: &Class, texts: &[&str]) {
    for text in texts {
        assert_eq!(marked(class, &text.replace(['«', '»'], "")), *text, "{class}");
    }
}

/// Holds that all of these spellings are one value to this class.
fn check_one(class: &Class, key: &str, spellings: &[&str]) {
    for text in spellings {
        assert_eq!(found(class, text).into_values().collect::<Vec<_>>(), [key], "{class}: {text}");
    }
}
