//! Keeps the parser from nesting deeper than anything readable: each line costs it as much as blocks are open.

use std::borrow::Cow;

use crate::normal::JOINER;

/// Markers of lists and quotes in one line. The printer writes at most as many as containers are kept.
const MARKERS: usize = 32;

/// Columns a line may be indented, and so continue lists. The printer needs eleven for a container.
const INDENT: usize = 200;

/// The text with a joiner, which reading drops, where a line would open one container too many.
pub(super) fn shallow(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        if let Some(at) = excess(line) {
            out.push_str(text.get(copied..start + at).unwrap_or_default());
            out.push(JOINER);
            copied = start + at;
        }
        start += line.len();
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Where a line goes too deep.
fn excess(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(b'\n');
    let is_space = |byte: u8| byte == b' ' || byte == b'\t';
    let (mut index, mut markers, mut columns) = (0, 0, 0);
    loop {
        let here = at(index);
        if is_space(here) {
            columns += if here == b'\t' { 4 } else { 1 };
            if columns > INDENT {
                return Some(index);
            }
            index += 1;
            continue;
        }
        let digits = bytes.iter().skip(index).take_while(|byte| byte.is_ascii_digit()).take(10).count();
        let length = match here {
            b'>' => 1,
            b'-' | b'+' | b'*' if is_space(at(index + 1)) => {
                if is_rule(line.get(index..).unwrap_or_default()) {
                    return None;
                }
                1
            }
            _ if (1..=9).contains(&digits)
                && matches!(at(index + digits), b'.' | b')')
                && is_space(at(index + digits + 1)) =>
            {
                digits + 1
            }
            _ => return None,
        };
        markers += 1;
        if markers > MARKERS {
            return Some(index);
        }
        index += length;
    }
}

fn is_rule(line: &str) -> bool {
    let mut signs = line.chars().filter(|c| !c.is_ascii_whitespace());
    signs.next().is_some_and(|first| signs.all(|sign| sign == first))
}
