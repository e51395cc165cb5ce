//! The demo's stage: three desks and a bridge, each on a loopback address of its own, configured as a user would.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use throughline_practice::desk::{self, Desk, Registration};
use throughline_sdk::{Clock, Entropy};
use tokio::net::TcpListener;
use url::Url;

use crate::api;
use crate::api::view::Trace;
use crate::case::{CaseId, PartyName};
use crate::cli::Failure;
use crate::cli::access::load;
use crate::cli::client::Client;
use crate::clock::{SystemClock, SystemEntropy};
use crate::daemon::{Bridge, DataDir, Running, Supervisor, assemble};
use crate::identity::{Identity, NewAccount, Principal, Role};

/// Where the desks and the bridge listen if those ports are free.
const PORTS: [u16; 4] = [8301, 8302, 8303, 8780];

/// The systems of the demo: name, party, title.
const CAST: [(&str, &str, &str); 3] = [
    ("helpdesk", "contoso", "Contoso helpdesk"),
    ("partner", "fabrikam", "Fabrikam service desk"),
    ("vendor", "northwind", "Northwind product support"),
];

/// Who may enter the console of the demo: name, and whose guest it is, if it is one.
pub(super) const ACCOUNTS: [(&str, Option<&str>); 4] =
    [("admin", None), ("agent", None), ("auditor", None), ("fabrikam", Some("fabrikam"))];

/// Everything on stage.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) desks: Vec<OnStage>,
    pub(super) bridge: Bridge,
    pub(super) bridge_address: String,
    /// The password of the demo's accounts, where the console stays open.
    pub(super) password: Option<String>,
    pub(super) clock: Arc<dyn Clock>,
    data: DataDir,
    supervisor: Supervisor,
}

/// One desk on stage.
#[derive(Debug)]
pub(super) struct OnStage {
    pub(super) name: &'static str,
    pub(super) desk: Desk,
    pub(super) address: Url,
}

impl Stage {
    /// Sets the stage in `directory`. With `open`, on the ports people can remember, and with accounts to log in by. The
    /// settings of the file `with` are added to the demo's own.
    pub(super) async fn set(directory: &Path, open: bool, with: Option<&Path>) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let data = DataDir::create(directory).map_err(Failure::failed)?;
        let supervisor = Supervisor::default();
        let mut listeners = Vec::new();
        for port in PORTS {
            listeners.push(listen(if open { port } else { 0 }).await?);
        }
        let bridge_listener = listeners.pop().ok_or_else(|| Failure::failed("no port"))?;
        let bridge_listens = bridge_listener.local_addr().map_err(Failure::failed)?;
        let bridge_address = bridge_listens.to_string();

        let token = secret(entropy.as_ref(), "");
        let webhook_secret = secret(entropy.as_ref(), "whsec_");
        let mut desks = Vec::new();
        for ((name, _, title), listener) in CAST.into_iter().zip(listeners) {
            let settings = desk::Settings::new(name, title, &token, Arc::clone(&clock));
            let desk = Desk::new(settings);
            let address = listener.local_addr().map_err(Failure::failed)?;
            let address = Url::parse(&format!("http://{address}/")).map_err(Failure::failed)?;
            let hook =
                Url::parse(&format!("http://{bridge_address}/webhooks/{name}")).map_err(Failure::failed)?;
            let registration = Registration {
                url: hook,
                secret: SecretString::from(webhook_secret.clone()),
                internal_comments: true,
            };
            desk.register(registration);
            let (router, stopping) = (desk.router(), supervisor.clone());
            supervisor.spawn(async move {
                let served = axum::serve(listener, router)
                    .with_graceful_shutdown(async move { stopping.stopping().await });
                if let Err(error) = served.await {
                    tracing::error!(%error, "A practice desk stopped serving.");
                }
            });
            let transport = assemble::loopback_egress(&clock).map_err(Failure::failed)?;
            let (posting, stopping) = (desk.clone(), supervisor.clone());
            supervisor.spawn(async move {
                tokio::select! {
                    biased;
                    () = stopping.stopping() => {}
                    () = desk::deliver(posting, transport) => {}
                }
            });
            desks.push(OnStage { name, desk, address });
        }

