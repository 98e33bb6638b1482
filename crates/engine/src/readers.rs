//! Who reads what a service is made from: its project, with the credential that the service names or the closest that there is.

use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Name, Service};
use slipway_ports::{Access, Login, Reader, SecretText, Store, StoreError};

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
    let git = service.build().map(|(git, _)| git);
    let image = service.image().filter(|_| git.is_none());
    let named = git.and_then(|git| git.credential.as_deref()).or_else(|| image.and_then(|image| image.credential.as_deref()));
    let Some(name) = named else { return Ok(reader.clone()) };
    let naming = reader.naming(name).ok_or_else(|| {
        unusable(format!("`{}` names the credential `{name}`, which the project does not have", service.name))
            .with_hint(format!("`slipway credential set {name}` sets it; `slipway credential list` shows those that there are"))
    })?;
    let is_usable = match (git, image) {
        (Some(git), _) => naming.for_repository(&git.url),
        (None, Some(image)) => naming.for_image(&image.reference),
        (None, None) => None,
    };
    let is_usable = is_usable.is_some_and(|used| used.name.as_str() == name);
    if is_usable {
        return Ok(naming);
    }
    let place = naming.named().map(|credential| credential.place.to_string()).unwrap_or_default();
    let from = git.map(|git| git.url.clone()).or_else(|| image.map(|image| image.reference.to_string())).unwrap_or_default();
    Err(unusable(format!("the credential `{name}` is for {place}, and `{}` comes from {from}", service.name))
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
