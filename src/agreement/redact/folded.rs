//! A text as it is recognized: one letter case, one kind of space and hyphen, nothing invisible; each byte of it knows
//! where it came from.

use std::ops::Range;

use icu_normalizer::properties::CanonicalCompositionBorrowed;

use super::escapes;

const COMPOSITION: CanonicalCompositionBorrowed<'static> = CanonicalCompositionBorrowed::new();
/// Stands for a single line end.
pub(super) const LINE: char = '\n';
/// Stands for an empty line: nothing is recognized across it.
pub(super) const PARAGRAPH: char = '\r';

/// A text in the form in which it is recognized.
#[derive(Debug)]
pub(super) struct Folded {
    text: String,
    /// For each byte of the text, where the character that it came from begins and ends.
    from: Vec<(u32, u32)>,
}

impl Folded {
    /// Folds a text. A text of four gigabytes or more has no folded form; none that long is ever read.
    pub(super) fn of(text: &str) -> Self {
        let chars = text.char_indices().map(|(at, char)| (at, at + char.len_utf8(), char));
        Self::of_chars(text.len(), chars)
    }

    /// Folds what a text spells otherwise; `None` where it does not.
    pub(super) fn decoded(text: &str) -> Option<Self> {
        escapes::are_in(text).then(|| Self::of_chars(text.len(), escapes::decoded(text)))
    }

    fn of_chars(length: usize, chars: impl Iterator<Item = (usize, usize, char)>) -> Self {
        let mut folded = Self { text: String::with_capacity(length), from: Vec::with_capacity(length) };
        let mut rest = chars.peekable();
        while let Some((at, end, char)) = rest.next() {
            if char.is_whitespace() {
                let (mut lines, mut end) = (usize::from(char == '\n'), end);
                while let Some((_, next, space)) = rest.next_if(|(_, _, next)| next.is_whitespace()) {
                    lines += usize::from(space == '\n');
                    end = next;
                }
                folded.push([' ', LINE].get(lines).copied().unwrap_or(PARAGRAPH), at, end);
                continue;
            }
            let next = rest.peek().map(|(_, _, next)| *next);
            match char {
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {}
                // What formatting puts into a word: an escape, and strong or struck-through text.
                '\\' if next.is_some_and(|next| next.is_ascii_punctuation()) => {}
                '*' | '~' if next == Some(char) => drop(rest.next()),
                // An accent that stands behind its letter, as in the names of files from some systems.
                '\u{300}'..='\u{36f}' if folded.composes(char, end) => {}
                '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' => folded.push('-', at, end),
                '\u{2019}' => folded.push('\'', at, end),
                '\u{ff01}'..='\u{ff5e}' => {
                    let narrow = char::from_u32(u32::from(char) - 0xfee0).unwrap_or(char);
                    folded.push(narrow.to_ascii_lowercase(), at, end);
                }
                char => char.to_lowercase().for_each(|lower| folded.push(lower, at, end)),
            }
        }
        folded
    }

    /// Whether the last letter and this accent are one letter, which then stands there.
    fn composes(&mut self, accent: char, end: usize) -> bool {
        let Some(letter) = self.text.chars().next_back() else { return false };
        let Some(one) = COMPOSITION.compose(letter, accent) else { return false };
        self.text.pop();
        let at = self.from.get(self.text.len()).map_or(0, |(at, _)| *at);
        self.from.truncate(self.text.len());
        self.push(one, usize::try_from(at).unwrap_or(usize::MAX), end);
        true
    }

