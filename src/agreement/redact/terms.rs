//! What an agreement says of personal data: by class and by place, and of what may be left.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::recognize::Recognizers;
use crate::case::{Field, Fingerprint};

/// A class of personal data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// An international bank account number.
    Iban,
    /// The number of a payment card.
    Card,
    /// An IP address.
    Ip,
    /// A number by which a country knows a person.
    NationalId,
    /// A person on the organization's own list.
    Person,
    /// A customer on the organization's own list.
    Customer,
    /// What one of the organization's own patterns matches.
    Pattern(String),
    /// A value that is personal as a whole.
    Whole,
}

/// What becomes of personal data on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// It leaves as it is.
    #[default]
    Pass,
    /// It is replaced by a name that stands for it, and put back when that name comes home.
    Pseudonymize,
    /// Its class stands there instead.
    Mask,
    /// An ellipsis stands there instead.
    Drop,
}

/// Where personal data stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A field of the ticket.
    Field(Field),
    /// The text of a comment.
    Comments,
    /// The name of whoever wrote a comment.
    Authors,
    /// The name of a file.
    FileNames,
    /// The text in a file.
    Files,
}

/// What one place has to itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceTerms {
    /// What becomes of all that stands there, whatever it is.
    pub whole: Option<Action>,
    /// By class, before what the agreement says of the class.
    pub classes: BTreeMap<Class, Action>,
}

/// What becomes of files in which no text can be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherFiles {
    /// They leave.
    Send,
    /// Each waits for a person.
    Hold,
    /// None leaves.
    Drop,
}

/// What becomes of a text in which personal data may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// It leaves, and the record counts what may be left.
    Tell,
    /// It waits for a person.
    Hold,
}

/// What an agreement says of personal data.
#[derive(Clone, Debug)]
pub struct Redaction {
    /// By class; a class that is not here passes.
    pub classes: BTreeMap<Class, Action>,
    /// By place, before what is said by class.
    pub places: BTreeMap<Place, PlaceTerms>,
    /// Files that are no text.
    pub other_files: OtherFiles,
    /// Texts in which something may be left.
    pub leftover: Leftover,
    /// What is recognized, and how.
    pub recognizers: Arc<Recognizers>,
}

impl Redaction {
    /// What becomes of this class at this place.
    pub fn action(&self, place: &Place, class: &Class) -> Action {
        let own = self.places.get(place).and_then(|terms| terms.classes.get(class));
        own.or_else(|| self.classes.get(class)).copied().unwrap_or_default()
    }

    /// What becomes of everything at this place; `None`: it goes by class.
    pub fn whole(&self, place: &Place) -> Option<Action> {
        self.places.get(place)?.whole
    }

    /// The same for the same terms: what was prepared under others is prepared again.
    pub fn print(&self) -> Fingerprint {
        let Self { classes, places, other_files, leftover, recognizers } = self;
        let terms = format!("{classes:?} {places:?} {other_files:?} {leftover:?} {:?}", recognizers.print());
        Fingerprint::of(&terms)
    }
}

impl PartialEq for Redaction {
    fn eq(&self, other: &Self) -> bool {
        self.print() == other.print()
    }
}

impl Class {
    /// The classes that need no name of the organization's own.
    pub const BUILT_IN: [Self; 8] = [
        Self::Email,
        Self::Phone,
        Self::Iban,
        Self::Card,
        Self::Ip,
        Self::NationalId,
        Self::Person,
        Self::Customer,
    ];

    /// The word in configuration, record and masks.
    pub fn word(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::Ip => "ip",
            Self::NationalId => "national_id",
            Self::Person => "person",
            Self::Customer => "customer",
            Self::Pattern(name) => name,
            Self::Whole => "value",
        }
    }

    /// The first part of the pseudonyms that stand for it: capital letters and digits.
    pub fn label(&self) -> String {
        let word = if *self == Self::NationalId { "id" } else { self.word() };
        word.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_uppercase()).collect()
    }

    /// What a mask shows.
    pub(super) fn mask(&self) -> String {
        format!("{MASK_OPENS}{}{MASK_CLOSES}", self.word())
    }
}

/// Around a mask: signs that people rarely type, so that a mask is known again.
pub(super) const MASK_OPENS: char = '‹';
pub(super) const MASK_CLOSES: char = '›';

impl Action {
    /// The words in configuration.
    pub const WORDS: &[&str] = &["pass", "drop", "mask", "pseudonymize"];

    /// The action with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "pass" => Some(Self::Pass),
            "drop" => Some(Self::Drop),
            "mask" => Some(Self::Mask),
            "pseudonymize" => Some(Self::Pseudonymize),
            _ => None,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
