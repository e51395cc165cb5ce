//! The laws that hold for every dialect, over trees and texts as bad as can be.

use proptest::prelude::*;

use crate::normal::blocks;
use crate::tree::{Block, Inline, Style};
use crate::{github, html, jira, normal, parse, plain, print, textile};

/// Text made of what means something somewhere.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(vec![
        "*",
        "_",
        "~",
        "`",
        "#",
        "-",
        "+",
        ">",
        "<",
        "|",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "!",
        "&",
        "\\",
        "/",
        ":",
        ".",
        "@",
        "%",
        "^",
        "?",
        "=",
        "\"",
        "'",
        ";",
        ",",
        "$",
        "--",
        "**",
        "__",
        "~~",
        "```",
        "{{",
        "}}",
        "[[",
        "![",
        "](",
        "&amp;",
        "&#42;",
        "<b>",
        "<!--",
        "-->",
        "h1.",
        "bq.",
        "1.",
        "2)",
        "{code}",
        "{quote}",
        "{noformat}",
        "[~bob]",
        "@bob",
        "#12",
        "!7",
        "fixes #1",
        "GH-3",
        "/close",
        "<pre>",
        "</pre>",
        "<notextile>",
        "==",
        "??",
        "https://a.test/b_c",
        "http://a.test/*x*",
        "javascript:",
        "a@b.test",
        ":)",
        "(c)",
        "(!)",
        "---",
        "***",
        "r12",
        "commit:abc",
        "user#1",
        "!a.png!",
        "\"x\":http://b.test",
        "\\\\",
        "%{color:red}x%",
        "|_.",
        "p.",
        "fn1.",
        "*)",
        "p(.",
        "\u{a0}",
        "ä",
        "é",
        "😀",
        "\u{3000}",
        "«",
        "\u{301}",
        "\t",
    ]);
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9]{1,4}".prop_map(String::from),
        3 => Just(" ".to_owned()),
        1 => Just("  ".to_owned()),
        4 => sign.prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![
        3 => Just(Style::PLAIN),
        3 => any::<[bool; 3]>().prop_map(|[bold, italic, strike]| Style { bold, italic, strike }),
    ]
}

fn link() -> impl Strategy<Value = Option<String>> {
    let address = prop_oneof![
        Just("https://a.test/x_y?q=1&r=(2)".to_owned()),
        Just("mailto:a@b.test".to_owned()),
        Just("javascript:alert(1)".to_owned()),
        "https://[a-z]{1,3}[!-~]{0,6}",
    ];
    prop_oneof![6 => Just(None), 1 => address.prop_map(Some)]
}

pub(crate) fn inline() -> impl Strategy<Value = Inline> {
    let name = prop_oneof![Just("a.png".to_owned()), "[a-z ()&!_.|-]{0,8}"];
    prop_oneof![
        8 => (text(), style(), link()).prop_map(|(text, style, link)| Inline::Text { text, style, link }),
        1 => (text(), link()).prop_map(|(text, link)| Inline::Code { text, link }),
        1 => (name, text()).prop_map(|(name, alt)| Inline::Image { name, alt }),
        2 => Just(Inline::Break),
    ]
}

fn content() -> impl Strategy<Value = Vec<Inline>> {
    prop::collection::vec(inline(), 0..6)
}

/// Any tree, in normal form or not.
pub(crate) fn tree() -> impl Strategy<Value = Vec<Block>> {
    let leaf = prop_oneof![
        5 => content().prop_map(Block::Paragraph),
        1 => (0u8..8, content()).prop_map(|(level, content)| Block::Heading { level, content }),
        1 => ("[a-z ]{0,5}", prop::collection::vec(text(), 0..4))
            .prop_map(|(language, lines)| Block::Code { language, text: lines.join("\n") }),
        1 => Just(Block::Rule),
    ];
    let block = leaf.prop_recursive(4, 24, 4, |inner| {
        let blocks = prop::collection::vec(inner, 0..4);
        let start = prop_oneof![Just(None), Just(Some(1)), any::<u32>().prop_map(Some)];
        prop_oneof![
            (start, prop::collection::vec(blocks.clone(), 0..4))
                .prop_map(|(start, items)| Block::List { start, items }),
            blocks.prop_map(Block::Quote),
        ]
    });
    prop::collection::vec(block, 0..5)
}

