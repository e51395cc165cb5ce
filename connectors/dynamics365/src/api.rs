//! The Web API as calls: addresses, conditions, and one answer each.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{DATE, HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, RemoteId, Result, Timestamp};
use url::Url;

use crate::config::Config;
use crate::error::{DUPLICATE, check, refusal};
use crate::guid::Guid;
use crate::wire::{OrganizationVersion, Page, Row, Table, WhoAmI};

const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
const ODATA_MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const LABELS: &str = r#"odata.include-annotations="OData.Community.Display.V1.FormattedValue""#;

/// The largest JSON answer taken: five thousand notes without their files.
const MAX_JSON_BYTES: u64 = 64 * 1024 * 1024;

/// The columns of a note that are read: everything but the file itself.
const NOTE: &str = "annotationid,subject,notetext,isdocument,filename,filesize,mimetype,createdon,modifiedon,\
                    _createdby_value,_objectid_value,objecttypecode";

/// The columns of a case that are always read.
const CASE: &str = "incidentid,ticketnumber,title,description,statecode,statuscode,prioritycode,casetypecode,\
                    createdon,modifiedon,_customerid_value,_primarycontactid_value,_masterid_value";

/// One call's view of an environment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// A table by the name its rows are addressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    Cases,
    Notes,
}

impl Set {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cases => "incidents",
            Self::Notes => "annotations",
        }
    }

    /// The table's own name, as metadata and webhooks have it.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Cases => "incident",
            Self::Notes => "annotation",
        }
    }
}

/// What became of a row that was to be created under an id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    Now,
    /// It was there: an earlier attempt created it.
    Before,
}

