//! The parts of the paths, each with its name in the documentation of the API.

use serde::Deserialize;
use utoipa::IntoParams;

/// A project.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProjectPath {
    /// The project.
    pub(crate) project: String,
}

/// A credential of a project.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CredentialPath {
    /// The project.
    pub(crate) project: String,
    /// The credential.
    pub(crate) credential: String,
}

/// A webhook.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct WebhookPath {
    /// The webhook's id.
    pub(crate) webhook: String,
}

/// A notification.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct NotificationPath {
    /// The notification's id.
    pub(crate) notification: String,
}

/// An environment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct EnvironmentPath {
    /// The project.
    pub(crate) project: String,
    /// The environment.
    pub(crate) environment: String,
}

/// A secret of an environment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SecretPath {
    /// The project.
    pub(crate) project: String,
    /// The environment.
    pub(crate) environment: String,
    /// The secret, as the environment declares it.
    pub(crate) secret: String,
}

/// A secret of a project.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProjectSecretPath {
    /// The project.
    pub(crate) project: String,
    /// The secret, as the project declares it.
    pub(crate) secret: String,
}

/// A stage of an environment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct StagePath {
    /// The project.
    pub(crate) project: String,
    /// The environment.
    pub(crate) environment: String,
    /// The name of the stage.
    pub(crate) stage: String,
}

/// A service of an environment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ServicePath {
    /// The project.
    pub(crate) project: String,
    /// The environment.
    pub(crate) environment: String,
    /// The service.
    pub(crate) service: String,
}

/// A port of a service.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PortPath {
    /// The project.
    pub(crate) project: String,
    /// The environment.
    pub(crate) environment: String,
    /// The service.
    pub(crate) service: String,
    /// The port of its pods.
    #[param(maximum = 65535)]
    pub(crate) port: u16,
}

/// A run of a cron job.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RunPath {
    /// The project.
    pub(crate) project: String,
    /// The environment.
    pub(crate) environment: String,
    /// The job.
    pub(crate) service: String,
    /// The run, as the request that began it was answered.
    pub(crate) run: String,
}

/// A deployment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DeploymentPath {
    /// The id of the deployment, a UUID.
    pub(crate) id: String,
}
