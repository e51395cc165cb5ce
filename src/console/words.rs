//! Foreign people's words on our pages: set apart, escaped, with what nobody would see made visible.
//!
//! Canonical text is written by [`prose`] and by nothing else: what is in the tree of `throughline_markup` becomes one of
//! a few elements, links lead out of the house and say where to, and pictures are named, never fetched.

use maud::{Markup, Render, html};
use throughline_markup::{Block, Inline, Style, parse};
use url::Url;

/// A line of foreign words: a title, a name, a status, a file's name.
pub(crate) fn words(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// A text of foreign people, with its formatting.
pub(crate) fn prose(text: &str) -> Markup {
    html! { div.prose dir="auto" { (blocks(&parse(text))) } }
}

/// A link to a place outside of the house, where the address is one that only leads somewhere.
pub(crate) fn outward(address: Option<&str>, text: &Markup) -> Markup {
    match address.and_then(leads_to) {
        Some(url) => html! { a href=(url.as_str()) rel="noopener nofollow noreferrer" { (text) } },
        None => text.clone(),
    }
}

/// The address, if it is one of the web.
pub(crate) fn leads_to(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The text with its hidden signs shown.
struct Visible<'t>(&'t str);

fn visible(text: &str) -> Visible<'_> {
    Visible(text)
}

impl Render for Visible<'_> {
    fn render_to(&self, out: &mut String) {
        let mut plain = 0;
        for (at, sign) in self.0.char_indices() {
            if !hides(self.0, at, sign) {
                continue;
            }
            self.0.get(plain..at).unwrap_or_default().render_to(out);
            let code = format!("U+{:04X}", u32::from(sign));
            html! { span.control title=(format!("a sign that is not seen, {code}")) { (code) } }
                .render_to(out);
            plain = at + sign.len_utf8();
        }
        self.0.get(plain..).unwrap_or_default().render_to(out);
    }
}

/// Whether a reader would not see this sign of a text, or see others in another order for it.
fn hides(text: &str, at: usize, sign: char) -> bool {
    if !matches!(sign, '\u{200c}' | '\u{200d}') {
        return !matches!(sign, '\n' | '\t') && is_hidden(sign);
    }
    // Between letters of many scripts, and in emoji, they have a meaning of their own.
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let after = text.get(at..).and_then(|rest| rest.chars().nth(1));
    let foreign = |sign: Option<char>| sign.is_some_and(|sign| !sign.is_ascii() && !sign.is_whitespace());
    !(foreign(before) && foreign(after))
}

/// Whether a sign has no shape of its own, or turns the order of others.
pub(crate) fn is_hidden(sign: char) -> bool {
    matches!(sign,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}'
    ) || sign.is_control()
}

fn blocks(tree: &[Block]) -> Markup {
    html! {
        @for block in tree {
            @match block {
                Block::Paragraph(content) => p { (inlines(content)) },
                // A heading of theirs is none of our page's.
                Block::Heading { content, .. } => p { strong { (inlines(content)) } },
                Block::List { start: None, items } => ul { (listed(items)) },
                Block::List { start: Some(start), items } => ol start=(start) { (listed(items)) },
                Block::Quote(inner) => blockquote { (blocks(inner)) },
                Block::Code { text, .. } => pre tabindex="0" { code { (visible(text)) } },
                Block::Rule => hr {},
            }
        }
    }
}

fn listed(items: &[Vec<Block>]) -> Markup {
    html! { @for item in items { li { (blocks(item)) } } }
}

fn inlines(content: &[Inline]) -> Markup {
    html! {
        @for part in content {
            @match part {
                Inline::Text { text, style, link: None } => (addressed(text, *style)),
                Inline::Text { text, style, link } => (linked(link.as_deref(), text, &styled(text, *style))),
                Inline::Code { text, link } => (linked(link.as_deref(), text, &html! { code { (visible(text)) } })),
                Inline::Image { name, alt } => {
                    span.quiet { "[picture " (words(name)) @if !alt.is_empty() { ": " (words(alt)) } "]" }
                }
                Inline::Break => br {},
            }
        }
    }
}

/// Plain text, in which an address of the web is a link.
fn addressed(text: &str, style: Style) -> Markup {
    let Some(start) = ["https://", "http://"].iter().filter_map(|scheme| text.find(scheme)).min() else {
        return styled(text, style);
    };
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let end = rest.find(|sign: char| sign.is_whitespace() || "<>\"`".contains(sign)).unwrap_or(rest.len());
    let address =
        rest.get(..end).unwrap_or_default().trim_end_matches(|sign| ".,;:!?')]}*_~|".contains(sign));
    let behind = rest.get(address.len()..).unwrap_or_default();
    html! {
        @if !before.is_empty() { (styled(before, style)) }
        (linked(Some(address), address, &styled(address, style)))
        @if !behind.is_empty() && behind.len() < text.len() { (addressed(behind, style)) }
    }
}

fn styled(text: &str, style: Style) -> Markup {
    let mut out = html! { bdi { (visible(text)) } };
    if style.strike {
        out = html! { s { (out) } };
    }
    if style.italic {
        out = html! { em { (out) } };
    }
    if style.bold {
        out = html! { strong { (out) } };
    }
    out
}

