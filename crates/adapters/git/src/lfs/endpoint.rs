//! Where the LFS server of a repository is.

use std::path::Path;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use slipway_core::failure::{Code, Failure};

use crate::objects::{EntryKind, Objects};
use crate::program::Program;
use crate::source_url::SourceUrl;

const LARGEST: u64 = 64 << 10;

/// An LFS server, as one repository sees it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    /// What it is asked with. Never shown.
    pub(crate) headers: HeaderMap,
}

impl Endpoint {
    /// The one beside a repository over HTTP.
    pub(super) fn beside(source: &SourceUrl) -> Result<Self, Failure> {
        let trimmed = source.shown.trim_end_matches('/');
        let repository = trimmed.strip_suffix(".git").unwrap_or(trimmed);
        let url = http(&format!("{repository}.git/info/lfs")).ok_or_else(|| {
            Failure::permanent(
                Code::LfsUnavailable,
                format!("{} keeps files in Git LFS, which is read over http, https and ssh only", source.shown),
            )
            .with_hint("use an https URL for the repository, or name its LFS server as `lfs.url` in a `.lfsconfig`")
        })?;
        Ok(Self { url, headers: authorized(source.authorization())? })
    }

    /// The one that `.lfsconfig` names.
    pub(super) fn configured(url: &str, source: &SourceUrl) -> Result<Self, Failure> {
        let refused = || {
            Failure::permanent(Code::LfsUnavailable, "`lfs.url` in `.lfsconfig` is no http or https URL")
                .with_hint("correct `.lfsconfig` in the repository, commit and push")
        };
        let own = SourceUrl::parse(url, false).map_err(|_| refused())?;
        let url = http(own.shown.trim_end_matches('/')).ok_or_else(refused)?;
        // The credential of a repository is for its own host.
        let shared = http(&source.shown).filter(|repository| repository.origin() == url.origin());
        let authorization = own.authorization().or_else(|| shared.and_then(|_| source.authorization()));
        Ok(Self { url, headers: authorized(authorization)? })
    }

    /// The address of its batch API.
    pub(crate) fn batch(&self) -> String {
        format!("{}/objects/batch", self.url.as_str().trim_end_matches('/'))
    }

    /// What it is asked with, if another address is of the same host.
    pub(crate) fn headers_for(&self, other: &Url) -> Option<&HeaderMap> {
        (other.origin() == self.url.origin()).then_some(&self.headers)
    }
}

/// The headers of who asks.
pub(super) fn authorized(authorization: Option<String>) -> Result<HeaderMap, Failure> {
    let headers = authorization.map(|value| Ok((AUTHORIZATION, sensitive(&value)?)));
    headers.into_iter().collect()
}

/// A value that no log shows.
pub(super) fn sensitive(value: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| Failure::permanent(Code::LfsUnavailable, "a credential for an LFS server holds what no header can"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Parses an address that is asked without a program of somebody's own.
pub(super) fn http(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// The server that a repository names in `.lfsconfig`.
pub(super) async fn configured(
    program: &Program,
    mirror: &Path,
    objects: &mut Objects,
    top: &str,
) -> Result<Option<String>, Failure> {
    let entries = objects.tree(top).await?;
    let Some(entry) = entries.into_iter().find(|entry| entry.name == b".lfsconfig") else { return Ok(None) };
    let is_small = objects.find(&entry.id).await?.is_some_and(|header| header.size <= LARGEST);
    if !matches!(entry.kind, EntryKind::File { .. }) || !is_small {
        return Err(Failure::permanent(Code::LfsUnavailable, "`.lfsconfig` is not a file of at most 64 KiB"));
    }
    let blob = format!("--blob={}", entry.id);
    let ended = program.ask(mirror, ["config", &blob, "--get", "lfs.url"], "read `.lfsconfig`").await?;
    if !ended.success && !ended.stderr.trim().is_empty() {
        return Err(Failure::permanent(Code::LfsUnavailable, "`.lfsconfig` cannot be read as configuration of git"));
    }
    Ok(Some(ended.stdout.trim().to_owned()).filter(|url| !url.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> SourceUrl {
        SourceUrl::parse(url, true).unwrap()
    }

    #[test]
    fn the_server_is_beside_the_repository() {
        for (repository, batch) in [
            ("https://git.example/shop.git", "https://git.example/shop.git/info/lfs/objects/batch"),
            ("https://git.example/shop/", "https://git.example/shop.git/info/lfs/objects/batch"),
        ] {
            assert_eq!(Endpoint::beside(&source(repository)).unwrap().batch(), batch);
        }
        for repository in ["git@git.example:shop.git", "ssh://git.example/shop", "file:///srv/shop"] {
            assert_eq!(Endpoint::beside(&source(repository)).unwrap_err().code, Code::LfsUnavailable, "{repository}");
        }
    }

    #[test]
    fn a_credential_goes_to_its_own_host_alone() {
        let source = source("https://user:secret@git.example/shop.git");
        let endpoint = |url: &str| Endpoint::configured(url, &source).unwrap();
        assert!(endpoint("https://git.example/lfs").headers.contains_key(AUTHORIZATION));
        for other in ["https://lfs.example/shop", "http://git.example/lfs", "https://git.example:8443/lfs"] {
            assert!(endpoint(other).headers.is_empty(), "{other}");
        }
        let beside = Endpoint::beside(&source).unwrap();
        assert!(beside.headers_for(&http("https://git.example/x").unwrap()).is_some());
        assert_eq!(beside.headers_for(&http("https://storage.example/x").unwrap()), None);
        for refused in ["file:///etc", "ssh://git.example/x", "ext::sh", "-x", "git@git.example:x"] {
            assert!(Endpoint::configured(refused, &source).is_err(), "{refused}");
        }
    }
}
