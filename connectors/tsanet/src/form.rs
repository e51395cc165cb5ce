//! A partner's form, filled in: pure. What is missing is said before anything is sent.
//!
//! <https://developer.tsanet.org/api/#partners>

use serde_json::Value;
use throughline_sdk::{Error, ErrorKind, Marker, NewTicket, Result};

use crate::config::Config;
use crate::map::{self, MAX_TEXT, MAX_TITLE, OPEN};
use crate::marker;
use crate::wire::{Form, FormField, NewCase};

/// What a request without a priority gets.
const DEFAULT_PRIORITY: &str = "MEDIUM";

impl FormField {
    /// What people see the field called.
    pub(crate) fn label(&self) -> &str {
        self.text("label")
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default().trim()
    }

    fn is_required(&self) -> bool {
        self.0.get("required").and_then(Value::as_bool).unwrap_or_default()
    }

    /// The choices of a field with choices; none for others.
    ///
    /// The list of them is often empty, and the text then has one on a line; commas separate them only where there is
    /// one line.
    fn choices(&self) -> Vec<&str> {
        if self.text("type") != "SELECT" {
            return Vec::new();
        }
        let listed = self.0.get("selections").and_then(Value::as_array).into_iter().flatten();
        let listed: Vec<&str> = listed
            .filter_map(|one| one.get("value")?.as_str())
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .collect();
        if !listed.is_empty() {
            return listed;
        }
        let options = self.text("options");
        let by = if options.contains(['\n', '\r']) { ['\n', '\r'] } else { [',', ','] };
        options.split(by).map(str::trim).filter(|one| !one.is_empty()).collect()
    }

    fn fill(&mut self, value: &str) -> Result<()> {
        let choices = self.choices();
        let value = match choices.iter().find(|choice| choice.eq_ignore_ascii_case(value)) {
            Some(choice) => (*choice).to_owned(),
            None if choices.is_empty() => value.to_owned(),
            None => {
                let message = format!(
                    "the partner's form does not offer {value:?} there; it offers {}",
                    choices.join(", ")
                );
                return Err(Error::new(ErrorKind::Rejected, message).with_context("field", self.label()));
            }
        };
        self.0.insert("value".to_owned(), value.into());
        Ok(())
    }
}