/// Trees without numbered lists and without pictures that have a description.
pub(crate) fn tree_of_words() -> impl Strategy<Value = Vec<Block>> {
    fn change(blocks: &mut [Block]) {
        for block in blocks {
            match block {
                Block::Paragraph(content) | Block::Heading { content, .. } => {
                    for part in content {
                        if let Inline::Image { alt, .. } = part {
                            alt.clear();
                        }
                    }
                }
                Block::List { start, items } => {
                    *start = None;
                    items.iter_mut().for_each(|item| change(item));
                }
                Block::Quote(inner) => change(inner),
                Block::Code { .. } | Block::Rule => {}
            }
        }
    }
    tree().prop_map(|mut tree| {
        change(&mut tree);
        tree
    })
}

/// Canonical texts.
pub(crate) fn canonical() -> impl Strategy<Value = String> {
    tree().prop_map(|tree| print(&tree))
}

/// Any text: signs, lines, and arbitrary characters.
pub(crate) fn soup() -> impl Strategy<Value = String> {
    let line = prop_oneof![text(), "\\PC{0,12}", "[ \t]{0,6}[-*+#>|=~`0-9.]{0,6}[ \t]{0,3}", any::<String>()];
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

/// What `throughline_sdk::ticket::canonical_text` makes of a text.
pub(crate) fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

proptest! {
    #[test]
    fn a_printed_tree_reads_back(tree in tree()) {
        let text = print(&tree);
        prop_assert_eq!(parse(&text), blocks(tree), "{}", text);
        prop_assert_eq!(print(&parse(&text)), text.clone());
        prop_assert_eq!(trimmed(&text), text);
    }

    #[test]
    fn the_normal_form_is_idempotent(text in soup()) {
        let once = normal(&text);
        prop_assert_eq!(normal(&once), once.clone());
        prop_assert_eq!(trimmed(&once), once);
    }

    #[test]
    fn plain_lines_go_through_plain_desks_unharmed(text in soup()) {
        let read = plain::read(&text);
        prop_assert_eq!(read.lost, vec![]);
        let written = plain::write(&read.text);
        prop_assert_eq!(&written.lost, &vec![]);
        prop_assert_eq!(&plain::read(&written.text).text, &read.text);
        // Only white space and characters that nobody sees may differ.
        let seen = |text: &str| -> String {
            text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !['\u{2060}', '\u{feff}'].contains(c)).collect()
        };
        prop_assert_eq!(seen(&written.text), seen(&text));
    }

    #[test]
    fn html_gives_back_what_it_was_given(text in canonical()) {
        let written = html::write_with(&text, &|name| Some(format!("cid:{name}")));
        prop_assert_eq!(&written.lost, &vec![]);
        let read = html::read_with(&written.text, &|source| source.strip_prefix("cid:").map(str::to_owned));
        prop_assert_eq!(read.text, text, "{}", written.text);
        prop_assert_eq!(read.lost, vec![]);
    }

    #[test]
    fn a_forge_gives_back_what_it_was_given(text in canonical()) {
        let written = github::write_with(&text, &|name| Some(format!("https://a.test/{}", name.replace(' ', "%20"))));
        prop_assert_eq!(&written.lost, &vec![]);
        let images = |source: &str| Some(source.strip_prefix("https://a.test/")?.replace("%20", " "));
        let read = github::read_with(&written.text, &images);
        prop_assert_eq!(read.text, text, "{}", written.text);
        prop_assert_eq!(read.lost, vec![]);
    }

    #[test]
    fn what_is_lost_is_said(text in canonical()) {
        type Read = fn(&str) -> crate::Text;
        let written: [(crate::Text, Read); 5] = [
            (plain::write(&text), plain::read),
            (html::write(&text), html::read),
            (github::write(&text), github::read),
            (jira::write(&text), jira::read),
            (textile::write(&text), textile::read),
        ];
        for (written, read) in written {
            let back = read(&written.text);
            prop_assert!(back.text == text || !written.lost.is_empty(), "{:?} {:?}", written, back);
            // A writer never writes what its own reader would call a mention, a macro or a foreign thing.
            prop_assert_eq!(&back.lost, &vec![], "{:?}", written);
        }
    }

    #[test]
    fn whatever_is_read_is_canonical(text in soup()) {
        for read in [plain::read(&text), html::read(&text), github::read(&text), jira::read(&text), textile::read(&text)] {
            prop_assert_eq!(normal(&read.text), read.text.clone());
            prop_assert_eq!(trimmed(&read.text), read.text);
        }
    }
}

