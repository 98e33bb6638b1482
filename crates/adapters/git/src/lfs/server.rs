//! How the LFS server of a repository is found.

use slipway_core::failure::Failure;
use slipway_ports::{CancellationToken, Reader};

use super::endpoint::{Endpoint, configured};
use super::ssh::OverSsh;
use crate::export::Part;
use crate::mirrors::GitMirrors;
use crate::ssh_address::SshAddress;

/// The LFS server of a repository, which may have to be asked for.
pub(crate) enum Server<'a> {
    Known(Endpoint),
    OverSsh(OverSsh<'a>),
}

impl<'a> Server<'a> {
    /// The server of a repository at a commit: what `.lfsconfig` names, else what its host tells over SSH, else the one beside it.
    pub(crate) async fn find(
        mirrors: &'a GitMirrors,
        part: &mut Part,
        reader: &'a Reader,
        cancel: &'a CancellationToken,
    ) -> Result<Self, Failure> {
        let source = mirrors.source(&part.url, reader)?;
        if let Some(url) = configured(mirrors.program(), &part.mirror, &mut part.objects, &part.top).await? {
            return Endpoint::configured(&url, &source).map(Self::Known);
        }
        match SshAddress::of(&source) {
            Some(address) => Ok(Self::OverSsh(OverSsh::new(address?, &part.url, reader, mirrors.known_hosts(), cancel))),
            None => Endpoint::beside(&source).map(Self::Known),
        }
    }

    /// Where it is, and what it is asked with: for one batch, since what a host tells is soon out of date.
    pub(crate) async fn endpoint(&self) -> Result<Endpoint, Failure> {
        match self {
            Self::Known(endpoint) => Ok(endpoint.clone()),
            Self::OverSsh(over_ssh) => over_ssh.endpoint().await,
        }
    }
}
