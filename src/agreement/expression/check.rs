//! Finds every mistake in a condition before a ticket comes: unknown names, words that mean nothing, texts beside numbers.

use cel::common::ast::operators as op;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr};

use super::{Asked, Mistake, Places};
use crate::case::{Priority, Status};

/// The priority as a number, under a name that nobody can write.
pub(super) const RANK: &str = "priority rank";

/// How deep brackets and operators may stand in each other, also after macros. Without optimization, evaluating takes up
/// to 36 KiB of stack for each, and a thread has 2 MiB.
const MAX_DEPTH: usize = 32;
/// How many `exists` and `all` may stand in each other.
const MAX_LOOPS: usize = 2;

const VARIABLES: [&str; 3] = ["ticket", "system", "party"];
const MEMBERS: [&str; 6] = ["title", "description", "status", "priority", "type", "fields"];
const FUNCTIONS: [&str; 8] = ["contains", "startsWith", "endsWith", "lower", "size", "has", "exists", "all"];

/// A priority's place in the order.
pub(super) fn rank(priority: Priority) -> i64 {
    let place = Priority::ALL.iter().position(|other| *other == priority);
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or_default()
}

/// What a part of a condition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Truth,
    Text,
    Number,
    Texts,
    Fields,
    Ticket,
    Status,
    Priority,
    Kind,
}

/// What a loop goes through, and `in` looks into.
enum Many {
    Texts,
    Fields,
}

/// Checks a condition and makes what is evaluated of it.
pub(super) fn check(tree: &IdedExpr, places: &Places<'_>) -> Result<(IdedExpr, Asked), Mistake> {
    let mut checker = Checker { places, named: Asked::default(), scope: Vec::new(), depth: 0 };
    let mut compiled = tree.clone();
    let sort = checker.sort(&mut compiled)?;
    if sort != Sort::Truth {
        let message = format!("a condition is true or false, and this is {}", sort.noun());
        return Err(Mistake::new(places.all(), message));
    }
    Ok((compiled, checker.named))
}

#[derive(Debug)]
struct Checker<'p> {
    places: &'p Places<'p>,
    named: Asked,
    /// The variables of the loops around, and what they are.
    scope: Vec<(String, Sort)>,
    depth: usize,
}

