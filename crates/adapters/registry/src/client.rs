//! The client side: what the mirroring registry holds, what a reference stands for, and copying images into it.
//!
//! One request is authenticated and sent by [`session`]; [`remote`] is a repository behind it; [`copy`] moves an image
//! between two of them. Nothing here waits or tries again: a failure says whether that is worth it, and the engine decides.

mod challenge;
mod chart;
mod claims;
mod copied;
mod copy;
mod endpoint;
mod provenance;
mod referrers;
mod refusal;
mod remote;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_ports::{
    Activity, Addresses, BuildClaim, BuildTurn, CancellationToken, Presence, Progress, Reader, Registry, RepositoryTag,
};
use tokio::sync::Semaphore;

pub(crate) use chart::LARGEST_ARCHIVE;
pub(crate) use endpoint::is_loopback;
pub use endpoint::{Credential, InvalidEndpoint, RegistrySettings};
pub(crate) use refusal::{cause_of, printable};
pub(crate) use session::client_builder;

use crate::digest::Digest;
use crate::name::{RepositoryName, Tag};
use crate::places::mirror_repository;
use claims::{Claims, Pace};
use copied::Copied;
use endpoint::Endpoint;
use remote::Remote;
use session::Session;

/// Registries, reached by the Distribution API.
pub struct OciRegistry {
    settings: RegistrySettings,
    /// Host and prefix of the mirroring registry.
    address: String,
    own: Endpoint,
    session: Arc<Session>,
    /// Absent: nobody else builds into the registry.
    claims: Option<Arc<Claims>>,
    copied: Copied,
    /// One permit for each blob on its way, over all copies.
    blobs: Semaphore,
}

/// Why the client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An address in the settings is not one.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// There are no certificates to trust, or the like.
    #[error("HTTPS can't be set up: {0}; are the system's CA certificates installed?")]
    Transport(String),
}

impl OciRegistry {
    /// A client with these settings; addresses in them are checked now.
    pub fn new(settings: RegistrySettings) -> Result<Self, ClientError> {
        let own = Endpoint::of_mirroring_registry(&settings)?;
        for host in settings.mirrors.keys() {
            Endpoint::of_host(&settings, host, None)?;
        }
        let session = Arc::new(Session::new().map_err(|error| ClientError::Transport(error.to_string()))?);
        let claims = settings.is_shared.then(|| Claims::new(session.clone(), own.clone(), Pace::REAL));
        let address = match settings.prefix.as_str() {
            "" => settings.address.clone(),
            prefix => format!("{}/{prefix}", settings.address),
        };
        let blobs = Semaphore::new(copy::PARALLEL);
        Ok(Self { settings, address, own, session, claims, copied: Copied::default(), blobs })
    }

    /// Where the host of a user's may lead.
    pub(crate) fn addresses(&self) -> &Addresses {
        &self.settings.addresses
    }

    async fn endpoint(&self, reference: &ImageReference, reader: &Reader) -> Result<Endpoint, Failure> {
        let host = reference.host();
        let is_set = host == self.settings.address || self.settings.mirrors.contains_key(host);
        if !is_set {
            self.settings.addresses.judge(reference, host).await?;
        }
        let own = reader.for_image(reference);
        let mut endpoint = Endpoint::of_host(&self.settings, host, own)
            .map_err(|error| Failure::permanent(Code::ImageNotFound, error.to_string()))?;
        endpoint.judged = (!is_set).then(|| self.settings.addresses.clone());
        let is_elsewhere = !self.settings.mirrors.contains_key(host) && self.own_repository(reference).is_none();
        if is_elsewhere && own.is_none() && host == self.settings.address {
            // What this server may read beside its own part of the registry is no project's for that.
            endpoint.sent = None;
        }
        Ok(endpoint)
    }

    /// A place in the mirroring registry, to read.
    fn own_image(&self, image: &RepositoryTag) -> Result<(Remote<'_>, Tag), Failure> {
        let repository: RepositoryName =
            image.repository.parse().map_err(|error| internal(&format!("repository {:?}: {error}", image.repository)))?;
        let tag = image.tag.parse().map_err(|error| internal(&format!("tag {:?}: {error}", image.tag)))?;
        Ok((Remote::to_read(&self.session, &self.own, repository.as_str()), tag))
    }

