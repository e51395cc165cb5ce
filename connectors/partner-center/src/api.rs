//! Partner Center as calls: addresses, the fields that each request bears, and one answer each.

use std::collections::BTreeSet;

use http::{HeaderName, Method};
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Call, join};
use throughline_sdk::{Ctx, Error, ErrorKind, Result};
use url::Url;

use crate::config::Config;
use crate::error::check;
use crate::marker::guid;
use crate::wire::{Collection, Patch, ServiceRequest, Topic};

/// How many requests are asked for in a page.
const PAGE: usize = 200;
/// A list that goes on longer than this is given up as a whole.
const MAX_PAGES: usize = 100;

/// One call's view of Partner Center.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// All requests, and whether surely none is missing.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) requests: Vec<ServiceRequest>,
    pub(crate) whole: bool,
}

impl Api<'_> {
    pub(crate) async fn request(&self, id: &str) -> Result<ServiceRequest> {
        self.get(self.requests(&[id])).await.map_err(|error| error.with_context("request", id))
    }

    /// The requests of one page, of which `size` at most.
    pub(crate) async fn page(&self, size: usize, offset: usize) -> Result<Collection<ServiceRequest>> {
        let mut url = self.requests(&[]);
        url.query_pairs_mut()
            .append_pair("size", &size.to_string())
            .append_pair("offset", &offset.to_string());
        self.get(url).await
    }

    /// All requests. They are sorted by status and continued by count, so that one which changes in the middle of it can
    /// be missed.
    pub(crate) async fn all(&self) -> Result<Listed> {
        let mut requests: Vec<ServiceRequest> = Vec::new();
        let mut ids: BTreeSet<String> = BTreeSet::new();
        let mut torn = false;
        for _ in 0..MAX_PAGES {
            let Collection { total_count, items } = self.page(PAGE, requests.len()).await?;
            let full = items.len() >= PAGE;
            let mut fresh = false;
            for request in &items {
                let is_new = ids.insert(request.id.clone());
                fresh |= is_new;
                torn |= !is_new;
            }
            requests.extend(items);
            // Partner Center may give less than it is asked for, and some lists tell their own length as the whole.
            let known = u64::try_from(ids.len()).unwrap_or(u64::MAX);
            let missing = total_count.is_some_and(|total| total > known);
            if !fresh || !(full || missing) {
                return Ok(Listed { requests, whole: !torn && !missing });
            }
        }
        Err(Error::new(
            ErrorKind::Malformed,
            format!("the list of requests has no end after {MAX_PAGES} pages"),
        ))
    }

    pub(crate) async fn topics(&self) -> Result<Vec<Topic>> {
        let url = join(&self.config.url, &["v1", "servicerequests", "supporttopics"]);
        let topics: Collection<Topic> = self.get(url).await?;
        Ok(topics.items)
    }

    /// Changes a request. `request_id` names the change: the same again is the same change.
    pub(crate) async fn patch(
        &self,
        id: &str,
        patch: &Patch<'_>,
        request_id: &str,
    ) -> Result<ServiceRequest> {
        let call = self.call(Method::PATCH, self.requests(&[id])).json(patch);
        let call = call.header(HeaderName::from_static("ms-requestid"), request_id);
        let answer = check(call.send_any().await?, &Method::PATCH);
        answer.map_err(|error| error.with_context("request", id))?.json(&Method::PATCH)
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T> {
        check(self.call(Method::GET, url).send_any().await?, &Method::GET)?.json(&Method::GET)
    }

    fn call(&self, method: Method, url: Url) -> Call<'_> {
        // What Microsoft asks for when it is asked about a call.
        let correlation = guid(self.ctx.trace);
        self.ctx
            .call(method, url)
            .header(HeaderName::from_static("ms-correlationid"), &correlation)
            .header(HeaderName::from_static("ms-contract-version"), "api-version: v1")
            .header(HeaderName::from_static("x-locale"), &self.config.locale)
    }

    /// An address among the requests: the partner's, or those of one customer.
    fn requests(&self, path: &[&str]) -> Url {
        let mut whole = vec!["v1"];
        if let Some(customer) = &self.config.customer {
            whole.extend(["customers", customer.as_str()]);
        }
        whole.push("servicerequests");
        whole.extend(path);
        join(&self.config.url, &whole)
    }
}
