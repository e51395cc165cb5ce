//! A line's parts as spans that open and close, for dialects that nest what surrounds text.

use crate::normal::Mark;
use crate::tree::Inline;

/// What comes next in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Open(Mark),
    Close(Mark),
    OpenLink(&'a str),
    CloseLink(&'a str),
    Text(&'a str),
    Code(&'a str),
    Image { name: &'a str, alt: &'a str },
}

/// The pieces of one line in normal form: properly nested, links outermost, then bold, italic, struck through.
pub(crate) fn pieces(line: &[Inline]) -> Vec<Piece<'_>> {
    pieces_in(line, Mark::OUTSIDE_IN)
}

/// The pieces of one line in normal form, nested in another order.
pub(crate) fn pieces_in(line: &[Inline], order: [Mark; 4]) -> Vec<Piece<'_>> {
    let mut out = Vec::with_capacity(line.len());
    let mut open: Vec<(Mark, Option<&str>)> = Vec::new();
    for part in line {
        let wanted: Vec<(Mark, Option<&str>)> = order
            .into_iter()
            .filter(|mark| part.has(*mark))
            .map(|mark| (mark, part.link().filter(|_| mark == Mark::Link)))
            .collect();
        let kept = open.iter().zip(&wanted).take_while(|(open, wanted)| open == wanted).count();
        close(&mut open, kept, &mut out);
        for (mark, link) in wanted.into_iter().skip(kept) {
            out.push(link.map_or(Piece::Open(mark), Piece::OpenLink));
            open.push((mark, link));
        }
        match part {
            Inline::Text { text, .. } => out.push(Piece::Text(text)),
            Inline::Code { text, .. } => out.push(Piece::Code(text)),
            Inline::Image { name, alt } => out.push(Piece::Image { name, alt }),
            Inline::Break => {}
        }
    }
    close(&mut open, 0, &mut out);
    out
}

fn close<'a>(open: &mut Vec<(Mark, Option<&'a str>)>, kept: usize, out: &mut Vec<Piece<'a>>) {
    while open.len() > kept {
        if let Some((mark, link)) = open.pop() {
            out.push(link.map_or(Piece::Close(mark), Piece::CloseLink));
        }
    }
}

/// The lines of a paragraph.
pub(crate) fn lines(content: &[Inline]) -> impl Iterator<Item = &[Inline]> {
    content.split(|part| matches!(part, Inline::Break))
}
