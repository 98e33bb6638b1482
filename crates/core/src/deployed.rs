//! What of an environment is deployed, read off its deployments.
//!
//! A service is deployed as the newest deployment that released it left it. A stop or restart does not change that; a delete ends
//! it. A service whose releases have all failed is there as it was last tried, so that it can be stopped and deleted.

use std::collections::BTreeMap;

use crate::deployment::{Deployment, ServiceRun, SkipReason, StepState};
use crate::model::{Name, Service};
use crate::plan::{Action, BuildPlan, Plan, PlannedService, Released, ReleasedImage, Settled};

/// What a deployment did to what is deployed of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It released it; or it built a job for another action, which waits for that.
    Released,
    /// It removed it.
    Gone,
    /// It stopped it.
    Stopped,
    /// It tried to release it, and failed.
    Tried,
}

impl Effect {
    /// What one of the services of a plan has come to; absent when it is as it was before.
    pub fn of(plan: &Plan, planned: &PlannedService, run: &ServiceRun) -> Option<Self> {
        let succeeded = matches!(run.release, StepState::Succeeded { .. });
        if planned.leaves.is_some() || plan.action == Action::Delete {
            // A delete that failed half-way is taken up by the next one.
            return succeeded.then_some(Self::Gone);
        }
        if plan.action == Action::Stop {
            return succeeded.then_some(Self::Stopped);
        }
        if !plan.action.releases() || plan.environment.service(&planned.name).is_none() {
            return None;
        }
        match &run.release {
            StepState::Succeeded { .. } | StepState::Skipped { reason: SkipReason::NothingToRun, .. } => Some(Self::Released),
            StepState::Failed { since: Some(_), .. } => Some(Self::Tried),
            StepState::Waiting { .. }
            | StepState::Running { .. }
            | StepState::Skipped { .. }
            | StepState::Failed { since: None, .. }
            | StepState::Canceled { .. } => None,
        }
    }
}

/// A service that is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedService {
    /// The number of the deployment that released it.
    pub deployment: u64,
    /// Its configuration.
    pub service: Service,
    /// Its version, as it was sealed.
    pub planned: PlannedService,
    /// What the release used.
    pub released: Released,
    /// How the release was when it had become healthy.
    pub settled: Option<Settled>,
    /// Whether it has been stopped since.
    pub is_stopped: bool,
    /// Whether the release failed, and was the only one.
    pub has_failed: bool,
}

/// Reads deployments, the newest first.
#[derive(Debug, Default)]
pub struct Deployed {
    found: BTreeMap<Name, Found>,
}

/// What is known of a service so far.
#[derive(Debug, Default)]
struct Found {
    /// Stopped after whatever comes next. A release that fails goes back to what was there, stopped or not.
    is_stopped: bool,
    /// As a release that failed left it.
    tried: Option<Box<DeployedService>>,
    /// What nothing older changes any more.
    certain: Option<Certain>,
}

/// How the newest deployment that released or deleted a service left it.
#[derive(Debug)]
enum Certain {
    Released(Box<DeployedService>),
    Gone,
}

impl Deployed {
    /// Takes in the deployment before the ones that were read so far.
    pub fn read(&mut self, number: u64, deployment: &Deployment) {
        let plan = deployment.plan();
        for (planned, run) in plan.services.iter().zip(deployment.services()) {
            let found = self.found.entry(planned.name.clone()).or_default();
            if found.certain.is_some() {
                continue;
            }
            let is_stopped = found.is_stopped;
            let of = |has_failed| {
                let service = plan.environment.service(&planned.name)?.clone();
                let (released, settled) = (released(planned, run), settled(run));
                let planned = planned.clone();
                let deployment = number;
                Some(Box::new(DeployedService { deployment, service, planned, released, settled, is_stopped, has_failed }))
            };
            match Effect::of(plan, planned, run) {
                None => {}
                Some(Effect::Gone) => found.certain = Some(Certain::Gone),
                Some(Effect::Stopped) => found.is_stopped = true,
                Some(Effect::Released) => found.certain = of(false).map(Certain::Released),
                Some(Effect::Tried) => found.tried = found.tried.take().or_else(|| of(true)),
            }
        }
    }

    /// Whether nothing older can tell more of a service.
    pub fn is_certain(&self, name: &Name) -> bool {
        self.found.get(name).is_some_and(|found| found.certain.is_some())
    }

    /// What is deployed, by name.
    pub fn services(self) -> BTreeMap<Name, DeployedService> {
        let deployed = self.found.into_iter().filter_map(|(name, found)| {
            let service = match found.certain {
                Some(Certain::Released(service)) => service,
                // What was tried was tried after that.
                Some(Certain::Gone) | None => found.tried?,
            };
            Some((name, *service))
        });
        deployed.collect()
    }
}

/// What the release of a service used, as far as it came.
fn released(planned: &PlannedService, run: &ServiceRun) -> Released {
    match &run.release {
        StepState::Succeeded { result, .. } => {
            let image = result.repository.clone().zip(result.image.clone());
            let image = image.map(|(repository, digest)| ReleasedImage { repository, digest });
            Released { image, variables: result.variables.clone() }
        }
        StepState::Waiting { .. }
        | StepState::Running { .. }
        | StepState::Skipped { .. }
        | StepState::Failed { .. }
        | StepState::Canceled { .. } => Released { image: built(planned, run.build.as_ref()), variables: None },
    }
}

fn settled(run: &ServiceRun) -> Option<Settled> {
    match &run.release {
        StepState::Succeeded { result, .. } => result.settled.as_deref().cloned(),
        StepState::Waiting { .. }
        | StepState::Running { .. }
        | StepState::Skipped { .. }
        | StepState::Failed { .. }
        | StepState::Canceled { .. } => None,
    }
}

fn built(planned: &PlannedService, build: Option<&StepState>) -> Option<ReleasedImage> {
    let Some(BuildPlan::Image(plan)) = &planned.build else { return None };
    let digest = build?.image()?.to_owned();
    Some(ReleasedImage { repository: plan.repository.clone(), digest })
}