        let config = directory.join("throughline.toml");
        write(directory, "practice.token", &token)?;
        write(directory, "practice.webhook-secret", &webhook_secret)?;
        write(directory, "people.txt", &format!("{}\n", super::script::CUSTOMER))?;
        let mut settings = configuration(&desks, &bridge_address);
        if let Some(with) = with {
            let more = std::fs::read_to_string(with)
                .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", with.display())))?;
            settings.push_str(&format!("\n{more}"));
        }
        write(directory, "throughline.toml", &settings)?;
        let config = load(&config)?;
        let (parts, _, identity) = assemble::parts(config, Arc::clone(&clock), Arc::clone(&entropy))
            .await
            .map_err(Failure::failed)?;
        let bridge = Bridge::start(parts).await.map_err(Failure::failed)?;
        let password = match open {
            true => Some(admit(&identity, entropy.as_ref()).await?),
            false => None,
        };
        let (router, stopping) = (api::router(bridge.clone(), identity), supervisor.clone());
        let serving = Arc::clone(&clock);
        supervisor.spawn(async move {
            let stopped = async move { stopping.stopping().await };
            api::serve(bridge_listener, router, api::Bounds::default(), serving, stopped).await;
        });
        data.announce(&Running::here(bridge_listens)).map_err(Failure::failed)?;
        Ok(Self { desks, bridge, bridge_address, password, clock, data, supervisor })
    }

    /// The desk with this name.
    pub(super) fn desk(&self, name: &str) -> Option<&Desk> {
        self.desks.iter().find(|on_stage| on_stage.name == name).map(|on_stage| &on_stage.desk)
    }

    /// The bridge's own interface, as a person at home uses it.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        Client::of(&self.data)?.ok_or_else(|| Failure::failed("the bridge did not announce itself"))
    }

    /// The story of the last case.
    pub(super) async fn trace(&self) -> Result<Trace, Failure> {
        let journal = &self.bridge.shared().journal;
        let cases =
            journal.read(|index| index.cases(CaseId(0), usize::MAX)).await.map_err(Failure::failed)?;
        let case = cases.into_iter().next_back().ok_or_else(|| Failure::failed("no case was opened"))?;
        let records = journal.timeline(&case).await.map_err(Failure::failed)?;
        Ok(Trace::of(&case, &records))
    }

    /// Ends everything in good order.
    pub(super) async fn strike(self) -> Result<(), Failure> {
        self.supervisor.stop().await;
        let stopped = self.bridge.stop().await;
        self.data.retire();
        stopped.map_err(Failure::failed)
    }
}

/// Makes the demo's accounts, and answers the password of all of them.
async fn admit(identity: &Identity, entropy: &dyn Entropy) -> Result<String, Failure> {
    let password = secret(entropy, "");
    for (name, party) in ACCOUNTS {
        let word = if party.is_some() { "guest" } else { name };
        let role = Role::of(word, party.map(|party| PartyName(party.to_owned()))).map_err(Failure::Failed)?;
        let new = NewAccount { name: name.to_owned(), role, password: SecretString::from(password.clone()) };
        identity.add(&Principal::command_line().id, new).await.map_err(Failure::failed)?;
    }
    Ok(password)
}

/// A listener on loopback: on `port`, or on any if that one is taken.
async fn listen(port: u16) -> Result<TcpListener, Failure> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(_taken) => TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::failed),
    }
}

fn secret(entropy: &dyn Entropy, prefix: &str) -> String {
    use base64::Engine;
    let mut bytes = [0; 24];
    entropy.fill(&mut bytes);
    format!("{prefix}{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn write(directory: &Path, name: &str, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(directory.join(name));
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(Failure::failed)
}

/// The configuration of the demo, as a user would write it.
fn configuration(desks: &[OnStage], bridge_address: &str) -> String {
    let mut text = format!(
        "# Written by `throughline demo`.\n\n\
         [bridge]\nhome = \"contoso\"\ndata = \".\"\nlisten = \"{bridge_address}\"\n\n\
         [recognize]\npeople = \"people.txt\"\n"
    );
    for ((name, party, title), on_stage) in CAST.into_iter().zip(desks) {
        let address = &on_stage.address;
        let organization = title.split(' ').next().unwrap_or(title);
        text.push_str(&format!(
            "\n[parties.{party}]\ntitle = \"{organization}\"\n\n\
             [systems.{name}]\nparty = \"{party}\"\npoll = \"5s\"\nsettle = \"2s\"\n\
             limits = {{ concurrency = 16 }}\n\n\
             [systems.{name}.practice]\nurl = \"{address}\"\n\
             token = {{ file = \"practice.token\" }}\nwebhook_secret = {{ file = \"practice.webhook-secret\" }}\n"
        ));
    }
    let route = ["ticket.type == \"Incident\"", "ticket.fields[\"Escalate\"] == \"vendor\""];
    for ((name, party, _), route) in CAST.into_iter().skip(1).zip(route) {
        // The two counterparts know of each other.
        let other = if party == "fabrikam" { "northwind" } else { "fabrikam" };
        // What is no text waits for a person before it goes to the vendor.
        let opaque = if party == "fabrikam" { "send" } else { "hold" };
        text.push_str(&format!(
            "\n[agreements.{party}]\nparty = \"{party}\"\nhome = \"helpdesk\"\ncounterpart = \"{name}\"\n\
             comments = \"both\"\nfiles = \"both\"\nintroduces = [\"{other}\"]\n\n\
             [agreements.{party}.route]\noutbound = '{route}'\n\n\
             [agreements.{party}.redact]\nperson = \"pseudonymize\"\nother_files = \"{opaque}\"\n\n\
             [agreements.{party}.fields.title]\ndirection = \"outbound\"\n\n\
             [agreements.{party}.fields.description]\ndirection = \"outbound\"\n\n\
             [agreements.{party}.fields.status]\ndirection = \"both\"\npolicy = \"most_advanced\"\n\n\
             [agreements.{party}.fields.priority]\ndirection = \"both\"\npolicy = \"owner_home\"\n"
        ));
        if party == "fabrikam" {
            let role = super::script::APPROVES;
            text.push_str(&format!(
                "\n[agreements.{party}.grants]\nmay_ask = [\"internal comments\"]\napproved_by = \"{role}\"\n"
            ));
        }
    }
    text
}