/// Where a link shows other words than its address, the place it leads to stands behind it.
fn linked(link: Option<&str>, text: &str, shown: &Markup) -> Markup {
    let Some(address) = link else { return shown.clone() };
    if let Some(url) = leads_to(address) {
        let place = url.host_str().filter(|_| text != address).map(str::to_owned);
        return html! {
            (outward(link, shown))
            @if let Some(place) = place { " " span.quiet.small { "(" (place) ")" } }
        };
    }
    let reaches = |scheme: &str| address.strip_prefix(scheme).is_some();
    if reaches("mailto:") || reaches("tel:") {
        return html! { a href=(address) rel="noopener nofollow" { (shown) } };
    }
    shown.clone()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOSTILE: &[&str] = &[
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'><svg/onload=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](  JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "<javascript:alert(1)>",
        "![x](https://elsewhere.test/pixel.png)",
        "<a href=\"https://x.test\" onclick=alert(1)>x</a>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "`</code><script>alert(1)</script>`",
        "```\n</pre><script>alert(1)</script>\n```",
        "[x](https://good.test/\"onmouseover=\"alert(1))",
        "</bdi></div></main><style>*{display:none}</style>",
        "<!-- --><![CDATA[<script>]]>",
        "&lt;script&gt;",
    ];

    /// The elements and attributes that a page of ours may hold for a text of theirs.
    fn is_tame(html: &str) -> bool {
        let known = [
            "div",
            "p",
            "strong",
            "em",
            "s",
            "bdi",
            "ul",
            "ol",
            "li",
            "blockquote",
            "pre",
            "code",
            "hr",
            "br",
            "a",
            "span",
        ];
        let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
        tags.into_iter().all(|tag| {
            let tag = tag.strip_prefix('/').unwrap_or(tag);
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            let mut names = attributes.split('"').step_by(2).map(|name| name.trim().trim_end_matches('='));
            known.contains(&name)
                && names.all(|name| {
                    ["", "href", "rel", "class", "title", "dir", "start", "tabindex"].contains(&name)
                })
        })
    }

    #[test]
    fn hostile_text_stays_text() {
        for text in HOSTILE {
            let shown = prose(text).into_string();
            assert!(is_tame(&shown), "{text}: {shown}");
            let lower = shown.to_lowercase();
            for bad in ["href=\"javascript", "href=\"data", "<img", "<script"] {
                assert!(!lower.contains(bad) || text.contains("&lt;"), "{text}: {shown}");
            }
            assert!(is_tame(&words(text).into_string()), "{text}");
        }
        assert!(!is_tame("<img src=\"x\">") && !is_tame("<p onclick=\"x\">"), "the test sees nothing");
    }

    #[test]
    fn what_nobody_would_see_is_shown() {
        for (text, sign) in [
            ("invoice\u{202e}fdp.exe", "U+202E"),
            ("a\u{200b}b", "U+200B"),
            ("\u{feff}x", "U+FEFF"),
            ("tag\u{e0041}", "U+E0041"),
            ("bell\u{7}", "U+0007"),
            ("pay\u{200d}pal", "U+200D"),
        ] {
            let shown = words(text).into_string();
            assert!(shown.contains(&format!(">{sign}</span>")), "{shown}");
            assert!(!shown.chars().any(|sign| hides(&shown, 0, sign) && sign != '\u{200d}'), "{shown}");
        }
        for text in ["👩\u{200d}💻 done", "می\u{200c}خواهم", "line\nline", "ä é 你"] {
            assert_eq!(words(text).into_string(), format!("<bdi>{text}</bdi>"));
        }
    }

    #[test]
    fn a_link_says_where_it_leads() {
        for (text, expected) in [
            (
                "[your bank](https://evil.test/login)",
                "<a href=\"https://evil.test/login\" rel=\"noopener nofollow noreferrer\"><bdi>your bank</bdi></a> \
                 <span class=\"quiet small\">(evil.test)</span>",
            ),
            (
                "https://a.test/x",
                "<a href=\"https://a.test/x\" rel=\"noopener nofollow noreferrer\"><bdi>https://a.test/x</bdi></a>",
            ),
            (
                "![the log](log.png)",
                "<span class=\"quiet\">[picture <bdi>log.png</bdi>: <bdi>the log</bdi>]</span>",
            ),
        ] {
            assert_eq!(
                prose(text).into_string(),
                format!("<div class=\"prose\" dir=\"auto\"><p>{expected}</p></div>")
            );
        }
    }

    #[test]
    fn only_addresses_of_the_web_lead_out() {
        for address in ["javascript:alert(1)", " java\nscript:x", "data:,x", "file:///etc/passwd", "//x", ""]
        {
            let link = outward(Some(address), &words("x")).into_string();
            assert_eq!(link, "<bdi>x</bdi>", "{address}");
        }
        assert!(
            outward(Some("https://a.test/\"x"), &words("x"))
                .into_string()
                .contains("href=\"https://a.test/%22x\"")
        );
    }

    proptest! {
        #[test]
        fn no_text_becomes_more_than_text(text in "([<>&\"'`*_~\\[\\]()!#\\-\n]|javascript:|https://a\\.test|on[a-z]{1,6}=|[a-z ]){0,40}") {
            let shown = prose(&text).into_string();
            prop_assert!(is_tame(&shown), "{}", shown);
        }
    }
}