impl Api<'_> {
    /// A case, without its notes.
    pub(crate) async fn case(&self, id: Guid) -> Result<Row> {
        let own = [&self.config.marker_column, &self.config.link_column].into_iter().flatten();
        let custom = self.config.columns.values().chain(self.config.choice_columns.values());
        let mut columns: Vec<&str> = CASE.split(',').collect();
        for column in own.chain(custom).map(String::as_str) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        let query = format!("$select={}", columns.join(","));
        let row: Result<Row> = self.read(&row(Set::Cases, id), &query).await;
        match row {
            Err(error) if error.kind() == ErrorKind::Forbidden => Err(self.out_of_sight(error).await?),
            other => other,
        }
        .map_err(|error| error.with_context("case", id))
    }

    /// All notes of a case, oldest first.
    pub(crate) async fn notes(&self, case: Guid) -> Result<Vec<Row>> {
        let query = format!(
            "$select={NOTE}&$filter=_objectid_value eq {case} and objecttypecode eq 'incident'&$orderby=createdon asc"
        );
        let mut notes = Vec::new();
        let mut next = Some(query);
        while let Some(query) = next {
            let page: Page = self
                .read(Set::Notes.name(), &query)
                .await
                .map_err(|error| error.with_context("notes of case", case))?;
            notes.extend(page.value);
            next = page.next_link.map(|link| continued(Set::Notes, &link)).transpose()?;
        }
        Ok(notes)
    }

    /// A note of a case, `None` if it is not there or another row's.
    pub(crate) async fn note(&self, case: Guid, id: Guid) -> Result<Option<Row>> {
        let note: Result<Row> = self.read(&row(Set::Notes, id), &format!("$select={NOTE}")).await;
        match note {
            Ok(note) => Ok(Some(note).filter(|note| Guid::parse(note.text("_objectid_value")) == Some(case))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.with_context("note", id)),
        }
    }

    /// The bytes of a note's file, of which the note says that they fit.
    pub(crate) async fn file(&self, note: Guid, limit_bytes: u64) -> Result<Bytes> {
        let path = format!("{}/documentbody/$value", row(Set::Notes, note));
        let call = self.ctx.get(self.address(&path, ""));
        // Base 64 takes four characters for three bytes, and a little room for quotes and line ends.
        let most = limit_bytes.saturating_mul(4) / 3 + 1024;
        let answer = self.send(call.max_answer_bytes(most), &Method::GET).await?;
        let text = String::from_utf8_lossy(&answer.body);
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
        let bytes = BASE64_STANDARD.decode(digits).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the note's file is no base 64: {error}"))
                .with_context("note", note)
        })?;
        Ok(Bytes::from(bytes))
    }

    /// Whether a row is there, and visible to us.
    pub(crate) async fn exists(&self, set: Set, id: Guid) -> Result<bool> {
        let found: Result<Row> = self.read(&row(set, id), "$select=createdon").await;
        match found {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Creates a row under an id of ours; if it is there already, nothing is changed.
    pub(crate) async fn insert(&self, set: Set, id: Guid, columns: &Value) -> Result<Inserted> {
        let url = self.address(&row(set, id), "");
        let call = self.ctx.call(Method::PATCH, url).header(IF_NONE_MATCH, "*").json(columns);
        let answer = self.with_headers(call).send_any().await?;
        if answer.status != StatusCode::PRECONDITION_FAILED {
            return self.refused(check(answer, &Method::PATCH)).await.map(|_| Inserted::Now);
        }
        if self.exists(set, id).await? {
            return Ok(Inserted::Before);
        }
        let error = match DUPLICATE.contains(&refusal(&answer).code.as_str()) {
            true => {
                Error::new(ErrorKind::Rejected, "another row has the same alternate key; nothing was created")
            }
            false => answer.error(
                ErrorKind::Conflict,
                &Method::PATCH,
                "Dataverse says that the row is there already, and it is not",
            ),
        };
        Err(error.with_context(set.table(), id))
    }

    /// Changes a row if it still has this version.
    pub(crate) async fn update(&self, set: Set, id: Guid, version: &str, columns: &Value) -> Result<()> {
        let url = self.address(&row(set, id), "");
        let call = self.ctx.call(Method::PATCH, url).header(IF_MATCH, version).json(columns);
        let answer = self.with_headers(call).send_any().await?;
        self.refused(check(answer, &Method::PATCH))
            .await
            .map(drop)
            .map_err(|error| error.with_context(set.table(), id))
    }

    /// Deletes a note; `false` if it was not there.
    pub(crate) async fn delete_note(&self, id: Guid) -> Result<bool> {
        let call = self.ctx.call(Method::DELETE, self.address(&row(Set::Notes, id), ""));
        match self.send(call, &Method::DELETE).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.with_context("note", id)),
        }
    }

    /// Resolves a case.
    ///
    /// The action takes no condition. So with a version, an update under that condition goes before it in one change
    /// set: either both are done or none.
    pub(crate) async fn close(&self, case: &Row, id: Guid, status: i64, version: Option<&str>) -> Result<()> {
        let mut resolution = json!({
            "@odata.type": "Microsoft.Dynamics.CRM.incidentresolution",
            "subject": self.config.resolution_subject,
            "incidentid@odata.bind": format!("/incidents({id})"),
        });
        if let (Some(minutes), Some(resolution)) =
            (self.config.resolution_minutes, resolution.as_object_mut())
        {
            resolution.insert("timespent".to_owned(), minutes.into());
        }
        let body = json!({ "IncidentResolution": resolution, "Status": status });
        let call = match version {
            None => self.ctx.post(self.address("CloseIncident", "")).json(&body),
            Some(version) => {
                let path = |path: &str| self.address(path, "").path().to_owned();
                // A value that stands already: it only has to be an update.
                let same = json!({ "title": case.text("title") });
                let set = change_set(&[
                    ("PATCH", &path(&row(Set::Cases, id)), Some(version), &same),
                    ("POST", &path("CloseIncident"), None, &body),
                ]);
                let media_type = format!("multipart/mixed; boundary=\"{BATCH}\"");
                self.ctx.post(self.address("$batch", "")).body(&media_type, set.into())
            }
        };
        let mut answer = self.with_headers(call).send_any().await?;
        if answer.status.is_success() && !refusal(&answer).message.is_empty() {
            // A change set that was refused inside an answer of success.
            answer.status = StatusCode::BAD_REQUEST;
        }
        self.refused(check(answer, &Method::POST))
            .await
            .map(drop)
            .map_err(|error| error.with_context("case", id))
    }

    /// Our account's name.
    pub(crate) async fn account(&self) -> Result<(String, Option<Timestamp>)> {
        let answer = self.send(self.ctx.get(self.address("WhoAmI", "")), &Method::GET).await?;
        let date = answer.headers.get(DATE).and_then(|date| date.to_str().ok());
        let time = date.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
        let who: WhoAmI = answer.json(&Method::GET)?;
        let id = Guid::of(&who.user_id, "user")?;
        let user: Row = self.read(&format!("systemusers({id})"), "$select=fullname").await?;
        let name = Some(user.text("fullname")).filter(|name| !name.is_empty()).unwrap_or(&who.user_id);
        Ok((name.to_owned(), time.map(|time| time.to_utc())))
    }

    /// The version of the organization.
    pub(crate) async fn version(&self) -> Result<String> {
        let answer: OrganizationVersion = self.read("RetrieveVersion()", "").await?;
        Ok(answer.version)
    }

    /// What a table is set up for.
    pub(crate) async fn table(&self, set: Set) -> Result<Table> {
        let path = format!("EntityDefinitions(LogicalName='{}')", set.table());
        self.read(&path, "$select=ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled").await
    }

    /// What the metadata say about a column of the case.
    pub(crate) async fn column<T: DeserializeOwned>(
        &self,
        column: &str,
        cast: &str,
        query: &str,
    ) -> Result<T> {
        let path =
            format!("EntityDefinitions(LogicalName='incident')/Attributes(LogicalName='{column}'){cast}");
        self.read(&path, query).await.map_err(|error| error.with_context("column", column))
    }

    /// A page of a table's changes. The caller reads the body of a refusal.
    pub(crate) async fn changes(&self, set: Set, query: &str) -> Result<Response> {
        let call = self.ctx.get(self.address(set.name(), query)).max_answer_bytes(MAX_JSON_BYTES);
        self.with_headers(call).header(PREFER, "odata.track-changes").send_any().await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str, query: &str) -> Result<T> {
        let call = self.ctx.get(self.address(path, query)).max_answer_bytes(MAX_JSON_BYTES);
        self.send(call.header(PREFER, LABELS), &Method::GET).await?.json(&Method::GET)
    }

    async fn send(&self, call: Call<'_>, method: &Method) -> Result<Response> {
        check(self.with_headers(call).send_any().await?, method)
    }

    fn with_headers<'c>(&self, call: Call<'c>) -> Call<'c> {
        call.header(ODATA_VERSION, "4.0").header(ODATA_MAX_VERSION, "4.0")
    }

    /// The outcome of a write. One row may be out of our sight without the whole system being so.
    async fn refused(&self, outcome: Result<Response>) -> Result<Response> {
        match outcome {
            Err(error) if error.kind() == ErrorKind::Forbidden => Err(self.out_of_sight(error).await?),
            other => other,
        }
    }

    /// What a 403 stands for: `NotFound` where our account reads other cases all the same.
    ///
    /// A missing privilege is named in the answer; that is the account's affair and not one row's.
    async fn out_of_sight(&self, error: Error) -> Result<Error> {
        if error.message().contains("prv") {
            return Ok(error);
        }
        let any: Result<Page> = self.read(Set::Cases.name(), "$select=incidentid&$top=1").await;
        match any {
            Ok(page) if !page.value.is_empty() => Ok(Error::new(
                ErrorKind::NotFound,
                format!("the case is out of our account's sight: {}", error.message()),
            )),
            Ok(_) | Err(_) => Ok(error),
        }
    }

    /// Written by hand: `OData` reads `+` for a space as it stands.
    fn address(&self, path: &str, query: &str) -> Url {
        let mut url = join(&self.config.api, &path.split('/').collect::<Vec<_>>());
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        url
    }
}

