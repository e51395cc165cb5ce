//! A configuration as an admin would write it: Request Tracker at home, Redmine as partner.

use std::net::SocketAddr;

use throughline::clock::SystemEntropy;
use throughline_sdk::Entropy;

use crate::desks::Desks;

/// What a test wants different from the next.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// What stands in the title of every ticket that is shared, so that tests do not share each other's.
    pub(crate) tag: String,
    /// Where the bridge reaches the desks, if not directly.
    pub(crate) request_tracker: Option<String>,
    /// The same for Redmine.
    pub(crate) redmine: Option<String>,
    /// Where the bridge takes the desks' webhooks, in which case it does not poll.
    pub(crate) webhooks: Option<SocketAddr>,
    /// More systems, parties and agreements.
    pub(crate) more: String,
    /// The other parties that the partner may know of.
    pub(crate) introduces: &'static [&'static str],
}

impl Setup {
    /// A setup with a tag of its own.
    pub(crate) fn new() -> Self {
        let mut bytes = [0; 4];
        SystemEntropy::new().fill(&mut bytes);
        let tag = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self {
            tag: format!("[{tag}]"),
            request_tracker: None,
            redmine: None,
            webhooks: None,
            more: String::new(),
            introduces: &[],
        }
    }

    /// A title that is shared.
    pub(crate) fn title(&self, text: &str) -> String {
        format!("{text} {}", self.tag)
    }

    /// The configuration file.
    pub(crate) fn text(&self, desks: &Desks) -> String {
        let request_tracker = self.request_tracker.as_deref().unwrap_or_else(|| desks.get("RT_URL"));
        let redmine = self.redmine.as_deref().unwrap_or_else(|| desks.get("REDMINE_URL"));
        let listen = self.webhooks.map_or("127.0.0.1:0".to_owned(), |address| address.to_string());
        let (poll, rt_hook, redmine_hook) = match self.webhooks {
            None => ("1s", "", ""),
            Some(_) => (
                "1h",
                "webhook_token = { file = \"rt-webhook-token\" }",
                "webhook_token = { file = \"redmine-webhook-token\" }",
            ),
        };
        format!(
            r#"[bridge]
home = "contoso"
data = "data"
listen = "{listen}"
log = "info,throughline=debug"

[parties.contoso]
title = "Contoso"

[parties.fabrikam]
title = "Fabrikam"

[systems.helpdesk]
party = "contoso"
poll = "{poll}"
settle = "5s"
timeout = "90s"
limits = {{ concurrency = 2 }}
# Request Tracker has neither: what is written instead.
write.status.closed = "resolved"
write.priority.urgent = "High"

[systems.helpdesk.request-tracker]
url = "{request_tracker}"
token = {{ file = "rt-token" }}
queue = "{queue}"
marker_field = "{rt_marker}"
link_field = "{rt_link}"
{rt_hook}

[systems.partner]
party = "fabrikam"
poll = "{poll}"
settle = "5s"
timeout = "90s"
limits = {{ concurrency = 2 }}

[systems.partner.redmine]
url = "{redmine}"
api_key = {{ file = "redmine-key" }}
project = "{project}"
tracker = "{tracker}"
marker_field = "{marker}"
link_field = "{link}"
{redmine_hook}

[agreements.fabrikam]
party = "fabrikam"
home = "helpdesk"
counterpart = "partner"
comments = "both"
files = "both"
introduces = {introduces:?}

[agreements.fabrikam.route]
outbound = 'ticket.title.contains("{tag}")'
inbound = 'ticket.title.contains("{tag}")'

[agreements.fabrikam.fields.title]
direction = "both"
policy = "owner_home"

[agreements.fabrikam.fields.description]
direction = "outbound"

[agreements.fabrikam.fields.status]
direction = "both"
policy = "most_advanced"

[agreements.fabrikam.fields.priority]
direction = "both"
policy = "latest"
{more}"#,
            queue = desks.get("RT_QUEUE"),
            rt_marker = desks.get("RT_MARKER_FIELD"),
            rt_link = desks.get("RT_LINK_FIELD"),
            project = desks.get("REDMINE_PROJECT"),
            tracker = desks.get("REDMINE_TRACKER"),
            marker = desks.get("REDMINE_MARKER_FIELD"),
            link = desks.get("REDMINE_LINK_FIELD"),
            tag = self.tag,
            more = self.more,
            introduces = self.introduces,
        )
    }
}
