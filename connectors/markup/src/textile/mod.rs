//! Textile as Redmine keeps it: `RedCloth` 3 with Redmine's own links, macros and mentions.
//!
//! See <https://www.redmine.org/projects/redmine/wiki/RedmineTextFormattingTextile>.

mod phrases;
mod read;
mod text;
mod write;

pub use read::read;
pub use write::write;

#[cfg(test)]
mod tests;

/// Characters at which an address in running text ends for us; Redmine reads on.
const ENDS_ADDRESS: &[char] = &['{', '}', '[', ']', '|', '@', '"', '!', '^'];

/// Signs of phrases of one character.
const SIGNS: &[char] = &['*', '_', '-', '+', '^', '~', '%', '?'];

/// Whether a phrase may begin behind this character.
fn begins_behind(before: Option<char>) -> bool {
    before.is_none_or(|before| {
        (before.is_whitespace() && before != '\u{a0}')
            || before == '('
            || before == '>'
            || SIGNS.contains(&before)
    })
}

/// Whether a phrase may end before this character.
fn ends_before(next: Option<char>) -> bool {
    next.is_none_or(|next| (next.is_whitespace() && next != '\u{a0}') || next.is_ascii_punctuation())
}

/// What Ruby's `\w` takes for a letter.
fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Characters in which the address of a `"link":https://…` may end.
fn ends_link(c: char) -> bool {
    c.is_alphanumeric() || "_=/;()-".contains(c)
}

/// A line across.
fn is_rule(line: &str) -> bool {
    let mut signs = line.chars().filter(|c| *c != ' ');
    let first = signs.next();
    first
        .is_some_and(|first| "*-_".contains(first) && signs.clone().count() >= 2 && signs.all(|c| c == first))
}

/// The tag of a block such as `h2(class). `, and the length of all of it.
fn prefix(line: &str) -> Option<(&str, usize)> {
    let letters = line.bytes().take_while(u8::is_ascii_alphanumeric).take(6).count();
    let tag = line.get(..letters)?;
    let known = matches!(tag, "p" | "bq" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
        || tag
            .strip_prefix("fn")
            .is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty());
    if !known {
        return None;
    }
    let mut rest = line.get(letters..)?;
    loop {
        let closing = match rest.chars().next()? {
            '(' => ')',
            '{' => '}',
            '[' => ']',
            '<' | '>' | '=' | ')' | '~' | '^' | '-' => {
                rest = rest.get(1..)?;
                continue;
            }
            '.' => break,
            _ => return None,
        };
        let length = rest.find(closing).map_or(1, |end| end + 1);
        rest = rest.get(length..)?;
    }
    let rest = rest.strip_prefix('.')?;
    // A source may stand behind a colon.
    let rest = match rest.strip_prefix(':') {
        Some(cited) => cited.get(cited.find(' ')?..)?,
        None => rest,
    };
    Some((tag, line.len() - rest.strip_prefix(' ')?.len()))
}
