//! Character references, as wiki dialects pass them through to the page.

/// The character that a reference stands for, and the reference's length; `text` begins behind the ampersand.
pub(crate) fn decode(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = text.get(..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            number.ok().and_then(char::from_u32)?
        }
        None => match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => '\u{a0}',
            "ndash" => '\u{2013}',
            "mdash" => '\u{2014}',
            "hellip" => '\u{2026}',
            "euro" => '\u{20ac}',
            "copy" => '\u{a9}',
            _ => return None,
        },
    };
    Some((c, end + 1))
}

/// Whether a renderer could take what follows an ampersand for a reference, known to us or not.
pub(crate) fn is_one(text: &str) -> bool {
    let name = text.strip_prefix('#').unwrap_or(text);
    let length = name.bytes().take_while(u8::is_ascii_alphanumeric).take(40).count();
    length > 0 && name.as_bytes().get(length) == Some(&b';')
}
