//! A description that is longer than its field: cut where people see it, and whole in a file of the ticket.
//!
//! The file is named in the sentence that stands for what was cut, so that a reader finds it and so do we: what is read
//! is the part that shows, with whatever became of it, and the rest out of the file.

use bytes::Bytes;

use crate::ticket::canonical_text;

/// A description as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What goes into the field, without a marker.
    pub text: String,
    /// The file that has to be there first.
    pub whole: Option<Whole>,
}

/// A whole description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The text, in UTF-8.
    pub bytes: Bytes,
    /// Tells one description from another.
    pub hash: u64,
}

impl Whole {
    /// What the file is called.
    pub fn name(&self) -> String {
        name(self.hash)
    }
}

/// A description of which a part is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    shown: String,
    missing: usize,
    below: String,
    hash: u64,
}

/// Puts a description into `room` UTF-16 units, of which the sentence about what was cut takes about a hundred.
pub fn store(description: &str, room: usize) -> Stored {
    let text = canonical_text(description);
    if units(&text) <= room {
        return Stored { text, whole: None };
    }
    let hash = fnv(text.as_bytes());
    // The number is never longer than that of the whole.
    let sentence = units(&notice(text.chars().count(), hash)) + 1;
    let shown = prefix(&text, room.saturating_sub(sentence)).trim_end();
    let missing = text.chars().count().saturating_sub(shown.chars().count());
    Stored {
        text: format!("{shown}\n{}", notice(missing, hash)),
        whole: Some(Whole { bytes: Bytes::copy_from_slice(text.as_bytes()), hash }),
    }
}

/// What of a description, without its marker, says that a part is elsewhere.
pub fn cut(text: &str) -> Option<Cut> {
    let lines: Vec<&str> = text.split('\n').collect();
    let (at, (missing, hash)) =
        lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, parse(line)?)))?;
    let (above, rest) = lines.split_at(at);
    let below = rest.get(1..).unwrap_or_default().join("\n");
    Some(Cut { shown: above.join("\n"), missing, below: canonical_text(&below), hash })
}

impl Cut {
    /// The file that has the rest.
    pub fn file(&self) -> String {
        name(self.hash)
    }

    /// What shows, and the rest out of the file; `None` if it is not that file any more.
    pub fn joined(&self, whole: &[u8]) -> Option<String> {
        if fnv(whole) != self.hash {
            return None;
        }
        let whole = std::str::from_utf8(whole).ok()?;
        let skip = whole.chars().count().checked_sub(self.missing)?;
        let rest: String = whole.chars().skip(skip).collect();
        let below = self.below.trim_start_matches('\n');
        let gap = if below.is_empty() { "" } else { "\n\n" };
        Some(canonical_text(&format!("{}{rest}{gap}{below}", self.shown)))
    }
}

/// Whether a file of this name holds a whole description, of now or of before.
pub fn is_whole(file: &str) -> bool {
    let hash = file.strip_prefix("description-").and_then(|rest| rest.strip_suffix(".txt"));
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// FNV-1a, to tell versions apart; nothing secret hangs on it.
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn name(hash: u64) -> String {
    format!("description-{hash:016x}.txt")
}

fn notice(missing: usize, hash: u64) -> String {
    format!("[\u{2026} {missing} more characters in the attached file {}]", name(hash))
}

fn parse(line: &str) -> Option<(usize, u64)> {
    let inner = line.trim().strip_prefix("[\u{2026} ")?.strip_suffix(".txt]")?;
    let (missing, hash) = inner.split_once(" more characters in the attached file description-")?;
    Some((missing.parse().ok()?, u64::from_str_radix(hash, 16).ok()?))
}

/// How many UTF-16 units a text has.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// As much of a text as fits into so many UTF-16 units.
pub fn prefix(text: &str, room: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.len_utf16();
        used > room
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(stored: &Stored, shown: &str) -> String {
        match (&stored.whole, cut(shown)) {
            (Some(whole), Some(cut)) => {
                assert_eq!(cut.file(), whole.name());
                cut.joined(&whole.bytes).unwrap()
            }
            _ => shown.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn what_was_cut_reads_whole(text in "(\\PC|\n|  \n|\u{1f680}|\\[\u{2026} 7 more characters ){0,600}", room in 150usize..400) {
            let stored = store(&text, room);
            prop_assert!(units(&stored.text) <= room);
            prop_assert_eq!(read(&stored, &stored.text), canonical_text(&text));
        }

        #[test]
        fn no_text_is_too_odd_to_be_looked_at(text in "(\\PC|\n|\\[\u{2026} 7 more characters in the attached file description-){0,20}") {
            if let Some(cut) = cut(&text) {
                drop(cut.joined(text.as_bytes()));
            }
        }
    }

    #[test]
    fn what_people_change_of_the_part_that_shows_keeps_the_rest() {
        let text = "word ".repeat(100);
        let stored = store(&text, 200);
        let changed = stored.text.replacen("word", "WORD", 1) + "\n\nbelow";
        let expected = format!("{}\n\nbelow", text.trim_end().replacen("word", "WORD", 1));
        assert_eq!(read(&stored, &changed), expected);
        assert_eq!(cut(&stored.text).unwrap().joined(b"another"), None);
    }
}
