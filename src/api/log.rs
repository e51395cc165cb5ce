//! The ledger as a log for others: its key, signed checkpoints, proofs, and the evidence about one case.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Api;
use super::access::May;
use super::cases::named;
use super::problem::Problem;
use crate::case::{PartyName, Seen};
use crate::evidence;
use crate::identity::{Audit, RightName, Visit};
use crate::ledger::watch::Told;
use crate::ledger::{Head, hex};

/// What a caller has seen of the log before.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    /// The size of the checkpoint that it holds.
    since: Option<u64>,
}

/// Whose view is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    /// A party.
    #[serde(rename = "for")]
    whose: Option<String>,
}

/// That a record stands in the log.
#[derive(Debug, Serialize)]
pub(super) struct RecordProof {
    /// Its number, from 1.
    seq: u64,
    /// Its index as a leaf.
    index: u64,
    /// Its hash in the chain.
    hash: String,
    /// The root over its items, in records that name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    /// From the leaf, which is `hash` and `root`, to the root of the checkpoint.
    proof: Vec<String>,
    /// The signed checkpoint.
    checkpoint: String,
}

/// The public key of the log.
pub(super) async fn key(State(api): State<Api>, _may: May<Visit>) -> Response {
    std::future::ready(()).await;
    text(format!("{}\n", api.bridge.shared().signer.verifier()))
}

/// A signed checkpoint; with `since`, what proves that it only appended to the one of that size.
pub(super) async fn checkpoint(
    State(api): State<Api>,
    _may: May<Visit>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Since { since }) = since?;
    let shared = api.bridge.shared();
    let read = shared.journal.log(move |log, _| {
        let proven = since.map(|size| log.consistency(size)).transpose()?.flatten();
        Ok((log.head(), proven.zip(since)))
    });
    let (head, proven) = read.await.map_err(|error| Problem::internal(&error))?;
    let checkpoint = shared.signer.checkpoint(&head);
    // Whoever has seen more than there is gets no proof, and knows enough.
    Ok(text(match proven {
        Some(((_, proof), size)) => Told::write(size, &proof, &checkpoint),
        None => checkpoint,
    }))
}

/// The proof that a record stands in the log, by its number.
pub(super) async fn record(
    State(api): State<Api>,
    _may: May<Visit>,
    seq: Result<Path<u64>, PathRejection>,
) -> Result<Json<RecordProof>, Problem> {
    let Path(seq) = seq?;
    let shared = api.bridge.shared();
    let read = shared.journal.log(move |log, _| Ok((log.head(), log.inclusion(seq)?)));
    let (head, found) = read.await.map_err(|error| Problem::internal(&error))?;
    let Head { size, .. } = head;
    let missing =
        || Problem::new(StatusCode::NOT_FOUND, format!("there is no record {seq}; the last one is {size}"));
    let found = found.ok_or_else(missing)?;
    Ok(Json(RecordProof {
        seq,
        index: seq.saturating_sub(1),
        hash: hex(&found.leaf.hash),
        root: found.leaf.root.map(|root| hex(&root)),
        proof: found.proof.iter().map(|hash| hex(hash)).collect(),
        checkpoint: shared.signer.checkpoint(&head),
    }))
}

/// The evidence about a case. A guest is given its own party's view, and learns nothing of other cases.
pub(super) async fn evidence(
    State(api): State<Api>,
    may: May<Visit>,
    name: Result<Path<String>, PathRejection>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Whose { whose }) = whose?;
    let asked = whose.map(PartyName);
    let whose = match may.principal.party() {
        Some(own) if asked.as_ref().is_none_or(|asked| asked == own) => Some(own.clone()),
        None if may.principal.may::<Audit>() => asked,
        Some(_) | None => {
            let detail =
                format!("this asks for the right to {}, or for one's own party's view", RightName::Audit);
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
    };
    let name = name?;
    let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("no case has the id or ticket {}", *name));
    let case = named(&api, &name).await?;
    let shared = api.bridge.shared();
    let made =
        evidence::evidence(&shared.journal, &shared.signer, &case, whose.as_ref(), shared.clock.now()).await;
    let archive = match made {
        Ok(archive) => archive,
        // The same words as for a case that is not there.
        Err(evidence::Error::Stranger { .. }) if may.principal.party().is_some() => return Err(unknown()),
        Err(error @ evidence::Error::Stranger { .. }) => {
            return Err(Problem::new(StatusCode::NOT_FOUND, error.to_string()));
        }
        Err(error) => return Err(Problem::internal(&error)),
    };
    let looked = api.identity.looks(&may.principal, Seen::Evidence, Some(case.id), whose.as_ref()).await;
    looked.map_err(|error| Problem::internal(&error))?;
    let named = if whose.is_some() { "evidence.tar".to_owned() } else { format!("evidence-{}.tar", case.id) };
    let headers = [
        (header::CONTENT_TYPE, "application/x-tar".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{named}\"")),
    ];
    Ok((headers, archive).into_response())
}

fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