/// The path of a row.
fn row(set: Set, id: Guid) -> String {
    format!("{}({id})", set.name())
}

/// A case's id.
pub(crate) fn case_id(ticket: &RemoteId) -> Result<Guid> {
    Guid::of(ticket.as_str(), "case")
}

/// What is asked for under a link that an answer gives: its query part, of our own address.
pub(crate) fn continued(set: Set, link: &str) -> Result<String> {
    let url = Url::parse(link).ok();
    let ours = url.as_ref().filter(|url| url.path().rsplit('/').next() == Some(set.name()));
    ours.and_then(Url::query).map(str::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "a link to the next page does not lead to the same table")
            .with_context("table", set.table())
    })
}

const BATCH: &str = "batch_throughline";
const SET: &str = "changeset_throughline";

/// The body of a batch with one change set. JSON has no line that begins like a boundary.
fn change_set(parts: &[(&str, &str, Option<&str>, &Value)]) -> String {
    let mut body = format!("--{BATCH}\r\nContent-Type: multipart/mixed; boundary=\"{SET}\"\r\n\r\n");
    for (at, (method, path, version, json)) in parts.iter().enumerate() {
        let condition = version.map(|version| format!("If-Match: {version}\r\n")).unwrap_or_default();
        body.push_str(&format!(
            "--{SET}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {}\r\n\r\n\
             {method} {path} HTTP/1.1\r\nContent-Type: application/json\r\n{condition}\r\n{json}\r\n",
            at + 1
        ));
    }
    body.push_str(&format!("--{SET}--\r\n\r\n--{BATCH}--\r\n"));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_followed_only_to_its_own_table() {
        let link = "https://elsewhere.example/api/data/v9.2/incidents?$select=incidentid&$deltatoken=919042%2108%2f22";
        assert_eq!(continued(Set::Cases, link).unwrap(), "$select=incidentid&$deltatoken=919042%2108%2f22");
        assert_eq!(continued(Set::Notes, link).unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(continued(Set::Cases, "incidents?x=1").unwrap_err().kind(), ErrorKind::Malformed);
    }
}
