//! Whether a service has anything to do (B4): what it would be released from is compared with its last healthy release, and what runs
//! with how that had settled. One look at the target serves all services of a deployment that want to know at about the same time.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use slipway_core::failure::Failure;
use slipway_core::model::Name;
use slipway_core::names::sha256_hex;
use slipway_core::plan::{Drift, ObjectRef, Observed, Plan, Settled, SettledObject};
use slipway_ports::{Access, ReleaseRequest, SecretText, Target};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use crate::deployed::deployed;
use crate::engine::Shared;
use crate::error::EngineError;
use crate::workload_variables::salt;

/// For so long a look at the target serves others.
const SERVES: Duration = Duration::from_secs(5);

/// The last healthy releases of the services of a plan.
#[derive(Debug, Default)]
pub(crate) struct LastReleases {
    settled: OnceCell<BTreeMap<Name, Settled>>,
    survey: Mutex<Option<Survey>>,
}

#[derive(Debug)]
struct Survey {
    taken: Instant,
    observed: HashMap<ObjectRef, Observed>,
}

/// What comparing a service with its last healthy release tells.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) difference: Difference,
    /// The objects that somebody changed since.
    pub(crate) changed: Vec<ObjectRef>,
}

/// What a service has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// It has no release that is known to have become healthy, and was not stopped since.
    NoHealthyRelease,
    /// What it is made from has changed.
    Inputs,
    /// What runs is not as it was released.
    Drift(Drift),
    /// It could not be found out.
    Unknown(Failure),
    /// Nothing.
    None,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHealthyRelease => f.write_str("no healthy release to compare with"),
            Self::Inputs => f.write_str("image or configuration changed"),
            Self::Drift(drift) => drift.fmt(f),
            Self::Unknown(failure) => write!(f, "what runs could not be looked at: {failure}"),
            Self::None => f.write_str("unchanged"),
        }
    }
}

impl LastReleases {
    /// Compares what a service would be released from with its last healthy release.
    pub(crate) async fn compare(&self, shared: &Shared, plan: &Plan, target: &Target, name: &Name, inputs: &str) -> Comparison {
        let (last, observed) = match self.look(shared, plan, target, name).await {
            Ok(found) => found,
            Err(difference) => return Comparison { difference, changed: Vec::new() },
        };
        let difference = if last.inputs == inputs {
            last.drift(&observed).map_or(Difference::None, Difference::Drift)
        } else {
            Difference::Inputs
        };
        Comparison { difference, changed: last.changed(&observed) }
    }

    /// How what runs of a service differs from its last healthy release, whatever it would be released from now.
    pub(crate) async fn drift(&self, shared: &Shared, plan: &Plan, target: &Target, name: &Name) -> Option<Drift> {
        let (last, observed) = self.look(shared, plan, target, name).await.ok()?;
        last.drift(&observed)
    }

    /// The last healthy release of a service, and its objects as they are now.
    async fn look(
        &self,
        shared: &Shared,
        plan: &Plan,
        target: &Target,
        name: &Name,
    ) -> Result<(&Settled, Vec<Observed>), Difference> {
        let settled = self.settled.get_or_try_init(|| read(shared, plan)).await.map_err(|error| {
            // To release again what may be unchanged does no harm.
            tracing::warn!(%error, service = %name, "what is deployed can not be read");
            Difference::NoHealthyRelease
        })?;
        let last = settled.get(name).ok_or(Difference::NoHealthyRelease)?;
        let observed = self.observe(shared, target, settled, last).await.map_err(Difference::Unknown)?;
        Ok((last, observed))
    }

    /// The objects of one release, by a look at those of all.
    async fn observe(
        &self,
        shared: &Shared,
        target: &Target,
        all: &BTreeMap<Name, Settled>,
        last: &Settled,
    ) -> Result<Vec<Observed>, Failure> {
        // Who comes while somebody looks waits for what that one sees.
        let mut survey = self.survey.lock().await;
        if survey.as_ref().is_none_or(|survey| survey.taken.elapsed() > SERVES) {
            let mut objects: Vec<_> =
                all.values().flat_map(|settled| &settled.objects).map(|settled| settled.object.clone()).collect();
            objects.sort();
            objects.dedup();
            let taken = Instant::now();
            let observed = shared.ports.cluster.survey(target, &objects).await?;
            *survey = Some(Survey { taken, observed: objects.into_iter().zip(observed).collect() });
        }
        let seen = |object: &SettledObject| {
            survey.as_ref().and_then(|survey| survey.observed.get(&object.object).cloned()).unwrap_or(Observed::Absent)
        };
        Ok(last.objects.iter().map(seen).collect())
    }
}

/// The last healthy releases of the services that take part, as they had settled.
async fn read(shared: &Shared, plan: &Plan) -> Result<BTreeMap<Name, Settled>, EngineError> {
    let environment = &plan.environment;
    let access = Access::owner("engine");
    let deployed = deployed(&*shared.ports.store, &access, &environment.project, &environment.name).await?;
    let takes_part = |name: &Name| plan.service(name).is_some_and(|planned| planned.leaves.is_none());
    let settled = deployed.into_iter().filter(|(name, _)| takes_part(name)).filter_map(|(name, deployed)| {
        let is_up = !deployed.is_stopped && !deployed.has_failed;
        deployed.settled.filter(|_| is_up).map(|settled| (name, settled))
    });
    Ok(settled.collect())
}

/// Stands for all that a release is made from. With what pods pull with, of which only who knows the salt can try guesses.
pub(crate) async fn inputs(shared: &Shared, plan: &Plan, target: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
    let release = shared.ports.releases.inputs(target, request)?;
    let pull = match &shared.settings.pull_credential {
        Some(pull) => {
            let salt: SecretText = salt(shared, &plan.environment).await?;
            sha256_hex(format!("{}\n{}\n{}", salt.expose(), pull.user, pull.password.expose()).as_bytes())
        }
        None => String::new(),
    };
    Ok(sha256_hex([release.as_str(), &pull, &target.name, &request.namespace].join("\n").as_bytes()))
}

/// How a release is now that it has become healthy; absent when it could not be looked at, or the adapter could not tell its objects:
/// then the next deployment releases it again.
pub(crate) async fn settled(
    shared: &Shared,
    target: &Target,
    inputs: String,
    mut objects: Vec<ObjectRef>,
    secrets: Vec<ObjectRef>,
) -> Option<Settled> {
    if objects.is_empty() {
        return None;
    }
    objects.extend(secrets);
    let observed = match shared.ports.cluster.survey(target, &objects).await {
        Ok(observed) => observed,
        Err(failure) => {
            tracing::warn!(%failure, "a healthy release could not be looked at; it will be released again");
            return None;
        }
    };
    let seen = objects.into_iter().zip(observed).map(|(object, observed)| match observed {
        Observed::Present { fingerprint, .. } => Some(SettledObject { object, fingerprint }),
        Observed::Absent => None,
    });
    Some(Settled { inputs, objects: seen.collect::<Option<_>>()? })
}
