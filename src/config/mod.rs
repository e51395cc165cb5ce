//! Loads the configuration: TOML read along one declaration, every mistake told at once with file and line.
//!
//! [`load`] reads the main file and every `*.toml` in the folder `agreements` beside it. The tables of
//! `declaration.rs` are the only list of keys: parser, checks, example and schema are made from them.

mod agreements;
mod conditions;
mod console;
mod declaration;
mod example;
mod files;
mod findings;
mod generate;
mod grants;
mod handshake;
mod isolation;
mod kind;
mod listing;
mod maps;
mod privacy;
mod problem;
mod redact;
mod references;
mod retention;
mod scalar;
mod secret;
mod section;
mod shape;
mod systems;
#[cfg(test)]
mod tests;
mod value;
mod watched;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::{Settings, SystemName};
use toml::de::DeTable;

use crate::agreement::Rules;
use crate::case::PartyName;
use crate::daemon::parse_key;
use crate::daemon::watcher::Watched;
use crate::egress::Allowed;
use crate::identity;
use crate::telemetry::logs;

pub use generate::{agreement_example, example, schema};
pub use kind::{KindAnswers, KindSettings, Needs};
pub use listing::Listing;
pub use problem::{Problem, Problems, Severity, Spot};
pub use secret::{Environment, ProcessEnvironment};
pub(crate) use value::duration;
pub use webhooks::Webhook;

use files::{agreement_files, read_file};
use findings::{Findings, Mistake, Place, Source};
use redact::Keys;
use section::{Section, Value};
use shape::Reader;

/// The whole configuration, checked, with secrets resolved.
#[derive(Debug)]
pub struct Config {
    /// The home organization.
    pub home: PartyName,
    /// The folder of ledger, store and files.
    pub data_dir: PathBuf,
    /// Where webhooks, health, metrics and the interface are served.
    pub listen: SocketAddr,
    /// What is logged, as a filter of `tracing`.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Organizations by name.
    pub parties: BTreeMap<PartyName, Party>,
    /// Systems by name.
    pub systems: BTreeMap<SystemName, System>,
    /// Words and agreements.
    pub rules: Rules,
    /// Within this time every open case is read again.
    pub reconcile: Duration,
    /// The key of the case keys.
    pub master_key: Option<SecretString>,
    /// Logs of others that are held to what they said.
    pub watched: Vec<Watched>,
    /// What the ledger is called in signed checkpoints.
    pub ledger_name: String,
    /// Addresses that outbound requests may reach besides public ones.
    pub allow: Vec<Allowed>,
    /// Who is told what happens, by name.
    pub webhooks: BTreeMap<String, Webhook>,
    /// The console, and how strict its door is.
    pub console: identity::Settings,
    /// What was noticed and does not stop the daemon.
    pub warnings: Problems,
    /// Its settings one by one.
    pub listing: Listing,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its name for readers.
    pub title: String,
}

/// One ticket system.
#[derive(Debug)]
pub struct System {
    /// Its kind.
    pub kind: String,
    /// Whose it is.
    pub party: PartyName,
    /// The kind's own settings, with secrets resolved.
    pub settings: Settings,
    /// How often its change feed is read.
    pub poll: Duration,
    /// How hard it is worked.
    pub limits: Limits,
    /// Overrides the kind's own time after which a lost write can no longer take effect.
    pub settle: Option<Duration>,
    /// Overrides the kind's own largest file, in bytes.
    pub max_file_bytes: Option<u64>,
    /// Whether its tickets show how the counterpart's stands, where the kind can.
    pub summary: bool,
    /// How long one request may take.
    pub timeout: Duration,
    /// The day on which our credentials there come to their end, as far as the operator knows.
    pub credentials_expire: Option<NaiveDate>,
}

/// How hard a system is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in a second; `None`: no limit of ours.
    pub per_second: Option<u32>,
    /// Requests at once after a pause.
    pub burst: u32,
    /// Cases worked on side by side.
    pub concurrency: usize,
}

/// Loads the main file at `path` and the agreements beside it.
///
/// # Errors
///
/// Everything that is wrong, and the warnings with it. A configuration that loads has its warnings in
/// [`Config::warnings`].
pub fn load(path: &Path, environment: &dyn Environment, kinds: &[KindSettings]) -> Result<Config, Problems> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut unreadable = Vec::new();
    let mut sources = Vec::new();
    match read_file(path) {
        Ok(source) => sources.push(source),
        Err(problem) => return Err(Problems { list: vec![*problem] }),
    }
    for path in agreement_files(&folder.join("agreements"), &mut unreadable) {
        match read_file(&path) {
            Ok(source) => sources.push(source),
            Err(problem) => unreadable.push(*problem),
        }
    }
    read(&sources, unreadable, environment, kinds)
}

