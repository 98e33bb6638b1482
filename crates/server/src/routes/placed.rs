//! Where an environment or a service of it runs, for those who may see it.

use slipway_core::model::{Environment, Name, Service, ServiceKind};
use slipway_core::names;
use slipway_ports::{PodsOf, Target};

use crate::app::App;
use crate::places::ServicePath;
use crate::problem::Problem;
use crate::request::name;
use crate::views;

/// An environment and its place.
pub(super) struct PlacedEnvironment {
    pub(super) environment: Environment,
    pub(super) target: Target,
    pub(super) namespace: String,
}

/// A service and its place.
pub(super) struct PlacedService {
    pub(super) service: Service,
    pub(super) target: Target,
    pub(super) namespace: String,
}

impl PlacedEnvironment {
    /// Finds it.
    pub(super) async fn find(app: &App, project: &str, environment: &str) -> Result<Self, Problem> {
        let (access, store) = (app.access(), &app.inner.ports.store);
        let (project, environment) = (name(project)?, name(environment)?);
        let stored = store.environment(&access, &project, &environment).await?;
        let targets = store.targets(&access).await?;
        let target = views::target_of(&stored, &targets).cloned().ok_or_else(|| {
            Problem::not_found("the target of the environment is not known")
                .with_hint("`slipway target list` shows those that are")
        })?;
        let namespace = names::namespace(&project, &environment);
        Ok(Self { environment: stored.environment, target, namespace })
    }
}

impl PlacedService {
    /// Where it is, as one word.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.namespace, self.service.name)
    }

    /// How its pods are known.
    pub(super) fn pods_of(&self) -> PodsOf {
        match self.service.kind {
            ServiceKind::Helm(_) => PodsOf::Namespace,
            ServiceKind::Application(_) | ServiceKind::Container(_) | ServiceKind::Database(_) | ServiceKind::Job(_) => {
                PodsOf::Release
            }
        }
    }

    /// Finds it.
    pub(super) async fn find(app: &App, ServicePath { project, environment, service }: &ServicePath) -> Result<Self, Problem> {
        let service: Name = name(service)?;
        let PlacedEnvironment { environment, target, namespace } = PlacedEnvironment::find(app, project, environment).await?;
        let found = environment.service(&service).cloned();
        let service = found.ok_or_else(|| {
            Problem::not_found(format!("{}/{} has no service `{service}`", environment.project, environment.name))
        })?;
        Ok(Self { service, target, namespace })
    }
}
