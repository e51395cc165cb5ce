//! The language of manifests: `MiniJinja`'s expressions for values, its templates for addresses. The only file that names
//! the crate.
//!
//! Why this one: one small, documented language both reads and builds JSON; its *fuel* bounds time and memory of each
//! evaluation, whatever a desk sends, so that evaluating in place blocks nobody; it has no way to files, network,
//! environment or clock. What is written in a manifest is its operator's, what it is applied to is a stranger's.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error as Fault, ErrorKind as FaultKind, UndefinedBehavior};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value as Json;
use toml::Spanned;

pub(crate) use minijinja::Value;

/// What one evaluation may use up: a step each, and a step for each 64 bytes that it makes. That is some 6 MB, and some
/// tens of milliseconds for what was made to be slow; what a manifest needs takes a few hundred steps.
const FUEL: u64 = 100_000;
/// How many members lists may have together, once they are taken out of the language: some are only promised in it.
const MAX_MEMBERS: usize = 100_000;
/// How deep one value may stand in another; `serde_json` reads no deeper either.
const MAX_DEPTH: usize = 128;
/// Longer than any expression that a person can check by reading it.
const MAX_SOURCE_BYTES: usize = 8 * 1024;
/// Functions of the language that nothing here needs.
const NOT_NEEDED: [&str; 4] = ["range", "dict", "namespace", "debug"];

/// What an absent value becomes: nothing, also when something is asked of it.
static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut language = Environment::new();
    for name in NOT_NEEDED {
        language.remove_global(name);
    }
    language.set_undefined_behavior(UndefinedBehavior::Chainable);
    language.set_fuel(Some(FUEL));
    language.set_formatter(|out, _, value| {
        let part = address_part(value)?;
        out.write_str(&part).map_err(|error| Fault::new(FaultKind::WriteFailure, error.to_string()))
    });
    language.add_filter("or_null", or_null);
    language.add_filter("each", each);
    language
});

/// An expression of a manifest, compiled when the manifest is read.
pub(crate) struct Expression {
    source: String,
    span: Range<usize>,
    compiled: minijinja::Expression<'static, 'static>,
}

/// A template of a manifest for an address: what stands in `{{ }}` is escaped for where it stands.
#[derive(Clone)]
pub(crate) struct Template {
    source: String,
    span: Range<usize>,
}

/// What an expression or template could not do, without a word of what it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unevaluated {
    /// What went wrong.
    pub(crate) why: String,
    /// The expression or template itself.
    pub(crate) source: String,
    /// Where it stands in the manifest, in bytes.
    pub(crate) span: Range<usize>,
}

/// The names that an evaluation sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(Vec<(&'static str, Value)>);

impl Scope {
    /// The scope with one more name; an absent value is no name.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// The scope with the names of another; where both have one, the other's counts.
    #[must_use]
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// What a name stands for; nothing where it is none.
    pub(crate) fn get(&self, name: &str) -> Value {
        self.0
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map_or(Value::UNDEFINED, |(_, value)| value.clone())
    }

    fn value(&self) -> Value {
        Value::from_pairs(self.0.iter().map(|(name, value)| (*name, value.clone())))
    }
}

impl Expression {
    /// The value for the names of `scope`.
    ///
    /// # Errors
    ///
    /// Where it asks for what cannot be done, or for more than its fuel allows.
    pub(crate) fn value(&self, scope: &Scope) -> Result<Value, Unevaluated> {
        self.compiled.eval(scope.value()).map_err(|fault| self.failed(&fault))
    }

    /// The value as text; `None` where it is absent, none or empty.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value), and where it is neither text nor a whole number nor true nor false.
    pub(crate) fn text(&self, scope: &Scope) -> Result<Option<String>, Unevaluated> {
        let value = self.value(scope)?;
        if value.is_undefined() || value.is_none() {
            return Ok(None);
        }
        match plain_text(&value) {
            Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Err(self.because(format!("it gives a {} where text belongs", value.kind()))),
        }
    }

    /// The members of a list.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value), and where it is no list.
    pub(crate) fn list(&self, scope: &Scope) -> Result<Vec<Value>, Unevaluated> {
        let value = self.value(scope)?;
        if is_list(&value) {
            let members = value.try_iter().map_err(|fault| self.failed(&fault))?;
            let members: Vec<Value> = members.take(MAX_MEMBERS + 1).collect();
            if members.len() > MAX_MEMBERS {
                return Err(self.because(format!("it gives a list of more than {MAX_MEMBERS} members")));
            }
            return Ok(members);
        }
        Err(self.because(format!("it gives {} where a list belongs", value.kind())))
    }