/// Loads the main file at `path` with the agreements of one other file, in the place of all that are in force: a draft.
///
/// # Errors
///
/// As [`load`].
pub fn load_draft(
    path: &Path,
    draft: &Path,
    environment: &dyn Environment,
    kinds: &[KindSettings],
) -> Result<Config, Problems> {
    let refuse = |problem: Box<Problem>| Problems { list: vec![*problem] };
    let sources = [read_file(path).map_err(refuse)?, read_file(draft).map_err(refuse)?];
    read_draft(&sources, environment, kinds)
}

/// The same with a draft that stands in no file. Paths in it are taken from the folder of the agreements.
///
/// # Errors
///
/// As [`load`].
pub fn load_draft_text(
    path: &Path,
    draft: &str,
    environment: &dyn Environment,
    kinds: &[KindSettings],
) -> Result<Config, Problems> {
    let main = read_file(path).map_err(|problem| Problems { list: vec![*problem] })?;
    let folder = path.parent().unwrap_or(Path::new("")).join("agreements");
    let draft = Source { path: folder.join("draft"), text: draft.to_owned() };
    read_draft(&[main, draft], environment, kinds)
}

fn read_draft(
    sources: &[Source],
    environment: &dyn Environment,
    kinds: &[KindSettings],
) -> Result<Config, Problems> {
    let mut findings = Findings::new(sources.to_vec(), Keys::new(kinds));
    let files = parse(sources, environment, kinds, &mut findings);
    let config = build(files, Scope::Draft, kinds, &mut findings);
    finish(config, findings, Vec::new())
}

/// Which agreements count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All of them.
    All,
    /// Those beside the main file only.
    Draft,
}

/// Reads the main file, which is the first of the sources, and the agreements after it.
fn read(
    sources: &[Source],
    unreadable: Vec<Problem>,
    environment: &dyn Environment,
    kinds: &[KindSettings],
) -> Result<Config, Problems> {
    let mut findings = Findings::new(sources.to_vec(), Keys::new(kinds));
    let sections = parse(sources, environment, kinds, &mut findings);
    let config = build(sections, Scope::All, kinds, &mut findings);
    finish(config, findings, unreadable)
}

fn finish(config: Option<Config>, findings: Findings, unreadable: Vec<Problem>) -> Result<Config, Problems> {
    let problems = findings.finish(unreadable);
    match config {
        Some(mut config) if problems.are_harmless() => {
            config.warnings = problems;
            Ok(config)
        }
        _ => Err(problems),
    }
}

fn parse(
    sources: &[Source],
    environment: &dyn Environment,
    kinds: &[KindSettings],
    findings: &mut Findings,
) -> Vec<Section> {
    let parsed: Vec<_> = sources
        .iter()
        .enumerate()
        .map(|(file, source)| {
            let (table, errors) = DeTable::parse_recoverable(&source.text);
            for error in errors {
                findings.syntax(file, error.span(), error.message());
            }
            table
        })
        .collect();
    parsed
        .iter()
        .zip(sources)
        .enumerate()
        .map(|(file, (table, source))| {
            let folder = source.path.parent().unwrap_or(Path::new(""));
            let declared = if file == 0 { &declaration::ROOT } else { &declaration::AGREEMENT_FILE };
            let mut reader = Reader { file, folder, environment, kinds, findings: &mut *findings };
            reader.table(table.get_ref(), Place { file, start: 0, end: 0 }, "", declared)
        })
        .collect()
}

