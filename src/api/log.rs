//! The ledger as a log for others: its key, signed checkpoints, proofs, and the evidence about one case.

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Described, SchemaObject};
use aide::operation::OperationOutput;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, json_schema};
use serde::{Deserialize, Serialize};

use super::Api;
use super::access::May;
use super::ask::{Asked, Named};
use super::cases::{CaseName, named};
use super::problem::Problem;
use crate::case::{PartyName, Seen};
use crate::evidence;
use crate::identity::{Principal, Prove, RightName, Visit};
use crate::ledger::watch::Told;
use crate::ledger::{Head, hex};

/// What a caller has seen of the log before.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    /// The size of the checkpoint that it holds.
    #[serde(default)]
    since: Option<u64>,
}

/// Which record.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RecordNumber {
    /// Its number, from 1.
    seq: u64,
}

/// A text as it is to be kept: a key, or a checkpoint.
#[derive(Debug)]
pub(super) struct Text(String);

/// An archive, to be saved under a name.
#[derive(Debug)]
pub(crate) struct Archive {
    name: String,
    bytes: Vec<u8>,
}

/// Whose view is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// A party.
    #[serde(rename = "for", default)]
    whose: Option<String>,
}

/// That a record stands in the log.
#[derive(Debug, Serialize, JsonSchema)]
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
pub(super) async fn key(State(api): State<Api>, _may: May<Visit>) -> Text {
    std::future::ready(()).await;
    Text(format!("{}\n", api.bridge.shared().signer.verifier()))
}

/// A signed checkpoint; with `since`, what proves that it only appended to the one of that size.
pub(super) async fn checkpoint(
    State(api): State<Api>,
    _may: May<Visit>,
    Asked { asked: Since { since }, .. }: Asked<Since>,
) -> Result<Text, Problem> {
    let shared = api.bridge.shared();
    let read = shared.journal.log(move |log, _| {
        let proven = since.map(|size| log.consistency(size)).transpose()?.flatten();
        Ok((log.head(), proven.zip(since)))
    });
    let (head, proven) = read.await.map_err(|error| Problem::internal(&error))?;
    let checkpoint = shared.signer.checkpoint(&head);
    // Whoever has seen more than there is gets no proof, and knows enough.
    Ok(Text(match proven {
        Some(((_, proof), size)) => Told::write(size, &proof, &checkpoint),
        None => checkpoint,
    }))
}

/// The proof that a record stands in the log, by its number.
pub(super) async fn record(
    State(api): State<Api>,
    _may: May<Visit>,
    Named(RecordNumber { seq }): Named<RecordNumber>,
) -> Result<Json<RecordProof>, Problem> {
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
    may: May<Prove>,
    Named(CaseName { case }): Named<CaseName>,
    Asked { asked, .. }: Asked<Whose>,
) -> Result<Archive, Problem> {
    taken(&api, &may.principal, &case, asked).await
}

/// What `principal` takes away about a case; that it does is recorded.
pub(crate) async fn taken(
    api: &Api,
    principal: &Principal,
    name: &str,
    Whose { whose }: Whose,
) -> Result<Archive, Problem> {
    let asked = whose.map(PartyName);
    let whose = match principal.party() {
        Some(own) if asked.as_ref().is_none_or(|asked| asked == own) => Some(own.clone()),
        None if principal.may::<Prove>() => asked,
        Some(_) | None => {
            let detail = format!(
                "this asks for the right to {}, and a guest for its own party's view",
                RightName::Prove
            );
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
    };
    let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("no case has the id or ticket {name}"));
    let case = named(api, name).await?;
    let shared = api.bridge.shared();
    let made =
        evidence::evidence(&shared.journal, &shared.signer, &case, whose.as_ref(), shared.clock.now()).await;
    let archive = match made {
        Ok(archive) => archive,
        // The same words as for a case that is not there.
        Err(evidence::Error::Stranger { .. }) if principal.party().is_some() => return Err(unknown()),
        Err(error @ evidence::Error::Stranger { .. }) => {
            return Err(Problem::new(StatusCode::NOT_FOUND, error.to_string()));
        }
        Err(error) => return Err(Problem::internal(&error)),
    };
    let looked = api.identity.looks(principal, Seen::Evidence, Some(case.id), whose.as_ref()).await;
    looked.map_err(|error| Problem::internal(&error))?;
    let name = if whose.is_some() { "evidence.tar".to_owned() } else { format!("evidence-{}.tar", case.id) };
    Ok(Archive { name, bytes: archive })
}

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, TEXT)], self.0).into_response()
    }
}

impl OperationOutput for Text {
    type Inner = Self;

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Described)> {
        vec![(Some(200), described(TEXT, "The text, to be kept as it is."))]
    }
}

impl IntoResponse for Archive {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, TAR.to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", self.name)),
        ];
        (headers, self.bytes).into_response()
    }
}

impl OperationOutput for Archive {
    type Inner = Self;

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Described)> {
        vec![(Some(200), described(TAR, "The archive. Its README says how to check it."))]
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
const TAR: &str = "application/x-tar";

fn described(media_type: &str, words: &str) -> Described {
    let schema =
        SchemaObject { json_schema: json_schema!({ "type": "string" }), external_docs: None, example: None };
    let media = MediaType { schema: Some(schema), ..MediaType::default() };
    Described {
        description: words.to_owned(),
        content: [(media_type.to_owned(), media)].into_iter().collect(),
        ..Described::default()
    }
}
