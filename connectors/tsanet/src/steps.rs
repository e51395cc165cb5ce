//! Which answer brings a request to a status, and who may give it: pure.
//!
//! Who receives a request accepts, questions or rejects it. Who submitted it closes it, and not before it was accepted.
//!
//! <https://developer.tsanet.org/api/#cases>

use throughline_sdk::{Error, ErrorKind, Result};

use crate::config::Config;
use crate::map::{self, ACCEPTED, CLOSED, INFORMATION, OPEN, REJECTED, Side};
use crate::wire::{Answer, Case};

/// An answer and where it goes.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) part: &'static str,
    pub(crate) body: Answer,
}

/// What brings a request to a status; `None` where it has it.
pub(crate) fn step(case: &Case, wanted: &str, config: &Config) -> Result<Option<Step>> {
    if case.status == wanted {
        return Ok(None);
    }
    let refused = |message: &str| {
        let error = Error::new(ErrorKind::Rejected, message).with_context("case", case.id);
        Err(error.with_context("status", &case.status).with_context("wanted", wanted))
    };
    let step = match (map::side(case), case.status.as_str(), wanted) {
        (Some(Side::Receiver), OPEN | INFORMATION, ACCEPTED) => Step {
            part: "approval",
            body: Answer {
                next_steps: Some(config.next_steps.clone()),
                ..renumbered(number(case, config), config)
            },
        },
        (Some(Side::Receiver), OPEN | INFORMATION, REJECTED) => {
            Step { part: "rejection", body: Answer { reason: Some(config.reason.clone()), ..signed(config) } }
        }
        (Some(Side::Receiver), OPEN | ACCEPTED, INFORMATION) => Step {
            part: "information-request",
            body: Answer { requested_information: Some(config.question.clone()), ..signed(config) },
        },
        (Some(Side::Submitter), INFORMATION | ACCEPTED, CLOSED) => {
            Step { part: "closure", body: Answer { engineer: None, ..signed(config) } }
        }
        (Some(Side::Receiver), _, CLOSED) => {
            return refused("only the company that submitted a request closes it");
        }
        (Some(Side::Submitter), OPEN, CLOSED) => {
            return refused("an open request cannot be closed; the partner has to answer it first");
        }
        (Some(Side::Submitter), _, _) => {
            return refused("only the company that received a request accepts, questions or rejects it");
        }
        (Some(Side::Receiver), _, _) => {
            return refused("a request does not go from the one status to the other");
        }
        (None, _, _) => return refused("TSANet does not say which side of this request we are on"),
    };
    Ok(Some(step))
}

/// An approval with another number of ours.
pub(crate) fn renumbered(number: String, config: &Config) -> Answer {
    Answer { case_number: Some(number), ..signed(config) }
}

/// Our number of a request that we accept.
fn number(case: &Case, config: &Config) -> String {
    let known = case.receiver_case_number.as_deref().map(str::trim).filter(|number| !number.is_empty());
    known.or(config.case_number.as_deref()).map_or_else(|| case.id.to_string(), str::to_owned)
}

fn signed(config: &Config) -> Answer {
    Answer {
        engineer: Some(config.engineer.clone()),
        case_number: None,
        next_steps: None,
        reason: None,
        requested_information: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::tests::config;
    use crate::map::tests::case;

    #[test]
    fn each_side_has_its_own_answers() {
        for (direction, status, wanted, part) in [
            ("INBOUND", OPEN, OPEN, None),
            ("INBOUND", OPEN, ACCEPTED, Some("approval")),
            ("INBOUND", INFORMATION, ACCEPTED, Some("approval")),
            ("INBOUND", OPEN, REJECTED, Some("rejection")),
            ("INBOUND", ACCEPTED, INFORMATION, Some("information-request")),
            ("OUTBOUND", ACCEPTED, CLOSED, Some("closure")),
        ] {
            let case = case(json!({"direction": direction, "status": status}));
            let step = step(&case, wanted, &config()).unwrap();
            assert_eq!(step.map(|step| step.part), part, "{direction} {status} {wanted}");
        }
        for (direction, status, wanted) in [
            ("INBOUND", ACCEPTED, CLOSED),
            ("INBOUND", CLOSED, ACCEPTED),
            ("INBOUND", ACCEPTED, REJECTED),
            ("OUTBOUND", OPEN, CLOSED),
            ("OUTBOUND", OPEN, ACCEPTED),
            ("OUTBOUND", REJECTED, OPEN),
            ("SIDEWAYS", OPEN, ACCEPTED),
        ] {
            let case = case(json!({"direction": direction, "status": status}));
            let error = step(&case, wanted, &config()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected, "{direction} {status} {wanted}");
        }
    }

    #[test]
    fn an_approval_names_who_answers_and_a_number() {
        let body = |more| {
            serde_json::to_value(step(&case(more), ACCEPTED, &config()).unwrap().unwrap().body).unwrap()
        };
        assert_eq!(
            body(json!({})),
            json!({
                "engineerName": "Support Contoso", "engineerEmail": "support@contoso.example", "caseNumber": "88",
                "nextSteps": "We are working on it.",
            })
        );
        assert_eq!(body(json!({"receiverCaseNumber": "C-1"}))["caseNumber"], "C-1");
        let outbound = case(json!({"direction": "OUTBOUND", "status": "ACCEPTED"}));
        let closing = step(&outbound, CLOSED, &config()).unwrap().unwrap();
        assert_eq!(serde_json::to_value(closing.body).unwrap(), json!({}));
    }
}
