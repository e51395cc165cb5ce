//! The part of `JSONPath` by which version 5 filters a list: `attachment[?(@.size.amount > 300)]`.
//!
//! A path of names, with conditions in brackets anywhere: comparisons with texts, numbers, true, false and null, joined
//! by `&&` and `||`; a path alone asks whether it is there. The standard's own example leaves out the dot behind `@`.

use serde_json::Value;

use super::query::{Compared, compare, values};

/// A filter: a ticket is listed if it selects something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(String),
    Every,
    Where(Vec<Vec<Test>>),
}

#[derive(Clone, Debug, PartialEq)]
struct Test {
    path: Vec<String>,
    is: Option<(Compared, Value)>,
    negated: bool,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// What was expected, and before what.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text.trim() };
        parser.eat("$");
        let mut steps = Vec::new();
        while !parser.rest.is_empty() {
            steps.push(parser.step()?);
        }
        if steps.is_empty() { Err("the expression is empty".to_owned()) } else { Ok(Self(steps)) }
    }

    /// Whether it selects something of a ticket.
    pub(super) fn selects(&self, ticket: &Value) -> bool {
        let mut selected = vec![ticket];
        for step in &self.0 {
            let mut next: Vec<&Value> = Vec::new();
            for value in selected {
                match (step, value) {
                    (Step::Name(name), Value::Array(entries)) => {
                        next.extend(entries.iter().filter_map(|entry| entry.get(name)));
                    }
                    (Step::Name(name), value) => next.extend(value.get(name)),
                    (Step::Every, Value::Array(entries)) => next.extend(entries),
                    (Step::Every, Value::Object(members)) => next.extend(members.values()),
                    (Step::Where(any), Value::Array(entries)) => {
                        next.extend(entries.iter().filter(|entry| holds(any, entry)));
                    }
                    (Step::Where(any), value) => next.extend(Some(value).filter(|value| holds(any, value))),
                    (Step::Every, _) => {}
                }
            }
            selected = next;
        }
        !selected.is_empty()
    }
}

