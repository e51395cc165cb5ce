//! What an effect makes of a leg: what was answered counts as seen there before it is read back.

use throughline_sdk::{IntentId, Operation, Subject, SystemName, Visibility};

use crate::case::{Case, Field, Fingerprint, Item, Origin, SeenComment, SeenFile, Written};

impl Case {
    pub(super) fn effect(&mut self, name: &SystemName, intent: &IntentId, subject: &Subject) {
        let Some(ended) = self.take_outstanding(name, intent) else { return };
        let Some(leg) = self.legs.get_mut(name) else { return };
        match (subject, &ended.item) {
            (Subject::Ticket(id), Item::Ticket) => leg.ticket = Some(id.clone()),
            (Subject::Comment(id), Item::Remark(origin)) => {
                // The text may have been edited since the intent was recorded: then this is an older version.
                let version = self.document.remarks.get(origin).map_or(1, |remark| {
                    let current = ended.value.as_ref().is_none_or(|value| *value == remark.print);
                    if current { remark.version } else { remark.version.saturating_sub(1) }
                });
                let body = match &ended.intent.operation {
                    Operation::Comment { body, .. } | Operation::Edit { body, .. } => Some(body.as_str()),
                    Operation::Retract { .. }
                    | Operation::Create(_)
                    | Operation::Update { .. }
                    | Operation::Transition { .. }
                    | Operation::Attach { .. }
                    | Operation::LinkBack { .. } => None,
                };
                let internal = match &ended.intent.operation {
                    Operation::Comment { visibility, .. } => *visibility != Visibility::Public,
                    Operation::Edit { .. }
                    | Operation::Retract { .. }
                    | Operation::Create(_)
                    | Operation::Update { .. }
                    | Operation::Transition { .. }
                    | Operation::Attach { .. }
                    | Operation::LinkBack { .. } => {
                        leg.shadow.comments.get(id).is_some_and(|seen| seen.internal)
                    }
                };
                let seen = SeenComment {
                    origin: origin.clone(),
                    internal,
                    unproven: internal && body.is_some(),
                    seen: Fingerprint::of(body.unwrap_or_default()),
                    // Taking a copy back carries no version: a newer one may be waiting to be sent.
                    version: body.map_or_else(
                        || leg.shadow.comments.get(id).map_or(0, |seen| seen.version),
                        |_| version,
                    ),
                    gone: body.is_none(),
                };
                leg.shadow.comments.insert(id.clone(), seen);
            }
            (Subject::Comment(id), Item::Notice(key)) => {
                let Operation::Comment { body, visibility } = &ended.intent.operation else { return };
                let internal = *visibility != Visibility::Public;
                let seen = SeenComment {
                    origin: Origin::notice(key),
                    seen: Fingerprint::of(body),
                    version: 1,
                    internal,
                    unproven: internal,
                    gone: false,
                };
                leg.shadow.comments.insert(id.clone(), seen);
                leg.notices.insert(key.clone());
            }
            (_, Item::Field(field)) => {
                if let (Some(sent), Some(value)) = (ended.intent.operation.value(field), ended.value) {
                    let seen = leg.shadow.fields.entry(field.clone()).or_default();
                    seen.written = Some(Written { sent: sent.to_owned(), value });
                    // It has to be read back, also after a crash.
                    leg.dirty = true;
                }
            }
            (_, Item::LinkBack(system)) => {
                leg.linked.insert(system.clone());
                if let Some(shown) = ended.value {
                    leg.shown.insert(system.clone(), shown);
                }
            }
            (Subject::File(id), Item::Attachment(origin)) => {
                let internal = match &ended.intent.operation {
                    Operation::Attach { visibility, .. } => *visibility != Visibility::Public,
                    Operation::Comment { .. }
                    | Operation::Edit { .. }
                    | Operation::Retract { .. }
                    | Operation::Create(_)
                    | Operation::Update { .. }
                    | Operation::Transition { .. }
                    | Operation::LinkBack { .. } => false,
                };
                let seen = SeenFile { origin: origin.clone(), internal, unproven: internal, gone: false };
                leg.shadow.files.insert(id.clone(), seen);
            }
            (Subject::Comment(id), Item::Recall(_)) => {
                if let Some(seen) = leg.shadow.comments.get_mut(id) {
                    seen.seen = Fingerprint::of("");
                    seen.gone = true;
                }
            }
            _ => {}
        }
    }
}

/// What an operation writes into a field, in the system's own words.
pub(crate) trait WrittenValue {
    /// The value written into `field`, if any.
    fn value(&self, field: &Field) -> Option<&str>;
}

impl WrittenValue for Operation {
    fn value(&self, field: &Field) -> Option<&str> {
        match (self, field) {
            (Self::Transition { status }, Field::Status) => Some(status),
            (Self::Update { changes }, Field::Title) => changes.title.as_deref(),
            (Self::Update { changes }, Field::Description) => changes.description.as_deref(),
            (Self::Update { changes }, Field::Priority) => changes.priority.as_deref(),
            (Self::Update { changes }, Field::Kind) => changes.kind.as_deref(),
            (Self::Update { changes }, Field::Custom(name)) => changes.fields.get(name).map(String::as_str),
            _ => None,
        }
    }
}
