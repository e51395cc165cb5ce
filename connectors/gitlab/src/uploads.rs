//! Files in GitLab: stored in the project, and attached by a link in somebody's text.
//!
//! Nothing but the link says whose a file is, where it belongs and who may see it, so files are read from the texts.

use throughline_markup::{github, plain};

const ROOM: &str = "/uploads/";
const SECRET_DIGITS: usize = 32;

/// A stored file that a text links to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) secret: String,
    /// The name in the address, where GitLab keeps letters, digits and little else.
    pub(crate) stored: String,
    /// The name people see.
    pub(crate) name: String,
    /// Whether the text shows it as a picture.
    pub(crate) picture: bool,
}

impl Upload {
    /// Its id: what the address is made of.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.secret, self.stored)
    }

    /// Its address in text.
    pub(crate) fn address(&self) -> String {
        format!("{ROOM}{}", self.id())
    }

    /// A link to it as text.
    pub(crate) fn link(&self) -> String {
        link(&self.name, &self.address())
    }

    /// What the address of a link, relative or not, names.
    pub(crate) fn at(address: &str) -> Option<(String, String)> {
        let (_, rest) = address.rsplit_once(ROOM)?;
        let (secret, stored) = rest.split_once('/')?;
        let named = secret.len() == SECRET_DIGITS && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
        // The name becomes part of an address again.
        let plain = !stored.is_empty() && !stored.contains(['/', '?', '#', '\\']) && stored != "..";
        (named && plain).then(|| (secret.to_owned(), stored.to_owned()))
    }
}

/// A link with the file's own name.
pub(crate) fn link(name: &str, address: &str) -> String {
    let name = github::write(&plain::read(name).text).text.replace('\n', " ");
    let mut text = String::with_capacity(name.len() + address.len() + 4);
    let mut escaped = false;
    text.push('[');
    for letter in name.chars() {
        if matches!(letter, '[' | ']') && !escaped {
            text.push('\\');
        }
        escaped = letter == '\\' && !escaped;
        text.push(letter);
    }
    text.push_str("](");
    text.push_str(address);
    text.push(')');
    text
}

/// The files that a text links to, each once.
pub(crate) fn linked(text: &str) -> Vec<Upload> {
    let mut found: Vec<Upload> = Vec::new();
    for at in closings(text) {
        let (Some(before), Some(after)) = (text.get(..at), text.get(at + 2..)) else { continue };
        let Some(upload) = upload(before, after) else { continue };
        if !found.iter().any(|known| known.id() == upload.id()) {
            found.push(upload);
        }
    }
    found
}

/// The text without the paragraphs that only link to files, which are carried as files.
pub(crate) fn without_bare_links(text: &str) -> String {
    let kept: Vec<&str> = text.split("\n\n").filter(|paragraph| !is_bare(paragraph)).collect();
    kept.join("\n\n")
}

/// The new text with those files at its end that the old one links to and the new one does not.
pub(crate) fn keeping(old: &str, new: String) -> String {
    let there = linked(&new);
    let missing =
        linked(old).into_iter().filter(|upload| !there.iter().any(|known| known.id() == upload.id()));
    missing.fold(new, |text, upload| match text.is_empty() {
        true => upload.link(),
        false => format!("{text}\n\n{}", upload.link()),
    })
}

fn upload(before: &str, after: &str) -> Option<Upload> {
    let address = after.get(..after.find([')', ' ', '\n', '"'])?)?;
    let (secret, stored) = Upload::at(address)?;
    let (shown, picture) = label(before)?;
    let shown = plain::write(&github::read(shown).text).text;
    // What a picture shows is no name, and a link may say anything.
    let named = !picture && ending(&shown).is_some() && ending(&shown) == ending(&stored);
    let name = if named { shown } else { stored.clone() };
    Some(Upload { secret, stored, name, picture })
}

/// Where the brackets of links end. One that is escaped is part of a name.
fn closings(text: &str) -> impl Iterator<Item = usize> {
    let found = text.match_indices("](").map(|(at, _)| at);
    found.filter(|at| !text.get(..*at).is_some_and(ends_escaping))
}

