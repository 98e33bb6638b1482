//! The image key of one service of a file, where there is no server, target or registry to ask.
//!
//! It is the key that a first deployment of the whole file would seal. What only a target can tell is refused, never guessed.

use std::collections::BTreeMap;

use slipway_core::failure::Failure;
use slipway_core::image_key::BuildKey;
use slipway_core::model::{BuildSettings, ChartSource, Environment, GitSource, Name, PortProtocol, Service, ServiceKind};
use slipway_core::plan::Version;
use slipway_core::variables::BuiltinFacts;
use slipway_core::version_range::is_exact;
use slipway_ports::{CancellationToken, Reader, Repositories, Silent};

use super::builds::{Source, build_arguments, builtins_of};
use super::versions::configured_image;
use crate::retry::RetryPolicy;

/// Why a service has no key here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildKeyError {
    /// The file has no such service.
    #[error("there is no service `{name}`; there are {known}")]
    NoService {
        /// What was asked for.
        name: String,
        /// The services that there are.
        known: String,
    },
    /// It brings its image.
    #[error("`{0}` is not built: it has no `git` source")]
    NotBuilt(Name),
    /// A build argument takes what is not known without a server.
    #[error("`ARG {argument}` takes {what}, which only a server can tell")]
    NeedsServer {
        /// The argument.
        argument: String,
        /// What it takes.
        what: String,
    },
    /// It could not be read from git, or makes no sense.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// The key of a service's image, with everything that it depends on.
pub async fn build_key(
    repositories: &dyn Repositories,
    environment: &Environment,
    service: &str,
) -> Result<BuildKey, BuildKeyError> {
    let found = environment.services.iter().find(|other| other.name.as_str() == service);
    let service = found.ok_or_else(|| {
        let known: Vec<String> = environment.services.iter().map(|service| format!("`{}`", service.name)).collect();
        BuildKeyError::NoService { name: service.to_owned(), known: known.join(", ") }
    })?;
    let (git, build) = service.build().ok_or_else(|| BuildKeyError::NotBuilt(service.name.clone()))?;
    let mut versions = OfflineVersions { repositories, fetched: BTreeMap::new() };
    let commit = versions.commit(git).await?;
    let source = Source::read(repositories, &Reader::nobody(), git, build, commit.clone()).await?;
    let args = arguments(&mut versions, environment, service, build, &source).await?;
    Ok(BuildKey::of(&commit, &source.inputs(build, &args), &source.tree.submodules))
}

/// The build arguments. A first resolution with a mark in the place of everything that must be asked for shows what is wanted.
async fn arguments(
    versions: &mut OfflineVersions<'_>,
    environment: &Environment,
    service: &Service,
    build: &BuildSettings,
    source: &Source,
) -> Result<BTreeMap<String, String>, BuildKeyError> {
    let mut builtins = BuiltinFacts::default();
    for other in &environment.services {
        // A skipped service takes no part in a first deployment, and so has no version.
        if !other.skipped || other.name == service.name {
            builtins.versions.insert(other.name.clone(), mark("version", &other.name));
        }
        if is_public(other) {
            builtins.public_urls.insert(other.name.clone(), mark("url", &other.name));
        }
    }
    let marked = build_arguments(environment, &builtins_of(environment, builtins.clone()), service, build, &source.declared)?;
    for other in &environment.services {
        let takes = |what: &str| marked.iter().find(|(_, value)| value.contains(&mark(what, &other.name)));
        if let Some((argument, _)) = takes("url") {
            let what = format!("the public URL of `{}`", other.name);
            return Err(BuildKeyError::NeedsServer { argument: argument.clone(), what });
        }
        if let Some((argument, _)) = takes("version") {
            let version = versions.of(other).await?.ok_or_else(|| BuildKeyError::NeedsServer {
                argument: argument.clone(),
                what: format!("the version of `{}`, the digest of an image", other.name),
            })?;
            builtins.versions.insert(other.name.clone(), version);
        }
    }
    Ok(build_arguments(environment, &builtins_of(environment, builtins), service, build, &source.declared)?)
}

/// A text that no sensible value holds; one that did would be refused, or resolve a version that nobody needs.
fn mark(what: &str, service: &Name) -> String {
    format!("\u{1}{what} of {service}\u{1}")
}

fn is_public(service: &Service) -> bool {
    let ports = service.workload().map_or(&[][..], |workload| &workload.ports);
    ports.iter().any(|port| port.public && matches!(port.protocol, PortProtocol::Http | PortProtocol::Grpc))
}

/// Versions by the file and git alone: one fetch per repository.
struct OfflineVersions<'a> {
    repositories: &'a dyn Repositories,
    /// What the fetch of each repository came to, by its URL.
    fetched: BTreeMap<String, Result<(), Failure>>,
}

impl OfflineVersions<'_> {
    async fn commit(&mut self, git: &GitSource) -> Result<String, Failure> {
        let (nobody, never) = (Reader::nobody(), CancellationToken::new());
        if !self.fetched.contains_key(&git.url) {
            let fetch = || self.repositories.fetch(&git.url, &nobody, &never);
            let fetched = RetryPolicy::default().run(&Silent, &never, fetch).await;
            self.fetched.insert(git.url.clone(), fetched);
        }
        if let Some(Err(failure)) = self.fetched.get(&git.url) {
            return Err(failure.clone());
        }
        self.repositories.resolve(&git.url, &nobody, &git.revision).await
    }

    /// The version as a plan tells it, short; `None` when a registry must be asked.
    async fn of(&mut self, service: &Service) -> Result<Option<String>, Failure> {
        if let Some((git, _)) = service.build() {
            return Ok(Some(Version::Commit(self.commit(git).await?).short()));
        }
        if let ServiceKind::Helm(helm) = &service.kind {
            return match &helm.chart {
                ChartSource::Git(git) => Ok(Some(Version::Commit(self.commit(git).await?).short())),
                ChartSource::Repository { version, .. } | ChartSource::Oci { version, .. } => {
                    Ok(is_exact(version).then(|| version.clone()))
                }
            };
        }
        let reference = configured_image(service)?;
        let is_told = reference.tag().is_some() || reference.digest().is_some();
        Ok(is_told.then(|| Version::Image(reference).short()))
    }
}
