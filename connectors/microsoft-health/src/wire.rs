//! The JSON of Graph's service communications, as far as it is read here, and nothing else.
//!
//! Words of closed lists are texts: the lists grow, and their upper and lower case differs between schema and examples.

use serde::Deserialize;
use throughline_sdk::Timestamp;

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) value: Vec<T>,
    #[serde(default, rename = "@odata.nextLink")]
    pub(crate) next_link: Option<String>,
}

/// What issues and announcements have in common, and all that the feed needs of either.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Announced {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) start_date_time: Option<Timestamp>,
    pub(crate) end_date_time: Option<Timestamp>,
    pub(crate) last_modified_date_time: Option<Timestamp>,
    pub(crate) details: Option<Vec<Detail>>,
    /// The service of an issue.
    pub(crate) service: Option<String>,
    /// The services of an announcement.
    pub(crate) services: Option<Vec<Option<String>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    pub(crate) name: Option<String>,
    pub(crate) value: Option<String>,
}

/// A service health issue.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Issue {
    #[serde(flatten)]
    pub(crate) announced: Announced,
    pub(crate) impact_description: Option<String>,
    pub(crate) classification: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) feature: Option<String>,
    pub(crate) feature_group: Option<String>,
    pub(crate) posts: Option<Vec<Post>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Post {
    /// As text, for it names the post.
    pub(crate) created_date_time: Option<String>,
    pub(crate) description: Option<Body>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Body {
    pub(crate) content_type: Option<String>,
    pub(crate) content: Option<String>,
}

/// An announcement of the message centre.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Message {
    #[serde(flatten)]
    pub(crate) announced: Announced,
    pub(crate) body: Option<Body>,
    pub(crate) category: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) tags: Option<Vec<Option<String>>>,
    pub(crate) is_major_change: Option<bool>,
    pub(crate) action_required_by_date_time: Option<Timestamp>,
}

/// A service of the tenant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Health {
    pub(crate) service: Option<String>,
}

/// The body of a refusal.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: Fault,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}