    /// The repository of an image that is pulled from the mirroring registry already.
    fn own_repository<'a>(&self, reference: &'a ImageReference) -> Option<&'a str> {
        let is_here = reference.host() == self.settings.address && !self.settings.mirrors.contains_key(reference.host());
        match self.settings.prefix.as_str() {
            _ if !is_here => None,
            "" => Some(reference.path()),
            prefix => reference.path().strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    /// Whether a reference names an image that Slipway itself put into the mirroring registry, maybe for another project.
    fn is_of_somebody(&self, reference: &ImageReference) -> bool {
        const OWN: [&str; 3] = ["builds/", "mirror/", "caches/"];
        self.own_repository(reference).is_some_and(|path| OWN.iter().any(|own| path.starts_with(own)))
    }

    /// Refuses such a one to a reader who has no credential for it.
    fn refuse_of_somebody(&self, reference: &ImageReference, reader: &Reader) -> Result<(), Failure> {
        if !self.is_of_somebody(reference) || reader.for_image(reference).is_some() {
            return Ok(());
        }
        let message = format!("{reference} was built or mirrored by Slipway, and is not had by its place in the registry");
        Err(Failure::permanent(Code::RegistryUnauthorized, message)
            .with_hint("name its repository or its source, or set a credential for this registry"))
    }

    async fn copy(
        &self,
        source: &ImageReference,
        reader: &Reader,
        destination: &RepositoryName,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let endpoint = self.endpoint(source, reader).await?;
        let mount_from = endpoint.is_same_server(&self.own).then(|| endpoint.repository(source.path()));
        let copy = copy::Copy {
            source: Remote::to_read(&self.session, &endpoint, source.path()),
            destination: Remote::to_write(&self.session, &self.own, destination.as_str()),
            source_endpoint: endpoint,
            mount_from,
            copied: &self.copied,
            blobs: &self.blobs,
            progress,
            cancel: cancel.clone(),
        };
        let digest = match source.digest() {
            Some(text) => text.parse().map_err(|error| internal(&format!("{text}: {error}")))?,
            None => copy::unless(cancel, self.resolve(source, reader))
                .await?
                .parse()
                .map_err(|error| internal(&format!("{error}")))?,
        };
        copy.run(&digest, source.tag()).await
    }
}

#[async_trait]
impl Registry for OciRegistry {
    fn address(&self) -> &str {
        &self.address
    }

    async fn presence(&self, image: &RepositoryTag) -> Result<Presence, Failure> {
        let (remote, tag) = self.own_image(image)?;
        let digest = remote.digest_of(tag.as_str()).await?;
        Ok(digest.map_or(Presence::Absent, |digest: Digest| Presence::Present(digest.to_string())))
    }

    async fn resolve(&self, reference: &ImageReference, reader: &Reader) -> Result<String, Failure> {
        self.refuse_of_somebody(reference, reader)?;
        let endpoint = self.endpoint(reference, reader).await?;
        let remote = Remote::to_read(&self.session, &endpoint, reference.path());
        let digest = remote.digest_of(reference.digest_or_tag()).await?;
        digest.map(|digest| digest.to_string()).ok_or_else(|| {
            Failure::permanent(Code::ImageNotFound, format!("image {reference} does not exist in its registry"))
                .with_hint("check the name and the tag")
        })
    }

    async fn bases(&self, image: &RepositoryTag) -> Result<Vec<ImageReference>, Failure> {
        let (remote, tag) = self.own_image(image)?;
        provenance::bases(&remote, tag.as_str()).await
    }

    async fn claim_build(&self, image: &RepositoryTag) -> Result<BuildClaim, Failure> {
        match &self.claims {
            Some(claims) => claims.claim(image).await,
            None => Ok(BuildClaim::Ours(BuildTurn::alone())),
        }
    }

    async fn mirror(
        &self,
        source: &ImageReference,
        reader: &Reader,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<String, Failure> {
        if let Some(repository) = self.own_repository(source) {
            return Ok(repository.to_owned());
        }
        progress.activity(Activity::Mirroring);
        let destination = mirror_repository(source.host(), source.path()).map_err(|error| {
            Failure::permanent(Code::ImageNotFound, format!("{source} has no place in the mirroring registry: {error}"))
        })?;
        self.copy(source, reader, &destination, progress, cancel).await?;
        Ok(destination.to_string())
    }
}

fn internal(message: &str) -> Failure {
    Failure::permanent(Code::Internal, message)
}