/// A new request on a form. It bears its marker from the first moment, as our own number too, which has to be given.
pub(crate) fn filled(form: Form, new: &NewTicket, marker: &Marker, config: &Config) -> Result<NewCase> {
    if let Some(status) = new.status.as_deref().filter(|status| *status != OPEN) {
        return Err(Error::new(ErrorKind::Rejected, "a new request is open; only the partner can say more")
            .with_context("status", status));
    }
    if let Some(kind) = &new.kind {
        return Err(Error::new(ErrorKind::Rejected, "requests have no types").with_context("type", kind));
    }
    let mut custom_fields = form.custom_fields;
    if let Some(name) =
        new.fields.keys().find(|name| !custom_fields.iter().any(|field| field.label() == *name))
    {
        return Err(Error::new(ErrorKind::Rejected, "the partner's form has no field with this label")
            .with_context("field", name));
    }
    for field in &mut custom_fields {
        let label = field.label();
        if let Some(value) = new.fields.get(label).or_else(|| config.fields.get(label)) {
            field.fill(value)?;
        }
    }
    let open = |field: &&FormField| field.is_required() && field.text("value").is_empty();
    let open: Vec<&str> = custom_fields.iter().filter(open).map(FormField::label).collect();
    if !open.is_empty() {
        let message = format!(
            "the partner's form asks for {}; fill that in by the agreement or in the setting fields",
            open.join(", ")
        );
        return Err(Error::new(ErrorKind::Rejected, message));
    }
    let room = MAX_TEXT.saturating_sub(marker::room(marker));
    Ok(NewCase {
        document_id: form.document_id,
        internal_case_number: marker.as_str().to_owned(),
        problem_summary: map::cut_line(new.title.trim(), MAX_TITLE),
        problem_description: marker::mark(&map::write_text(&new.description, room), marker),
        priority: new.priority.clone().unwrap_or_else(|| DEFAULT_PRIORITY.to_owned()),
        submitter_contact_details: config.contact(),
        custom_fields,
        internal_notes: [],
        test_submission: config.test,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::tests::config;

    fn form() -> Form {
        serde_json::from_value(json!({
            "documentId": 7,
            "customFields": [
                {"fieldId": 1, "label": "Product", "type": "STRING", "required": true, "value": null, "extra": [1]},
                {"fieldId": 2, "label": "Hypervisor", "type": "SELECT", "required": true, "options": "AHV\r\nESXi, 8\r\nKVM"},
                {"fieldId": 3, "label": "Remark", "type": "TEXT", "required": false},
            ],
        }))
        .unwrap()
    }

    fn new(fields: &[(&str, &str)]) -> NewTicket {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (title, description) = ("VPN down".to_owned(), "since *this* morning".to_owned());
        NewTicket { title, description, status: None, priority: None, kind: None, fields }
    }

    #[test]
    fn a_form_goes_back_as_it_came_and_filled_in() {
        let marker = Marker::from_hash(&[5; 32]);
        let case = filled(form(), &new(&[("Hypervisor", "esxi, 8")]), &marker, &config()).unwrap();
        let case = serde_json::to_value(&case).unwrap();
        assert_eq!(
            case["customFields"],
            json!([
                {"fieldId": 1, "label": "Product", "type": "STRING", "required": true, "value": "Gateway", "extra": [1]},
                {"fieldId": 2, "label": "Hypervisor", "type": "SELECT", "required": true,
                 "options": "AHV\r\nESXi, 8\r\nKVM", "value": "ESXi, 8"},
                {"fieldId": 3, "label": "Remark", "type": "TEXT", "required": false},
            ])
        );
        assert_eq!(case["internalCaseNumber"], marker.as_str());
        assert_eq!(case["problemDescription"], format!("since this morning\n\n[{marker}]"));
        assert_eq!((&case["internalNotes"], &case["testSubmission"]), (&json!([]), &json!(false)));
    }

    #[test]
    fn what_is_missing_or_not_offered_is_said_first() {
        let marker = Marker::from_hash(&[5; 32]);
        for (fields, said) in [
            (&[][..], "asks for Hypervisor;"),
            (&[("Hypervisor", "Xen")], "it offers AHV, ESXi, 8, KVM"),
            (&[("Hypervisor", "KVM"), ("Colour", "red")], "no field with this label"),
        ] {
            let error = filled(form(), &new(fields), &marker, &config()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected);
            assert!(error.message().contains(said), "{error}");
        }
        let typed = NewTicket { kind: Some("Incident".into()), ..new(&[("Hypervisor", "KVM")]) };
        assert_eq!(filled(form(), &typed, &marker, &config()).unwrap_err().kind(), ErrorKind::Rejected);
        let begun = NewTicket { status: Some("ACCEPTED".into()), ..new(&[("Hypervisor", "KVM")]) };
        assert_eq!(filled(form(), &begun, &marker, &config()).unwrap_err().kind(), ErrorKind::Rejected);
    }

    #[test]
    fn choices_are_read_in_each_of_their_shapes() {
        for (field, expected) in [
            (
                json!({"type": "SELECT", "selections": [{"value": " A "}, {"value": ""}], "options": "B\nC"}),
                &["A"][..],
            ),
            (json!({"type": "SELECT", "selections": [], "options": "A, b\r\nC"}), &["A, b", "C"]),
            (json!({"type": "SELECT", "options": "A, b"}), &["A", "b"]),
            (json!({"type": "STRING", "options": "A, b"}), &[]),
        ] {
            let field: FormField = serde_json::from_value(field).unwrap();
            assert_eq!(field.choices(), expected);
        }
    }
}
