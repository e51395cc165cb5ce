//! The attributes every Redmine issue has beside its custom fields, under the names its pages show.

use crate::wire::Issue;

/// One built-in attribute that appears among a ticket's fields.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// The name people see.
    pub(crate) name: &'static str,
    /// Its text in an issue; empty where it is not set.
    pub(crate) read: fn(&Issue) -> String,
    /// How it is written.
    pub(crate) write: Write,
}

/// How an attribute is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// As text, under Redmine's own name for it.
    Text(&'static str),
    /// As text, where Redmine has no empty value and shows zero instead.
    Zero(&'static str),
    /// As the number of a name, which has to be looked up in this list.
    Number(&'static str, List),
    /// Throughline does not write it.
    Never,
}

/// Where a name's number is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// The project's categories.
    Categories,
    /// The versions that the project shares.
    Versions,
    /// The project's members.
    Members,
}

/// All built-in attributes that the interface shows and the canonical ticket has no place of its own for.
pub(crate) const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "Start date",
        read: |issue| issue.start_date.clone().unwrap_or_default(),
        write: Write::Text("start_date"),
    },
    Attribute {
        name: "Due date",
        read: |issue| issue.due_date.clone().unwrap_or_default(),
        write: Write::Text("due_date"),
    },
    Attribute {
        name: "% Done",
        read: |issue| issue.done_ratio.map(|percent| percent.to_string()).unwrap_or_default(),
        write: Write::Zero("done_ratio"),
    },
    Attribute {
        name: "Estimated time",
        read: |issue| issue.estimated_hours.map(|hours| hours.to_string()).unwrap_or_default(),
        write: Write::Text("estimated_hours"),
    },
    Attribute {
        name: "Category",
        read: |issue| issue.category.as_ref().map(|category| category.name.clone()).unwrap_or_default(),
        write: Write::Number("category_id", List::Categories),
    },
    Attribute {
        name: "Target version",
        read: |issue| issue.fixed_version.as_ref().map(|version| version.name.clone()).unwrap_or_default(),
        write: Write::Number("fixed_version_id", List::Versions),
    },
    Attribute {
        name: "Assignee",
        read: |issue| issue.assigned_to.as_ref().map(|person| person.name.clone()).unwrap_or_default(),
        write: Write::Number("assigned_to_id", List::Members),
    },
    Attribute {
        name: "Private",
        read: |issue| if issue.is_private { "yes".to_owned() } else { String::new() },
        write: Write::Never,
    },
];

/// The attribute with this name.
pub(crate) fn named(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|attribute| attribute.name == name)
}
