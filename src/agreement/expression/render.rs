//! Writes a condition out again: as code in one normal form, and in plain English.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the parser's tree only what conditions are made of has a form of its own"
)]

use cel::common::ast::operators as op;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue};

/// The condition `true`.
pub(super) fn truth() -> IdedExpr {
    IdedExpr { id: 1, expr: Expr::Literal(LiteralValue::Boolean(true.into())) }
}

/// The code of a condition, with all brackets that matter and no others.
pub(super) fn code(part: &IdedExpr) -> String {
    match &part.expr {
        Expr::Literal(LiteralValue::String(text)) => quoted(text.inner()),
        Expr::Literal(LiteralValue::Boolean(truth)) => truth.inner().to_string(),
        Expr::Literal(LiteralValue::Int(number)) => number.inner().to_string(),
        Expr::Ident(name) => name.clone(),
        // A custom field is the same however it is asked for.
        Expr::Select(select) if select.test && is_fields(&select.operand) => {
            format!("{} in {}", quoted(&select.field), code(&select.operand))
        }
        Expr::Select(select) if select.test => format!("has({}.{})", code(&select.operand), select.field),
        Expr::Select(select) => member(&select.operand, &select.field),
        Expr::List(list) => format!("[{}]", list.elements.iter().map(code).collect::<Vec<_>>().join(", ")),
        Expr::Call(call) => call_code(call),
        Expr::Comprehension(part) => {
            let (verb, body) = looped(part);
            format!(
                "{}.{verb}({}, {})",
                code(&part.iter_range),
                part.iter_var,
                body.map(code).unwrap_or_default()
            )
        }
        // Nothing that was checked holds these.
        Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => format!("{:?}", part.expr),
    }
}

/// The condition in plain English, to stand behind "if".
pub(super) fn words(part: &IdedExpr) -> String {
    sentence(part).unwrap_or_else(|| format!("the condition {} holds", code(part)))
}

fn member(operand: &IdedExpr, field: &str) -> String {
    if is_fields(operand) {
        format!("{}[{}]", code(operand), quoted(field))
    } else {
        format!("{}.{field}", code(operand))
    }
}

fn is_fields(part: &IdedExpr) -> bool {
    matches!(&part.expr, Expr::Select(select) if select.field == "fields" && !select.test)
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn call_code(call: &CallExpr) -> String {
    let name = call.func_name.as_str();
    if let (Some(sign), [left, right]) = (infix(name), call.args.as_slice()) {
        return format!("{} {sign} {}", bracketed(left, name, false), bracketed(right, name, true));
    }
    match (name, call.args.as_slice()) {
        (op::LOGICAL_NOT, [part]) => format!("!{}", bracketed(part, name, true)),
        (op::CONDITIONAL, [condition, one, other]) => {
            let [condition, one, other] = [condition, one, other].map(|part| bracketed(part, name, true));
            format!("{condition} ? {one} : {other}")
        }
        (op::INDEX, [operand, index]) => format!("{}[{}]", code(operand), code(index)),
        (_, args) => {
            // size(x) and x.size() are the same.
            let all: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(args).collect();
            match (name, all.as_slice()) {
                (_, [target, rest @ ..]) if name != "size" => {
                    let rest: Vec<String> = rest.iter().map(|part| code(part)).collect();
                    format!("{}.{name}({})", bracketed(target, name, true), rest.join(", "))
                }
                (_, all) => {
                    let all: Vec<String> = all.iter().map(|part| code(part)).collect();
                    format!("{name}({})", all.join(", "))
                }
            }
        }
    }
}

/// In brackets, where it would be read otherwise without.
fn bracketed(part: &IdedExpr, around: &str, right: bool) -> String {
    let inner = code(part);
    let own = match &part.expr {
        // "Or" of three is the same however it is bracketed, and the parser brackets more of them in its own way.
        Expr::Call(call)
            if call.func_name == around && matches!(around, op::LOGICAL_OR | op::LOGICAL_AND) =>
        {
            return inner;
        }
        Expr::Call(call) => strength(&call.func_name),
        Expr::Select(select) if select.test && is_fields(&select.operand) => strength(op::IN),
        _ => return inner,
    };
    let outer = strength(around);
    if own < outer || (own == outer && right && own < STRONGEST) { format!("({inner})") } else { inner }
}

const STRONGEST: u8 = 9;

fn strength(name: &str) -> u8 {
    match name {
        op::CONDITIONAL => 1,
        op::LOGICAL_OR => 2,
        op::LOGICAL_AND => 3,
        op::EQUALS
        | op::NOT_EQUALS
        | op::LESS
        | op::LESS_EQUALS
        | op::GREATER
        | op::GREATER_EQUALS
        | op::IN => 4,
        op::LOGICAL_NOT => 5,
        _ => STRONGEST,
    }
}

fn infix(name: &str) -> Option<&'static str> {
    Some(match name {
        op::LOGICAL_OR => "||",
        op::LOGICAL_AND => "&&",
        op::EQUALS => "==",
        op::NOT_EQUALS => "!=",
        op::LESS => "<",
        op::LESS_EQUALS => "<=",
        op::GREATER => ">",
        op::GREATER_EQUALS => ">=",
        op::IN => "in",
        _ => return None,
    })
}

