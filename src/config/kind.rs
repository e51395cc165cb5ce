//! What configuration knows of the kinds of system, so that it needs to know none of them.

use throughline_sdk::{Capabilities, Setting, Settings};

/// What configuration knows of a kind of system.
#[derive(Clone, Copy, Debug)]
pub struct KindSettings {
    /// The kind's name, which is the name of its table.
    pub kind: &'static str,
    /// Its settings.
    pub settings: &'static [Setting],
    /// What its desk's status words usually mean: the desk's word, our word.
    pub statuses: &'static [(&'static str, &'static str)],
    /// What its desk's priority words usually mean.
    pub priorities: &'static [(&'static str, &'static str)],
    /// With what words its desk answers an offer.
    pub answers: KindAnswers,
    /// What its connector says to settings that are all of the declared types, and can do with them.
    pub check: fn(&Settings) -> throughline_sdk::Result<Capabilities>,
    /// What a ticket must have before it is created there, unless an agreement says otherwise.
    pub needs: &'static [Needs],
}

/// Something that a kind of system needs with every ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The name under which an agreement replaces it.
    pub name: &'static str,
    /// The condition that a ticket meets which has it.
    pub condition: &'static str,
    /// What is missing otherwise.
    pub message: &'static str,
}

/// With what words a kind of desk answers an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindAnswers {
    /// The desk's word, and `pending`, `information_requested`, `accepted` or `rejected`. Of several words for one answer
    /// the first is written.
    pub words: &'static [(&'static str, &'static str)],
    /// The custom field in which they stand; `None`: the status.
    pub field: Option<&'static str>,
    /// The custom field that says why.
    pub reason_field: Option<&'static str>,
}

impl KindAnswers {
    /// A desk that has no words for it.
    pub const NONE: Self = Self { words: &[], field: None, reason_field: None };
}