/// Everything there is to call, on one input.
fn all(text: &str) {
    for read in
        [plain::read(text), html::read(text), github::read(text), jira::read(text), textile::read(text)]
    {
        for written in [
            plain::write(&read.text),
            html::write(&read.text),
            github::write(&read.text),
            jira::write(&read.text),
        ] {
            assert!(
                written.text.len() <= 40 * text.len().max(1) + 4096,
                "{} to {}",
                text.len(),
                written.text.len()
            );
        }
    }
}

/// How many times longer everything takes for sixteen times as much: 16 if it is linear, 256 if it is quadratic.
///
/// Other work on the machine makes single measurements worthless, so the best of several counts.
fn growth(make: &dyn Fn(usize) -> String) -> f64 {
    let timed = |text: &str| {
        #[expect(clippy::disallowed_methods, reason = "a test of running time")]
        let start = std::time::Instant::now();
        all(text);
        start.elapsed().as_secs_f64()
    };
    let (short, long) = (make(2_500), make(40_000));
    let mut best = f64::INFINITY;
    for _ in 0..6 {
        best = best.min(timed(&long) / timed(&short).max(0.002));
        if best < 40.0 {
            break;
        }
    }
    best
}

#[test]
fn time_grows_with_the_length_of_a_text() {
    let pieces = [
        ">",
        "> ",
        "- ",
        "1. ",
        "*",
        "_",
        "**a",
        "*a_",
        "~~a",
        "[",
        "[a](",
        "![",
        "`",
        "`a",
        "<",
        "<b>",
        "<div>",
        "<ul><li>",
        "<blockquote>",
        "<table><tr><td>",
        "</p>",
        "<a href=x>",
        "&",
        "&amp;",
        "\\",
        "\n",
        " \n",
        "a\n",
        "# ",
        "http://a",
        "(",
        "https://a.test/(",
        "|",
        "a|b\n-|-\n",
        "[a]: b\n",
        "[^a]",
        "[^a]: b\n",
        "<!--",
        "<script>",
        "<pre>",
        "- a\n",
        "> a\n\n",
        "<p>",
        "**",
        "** ",
        "a**",
        "***a** ",
        "\u{2060}",
        "\u{301}",
        "{",
        "@a ",
        "    a\n",
        "\ta\n",
        "<?",
        "<![CDATA[",
        "<x ",
    ];
    let pairs = [
        ("- ", "\n"),
        ("> ", "\n"),
        ("- ", "\na"),
        ("1. ", "\n\n"),
        ("- > ", "\n> "),
        ("<b>", "</i>"),
        ("<ul>", "</p>"),
        ("- ", "  "),
        ("[", "]"),
        ("**", "_"),
        ("<a>", "<p>"),
    ];
    for piece in pieces {
        let growth = growth(&|size| piece.repeat(size / piece.len()));
        assert!(growth < 80.0, "{piece:?}: {growth} times as long for sixteen times as much");
    }
    for (head, tail) in pairs {
        let half = |piece: &str, size: usize| piece.repeat(size / piece.len() / 2);
        let growth = growth(&|size| format!("{}a{}", half(head, size), half(tail, size)));
        assert!(growth < 80.0, "{head:?}, {tail:?}: {growth} times as long for sixteen times as much");
    }
}
