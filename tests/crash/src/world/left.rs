//! What a story left in the world, to be compared.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::entries;
use super::releases::Record;

/// Everything that lies in a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// How often each image was completed.
    pub images: BTreeMap<String, u32>,
    /// The objects that are live, by release.
    pub live: BTreeMap<String, serde_json::Value>,
    /// The Jobs that ran.
    pub jobs: Vec<String>,
    /// How often the pods of each release were started anew.
    pub restarts: BTreeMap<String, usize>,
    /// The namespaces.
    pub namespaces: Vec<String>,
    /// The releases.
    pub releases: BTreeMap<String, Release>,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// How many revisions it has.
    pub revisions: usize,
    /// Their states, oldest first.
    pub statuses: Vec<String>,
}

impl Left {
    /// Reads the world in a folder.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut releases = BTreeMap::new();
        for (name, path) in named(&folder.join("releases"))? {
            let mut statuses = Vec::new();
            while let Ok(text) = fs::read_to_string(path.join((statuses.len() + 1).to_string())) {
                statuses.push(serde_json::from_str::<Record>(&text)?.status);
            }
            releases.insert(name, Release { revisions: statuses.len(), statuses });
        }
        let mut live = BTreeMap::new();
        for (name, path) in named(&folder.join("live"))? {
            live.insert(name, serde_json::from_str(&fs::read_to_string(path)?)?);
        }
        let mut images = BTreeMap::new();
        for (name, path) in named(&folder.join("images"))? {
            images.insert(name, fs::read_to_string(path)?.parse().map_err(io::Error::other)?);
        }
        let jobs = named(&folder.join("jobs"))?.into_iter().map(|(name, _)| name).collect();
        let namespaces = named(&folder.join("namespaces"))?.into_iter().map(|(name, _)| name).collect();
        let mut restarts = BTreeMap::new();
        for (name, path) in named(&folder.join("restarts"))? {
            restarts.insert(name, fs::read_to_string(path)?.lines().count());
        }
        Ok(Self { images, live, jobs, restarts, namespaces, releases })
    }
}

fn named(folder: &Path) -> io::Result<Vec<(String, std::path::PathBuf)>> {
    let name = |path: &std::path::PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(entries(folder, "")?.into_iter().map(|path| (name(&path), path)).collect())
}