/// Puts the configuration together; `None` where something is missing that has been reported.
fn build(
    sections: Vec<Section>,
    scope: Scope,
    kinds: &[KindSettings],
    findings: &mut Findings,
) -> Option<Config> {
    let listing = Listing::of(&sections);
    let mut sections = sections.into_iter();
    let main = sections.next()?;
    let others: Vec<Section> = sections.collect();
    let parties = parties(&main);
    let bridge = main.section("bridge");
    let home = bridge.and_then(|bridge| {
        let names = parties.keys().map(|name| name.0.as_str());
        let known = check_reference(bridge, "home", "party", names, findings);
        bridge.text("home").filter(|_| known).map(|name| PartyName(name.to_owned()))
    });
    let systems = systems::build(&main, &parties, kinds, findings);
    let inline = || std::iter::once(&main).filter(|_| scope == Scope::All);
    let tables = || inline().chain(&others).filter_map(|file| file.section("agreements"));
    let recognized = privacy::recognized(main.section("recognize"), findings);
    let agreements = agreements::build(tables(), home.as_ref(), &parties, &systems, &recognized, findings);
    let claims = agreements::claims(tables(), &systems, &agreements, findings);
    let known = references::Known { home: home.as_ref(), systems: &systems, agreements: &agreements };
    let references = references::build(&main, known, findings);
    let responsibility = handshake::responsibility(&main, &parties, &systems, findings);
    let retention = retention::build(&main, &agreements, findings);
    let pages = main.section("console").and_then(|console| console.text("public_url"));
    let pages = pages.map(|address| format!("{}/console", address.trim_end_matches('/')));
    agreements::check_guest_links(tables(), pages.as_deref(), findings);
    let rules = Rules {
        claims,
        references,
        responsibility,
        retention,
        console: pages,
        ..Rules::new(systems.rules, agreements)
    };
    if let (Some(table), Scope::All) = (main.section("systems"), scope) {
        agreements::warn_of_idle(table, &rules, findings);
    }
    let webhooks = webhooks::build(&main, findings);
    let watched = watched::build(&main, findings);
    let console = main.section("console").and_then(|console| console::build(console, &parties, findings));
    let bridge = bridge?;
    check_bridge(bridge, findings);
    let home = home?;
    let ledger_name = bridge.text("ledger_name").map_or_else(|| format!("{home}/throughline"), str::to_owned);
    Some(Config {
        home,
        watched,
        ledger_name,
        data_dir: if let Value::Path(path) = bridge.value("data")? { path.clone() } else { return None },
        listen: if let Value::Socket(socket) = bridge.value("listen")? { *socket } else { return None },
        log: bridge.text("log")?.to_owned(),
        log_format: if bridge.text("log_format")? == "json" { LogFormat::Json } else { LogFormat::Text },
        parties,
        systems: systems.systems,
        rules,
        reconcile: bridge.span("reconcile")?,
        master_key: match bridge.value("master_key") {
            Some(Value::Secret(secret)) => Some(secret.clone()),
            _ => None,
        },
        allow: if let Value::Networks(networks) = bridge.value("allow")? {
            networks.clone()
        } else {
            return None;
        },
        webhooks,
        console: console?,
        warnings: Problems::default(),
        listing,
    })
}

/// What the types of the daemon's own settings do not say.
fn check_bridge(bridge: &Section, findings: &mut Findings) {
    if let (Some(entry), Some(name)) = (bridge.entry("ledger_name"), bridge.text("ledger_name"))
        && let Err(fault) = crate::ledger::note::check_name(name)
    {
        let mistake = Mistake::new(entry.at, bridge.path_of("ledger_name"), fault).found(format!("{name:?}"));
        findings
            .report(mistake.expected(r#"a host of yours and a word, as in "contoso.example/throughline""#));
    }
    if let (Some(entry), Some(filter)) = (bridge.entry("log"), bridge.text("log"))
        && let Err(fault) = logs::check_filter(filter)
    {
        let mistake = Mistake::new(entry.at, bridge.path_of("log"), fault).found(format!("{filter:?}"));
        findings.report(
            mistake.expected(r#"error, warn, info, debug or trace, also by part: "info,throughline=debug""#),
        );
    }
    if let (Some(entry), Some(Value::Secret(key))) = (bridge.entry("master_key"), bridge.value("master_key"))
        && parse_key(key.expose_secret().trim()).is_none()
    {
        let message = "the secret that this refers to is no master key";
        let mistake = Mistake::new(entry.at, bridge.path_of("master_key"), message);
        findings.report(mistake.expected("64 hexadecimal digits, such as `openssl rand -hex 32` prints"));
    }
}

fn parties(main: &Section) -> BTreeMap<PartyName, Party> {
    let Some(table) = main.section("parties") else { return BTreeMap::new() };
    // A party whose table is wrong is still a party: one mistake is not told twice.
    table
        .entries
        .iter()
        .map(|entry| {
            let title = match &entry.value {
                Some(Value::Section(section)) => section.text("title"),
                _ => None,
            };
            let title = title.unwrap_or(&entry.key).to_owned();
            (PartyName(entry.key.clone()), Party { title })
        })
        .collect()
}

/// Whether the text under `key` is one of the declared names; reports it if it is not.
fn check_reference<'n>(
    section: &Section,
    key: &str,
    noun: &str,
    names: impl Iterator<Item = &'n str>,
    findings: &mut Findings,
) -> bool {
    let names: Vec<&str> = names.collect();
    let (Some(entry), Some(name)) = (section.entry(key), section.text(key)) else { return false };
    if names.contains(&name) {
        return true;
    }
    let message = format!("no {noun} is called {name:?}");
    let mistake = Mistake::new(entry.at, section.path_of(key), message).words(name, names);
    findings.report_if_complete(mistake);
    false
}