/// Which of the two loops it is, and what is asked of each.
fn looped(part: &ComprehensionExpr) -> (&'static str, Option<&IdedExpr>) {
    let Expr::Call(step) = &part.loop_step.expr else { return ("exists", None) };
    let verb = if step.func_name == op::LOGICAL_OR { "exists" } else { "all" };
    (verb, step.args.get(1))
}

fn sentence(part: &IdedExpr) -> Option<String> {
    match &part.expr {
        Expr::Literal(LiteralValue::Boolean(truth)) => {
            Some(if *truth.inner() { "every ticket is meant" } else { "no ticket is meant" }.to_owned())
        }
        Expr::Select(select) if select.test => {
            Some(format!("{} has a value", thing(&IdedExpr { id: 0, expr: untested(part) })?))
        }
        Expr::Call(call) => call_words(call),
        Expr::Comprehension(part) => {
            let (verb, body) = looped(part);
            let Expr::List(list) = &part.iter_range.expr else { return None };
            let among: Option<Vec<String>> = list.elements.iter().map(thing).collect();
            let (each, joined) = if verb == "exists" { ("one", "or") } else { ("each", "and") };
            let body = sentence(body?)?;
            Some(format!("for {each} of {} as {}: {body}", listed(&among?, joined), part.iter_var))
        }
        _ => None,
    }
}

fn untested(part: &IdedExpr) -> Expr {
    match &part.expr {
        Expr::Select(select) => {
            let mut select = select.clone();
            select.test = false;
            Expr::Select(select)
        }
        other => other.clone(),
    }
}

fn call_words(call: &CallExpr) -> Option<String> {
    let name = call.func_name.as_str();
    let word = match name {
        op::LOGICAL_AND => Some("and"),
        op::LOGICAL_OR => Some("or"),
        _ => None,
    };
    if let (Some(word), [left, right]) = (word, call.args.as_slice()) {
        let side = |part: &IdedExpr| {
            let said = words(part);
            let other = match &part.expr {
                Expr::Call(inner) => {
                    [op::LOGICAL_AND, op::LOGICAL_OR].contains(&inner.func_name.as_str())
                        && inner.func_name != name
                }
                _ => false,
            };
            if other { format!("({said})") } else { said }
        };
        return Some(format!("{} {word} {}", side(left), side(right)));
    }
    match (name, call.target.as_deref(), call.args.as_slice()) {
        (op::LOGICAL_NOT, None, [part]) => match &part.expr {
            Expr::Select(select) if select.test => {
                Some(format!("{} has no value", thing(&IdedExpr { id: 0, expr: untested(part) })?))
            }
            _ => Some(format!("it is not so that ({})", words(part))),
        },
        (op::EQUALS, None, [left, right]) => Some(format!("{} is {}", thing(left)?, thing(right)?)),
        (op::NOT_EQUALS, None, [left, right]) => Some(format!("{} is not {}", thing(left)?, thing(right)?)),
        (op::GREATER_EQUALS, None, [left, right]) => {
            Some(format!("{} is {} or more", thing(left)?, thing(right)?))
        }
        (op::LESS_EQUALS, None, [left, right]) => {
            Some(format!("{} is {} or less", thing(left)?, thing(right)?))
        }
        (op::GREATER, None, [left, right]) => {
            Some(format!("{} is more than {}", thing(left)?, thing(right)?))
        }
        (op::LESS, None, [left, right]) => Some(format!("{} is less than {}", thing(left)?, thing(right)?)),
        (op::IN, None, [one, many]) => match &many.expr {
            Expr::List(list) => {
                let among: Option<Vec<String>> = list.elements.iter().map(thing).collect();
                Some(format!("{} is {}", thing(one)?, listed(&among?, "or")))
            }
            _ => Some(format!("the field {} has a value", thing(one)?)),
        },
        ("contains", Some(text), [part]) => Some(format!("{} contains {}", thing(text)?, thing(part)?)),
        ("startsWith", Some(text), [part]) => Some(format!("{} begins with {}", thing(text)?, thing(part)?)),
        ("endsWith", Some(text), [part]) => Some(format!("{} ends with {}", thing(text)?, thing(part)?)),
        _ => None,
    }
}

/// What is spoken of.
fn thing(part: &IdedExpr) -> Option<String> {
    match &part.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(format!("“{}”", text.inner())),
        Expr::Literal(LiteralValue::Int(number)) => Some(number.inner().to_string()),
        Expr::Ident(name) => Some(match name.as_str() {
            "system" | "party" => format!("the {name}"),
            other => other.to_owned(),
        }),
        Expr::Select(select) if !select.test => match &select.operand.expr {
            Expr::Ident(name) if name == "ticket" => Some(format!("the {}", select.field)),
            Expr::Select(inner) if inner.field == "fields" => Some(format!("the field “{}”", select.field)),
            _ => None,
        },
        Expr::Call(call) => match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (op::INDEX, None, [_, index]) => Some(format!("the field {}", thing(index)?)),
            ("lower", Some(text), []) => Some(format!("{}, in small letters,", thing(text)?)),
            ("size", None, [part]) | ("size", Some(part), []) => {
                Some(format!("the length of {}", thing(part)?))
            }
            _ => None,
        },
        _ => None,
    }
}

fn listed(parts: &[String], word: &str) -> String {
    match parts {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
