//! A desk as its manifest and its operator's settings describe it, checked as a whole.

use throughline_sdk::Result;

use crate::check;
use crate::config::{Config, misconfigured};
use crate::dates::Format;
use crate::expression::{Scope, Value};
use crate::manifest::Manifest;
use crate::session::Session;
use crate::source::Source;

/// Everything that a connector of this kind knows before its first request.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) manifest: Manifest,
    pub(crate) source: Source,
    pub(crate) config: Config,
    /// How its times are read.
    pub(crate) dates: Format,
    /// How `since` is written.
    pub(crate) since: Format,
    /// Where the connector logs in by itself.
    pub(crate) session: Option<Session>,
    common: Scope,
}

impl Desk {
    /// Reads and checks a manifest, with the settings for it.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](throughline_sdk::ErrorKind::Misconfigured) with every mistake of the manifest and its line, or
    /// the setting that is missing.
    pub(crate) fn new(source: Source, config: Config) -> Result<Self> {
        let manifest = source.manifest()?;
        let mistakes = check::expressions(&manifest);
        if !mistakes.is_empty() {
            return Err(source.mistakes(&mistakes));
        }
        check::sense(&manifest)
            .map_err(|why| misconfigured(&format!("the setting manifest is wrong: {why}")))?;
        let format = |dates| {
            Format::new(dates).map_err(|why| misconfigured(&format!("the setting manifest is wrong: {why}")))
        };
        let dates = format(&manifest.dates)?;
        let since = manifest.changes.format.as_ref().map_or_else(|| Ok(dates.clone()), format)?;
        let session = Session::of(&manifest.authentication, &config)?;
        let common = common(&manifest, &config)?;
        Ok(Self { manifest, source, config, dates, since, session, common })
    }

    /// The names that every expression sees.
    pub(crate) fn scope(&self) -> Scope {
        self.common.clone()
    }

    /// The largest file, in bytes.
    pub(crate) fn max_file_bytes(&self) -> u64 {
        const DEFAULT: u64 = 10 * 1024 * 1024;
        let told = self.manifest.attach.as_ref().and_then(|attach| attach.max_bytes);
        self.config.max_file_bytes.or(told).unwrap_or(DEFAULT)
    }
}

fn common(manifest: &Manifest, config: &Config) -> Result<Scope> {
    let unknown = config.own.keys().find(|name| !manifest.settings.contains_key(*name));
    if let Some(name) = unknown {
        return Err(misconfigured(&format!(
            "the setting settings names {name:?}, which the manifest does not ask for"
        )));
    }
    let mut own = Vec::new();
    for (name, declared) in &manifest.settings {
        let value = config.own.get(name).or(declared.default.as_ref()).ok_or_else(|| {
            misconfigured(&format!("the setting settings lacks {name:?}: {}", declared.doc))
        })?;
        own.push((name.as_str(), Value::from(value.as_str())));
    }
    let user = config.user.as_deref().map_or(Value::UNDEFINED, Value::from);
    Ok(Scope::default().with("settings", Value::from_pairs(own)).with("user", user))
}
