//! From an environment to a sealed plan: versions resolved and pinned, image keys computed.
//!
//! What can not be resolved does not stop the others: it is sealed as the failure of that service.

use std::collections::{BTreeMap, HashMap};

use futures::StreamExt;
use slipway_core::failure::{Code, Failure};
use slipway_core::image_key::{ImageKey, KeyInputs, build_repository, declared_args};
use slipway_core::model::{BuildSettings, Environment, GitRevision, GitSource, ImageReference, Name, Service, ServiceKind};
use slipway_core::plan::{Action, BuildPlan, Plan, PlannedBuild, PlannedService, Version};
use slipway_core::variables::{self, Resolved, Scopes};
use slipway_ports::{CancellationToken, Silent, Target, TreeQuery};

use crate::engine::Shared;
use crate::error::EngineError;
use crate::workload_variables::{facts, variable_failure};

/// How many repositories and registries are asked at a time.
const AT_A_TIME: usize = 7;

/// What asking for a version came to.
type Resolution = Result<Version, Failure>;

/// Seals what a deployment of an environment would do now.
pub(crate) async fn prepare(
    shared: &Shared,
    environment: &Environment,
    target: &Target,
    action: Action,
) -> Result<Plan, EngineError> {
    let order: HashMap<_, _> =
        environment.pipeline.stages.iter().enumerate().map(|(order, stage)| (&stage.name, order)).collect();
    let mut taking_part = Vec::new();
    for service in environment.services.iter().filter(|service| !service.skipped) {
        let stage = *order.get(&service.stage).ok_or_else(|| {
            EngineError::Internal(format!("service `{}` is in the stage `{}`, which there is not", service.name, service.stage))
        })?;
        taking_part.push((stage, service));
    }
    taking_part.sort_by_key(|(stage, _)| *stage);
    let fetched = fetch_all(shared, taking_part.iter().map(|(_, service)| *service)).await;
    let versions = resolve_all(shared, &fetched, taking_part.iter().map(|(_, service)| *service)).await;
    let mut services: Vec<PlannedService> = taking_part
        .iter()
        .map(|(stage, service)| PlannedService {
            name: service.name.clone(),
            stage: *stage,
            version: versions[&service.name].clone().unwrap_or_else(Version::Unresolved),
            build: None,
        })
        .collect();
    let sealed = services.clone();
    for (planned, (_, service)) in services.iter_mut().zip(&taking_part) {
        if let Some((git, build)) = service.build() {
            let plan = plan_build(shared, environment, &sealed, target, service, git, build, &planned.version).await;
            planned.build = Some(plan.map_or_else(BuildPlan::Impossible, BuildPlan::Image));
        }
    }
    Ok(Plan { action, environment: environment.clone(), services })
}

