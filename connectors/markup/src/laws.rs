//! The laws that hold for every dialect, over trees and texts as bad as can be.

use proptest::prelude::*;

use crate::normal::blocks;
use crate::tree::{Block, Inline, Style};
use crate::{adf, github, html, jira, normal, parse, plain, print, textile};

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

/// Trees that once broke a law.
pub(crate) fn found() -> Vec<Vec<Block>> {
    let text = |text: &str, style, link: Option<&str>| Inline::Text {
        text: text.to_owned(),
        style,
        link: link.map(str::to_owned),
    };
    let plain = |shown: &str, link| text(shown, Style::PLAIN, link);
    let bold = Style { bold: true, ..Style::PLAIN };
    let italic = Style { italic: true, ..Style::PLAIN };
    let struck = Style { strike: true, ..bold };
    let query = Some("https://a.test/x_y?q=1&r=(2)");
    let address = "https://a.test/x";
    vec![
        // A tab in code that is kept as lines was a cell of a table.
        parse("- > \\*\n  >\n  > ```\n  > \t|_.\n  > ```"),
        // The sign of a phrase and the same sign in its text made another sign.
        parse("> # _\\_ \\*_"),
        parse("**\\* a** b"),
        // A bracket and a picture's name in brackets were a page.
        parse("> [![](a.png)]"),
        // An address begins nowhere behind a letter.
        parse("- - - &#97;~~<http://a.test/*x*~~%>~~"),
        // The end of an address beside the text of its link was a phrase.
        parse("> - [\\*](https://a?~~)"),
        // A label of an address in several lines, or with formatting in it.
        vec![Block::Paragraph(vec![plain("[", None), Inline::Break, plain("a]:b", None)])],
        vec![Block::Paragraph(vec![plain("[", None), text("a", bold, None), plain("]: b", None)])],
        // A quotation mark in code ended the text of a link.
        parse("> [`\"x\":http://b.test`](https://a.test/x_y?q=1&r=%282%29)"),
        parse("\"a `b\":http://c.test`"),
        // Nothing but a rule says no words.
        vec![Block::List { start: None, items: vec![vec![Block::Rule]] }],
        // A joiner went into the address of a link behind an address in running text.
        vec![Block::Quote(vec![Block::Paragraph(vec![
            text("\"x\":http://b.test", struck, None),
            text("*", struck, Some("https://a")),
        ])])],
        // A link's text or what follows it began a block, a class or a style.
        vec![Block::Quote(vec![Block::Paragraph(vec![
            plain("p.", query),
            Inline::Code { text: "*".to_owned(), link: None },
        ])])],
        vec![Block::Heading {
            level: 1,
            content: vec![plain("{", None), plain("*", query), plain("}}", None)],
        }],
        vec![Block::Paragraph(vec![text("{color:red}x", bold, None), text("(a)b", italic, None)])],
        // A link that shows its own address, in two styles.
        vec![Block::Paragraph(vec![
            text(address, bold, Some(address)),
            text(address, italic, Some(address)),
        ])],
        vec![Block::Paragraph(vec![text(address, bold, None), plain("a", None)])],
    ]
}

fn reads_back(tree: Vec<Block>) -> Result<(), TestCaseError> {
    let text = print(&tree);
    prop_assert_eq!(parse(&text), blocks(tree), "{}", text);
    prop_assert_eq!(print(&parse(&text)), text.clone());
    prop_assert_eq!(trimmed(&text), text);
    Ok(())
}

fn loses_nothing_unsaid(text: &str) -> Result<(), TestCaseError> {
    type Read = fn(&str) -> crate::Text;
    let written: [(crate::Text, Read); 5] = [
        (plain::write(text), plain::read),
        (html::write(text), html::read),
        (github::write(text), github::read),
        (jira::write(text), jira::read),
        (textile::write(text), textile::read),
    ];
    for (written, read) in written {
        let back = read(&written.text);
        prop_assert!(back.text == text || !written.lost.is_empty(), "{:?} {:?}", written, back);
        // A writer never writes what its own reader would call a mention, a macro or a foreign thing.
        prop_assert_eq!(&back.lost, &vec![], "{:?}", written);
    }
    Ok(())
}

