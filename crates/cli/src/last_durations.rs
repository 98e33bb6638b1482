//! How long the steps of an environment took the last time that they were done, as the server remembers it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use slipway_core::deployment::Phase;
use slipway_core::model::{Environment, Name};
use slipway_core::simulation::{Durations, ServiceDurations, StepEnd, simulate};
use slipway_ports::api::{DeploymentPage, DeploymentView, State};

use crate::context::Context;
use crate::output;
use crate::selection::Selection;
use crate::stop::{Exit, Stop};

/// Most deployments that are looked into.
const MOST_DEPLOYMENTS: usize = 100;

/// Asks the server for the durations of an environment, newest deployments first, until it knows each.
pub(crate) async fn ask(context: &Context, environment: &Environment) -> Result<Durations, Stop> {
    let selection = Selection::named_or(context.environment.as_deref(), environment)?;
    let client = context.client()?;
    let page: DeploymentPage = client.get(&format!("{}/deployments?limit={MOST_DEPLOYMENTS}", selection.path())).await?;
    let mut search = Search::new(environment);
    for head in page.items.iter().filter(|head| head.action == "deploy") {
        if search.missing.is_empty() {
            break;
        }
        search.look_into(&client.get::<DeploymentView>(&format!("/deployments/{}", head.id)).await?);
    }
    if search.found.is_empty() {
        return Err(Stop::new(Exit::NotFound, format!("no step of {selection} has succeeded yet, so no duration is known"))
            .with_hint("deploy it first with `slipway deploy`, or give a file with `--durations FILE`"));
    }
    if !search.missing.is_empty() {
        let steps: Vec<_> = search.missing.iter().map(|(service, phase)| format!("{} of {service}", phase.as_str())).collect();
        output::tell(format!("no duration is known yet, and 0 is taken: {}", steps.join(", ")));
    }
    Ok(search.durations())
}

/// The steps that a simulation does, found and missing.
struct Search {
    missing: BTreeSet<(Name, Phase)>,
    found: BTreeMap<(Name, Phase), Duration>,
}

impl Search {
    /// What shares the build of another service, or has nothing to run, needs no duration.
    fn new(environment: &Environment) -> Self {
        let steps = simulate(environment, &Durations::default()).steps;
        let done = steps.into_iter().filter(|step| step.end == StepEnd::Succeeded);
        Self { missing: done.map(|step| (step.service.clone(), step.phase)).collect(), found: BTreeMap::new() }
    }

    /// Takes what is missing from a deployment. A build that was skipped says nothing about how long building takes.
    fn look_into(&mut self, deployment: &DeploymentView) {
        for service in deployment.services() {
            let Ok(name) = Name::new(service.name.as_str()) else { continue };
            let release = &service.release;
            let build = service.build.as_ref().map(|build| (Phase::Build, build.state, build.started_at, build.ended_at));
            let steps = build.into_iter().chain([(Phase::Release, release.state, release.started_at, release.ended_at)]);
            for (phase, state, started_at, ended_at) in steps {
                let step = (name.clone(), phase);
                if let (State::Succeeded, Some(from), Some(to)) = (state, started_at, ended_at)
                    && self.missing.remove(&step)
                {
                    self.found.insert(step, between(from, to));
                }
            }
        }
    }

    fn durations(self) -> Durations {
        let mut services: BTreeMap<Name, ServiceDurations> = BTreeMap::new();
        for ((service, phase), duration) in self.found {
            let known = services.entry(service).or_default();
            match phase {
                Phase::Build => known.build = duration,
                Phase::Release => known.release = duration,
            }
        }
        let mut durations = Durations::default();
        for (service, known) in services {
            durations.insert(service, known);
        }
        durations
    }
}

/// A clock that was set back in between makes it nothing.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0))
}
