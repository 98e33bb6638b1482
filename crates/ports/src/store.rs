//! What must outlive the server.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use slipway_core::deployment::{Actor, Event, Phase, Timestamp};
use slipway_core::model::{Environment, Name, Project};

use crate::{Credential, KeptAnswer, LogSection, LogWindow, Notifications, PlacedLine, ScheduleMarks, SecretText, Webhooks};

/// Environments, targets, secrets, and deployments as logs of facts.
///
/// Every read and write takes the caller's [`Access`]: a row that it does not cover is as if it were not there. Every write may
/// fail with [`StoreError::Fenced`]: this server does not own the store any more (see [`Lease`](crate::Lease)).
#[async_trait]
pub trait Store: Webhooks + ScheduleMarks + Notifications + Send + Sync {
    /// Makes or replaces a target.
    async fn put_target(&self, access: &Access, target: &Target) -> Result<(), StoreError>;

    /// Every target, by name.
    async fn targets(&self, access: &Access) -> Result<Vec<Target>, StoreError>;

    /// Makes an environment (`expected_version` 0) or replaces it when its version is still the expected one.
    async fn put_environment(
        &self,
        access: &Access,
        environment: &Environment,
        expected_version: u64,
    ) -> Result<StoredEnvironment, StoreError> {
        self.put_environment_with_secrets(access, environment, expected_version, &BTreeMap::new()).await
    }

    /// The same, and gives it values for secrets of it that have none, all at once: nobody sees one without the other, and a conflict
    /// leaves both undone.
    async fn put_environment_with_secrets(
        &self,
        access: &Access,
        environment: &Environment,
        expected_version: u64,
        secrets: &BTreeMap<String, SecretText>,
    ) -> Result<StoredEnvironment, StoreError>;

    /// An environment by project and name.
    async fn environment(&self, access: &Access, project: &Name, name: &Name) -> Result<StoredEnvironment, StoreError>;

    /// Every environment, by project and name.
    async fn environments(&self, access: &Access) -> Result<Vec<StoredEnvironment>, StoreError>;

    /// The first environments after a project and name, in the order of both.
    async fn environments_after(
        &self,
        access: &Access,
        after: Option<(&Name, &Name)>,
        limit: u32,
    ) -> Result<Vec<StoredEnvironment>, StoreError>;

    /// Forgets an environment with all that is kept of it: its deployments with their facts and logs, its secrets. What runs stays.
    /// `false`: one of its deployments has not finished, and nothing is forgotten.
    async fn remove_environment(&self, access: &Access, project: &Name, name: &Name) -> Result<bool, StoreError>;

    /// Makes what a project gives its environments (`expected_version` 0), or replaces it when its version is still the expected one.
    async fn put_project(&self, access: &Access, project: &Project, expected_version: u64) -> Result<StoredProject, StoreError>;

    /// What a project gives its environments. A project needs no making: one of which nothing is kept gives nothing, at version 0.
    async fn project(&self, access: &Access, project: &Name) -> Result<StoredProject, StoreError>;

    /// The projects that have an environment or give something, by name.
    async fn projects(&self, access: &Access) -> Result<Vec<Name>, StoreError>;

    /// Keeps a deployment whose first event is `Accepted`, and gives it the next number of its environment.
    async fn create_deployment(&self, access: &Access, new: &NewDeployment) -> Result<DeploymentSummary, StoreError>;

    /// Appends events after version `expected` (the number of events so far); all of them or none. What of them is told becomes an
    /// [`Occasion`](crate::Occasion) in the same write.
    async fn append(&self, deployment: &str, expected: u64, events: &[Event]) -> Result<(), StoreError>;

    /// The events of a deployment after a version, in order.
    async fn events(&self, access: &Access, deployment: &str, after: u64) -> Result<Vec<RecordedEvent>, StoreError>;

    /// One deployment.
    async fn deployment(&self, access: &Access, id: &str) -> Result<DeploymentSummary, StoreError>;

