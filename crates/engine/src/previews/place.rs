//! Where a host is asked about a repository, and with what.

use slipway_core::auto_deploy::web_host;
use slipway_core::model::{GitPlace, GitScheme, Name};
use slipway_ports::{Access, HostPlace, Login, StoreError};

use crate::engine::Shared;
use crate::readers;

/// The API of a repository's host, with the token of the credential that is closest to it; nothing when the project has none that is a
/// password or token. The API answers over HTTP also where git goes over SSH.
pub(crate) async fn place_of(
    shared: &Shared,
    access: &Access,
    project: &Name,
    host: &str,
    url: &str,
) -> Result<Option<HostPlace>, StoreError> {
    let Some(url) = over_http(url) else { return Ok(None) };
    let reader = readers::of_project(&*shared.ports.store, access, project).await?;
    let Some(credential) = reader.for_repository(&url) else { return Ok(None) };
    let Login::Password { user, password } = &credential.login else { return Ok(None) };
    Ok(Some(HostPlace { host: host.to_owned(), url, user: user.clone(), token: password.clone() }))
}

fn over_http(url: &str) -> Option<String> {
    let place = GitPlace::of_url(url)?;
    match place.scheme() {
        GitScheme::Http | GitScheme::Https => Some(url.to_owned()),
        GitScheme::Ssh => Some(format!("https://{}/{}.git", web_host(place.host_and_port().0), place.path())),
    }
}
