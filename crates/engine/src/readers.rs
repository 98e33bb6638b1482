//! Who reads what a service is made from: its project, with the credential that the service names or the closest that there is.

use std::fmt::Display;

use slipway_core::failure::{Code, Failure};
use slipway_core::model::{ChartSource, GitSource, Name, Service};
use slipway_ports::{Access, ChartPlace, Credential, Login, Reader, SecretText, Store, StoreError};

/// One who has all the credentials of a project.
pub(crate) async fn of_project(store: &dyn Store, access: &Access, project: &Name) -> Result<Reader, StoreError> {
    store.credentials(access, project).await.map(Reader::new)
}

/// The same, for a step: what can not be read now is read again.
pub(crate) async fn of_service(store: &dyn Store, project: &Name, service: &Service) -> Result<Reader, Failure> {
    let reader = of_project(store, &Access::owner("slipway"), project).await.map_err(|error| match error {
        StoreError::Damaged { .. } => {
            Failure::permanent(Code::Internal, error.to_string()).with_hint("set the credential again: `slipway credential set`")
        }
        StoreError::NotFound(_) | StoreError::Conflict { .. } | StoreError::Unavailable(_) | StoreError::Fenced { .. } => {
            Failure::retry(Code::Internal, format!("the credentials of `{project}` can not be read: {error}"))
        }
    })?;
    for_service(&reader, service)
}

/// The project as it reads for a service. A credential that is named is there and may be sent where the service comes from.
pub(crate) fn for_service(reader: &Reader, service: &Service) -> Result<Reader, Failure> {
    match (service.build(), service.image()) {
        (Some((git, _)), _) => for_repository(reader, &service.name, git),
        (None, Some(image)) => naming(
            reader,
            &service.name,
            image.credential.as_deref(),
            |naming| naming.for_image(&image.reference),
            &image.reference,
        ),
        (None, None) => Ok(reader.clone()),
    }
}

/// The project as it reads one repository for a service.
pub(crate) fn for_repository(reader: &Reader, service: &Name, git: &GitSource) -> Result<Reader, Failure> {
    naming(reader, service, git.credential.as_deref(), |naming| naming.for_repository(&git.url), &git.url)
}

/// The project as it reads the chart of a service.
pub(crate) fn for_chart(reader: &Reader, service: &Name, chart: &ChartSource) -> Result<Reader, Failure> {
    let credential = match chart {
        ChartSource::Git(git) => return for_repository(reader, service, git),
        ChartSource::Repository { credential, .. } | ChartSource::Oci { credential, .. } => credential.as_deref(),
    };
    match ChartPlace::of(chart) {
        Some((place, _)) => naming(reader, service, credential, |naming| naming.for_chart(&place), &place),
        None => Ok(reader.clone()),
    }
}

fn naming(
    reader: &Reader,
    service: &Name,
    named: Option<&str>,
    used: impl Fn(&Reader) -> Option<&Credential>,
    from: &dyn Display,
) -> Result<Reader, Failure> {
    let Some(name) = named else { return Ok(reader.clone()) };
    let naming = reader.naming(name).ok_or_else(|| {
        unusable(format!("`{service}` names the credential `{name}`, which the project does not have"))
            .with_hint(format!("`slipway credential set {name}` sets it; `slipway credential list` shows those that there are"))
    })?;
    if used(&naming).is_some_and(|used| used.name.as_str() == name) {
        return Ok(naming);
    }
    let place = naming.named().map(|credential| credential.place.to_string()).unwrap_or_default();
    Err(unusable(format!("the credential `{name}` is for {place}, and `{service}` comes from {from}"))
        .with_hint("name a credential for that place, or none: the closest one is used then"))
}

fn unusable(message: String) -> Failure {
    Failure::permanent(Code::CredentialUnusable, message)
}

/// What of a reader's credentials no log may show.
pub(crate) fn secrets(reader: &Reader) -> impl Iterator<Item = SecretText> + '_ {
    reader.credentials().iter().map(|credential| match &credential.login {
        Login::Password { password, .. } => password.clone(),
        Login::SshKey { private_key, .. } => private_key.clone(),
    })
}

/// Who a reader is to the host of a repository: the id of a credential.
pub(crate) fn identity(reader: &Reader, url: &str) -> Option<String> {
    reader.for_repository(url).map(|credential| credential.id.clone())
}
