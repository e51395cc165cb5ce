//! Under which service and problem a new ticket is raised: by the operator's table, or as Azure itself classifies it.

use throughline_sdk::{Error, ErrorKind, NewTicket, Result};

use crate::api::Api;
use crate::wire::{Consent, Issue};

/// How much of a ticket's text is shown to the classification.
const SUMMARY_CHARS: usize = 2000;
const SERVICES: &str = "/providers/Microsoft.Support/services/";
const PROBLEMS: &str = "/problemClassifications/";

/// A problem classification of a service, each by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classification {
    pub(crate) service: String,
    pub(crate) problem: String,
}

impl Classification {
    /// Reads `SERVICE/CLASSIFICATION`, or the resource id of a classification.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let names: Vec<&str> = text.trim().split('/').filter(|part| !part.is_empty()).collect();
        let (service, problem) = match names.as_slice() {
            [service, problem] => (service, problem),
            [providers, support, services, service, problems, problem]
                if providers.eq_ignore_ascii_case("providers")
                    && support.eq_ignore_ascii_case("Microsoft.Support")
                    && services.eq_ignore_ascii_case("services")
                    && problems.eq_ignore_ascii_case("problemClassifications") =>
            {
                (service, problem)
            }
            _ => return None,
        };
        Some(Self { service: (*service).to_owned(), problem: (*problem).to_owned() })
    }

    /// The resource id of the service.
    pub(crate) fn service_id(&self) -> String {
        format!("{SERVICES}{}", self.service)
    }

    /// The resource id of the classification.
    pub(crate) fn problem_id(&self) -> String {
        format!("{SERVICES}{}{PROBLEMS}{}", self.service, self.problem)
    }
}

/// Chooses for a new ticket, about `resource` if it names one.
pub(crate) async fn choose(
    api: Api<'_>,
    ticket: &NewTicket,
    resource: Option<&str>,
) -> Result<Classification> {
    let config = api.config;
    let kind = ticket.kind.as_deref().or(config.default_type.as_deref());
    match kind {
        Some(kind) => match config.services.get(kind) {
            Some(classification) => Ok(classification.clone()),
            None if config.classify => by_azure(api, ticket, resource).await,
            None => Err(Error::new(
                ErrorKind::Rejected,
                "the setting services has no entry for this type; add one, or set classify",
            )
            .with_context("type", kind)),
        },
        None if config.classify => by_azure(api, ticket, resource).await,
        None => Err(Error::new(
            ErrorKind::Rejected,
            "the ticket has no type, and Azure needs a service: set default_type or classify, or give the ticket a type",
        )),
    }
}

/// The consents that a classification asks for, answered as the operator wants. Also shows that it still exists:
/// the catalogue changes, and Azure asks to read it before each creation.
pub(crate) async fn consents(api: Api<'_>, chosen: &Classification) -> Result<Vec<Consent>> {
    let problem = api.problem(&chosen.service, &chosen.problem).await.map_err(|error| {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        // Not the ticket is missing, and nothing but the setting can be changed.
        Error::new(
            ErrorKind::Misconfigured,
            "Azure does not offer this problem classification any more; choose another one in the setting services",
        )
        .with_context("classification", chosen.problem_id())
    })?;
    let answer = if api.config.secondary_consent { "Yes" } else { "No" };
    let asked = problem.properties.secondary_consent_enabled.unwrap_or_default();
    Ok(asked.into_iter().filter_map(|one| Some(Consent { user_consent: answer, kind: one.kind? })).collect())
}

async fn by_azure(api: Api<'_>, ticket: &NewTicket, resource: Option<&str>) -> Result<Classification> {
    let summary: String =
        format!("{}\n\n{}", ticket.title, ticket.description).chars().take(SUMMARY_CHARS).collect();
    let issue = Issue { issue_summary: summary.trim(), resource_id: resource };
    let service = api
        .classify_services(&issue)
        .await?
        .service_classification_results
        .into_iter()
        .find_map(|one| one.child_service.and_then(|child| child.service_id).or(one.service_id))
        .ok_or_else(|| unclassified("service"))?;
    let service = last(&service).to_owned();
    let problem = api
        .classify_problems(&service, &issue)
        .await?
        .problem_classification_results
        .into_iter()
        .find_map(|one| one.problem_classification_id)
        .ok_or_else(|| unclassified("problem classification"))?;
    // It may be the name alone or the whole id, then also of another service than was asked for.
    match Classification::parse(&problem) {
        Some(classification) => Ok(classification),
        None => Ok(Classification { service, problem: last(&problem).to_owned() }),
    }
}

fn last(id: &str) -> &str {
    id.rsplit('/').find(|part| !part.is_empty()).unwrap_or(id)
}

fn unclassified(what: &str) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!("Azure found no {what} for this ticket; give its type an entry in the setting services"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classification_is_read_in_both_ways_and_nothing_else_is_one() {
        let both = Classification { service: "s".to_owned(), problem: "p".to_owned() };
        let id = "/providers/Microsoft.Support/services/s/problemClassifications/p";
        assert_eq!(both.problem_id(), id);
        for text in ["s/p", id, &id.to_lowercase()] {
            assert_eq!(Classification::parse(text).as_ref(), Some(&both), "{text}");
        }
        for other in ["", "s", "s/p/q", "/providers/Microsoft.Compute/services/s/problemClassifications/p"] {
            assert_eq!(Classification::parse(other), None, "{other}");
        }
    }
}