    /// Whether it holds: neither absent, none, false, zero nor empty.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value).
    pub(crate) fn holds(&self, scope: &Scope) -> Result<bool, Unevaluated> {
        self.value(scope).map(|value| value.is_true())
    }

    /// The value as JSON, without what is absent: a key whose value is not there is left out.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value), and where it is no JSON.
    pub(crate) fn json(&self, scope: &Scope) -> Result<Option<Json>, Unevaluated> {
        json(&self.value(scope)?, 0, &mut { MAX_MEMBERS }).map_err(|why| self.because(why))
    }

    /// What the manifest says.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Which of the names it uses are not among `known`, and what it asks for that the language does not have.
    pub(crate) fn check(&self, known: &[&str]) -> Vec<Unevaluated> {
        let used = self.compiled.undeclared_variables(false);
        let mut wrong: Vec<_> = unknown(used, known).map(|why| self.because(why)).collect();
        if let Err(fault) = self.compiled.eval(Value::UNDEFINED)
            && is_unknown(&fault)
        {
            wrong.push(self.because(explain(&fault)));
        }
        wrong
    }

    /// Whether it uses a name.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.compiled.undeclared_variables(false).contains(name)
    }

    fn failed(&self, fault: &Fault) -> Unevaluated {
        self.because(runtime(fault))
    }

    /// An error about this expression.
    pub(crate) fn because(&self, why: String) -> Unevaluated {
        Unevaluated { why, source: self.source.clone(), span: self.span.clone() }
    }
}

impl Template {
    /// The text for the names of `scope`, each value escaped as one part of an address.
    ///
    /// # Errors
    ///
    /// Where a value is absent, empty, no text, or a path of its own (`.` and `..`), and as [`Expression::value`].
    pub(crate) fn text(&self, scope: &Scope) -> Result<String, Unevaluated> {
        let template = LANGUAGE.template_from_str(&self.source).map_err(|fault| self.failed(&fault))?;
        template.render(scope.value()).map_err(|fault| self.failed(&fault))
    }

    /// As [`Expression::check`].
    pub(crate) fn check(&self, known: &[&str]) -> Vec<Unevaluated> {
        match LANGUAGE.template_from_str(&self.source) {
            Ok(template) => {
                unknown(template.undeclared_variables(false), known).map(|why| self.because(why)).collect()
            }
            Err(fault) => vec![self.because(explain(&fault))],
        }
    }

    /// Whether it uses a name.
    pub(crate) fn uses(&self, name: &str) -> bool {
        LANGUAGE
            .template_from_str(&self.source)
            .is_ok_and(|template| template.undeclared_variables(false).contains(name))
    }

    /// The template without its first `bytes`.
    pub(crate) fn after(&self, bytes: usize) -> Self {
        let source = self.source.get(bytes..).unwrap_or_default().trim_start().to_owned();
        Self { source, span: self.span.clone() }
    }

    /// What the manifest says.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    fn failed(&self, fault: &Fault) -> Unevaluated {
        // What the formatter says names no value.
        self.because(if fault.kind() == FaultKind::InvalidOperation {
            explain(fault)
        } else {
            runtime(fault)
        })
    }

    fn because(&self, why: String) -> Unevaluated {
        Unevaluated { why, source: self.source.clone(), span: self.span.clone() }
    }
}

/// JSON as the language sees it.
pub(crate) fn value_of(json: &Json) -> Value {
    // Any JSON is a value.
    Value::deserialize(json).unwrap_or_default()
}

/// Text, whole numbers, true and false as text; ids come in any of these.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    if value.is_integer() {
        return Some(value.to_string());
    }
    if value.kind() == ValueKind::Bool {
        return Some(value.is_true().to_string());
    }
    value.as_str().map(str::to_owned)
}

