//! Where a manifest's text comes from, and which line of it is meant.

use std::ops::Range;

use throughline_sdk::{Error, ErrorKind, Result};

use crate::expression::Unevaluated;
use crate::manifest::Manifest;

/// A commented manifest to begin a new one with.
pub const EXAMPLE: &str = include_str!("../manifests/example.toml");

/// The manifests that come with Throughline, by name.
pub const INCLUDED: &[(&str, &str)] = &[
    ("example", EXAMPLE),
    ("django-helpdesk", include_str!("../manifests/django-helpdesk.toml")),
    ("znuny", include_str!("../manifests/znuny.toml")),
];

/// Larger than any manifest, smaller than what could harm.
const MAX_BYTES: u64 = 256 * 1024;

/// A manifest's text and what it is called.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    name: String,
    text: String,
}

impl Source {
    /// A text that is already there.
    pub(crate) fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Reads the file at a path, or takes the included manifest of this name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] where there is neither.
    pub(crate) fn read(named: &str) -> Result<Self> {
        if let Some((name, text)) = INCLUDED.iter().find(|(name, _)| *name == named) {
            return Ok(Self::new(format!("{name}.toml"), *text));
        }
        let size = std::fs::metadata(named).map(|about| about.len());
        let text = match size {
            Ok(size) if size > MAX_BYTES => {
                return Err(wrong(&format!("{named} has more than {MAX_BYTES} bytes")));
            }
            Ok(_) => std::fs::read_to_string(named),
            Err(error) => Err(error),
        };
        text.map(|text| Self::new(named, text)).map_err(|error| {
            let names: Vec<&str> = INCLUDED.iter().map(|(name, _)| *name).collect();
            wrong(&format!("{named} cannot be read: {error}; it is a path, or one of {}", names.join(", ")))
        })
    }

    /// Reads the text as a manifest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misconfigured`] with the line that is wrong.
    pub(crate) fn manifest(&self) -> Result<Manifest> {
        toml::from_str(&self.text).map_err(|error| {
            let place = error.span().map_or_else(|| self.name.clone(), |span| self.place(&span));
            wrong(&format!("{place}: {}", error.message()))
        })
    }

    /// The file and line where something stands.
    pub(crate) fn place(&self, span: &Range<usize>) -> String {
        let before = self.text.get(..span.start).unwrap_or_default();
        format!("{}:{}", self.name, before.matches('\n').count() + 1)
    }

    /// Mistakes as one error.
    pub(crate) fn mistakes(&self, mistakes: &[Unevaluated]) -> Error {
        let lines: Vec<String> = mistakes
            .iter()
            .map(|one| format!("{}: {}, in `{}`", self.place(&one.span), one.why, one.source))
            .collect();
        wrong(&lines.join("\n"))
    }

    /// What an expression could not make of a desk's answer, or of an operation.
    pub(crate) fn failed(&self, failed: &Unevaluated) -> Error {
        let place = self.place(&failed.span);
        Error::new(ErrorKind::Malformed, format!("{}, in `{}` at {place}", failed.why, failed.source))
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, format!("the setting manifest is wrong: {what}"))
}

/// What a manifest says of itself, for people who are about to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What it connects.
    pub product: String,
    /// The versions it was run against.
    pub tested: Option<String>,
    /// What it asks the operator for in the table `settings`: name, what it is, and the value without the operator's.
    pub settings: Vec<(String, String, Option<String>)>,
}

/// Reads what a manifest says of itself.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] with the line that is wrong.
pub fn about(manifest: &str) -> Result<About> {
    let manifest = Source::read(manifest)?.manifest()?;
    let settings = manifest.settings.into_iter().map(|(name, own)| (name, own.doc, own.default));
    Ok(About { product: manifest.product, tested: manifest.tested, settings: settings.collect() })
}