#[test]
fn what_once_broke_a_law_keeps_it() -> Result<(), TestCaseError> {
    for tree in found() {
        loses_nothing_unsaid(&print(&tree))?;
        reads_back(tree)?;
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_printed_tree_reads_back(tree in tree()) {
        reads_back(tree)?;
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
        loses_nothing_unsaid(&text)?;
    }

    #[test]
    fn whatever_is_read_is_canonical(text in soup()) {
        for read in [plain::read(&text), html::read(&text), github::read(&text), jira::read(&text), textile::read(&text)] {
            prop_assert_eq!(normal(&read.text), read.text.clone());
            prop_assert_eq!(trimmed(&read.text), read.text);
        }
    }
}

/// Something to do with a text; the length of what comes of it.
type Work = fn(&str) -> usize;

const READERS: [(&str, Work); 6] = [
    ("plain::read", |text| plain::read(text).text.len()),
    ("html::read", |text| html::read(text).text.len()),
    ("github::read", |text| github::read(text).text.len()),
    ("jira::read", |text| jira::read(text).text.len()),
    ("textile::read", |text| textile::read(text).text.len()),
    ("normal", |text| normal(text).len()),
];

const WRITERS: [(&str, Work); 6] = [
    ("plain::write", |text| plain::write(text).text.len()),
    ("html::write", |text| html::write(text).text.len()),
    ("github::write", |text| github::write(text).text.len()),
    ("jira::write", |text| jira::write(text).text.len()),
    ("textile::write", |text| textile::write(text).text.len()),
    ("adf", |text| adf::read(&adf::write(text).0).text.len()),
];

/// How many times as long one long text takes as sixteen that are a sixteenth of it: once if time is linear, sixteen
/// times if it is quadratic.
///
/// Both are about the same work, done one right after the other, so that a busy machine slows both; and one good
/// measurement of many is enough.
fn growth(work: Work, short: &str, long: &str) -> f64 {
    let timed = |text: &str, times: usize| {
        #[expect(clippy::disallowed_methods, reason = "a test of running time")]
        let start = std::time::Instant::now();
        for _ in 0..times {
            std::hint::black_box(work(text));
        }
        start.elapsed().as_secs_f64()
    };
    let mut best = f64::INFINITY;
    for _ in 0..30 {
        best = best.min(timed(long, 1) / timed(short, 16).max(0.0005));
        if best < 4.0 {
            break;
        }
    }
    best
}

/// Checks the time and the length of everything there is to call on texts of one kind.
fn check_growth(kind: &str, make: &dyn Fn(usize) -> String) {
    let (short, long) = (make(320), make(5_120));
    let check = |name: &str, work: Work, short: &str, long: &str| {
        let (length, bound) = (work(long), 40 * long.len() + 4096);
        assert!(length <= bound, "{name} of {kind}: {} to {length}", long.len());
        let growth = growth(work, short, long);
        assert!(growth < 8.0, "{name} of {kind}: {growth} times as long as for sixteen parts of it");
    };
    for (name, read) in READERS {
        check(name, read, &short, &long);
    }
    for canonical in [normal, |text: &str| plain::read(text).text] {
        let (short, long) = (canonical(&short), canonical(&long));
        for (name, write) in WRITERS {
            check(name, write, &short, &long);
        }
    }
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
        "{color:",
        "{code:",
        "{{a",
        "[[a",
        "<code>",
        "==a ",
        "<!-- ",
        "<notextile>",
        "!a.b",
        "\"a\":",
        "[a|",
        "(**a**",
        "(https://a.test/ **a**",
        "(~~a~~",
        "[a](https://b.test/) ",
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
        check_growth(&format!("{piece:?}"), &|size| piece.repeat((size / piece.len()).max(1)));
    }
    for (head, tail) in pairs {
        let half = |piece: &str, size: usize| piece.repeat(size / piece.len() / 2);
        let make = |size| format!("{}a{}", half(head, size), half(tail, size));
        check_growth(&format!("{head:?} and {tail:?}"), &make);
    }
}
