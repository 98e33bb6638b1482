//! Where `buildkitd` and `buildctl` are, and whether they are new enough.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use slipway_core::failure::{Code, Failure};
use tokio::process::Command;

/// The first release without CVE-2026-33747.
const OLDEST: [u32; 3] = [0, 28, 1];

/// The two programs of one BuildKit release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildKitPrograms {
    /// The daemon.
    pub buildkitd: PathBuf,
    /// Its client.
    pub buildctl: PathBuf,
}

impl BuildKitPrograms {
    /// The programs on `PATH`, else those that the development tools built below `SLIPWAY_DEV_CACHE`.
    pub fn find() -> Result<Self, Failure> {
        folders().iter().find_map(|folder| Self::in_folder(folder)).ok_or_else(|| {
            Failure::permanent(
                Code::BuilderUnavailable,
                "there is no BuildKit on the server: `buildkitd` and `buildctl` were not found",
            )
            .with_hint(
                "install BuildKit 0.28.1 or newer so that both are on PATH; in a checkout of Slipway: dev/tools/install buildkit",
            )
        })
    }

    /// The client alone, for a daemon that is not ours; sought where the programs are.
    pub fn find_client() -> Result<PathBuf, Failure> {
        let found = folders().into_iter().map(|folder| folder.join("buildctl")).find(|program| program.is_file());
        found.ok_or_else(|| {
            let message = "there is no client of BuildKit on the server: `buildctl` was not found";
            Failure::permanent(Code::BuilderUnavailable, message)
                .with_hint("install BuildKit 0.28.1 or newer so that `buildctl` is on PATH")
        })
    }

    /// The programs in a folder, when both are there.
    pub fn in_folder(folder: &Path) -> Option<Self> {
        let programs = Self { buildkitd: folder.join("buildkitd"), buildctl: folder.join("buildctl") };
        (programs.buildkitd.is_file() && programs.buildctl.is_file()).then_some(programs)
    }

    /// The daemon's version, as it tells it; too old a one is a failure.
    pub async fn version(&self) -> Result<String, Failure> {
        let mut command = Command::new(&self.buildkitd);
        command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
        let unusable = |why: &str| {
            Failure::permanent(Code::BuilderUnavailable, format!("{} does not tell its version: {why}", self.buildkitd.display()))
                .with_hint("install BuildKit 0.28.1 or newer")
        };
        let output = tokio::time::timeout(Duration::from_secs(20), command.output())
            .await
            .map_err(|_| unusable("it did not end within 20 s"))?
            .map_err(|error| unusable(&error.to_string()))?;
        supported_version(&String::from_utf8_lossy(&output.stdout))
    }
}

/// The first version number in what a program of BuildKit says of itself, if it is new enough.
pub(crate) fn supported_version(text: &str) -> Result<String, Failure> {
    let version = version_in(text).ok_or_else(|| {
        let said: String = text.lines().next().unwrap_or("nothing").chars().take(200).collect();
        Failure::permanent(Code::BuilderUnavailable, format!("BuildKit does not tell its version: it says `{said}`"))
            .with_hint("install a release of BuildKit, 0.28.1 or newer")
    })?;
    if numbers(&version).is_some_and(|numbers| numbers < OLDEST) {
        return Err(Failure::permanent(Code::BuilderUnavailable, format!("BuildKit {version} is too old, and unsafe"))
            .with_hint("install BuildKit 0.28.1 or newer"));
    }
    Ok(version)
}

/// Where programs are sought.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    folders.extend(cached(&cache()));
    folders
}

fn cache() -> PathBuf {
    std::env::var_os("SLIPWAY_DEV_CACHE")
        .map_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/slipway-dev"), PathBuf::from)
}

/// The `bin` folders of the releases in the cache, the newest first.
fn cached(cache: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(cache) else { return Vec::new() };
    let mut releases: Vec<([u32; 3], PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = numbers(name.strip_prefix("buildkit-")?)?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    releases.sort();
    releases.into_iter().rev().map(|(_, folder)| folder).collect()
}

/// The third word of `buildkitd github.com/moby/buildkit v0.34.2 …`; a build without a stamp says something else there.
fn version_in(text: &str) -> Option<String> {
    text.split_whitespace().find(|word| numbers(word).is_some()).map(|word| word.trim_start_matches('v').to_owned())
}

fn numbers(version: &str) -> Option<[u32; 3]> {
    let plain = version.trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        assert_eq!(version_in("buildkitd github.com/moby/buildkit v0.34.2 abc"), Some("0.34.2".to_owned()));
        assert_eq!(version_in("buildkitd"), None);
        assert!(numbers("v0.9.3") < numbers("0.28.1"));
        assert_eq!(numbers("0.28.1-rc1"), Some([0, 28, 1]));
    }

    #[test]
    fn an_old_release_is_refused_with_the_reason() {
        assert_eq!(supported_version("BuildKit: github.com/moby/buildkit v0.28.1 x").unwrap(), "0.28.1");
        let old = supported_version("buildkitd github.com/moby/buildkit v0.9.3").unwrap_err();
        assert!(old.message.contains("0.9.3 is too old"), "{}", old.message);
        assert!(supported_version("something else").is_err());
    }

    #[test]
    fn the_newest_release_in_the_cache_comes_first() {
        let cache = tempfile::tempdir().unwrap();
        for name in ["buildkit-v0.9.0", "buildkit-v0.34.2", "helm-v4.0.0"] {
            std::fs::create_dir(cache.path().join(name)).unwrap();
        }
        assert_eq!(cached(cache.path())[0], cache.path().join("buildkit-v0.34.2/bin"));
    }
}
