//! The port `Releases` without Helm: revisions in a record, containers in the engine.

use std::path::Path;

use slipway_core::failure::{Code, Failure};
use slipway_core::model::{JobTrigger, ServiceKind};
use slipway_core::plan::ObjectRef;
use slipway_ports::{
    CancellationToken, ChartNeeds, DEPLOYMENT_LABEL, ReleaseRequest, ReleaseStatus, Releases, Revision, Target, Upgraded,
    async_trait,
};

use crate::containers::{self, Container, Life};
use crate::local::LocalDocker;
use crate::making::New;
use crate::pull::pull;
use crate::record::{Record, Recorded, State, Wanted};
use crate::rollout::{forget_images, retire};
use crate::spec::{Blueprint, replicas, stops_first};
use crate::survey;

#[async_trait]
impl Releases for LocalDocker {
    fn inputs(&self, _: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
        let wanted = Wanted::of(request)?;
        Ok(survey::inputs(&wanted, &Blueprint::of(&wanted)?))
    }

    async fn upgrade(&self, _: &Target, request: &ReleaseRequest, cancel: &CancellationToken) -> Result<Upgraded, Failure> {
        let (namespace, release) = (request.namespace.as_str(), request.service.name.as_str());
        let _turn = self.turn(namespace, release).await;
        let deployment = request.labels.get(DEPLOYMENT_LABEL).cloned();
        let mut record = self.records.get(namespace, release).unwrap_or_default();
        let mut wanted = Wanted::of(request)?;
        wanted.restart = record.newest().and_then(|newest| newest.wanted.restart.clone());
        let blueprint = Blueprint::of(&wanted)?;
        if !wanted.stopped {
            self.have_image(namespace, &wanted, cancel).await?;
        }
        let is_repeated = |newest: &Recorded| newest.deployment == deployment && newest.wanted == wanted;
        let (revision, state) = match record.newest().filter(|newest| is_repeated(newest)) {
            Some(newest) => (newest.revision, newest.state),
            None => (record.next(), State::Upgrading),
        };
        if state == State::Upgrading {
            record.revisions.retain(|recorded| recorded.revision != revision);
            record.push(Recorded { revision, state, deployment, wanted: wanted.clone() });
            self.records.put(namespace, release, &record)?;
        }
        self.make(namespace, &wanted, &blueprint).await?;
        if state != State::Good {
            // Nothing is left to become ready of what was stopped.
            self.mark(namespace, release, &mut record, if wanted.stopped { State::Good } else { State::Made })?;
        }
        Ok(Upgraded { revision: Revision(revision), objects: survey::objects(namespace, &wanted, &blueprint) })
    }

    /// Charts are Helm's.
    async fn pack_chart(&self, folder: &Path) -> Result<Vec<u8>, Failure> {
        Err(Failure::permanent(Code::NotSupported, format!("{}: a Docker Engine runs no charts", folder.display())))
    }

    async fn chart_needs(&self, _: &[u8], _: bool) -> Result<ChartNeeds, Failure> {
        Err(Failure::permanent(Code::NotSupported, "a Docker Engine runs no charts"))
    }

    async fn objects(&self, _: &Target, namespace: &str, release: &str) -> Result<Vec<ObjectRef>, Failure> {
        let record = self.records.get(namespace, release);
        let Some(newest) = record.as_ref().and_then(Record::newest) else { return Ok(Vec::new()) };
        Ok(survey::objects(namespace, &newest.wanted, &Blueprint::of(&newest.wanted)?))
    }

    async fn rollback(&self, _: &Target, namespace: &str, release: &str, deployment: &str) -> Result<Option<Revision>, Failure> {
        let _turn = self.turn(namespace, release).await;
        let Some(mut record) = self.records.get(namespace, release) else { return Ok(None) };
        let is_there = |newest: &&Recorded| newest.state == State::Good && newest.deployment.as_deref() != Some(deployment);
        if let Some(newest) = record.newest().filter(is_there) {
            return Ok(Some(Revision(newest.revision)));
        }
        let Some(goal) = record.good_before(deployment).cloned() else { return Ok(None) };
        let revision = record.next();
        record.push(Recorded { revision, state: State::RollingBack, ..goal.clone() });
        self.records.put(namespace, release, &record)?;
        self.bring_back(namespace, &goal.wanted).await?;
        self.mark(namespace, release, &mut record, State::Good)?;
        // Requests go where they went before.
        self.health.look(namespace, Some(release)).await?;
        Ok(Some(Revision(revision)))
    }

    async fn uninstall(&self, _: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        let _turn = self.turn(namespace, release).await;
        // First, so that no cron job begins meanwhile. Containers are found by their labels.
        self.records.remove(namespace, release)?;
        let left = containers::list(self.engine.docker().await?, namespace, Some(release)).await?;
        retire(self, &left).await?;
        forget_images(self, &left, None).await
    }

    async fn status(&self, _: &Target, namespace: &str, release: &str) -> Result<Option<ReleaseStatus>, Failure> {
        let record = self.records.get(namespace, release);
        let newest = record.as_ref().and_then(Record::newest);
        Ok(newest.map(|newest| ReleaseStatus {
            revision: Revision(newest.revision),
            status: match newest.state {
                State::Upgrading => "pending-upgrade",
                State::RollingBack => "pending-rollback",
                State::Made | State::Good => "deployed",
            }
            .to_owned(),
            deployment: newest.deployment.clone(),
        }))
    }

    async fn version(&self) -> Result<String, Failure> {
        self.engine.version().await
    }
}

