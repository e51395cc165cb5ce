//! Conditions in CEL over the canonical ticket: compiled when the configuration is read, evaluated without effect.
//!
//! Only a part of CEL is spoken: comparisons, `&&`, `||`, `!`, `in`, `has`, `exists`, `all` and a few functions on
//! texts. It ends on every ticket, and each mistake in it is found before any ticket comes.

mod check;
mod render;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::extractors::This;
use cel::parser::PrattParser;
use cel::parser::pratt_parser::{Lexer, TokenKind};
use cel::{Context, Env, ExecutionError, Value};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::case::{Priority, Status};

/// The longest text of a condition, in bytes.
const MAX_BYTES: usize = 2000;

/// A condition that was checked: it names only what there is, and is either true or false of every ticket that has
/// what it asks for.
#[derive(Clone)]
pub struct Expression {
    /// As it was written.
    text: String,
    /// As it was read.
    tree: IdedExpr,
    /// As it is evaluated: priorities that are compared by order are numbers.
    compiled: IdedExpr,
    named: Asked,
}

/// What a condition names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Types of tickets, in the words of the system.
    pub kinds: BTreeSet<String>,
    /// Custom fields.
    pub fields: BTreeSet<String>,
    /// Whether it asks for the priority.
    pub priority: bool,
    /// Whether it asks for the status.
    pub status: bool,
    /// Whether it asks for the title.
    pub title: bool,
    /// Whether it asks for the description.
    pub description: bool,
    /// Whether it asks for the type.
    pub kind: bool,
    /// Whether it asks for custom fields that it does not name.
    any_field: bool,
    /// Whether it turns texts into small letters.
    lower: bool,
}

/// A ticket as conditions see it: in Throughline's words. What it has no value for is not there.
#[derive(Clone, Debug, Default)]
pub struct Subject<'t> {
    /// `ticket.title`.
    pub title: &'t str,
    /// `ticket.description`.
    pub description: &'t str,
    /// `ticket.status`; `None` where the system's word has no meaning.
    pub status: Option<Status>,
    /// `ticket.priority`; `None` where there is none, or its word has no meaning.
    pub priority: Option<Priority>,
    /// `ticket.type`, in the words of its system.
    pub kind: Option<&'t str>,
    /// `ticket.fields`: custom fields that have a value.
    pub fields: BTreeMap<&'t str, &'t str>,
    /// `system`: the name of the system that the ticket is in.
    pub system: &'t str,
    /// `party`: the name of the system's party.
    pub party: &'t str,
}

/// What is wrong with the text of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where, in bytes of the text.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// The word that is wrong, if one is.
    pub word: Option<String>,
    /// The words that may stand there, if they can be listed.
    pub valid: Vec<&'static str>,
}

/// Why a condition is neither true nor false of a ticket: the ticket has no value for something it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unevaluated(String);

impl Asked {
    /// Whether it asks for nothing of a ticket.
    pub fn is_empty(&self) -> bool {
        Self { lower: false, ..self.clone() } == Self::default()
    }
}

impl Expression {
    /// Reads and checks a condition.
    ///
    /// # Errors
    ///
    /// The first mistake in it, with its place.
    pub fn compile(text: &str) -> Result<Self, Mistake> {
        if text.len() > MAX_BYTES {
            let message = format!("a condition has {MAX_BYTES} bytes at most");
            return Err(Mistake::new(0..text.len(), message));
        }
        if text.trim().is_empty() {
            let message = "an empty condition says nothing; true takes every ticket";
            return Err(Mistake::new(0..text.len(), message));
        }
        let tree = PrattParser::default().parse(text).map_err(|errors| unparsed(text, &errors))?;
        let (compiled, named) = check::check(&tree, &Places::of(text))?;
        Ok(Self { text: text.to_owned(), tree, compiled, named })
    }

    /// The condition that holds for every ticket.
    pub fn always() -> Self {
        let tree = render::truth();
        Self { text: "true".to_owned(), compiled: tree.clone(), tree, named: Asked::default() }
    }

