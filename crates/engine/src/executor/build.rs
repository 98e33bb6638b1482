//! A build: skipped when the registry holds the image (C5), done once for all who want it (B1).

use std::collections::BTreeMap;
use std::path::Path;

use slipway_core::deployment::{SkipReason, StepOutcome, StepResult};
use slipway_core::failure::{Code, Failure};
use slipway_core::plan::{BuildPlan, PlannedBuild};
use slipway_ports::{Activity, BuildRequest, Presence, Progress, RepositoryTag, TreeQuery};

use super::Assignment;

pub(super) async fn execute(assignment: Assignment) -> Result<StepOutcome, Failure> {
    let plan = match &assignment.planned()?.build {
        Some(BuildPlan::Image(plan)) => plan.clone(),
        Some(BuildPlan::Impossible(failure)) => return Err(failure.clone()),
        None => return Err(assignment.missing()),
    };
    if assignment.stop.is_cancelled() {
        return Err(Failure::canceled("the build was canceled before it began"));
    }
    let destination = RepositoryTag { repository: plan.repository.clone(), tag: plan.key.to_string() };
    if let Some(present) = look(&assignment, &plan, &destination).await? {
        return Ok(present);
    }
    let flight = assignment.shared.flights.board(&plan.key);
    let _flight = tokio::select! {
        flight = flight => flight,
        () = assignment.stop.cancelled() => return Err(Failure::canceled("the build was canceled while another built the image")),
    };
    // Whoever flew before may have left the image.
    if let Some(present) = look(&assignment, &plan, &destination).await? {
        return Ok(present);
    }
    let image = assignment
        .shared
        .settings
        .retry
        .run(&assignment.progress, &assignment.stop, || attempt(&assignment, &plan, &destination))
        .await?;
    Ok(StepOutcome::Done(StepResult { image: Some(image), ..StepResult::default() }))
}

/// Whether the registry holds the image. What can not be found out is a failure of this step, never a build.
async fn look(assignment: &Assignment, plan: &PlannedBuild, destination: &RepositoryTag) -> Result<Option<StepOutcome>, Failure> {
    let registry = &assignment.shared.ports.registry;
    let retry = &assignment.shared.settings.retry;
    match retry.run(&assignment.progress, &assignment.stop, || registry.presence(destination)).await? {
        // The image that is to be built anew is as good as none.
        Presence::Present(image) if plan.replaces.as_ref() == Some(&image) => Ok(None),
        Presence::Present(image) => {
            assignment.progress.line(&format!("the registry holds {destination}"));
            Ok(Some(StepOutcome::Unneeded(SkipReason::ImagePresent { image })))
        }
        Presence::Absent => Ok(None),
    }
}

async fn attempt(assignment: &Assignment, plan: &PlannedBuild, destination: &RepositoryTag) -> Result<String, Failure> {
    let (ports, progress, stop) = (&assignment.shared.ports, &assignment.progress, &assignment.stop);
    let folder = work_folder(assignment)?;
    progress.activity(Activity::Fetching);
    progress.line(&format!("source {} at {}", plan.url, plan.commit));
    let query = TreeQuery {
        url: plan.url.clone(),
        commit: plan.commit.clone(),
        root: plan.root.clone(),
        dockerfile: plan.dockerfile.clone(),
    };
    let export = ports.repositories.export(&query, folder.path(), stop).await?;
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
        platforms: plan.platforms.clone(),
        line: plan.line(),
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

fn annotations(plan: &PlannedBuild) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("org.opencontainers.image.source".to_owned(), plan.url.clone()),
        ("org.opencontainers.image.revision".to_owned(), plan.commit.clone()),
    ])
}

fn work_folder(assignment: &Assignment) -> Result<tempfile::TempDir, Failure> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("build-");
    let made = match &assignment.shared.settings.work_folder {
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
    Failure::permanent(Code::Internal, format!("the build context can not be written: {error}"))
        .with_hint("look whether the server's disk is full or read-only")
}
