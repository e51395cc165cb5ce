//! Graph's service communications as calls: addresses, and one answer each.

use http::HeaderName;
use http::Method;
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, Result};
use url::Url;

use crate::config::Config;
use crate::error::check;
use crate::wire::{Announced, Health, Issue, Message, Page};

/// How many entries are asked for in a page: Graph's own default.
/// <https://learn.microsoft.com/graph/api/serviceannouncement-list-issues>
pub(crate) const PAGE: usize = 100;

/// One call's view of a tenant's service communications.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// What is announced, and in which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    Issues,
    Messages,
}

impl List {
    /// The list's segment in an address.
    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::Messages => "messages",
        }
    }
}

impl Api<'_> {
    /// The first page of a list in this order, under a filter if one is given, and the answer it came in.
    pub(crate) async fn list(
        &self,
        list: List,
        top: usize,
        order: &str,
        filter: Option<&str>,
    ) -> Result<(Page<Announced>, Response)> {
        let mut url = self.address(&[list.segment()]);
        url.query_pairs_mut().append_pair("$orderby", order);
        if let Some(filter) = filter {
            url.query_pairs_mut().append_pair("$filter", filter);
        }
        let answer = self.get(url, Some(top)).await?;
        Ok((answer.json(&Method::GET)?, answer))
    }

    /// The page behind another one.
    pub(crate) async fn next(&self, link: &str) -> Result<Page<Announced>> {
        let url = Url::parse(link).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the link to the next page is no address: {error}"))
        })?;
        self.read(url).await
    }

    pub(crate) async fn issue(&self, id: &str) -> Result<Issue> {
        self.read(self.address(&[List::Issues.segment(), id])).await
    }

    pub(crate) async fn message(&self, id: &str) -> Result<Message> {
        self.read(self.address(&[List::Messages.segment(), id])).await
    }

    /// The services of the tenant.
    pub(crate) async fn services(&self) -> Result<Vec<Health>> {
        let page: Page<Health> = self.read(self.address(&["healthOverviews"])).await?;
        Ok(page.value)
    }

    async fn read<T: DeserializeOwned>(&self, url: Url) -> Result<T> {
        self.get(url, None).await?.json(&Method::GET)
    }

    async fn get(&self, url: Url, page: Option<usize>) -> Result<Response> {
        let mut call = self.ctx.get(url);
        if let Some(page) = page {
            call = call.header(HeaderName::from_static("prefer"), &format!("odata.maxpagesize={page}"));
        }
        check(call.send_any().await?)
    }

    fn address(&self, path: &[&str]) -> Url {
        join(&self.config.url, &[["admin", "serviceAnnouncement"].as_slice(), path].concat())
    }
}
