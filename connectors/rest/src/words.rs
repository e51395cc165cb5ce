//! The desk's values and the words that people use for them, both ways.

use serde_json::Value as Json;
use throughline_sdk::{Choice, Error, ErrorKind, Result};

use crate::manifest::Word;

/// The word for a value of the desk. One that is not listed is its own word.
pub(crate) fn read(words: &[Word], value: &str) -> String {
    words.iter().find(|one| text(&one.desk) == value).map_or_else(|| value.to_owned(), word)
}

/// The value of the desk for a word.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] for a word that the manifest does not list: nothing is guessed into a desk.
pub(crate) fn write(words: &[Word], wanted: &str, what: &str) -> Result<Json> {
    words.iter().find(|one| word(one) == wanted).map(|one| one.desk.clone()).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, format!("the manifest's words.{what} lists no {wanted:?}"))
    })
}

/// The words as a closed list.
pub(crate) fn choices(words: &[Word]) -> Vec<Choice> {
    words.iter().map(|one| Choice { word: word(one), closed: one.closed }).collect()
}

/// A word that stands for two values, or a value with two words.
pub(crate) fn doubled(words: &[Word]) -> Option<String> {
    words.iter().enumerate().find_map(|(at, one)| {
        let before = words.iter().take(at);
        before
            .clone()
            .any(|other| text(&other.desk) == text(&one.desk))
            .then(|| text(&one.desk))
            .or_else(|| before.clone().any(|other| word(other) == word(one)).then(|| word(one)))
    })
}

/// A JSON value as it is compared: `1` and `"1"` are the same, because desks send either.
pub(crate) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}

fn word(one: &Word) -> String {
    one.word.clone().unwrap_or_else(|| text(&one.desk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(Json, Option<&str>)]) -> Vec<Word> {
        let one = |(desk, word): &(Json, Option<&str>)| Word {
            desk: desk.clone(),
            word: word.map(str::to_owned),
            closed: false,
        };
        pairs.iter().map(one).collect()
    }

    #[test]
    fn what_is_written_reads_as_the_same_word() {
        let words = words(&[(1.into(), Some("Open")), ("new".into(), None), (true.into(), Some("Yes"))]);
        for word in ["Open", "new", "Yes"] {
            assert_eq!(read(&words, &text(&write(&words, word, "status").unwrap())), word);
        }
        assert_eq!(read(&words, "7"), "7", "an unknown value is shown as it is");
        assert_eq!(write(&words, "Closed", "status").unwrap_err().kind(), ErrorKind::Rejected);
    }

    #[test]
    fn a_list_that_says_two_things_is_seen() {
        let twice = [(1.into(), Some("Open")), (Json::from("1"), Some("Closed"))];
        assert_eq!(doubled(&words(&twice)), Some("1".to_owned()));
        let same = [(1.into(), Some("Open")), (2.into(), Some("Open"))];
        assert_eq!(doubled(&words(&same)), Some("Open".to_owned()));
        assert_eq!(doubled(&words(&[(1.into(), Some("Open")), (2.into(), None)])), None);
    }
}
