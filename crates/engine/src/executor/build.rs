//! A build: skipped when the registry holds the image (C5), done once for all who want it (B1).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use slipway_core::deployment::{SkipReason, StepOutcome, StepResult};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::Environment;
use slipway_core::names::sha256_hex;
use slipway_core::plan::{BuildPlan, Plan, PlannedBuild, PlannedService};
use slipway_ports::{
    Activity, BuildClaim, BuildRequest, BuildTurn, CancellationToken, Presence, Progress, Reader, RepositoryTag, SecretText,
    TreeQuery,
};

use super::Assignment;
use crate::engine::Shared;
use crate::mask::MaskedProgress;
use crate::readers;
use crate::secrets;
use crate::single_flight::{Boarding, BuildSecrets, Flight, Landed, Landing, Seat, Terms};
use crate::workload_variables::store_failure;

/// How often a server looks whether the build of another has ended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What came of waiting for the turn to build.
enum Turn {
    Ours(BuildTurn),
    /// The image is there.
    Came(String),
}

/// Tells other servers of a build, too.
struct Telling<'a> {
    progress: &'a dyn Progress,
    turn: BuildTurn,
}

impl Progress for Telling<'_> {
    fn activity(&self, activity: Activity) {
        self.progress.activity(activity);
    }

    fn line(&self, text: &str) {
        self.turn.tell(text);
        self.progress.line(text);
    }
}

/// What of a build is the same for all who want it.
struct Build {
    shared: Arc<Shared>,
    /// Of the service that began it. All who share in it have read the repository when their plans were sealed.
    reader: Reader,
    plan: PlannedBuild,
    destination: RepositoryTag,
    secrets: Option<BuildSecrets>,
    /// See [`BuildRequest::cache_scope`].
    cache_scope: Option<String>,
}

/// Carries the step out. A canceled step hands on its seat when another service of the deployment may want the image: the build goes
/// on if that one begins now, and else ends.
pub(super) async fn execute(mut assignment: Assignment) -> (Result<StepOutcome, Failure>, Option<Seat>) {
    let plan = match assignment.planned().map(|planned| &planned.build) {
        Ok(Some(BuildPlan::Image(plan))) => plan.clone(),
        Ok(Some(BuildPlan::Impossible(failure))) => return (Err(failure.clone()), None),
        Ok(None) => return (Err(assignment.missing()), None),
        Err(failure) => return (Err(failure), None),
    };
    if assignment.stop.is_cancelled() {
        return (Err(Failure::canceled("the build was canceled before it began")), None);
    }
    let reader = match assignment.reader().await {
        Ok(reader) => reader,
        Err(failure) => return (Err(failure), None),
    };
    let handed = assignment.seat.take();
    let destination = destination(&plan);
    let secrets = secrets_of(&assignment.plan, &plan);
    let cache_scope = cache_scope(&assignment.plan.environment);
    let build = Arc::new(Build { shared: assignment.shared.clone(), reader, plan, destination, secrets, cache_scope });
    if handed.is_none() {
        match build.look(&assignment.progress, &assignment.stop).await {
            Ok(None) => {}
            Ok(Some(image)) => return (Ok(present(image)), None),
            Err(failure) => return (Err(failure), None),
        }
    }
    fly(&assignment, &build, handed).await
}

/// The place of a build's image.
pub(crate) fn destination(plan: &PlannedBuild) -> RepositoryTag {
    RepositoryTag { repository: plan.repository.clone(), tag: plan.key.to_string() }
}

fn secrets_of(plan: &Plan, build: &PlannedBuild) -> Option<BuildSecrets> {
    let Environment { project, name, .. } = &plan.environment;
    let secrets = || BuildSecrets {
        project: project.clone(),
        environment: name.clone(),
        is_of_fork: plan.environment.is_of_fork(),
        names: build.secrets.clone(),
    };
    (!build.secrets.is_empty()).then(secrets)
}

/// A fork writes no cache that another repository reads: a step of its own could leave there what theirs would run.
fn cache_scope(environment: &Environment) -> Option<String> {
    let fork = environment.preview.as_ref()?.fork.as_ref()?;
    Some(format!("fork-{}", &sha256_hex(fork.as_bytes())[..16]))
}

fn present(image: String) -> StepOutcome {
    StepOutcome::Unneeded(SkipReason::ImagePresent { image })
}

