//! Images, pulled from the mirroring registry with the credential of the environment.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions};
use futures::StreamExt as _;
use serde::Deserialize;
use slipway_core::failure::{Code, Failure};
use slipway_ports::{CancellationToken, SecretText, WantedImage};

use crate::engine::{failure, status, words};
use crate::text::clause;

/// What the engine says of a registry that is away for a moment.
const OUT_OF_REACH: [&str; 6] = ["connection refused", "connection reset", "timeout", "no such host", "i/o timeout", "EOF"];

/// `.dockerconfigjson`.
#[derive(Deserialize)]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
}

#[derive(Deserialize)]
struct Auth {
    auth: SecretText,
}

/// Sees to it that the engine has an image.
pub(crate) async fn pull(
    docker: &Docker,
    image: &WantedImage,
    secret: Option<&BTreeMap<String, SecretText>>,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    if docker.inspect_image(&image.to_string()).await.is_ok() {
        return Ok(());
    }
    let credentials = secret.and_then(|secret| credentials(secret, &image.repository));
    let options = CreateImageOptionsBuilder::new().from_image(&image.repository).tag(&image.digest).build();
    let mut pulling = Box::pin(docker.create_image(Some(options), None, credentials));
    loop {
        let next = tokio::select! {
            next = pulling.next() => next,
            () = cancel.cancelled() => return Err(Failure::canceled("the pull was canceled")),
        };
        match next {
            None => return Ok(()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(refused(image, &error)),
        }
    }
}

fn refused(image: &WantedImage, error: &bollard::errors::Error) -> Failure {
    let said = words(error);
    let is_stream = matches!(error, bollard::errors::Error::DockerStreamError { .. });
    if status(error).is_none() && !is_stream {
        return failure(&format!("pull {image}"), error);
    }
    let message = format!("the Docker Engine cannot pull image {}: {}", clause(&image.to_string()), said);
    if OUT_OF_REACH.iter().any(|part| said.contains(part)) {
        return Failure::retry(Code::ImagePullFailed, message)
            .with_hint("check that the Docker Engine reaches the registry of the server: the address in the image's name");
    }
    Failure::permanent(Code::ImagePullFailed, message)
        .with_hint("deploy again: the image is built or mirrored anew when it is gone")
}

/// Who pulls from the host of a repository.
fn credentials(secret: &BTreeMap<String, SecretText>, repository: &str) -> Option<DockerCredentials> {
    let host = repository.split('/').next()?;
    let config: DockerConfig = serde_json::from_str(secret.get(".dockerconfigjson")?.expose()).ok()?;
    let decoded = STANDARD.decode(config.auths.get(host)?.auth.expose()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(DockerCredentials {
        username: Some(user.to_owned()),
        password: Some(password.to_owned()),
        serveraddress: Some(host.to_owned()),
        ..DockerCredentials::default()
    })
}

/// Removes an image that no container uses any more; one that is in use, or gone, stays as it is.
pub(crate) async fn forget(docker: &Docker, image: &str) {
    if let Err(error) = docker.remove_image(image, None::<RemoveImageOptions>, None).await {
        tracing::debug!(image, error = words(&error), "an image stays in the Docker Engine");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credential_is_that_of_the_registry_and_of_no_other() {
        let config = r#"{"auths": {"127.0.0.1:7879": {"auth": "dXNlcjpwYTpzcw=="}}}"#;
        let secret = BTreeMap::from([(".dockerconfigjson".to_owned(), SecretText::new(config))]);
        let found = credentials(&secret, "127.0.0.1:7879/mirror/a").unwrap();
        assert_eq!((found.username.as_deref(), found.password.as_deref()), (Some("user"), Some("pa:ss")));
        assert!(credentials(&secret, "registry.test/mirror/a").is_none());
    }
}
