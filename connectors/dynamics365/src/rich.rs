//! Rich text as the timeline's editor keeps it: HTML.

use throughline_sdk::ticket::canonical_text;

/// Whether a note's text is HTML: what the editor and we write is one block from end to end.
pub(crate) fn is_rich(text: &str) -> bool {
    let text = text.trim();
    let opens =
        |tag: &str| text.strip_prefix(tag).is_some_and(|rest| rest.starts_with(['>', ' ', '\n', '\t', '\r']));
    (opens("<div") || opens("<p")) && (text.ends_with("</div>") || text.ends_with("</p>"))
}

/// HTML as canonical text.
pub(crate) fn read(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((text, after)) = rest.split_once('<') {
        out.push_str(&unescape(text));
        let Some((tag, after)) = after.split_once('>') else { return canonical_text(&out) };
        let name: String = tag.chars().take_while(|c| !c.is_whitespace()).collect();
        if matches!(name.as_str(), "br" | "br/" | "/p") {
            out.push('\n');
        }
        rest = after;
    }
    out.push_str(&unescape(rest));
    canonical_text(&out)
}

/// Canonical text as HTML.
pub(crate) fn write(text: &str) -> String {
    let escaped = canonical_text(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<div>{}</div>", escaped.replace('\n', "<br>"))
}

fn unescape(text: &str) -> String {
    let text = text.replace("&nbsp;", "\u{a0}").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}