/// Whether it has members and no names for them.
pub(crate) fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// The value as JSON; `None` where it is absent.
fn json(value: &Value, depth: usize, left: &mut usize) -> Result<Option<Json>, String> {
    if depth > MAX_DEPTH {
        return Err("it is nested too deep for JSON".to_owned());
    }
    *left = left.checked_sub(1).ok_or_else(|| format!("it has more than {MAX_MEMBERS} members"))?;
    let members = || value.try_iter().map_err(|fault| runtime(&fault));
    Ok(Some(match value.kind() {
        ValueKind::Undefined => return Ok(None),
        ValueKind::Seq | ValueKind::Iterable => {
            let members: Result<Vec<Option<Json>>, String> =
                members()?.map(|member| json(&member, depth + 1, left)).collect();
            members?.into_iter().flatten().collect()
        }
        ValueKind::Map => {
            let mut object = serde_json::Map::new();
            for key in members()? {
                let name = plain_text(&key).ok_or("a key is no text")?;
                let member = value.get_item(&key).map_err(|fault| runtime(&fault))?;
                if let Some(member) = json(&member, depth + 1, left)? {
                    object.insert(name, member);
                }
            }
            Json::Object(object)
        }
        ValueKind::None | ValueKind::Bool | ValueKind::Number | ValueKind::String => {
            serde_json::to_value(value).map_err(|_quotes_it| "a value is no JSON".to_owned())?
        }
        other @ (ValueKind::Bytes | ValueKind::Plain | ValueKind::Invalid | _) => {
            return Err(format!("{other} is no JSON"));
        }
    }))
}

/// `"" | or_null` is none; anything else stays as it is, also what is absent.
fn or_null(value: Value) -> Value {
    if value.as_str().is_some_and(str::is_empty) { Value::from(()) } else { value }
}

/// `rows | each("files")` is one list of all members of each row's list of that name. A row without one adds nothing.
fn each(rows: &Value, name: &str) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for row in rows.try_iter()? {
        let list = row.get_attr(name)?;
        if !list.is_undefined() && !list.is_none() {
            all.extend(list.try_iter()?);
        }
    }
    Ok(Value::from(all))
}

/// One part of an address: everything but letters, digits and `-._~` is escaped, so that no value adds a segment, a
/// parameter or a fragment.
fn address_part(value: &Value) -> Result<String, Fault> {
    let text = plain_text(value).ok_or_else(|| {
        Fault::new(FaultKind::InvalidOperation, format!("a {} is no part of an address", value.kind()))
    })?;
    if matches!(text.as_str(), "" | "." | "..") {
        return Err(Fault::new(
            FaultKind::InvalidOperation,
            "an empty text or a path of its own is no part of an address",
        ));
    }
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            part.push(char::from(byte));
        } else {
            part.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(part)
}

fn unknown(used: impl IntoIterator<Item = String>, known: &[&str]) -> impl Iterator<Item = String> {
    let mut unknown: Vec<String> = used.into_iter().filter(|name| !known.contains(&name.as_str())).collect();
    unknown.sort_unstable();
    let known = known.join(", ");
    unknown.into_iter().map(move |name| format!("{name:?} is no name here; there are: {known}"))
}

fn is_unknown(fault: &Fault) -> bool {
    matches!(
        fault.kind(),
        FaultKind::UnknownFilter
            | FaultKind::UnknownTest
            | FaultKind::UnknownFunction
            | FaultKind::UnknownMethod
    )
}

/// A fault that quotes nothing but the manifest.
fn explain(fault: &Fault) -> String {
    match fault.detail() {
        Some(detail) => format!("{}: {detail}", fault.kind()),
        None => fault.kind().to_string(),
    }
}

/// A fault of an evaluation. Its details may quote what was evaluated, so they are left out.
fn runtime(fault: &Fault) -> String {
    if fault.kind() == FaultKind::OutOfFuel {
        return "it takes more steps or memory than an expression may".to_owned();
    }
    if is_unknown(fault) { explain(fault) } else { fault.kind().to_string() }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.source)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.source)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (span, source) = source(deserializer)?;
        let compiled = LANGUAGE
            .compile_expression_owned(source.clone())
            .map_err(|fault| D::Error::custom(explain(&fault)))?;
        Ok(Self { source, span, compiled })
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (span, source) = source(deserializer)?;
        if let Err(fault) = LANGUAGE.template_from_str(&source) {
            return Err(D::Error::custom(explain(&fault)));
        }
        Ok(Self { source, span })
    }
}

fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Range<usize>, String), D::Error> {
    let spanned = Spanned::<String>::deserialize(deserializer)?;
    let (span, source) = (spanned.span(), spanned.into_inner());
    if source.len() > MAX_SOURCE_BYTES {
        return Err(D::Error::custom(format!("an expression has at most {MAX_SOURCE_BYTES} bytes")));
    }
    Ok((span, source))
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;