/// Whether what follows is escaped.
fn ends_escaping(text: &str) -> bool {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// What stands between the brackets before a link's address, and whether it is a picture's.
fn label(before: &str) -> Option<(&str, bool)> {
    let mut depth = 1_usize;
    for (at, letter) in before.char_indices().rev() {
        let rest = before.get(..at)?;
        let escaped = ends_escaping(rest);
        match letter {
            '\n' if rest.ends_with('\n') => return None,
            ']' if !escaped => depth += 1,
            '[' if !escaped => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((before.get(at + 1..)?, rest.ends_with('!')));
        }
    }
    None
}

/// Whether a paragraph holds links to files and nothing else.
fn is_bare(paragraph: &str) -> bool {
    let mut rest = paragraph.trim();
    let mut links = 0;
    while !rest.is_empty() {
        let Some(end) = closings(rest).next().filter(|_| rest.starts_with('[')) else { return false };
        let (Some(before), Some(after)) = (rest.get(..end), rest.get(end + 2..)) else { return false };
        let whole = label(before).is_some_and(|(label, _)| label.len() + 1 == before.len());
        let (true, Some(_), Some(closing)) = (whole, upload(before, after), after.find(')')) else {
            return false;
        };
        rest = after.get(closing + 1..).unwrap_or_default().trim_start();
        links += 1;
    }
    links > 0
}

fn ending(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).filter(|ending| !ending.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "66dbcd21ec5d24ed6ea225176098d52b";

    fn seen(text: &str) -> Vec<(String, bool)> {
        linked(text).into_iter().map(|upload| (upload.name, upload.picture)).collect()
    }

    #[test]
    fn files_are_found_in_text() {
        let at = format!("/uploads/{SECRET}/dk.png");
        let text = format!(
            "See ![a shot]({at} \"t\") and [log \\[1\\].txt](/uploads/{SECRET}/log__1_.txt), [here]({at}),\n\
             [R&D.pdf](https://gitlab.example/-/project/7/uploads/{SECRET}/R_D.pdf) not [x](/uploads/short/x.txt) \
             nor [y](/uploads/{SECRET}/../y)"
        );
        let expected = [("dk.png", true), ("log [1].txt", false), ("R&D.pdf", false)];
        assert_eq!(seen(&text), expected.map(|(name, picture)| (name.to_owned(), picture)));
    }

    #[test]
    fn a_paragraph_of_links_is_no_text() {
        let link = format!("[a.txt](/uploads/{SECRET}/a.txt)");
        for (text, left) in [
            (link.clone(), String::new()),
            (format!("{link}\n{link}"), String::new()),
            (format!("see\n\n{link}\n\nbelow"), "see\n\nbelow".to_owned()),
            (format!("see {link}"), format!("see {link}")),
            (format!("!{link}"), format!("!{link}")),
            ("[a](https://example.org)".to_owned(), "[a](https://example.org)".to_owned()),
        ] {
            assert_eq!(without_bare_links(&text), left, "{text}");
        }
    }

    #[test]
    fn a_rewritten_text_keeps_its_files() {
        let link = format!("[a.txt](/uploads/{SECRET}/a.txt)");
        let old = format!("old, see {link}");
        assert_eq!(keeping(&old, "new".to_owned()), format!("new\n\n{link}"));
        assert_eq!(keeping(&old, format!("new {link}")), format!("new {link}"));
        assert_eq!(without_bare_links(&keeping(&old, "new".to_owned())), "new");
    }

    proptest! {
        #[test]
        fn a_name_survives_its_link(name in "[^\\p{C}\\s][^\\p{C}/]{0,20}[^\\p{C}\\s/.]\\.txt") {
            // White space inside a name is one space, as in all text.
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            let text = link(&name, &format!("/uploads/{SECRET}/stored.txt"));
            prop_assert_eq!(seen(&text), [(name, false)]);
            prop_assert_eq!(without_bare_links(&text), "");
        }

        #[test]
        fn a_name_of_link_syntax_survives_its_link(name in "[\\]\\[()!\\\\`<>*_ab&;:/ -]{1,20}[ab]\\.txt") {
            let name = name.replace('/', "").split_whitespace().collect::<Vec<_>>().join(" ");
            let text = link(&name, &format!("/uploads/{SECRET}/stored.txt"));
            prop_assert_eq!(seen(&text), [(name, false)]);
            prop_assert_eq!(without_bare_links(&text), "");
        }

        #[test]
        fn no_text_breaks_the_search(text in "(.|\n|\\]\\(|\\[|/uploads/|66dbcd21ec5d24ed6ea225176098d52b|\\)){0,40}") {
            let _found = linked(&text);
            let left = without_bare_links(&text);
            prop_assert!(left.len() <= text.len());
        }
    }
}