/// One fetch per repository. A commit that the mirror holds already needs none.
async fn fetch_all<'a>(shared: &Shared, services: impl Iterator<Item = &'a Service>) -> HashMap<String, Result<(), Failure>> {
    let mut wanted: BTreeMap<&str, Vec<&GitRevision>> = BTreeMap::new();
    for (git, _) in services.filter_map(Service::build) {
        wanted.entry(&git.url).or_default().push(&git.revision);
    }
    let fetches = wanted.into_iter().map(|(url, revisions)| async move {
        let repositories = &shared.ports.repositories;
        let mut needed = false;
        for revision in revisions {
            needed |= !matches!(revision, GitRevision::Commit(_)) || repositories.resolve(url, revision).await.is_err();
        }
        let never = CancellationToken::new();
        let fetch = || repositories.fetch(url, &never);
        let done = if needed { shared.settings.retry.run(&Silent, &never, fetch).await } else { Ok(()) };
        (url.to_owned(), done)
    });
    // Collected first: a lazy iterator of borrowing closures makes the future of the caller not provably `Send`.
    futures::stream::iter(fetches.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect().await
}

async fn resolve_all<'a>(
    shared: &Shared,
    fetched: &HashMap<String, Result<(), Failure>>,
    services: impl Iterator<Item = &'a Service>,
) -> HashMap<Name, Resolution> {
    let resolutions = services.map(|service| async move { (service.name.clone(), resolve(shared, fetched, service).await) });
    futures::stream::iter(resolutions.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect().await
}

async fn resolve(shared: &Shared, fetched: &HashMap<String, Result<(), Failure>>, service: &Service) -> Resolution {
    if let Some((git, _)) = service.build() {
        if let Some(Err(failure)) = fetched.get(&git.url) {
            return Err(failure.clone());
        }
        return Ok(Version::Commit(shared.ports.repositories.resolve(&git.url, &git.revision).await?));
    }
    let reference = match (service.image(), &service.kind) {
        (Some(image), _) => image.reference.clone(),
        (None, ServiceKind::Database(database)) => {
            let official = format!("{}:{}", database.database_type.official_image(), database.version);
            ImageReference::parse(&official).map_err(|error| Failure::permanent(Code::ImageNotFound, error.to_string()))?
        }
        (None, _) => {
            return Err(Failure::permanent(
                Code::NotSupported,
                format!("`{}` is a {} service, which is not supported yet", service.name, service.service_type()),
            ));
        }
    };
    if reference.digest().is_some() {
        return Ok(Version::Image(reference));
    }
    let never = CancellationToken::new();
    let digest = shared.settings.retry.run(&Silent, &never, || shared.ports.registry.resolve(&reference)).await?;
    Ok(Version::Image(reference.with_digest(digest)))
}

#[expect(clippy::too_many_arguments, reason = "each is one thing that a key depends on")]
async fn plan_build(
    shared: &Shared,
    environment: &Environment,
    services: &[PlannedService],
    target: &Target,
    service: &Service,
    git: &GitSource,
    build: &BuildSettings,
    version: &Version,
) -> Result<PlannedBuild, Failure> {
    let commit = match version {
        Version::Commit(commit) => commit.clone(),
        Version::Unresolved(failure) => return Err(failure.clone()),
        Version::Image(_) => return Err(Failure::permanent(Code::Internal, "a build was sealed with an image as its version")),
    };
    let inline = build.dockerfile_inline.clone();
    let query = TreeQuery {
        url: git.url.clone(),
        commit: commit.clone(),
        root: git.root.clone(),
        dockerfile: if inline.is_some() { None } else { Some(build.dockerfile.clone()) },
    };
    let tree = shared.ports.repositories.facts(&query).await?;
    let dockerfile = inline.as_deref().unwrap_or(&tree.dockerfile);
    let declared = declared_args(dockerfile).map_err(|problem| {
        Failure::permanent(Code::DockerfileInvalid, format!("{}, line {}: {}", build.dockerfile, problem.line, problem.message))
            .with_hint("correct the Dockerfile, commit and push, then deploy again")
    })?;
    let args = build_arguments(environment, services, target, service, build, &declared)?;
    let key = ImageKey::of(&KeyInputs {
        context_tree: &tree.context_tree,
        dockerfile,
        target: build.target.as_deref(),
        platforms: &build.platforms,
        args: &args,
    });
    Ok(PlannedBuild {
        key,
        repository: build_repository(&git.url),
        url: query.url,
        commit,
        root: query.root,
        context_tree: tree.context_tree,
        dockerfile: query.dockerfile,
        dockerfile_inline: inline,
        target: build.target.clone(),
        args,
        platforms: build.platforms.clone(),
        cpu: build.cpu,
        memory: build.memory,
        timeout: build.timeout,
    })
}

/// The values of the declared arguments (C14). Secrets take part only as something to refuse, so their values are not needed.
fn build_arguments(
    environment: &Environment,
    services: &[PlannedService],
    target: &Target,
    service: &Service,
    build: &BuildSettings,
    declared: &std::collections::BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let databases = environment.services.iter().filter(|service| matches!(service.kind, ServiceKind::Database(_)));
    let passwords = databases.map(|service| (service.name.clone(), "a password".to_owned())).collect();
    let workload = service.workload();
    let resolved = variables::resolve(&Scopes {
        builtins: variables::builtins(environment, &facts(environment, services, target, passwords)),
        environment: &environment.variables,
        service: workload.map_or(&[], |workload| &workload.variables),
        secrets: environment.secrets.iter().map(|name| (name.clone(), Resolved::secret("a secret"))).collect(),
        visible_secrets: workload.map_or(&[], |workload| &workload.secrets),
        files: workload.map_or(&[], |workload| &workload.files),
    });
    let resolved = resolved.map_err(|problem| variable_failure(&problem))?;
    variables::build_args(declared, &build.args, &resolved).map_err(|problem| variable_failure(&problem))
}