    /// The deployments of an environment, newest first; at most `limit`, those before number `before`.
    async fn deployments(
        &self,
        access: &Access,
        project: &Name,
        name: &Name,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeploymentSummary>, StoreError>;

    /// The deployments of all environments that have not finished, by environment and number.
    async fn unfinished(&self) -> Result<Vec<DeploymentSummary>, StoreError>;

    /// Keeps lines of logs and returns their numbers, which grow.
    async fn append_log(&self, deployment: &str, lines: &[LogLine]) -> Result<Vec<u64>, StoreError>;

    /// Lines of a deployment after a line number, of one service or all, in order; at most `limit`.
    async fn log(
        &self,
        access: &Access,
        deployment: &str,
        service: Option<&Name>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, LogLine)>, StoreError>;

    /// The lines of a deployment that are in sight, in order.
    async fn log_window(&self, access: &Access, deployment: &str, window: &LogWindow<'_>) -> Result<Vec<PlacedLine>, StoreError>;

    /// The services and phases that have lines in the log of a deployment, by their first lines.
    async fn log_sections(&self, access: &Access, deployment: &str) -> Result<Vec<LogSection>, StoreError>;

    /// Lines of a deployment that hold a text, in order. One call looks at a bounded number of lines, and says where to go on.
    async fn search_log(&self, access: &Access, deployment: &str, search: &LogSearch<'_>) -> Result<LogMatches, StoreError>;

    /// Cuts out the middle of the log of a deployment that has more than so many bytes, as [`LogCut`](crate::LogCut) counts them:
    /// as many lines as go into half of them stay at the beginning, and as many at the end. A line in between says what is missing,
    /// what was cut out before included. Numbers of lines stay.
    async fn bound_log(&self, deployment: &str, most_bytes: u64) -> Result<(), StoreError>;

    /// Removes deployments with their events and logs, and returns how many. One that has not finished stays, and so does the
    /// newest of each environment, so that numbers go on; one that is not there is no error.
    async fn remove_deployments(&self, ids: &[String]) -> Result<u64, StoreError>;

    /// Sets a secret of an environment, or without one of its project; it is encrypted at rest.
    async fn put_secret(
        &self,
        access: &Access,
        project: &Name,
        environment: Option<&Name>,
        name: &str,
        value: &SecretText,
    ) -> Result<(), StoreError>;

    /// Sets a secret of an environment unless it is there, and returns the one that is there now.
    async fn secret_or_insert(
        &self,
        project: &Name,
        environment: &Name,
        name: &str,
        value: SecretText,
    ) -> Result<SecretText, StoreError>;

    /// Every secret of an environment, or without one of the project itself, by name. Only releases read it; no face does.
    async fn secrets(&self, project: &Name, environment: Option<&Name>) -> Result<BTreeMap<String, SecretText>, StoreError>;

    /// The names of the secrets of an environment, or without one of the project itself, that have a value; nothing is unsealed.
    async fn secret_names(
        &self,
        access: &Access,
        project: &Name,
        environment: Option<&Name>,
    ) -> Result<BTreeSet<String>, StoreError>;

    /// Sets a credential of a project, in the place of the one of its name; what it sends is encrypted at rest.
    async fn put_credential(&self, access: &Access, project: &Name, credential: &Credential) -> Result<(), StoreError>;

    /// Every credential of a project, by name. Only deployments read what they send; no face does.
    async fn credentials(&self, access: &Access, project: &Name) -> Result<Vec<Credential>, StoreError>;

    /// Forgets a credential; one that is not there is [`StoreError::NotFound`].
    async fn remove_credential(&self, access: &Access, project: &Name, name: &Name) -> Result<(), StoreError>;

    /// Keeps the answer to a request of the caller with an idempotency key, unless there is one. Answers of more than
    /// [`KeptAnswer::LASTS`] before it go, and the oldest beyond [`KeptAnswer::MOST`] and [`KeptAnswer::MOST_BYTES`].
    async fn keep_answer(&self, access: &Access, key: &str, answer: &KeptAnswer) -> Result<(), StoreError>;

    /// The answer to a request of the caller with this key, if it was given at `since` or later.
    async fn kept_answer(&self, access: &Access, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>, StoreError>;
}

/// Who asks, and what he may see. One user owns the local server and sees all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub actor: Actor,
    /// The projects that he may see; `None`: all.
    pub projects: Option<Vec<Name>>,
}

impl Access {
    /// The owner of the server, and the server itself.
    pub fn owner(actor: impl Into<String>) -> Self {
        Self { actor: Actor(actor.into()), projects: None }
    }

    /// Whether a project may be seen.
    pub fn covers(&self, project: &Name) -> bool {
        self.projects.as_ref().is_none_or(|projects| projects.contains(project))
    }
}

/// Where environments run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Unique; a cluster is named after its context, and the Docker Engine is [`LOCAL_TARGET`].
    pub name: String,
    /// What runs them there.
    #[serde(flatten)]
    pub platform: Platform,
    /// Host names of public ports: `{service}`, `{environment}` and `{project}` are replaced.
    pub domain: String,
    /// The port under which the Ingress controller is reached, for printed URLs; absent: the scheme's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_port: Option<u16>,
    /// The `ClusterIssuer` of cert-manager that gives public hosts their certificates; absent: they are served without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_issuer: Option<String>,
    /// Requests as a share of the limits, 1 to 100 percent.
    pub request_percent: u8,
    /// Whether environments that name no target run here.
    pub is_default: bool,
}

/// The name of the target that is always there: the Docker Engine of the server's machine.
pub const LOCAL_TARGET: &str = "local";

/// What runs the services of a target. Targets stored before there was a choice are clusters, and read as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Platform {
    /// A Kubernetes cluster.
    Kubernetes(KubeContext),
    /// A Docker Engine.
    Docker {
        /// Which.
        engine: DockerEngine,
    },
}

/// How a Kubernetes cluster is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeContext {
    /// The absolute path of the kubeconfig.
    pub kubeconfig: String,
    /// The context in it.
    pub context: String,
}

