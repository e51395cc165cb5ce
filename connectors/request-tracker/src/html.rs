//! Plain text out of the HTML that RT's editor and people's mail programs write, so that no markup reaches a case.

/// The text of an HTML message: paragraphs and lists kept as lines, addresses of links kept, everything else dropped.
pub(crate) fn to_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    let mut link: Option<String> = None;
    while let Some((before, from_tag)) = rest.split_once('<') {
        push_text(&mut out, before);
        if let Some(comment) = from_tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = from_tag.split_once('>') else {
            rest = "";
            break;
        };
        rest = after;
        let name = tag_name(tag);
        match name.as_str() {
            "script" | "style" | "head" | "title" => rest = skip_element(rest, &name),
            "br" | "/p" | "/div" | "/tr" | "/h1" | "/h2" | "/h3" | "/h4" | "/ul" | "/ol" | "/blockquote"
            | "/pre" | "hr" => end_line(&mut out, name == "br" || name == "hr" || name == "/p"),
            "p" | "div" | "ul" | "ol" | "blockquote" | "tr" => end_line(&mut out, false),
            "li" => {
                end_line(&mut out, false);
                out.push_str("- ");
            }
            "td" | "th" if !out.is_empty() && !out.ends_with(['\n', ' ']) => out.push(' '),
            "a" => link = address(tag),
            "/a" => {
                if let Some(url) = link.take().filter(|url| !out.ends_with(url.as_str())) {
                    out.push_str(&format!(" ({url})"));
                }
            }
            // Any other element only styles its text.
            _ => {}
        }
    }
    push_text(&mut out, rest);
    throughline_sdk::ticket::canonical_text(out.trim_start_matches('\n'))
}

fn tag_name(tag: &str) -> String {
    let end = tag.find(|c: char| c.is_whitespace()).unwrap_or(tag.len());
    tag.get(..end).unwrap_or_default().trim_end_matches('/').to_ascii_lowercase()
}

fn skip_element<'a>(rest: &'a str, name: &str) -> &'a str {
    let end = rest.match_indices("</").find(|(at, _)| {
        rest.get(at + 2..at + 2 + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
    });
    let from_end = end.and_then(|(at, _)| rest.get(at..)).unwrap_or_default();
    from_end.split_once('>').map_or("", |(_, after)| after)
}

/// Runs of white space are one space in HTML, and none at the start of a line.
fn push_text(out: &mut String, text: &str) {
    for c in unescape(text).chars() {
        let space = c.is_ascii_whitespace();
        if !space {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
    }
}

fn end_line(out: &mut String, even_if_empty: bool) {
    if !out.is_empty() && (even_if_empty || !out.ends_with('\n')) {
        out.push('\n');
    }
}

fn address(tag: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let value = tag.get(lower.find("href=")? + 5..)?;
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.split(quote).next());
    let url = unescape(quoted.or_else(|| value.split_whitespace().next())?);
    (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('&') {
        out.push_str(before);
        let entity = from.split_once(';').filter(|(name, _)| name.len() <= 10);
        if let Some((c, after)) = entity.and_then(|(name, after)| Some((character(name)?, after))) {
            out.push(c);
            rest = after;
        } else {
            out.push('&');
            rest = from;
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    let number = name.strip_prefix('#').map(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    });
    match (name, number) {
        (_, Some(number)) => number.ok().and_then(char::from_u32),
        ("amp", None) => Some('&'),
        ("lt", None) => Some('<'),
        ("gt", None) => Some('>'),
        ("quot", None) => Some('"'),
        ("apos", None) => Some('\''),
        ("nbsp", None) => Some(' '),
        ("auml", None) => Some('ä'),
        ("ouml", None) => Some('ö'),
        ("uuml", None) => Some('ü'),
        ("Auml", None) => Some('Ä'),
        ("Ouml", None) => Some('Ö'),
        ("Uuml", None) => Some('Ü'),
        ("szlig", None) => Some('ß'),
        ("eacute", None) => Some('é'),
        ("euro", None) => Some('€'),
        ("hellip", None) => Some('…'),
        ("ndash", None) => Some('–'),
        ("mdash", None) => Some('—'),
        (_, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_editor_s_html_reads_as_lines() {
        let html = "<p>Hello &amp; <b>welcome</b>,</p>\n<p>see:</p><ul><li>one</li><li>two &lt;2&gt;</li></ul>a<br />b";
        assert_eq!(to_text(html), "Hello & welcome,\nsee:\n- one\n- two <2>\na\nb");
    }

    #[test]
    fn nothing_active_comes_through() {
        let html = "<style>p{}</style><script>alert(1)</script>x<!-- <b> --><a href=\"https://a.test/?b=1&amp;c\">y</a>\
                    <a href='javascript:alert(1)'>z</a>";
        assert_eq!(to_text(html), "xy (https://a.test/?b=1&c)z");
    }

    proptest! {
        #[test]
        fn any_text_is_read(html in "[<>&;a-z#/!\\- \"=ä]{0,80}") {
            to_text(&html);
        }
    }
}
