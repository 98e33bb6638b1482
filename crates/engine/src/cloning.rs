//! Clones, stored: read what is there, make the clone, keep it with the values of its secrets in one write.
//!
//! One write is all there is to a kill: before it nothing is there, after it everything. Values of secrets go from the store to the store;
//! what Slipway has made itself (passwords of databases, salts, outputs of jobs) is made anew for the clone, since no environment declares it.

use std::collections::BTreeMap;

use slipway_core::clone::{CloneRequest, Cloned, ClonedService, Refusal, ServiceCloneRequest, clone_environment, clone_service};
use slipway_core::model::{Environment, Name};
use slipway_ports::{Access, SecretText, StoreError, StoredEnvironment};

use crate::engine::Shared;
use crate::error::EngineError;
use crate::secrets;

/// How often a service is put into an environment again because somebody else was first. Each time that somebody has made progress.
const MOST_ATTEMPTS: usize = 100;

/// What marks an environment that a request has cloned something into; no secret of a file has such a name.
const MARK: &str = "slipway:cloned:";

/// How something is cloned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cloning {
    /// Whether the clone gets the values of the secrets too; without it they are to be set.
    pub with_secrets: bool,
    /// What tells the request from all others, if it may be made again because its answer was lost.
    pub request: Option<String>,
}

impl Cloning {
    fn mark(&self) -> Option<String> {
        self.request.as_ref().map(|request| format!("{MARK}{request}"))
    }

    /// Whether this request was done before. What it made and the mark were one write.
    async fn was_done(&self, shared: &Shared, access: &Access, project: &Name, name: &Name) -> Result<bool, StoreError> {
        let Some(mark) = self.mark() else { return Ok(false) };
        Ok(shared.ports.store.secret_names(access, project, Some(name)).await?.contains(&mark))
    }
}

/// What was cloned, and the environment as it is kept now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made<T> {
    /// What was cloned.
    pub cloned: T,
    /// The environment that has it.
    pub stored: StoredEnvironment,
}

pub(crate) async fn environment(
    shared: &Shared,
    access: &Access,
    (project, name): (&Name, &Name),
    request: &CloneRequest,
    how: &Cloning,
) -> Result<Made<Cloned>, EngineError> {
    let store = &shared.ports.store;
    let source = shared.environment(access, project, name).await?.environment;
    let wanted = request.project.as_ref().unwrap_or(project);
    if request.target.is_some() {
        shared.target(access, request.target.as_deref()).await?;
    }
    let gives = store.project(access, wanted).await?.project.gives;
    let found = match store.environment(access, wanted, &request.name).await {
        Ok(found) => Some(found),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let exists = || EngineError::EnvironmentExists(format!("{wanted}/{}", request.name));
    let was_done = how.was_done(shared, access, wanted, &request.name).await?;
    if found.is_some() && !was_done {
        return Err(exists());
    }
    let cloned = clone_environment(&source, request, &gives)?;
    if let Some(stored) = found {
        return Ok(Made { cloned, stored });
    }
    let values = values(shared, &source, wanted, &cloned.environment.secrets, how).await?;
    let stored =
        store.put_environment_with_secrets(access, &cloned.environment, 0, &values).await.map_err(|error| match error {
            StoreError::Conflict { .. } => exists(),
            other => other.into(),
        })?;
    shared.tell_environment(&cloned.environment);
    Ok(Made { cloned, stored })
}

pub(crate) async fn service(
    shared: &Shared,
    access: &Access,
    (project, environment): (&Name, &Name),
    request: &ServiceCloneRequest,
    (other_project, other): (&Name, &Name),
    how: &Cloning,
) -> Result<Made<ClonedService>, EngineError> {
    let store = &shared.ports.store;
    let mut attempt = 1;
    loop {
        let source = shared.environment(access, project, environment).await?.environment;
        let into = store.environment(access, other_project, other).await?;
        let gives = store.project(access, other_project).await?.project.gives;
        let cloned = match clone_service(&source, request, &into.environment, &gives) {
            Err(Refusal::ServiceExists { service, .. }) if how.was_done(shared, access, other_project, other).await? => {
                let cloned = clone_service(&source, request, &without(&into.environment, &service), &gives)?;
                return Ok(Made { cloned, stored: into });
            }
            other => other?,
        };
        let values = values(shared, &source, other_project, &cloned.secrets, how).await?;
        match store.put_environment_with_secrets(access, &cloned.environment, into.version, &values).await {
            Ok(stored) => {
                shared.tell_environment(&cloned.environment);
                return Ok(Made { cloned, stored });
            }
            Err(StoreError::Conflict { .. }) if attempt < MOST_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

fn without(environment: &Environment, service: &Name) -> Environment {
    let mut without = environment.clone();
    without.services.retain(|other| other.name != *service);
    without
}

/// Keeps a preview of an environment, with the values of its secrets or without them, in one write.
pub(crate) async fn keep(
    shared: &Shared,
    access: &Access,
    source: &Environment,
    made: &Environment,
    with_secrets: bool,
) -> Result<(), StoreError> {
    let how = Cloning { with_secrets, request: None };
    let values = values(shared, source, &made.project, &made.secrets, &how).await?;
    shared.ports.store.put_environment_with_secrets(access, made, 0, &values).await?;
    shared.tell_environment(made);
    Ok(())
}

/// The values of secrets by their names, if they go along, and the mark of the request. In another project the clone does not see those
/// of the first project any more, so they count as well.
async fn values(
    shared: &Shared,
    source: &Environment,
    project: &Name,
    names: &[String],
    how: &Cloning,
) -> Result<BTreeMap<String, SecretText>, StoreError> {
    let mark = how.mark().zip(how.request.as_deref().map(SecretText::new));
    if !how.with_secrets {
        return Ok(mark.into_iter().collect());
    }
    let store = &*shared.ports.store;
    let mut all = if source.project == *project {
        store.secrets(project, Some(&source.name)).await?
    } else {
        secrets::seen_by(store, source).await?
    };
    all.retain(|name, _| names.contains(name));
    all.extend(mark);
    Ok(all)
}
