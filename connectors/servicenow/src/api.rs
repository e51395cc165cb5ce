//! The Table, Attachment and Import Set APIs as calls: addresses, queries, and one answer each.

use bytes::Bytes;
use http::{Method, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, Marker, RemoteId, Result, Timestamp};
use url::Url;

use crate::config::Config;
use crate::error::{check, server_time};
use crate::wire::{Import, Imported, One, Row, Rows};

/// The largest JSON answer taken: a thousand journal entries.
const MAX_JSON_BYTES: u64 = 64 * 1024 * 1024;

/// Rows on a page of a record's own entries and files.
const PAGE: usize = 500;
/// The most pages read of them.
const MAX_PAGES: usize = 40;

/// The fields of a record that are always read.
const RECORD: &str = "sys_id,number,short_description,description,priority,impact,urgency,caller_id,opened_by,\
                      close_code,close_notes,hold_reason,comments,work_notes,sys_created_on,sys_updated_on,\
                      sys_mod_count";

/// One call's view of an instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// The id of a row. Only such go into queries: what else stands there could extend them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SysId(String);

impl SysId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Reads an id as the engine keeps it.
    pub(crate) fn of(text: &str, what: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("ServiceNow has no {what} with this id: it is no sys_id"))
                .with_context("id", text)
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A record's id.
pub(crate) fn record_id(ticket: &RemoteId) -> Result<SysId> {
    SysId::of(ticket.as_str(), "record")
}

/// A page of rows, and what stands in its header fields.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    /// Whether there are rows behind it. The rows themselves do not tell: access rules take some away afterwards.
    pub(crate) more: bool,
    /// What time it is there.
    pub(crate) time: Option<Timestamp>,
}

/// The parameters of an address.
type Query<'q> = &'q [(&'q str, &'q str)];

