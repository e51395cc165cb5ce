//! Markdown as people write it on GitHub and GitLab, and what must not act there.

use proptest::prelude::*;

use super::{read, write};
use crate::laws;
use crate::loss::Loss;

fn check(markdown: &str, text: &str, lost: &[Loss]) {
    let read = read(markdown);
    assert_eq!(read.text, text, "{markdown}");
    assert_eq!(read.lost, lost, "{markdown}");
}

#[test]
fn what_people_write_reads() {
    check("**Bold**\r\nnext __line__  \nand *more*", "**Bold**\nnext **line**\nand _more_", &[]);
    check("Title\n=====\n\n* a\n* b\n    * c\n\n1) x", "# Title\n\n- a\n- b\n  - c\n\n1. x", &[]);
    check("| a | b |\n|---|---|\n| 1 | **2** |", "a | b\n1 | **2**", &[Loss::Table]);
    check("- [ ] open\n- [x] done", "- [ ] open\n- [x] done", &[]);
    check("<!-- Describe the bug -->\nIt broke<br>twice", "It broke\ntwice", &[]);
    check("<details><summary>Log</summary>\n\n```\na\n```\n\n</details>", "Log\n\n```\na\n```", &[]);
    check("![shot](https://a.test/1.png)", "[shot](https://a.test/1.png)", &[Loss::Image]);
    check("see [docs][1]\n\n[1]: https://a.test", "see [docs](https://a.test)", &[]);
    check("a[^1]\n\n[^1]: note", "a[^1]\n\n\\[^1]: note", &[]);
    check("[x](javascript:alert(1)) <script>alert(1)</script>", "x alert(1)", &[Loss::Link]);
}

#[test]
fn nothing_calls_points_or_commands() {
    for (text, wanted) in [
        ("ask @bob, not a@b.test", "ask @\u{2060}bob, not a@b.test"),
        ("fixes #12 and !7 in o/r#3", "fixes #\u{2060}12 and !\u{2060}7 in o/r#\u{2060}3"),
        ("GH-7", "GH\u{2060}-7"),
        ("/close", "\u{2060}/close"),
        ("one\n/assign @me", "one\\\n\u{2060}/assign @\u{2060}me"),
        ("closes https://github.com/o/r/issues/1", "closes\u{2060} <https://github.com/o/r/issues/1>"),
        ("https://a.test/@bob", "<https://a.test/@bob>"),
        ("`@bob`", "`@bob`"),
        ("<img src=x> <b>", "\\<img src=x> \\<b>"),
    ] {
        let written = write(text);
        assert_eq!((written.text.as_str(), written.lost.len()), (wanted, 0), "{text}");
        check(&written.text, text.replace("<img", "\\<img").replace("<b>", "\\<b>").as_str(), &[]);
    }
}

/// Looks for mentions, references and commands as the forges' own filters do: in text that is not code or a link.
fn acts(markdown: &str) -> Option<String> {
    use pulldown_cmark::{Event, Parser, Tag, TagEnd};
    let mut in_code_or_link = 0;
    // The filters see one text node at a time, and commands stand at the start of a line.
    let (mut nodes, mut lines) = (String::new(), String::new());
    for event in Parser::new(markdown) {
        let inline = matches!(
            event,
            Event::Text(_)
                | Event::Start(Tag::Emphasis | Tag::Strong | Tag::Link { .. })
                | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link)
        );
        if !inline {
            lines.push('\n');
        }
        if let Event::Start(Tag::CodeBlock(_) | Tag::Link { .. }) = event {
            in_code_or_link += 1;
        }
        if let Event::End(TagEnd::CodeBlock | TagEnd::Link) = event {
            in_code_or_link -= 1;
        }
        if let Event::Html(html) | Event::InlineHtml(html) = &event {
            return Some(html.to_string());
        }
        if let Event::Text(text) = &event
            && in_code_or_link == 0
        {
            nodes.push_str(text);
            lines.push_str(text);
        } else {
            nodes.push('\n');
            lines.push_str(if matches!(event, Event::Code(_)) || in_code_or_link > 0 { "x" } else { "" });
        }
    }
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let chars: Vec<char> = nodes.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let (before, next) = (at.checked_sub(1).map(|at| chars[at]), chars.get(at + 1).copied());
        let mention = *c == '@' && word(next) && !word(before);
        let reference = "#!".contains(*c) && next.is_some_and(|next| next.is_ascii_digit());
        if mention || reference {
            return Some(chars[at..].iter().take(12).collect());
        }
    }
    let command = |line: &&str| {
        line.trim_start_matches(' ').strip_prefix('/').is_some_and(|rest| word(rest.chars().next()))
    };
    lines.lines().find(command).map(str::to_owned)
}

proptest! {
    #[test]
    fn no_canonical_text_acts_on_a_forge(text in laws::canonical()) {
        let written = write(&text).text;
        prop_assert_eq!(acts(&written), None, "{}", written);
    }

    #[test]
    fn no_text_at_all_acts_on_a_forge(text in laws::soup()) {
        let written = write(&text).text;
        prop_assert_eq!(acts(&written), None, "{}", written);
    }
}
