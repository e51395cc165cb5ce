//! What a reply adds, without what it quotes. When in doubt the text is kept: too much is read, never too little.

/// Stands on top of what we send; in a reply, it and what follows is ours.
pub(crate) const REPLY_LINE: &str = "-- Please write your reply above this line --";

/// Lines by which mail programs begin what they quote.
const ORIGINALS: &[&str] = &[
    "-----original message-----",
    "-----ursprüngliche nachricht-----",
    "-----message d'origine-----",
    "-----mensaje original-----",
    "-----messaggio originale-----",
];
/// The first and the second header line that Outlook writes above what it quotes.
const HEADERS: &[(&str, &[&str])] = &[
    ("from:", &["sent:", "date:", "to:"]),
    ("von:", &["gesendet:", "datum:", "an:"]),
    ("de:", &["envoyé:", "enviado:", "envoyé\u{a0}:", "date:"]),
    ("da:", &["inviato:", "data:"]),
];
/// How "On …, somebody wrote:" begins and ends.
const WROTE: &[(&str, &str)] = &[
    ("on ", "wrote:"),
    ("am ", "schrieb:"),
    ("le ", "a écrit :"),
    ("le ", "a écrit:"),
    ("el ", "escribió:"),
    ("il ", "ha scritto:"),
];

/// The text of a reply without what it quotes at its end. All of it where nothing else would be left.
pub(crate) fn cut(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let end = (0..lines.len()).find(|at| begins_quote(lines.get(*at..).unwrap_or_default()));
    let kept = lines.get(..end.unwrap_or(lines.len())).unwrap_or_default();
    let kept = without_quoted_end(kept);
    let joined = kept.join("\n").trim().to_owned();
    match joined.is_empty() {
        true => text.trim().to_owned(),
        false => joined,
    }
}

fn begins_quote(rest: &[&str]) -> bool {
    let Some(first) = rest.first() else { return false };
    let line = first.trim_start_matches(['>', ' ', '\t', '|']).trim();
    if line.contains(REPLY_LINE) {
        return true;
    }
    let lower = line.to_lowercase();
    if ORIGINALS.contains(&lower.replace("----- ", "-----").replace(" -----", "-----").as_str()) {
        return true;
    }
    is_header(&lower, rest) || is_wrote(&lower, rest)
}

/// Two header lines, one right below the other: one alone may be somebody's own words.
fn is_header(lower: &str, rest: &[&str]) -> bool {
    let plain = |line: &str| line.trim().trim_start_matches('*').replace('*', "").to_lowercase();
    let next = rest.get(1).map(|line| plain(line)).unwrap_or_default();
    let first = plain(lower);
    HEADERS.iter().any(|(begin, follow)| {
        first.starts_with(begin) && follow.iter().any(|follow| next.starts_with(follow))
    })
}

/// "On … wrote:" on one line or two, only where what follows is quoted or nothing.
fn is_wrote(lower: &str, rest: &[&str]) -> bool {
    let second = rest.get(1).map(|line| line.trim().to_lowercase()).unwrap_or_default();
    for (begin, end) in WROTE {
        if !lower.starts_with(begin) {
            continue;
        }
        let below = match (lower.ends_with(end), second.ends_with(end)) {
            (true, _) => 1,
            (false, true) => 2,
            (false, false) => continue,
        };
        let said = rest.get(below..).unwrap_or_default().iter().map(|line| line.trim());
        let mut said = said.filter(|line| !line.is_empty());
        if said.all(|line| line.starts_with('>')) {
            return true;
        }
        let said = rest.get(below..).unwrap_or_default();
        if said.iter().any(|line| line.contains(REPLY_LINE)) {
            return true;
        }
    }
    false
}

/// Lines that are quoted at the end, with the line that announces them.
fn without_quoted_end<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    let is_idle = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('>');
    let mut end = lines.len();
    while end > 0 && lines.get(end - 1).is_some_and(|line| is_idle(line)) {
        end -= 1;
    }
    let tail = lines.get(end..).unwrap_or_default();
    let quoted = tail.iter().any(|line| line.trim_start().starts_with('>'));
    // An announcement that is not known by its words still ends with a colon and stands right above.
    if quoted && end > 1 && tail.first().is_some_and(|line| line.trim_start().starts_with('>')) {
        let last = lines.get(end - 1).map(|line| line.trim()).unwrap_or_default();
        if last.ends_with(':') && last.contains('@') {
            end -= 1;
        }
    }
    lines.get(..end).unwrap_or(lines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_quoted_goes_and_what_is_said_stays() {
        for (text, kept) in [
            ("Done.\n\nOn Mon, 1 Jan 2026 at 10:00, Us <us@example.org> wrote:\n> please\n> do\n", "Done."),
            (
                "Done.\n\nOn Mon, 1 Jan 2026 at 10:00, A Very Long Name\n<us@example.org> wrote:\n> please",
                "Done.",
            ),
            (
                "Erledigt.\n\nAm 01.01.2026 um 10:00 schrieb Wir:\n> bitte",
                "Erledigt.\n\nAm 01.01.2026 um 10:00 schrieb Wir:",
            ),
            ("Erledigt.\n\nAm 01.01.2026 schrieb wir@example.org:\n> bitte", "Erledigt."),
            ("Hi\n\n-----Original Message-----\nFrom: us\nold", "Hi"),
            ("Hallo\n\nVon: Wir <us@example.org>\nGesendet: Montag\nAn: sie\n\nalt", "Hallo"),
            ("Hi\n\n*From:* Us\n*Sent:* Monday\n\nold", "Hi"),
            ("Hi\n\n> -- Please write your reply above this line --\n> old", "Hi"),
            (
                "Hi\n\nSomeone at 10:\n-- Please write your reply above this line --\nold",
                "Hi\n\nSomeone at 10:",
            ),
            // Words of their own.
            ("From: me\nthe answer is 42", "From: me\nthe answer is 42"),
            ("> Is it on?\nYes.\n> And now?\nNo.", "> Is it on?\nYes.\n> And now?\nNo."),
            ("On Monday he wrote:\nfix it", "On Monday he wrote:\nfix it"),
            ("> only a quote", "> only a quote"),
        ] {
            assert_eq!(cut(text), kept, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_text_is_a_beginning_and_never_empty(text in "(\\PC|\n|> |On |wrote:|From: |Sent: ){0,60}") {
            let kept = cut(&text);
            let lines = text.lines().collect::<Vec<_>>().join("\n");
            prop_assert!(lines.trim().starts_with(&kept));
            prop_assert_eq!(kept.is_empty(), text.trim().is_empty());
        }
    }
}
