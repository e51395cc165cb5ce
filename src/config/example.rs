//! Writes the commented example from the declaration: a home helpdesk and a partner's desk under one agreement.

use super::KindSettings;
use super::declaration::{Holds, Key, Need, ROOT, Table};

const INTRODUCTION: &str = "\
#:schema throughline.schema.json

# A commented example of Throughline's configuration: the helpdesk of Contoso, at home, and the desk of its
# partner Fabrikam. A key that is commented out shows its default, or an example where there is none.
#
# What is shared with Fabrikam stands in agreements/fabrikam.example.toml: every *.toml in the folder `agreements`
# beside this file is read with it. Agreements may also stand in this file.
";

const AGREEMENT_INTRODUCTION: &str = "\
# A commented example of an agreement, to be read with ../throughline.example.toml: what Contoso shares with its
# partner Fabrikam. One file for each counterpart, so that each can be read, versioned and signed by itself:
# `throughline agreement show fabrikam` prints it as a document. A key that is commented out shows its default, or an
# example where there is none.
";

/// How wide the text is set.
const WIDTH: usize = 110;

/// The example, for the kinds that there are.
pub fn example(kinds: &[KindSettings]) -> String {
    let named = |name: &str| kinds.iter().find(|kind| kind.kind == name);
    let home = named("request-tracker").or(kinds.first());
    let partner = named("redmine").or(kinds.last());
    let mut page = Page { text: INTRODUCTION.to_owned() };

    if let Some(bridge) = inner(&ROOT, "bridge") {
        page.table("bridge", bridge, &[]);
    }
    if let Some(party) = inner(&ROOT, "parties") {
        page.table("parties.contoso", party, &[("title", r#""Contoso Ltd""#)]);
        page.bare("parties.fabrikam", &[("title", r#""Fabrikam, Inc.""#)]);
    }
    if let (Some(system), Some(home), Some(partner)) = (inner(&ROOT, "systems"), home, partner) {
        page.table("systems.helpdesk", system, &[]);
        page.kind("systems.helpdesk", home);
        page.words("systems.helpdesk", system, home);
        page.bare("systems.partner", &[("party", r#""fabrikam""#)]);
        page.kind("systems.partner", partner);
        page.other_kinds(kinds.iter().filter(|kind| ![home.kind, partner.kind].contains(&kind.kind)));
        if let Some(recognize) = inner(&ROOT, "recognize") {
            page.commented_header("recognize", recognize.doc);
            page.keys(recognize.keys, &[]);
            if let Some(pattern) = inner_of(recognize.keys, "patterns") {
                page.commented_header("recognize.patterns.asset", pattern.doc);
                page.line(r#"#matches = "AT-[0-9]{6}""#);
            }
        }
        if let Some(responsibility) = inner(&ROOT, "responsibility") {
            page.optional("responsibility.erp", responsibility);
        }
        page.prose_of("references");
        page.prose_of("webhooks");
        if let Some(retention) = inner(&ROOT, "retention") {
            page.optional("retention.low", retention);
        }
    }
    page.text
}

/// The example of an agreement file, for the systems of the example.
pub fn agreement_example(kinds: &[KindSettings]) -> String {
    let named = |name: &str| kinds.iter().find(|kind| kind.kind == name);
    let mut page = Page { text: AGREEMENT_INTRODUCTION.to_owned() };
    if let (Some(home), Some(partner)) =
        (named("request-tracker").or(kinds.first()), named("redmine").or(kinds.last()))
    {
        page.agreement(home, partner);
    }
    page.text
}

struct Page {
    text: String,
}

impl Page {
    /// A table with everything there is to say about it. Keys in `values` are written, others if required.
    fn table(&mut self, path: &str, table: &Table, values: &[(&str, &str)]) {
        self.header(path, table.doc);
        self.keys(table.keys, values);
        for key in table.keys {
            if let (Holds::Table(inner), true) = (key.holds, key.key == "limits") {
                self.commented_header(&format!("{path}.{}", key.key), inner.doc);
                self.keys(inner.keys, &[]);
            }
        }
    }

    /// A table of a sort that was explained before.
    fn bare(&mut self, path: &str, values: &[(&str, &str)]) {
        self.line(&format!("\n[{path}]"));
        for (key, value) in values {
            self.line(&format!("{key} = {value}"));
        }
    }

    fn kind(&mut self, system: &str, kind: &KindSettings) {
        let path = format!("{system}.{}", kind.kind);
        self.header(&path, &format!("The settings of a system of the kind {}.", kind.kind));
        let keys: Vec<Key> = kind.settings.iter().map(Key::from_setting).collect();
        self.keys(&keys, &[]);
    }

    fn other_kinds<'k>(&mut self, kinds: impl Iterator<Item = &'k KindSettings>) {
        for kind in kinds {
            self.line("");
            self.prose(&format!("A system of the kind {} has this table:", kind.kind));
            self.line("#");
            self.line(&format!("# [systems.NAME.{}]", kind.kind));
            for setting in kind.settings {
                let need = if setting.required { "Required." } else { "Optional." };
                self.line(&format!("# {} = {}", setting.key, setting.example));
                self.prose(&format!("    {} {need}", setting.doc));
            }
        }
    }

    /// What a kind's words mean, commented out because they are known already.
    fn words(&mut self, system: &str, table: &Table, kind: &KindSettings) {
        for (key, usual) in [("status", kind.statuses), ("priority", kind.priorities)] {
            let (Some(declared), false) = (find(table.keys, key), usual.is_empty()) else { continue };
            self.commented_header(&format!("{system}.{key}"), declared.doc);
            for (desk_word, word) in usual {
                self.line(&format!("#{desk_word:?} = {word:?}"));
            }
        }
        let Some(write) = inner_of(table.keys, "write") else { return };
        let lists = [
            ("status", kind.statuses, ("closed", "resolved")),
            ("priority", kind.priorities, ("urgent", "high")),
        ];
        let mut doc = write.doc.to_owned();
        for (key, usual, (missing, closest)) in lists {
            let Some(declared) = find(write.keys, key) else { continue };
            let word = |meaning: &str| usual.iter().find(|(_, word)| *word == meaning).map(|(word, _)| *word);
            // What the partner may say and this desk has no word for would be parked.
            let header = format!("{system}.write.{key}");
            match (word(missing), word(closest)) {
                (None, Some(desk_word)) => {
                    self.header(&header, format!("{doc} {}", declared.doc).trim());
                    self.line(&format!("{missing} = {desk_word:?}"));
                }
                (Some(desk_word), _) => {
                    self.commented_header(&header, format!("{doc} {}", declared.doc).trim());
                    self.line(&format!("#{missing} = {desk_word:?}"));
                }
                (None, None) => continue,
            }
            doc.clear();
        }
    }

    fn agreement(&mut self, home: &KindSettings, partner: &KindSettings) {
        let Some(agreement) = inner(&ROOT, "agreements") else { return };
        let path = "agreements.fabrikam";
        let shared = [("comments", r#""both""#), ("files", r#""both""#)];
        self.table(path, agreement, &shared);
        if let Some(route) = inner_of(agreement.keys, "route") {
            let outbound = r#"'ticket.fields["Partner"] == "Fabrikam" && ticket.priority >= "normal"'"#;
            let values = [("outbound", outbound), ("inbound", r#""true""#)];
            self.table(&format!("{path}.route"), route, &values);
        }
        if let Some(require) = inner_of(agreement.keys, "require") {
            self.table(&format!("{path}.require.component"), require, &[]);
        }
        if let Some(handshake) = inner_of(agreement.keys, "handshake") {
            self.optional(&format!("{path}.handshake"), handshake);
        }
        if let Some(grants) = inner_of(agreement.keys, "grants") {
            self.optional(&format!("{path}.grants"), grants);
        }
        if let Some(redact) = inner_of(agreement.keys, "redact") {
            self.commented_header(&format!("{path}.redact"), redact.doc);
            self.keys(redact.keys, &[]);
        }
        let Some(field) = inner_of(agreement.keys, "fields") else { return };
        self.table(&format!("{path}.fields.title"), field, &[("policy", r#""owner_home""#)]);
        self.bare(&format!("{path}.fields.description"), &[("policy", r#""owner_home""#)]);
        if !home.statuses.is_empty() && !partner.statuses.is_empty() {
            self.bare(&format!("{path}.fields.status"), &[("policy", r#""most_advanced""#)]);
        }
        if !home.priorities.is_empty() && !partner.priorities.is_empty() {
            let values = [
                ("direction", r#""outbound""#),
                ("policy", r#""owner_home""#),
                ("outbound", r#"{ low = "low", normal = "normal", high = "high", urgent = "high" }"#),
            ];
            self.bare(&format!("{path}.fields.priority"), &values);
        }
        self.bare(&format!(r#"{path}.fields."field:Component""#), &[("policy", r#""union""#)]);
    }

    /// A table that changes what happens by being there: all of it commented out, with an example for each key.
    fn optional(&mut self, path: &str, table: &Table) {
        self.commented_header(path, table.doc);
        for key in table.keys {
            self.prose(key.doc);
            self.line(&format!("#{} = {}", key.key, key.example));
        }
    }

    /// Tables by name, as prose: what they name would have to be there first.
    fn prose_of(&mut self, name: &str) {
        let Some(table) = inner(&ROOT, name) else { return };
        self.line("");
        self.prose(table.doc);
        self.line("#");
        self.line(&format!("# [{name}.NAME]"));
        for key in table.keys {
            let need = if key.need == Need::Required { "Required." } else { "Optional." };
            self.line(&format!("# {} = {}", key.key, key.example));
            self.prose(&format!("    {} {need}", key.doc));
        }
    }

    fn header(&mut self, path: &str, doc: &str) {
        self.line("");
        self.prose(doc);
        self.line(&format!("[{path}]"));
    }

    fn commented_header(&mut self, path: &str, doc: &str) {
        self.line("");
        self.prose(doc);
        self.line(&format!("#[{path}]"));
    }

    fn keys(&mut self, keys: &[Key], values: &[(&str, &str)]) {
        // Tables and word lists have headers of their own.
        let plain = keys.iter().filter(|key| {
            !matches!(
                key.holds,
                Holds::Table(_) | Holds::Named(..) | Holds::TextToWord(_) | Holds::WordToText(_)
            )
        });
        for (number, key) in plain.enumerate() {
            if number > 0 {
                self.line("");
            }
            self.prose(key.doc);
            let chosen = values.iter().find(|(name, _)| *name == key.key).map(|(_, value)| *value);
            match (chosen, key.need) {
                (Some(value), _) => self.line(&format!("{} = {value}", key.key)),
                (None, Need::Required) => self.line(&format!("{} = {}", key.key, key.example)),
                // It names something that this example does not have.
                (None, Need::Optional) if matches!(key.holds, Holds::Name) => {
                    self.line(&format!("# {} = {}", key.key, key.example));
                }
                (None, Need::Optional) => self.line(&format!("#{} = {}", key.key, key.example)),
                (None, Need::Default(value)) => self.line(&format!("#{} = {value}", key.key)),
            }
        }
    }

    /// Comment lines, set to the width; a leading indentation is kept.
    fn prose(&mut self, text: &str) {
        let indent = text.len() - text.trim_start().len();
        let start = format!("#{}", " ".repeat(indent + 1));
        let mut line = start.clone();
        for word in text.split_whitespace() {
            let fresh = line.len() == start.len();
            if !fresh && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                line.clone_from(&start);
            } else if !fresh {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(&line);
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}

fn find(keys: &'static [Key], key: &str) -> Option<&'static Key> {
    keys.iter().find(|candidate| candidate.key == key)
}

fn inner(table: &Table, key: &str) -> Option<&'static Table> {
    inner_of(table.keys, key)
}

fn inner_of(keys: &'static [Key], key: &str) -> Option<&'static Table> {
    if let Holds::Table(table) | Holds::Named(table, _) = find(keys, key)?.holds { Some(table) } else { None }
}
