//! Records for an auditor's eyes: unsealed, one JSON object per line, without any key.

use std::io::Write;

use super::record::parse;
use super::segments::{Found, Lines, Segments};
use super::{Error, Keyring, Medium};
use crate::case::CaseId;

/// Which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those about one case.
    Case(CaseId),
}

/// Writes records as JSON lines and returns how many. A record of an erased case comes without its facts.
pub fn export(
    medium: &dyn Medium,
    keyring: &Keyring,
    scope: Scope,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    let segments = Segments::list(medium)?;
    let mut lines = Lines::new(medium, &segments, 0);
    let mut count = 0;
    while let Found::Line(position, line) = lines.next()? {
        let parsed = parse(&line).map_err(|what| Error::Corrupt { position, what })?;
        let wanted = match scope {
            Scope::All => true,
            Scope::Case(case) => parsed.case.as_ref().is_some_and(|name| *name == case.to_string()),
        };
        if wanted {
            let record = parsed.unseal(position, keyring)?;
            let mut json =
                serde_json::to_vec(&record).map_err(|error| Error::Unwritable(error.to_string()))?;
            json.push(b'\n');
            out.write_all(&json).map_err(Error::io("write", "the export"))?;
            count += 1;
        }
    }
    Ok(count)
}