    fn push(&mut self, char: char, at: usize, end: usize) {
        self.text.push(char);
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        self.from.extend(std::iter::repeat_n((place(at), place(end)), char.len_utf8()));
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The place in the text itself of a place in the folded one.
    pub(super) fn source(&self, folded: &Range<usize>) -> Option<Range<usize>> {
        let (first, last) = (self.from.get(folded.start)?, self.from.get(folded.end.checked_sub(1)?)?);
        Some(usize::try_from(first.0).ok()?..usize::try_from(last.1).ok()?)
    }
}

/// A value in the form by which it is known again: folded, on one line.
pub(super) fn fold(value: &str) -> String {
    Folded::of(value).text.replace([LINE, PARAGRAPH], " ").trim().to_owned()
}

/// Whether two neighbouring characters belong to one word. Scripts without spaces between words have no such border.
pub(super) fn joins(left: char, right: char) -> bool {
    is_spaced(left) && is_spaced(right)
}

/// Whether a character is part of a word in a script that has spaces between words.
fn is_spaced(char: char) -> bool {
    char.is_alphanumeric() && !matches!(u32::from(char), 0x0e00..=0x0eff | 0x1100..=0x11ff | 0x2e80..)
}

/// Whether a range begins and ends at a word's border.
pub(super) fn is_whole(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).and_then(|before| before.chars().next_back());
    let after = text.get(range.end..).and_then(|after| after.chars().next());
    let mut inside = text.get(range.clone()).unwrap_or_default().chars();
    let (first, last) = (inside.next(), inside.next_back());
    let last = last.or(first);
    let joined = |left: Option<char>, right: Option<char>| left.zip(right).is_some_and(|(l, r)| joins(l, r));
    !joined(before, first) && !joined(last, after)
}

/// The range, widened to the borders of the words in which it begins and ends.
pub(super) fn widened(text: &str, range: Range<usize>) -> Range<usize> {
    // What is put in its place begins and ends with a letter or digit, whatever stands at its ends.
    let before = text.get(..range.start).unwrap_or_default().chars().rev();
    let after = text.get(range.end..).unwrap_or_default().chars();
    let left: usize = before.take_while(|char| is_spaced(*char)).map(char::len_utf8).sum();
    let right: usize = after.take_while(|char| is_spaced(*char)).map(char::len_utf8).sum();
    range.start - left..range.end + right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_are_one() {
        for (text, expected) in [
            ("Ada  \n Lovelace", "ada lovelace"),
            ("ADA\u{a0}LOVE\u{ad}LACE", "ada lovelace"),
            ("ada\\_l\u{200b}@x", "ada_l@x"),
            ("**Ada** Lovelace", "ada lovelace"),
            ("a\u{2011}b\u{ff21}", "a-ba"),
            ("JU\u{308}RGEN Mu\u{308}ller", "jürgen müller"),
            ("O\u{2019}Connor", "o'connor"),
            // A domain before a name, a sign of reckoning, a path: no formatting, and nothing of them is lost.
            ("NORTHWIND\\Ada\\", "northwind\\ada\\"),
            ("2*3 ~4 *", "2*3 ~4 *"),
            // Accents that no letter takes up.
            ("\u{308}x q\u{308}", "\u{308}x q\u{308}"),
        ] {
            assert_eq!(fold(text), expected, "{text:?}");
        }
        assert_eq!(Folded::of("a\n\nb").text(), "a\rb");
    }

    #[test]
    fn a_place_leads_back_to_the_text() {
        let text = "x **İda**\u{200b} Love";
        let folded = Folded::of(text);
        let at = folded.text().find("da love").unwrap();
        let source = folded.source(&(at..at + 7)).unwrap();
        assert_eq!(text.get(source), Some("da**\u{200b} Love"));
        for (text, folded, expected) in [
            ("Ju\u{308}rgen, x", "x", "x"),
            ("Ju\u{308}rgen, x", "jü", "Ju\u{308}"),
            // All of a gap is one space.
            ("a \t  b", " ", " \t  "),
            ("a \n  b", "\n", " \n  "),
        ] {
            let form = Folded::of(text);
            let at = form.text().find(folded).unwrap();
            let source = form.source(&(at..at + folded.len())).unwrap();
            assert_eq!(text.get(source), Some(expected), "{folded:?} in {text:?}");
        }
    }

    #[test]
    fn words_have_borders_where_their_script_has_them() {
        assert!(is_whole("an ada b", &(3..6)));
        assert!(!is_whole("an adab", &(3..6)));
        assert!(is_whole("请李雷来", &(3..9)));
        assert_eq!(widened("x ab12cd y", 4..6), 2..8);
        assert_eq!(widened("x (ab) y", 3..5), 3..5);
        assert_eq!(widened("x b+12 y", 3..6), 2..6);
    }
}