/// Builds the image, or shares in the build of another.
async fn fly(
    assignment: &Assignment,
    build: &Arc<Build>,
    mut handed: Option<Seat>,
) -> (Result<StepOutcome, Failure>, Option<Seat>) {
    let (progress, stop) = (&assignment.progress, &assignment.stop);
    loop {
        let (seat, began) = match handed.take().map_or_else(|| build.board(), Boarding::Joined) {
            Boarding::Began(seat) => (seat, true),
            Boarding::Joined(seat) => (seat, false),
            Boarding::Ending(flight) => {
                tokio::select! {
                    _ = flight.landing() => continue,
                    () = stop.cancelled() => return (Err(Failure::canceled("the build was canceled before it began")), None),
                }
            }
        };
        if !began {
            progress.line("the image is being built already; what follows is the log of that build");
        }
        seat.report_to(progress.clone());
        let landing = tokio::select! {
            landing = seat.landing() => landing,
            () = stop.cancelled() => return leave(assignment, build, seat).await,
        };
        let outcome = match landing {
            Ok(Landed::Built(image)) if began => done(image),
            Ok(Landed::Built(image) | Landed::Present(image)) => present(image),
            Err(failure) if *seat.terms() != build.terms() => {
                progress.line(&format!(
                    "the build had other limits or secrets than this service, and failed: {failure}; it begins anew"
                ));
                continue;
            }
            Err(failure) => return (Err(failure), None),
        };
        return (Ok(outcome), None);
    }
}

fn done(image: String) -> StepOutcome {
    StepOutcome::Done(StepResult { image: Some(image), ..StepResult::default() })
}

/// Wants the image no more. When nobody else does the build ends, and this returns when it is put away.
async fn leave(assignment: &Assignment, build: &Build, seat: Seat) -> (Result<StepOutcome, Failure>, Option<Seat>) {
    let canceled = || Failure::canceled("the build was canceled");
    let is_another = |service: &&PlannedService| service.name != assignment.name;
    let mut others = assignment.plan.services.iter().filter(is_another).filter_map(|service| service.build.as_ref());
    if others.any(|other| matches!(other, BuildPlan::Image(plan) if destination(plan) == build.destination)) {
        seat.fall_silent();
        return (Err(canceled()), Some(seat));
    }
    let Some(ending) = seat.give_up() else {
        assignment.progress.line("the build goes on for others who want the image");
        return (Err(canceled()), None);
    };
    let outcome = match ending.landing().await {
        // It came to its end first.
        Ok(Landed::Built(image)) => Ok(done(image)),
        Ok(Landed::Present(image)) => Ok(present(image)),
        Err(failure) => Err(failure),
    };
    (outcome, None)
}

impl Build {
    fn board(self: &Arc<Self>) -> Boarding {
        let build = self.clone();
        self.shared.flights.board(&self.destination, self.terms(), |flight| async move { build.fly(&flight).await })
    }

    fn terms(&self) -> Terms {
        let PlannedBuild { cpu, memory, timeout, .. } = self.plan;
        Terms { cpu, memory, timeout, secrets: self.secrets.clone() }
    }

    async fn fly(&self, flight: &Flight) -> Landing {
        let stop = flight.stop();
        // Whoever flew before may have left the image.
        if let Some(image) = self.look(flight, stop).await? {
            return Ok(Landed::Present(image));
        }
        let turn = match self.turn(flight, stop).await? {
            Turn::Came(image) => return Ok(Landed::Present(image)),
            Turn::Ours(turn) => turn,
        };
        let secrets = self.read_secrets().await?;
        // Whoever shares the build sees its log, also those who have no right to its secrets and credentials.
        let telling = Telling { progress: flight, turn };
        let progress = &MaskedProgress::new(&telling, secrets.values().cloned().chain(readers::secrets(&self.reader)));
        let retry = &self.shared.settings.retry;
        let built = retry.run(progress, stop, || self.attempt(&secrets, progress, stop)).await;
        built.map(Landed::Built).map_err(|failure| progress.mask().mask_failure(failure))
    }

