//! Zammad's API as calls: addresses, bodies, and one answer each.

use bytes::Bytes;
use http::{Method, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use throughline_sdk::http::{Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, Marker, RemoteId, Result, Timestamp};
use url::Url;

use crate::config::Config;
use crate::error::check;
use crate::feed::PAGE;
use crate::wire::{Article, ArticleWrite, Attribute, Link, Links, Priority, State, Ticket, User};

/// The largest JSON answer taken: all articles of a ticket come at once.
const MAX_JSON_BYTES: u64 = 64 * 1024 * 1024;

/// Asks for the names that stand behind numbers.
const EXPAND: (&str, &str) = ("expand", "true");

/// One call's view of a Zammad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// The parameters of an address.
type Query<'q> = &'q [(&'q str, &'q str)];

impl Api<'_> {
    /// A ticket.
    pub(crate) async fn ticket(&self, id: u64) -> Result<Ticket> {
        let about = |error: Error| error.with_context("ticket", id);
        match self.get(&["tickets", &id.to_string()], &[EXPAND]).await {
            Ok(ticket) => Ok(ticket),
            Err(error) if error.kind() == ErrorKind::Forbidden => {
                // Zammad says 403 both of one ticket out of our sight and of a token that is shut out of all.
                self.me().await?;
                let words = "the ticket is no longer visible to our account";
                Err(about(Error::new(ErrorKind::NotFound, words)))
            }
            Err(error) => Err(about(error)),
        }
    }

    /// All articles of a ticket, oldest first.
    pub(crate) async fn articles(&self, ticket: u64) -> Result<Vec<Article>> {
        let path = ["ticket_articles", "by_ticket", &ticket.to_string()];
        let articles: Result<Vec<Article>> = self.get(&path, &[EXPAND]).await;
        let mut articles = articles.map_err(|error| error.with_context("ticket", ticket))?;
        articles.sort_by_key(|article| (article.created_at, article.id));
        Ok(articles)
    }

    /// What a ticket is linked to.
    pub(crate) async fn links(&self, ticket: u64) -> Result<Vec<Link>> {
        let id = ticket.to_string();
        let links: Links =
            self.get(&["links"], &[("link_object", "Ticket"), ("link_object_value", &id)]).await?;
        Ok(links.links)
    }

    /// The name of a person; none where we may not look.
    pub(crate) async fn user(&self, id: u64) -> Result<Option<String>> {
        let answer: Result<User> = self.get(&["users", &id.to_string()], &[]).await;
        match answer {
            Ok(user) => Ok(user.name()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Our account.
    pub(crate) async fn me(&self) -> Result<(User, Option<Timestamp>)> {
        let answer = self.ask(&["users", "me"], &[]).await?;
        let time = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let time = time.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
        Ok((answer.json(&Method::GET)?, time.map(|time| time.with_timezone(&chrono::Utc))))
    }

    /// All statuses with their types.
    pub(crate) async fn states(&self) -> Result<Vec<State>> {
        self.get(&["ticket_states"], &[EXPAND]).await
    }

    /// All priorities.
    pub(crate) async fn priorities(&self) -> Result<Vec<Priority>> {
        self.get(&["ticket_priorities"], &[]).await
    }

    /// The words of the attribute `type`; none where only administrators may ask.
    pub(crate) async fn kinds(&self) -> Result<Vec<String>> {
        let answer: Result<Vec<Attribute>> = self.get(&["object_manager_attributes"], &[]).await;
        match answer {
            Ok(attributes) => Ok(attributes.iter().filter_map(Attribute::kinds).flatten().collect()),
            Err(error) if error.kind() == ErrorKind::Forbidden => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The ticket that changed last.
    pub(crate) async fn newest_change(&self) -> Result<Option<Ticket>> {
        let rows = self
            .search(("updated_at", "after (absolute)", "2000-01-01T00:00:00.000Z"), "desc", (1, 1))
            .await?;
        Ok(rows.into_iter().next())
    }

    /// One page of the tickets that changed from a moment on, the longest ago first.
    pub(crate) async fn changed_since(&self, since: Timestamp, page: u32) -> Result<Vec<Ticket>> {
        let since = since.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        self.search(("updated_at", "after (absolute)", &since), "asc", (page, PAGE)).await
    }

    /// The tickets that bear a marker.
    pub(crate) async fn marked(&self, marker: &Marker) -> Result<Vec<Ticket>> {
        let field = self.config.marker_field.as_str();
        let mut rows = self.search((field, "is", marker.as_str()), "desc", (1, PAGE)).await?;
        // A condition that Zammad does not know is left out, and everything found.
        rows.retain(|ticket| crate::map::raw(ticket, field) == Some(marker.as_str()));
        Ok(rows)
    }

    /// Asks the database, which knows what was just written: only a search for words goes to the index behind it, which lags.
    async fn search(
        &self,
        (attribute, operator, value): (&str, &str, &str),
        order: &str,
        (page, size): (u32, usize),
    ) -> Result<Vec<Ticket>> {
        let name = format!("condition[ticket.{attribute}]");
        let (operator_name, value_name) = (format!("{name}[operator]"), format!("{name}[value]"));
        let (page, size) = (page.to_string(), size.to_string());
        let query = [
            (operator_name.as_str(), operator),
            (value_name.as_str(), value),
            ("sort_by", "updated_at"),
            ("order_by", order),
            ("page", &page),
            ("per_page", &size),
            EXPAND,
        ];
        self.get(&["tickets", "search"], &query).await
    }

    /// Creates a ticket.
    pub(crate) async fn create(&self, ticket: &Map<String, Value>) -> Result<Ticket> {
        let answer = self.ctx.post(self.address(&["tickets"], &[EXPAND])).json(ticket).send_any().await?;
        check(answer, &Method::POST)?.json(&Method::POST)
    }

    /// Writes into a ticket and says what became of it.
    pub(crate) async fn update(&self, id: u64, ticket: &Map<String, Value>) -> Result<Ticket> {
        let url = self.address(&["tickets", &id.to_string()], &[EXPAND]);
        let answer = self.ctx.call(Method::PUT, url).json(ticket).send_any().await?;
        self.of_ticket(id, answer, &Method::PUT).await?.json(&Method::PUT)
    }

    /// Adds an article.
    pub(crate) async fn add_article(&self, ticket: u64, article: &ArticleWrite) -> Result<Article> {
        let url = self.address(&["ticket_articles"], &[EXPAND]);
        let answer = self.ctx.post(url).json(article).send_any().await?;
        self.of_ticket(ticket, answer, &Method::POST).await?.json(&Method::POST)
    }

    /// Hides an article from customers.
    pub(crate) async fn hide_article(&self, article: u64) -> Result<()> {
        let url = self.address(&["ticket_articles", &article.to_string()], &[]);
        let answer = self.ctx.call(Method::PUT, url).json(&json!({ "internal": true })).send_any().await?;
        check(answer, &Method::PUT).map(drop)
    }

    /// Deletes an article. One that is not there is deleted.
    pub(crate) async fn delete_article(&self, article: u64) -> Result<()> {
        let url = self.address(&["ticket_articles", &article.to_string()], &[]);
        let answer = self.ctx.call(Method::DELETE, url).send_any().await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        check(answer, &Method::DELETE).map(drop)
    }

    /// A file's bytes.
    pub(crate) async fn bytes(
        &self,
        ticket: u64,
        (article, file): (u64, u64),
        limit_bytes: u64,
    ) -> Result<Bytes> {
        let path = ["ticket_attachment", &ticket.to_string(), &article.to_string(), &file.to_string()];
        let answer = self.ctx.get(self.address(&path, &[])).max_answer_bytes(limit_bytes).send_any().await?;
        match check(answer, &Method::GET) {
            Ok(answer) => Ok(answer.body),
            Err(error) if error.kind() == ErrorKind::Forbidden => {
                // Also what Zammad says where the article does not belong to the ticket, or the file to the article.
                self.ticket(ticket).await?;
                Err(Error::new(ErrorKind::NotFound, "the file is not in this ticket any more"))
            }
            Err(error) => Err(error),
        }
    }

    /// What became of a write into a ticket.
    async fn of_ticket(&self, id: u64, answer: Response, method: &Method) -> Result<Response> {
        match check(answer, method) {
            Ok(answer) => Ok(answer),
            Err(error) => {
                if error.kind() == ErrorKind::Forbidden {
                    // Not the token is at fault if the ticket went out of its sight; nothing was written then.
                    self.ticket(id).await?;
                }
                Err(error.with_context("ticket", id))
            }
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: Query<'_>) -> Result<T> {
        self.ask(path, query).await?.json(&Method::GET)
    }

    async fn ask(&self, path: &[&str], query: Query<'_>) -> Result<Response> {
        let call = self.ctx.get(self.address(path, query)).max_answer_bytes(MAX_JSON_BYTES);
        check(call.send_any().await?, &Method::GET)
    }

    fn address(&self, path: &[&str], query: Query<'_>) -> Url {
        let path: Vec<&str> = ["api", "v1"].into_iter().chain(path.iter().copied()).collect();
        let mut url = join(&self.config.url, &path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

impl User {
    /// What people call them.
    pub(crate) fn name(&self) -> Option<String> {
        let parts = [&self.firstname, &self.lastname].into_iter().flatten().map(|part| part.trim());
        let name = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let known = [Some(name), self.login.clone()].into_iter().flatten();
        known.into_iter().find(|word| !word.is_empty())
    }
}

impl Attribute {
    /// The choices of a ticket's type. Zammad writes them as a table, or as a list where their order is the operator's.
    fn kinds(&self) -> Option<Vec<String>> {
        if self.object.as_deref() != Some("Ticket") || self.name != "type" || !self.active {
            return None;
        }
        let options = self.data_option.get("options")?;
        Some(match options {
            Value::Object(table) => table.keys().cloned().collect(),
            Value::Array(list) => {
                list.iter().filter_map(|one| Some(one.get("value")?.as_str()?.to_owned())).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        })
    }
}

/// A ticket's number; anything else never named a ticket.
pub(crate) fn ticket_number(id: &RemoteId) -> Result<u64> {
    number(id.as_str(), "a ticket")
}

/// The number in an id that we once gave out.
pub(crate) fn number(text: &str, what: &str) -> Result<u64> {
    text.parse().map_err(|error| {
        Error::new(ErrorKind::NotFound, format!("{text:?} is not the number of {what}: {error}"))
    })
}