impl Api<'_> {
    /// A record, in both forms of each field.
    pub(crate) async fn record(&self, id: &SysId) -> Result<Row> {
        let path = ["table", self.config.table.as_str(), id.as_str()];
        let fields = self.fields();
        let answer: One = self
            .read(&path, &both_forms(&fields))
            .await
            .map_err(|error| error.with_context("record", id.as_str()))?;
        Ok(answer.result)
    }

    /// The records that bear a marker.
    pub(crate) async fn marked(&self, marker: &Marker) -> Result<Vec<SysId>> {
        let field = self.config.marker_field.as_str();
        let query = format!("{field}={marker}");
        let fields = format!("sys_id,{field}");
        let page = self
            .page(
                &["table", self.config.table.as_str()],
                &[("sysparm_query", &query), ("sysparm_fields", &fields), ("sysparm_limit", "100")],
            )
            .await?;
        // What the instance does not know of a query it leaves out, and lists everything.
        let ours = page.rows.iter().filter(|row| row.value(field) == marker.as_str());
        Ok(ours.filter_map(|row| SysId::parse(row.value("sys_id"))).collect())
    }

    /// The journal entries of a record, oldest first.
    pub(crate) async fn journal(&self, record: &SysId) -> Result<Vec<Row>> {
        let query = format!(
            "element_id={}^elementINcomments,work_notes^ORDERBYsys_created_on^ORDERBYsys_id",
            record.as_str()
        );
        let fields = "sys_id,element,element_id,value,sys_created_on,sys_created_by";
        let path = ["table", "sys_journal_field"];
        let rows = self.all(&path, &[("sysparm_query", query.as_str()), ("sysparm_fields", fields)]).await;
        let rows = rows.map_err(journal_refused)?;
        Ok(rows.into_iter().filter(|row| row.value("element_id") == record.as_str()).collect())
    }

    /// What is attached to a record, oldest first.
    pub(crate) async fn files(&self, record: &SysId) -> Result<Vec<Row>> {
        let (table, id) = (self.config.table.as_str(), record.as_str());
        let query = format!("table_name={table}^table_sys_id={id}^ORDERBYsys_created_on^ORDERBYsys_id");
        let rows = self.all(&["attachment"], &[("sysparm_query", query.as_str())]).await?;
        Ok(rows.into_iter().filter(|row| row.value("table_sys_id") == id).collect())
    }

    /// What ServiceNow says about a file.
    pub(crate) async fn file(&self, file: &SysId) -> Result<Row> {
        let answer: One = self.read(&["attachment", file.as_str()], &[]).await?;
        Ok(answer.result)
    }

    /// A file's bytes. The address that ServiceNow gives may name another host, so ours is built from the id.
    pub(crate) async fn bytes(&self, file: &SysId, limit_bytes: u64) -> Result<Bytes> {
        let call = self.ctx.get(self.address(&["attachment", file.as_str(), "file"]));
        let call = call.header(header::ACCEPT, "*/*").max_answer_bytes(limit_bytes);
        // Not looked into: a file may say anything.
        Ok(call.send_any().await?.success(&Method::GET)?.body)
    }

    /// Creates a record in the table.
    pub(crate) async fn create(&self, fields: &Map<String, Value>) -> Result<SysId> {
        let call = self.ctx.post(self.address(&["table", self.config.table.as_str()]));
        let call = with(call, &[("sysparm_fields", "sys_id"), ("sysparm_exclude_reference_link", "true")]);
        let answer: One = send(call.json(fields), &Method::POST).await?.json(&Method::POST)?;
        created(answer.result.value("sys_id"))
    }

    /// Creates a record through an import set, or updates the one it coalesces with.
    pub(crate) async fn import(&self, table: &str, fields: &Map<String, Value>) -> Result<SysId> {
        // An import set takes texts only, under names of its own.
        let staged: Map<String, Value> =
            fields.iter().map(|(name, value)| (format!("u_{name}"), value.clone())).collect();
        let call = self.ctx.post(self.address(&["import", table])).json(&staged);
        let answer: Import = send(call, &Method::POST).await?.json(&Method::POST)?;
        // A staging table may have several maps: the one into our table counts.
        let ours =
            answer.result.into_iter().find(|one| one.table == self.config.table || one.status == "error");
        let ours = ours.ok_or_else(|| {
            Error::new(
                ErrorKind::Misconfigured,
                "no transform map of import_table leads to the table of the settings",
            )
            .with_context("import_table", table)
            .with_unknown_effect()
        })?;
        let Imported { status, sys_id, error_message, status_message, .. } = ours;
        if status == "error" {
            let words = error_message.or(status_message).unwrap_or_default();
            let message = format!("the transform map of import_table refused the record: {words}");
            return Err(Error::new(ErrorKind::Rejected, message).with_context("import_table", table));
        }
        created(&sys_id)
    }

    /// Changes a record. That ServiceNow answers with success does not say that it did all of it.
    pub(crate) async fn update(&self, id: &SysId, fields: &Map<String, Value>) -> Result<()> {
        let url = self.address(&["table", self.config.table.as_str(), id.as_str()]);
        let call = with(self.ctx.call(Method::PATCH, url), &[("sysparm_fields", "sys_id")]);
        let answer = send(call.json(fields), &Method::PATCH).await;
        answer.map(drop).map_err(|error| error.with_context("record", id.as_str()))
    }

    /// Attaches a file.
    pub(crate) async fn attach(
        &self,
        record: &SysId,
        name: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<SysId> {
        let call = self.ctx.post(self.address(&["attachment", "file"]));
        let call = with(
            call,
            &[
                ("table_name", self.config.table.as_str()),
                ("table_sys_id", record.as_str()),
                ("file_name", name),
            ],
        );
        let answer = async {
            let answer: One = send(call.body(media_type, bytes), &Method::POST).await?.json(&Method::POST)?;
            created(answer.result.value("sys_id"))
        };
        answer.await.map_err(|error: Error| error.with_context("record", record.as_str()))
    }

    /// Deletes a file.
    pub(crate) async fn detach(&self, file: &SysId) -> Result<()> {
        let call = self.ctx.call(Method::DELETE, self.address(&["attachment", file.as_str()]));
        send(call, &Method::DELETE).await.map(drop)
    }

    /// The choices of a field, of the table and of the task it extends.
    pub(crate) async fn choices(&self, field: &str) -> Result<Vec<Row>> {
        let query =
            format!("element={field}^nameIN{},task^inactive=false^ORDERBYsequence", self.config.table);
        let fields = "name,element,value,label,language,inactive,sequence";
        self.all(&["table", "sys_choice"], &[("sysparm_query", query.as_str()), ("sysparm_fields", fields)])
            .await
    }

    /// Our account's row, and what time it is there.
    pub(crate) async fn account(&self) -> Result<(String, Option<Timestamp>)> {
        let page = self
            .page(
                &["table", "sys_user"],
                &[
                    ("sysparm_query", "sys_id=javascript:gs.getUserID()"),
                    ("sysparm_fields", "user_name,name"),
                    ("sysparm_limit", "2"),
                ],
            )
            .await?;
        let name = match &page.rows[..] {
            [one] if !one.value("user_name").is_empty() => {
                format!("{} ({})", one.value("name"), one.value("user_name"))
            }
            // Several rows: the instance left the query out. None: it does not show users.
            _ => "an account that may not read its own row of sys_user".to_owned(),
        };
        Ok((name, page.time))
    }

    /// One row of a table, if we see any.
    pub(crate) async fn sample(&self, table: &str) -> Result<Page> {
        self.page(&["table", table], &[("sysparm_fields", "sys_id"), ("sysparm_limit", "1")]).await
    }

    /// A page of rows.
    pub(crate) async fn page(&self, path: &[&str], query: Query<'_>) -> Result<Page> {
        let call = with(self.ctx.get(self.address(path)).max_answer_bytes(MAX_JSON_BYTES), query);
        let answer = match send(call, &Method::GET).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Page { rows: Vec::new(), more: false, time: None });
            }
            other => other?,
        };
        let links = answer.headers.get_all(header::LINK).iter();
        let more = links.filter_map(|link| link.to_str().ok()).any(|link| link.contains("rel=\"next\""));
        let time = server_time(&answer);
        let rows: Rows = answer.json(&Method::GET)?;
        Ok(Page { rows: rows.result, more, time })
    }

    /// All rows of a list that has an end.
    async fn all(&self, path: &[&str], query: Query<'_>) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let limit = PAGE.to_string();
        for page in 0..MAX_PAGES {
            let offset = (page * PAGE).to_string();
            let mut query = query.to_vec();
            query.extend([("sysparm_limit", limit.as_str()), ("sysparm_offset", offset.as_str())]);
            let page = self.page(path, &query).await?;
            rows.extend(page.rows);
            if !page.more {
                return Ok(rows);
            }
        }
        let message = format!("a list has more than the {} rows that are read", PAGE * MAX_PAGES);
        Err(Error::new(ErrorKind::Rejected, message).with_context("list", path.join("/")))
    }

    async fn read<T: DeserializeOwned>(&self, path: &[&str], query: Query<'_>) -> Result<T> {
        let call = with(self.ctx.get(self.address(path)).max_answer_bytes(MAX_JSON_BYTES), query);
        send(call, &Method::GET).await?.json(&Method::GET)
    }

    fn fields(&self) -> String {
        let config = self.config;
        let own = [&config.state_field, &config.marker_field, &config.link_field].into_iter();
        let custom = config.columns.values().chain(config.choice_columns.values()).chain(&config.type_field);
        let mut fields: Vec<&str> = RECORD.split(',').collect();
        for field in own.chain(custom).map(String::as_str) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields.join(",")
    }

    fn address(&self, path: &[&str]) -> Url {
        let mut segments = vec!["api", "now"];
        segments.extend_from_slice(path);
        join(&self.config.url, &segments)
    }
}

/// What of a journal that cannot be read: without it comments would be missing, and nobody would know.
pub(crate) fn no_journal(words: &str) -> Error {
    Error::new(
        ErrorKind::Misconfigured,
        format!(
            "our account may not read sys_journal_field, where comments are kept: give its role a read rule for it; {words}"
        ),
    )
}

/// A refusal of the journal as what has to be done about it.
pub(crate) fn journal_refused(error: Error) -> Error {
    if error.kind() == ErrorKind::Forbidden { no_journal(error.message()) } else { error }
}

fn created(sys_id: &str) -> Result<SysId> {
    SysId::parse(sys_id).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "the answer does not say what was created").with_unknown_effect()
    })
}

fn both_forms(fields: &str) -> [(&'static str, &str); 3] {
    [("sysparm_display_value", "all"), ("sysparm_exclude_reference_link", "true"), ("sysparm_fields", fields)]
}

fn with<'c>(call: Call<'c>, query: Query<'_>) -> Call<'c> {
    query.iter().fold(call, |call, (name, value)| call.query(name, value))
}

async fn send(call: Call<'_>, method: &Method) -> Result<Response> {
    check(call.send_any().await?, method)
}