    /// The turn to build, among all servers that build into the registry; or the image that another has built meanwhile.
    async fn turn(&self, progress: &dyn Progress, stop: &CancellationToken) -> Result<Turn, Failure> {
        let (registry, retry) = (&self.shared.ports.registry, &self.shared.settings.retry);
        let mut heard = None;
        loop {
            let claim = retry.run(progress, stop, || registry.claim_build(&self.destination)).await?;
            let has_others = match &claim {
                BuildClaim::Ours(turn) => turn.has_others(),
                BuildClaim::Theirs { .. } => true,
            };
            if has_others && let Some(image) = self.look(progress, stop).await? {
                return Ok(Turn::Came(image));
            }
            let told = match claim {
                BuildClaim::Ours(turn) => return Ok(Turn::Ours(turn)),
                BuildClaim::Theirs { told } => told,
            };
            if heard.is_none() {
                progress.line("another server builds the image into this registry; what follows is what it tells of it");
            }
            if !told.is_empty() && heard.as_ref() != Some(&told) {
                progress.line(&told);
            }
            heard = Some(told);
            // A registry can not be watched.
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = stop.cancelled() => return Err(Failure::canceled("the build was canceled while another server built the image")),
            }
        }
    }

    /// The secrets that the build may read, as they are now.
    async fn read_secrets(&self) -> Result<BTreeMap<String, SecretText>, Failure> {
        let Some(BuildSecrets { project, environment, is_of_fork, names }) = &self.secrets else { return Ok(BTreeMap::new()) };
        let seen = secrets::with_values(&*self.shared.ports.store, (project, environment), *is_of_fork).await;
        let mut set = seen.map_err(|error| store_failure(&error))?;
        let read = names.iter().map(|name| {
            let value = set.remove(name).or_else(|| is_of_fork.then(|| SecretText::new(""))).ok_or_else(|| {
                Failure::permanent(Code::SecretMissing, format!("the secret `{name}`, which the build reads, has no value"))
                    .with_hint(format!("`slipway secret set {name}` sets one"))
            })?;
            Ok((name.clone(), value))
        });
        read.collect()
    }

    /// The image, if the registry holds it. What can not be found out is a failure of this step, never a build.
    async fn look(&self, progress: &dyn Progress, stop: &CancellationToken) -> Result<Option<String>, Failure> {
        let (registry, retry) = (&self.shared.ports.registry, &self.shared.settings.retry);
        match retry.run(progress, stop, || registry.presence(&self.destination)).await? {
            // The image that is to be built anew is as good as none.
            Presence::Present(image) if self.plan.replaces.as_ref() == Some(&image) => Ok(None),
            Presence::Present(image) => {
                progress.line(&format!("the registry holds {}", self.destination));
                Ok(Some(image))
            }
            Presence::Absent => Ok(None),
        }
    }

    async fn attempt(
        &self,
        secrets: &BTreeMap<String, SecretText>,
        progress: &dyn Progress,
        stop: &CancellationToken,
    ) -> Result<String, Failure> {
        let (ports, plan, destination) = (&self.shared.ports, &self.plan, &self.destination);
        let folder = work_folder(&self.shared, "build-")?;
        progress.activity(Activity::Fetching);
        progress.line(&format!("source {} at {}", plan.url, plan.commit));
        let query = TreeQuery {
            url: plan.url.clone(),
            commit: plan.commit.clone(),
            root: plan.root.clone(),
            dockerfile: plan.dockerfile.clone(),
        };
        let export = ports.repositories.export(&query, &self.reader, folder.path(), stop).await?;
        let dockerfile_folder = match &plan.dockerfile_inline {
            None => export.dockerfile_folder,
            Some(text) => write_inline(folder.path(), text)?,
        };
        progress.activity(Activity::Building);
        let request = BuildRequest {
            context: export.context,
            dockerfile_folder,
            target: plan.target.clone(),
            args: plan.args.clone(),
            secrets: secrets.clone(),
            reader: self.reader.clone(),
            platforms: plan.platforms.clone(),
            line: plan.line(),
            cache_scope: self.cache_scope.clone(),
            cpu: plan.cpu,
            memory: plan.memory,
            timeout: plan.timeout,
            destination: destination.clone(),
            annotations: annotations(plan),
        };
        let built = ports.builder.build(&request, progress, stop).await?;
        match ports.registry.presence(destination).await? {
            Presence::Present(digest) if digest == built.digest => Ok(digest),
            Presence::Present(other) => Err(Failure::retry(
                Code::DigestMismatch,
                format!("the builder pushed {}, the registry holds {other} under {destination}", built.digest),
            )),
            Presence::Absent => Err(Failure::retry(
                Code::BuildWithoutImage,
                format!("the build ended well, and the registry does not hold {destination}"),
            )),
        }
    }
}

fn annotations(plan: &PlannedBuild) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("org.opencontainers.image.source".to_owned(), plan.url.clone()),
        ("org.opencontainers.image.revision".to_owned(), plan.commit.clone()),
    ])
}

pub(crate) fn work_folder(shared: &Shared, prefix: &str) -> Result<tempfile::TempDir, Failure> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    let made = match &shared.settings.work_folder {
        Some(parent) => builder.tempdir_in(parent),
        None => builder.tempdir(),
    };
    made.map_err(|error| disk(&error))
}

fn write_inline(folder: &Path, text: &str) -> Result<std::path::PathBuf, Failure> {
    let inline = folder.join("inline");
    std::fs::create_dir_all(&inline)
        .and_then(|()| std::fs::write(inline.join("Dockerfile"), text))
        .map_err(|error| disk(&error))?;
    Ok(inline)
}

fn disk(error: &std::io::Error) -> Failure {
    Failure::permanent(Code::Internal, format!("the sources can not be written: {error}"))
        .with_hint("look whether the server's disk is full or read-only")
}
