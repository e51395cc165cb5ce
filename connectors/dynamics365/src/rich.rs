//! Rich text as the timeline's editor keeps it: HTML, in one block from end to end.

use throughline_markup::html;

/// Whether a note's text is HTML.
pub(crate) fn is_rich(text: &str) -> bool {
    let text = text.trim();
    let opens =
        |tag: &str| text.strip_prefix(tag).is_some_and(|rest| rest.starts_with(['>', ' ', '\n', '\t', '\r']));
    (opens("<div") || opens("<p")) && (text.ends_with("</div>") || text.ends_with("</p>"))
}

/// HTML as canonical text.
pub(crate) fn read(text: &str) -> String {
    html::read(text).text
}

/// Canonical text as HTML.
pub(crate) fn write(text: &str) -> String {
    format!("<div>{}</div>", html::write(text).text)
}
