//! Referring: which announcements of other systems a request at home is about. They are shown, and never a leg.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{SystemName, Ticket};

use super::Rules;
use crate::case::{Field, Status};

/// How the announcements of one system are linked to the cases of a home desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceRule {
    /// The system that announces.
    pub system: SystemName,
    /// The home desk.
    pub home: SystemName,
    /// The field of a home ticket that says what it is about.
    pub field: Field,
    /// Of a word in that field, what the other system calls the same product.
    pub products: BTreeMap<String, String>,
}

/// Products by the system that announces about them.
pub type Products = BTreeMap<SystemName, BTreeSet<String>>;

impl Rules {
    /// Whether this system's tickets are referred to.
    pub fn announces(&self, system: &SystemName) -> bool {
        self.references.values().any(|rule| rule.system == *system)
    }

    /// The products a home ticket is about, as long as somebody works on it.
    pub fn concerns(&self, home: &SystemName, ticket: &Ticket) -> Products {
        let mut products = Products::new();
        if self.is_over(home, &ticket.status) {
            return products;
        }
        for rule in self.references.values().filter(|rule| rule.home == *home) {
            let value = match &rule.field {
                Field::Kind => ticket.kind.as_deref(),
                Field::Custom(name) => ticket.fields.get(name).map(String::as_str),
                Field::Title | Field::Description | Field::Status | Field::Priority => None,
            };
            let named = listed(value.unwrap_or_default()).filter_map(|word| rule.products.get(word));
            let named: BTreeSet<String> = named.map(|name| product(name)).collect();
            if !named.is_empty() {
                products.entry(rule.system.clone()).or_default().extend(named);
            }
        }
        products
    }

    /// The products that an announcement is about: its type, which may be a list separated by commas.
    pub fn announced(&self, ticket: &Ticket) -> BTreeSet<String> {
        listed(ticket.kind.as_deref().unwrap_or_default()).map(product).collect()
    }

    /// Whether nobody works on a ticket in this status any more. A word without a meaning says nothing of it.
    pub fn is_over(&self, system: &SystemName, status: &str) -> bool {
        let meaning = self.systems.get(system).and_then(|rules| rules.status.read.get(status));
        meaning.is_some_and(|status| match status {
            Status::Resolved | Status::Closed | Status::Cancelled => true,
            Status::New | Status::Open | Status::Pending | Status::OnHold => false,
        })
    }
}

/// A product's name as it is compared: nobody agrees on capital letters.
fn product(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A value, and where it is a list separated by commas, each of its words.
fn listed(value: &str) -> impl Iterator<Item = &str> {
    let words = value.split(',').map(str::trim).filter(move |word| *word != value.trim());
    std::iter::once(value.trim()).chain(words).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::tests::ticket;

    #[test]
    fn a_request_is_about_what_its_own_desk_refers_to() {
        let rule = |system: &str, home: &str, field: Field, products: &[(&str, &str)]| ReferenceRule {
            system: SystemName::new(system),
            home: SystemName::new(home),
            field,
            products: products.iter().map(|(word, name)| ((*word).to_owned(), (*name).to_owned())).collect(),
        };
        let route = || Field::Custom("Route".to_owned());
        let references = [
            rule("health", "helpdesk", route(), &[("one", "Exchange "), ("two", "Teams")]),
            rule("status page", "helpdesk", Field::Kind, &[("Incident", "ERP")]),
            rule("other health", "second helpdesk", route(), &[("one", "SharePoint")]),
        ];
        let references = references.into_iter().map(|rule| (rule.system.to_string(), rule)).collect();
        let rules = Rules { references, ..Rules::default() };
        let about = |home: &str, ticket: &Ticket| {
            let products = rules.concerns(&SystemName::new(home), ticket);
            let told = products.iter().map(|(system, names)| {
                (system.to_string(), names.iter().cloned().collect::<Vec<_>>().join(" "))
            });
            told.collect::<Vec<_>>()
        };
        let told = |system: &str, names: &str| (system.to_owned(), names.to_owned());
        let mut asked = ticket();
        assert_eq!(about("helpdesk", &asked), [told("health", "exchange"), told("status page", "erp")]);
        assert_eq!(about("second helpdesk", &asked), [told("other health", "sharepoint")]);
        assert_eq!(about("third", &asked), []);
        asked.kind = None;
        asked.fields.insert("Route".to_owned(), "two, one,three".to_owned());
        assert_eq!(about("helpdesk", &asked), [told("health", "exchange teams")]);

        for (system, announces) in [
            ("health", true),
            ("status page", true),
            ("other health", true),
            ("helpdesk", false),
            ("third", false),
        ] {
            assert_eq!(rules.announces(&SystemName::new(system)), announces, "{system}");
        }
    }

    #[test]
    fn a_value_is_itself_and_each_word_of_a_list() {
        let all = |value| listed(value).collect::<Vec<_>>();
        assert_eq!(all(" Mail "), ["Mail"]);
        assert_eq!(all("Mail, Chat,,"), ["Mail, Chat,,", "Mail", "Chat"]);
        assert_eq!(all(" "), [""; 0]);
    }
}
