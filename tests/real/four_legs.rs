//! A case with four legs: Request Tracker at home, Redmine at the partner, Dynamics 365 and Azure Support.
//!
//! The first two are real; the others are the simulations that their connectors are tested on, served on loopback.

use std::time::Duration;

use axum::Router;
use serde_json::json;
use throughline::clock::SystemClock;
use throughline::daemon::Supervisor;
use tokio::net::TcpListener;

use crate::bridge::{pass, until};
use crate::desks::Desks;
use crate::setup::Setup;
use crate::stage::{QUIET, SOON, Stage};

#[expect(dead_code, reason = "the simulation can do more than this test asks for")]
#[path = "../../connectors/azure-support/tests/conformance/desk/mod.rs"]
mod azure;
#[expect(dead_code, reason = "the simulation can do more than this test asks for")]
#[path = "../../connectors/dynamics365/tests/conformance/desk/mod.rs"]
mod dynamics;

/// Where the engineer writes and the sales desk looks.
struct Cloud {
    azure: azure::Desk,
    dynamics: dynamics::Desk,
    configuration: String,
    _serving: Supervisor,
}

impl Cloud {
    async fn open(tag: &str) -> Self {
        let clock = std::sync::Arc::new(SystemClock::new());
        let (azure, dynamics) =
            (azure::Desk::new(std::sync::Arc::<SystemClock>::clone(&clock)), dynamics::Desk::new(clock));
        let serving = Supervisor::default();
        let at = [serve(&serving, azure.router()).await, serve(&serving, dynamics.router()).await];
        azure.state().address.clone_from(&at[0]);
        dynamics.lock().org.clone_from(&at[1]);
        let configuration = format!(
            r#"
[parties.microsoft]
title = "Microsoft"

[parties.sales]
title = "Sales"

[systems.microsoft]
party = "microsoft"
poll = "1s"

[systems.microsoft.azure-support]
url = "{azure}"
token_url = "{azure}/contoso/oauth2/v2.0/token"
tenant = "contoso"
client_id = "{client}"
client_secret = {{ file = "azure-secret" }}
subscription = "{subscription}"
default_type = "Virtual machine"
services."Virtual machine" = "cddd3eb5-1830-b494-44fd-782f691479dc/6fb3a706-abe9-0693-1544-72e848334a9f"
contact_first_name = "Service"
contact_last_name = "Desk"
contact_email = "desk@contoso.example"
contact_time_zone = "W. Europe Standard Time"
contact_country = "DEU"

[systems.crm]
party = "sales"
poll = "1s"

[systems.crm.dynamics365]
url = "{dynamics}"
authority = "{dynamics}"
tenant = "contoso.onmicrosoft.com"
client_id = "app-1"
client_secret = {{ file = "dynamics-secret" }}
customer = "accounts({account})"

[agreements.microsoft]
party = "microsoft"
home = "helpdesk"
counterpart = "microsoft"
comments = "both"
introduces = ["sales", "fabrikam"]
require.description = {{ condition = "true", message = "nothing: the title says it" }}
require.impact = {{ condition = "true", message = "nothing: minimal" }}
route.outbound = 'ticket.title.contains("{tag}")'
fields.title.direction = "outbound"

[agreements.sales]
party = "sales"
home = "helpdesk"
counterpart = "crm"
comments = "both"
introduces = ["microsoft", "fabrikam"]
route.outbound = 'ticket.title.contains("{tag}")'
fields.title.direction = "outbound"
"#,
            azure = at[0],
            dynamics = at[1],
            client = azure::CLIENT_ID,
            subscription = azure::SUBSCRIPTION,
            account = dynamics::ACCOUNT,
        );
        Self { azure, dynamics, configuration, _serving: serving }
    }

    /// The name and the messages of the support request with this title.
    fn support_request(&self, title: &str) -> Option<(String, Vec<String>)> {
        let state = self.azure.state();
        let (name, ticket) = state.tickets.iter().find(|(_, ticket)| ticket.properties["title"] == title)?;
        Some((name.clone(), ticket.messages.iter().map(|message| message.body.clone()).collect()))
    }

    /// The ids of the cases with this title, and the texts of their notes.
    fn case(&self, title: &str) -> Option<(String, Vec<String>)> {
        let state = self.dynamics.lock();
        let (id, _) = state.cases.iter().find(|(_, row)| row.columns["title"] == title)?;
        let of_it = state.notes.values().filter(|row| row.columns.values().any(|value| value == id.as_str()));
        Some((
            id.clone(),
            of_it.map(|row| row.columns["notetext"].as_str().unwrap_or_default().to_owned()).collect(),
        ))
    }

    /// An engineer of Microsoft answers.
    fn answer(&self, request: &str, body: &str) {
        let created = self.azure.now();
        let mut state = self.azure.state();
        let messages = &mut state.tickets.get_mut(request).unwrap().messages;
        messages.push(azure::Message {
            name: format!("message-{}", messages.len()),
            sender: "engineer@microsoft.example".to_owned(),
            subject: "RE: your request".to_owned(),
            body: body.to_owned(),
            created,
        });
    }
}

async fn serve(serving: &Supervisor, router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_with_four_legs_converges_and_its_trace_shows_all_four() {
    let Some(desks) = Desks::standing() else { return };
    let mut setup = Setup::new();
    let cloud = Cloud::open(&setup.tag).await;
    setup.more.clone_from(&cloud.configuration);
    setup.introduces = &["microsoft", "sales"];
    let mut stage = Stage::set("four-legs", &desks, setup);
    stage.bridge.keep_secret("azure-secret", azure::CLIENT_SECRET);
    stage.bridge.keep_secret("dynamics-secret", dynamics::CLIENT_SECRET);
    stage.bridge.start().await;

    let pair = stage.raised("Nothing works", "neither here nor there").await;
    let title = stage.setup.title("Nothing works");
    let request =
        until("Microsoft has a support request", SOON, async || cloud.support_request(&title)).await.0;
    until("sales has a case", SOON, async || cloud.case(&title)).await;

    stage.alice.reply(&pair.ticket, "said at home").await;
    cloud.answer(&request, "said by Microsoft");
    let everywhere = |text: &'static str| {
        let (stage, cloud, pair, title) = (&stage, &cloud, &pair, &title);
        async move {
            let told = |texts: &[String]| texts.iter().filter(|said| said.contains(text)).count();
            until(&format!("{text:?} stands in all four"), SOON, async || {
                let (ours, theirs) = stage.see(pair).await;
                let (request, case) = (cloud.support_request(title)?.1, cloud.case(title)?.1);
                let counts = [ours.mentions(text), theirs.mentions(text), told(&request), told(&case)];
                (counts == [1; 4]).then_some(())
            })
            .await;
        }
    };
    everywhere("said at home").await;
    everywhere("said by Microsoft").await;

    let story = stage.bridge.told(&["trace", &format!("helpdesk:{}", pair.ticket)]);
    for leg in ["helpdesk:", "partner:", "microsoft:", "crm:"] {
        assert!(story.contains(leg), "no {leg} in:\n{story}");
    }
    stage.is_quiet(&pair).await;
    let before = (cloud.support_request(&title), cloud.case(&title));
    pass(QUIET + Duration::from_secs(1)).await;
    assert_eq!(
        (cloud.support_request(&title), cloud.case(&title)),
        before,
        "written while nobody said anything"
    );
    assert_eq!(stage.bridge.json(&["parked"]), json!([]));
    stage.close().await;
}
