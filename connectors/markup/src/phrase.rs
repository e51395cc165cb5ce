//! The phrases of a line in wiki dialects: `*bold*`, where a sign without its partner is a sign.

use crate::builder::Builder;
use crate::loss::Loss;
use crate::markdown::image;

/// What a phrase does to the text in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Bold,
    Italic,
    Strike,
    /// Something canonical text cannot show.
    Face,
    /// Nothing.
    Plain,
}

#[derive(Debug)]
enum Token {
    Text(String),
    Sign { sign: &'static str, effect: Effect, turns: Option<bool> },
    Code(String),
    Image { source: String, alt: String },
    Link(String),
    EndLink,
    Break,
}

/// A line being read.
#[derive(Debug, Default)]
pub(crate) struct Phrases {
    tokens: Vec<Token>,
    /// The signs that wait for their partner, with their places among the tokens.
    open: Vec<(&'static str, usize)>,
    /// Those that stand outside the link in hand, and do not end in it.
    floor: usize,
}

impl Phrases {
    pub(crate) fn text(&mut self, text: &str) {
        match self.tokens.last_mut() {
            Some(Token::Text(before)) => before.push_str(text),
            _ => self.tokens.push(Token::Text(text.to_owned())),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(crate) fn character(&mut self, c: char) {
        self.text(c.encode_utf8(&mut [0; 4]));
    }

    pub(crate) fn is_open(&self, sign: &str) -> bool {
        self.open.iter().skip(self.floor).any(|(open, _)| *open == sign)
    }

    /// A sign that may begin a phrase; it stays a sign until [`end`](Self::end).
    pub(crate) fn begin(&mut self, sign: &'static str, effect: Effect) {
        self.open.push((sign, self.tokens.len()));
        self.tokens.push(Token::Sign { sign, effect, turns: None });
    }

    /// Ends the phrase that the sign began; whatever began inside it and did not end stays a sign.
    pub(crate) fn end(&mut self, sign: &'static str, effect: Effect) {
        let Some(at) = self.open.iter().rposition(|(open, _)| *open == sign) else { return };
        if let Some(Token::Sign { turns, .. }) =
            self.open.get(at).and_then(|(_, token)| self.tokens.get_mut(*token))
        {
            *turns = Some(true);
        }
        self.open.truncate(at);
        self.tokens.push(Token::Sign { sign, effect, turns: Some(false) });
    }

    pub(crate) fn code(&mut self, text: String) {
        self.tokens.push(Token::Code(text));
    }

    pub(crate) fn image(&mut self, source: &str, alt: &str) {
        self.tokens.push(Token::Image { source: source.to_owned(), alt: alt.to_owned() });
    }

    pub(crate) fn line_break(&mut self) {
        self.tokens.push(Token::Break);
    }

    pub(crate) fn link(&mut self, address: &str) {
        self.floor = self.open.len();
        self.tokens.push(Token::Link(address.to_owned()));
    }

    pub(crate) fn end_link(&mut self) {
        self.open.truncate(self.floor);
        self.floor = 0;
        self.tokens.push(Token::EndLink);
    }

    /// Gives everything to the builder.
    pub(crate) fn finish(self, builder: &mut Builder) {
        for token in self.tokens {
            match token {
                Token::Text(text) => builder.text(&text),
                Token::Sign { sign, turns: None, .. } => builder.text(sign),
                Token::Sign { effect, turns: Some(on), .. } => match effect {
                    Effect::Bold => builder.bold(on),
                    Effect::Italic => builder.italic(on),
                    Effect::Strike => builder.strike(on),
                    Effect::Face => builder.losses.add(Loss::Face),
                    Effect::Plain => {}
                },
                Token::Code(text) => builder.code(&text),
                Token::Image { source, alt } => image(&source, &alt, None, builder),
                Token::Link(address) => builder.link(&address),
                Token::EndLink => builder.end_link(),
                Token::Break => builder.line_break(),
            }
        }
    }
}
