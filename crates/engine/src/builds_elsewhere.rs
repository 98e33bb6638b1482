//! What other environments of a project were last to build: a plan says by it why an image is shared, and why it is not.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use slipway_core::model::Name;
use slipway_core::plan::{Action, BuildElsewhere, BuildPlan, Plan, PlannedBuild};
use slipway_ports::{Access, Store};

use crate::deployed;
use crate::error::EngineError;

/// So many environments of a project are asked, the first by name.
const MOST_ENVIRONMENTS: usize = 50;

/// So many of the newest deployments of each are looked through for one that builds.
const LOOK_BACK: u32 = 10;

/// The builds that another environment was last to do from some repositories.
pub(crate) struct OtherEnvironment {
    name: Name,
    builds: Vec<PlannedBuild>,
}

impl OtherEnvironment {
    /// Its builds, for the comparison.
    pub(crate) fn builds(&self) -> impl Iterator<Item = BuildElsewhere<'_>> {
        self.builds.iter().map(|build| BuildElsewhere { environment: &self.name, build })
    }
}

/// What the newest deployment of each other environment builds that builds from one of these repositories of images. Without any,
/// nothing is read.
pub(crate) async fn builds_elsewhere(
    store: &dyn Store,
    access: &Access,
    plan: &Plan,
    repositories: &BTreeSet<&str>,
) -> Result<Vec<OtherEnvironment>, EngineError> {
    if repositories.is_empty() {
        return Ok(Vec::new());
    }
    let (project, own) = (&plan.environment.project, &plan.environment.name);
    let stored = store.environments(access).await?;
    let others = stored.into_iter().map(|stored| stored.environment);
    let names = others.filter(|other| other.project == *project && other.name != *own).map(|other| other.name);
    let asks: Vec<_> = names
        .take(MOST_ENVIRONMENTS)
        .map(|name| async move {
            let builds = match newest_builds(store, access, (project, &name), repositories).await {
                // A preview that was forgotten since it was listed.
                Err(EngineError::NotFound(_)) => Vec::new(),
                builds => builds?,
            };
            Ok::<_, EngineError>(OtherEnvironment { name, builds })
        })
        .collect();
    let found: Vec<_> = futures::stream::iter(asks).buffered(7).collect().await;
    found.into_iter().collect()
}

async fn newest_builds(
    store: &dyn Store,
    access: &Access,
    (project, environment): (&Name, &Name),
    repositories: &BTreeSet<&str>,
) -> Result<Vec<PlannedBuild>, EngineError> {
    let builds = [Action::Deploy, Action::Rollback].map(Action::as_str);
    for summary in store.deployments(access, project, environment, None, LOOK_BACK).await? {
        if !builds.contains(&&*summary.action) {
            continue;
        }
        let deployment = match deployed::read(store, access, &summary).await {
            Ok(deployment) => deployment,
            // Retention has let go of it since it was listed.
            Err(EngineError::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        let planned = deployment.plan().services.iter().filter_map(|service| match &service.build {
            Some(BuildPlan::Image(build)) if repositories.contains(&*build.repository) => Some(build.clone()),
            _ => None,
        });
        let found: Vec<_> = planned.collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
