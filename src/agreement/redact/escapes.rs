//! Characters that a text spells otherwise: as JSON, HTML or a web address would.

use std::iter;

/// The longest name or number between `&` and `;`.
const MAX_ENTITY_BYTES: usize = 10;
/// Characters with names of their own in HTML, of those that stand in names and numbers.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("apos", '\''),
    ("quot", '"'),
    ("lt", '<'),
    ("gt", '>'),
    ("nbsp", ' '),
    ("commat", '@'),
    ("period", '.'),
    ("hyphen", '-'),
    ("lowbar", '_'),
    ("plus", '+'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("aacute", 'á'),
    ("agrave", 'à'),
    ("acirc", 'â'),
    ("aring", 'å'),
    ("Aring", 'Å'),
    ("aelig", 'æ'),
    ("oslash", 'ø'),
    ("Oslash", 'Ø'),
    ("iacute", 'í'),
    ("oacute", 'ó'),
    ("uacute", 'ú'),
    ("ntilde", 'ñ'),
    ("ccedil", 'ç'),
    ("Eacute", 'É'),
];

/// Whether a text may spell a character otherwise.
pub(super) fn are_in(text: &str) -> bool {
    text.contains(['\\', '&', '%'])
}

/// The characters of a text, each with where its spelling begins and ends.
pub(super) fn decoded(text: &str) -> impl Iterator<Item = (usize, usize, char)> {
    let mut at = 0;
    iter::from_fn(move || {
        let rest = text.get(at..)?;
        let first = rest.chars().next()?;
        let spelled = match first {
            '\\' => json(rest),
            '&' => entity(rest),
            '%' => percent(rest),
            _ => None,
        };
        let (char, length) = spelled.unwrap_or((first, first.len_utf8()));
        let begins = at;
        at += length;
        Some((begins, at, char))
    })
}

fn json(rest: &str) -> Option<(char, usize)> {
    match rest.as_bytes().get(1)? {
        b'n' | b'r' => Some(('\n', 2)),
        b't' => Some(('\t', 2)),
        b'u' => {
            let unit = |from: usize| u16::from_str_radix(rest.get(from..from + 4)?, 16).ok();
            let first = unit(2)?;
            let pair = rest.get(6..8).filter(|next| *next == "\\u").and_then(|_| unit(8));
            let units = [first, pair.unwrap_or_default()];
            let char = char::decode_utf16(units).next()?.ok()?;
            Some((char, if char.len_utf16() == 2 { 12 } else { 6 }))
        }
        _ => None,
    }
}

fn entity(rest: &str) -> Option<(char, usize)> {
    let end = rest.bytes().take(MAX_ENTITY_BYTES).position(|byte| byte == b';')?;
    let name = rest.get(1..end)?;
    let char = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
        None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, char)| *char)?,
    };
    Some((char, end + 1))
}

fn percent(rest: &str) -> Option<(char, usize)> {
    let byte = |place: usize| {
        let digits = rest.get(place * 3..place * 3 + 3)?.strip_prefix('%')?;
        u8::from_str_radix(digits, 16).ok()
    };
    let first = byte(0)?;
    let count = match first {
        0..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let bytes: Option<Vec<u8>> = (0..count).map(byte).collect();
    let char = std::str::from_utf8(&bytes?).ok()?.chars().next()?;
    Some((char, count * 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_read_however_they_are_spelled() {
        for (text, expected) in [
            (r"a\u00fcb\ud83d\ude00\nc\td\re", "aüb😀\nc\td\ne"),
            ("M&uuml;ller &#64;&#x40; &amp;&unknown; &", "Müller @@ &&unknown; &"),
            ("a%40b%C3%BC 100% %zz %e2%82", "a@bü 100% %zz %e2%82"),
            ("%e2%82%ac%20%f0%9f%98%80", "€ 😀"),
            (r"\u12 \ud800 \x", r"\u12 \ud800 \x"),
            // Half a pair, whatever stands behind it.
            (r"\ud83d--de00", r"\ud83d--de00"),
        ] {
            assert_eq!(decoded(text).map(|(_, _, char)| char).collect::<String>(), expected);
        }
    }

    #[test]
    fn no_byte_is_lost() {
        let text = r"ü%C3%BC\u00fc&uuml;x";
        let mut at = 0;
        for (begins, ends, _) in decoded(text) {
            assert_eq!(begins, at);
            at = ends;
        }
        assert_eq!(at, text.len());
    }
}
