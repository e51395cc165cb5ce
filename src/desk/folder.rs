//! One JSON file for each thing, written whole or not at all.

use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use throughline_sdk::SystemName;
use throughline_sdk::http::json_fault;

use super::Error;
use super::record::Sort;
use super::subscription::Subscription;
use crate::ledger::{Medium, fill};

/// The folder of one desk. Every call blocks.
#[derive(Debug)]
pub(super) struct Folder {
    medium: Arc<dyn Medium>,
    root: String,
    /// Held for writing while a file takes the place of another: nobody reads half of one and half of the other, and
    /// no handle of the old one is kept under the name.
    replacing: RwLock<()>,
}

impl Folder {
    /// The folder of this system, its name durable.
    pub(super) fn open(medium: Arc<dyn Medium>, system: &SystemName) -> Result<Self, Error> {
        let folder = Self { medium, root: format!("desks/{system}"), replacing: RwLock::default() };
        for name in Sort::ALL.map(Sort::folder).into_iter().chain([Subscription::FOLDER]) {
            // A name is made with its first file, so that one stands in each folder from the beginning.
            let path = format!("{}/{name}/.desk", folder.root);
            let there = folder.medium.len(&path).map_err(fault(&path, "read"))?.is_some();
            if !there {
                folder.medium.write_at(&path, 0, b"1").map_err(fault(&path, "written"))?;
                folder.medium.sync(&path).map_err(fault(&path, "synced"))?;
            }
            folder.sync_names(name)?;
        }
        for path in [folder.root.as_str(), "desks", ""] {
            folder.medium.sync_dir(path).map_err(fault(path, "synced"))?;
        }
        Ok(folder)
    }

    /// The numbers that have a file.
    pub(super) fn numbers(&self, folder: &str) -> Result<Vec<u64>, Error> {
        let path = format!("{}/{folder}", self.root);
        let names = self.medium.list(&path).map_err(fault(&path, "listed"))?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(".json")?.parse().ok()).collect())
    }

    /// What stands in a file; `None` if there is none.
    pub(super) fn read<T: DeserializeOwned>(&self, folder: &str, number: u64) -> Result<Option<T>, Error> {
        let name = self.name(folder, number);
        let _reading = self.replacing.read().unwrap_or_else(PoisonError::into_inner);
        let Some(length) = self.medium.len(&name).map_err(fault(&name, "read"))? else { return Ok(None) };
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let filled = fill(&*self.medium, &name, 0, &mut bytes).map_err(fault(&name, "read"))?;
        bytes.truncate(filled);
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Some).map_err(|error| Error::Damaged { name, what: json_fault(&error) })
    }

    /// Writes a file, durable on return.
    pub(super) fn write<T: Serialize>(&self, folder: &str, number: u64, value: &T) -> Result<(), Error> {
        let name = self.name(folder, number);
        let bytes = serde_json::to_vec(value)
            .map_err(|error| Error::Damaged { name: name.clone(), what: error.to_string() })?;
        let writing = format!("{}/{folder}/.writing", self.root);
        // A crash may have left a longer one.
        if self.medium.len(&writing).map_err(fault(&writing, "read"))?.is_some() {
            self.medium.remove(&writing).map_err(fault(&writing, "removed"))?;
        }
        self.medium.write_at(&writing, 0, &bytes).map_err(fault(&writing, "written"))?;
        self.medium.sync(&writing).map_err(fault(&writing, "synced"))?;
        {
            let _replacing = self.replacing.write().unwrap_or_else(PoisonError::into_inner);
            self.medium.rename(&writing, &name).map_err(fault(&name, "written"))?;
        }
        self.sync_names(folder)
    }

    /// Removes a file, durable on return.
    pub(super) fn remove(&self, folder: &str, number: u64) -> Result<(), Error> {
        let name = self.name(folder, number);
        {
            let _replacing = self.replacing.write().unwrap_or_else(PoisonError::into_inner);
            self.medium.remove(&name).map_err(fault(&name, "removed"))?;
        }
        self.sync_names(folder)
    }

    fn sync_names(&self, folder: &str) -> Result<(), Error> {
        let path = format!("{}/{folder}", self.root);
        self.medium.sync_dir(&path).map_err(fault(&path, "synced"))
    }

    fn name(&self, folder: &str, number: u64) -> String {
        format!("{}/{folder}/{number}.json", self.root)
    }
}

fn fault<'a>(name: &'a str, verb: &'static str) -> impl FnOnce(std::io::Error) -> Error + use<'a> {
    move |source| Error::Disk { name: name.to_owned(), verb, source }
}