/// Which Docker Engine a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DockerEngine {
    /// The one that the server was started with: of `DOCKER_HOST`, else at its usual socket.
    Local,
}

impl Platform {
    /// The cluster of a context in a kubeconfig.
    pub fn kubernetes(kubeconfig: impl Into<String>, context: impl Into<String>) -> Self {
        Self::Kubernetes(KubeContext { kubeconfig: kubeconfig.into(), context: context.into() })
    }
}

impl Target {
    /// How its cluster is reached, if it is one.
    pub fn cluster(&self) -> Option<&KubeContext> {
        match &self.platform {
            Platform::Kubernetes(cluster) => Some(cluster),
            Platform::Docker { .. } => None,
        }
    }

    /// The target [`LOCAL_TARGET`], whose public http ports are served at a port of this machine.
    pub fn local(http_port: u16, is_default: bool) -> Self {
        Self {
            name: LOCAL_TARGET.to_owned(),
            platform: Platform::Docker { engine: DockerEngine::Local },
            domain: "{service}.{environment}.{project}.localhost".to_owned(),
            ingress_port: Some(http_port),
            cluster_issuer: None,
            request_percent: 100,
            is_default,
        }
    }
}

/// An environment as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEnvironment {
    /// The environment.
    pub environment: Environment,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// A project as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProject {
    /// The project.
    pub project: Project,
    /// Counts its changes, from 1; 0 when nothing of it is kept.
    pub version: u64,
}

/// A deployment to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeployment {
    /// A UUID, made by the engine.
    pub id: String,
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// The target that it goes to, fixed at acceptance.
    pub target: String,
    /// Its first events; the very first is `Accepted`.
    pub events: Vec<Event>,
}

/// A deployment without its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentSummary {
    /// A UUID.
    pub id: String,
    /// Counts the deployments of its environment, from 1.
    pub number: u64,
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// The target.
    pub target: String,
    /// How many events it has.
    pub version: u64,
    /// As [`slipway_core::deployment::RunState::as_str`] writes it.
    pub state: String,
    /// The action.
    pub action: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it finished.
    pub finished_at: Option<Timestamp>,
}

/// An event and its place in the log of its deployment, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place.
    pub version: u64,
    /// The event.
    pub event: Event,
}

/// One line of a deployment's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was read.
    pub at: Timestamp,
    /// Of which service.
    pub service: Name,
    /// In which phase.
    pub phase: Phase,
    /// The line, without its end.
    pub text: String,
}

/// Which lines of a log are looked for.
#[derive(Debug, Clone, Copy)]
pub struct LogSearch<'a> {
    /// What they hold; the letters A to Z count as their small ones.
    pub text: &'a str,
    /// Only those of this service.
    pub service: Option<&'a Name>,
    /// Only those of this phase.
    pub phase: Option<Phase>,
    /// Only those after this number.
    pub after: u64,
    /// At most so many.
    pub limit: u32,
}

/// What a search has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMatches {
    /// The lines, by their numbers.
    pub lines: Vec<(u64, LogLine)>,
    /// The number after which to go on; absent at the end of the log.
    pub next: Option<u64>,
}

impl LogMatches {
    /// The most lines that one call looks at.
    pub const MOST_LOOKED_AT: u32 = 50_000;
}

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such row, or the caller may not see it.
    #[error("there is no {0}")]
    NotFound(String),
    /// Somebody else was first: the version is not the expected one.
    #[error("{what} is at version {found}, not {expected}: somebody changed it meanwhile")]
    Conflict {
        /// What.
        what: String,
        /// The version that the caller had seen.
        expected: u64,
        /// The version that is there.
        found: u64,
    },
    /// The database is busy or full; nothing was written.
    #[error("the database does not take it now: {0}")]
    Unavailable(String),
    /// Another server owns the store now; nothing was written, and this one may not go on.
    #[error("another server has taken over the database: {found} owns it, and this server was {expected}")]
    Fenced {
        /// The owner that this server is, or was.
        expected: String,
        /// The owner that the store has.
        found: String,
    },
    /// What is stored does not read back.
    #[error("the stored {what} does not read back: {reason}")]
    Damaged {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_stored_before_there_was_a_choice_is_a_cluster() {
        let stored =
            r#"{"name":"dev","kubeconfig":"/k","context":"c","domain":"{service}.x","requestPercent":10,"isDefault":true}"#;
        let target: Target = serde_json::from_str(stored).unwrap();
        assert_eq!(target.cluster().unwrap().context, "c");
        assert_eq!(serde_json::to_string(&target).unwrap(), stored, "an older program reads it too");
        let local = Target::local(8080, false);
        let again: Target = serde_json::from_str(&serde_json::to_string(&local).unwrap()).unwrap();
        assert_eq!((again.cluster(), &again), (None, &local));
    }
}