    /// Whether it holds for a ticket.
    ///
    /// # Errors
    ///
    /// When it asks for something that the ticket has no value for, and the answer depends on that. Whoever asks
    /// takes this for "no", and says so.
    pub fn evaluate(&self, subject: &Subject<'_>) -> Result<bool, Unevaluated> {
        static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        if self.named.lower {
            let lower = |This(text): This<Arc<String>>| text.to_lowercase();
            context.add_function("lower", lower).map_err(|error| Unevaluated(error.to_string()))?;
        }
        context.add_variable_from_value("ticket", self.ticket(subject));
        context.add_variable_from_value("system", subject.system);
        context.add_variable_from_value("party", subject.party);
        match Value::resolve(&self.compiled, &context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(Unevaluated(format!("it is neither true nor false but {other:?}"))),
            Err(ExecutionError::NoSuchKey(key)) => Err(Unevaluated(missing(&key))),
            Err(error) => Err(Unevaluated(error.to_string())),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In one normal form: two texts that differ in white space, quotes or brackets only have the same.
    pub fn normal(&self) -> String {
        render::code(&self.tree)
    }

    /// In plain English.
    pub fn in_words(&self) -> String {
        render::words(&self.tree)
    }

    /// Whether it holds for every ticket by being `true`.
    pub fn is_always(&self) -> bool {
        self.tree.expr == render::truth().expr
    }

    /// What it names.
    pub fn asked(&self) -> &Asked {
        &self.named
    }

    fn ticket(&self, subject: &Subject<'_>) -> Value {
        let mut ticket: HashMap<&str, Value> = HashMap::new();
        ticket.insert("title", subject.title.into());
        if self.named.description {
            ticket.insert("description", subject.description.into());
        }
        if let Some(status) = subject.status {
            ticket.insert("status", status.word().into());
        }
        if let Some(priority) = subject.priority {
            ticket.insert("priority", priority.word().into());
            ticket.insert(check::RANK, Value::Int(check::rank(priority)));
        }
        if let Some(kind) = subject.kind {
            ticket.insert("type", kind.into());
        }
        // What is not asked for is not copied: descriptions and logs are long.
        let asked = |name: &str| self.named.any_field || self.named.fields.contains(name);
        let fields = subject.fields.iter().filter(|(name, _)| asked(name));
        let fields: HashMap<&str, Value> = fields.map(|(name, value)| (*name, Value::from(*value))).collect();
        ticket.insert("fields", fields.into());
        ticket.into()
    }
}

/// Two conditions are the same if they say the same, however they are written.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.normal() == other.normal()
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.text)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// In its normal form, so that a fingerprint of it does not depend on how it is written.
impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.normal())
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::compile(&text).map_err(|mistake| D::Error::custom(format!("{text:?}: {mistake}")))
    }
}

impl fmt::Display for Unevaluated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unevaluated {}

impl Mistake {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), word: None, valid: Vec::new() }
    }

    pub(super) fn words(mut self, word: &str, valid: &[&'static str]) -> Self {
        self.word = Some(word.to_owned());
        self.valid = valid.to_vec();
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Where the words of a condition stand in its text. The parser keeps no places of what it could read.
#[derive(Debug)]
struct Places<'t> {
    text: &'t str,
    tokens: Vec<Range<usize>>,
    /// Those of them that are texts in quotes.
    literals: Vec<Range<usize>>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str) -> Self {
        let mut places = Self { text, tokens: Vec::new(), literals: Vec::new() };
        let mut lexer = Lexer::new(text);
        // Every token takes at least one byte, and behind the last one there are empty ones only.
        for _ in 0..text.len() {
            let token = lexer.lex();
            places.tokens.push(token.start..token.end);
            if token.kind == TokenKind::TokString {
                places.literals.push(token.start..token.end);
            }
        }
        places
    }

    /// Where a name stands first; the whole text if it cannot be found.
    fn name(&self, name: &str) -> Range<usize> {
        self.find(&self.tokens, |text| text == name)
    }

    /// Where a text in quotes stands first.
    fn literal(&self, value: &str) -> Range<usize> {
        self.find(&self.literals, |text| text.trim_matches(['"', '\'']) == value)
    }

    fn all(&self) -> Range<usize> {
        0..self.text.len()
    }

    fn find(&self, among: &[Range<usize>], is: impl Fn(&str) -> bool) -> Range<usize> {
        let found = among.iter().find(|at| self.text.get((*at).clone()).is_some_and(&is));
        found.cloned().unwrap_or_else(|| self.all())
    }
}

/// The parser's first complaint.
fn unparsed(text: &str, errors: &cel::ParseErrors) -> Mistake {
    let Some(first) = errors.errors.first() else {
        return Mistake::new(0..text.len(), "this is no condition");
    };
    let place = first.source_info.as_ref().and_then(|info| info.offset_for(first.expr_id));
    let at = place.and_then(|(start, end)| {
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        Some(start.min(text.len())..end.clamp(start, text.len().max(start)))
    });
    let said = first.msg.trim_start_matches("Syntax error: ");
    let said = match said.split_once("expecting ") {
        Some((found, wanted)) if found.contains("<EOF>") => format!("it ends where {wanted} is missing"),
        Some(_) | None => said.to_owned(),
    };
    Mistake::new(at.unwrap_or(0..text.len()), format!("this is no condition: {said}"))
}

/// What a ticket has no value for, in words.
fn missing(key: &str) -> String {
    match key {
        check::RANK => "the ticket has no priority that has a meaning".to_owned(),
        "status" | "priority" => format!("the ticket has no {key} that has a meaning"),
        "type" => "the ticket has no type".to_owned(),
        field => format!("the ticket has no value in the field {field:?}"),
    }
}

#[cfg(test)]
mod tests;
