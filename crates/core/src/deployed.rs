//! What of an environment is deployed, read off its deployments.
//!
//! A service is deployed as the newest deployment that released it left it. A stop or restart does not change that; a delete ends
//! it. A service whose releases have all failed is there as it was last tried, so that it can be stopped and deleted.

use std::collections::BTreeMap;

use crate::deployment::{Deployment, SkipReason, StepState};
use crate::model::{Name, Service};
use crate::plan::{Action, BuildPlan, PlannedService, Released, ReleasedImage};

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
            let succeeded = matches!(run.release, StepState::Succeeded { .. });
            if planned.leaves.is_some() || plan.action == Action::Delete {
                // A delete that failed half-way is taken up by the next one.
                if succeeded {
                    found.certain = Some(Certain::Gone);
                }
            } else if plan.action == Action::Stop {
                found.is_stopped |= succeeded;
            } else if plan.action.releases()
                && let Some(service) = plan.environment.service(&planned.name)
            {
                let is_stopped = found.is_stopped;
                let of = |released, has_failed| {
                    let (service, planned) = (service.clone(), planned.clone());
                    Box::new(DeployedService { deployment: number, service, planned, released, is_stopped, has_failed })
                };
                match &run.release {
                    StepState::Succeeded { result, .. } => {
                        let image = result.repository.clone().zip(result.image.clone());
                        let image = image.map(|(repository, digest)| ReleasedImage { repository, digest });
                        found.certain =
                            Some(Certain::Released(of(Released { image, variables: result.variables.clone() }, false)));
                    }
                    // A job for another action: it was built, and waits for that.
                    StepState::Skipped { reason: SkipReason::NothingToRun, .. } => {
                        let image = built(planned, run.build.as_ref());
                        found.certain = Some(Certain::Released(of(Released { image, variables: None }, false)));
                    }
                    StepState::Failed { since: Some(_), .. } if found.tried.is_none() => {
                        let image = built(planned, run.build.as_ref());
                        found.tried = Some(of(Released { image, variables: None }, true));
                    }
                    _ => {}
                }
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
                Some(Certain::Gone) => return None,
                None => found.tried?,
            };
            Some((name, *service))
        });
        deployed.collect()
    }
}

fn built(planned: &PlannedService, build: Option<&StepState>) -> Option<ReleasedImage> {
    let Some(BuildPlan::Image(plan)) = &planned.build else { return None };
    let digest = build?.image()?.to_owned();
    Some(ReleasedImage { repository: plan.repository.clone(), digest })
}
