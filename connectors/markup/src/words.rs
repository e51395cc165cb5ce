//! The words of a text: what of it every dialect keeps.

use crate::markdown::parse;
use crate::tree::{Block, Inline};

/// Letters and digits of everything that is said, in order, with nothing between them.
pub(crate) fn of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    blocks(&parse(text), &mut out);
    out
}

fn blocks(blocks: &[Block], out: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } => inlines(content, out),
            Block::List { items, .. } => items.iter().for_each(|item| self::blocks(item, out)),
            Block::Quote(inner) => self::blocks(inner, out),
            Block::Code { text, .. } => push(text, out),
            Block::Rule => {}
        }
    }
}

fn inlines(content: &[Inline], out: &mut String) {
    let mut parts = content.iter().peekable();
    while let Some(part) = parts.next() {
        match part {
            Inline::Text { text, .. } | Inline::Code { text, .. } => push(text, out),
            Inline::Image { name, .. } => push(name, out),
            Inline::Break => {}
        }
        // Where a dialect has no links, the address stands behind the text.
        if let Some(link) = part.link()
            && parts.peek().and_then(|next| next.link()) != Some(link)
        {
            push(link, out);
        }
    }
}

fn push(text: &str, out: &mut String) {
    out.extend(text.chars().filter(|c| c.is_alphanumeric()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::laws;
    use crate::{adf, github, html, jira, plain, print, same_words, textile};

    #[test]
    fn only_words_count() {
        assert!(same_words("**a** [b](https://c.test)\n- d", "a b \\<https://c.test>\n\\- d"));
        assert!(!same_words("a b", "a c"));
        assert!(!same_words("[a](https://b.test)", "a"));
    }

    #[test]
    fn what_once_came_back_in_other_words_comes_back_in_its_own() -> Result<(), TestCaseError> {
        laws::found().iter().try_for_each(|tree| keeps_its_words(&print(tree)))
    }

    fn keeps_its_words(text: &str) -> Result<(), TestCaseError> {
        for back in [
            plain::read(&plain::write(text).text),
            html::read(&html::write(text).text),
            github::read(&github::write(text).text),
            jira::read(&jira::write(text).text),
            textile::read(&textile::write(text).text),
            adf::read(&adf::write(text).0),
        ] {
            let words = super::of(text);
            prop_assert_eq!(&words, &super::of(&back.text), "{:?} {:?}", text, back.text);
            // A text without words, such as a rule, is known by nothing but itself.
            prop_assert!(words.is_empty() || same_words(text, &back.text));
        }
        Ok(())
    }

    proptest! {
        /// Pictures' descriptions and the numbers of lists are not among the words: some dialects have no place for them.
        #[test]
        fn what_a_desk_gives_back_says_the_same_words(tree in laws::tree_of_words()) {
            keeps_its_words(&print(&tree))?;
        }
    }
}
