//! The little HTML that Zendesk's comments are written and read in, until a shared reader takes over.

/// Canonical text as HTML: every character stands for itself.
pub(crate) fn write(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            html.push_str("<br>");
        }
        let mut blank = true;
        for letter in line.chars() {
            match letter {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                // A browser takes several for one, and those at the ends of a line for none.
                ' ' if blank => html.push_str("&nbsp;"),
                other => html.push(other),
            }
            blank = letter == ' ';
        }
    }
    html
}

/// The text of HTML.
pub(crate) fn read(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, from)) = rest.split_once('<') {
        push(&mut text, before);
        let Some((tag, after)) = from.split_once('>') else {
            text.push('<');
            rest = from;
            continue;
        };
        let name: String =
            tag.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '/').collect();
        match name.to_lowercase().as_str() {
            "br" | "br/" | "/li" | "/tr" => text.push('\n'),
            "/p" | "/div" | "/ul" | "/ol" | "/table" | "/h1" | "/h2" | "/h3" | "/blockquote" => {
                text.truncate(text.trim_end().len());
                text.push_str("\n\n");
            }
            _ => {}
        }
        rest = after;
    }
    push(&mut text, rest);
    text
}

fn push(text: &mut String, html: &str) {
    let line = html.replace(['\r', '\n'], " ");
    let entities =
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let line = entities.iter().fold(line, |line, (entity, letter)| line.replace(entity, letter));
    text.push_str(&line.replace('\u{a0}', " "));
}
