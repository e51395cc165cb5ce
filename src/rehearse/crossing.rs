//! What becomes of one value, comment or file of the time for each other leg, under one set of rules.

use std::collections::BTreeMap;

use throughline_sdk::{SystemName, Timestamp, Visibility};

use crate::agreement::{
    Kind, Pseudonyms, Redacted, Refused, Release, Rules, Ruling, Said, Sharing, file_name, remark_body,
};
use crate::case::{Case, Field, Origin};

/// Something that came up on a leg.
#[derive(Clone, Copy, Debug)]
pub(super) enum News<'n> {
    /// A field has this value of the system's own.
    Field(&'n SystemName, &'n Field, &'n str),
    /// A comment, with who may read it, its author and its text.
    Remark(&'n Origin, Visibility, &'n str, &'n str),
    /// A file, with who may read it and its name.
    File(&'n Origin, Visibility, &'n str),
}

/// What becomes of it for one other leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Crossing {
    /// It leaves, and this is what the other leg is shown.
    Leaves { shown: String, rule: String },
    /// It is parked.
    Parks { rule: String },
    /// It stays.
    Stays { rule: String },
}

impl News<'_> {
    /// The leg that it came up on.
    pub(super) fn source(&self) -> &SystemName {
        match self {
            Self::Field(leg, ..) => leg,
            Self::Remark(origin, ..) | Self::File(origin, ..) => &origin.system,
        }
    }

    /// What it is, for a group of its like.
    pub(super) fn sort(&self) -> String {
        match self {
            Self::Field(_, field, _) => field.to_string(),
            Self::Remark(..) => "comments".to_owned(),
            Self::File(..) => "files".to_owned(),
        }
    }

    /// What becomes of it for each other leg of the case. Pseudonyms that would be given are put into `names`, which
    /// nobody keeps.
    pub(super) fn crossings(
        &self,
        rules: &Rules,
        case: &Case,
        at: Timestamp,
        names: &mut Pseudonyms,
    ) -> BTreeMap<SystemName, Crossing> {
        let sharing = Sharing::of(rules, case, at);
        let others = case.legs.keys().filter(|other| *other != self.source());
        let mut crossings = BTreeMap::new();
        for other in others {
            if let Some(crossing) = self.crossing(rules, &sharing, other, names) {
                crossings.insert(other.clone(), crossing);
            }
        }
        crossings
    }

    fn crossing(
        &self,
        rules: &Rules,
        sharing: &Sharing<'_>,
        to: &SystemName,
        names: &mut Pseudonyms,
    ) -> Option<Crossing> {
        let agreement = sharing.agreement(to);
        match *self {
            News::Field(leg, field, native) => {
                // A field comes in by the source's rule and goes out by the target's.
                let goes_out = sharing.ruling(to, field);
                if !sharing.is_source(leg, field) {
                    let comes_in = sharing.entry(leg, field);
                    return Some(stays(&comes_in.filter(|ruling| !ruling.passes).unwrap_or(goes_out)));
                }
                if !goes_out.passes {
                    return Some(stays(&goes_out));
                }
                let none = Pseudonyms::default();
                let value = match rules.lift(leg, sharing.agreement(leg), field, native, &none) {
                    Ok(value) => value.filter(|value| !value.is_empty())?,
                    Err(untranslatable) => return Some(Crossing::Parks { rule: untranslatable.to_string() }),
                };
                let project = |release: &Release<'_>| rules.project(to, agreement, field, &value, release);
                Some(leaves(&goes_out, named(names, project)))
            }
            News::Remark(origin, visibility, author, text) => {
                let ruling = sharing.passage(Kind::Comments, visibility, origin, to);
                if !ruling.passes {
                    return Some(stays(&ruling));
                }
                let title = rules.systems.get(&origin.system).map(|system| system.party_title.as_str());
                let party_title = title.unwrap_or_default();
                let said = Said { author, party_title, text, repeated: false };
                let body = |release: &Release<'_>| remark_body(&said, agreement, release);
                Some(leaves(&ruling, named(names, body)))
            }
            News::File(origin, visibility, name) => {
                let ruling = sharing.passage(Kind::Files, visibility, origin, to);
                if !ruling.passes {
                    return Some(stays(&ruling));
                }
                let name = |release: &Release<'_>| file_name(name, agreement, release);
                Some(leaves(&ruling, named(names, name)))
            }
        }
    }
}

/// What leaves, with a pseudonym for whoever has none yet.
fn named(
    names: &mut Pseudonyms,
    redact: impl Fn(&Release<'_>) -> Result<Redacted<String>, Refused>,
) -> Result<Redacted<String>, Refused> {
    let first = redact(&Release { names, approved: false });
    let Err(Refused::Unnamed(unnamed)) = first else { return first };
    let given = names.given();
    for (unnamed, number) in unnamed.iter().zip(given + 1..) {
        names.insert(&unnamed.provisional(number));
    }
    redact(&Release { names, approved: false })
}

fn leaves(ruling: &Ruling<'_>, shown: Result<Redacted<String>, Refused>) -> Crossing {
    match shown {
        Ok(shown) => Crossing::Leaves { shown: shown.into_intent(), rule: words(ruling) },
        Err(refused) => Crossing::Parks { rule: refused.to_string() },
    }
}

impl Crossing {
    /// The rule that decided.
    pub(super) fn rule(&self) -> &str {
        match self {
            Self::Leaves { rule, .. } | Self::Parks { rule } | Self::Stays { rule } => rule,
        }
    }
}

fn stays(ruling: &Ruling<'_>) -> Crossing {
    Crossing::Stays { rule: words(ruling) }
}

fn words(ruling: &Ruling<'_>) -> String {
    match ruling.agreement {
        Some(agreement) => format!("{}: {}", agreement.name, ruling.rule),
        None => ruling.rule.to_string(),
    }
}
