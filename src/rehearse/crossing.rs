//! What becomes of one value, comment or file of the time for each other leg, under one set of rules.

use std::collections::BTreeMap;

use throughline_sdk::SystemName;

use crate::agreement::{Kind, Rules, Ruling, Said, Sharing, file_name, remark_body};
use crate::case::{Case, Field, Origin};

/// Something that came up on a leg.
#[derive(Clone, Copy, Debug)]
pub(super) enum News<'n> {
    /// A field has this value of the system's own.
    Field(&'n SystemName, &'n Field, &'n str),
    /// A public comment, with its author and text.
    Remark(&'n Origin, &'n str, &'n str),
    /// A public file, with its name.
    File(&'n Origin, &'n str),
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

    /// What becomes of it for each other leg of the case.
    pub(super) fn crossings(&self, rules: &Rules, case: &Case) -> BTreeMap<SystemName, Crossing> {
        let sharing = Sharing::of(rules, case);
        let others = case.legs.keys().filter(|other| *other != self.source());
        let crossings =
            others.filter_map(|other| Some((other.clone(), self.crossing(rules, &sharing, other)?)));
        crossings.collect()
    }

    fn crossing(&self, rules: &Rules, sharing: &Sharing<'_>, to: &SystemName) -> Option<Crossing> {
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
                let value = match rules.lift(leg, field, native) {
                    Ok(value) => value.filter(|value| !value.is_empty())?,
                    Err(untranslatable) => return Some(Crossing::Parks { rule: untranslatable.to_string() }),
                };
                Some(match rules.project(to, sharing.agreement(to), field, &value) {
                    Ok(shown) => Crossing::Leaves { shown: shown.into_intent(), rule: words(&goes_out) },
                    Err(untranslatable) => Crossing::Parks { rule: untranslatable.to_string() },
                })
            }
            News::Remark(origin, author, text) => {
                let ruling = sharing.passage(Kind::Comments, &origin.system, to);
                if !ruling.passes {
                    return Some(stays(&ruling));
                }
                let title = rules.systems.get(&origin.system).map(|system| system.party_title.as_str());
                let party_title = title.unwrap_or_default();
                let shown = remark_body(&Said { author, party_title, text, repeated: false }).into_intent();
                Some(Crossing::Leaves { shown, rule: words(&ruling) })
            }
            News::File(origin, name) => {
                let ruling = sharing.passage(Kind::Files, &origin.system, to);
                if !ruling.passes {
                    return Some(stays(&ruling));
                }
                Some(Crossing::Leaves { shown: file_name(name).into_intent(), rule: words(&ruling) })
            }
        }
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