fn holds(any: &[Vec<Test>], value: &Value) -> bool {
    any.iter().any(|all| all.iter().all(|test| test.holds(value)))
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let found = values(value, &self.path);
        let holds = match &self.is {
            None => !found.is_empty(),
            Some((compared, wanted)) => found.iter().any(|is| compared.holds(compare(is, wanted))),
        };
        holds != self.negated
    }
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn step(&mut self) -> Result<Step, String> {
        if self.eat("[") {
            let step = if self.eat("?") { self.condition()? } else { self.bracketed()? };
            return if self.eat("]") { Ok(step) } else { Err(self.expected("]")) };
        }
        self.eat(".");
        if self.eat("*") {
            return Ok(Step::Every);
        }
        self.name().map(Step::Name)
    }

    fn bracketed(&mut self) -> Result<Step, String> {
        if self.eat("*") {
            return Ok(Step::Every);
        }
        let Value::String(name) = self.literal()? else {
            return Err(self.expected("a name in quotes, * or ?"));
        };
        Ok(Step::Name(name))
    }

    fn condition(&mut self) -> Result<Step, String> {
        let grouped = self.eat("(");
        let mut any = vec![vec![self.test()?]];
        loop {
            if self.eat("||") {
                any.push(vec![self.test()?]);
            } else if self.eat("&&") {
                let test = self.test()?;
                if let Some(all) = any.last_mut() {
                    all.push(test);
                }
            } else {
                break;
            }
        }
        if grouped && !self.eat(")") {
            return Err(self.expected(")"));
        }
        Ok(Step::Where(any))
    }

    fn test(&mut self) -> Result<Test, String> {
        let negated = self.eat("!");
        if !self.eat("@") {
            return Err(self.expected("@"));
        }
        let mut path = Vec::new();
        // The standard's example has no dot here.
        if self.eat(".") || self.rest.starts_with(|first: char| first.is_alphabetic()) {
            path.push(self.name()?);
            while self.eat(".") {
                path.push(self.name()?);
            }
        }
        const WORDS: [(&str, Compared); 7] = [
            ("==", Compared::Equal),
            ("!=", Compared::Other),
            ("<=", Compared::LessOrEqual),
            (">=", Compared::GreaterOrEqual),
            ("<", Compared::Less),
            (">", Compared::Greater),
            ("=", Compared::Equal),
        ];
        let compared = WORDS.iter().find(|(word, _)| self.eat(word)).map(|(_, compared)| *compared);
        let is = match compared {
            Some(compared) => Some((compared, self.literal()?)),
            None => None,
        };
        Ok(Test { path, is, negated })
    }

    fn name(&mut self) -> Result<String, String> {
        self.rest = self.rest.trim_start();
        let is_part = |part: char| part.is_alphanumeric() || matches!(part, '_' | '-' | '@');
        let end = self.rest.find(|part| !is_part(part)).unwrap_or(self.rest.len());
        match self.rest.split_at_checked(end) {
            Some((name, rest)) if !name.is_empty() => {
                self.rest = rest;
                Ok(name.to_owned())
            }
            _ => Err(self.expected("a name")),
        }
    }

    fn literal(&mut self) -> Result<Value, String> {
        self.rest = self.rest.trim_start();
        for quote in ['\'', '"'] {
            if let Some(inner) = self.rest.strip_prefix(quote) {
                let (text, rest) =
                    inner.split_once(quote).ok_or_else(|| self.expected("a text that ends"))?;
                self.rest = rest;
                return Ok(Value::from(text));
            }
        }
        let is_part = |part: char| part.is_alphanumeric() || matches!(part, '-' | '+' | '.');
        let end = self.rest.find(|part| !is_part(part)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        let value: Value = serde_json::from_str(word)
            .map_err(|_none| self.expected("a text, number, true, false or null"))?;
        self.rest = rest;
        Ok(value)
    }

    /// Takes a sign if it comes next.
    fn eat(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(sign) {
            Some(behind) => {
                self.rest = behind;
                true
            }
            None => false,
        }
    }

    fn expected(&self, what: &str) -> String {
        let here: String = self.rest.chars().take(20).collect();
        match here.is_empty() {
            true => format!("expected {what} at the end"),
            false => format!("expected {what} before {here:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ticket_is_listed_if_something_of_it_is_selected() {
        let ticket = json!({
            "status": "pending",
            "priority": "High",
            "lastUpdate": "2026-01-02T00:00:00Z",
            "note": [{ "author": "Ada", "text": "x" }, { "author": "Bo" }],
            "attachment": [{ "size": { "amount": 300, "units": "B" } }],
        });
        for (expression, selects) in [
            ("$[?(@.status=='pending')]", true),
            ("[?(@.status == \"held\")]", false),
            ("note[?(@author=='Bo')]", true),
            ("note[?(@.author=='Bo' && @.text)]", false),
            ("note[?(@.author=='Bo' && !@.text)]", true),
            ("$.note[?(@.author=='Eve' || @.text=='x')]", true),
            ("attachment[?(@.size.amount>=300)]", true),
            ("attachment[?(@.size.amount>300)]", false),
            ("attachment[?(@size==300)]", false),
            ("$[?(@.lastUpdate > '2026-01-01T23:00:00-05:00')]", false),
            ("$[?(@.lastUpdate >= '2026-01-01T19:00:00-05:00')]", true),
            ("$['note'][*].text", true),
            ("channel", false),
        ] {
            let parsed =
                Expression::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
            assert_eq!(parsed.selects(&ticket), selects, "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_its_place() {
        for (text, told) in [
            ("", "the expression is empty"),
            ("note[?(@.a==)]", "expected a text, number, true, false or null before \")]\""),
            ("note[?(@.a=='x']", "expected ) before \"]\""),
            ("note[?(a)]", "expected @ before \"a)]\""),
            ("note[", "expected a text, number, true, false or null at the end"),
            ("§", "expected a name before \"§\""),
        ] {
            assert_eq!(Expression::parse(text).unwrap_err(), told, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", more in "[$@.\\[\\]?()='!<>&|a*-]{0,30}") {
            for text in [text, more] {
                if let Ok(expression) = Expression::parse(&text) {
                    expression.selects(&json!({ "a": [{ "a": 1 }] }));
                }
            }
        }
    }
}