impl LocalDocker {
    fn mark(&self, namespace: &str, release: &str, record: &mut Record, state: State) -> Result<(), Failure> {
        if let Some(newest) = record.revisions.last_mut() {
            newest.state = state;
        }
        self.records.put(namespace, release, record)
    }

    pub(crate) async fn have_image(&self, namespace: &str, wanted: &Wanted, cancel: &CancellationToken) -> Result<(), Failure> {
        let secret = match &wanted.pull_secret {
            Some(name) => self.secrets.get(namespace, name)?,
            None => None,
        };
        pull(self.engine.docker().await?, &wanted.image(), secret.as_ref(), cancel).await
    }

    /// Makes the containers that are wanted and not there. Those of another generation stay, unless the two cannot be there at
    /// once: then they are stopped, and started again if this one fails.
    async fn make(&self, namespace: &str, wanted: &Wanted, blueprint: &Blueprint) -> Result<(), Failure> {
        let docker = self.engine.docker().await?;
        let service = wanted.service.name.as_str();
        let found = containers::list(docker, namespace, Some(service)).await?;
        if let ServiceKind::Job(job) = &wanted.service.kind {
            return match job.trigger {
                // Each run is a new one, and the release lets go of the one before.
                JobTrigger::Lifecycle(_) => {
                    let before: Vec<_> = found.into_iter().filter(|found| found.run.as_deref() != Some(&wanted.run)).collect();
                    retire(self, &before).await
                }
                JobTrigger::Cron { .. } => Ok(()),
            };
        }
        if wanted.stopped {
            return retire(self, &found).await;
        }
        let generation = blueprint.generation();
        let (current, others): (Vec<Container>, Vec<Container>) =
            found.into_iter().partition(|found| found.generation == generation);
        if stops_first(wanted, blueprint) {
            futures::future::join_all(others.iter().map(|other| self.routes.drain(&other.id))).await;
            futures::future::try_join_all(others.iter().map(|other| containers::stop(docker, &other.id))).await?;
        }
        let secret = self.variables(namespace, wanted)?;
        for ordinal in 0..replicas(wanted) {
            let there = match current.iter().find(|found| found.ordinal == ordinal) {
                Some(found) if found.is_running() => continue,
                // It was made, and maybe not to its end, or removed; nothing in it is to be kept.
                Some(found) if found.life == Life::Created || found.is_leaving => {
                    containers::remove(docker, &found.id).await?;
                    None
                }
                found => found,
            };
            if let Some(there) = there {
                self.routes.forget(&there.id);
                containers::start(docker, service, &there.id).await?;
            } else {
                let suffix = containers::suffix(&generation, ordinal);
                New { namespace, wanted, blueprint, suffix, ordinal, secret: &secret }.start(docker).await?;
            }
        }
        Ok(())
    }

    /// Ends what is not of an earlier revision, and starts what is of it, or makes it again.
    async fn bring_back(&self, namespace: &str, wanted: &Wanted) -> Result<(), Failure> {
        let blueprint = Blueprint::of(wanted)?;
        let generation = blueprint.generation();
        if !wanted.stopped {
            self.have_image(namespace, wanted, &CancellationToken::new()).await?;
        }
        let found = containers::list(self.engine.docker().await?, namespace, Some(wanted.service.name.as_str())).await?;
        let replicas = replicas(wanted);
        let is_of_it = |found: &Container| found.generation == generation && found.ordinal < replicas;
        let failed: Vec<_> = found.into_iter().filter(|found| !is_of_it(found) && found.run.is_none()).collect();
        retire(self, &failed).await?;
        self.make(namespace, wanted, &blueprint).await
    }

    /// Starts the containers of a service anew: a revision that differs in its restart alone.
    pub(crate) async fn restart_release(&self, namespace: &str, release: &str, token: &str) -> Result<(), Failure> {
        let _turn = self.turn(namespace, release).await;
        let mut record = self.records.get(namespace, release).unwrap_or_default();
        let Some(newest) = record.newest().filter(|newest| !newest.wanted.stopped).cloned() else {
            let message = format!("`{release}` of {namespace} does not run, so there is nothing to restart");
            return Err(Failure::permanent(Code::ReleaseFailed, message).with_hint("deploy the service"));
        };
        self.renew(namespace, release, token)?;
        record = self.records.get(namespace, release).unwrap_or_default();
        let wanted = record.newest().map_or(newest.wanted, |newest| newest.wanted.clone());
        self.have_image(namespace, &wanted, &CancellationToken::new()).await?;
        self.make(namespace, &wanted, &Blueprint::of(&wanted)?).await?;
        let is_made = record.newest().is_some_and(|newest| newest.state == State::Upgrading);
        if is_made { self.mark(namespace, release, &mut record, State::Made) } else { Ok(()) }
    }

    /// Adds a revision that differs from the newest one in the token of its restart alone, so that its containers are others.
    pub(crate) fn renew(&self, namespace: &str, release: &str, token: &str) -> Result<(), Failure> {
        let mut record = self.records.get(namespace, release).unwrap_or_default();
        let is_other = |newest: &&Recorded| newest.wanted.restart.as_deref() != Some(token);
        let Some(newest) = record.newest().filter(is_other).cloned() else { return Ok(()) };
        let wanted = Wanted { restart: Some(token.to_owned()), ..newest.wanted };
        let revision = record.next();
        record.push(Recorded { revision, state: State::Upgrading, deployment: newest.deployment, wanted });
        self.records.put(namespace, release, &record)
    }
}
