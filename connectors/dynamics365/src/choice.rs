//! Labels and the numbers that stand for them, as the organization has them now: every one of them can be renamed.

use throughline_sdk::{Error, ErrorKind, Result};

use crate::api::Api;
use crate::wire::{Choice, ChoiceColumn, Column};

const OPTIONS: &str = "$select=LogicalName&$expand=OptionSet";

/// The status of a case that was merged into another. Only a merge sets it.
pub(crate) const MERGED: i64 = 2000;

/// All status reasons of a case, with the state each belongs to.
pub(crate) async fn statuses(api: Api<'_>) -> Result<Vec<Choice>> {
    let cast = "/Microsoft.Dynamics.CRM.StatusAttributeMetadata";
    let column: ChoiceColumn = api.column("statuscode", cast, OPTIONS).await?;
    Ok(options(column))
}

/// The choices of a column of the case.
pub(crate) async fn of(api: Api<'_>, column: &str) -> Result<Vec<Choice>> {
    let cast = "/Microsoft.Dynamics.CRM.PicklistAttributeMetadata";
    let query = "$select=LogicalName&$expand=OptionSet,GlobalOptionSet";
    let column: ChoiceColumn = api.column(column, cast, query).await?;
    Ok(options(column))
}

/// What a column with choices takes for a label.
pub(crate) async fn value(api: Api<'_>, column: &str, word: &str) -> Result<serde_json::Value> {
    let kind: Column = api.column(column, "", "$select=AttributeType").await?;
    if kind.kind != "Boolean" {
        if word.is_empty() {
            return Ok(serde_json::Value::Null);
        }
        return Ok(find(&of(api, column).await?, word, column)?.value.into());
    }
    let cast = "/Microsoft.Dynamics.CRM.BooleanAttributeMetadata";
    let both: ChoiceColumn = api.column(column, cast, OPTIONS).await?;
    Ok((find(&options(both), word, column)?.value == 1).into())
}

fn options(column: ChoiceColumn) -> Vec<Choice> {
    let sets = [column.options, column.global].into_iter().flatten();
    let lists = sets.map(|set| set.options.into_iter().chain(set.no).chain(set.yes).collect::<Vec<_>>());
    lists.into_iter().find(|list| !list.is_empty()).unwrap_or_default()
}

/// The choice with this label.
pub(crate) fn find<'a>(choices: &'a [Choice], word: &str, what: &str) -> Result<&'a Choice> {
    let mut fitting = choices.iter().filter(|choice| choice.word() == word);
    match (fitting.next(), fitting.next()) {
        (Some(choice), None) => Ok(choice),
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::Rejected,
            format!("several choices of {what} are called {word:?}; rename one of them in the organization"),
        )),
        (None, _) => Err(Error::new(
            ErrorKind::Rejected,
            format!("the organization has no {what} {word:?}; see what describe lists"),
        )),
    }
}