impl Checker<'_> {
    fn sort(&mut self, part: &mut IdedExpr) -> Result<Sort, Mistake> {
        if self.depth >= MAX_DEPTH {
            return Err(self.mistake("too much stands in brackets here; take it apart"));
        }
        self.depth += 1;
        let sort = match &mut part.expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.list(&mut list.elements),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(self.mistake("braces have no place in a condition"))
            }
        };
        self.depth -= 1;
        sort
    }

    fn literal(&self, literal: &LiteralValue) -> Result<Sort, Mistake> {
        match literal {
            LiteralValue::Boolean(_) => Ok(Sort::Truth),
            LiteralValue::String(_) => Ok(Sort::Text),
            LiteralValue::Int(_) => Ok(Sort::Number),
            LiteralValue::Bytes(_) | LiteralValue::Double(_) | LiteralValue::Null | LiteralValue::UInt(_) => {
                Err(self.mistake("a condition knows texts, whole numbers, true and false only"))
            }
        }
    }

    fn variable(&self, name: &str) -> Result<Sort, Mistake> {
        if let Some((_, sort)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return Ok(*sort);
        }
        match name {
            "ticket" => Ok(Sort::Ticket),
            "system" | "party" => Ok(Sort::Text),
            _ => {
                let at = self.places.name(name);
                let message = if MEMBERS.contains(&name) {
                    format!("{name:?} is a part of the ticket: ticket.{name}")
                } else {
                    format!("there is no {name:?} here")
                };
                Err(Mistake::new(at, message).words(name, &VARIABLES))
            }
        }
    }

    fn select(&mut self, select: &mut SelectExpr) -> Result<Sort, Mistake> {
        let operand = self.sort(&mut select.operand)?;
        let field = select.field.as_str();
        let sort = match operand {
            Sort::Fields => {
                self.named.fields.insert(field.to_owned());
                Sort::Text
            }
            Sort::Ticket => match field {
                "title" => {
                    self.named.title = true;
                    Sort::Text
                }
                "description" => {
                    self.named.description = true;
                    Sort::Text
                }
                "status" => {
                    self.named.status = true;
                    Sort::Status
                }
                "priority" => {
                    self.named.priority = true;
                    Sort::Priority
                }
                "type" => {
                    self.named.kind = true;
                    Sort::Kind
                }
                "fields" => Sort::Fields,
                other => {
                    let message =
                        format!("a ticket has no {other:?}; a custom field is ticket.fields[{other:?}]");
                    return Err(Mistake::new(self.places.name(other), message).words(other, &MEMBERS));
                }
            },
            other @ (Sort::Truth
            | Sort::Text
            | Sort::Number
            | Sort::Texts
            | Sort::Status
            | Sort::Priority
            | Sort::Kind) => {
                let message = format!("{} has no parts, so no {field:?}", other.noun());
                return Err(Mistake::new(self.places.name(field), message));
            }
        };
        Ok(if select.test { Sort::Truth } else { sort })
    }

    fn list(&mut self, elements: &mut [IdedExpr]) -> Result<Sort, Mistake> {
        for element in elements {
            let sort = self.sort(element)?;
            if sort != Sort::Text {
                return Err(self.mistake(&format!("a list holds texts, and this is {}", sort.noun())));
            }
        }
        Ok(Sort::Texts)
    }

    fn call(&mut self, call: &mut CallExpr) -> Result<Sort, Mistake> {
        let name = call.func_name.clone();
        match (name.as_str(), call.target.as_deref_mut(), call.args.as_mut_slice()) {
            (op::LOGICAL_AND | op::LOGICAL_OR, None, parts) => {
                for part in parts {
                    self.expect(part, Sort::Truth)?;
                }
                Ok(Sort::Truth)
            }
            (op::LOGICAL_NOT | op::NOT_STRICTLY_FALSE, None, [part]) => {
                self.expect(part, Sort::Truth)?;
                Ok(Sort::Truth)
            }
            (op::CONDITIONAL, None, [condition, one, other]) => {
                for part in [condition, one, other] {
                    self.expect(part, Sort::Truth)?;
                }
                Ok(Sort::Truth)
            }
            (op::EQUALS | op::NOT_EQUALS, None, [left, right]) => {
                let sorts = (self.sort(left)?, self.sort(right)?);
                self.comparable(sorts, left, right)?;
                Ok(Sort::Truth)
            }
            (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, None, [left, right]) => {
                let sorts = (self.sort(left)?, self.sort(right)?);
                self.ordered(sorts, left, right)?;
                Ok(Sort::Truth)
            }
            (op::IN, None, [one, many]) => {
                let one_sort = self.sort(one)?;
                match self.many(many, "behind `in` stands")? {
                    Many::Fields => {
                        self.field(one);
                        self.like_text(one_sort)?;
                    }
                    Many::Texts => {
                        self.like_text(one_sort)?;
                        if let Expr::List(list) = &many.expr {
                            for element in &list.elements {
                                self.word(one_sort, element)?;
                            }
                        }
                    }
                }
                Ok(Sort::Truth)
            }
            (op::INDEX, None, [operand, index]) => {
                let sort = self.sort(operand)?;
                if sort != Sort::Fields {
                    let message =
                        format!("only ticket.fields is asked with brackets, and this is {}", sort.noun());
                    return Err(self.mistake(&message));
                }
                self.expect(index, Sort::Text)?;
                self.field(index);
                Ok(Sort::Text)
            }
            ("size", None, [part]) | ("size", Some(part), []) => {
                let sort = self.sort(part)?;
                match sort {
                    Sort::Fields => {
                        self.named.any_field = true;
                        Ok(Sort::Number)
                    }
                    Sort::Text | Sort::Texts => Ok(Sort::Number),
                    other @ (Sort::Truth
                    | Sort::Number
                    | Sort::Ticket
                    | Sort::Status
                    | Sort::Priority
                    | Sort::Kind) => Err(self.mistake(&format!("{} has no size", other.noun()))),
                }
            }
            ("contains" | "startsWith" | "endsWith", Some(text), [part]) => {
                let sort = self.sort(text)?;
                self.like_text(sort)?;
                self.expect(part, Sort::Text)?;
                Ok(Sort::Truth)
            }
            ("lower", Some(text), []) => {
                let sort = self.sort(text)?;
                self.like_text(sort)?;
                self.named.lower = true;
                Ok(Sort::Text)
            }
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "-_", _, _) => {
                Err(self.mistake("a condition does not calculate"))
            }
            (name, _, _) if FUNCTIONS.contains(&name) => {
                let at = self.places.name(name);
                let example = match name {
                    "size" => "size(ticket.title)",
                    "has" => "has(ticket.type)",
                    "exists" | "all" => r#"["one", "two"].exists(word, ticket.title.contains(word))"#,
                    "lower" => "ticket.title.lower()",
                    _ => r#"ticket.title.contains("text")"#,
                };
                Err(Mistake::new(at, format!("{name} is written otherwise: {example}")))
            }
            (name, _, _) => {
                let message = format!("there is no function {name:?} in conditions");
                Err(Mistake::new(self.places.name(name), message).words(name, &FUNCTIONS))
            }
        }
    }

    /// `exists` and `all`; the other macros make lists, for which there is no use.
    fn comprehension(&mut self, part: &mut ComprehensionExpr) -> Result<Sort, Mistake> {
        let only = || {
            "of the loops there are exists and all, with one variable: \
                       [\"one\", \"two\"].exists(word, ticket.title.contains(word))"
        };
        let truth = matches!(&part.accu_init.expr, Expr::Literal(LiteralValue::Boolean(_)));
        if !truth || part.iter_var2.is_some() {
            return Err(self.mistake(only()));
        }
        if self.scope.len() / 2 >= MAX_LOOPS {
            return Err(self.mistake("not more than two loops may stand in each other"));
        }
        match self.many(&mut part.iter_range, "exists and all go through")? {
            Many::Texts => {}
            Many::Fields => self.named.any_field = true,
        }
        self.scope.push((part.iter_var.clone(), Sort::Text));
        self.scope.push((part.accu_var.clone(), Sort::Truth));
        for inner in [&mut part.loop_cond, &mut part.loop_step, &mut part.result] {
            self.expect(inner, Sort::Truth)?;
        }
        self.scope.truncate(self.scope.len().saturating_sub(2));
        Ok(Sort::Truth)
    }

    /// What holds several texts; `asks` begins the sentence about what does not.
    fn many(&mut self, part: &mut IdedExpr, asks: &str) -> Result<Many, Mistake> {
        match self.sort(part)? {
            Sort::Texts => Ok(Many::Texts),
            Sort::Fields => Ok(Many::Fields),
            other @ (Sort::Truth
            | Sort::Text
            | Sort::Number
            | Sort::Ticket
            | Sort::Status
            | Sort::Priority
            | Sort::Kind) => {
                Err(self.mistake(&format!("{asks} a list or ticket.fields, not {}", other.noun())))
            }
        }
    }

    fn comparable(&mut self, sorts: (Sort, Sort), left: &IdedExpr, right: &IdedExpr) -> Result<(), Mistake> {
        match sorts {
            (Sort::Truth, Sort::Truth) | (Sort::Number, Sort::Number) => Ok(()),
            (left_sort, right_sort) if left_sort.is_text() && right_sort.is_text() => {
                self.word(left_sort, right)?;
                self.word(right_sort, left)
            }
            (left, right) => Err(self.unlike(left, right)),
        }
    }

    fn ordered(
        &mut self,
        sorts: (Sort, Sort),
        left: &mut IdedExpr,
        right: &mut IdedExpr,
    ) -> Result<(), Mistake> {
        match sorts {
            (Sort::Number, Sort::Number) => Ok(()),
            (Sort::Priority, Sort::Text | Sort::Priority) | (Sort::Text, Sort::Priority) => {
                self.word(sorts.0, right)?;
                self.word(sorts.1, left)?;
                for side in [left, right] {
                    self.by_rank(side)?;
                }
                Ok(())
            }
            (Sort::Status, _) | (_, Sort::Status) => {
                let message = "a status is not compared by order; list those you mean: ticket.status in [\"new\", \"open\"]";
                Err(self.mistake(message))
            }
            (left, right) if left.is_text() && right.is_text() => {
                Err(self.mistake("texts have no order here; only the priority and numbers have one"))
            }
            (left, right) => Err(self.unlike(left, right)),
        }
    }

    /// Puts the place in the order where a priority stands.
    fn by_rank(&self, side: &mut IdedExpr) -> Result<(), Mistake> {
        let word = text_of(side).and_then(Priority::from_word);
        match (&mut side.expr, word) {
            (expr, Some(priority)) => *expr = Expr::Literal(LiteralValue::Int(rank(priority).into())),
            (Expr::Select(select), None) if select.field == "priority" => select.field = RANK.to_owned(),
            (_, None) => {
                return Err(
                    self.mistake("the priority is compared with one of low, normal, high, urgent in quotes")
                );
            }
        }
        Ok(())
    }

    /// Whether a text that is written beside a status or a priority is one of their words; keeps the types.
    fn word(&mut self, sort: Sort, beside: &IdedExpr) -> Result<(), Mistake> {
        let Some(word) = text_of(beside) else { return Ok(()) };
        let (noun, valid): (_, Vec<&'static str>) = match sort {
            Sort::Status => ("status", Status::ALL.map(Status::word).to_vec()),
            Sort::Priority => ("priority", Priority::ALL.map(Priority::word).to_vec()),
            Sort::Kind => {
                self.named.kinds.insert(word.to_owned());
                return Ok(());
            }
            Sort::Truth | Sort::Text | Sort::Number | Sort::Texts | Sort::Fields | Sort::Ticket => {
                return Ok(());
            }
        };
        if valid.contains(&word) {
            return Ok(());
        }
        let message = format!("{word:?} is no {noun} in Throughline's words");
        Err(Mistake::new(self.places.literal(word), message).words(word, &valid))
    }

    /// Keeps the name of a custom field that is asked for.
    fn field(&mut self, name: &IdedExpr) {
        match text_of(name) {
            Some(name) => _ = self.named.fields.insert(name.to_owned()),
            None => self.named.any_field = true,
        }
    }

    fn like_text(&self, sort: Sort) -> Result<(), Mistake> {
        if sort.is_text() {
            return Ok(());
        }
        Err(self.mistake(&format!("a text belongs here, and this is {}", sort.noun())))
    }

    fn expect(&mut self, part: &mut IdedExpr, wanted: Sort) -> Result<(), Mistake> {
        let sort = self.sort(part)?;
        if sort == wanted {
            return Ok(());
        }
        Err(self.mistake(&format!("{} belongs here, and this is {}", wanted.noun(), sort.noun())))
    }

    fn unlike(&self, left: Sort, right: Sort) -> Mistake {
        self.mistake(&format!("{} cannot be compared with {}", left.noun(), right.noun()))
    }

    fn mistake(&self, message: &str) -> Mistake {
        Mistake::new(self.places.all(), message)
    }
}

impl Sort {
    fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Status | Self::Priority | Self::Kind)
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Truth => "something true or false",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Texts => "a list",
            Self::Fields => "the table of custom fields",
            Self::Ticket => "the whole ticket",
            Self::Status => "a status",
            Self::Priority => "a priority",
            Self::Kind => "a type",
        }
    }
}

fn text_of(part: &IdedExpr) -> Option<&str> {
    if let Expr::Literal(LiteralValue::String(text)) = &part.expr { Some(text.inner()) } else { None }
}
