//! What will be built for a service, and the content address of that.

use std::collections::{BTreeMap, BTreeSet};

use slipway_core::failure::{Code, Failure};
use slipway_core::image_key::{ImageKey, KeyInputs, build_repository, declared_args};
use slipway_core::model::{BuildSettings, Environment, GitSource, Service, ServiceKind, VariableName};
use slipway_core::plan::{PlannedBuild, Version};
use slipway_core::variables::{self, BuiltinFacts, Outputs, ReachedAt, Resolved, Scopes};
use slipway_ports::{Reader, Repositories, TreeFacts, TreeQuery};

use crate::engine::Shared;
use crate::readers;
use crate::workload_variables::variable_failure;

/// The built-in variables of an environment, by their names.
pub(super) type Builtins = BTreeMap<VariableName, Resolved>;

/// The build of a service at a version.
pub(super) async fn plan_build(
    shared: &Shared,
    reader: &Reader,
    environment: &Environment,
    builtins: &Builtins,
    service: &Service,
    (git, build): (&GitSource, &BuildSettings),
    version: &Version,
) -> Result<PlannedBuild, Failure> {
    let commit = match version {
        Version::Commit(commit) => commit.clone(),
        Version::Unresolved(failure) => return Err(failure.clone()),
        Version::Image(_) | Version::Chart(_) => {
            return Err(Failure::permanent(Code::Internal, "a build was sealed with an image or chart as its version"));
        }
    };
    let reader = readers::for_service(reader, service)?;
    let source = Source::read(&*shared.ports.repositories, &reader, git, build, commit).await?;
    let args = build_arguments(environment, builtins, service, build, &source.declared)?;
    let key = ImageKey::of(&source.inputs(build, &args));
    let Source { query, tree, .. } = source;
    Ok(PlannedBuild {
        key,
        repository: build_repository(&git.url),
        url: query.url,
        commit: query.commit,
        root: query.root,
        context_tree: tree.context_tree,
        dockerfile: query.dockerfile,
        dockerfile_inline: build.dockerfile_inline.clone(),
        target: build.target.clone(),
        args,
        secrets: build.secrets.clone(),
        platforms: build.platforms.clone(),
        cpu: build.cpu,
        memory: build.memory,
        timeout: build.timeout,
        replaces: None,
    })
}

/// What a repository says of a build.
pub(super) struct Source {
    query: TreeQuery,
    pub(super) tree: TreeFacts,
    dockerfile: String,
    /// The arguments that the Dockerfile declares.
    pub(super) declared: BTreeSet<String>,
}

impl Source {
    /// Reads the context and the Dockerfile of a commit.
    pub(super) async fn read(
        repositories: &dyn Repositories,
        reader: &Reader,
        git: &GitSource,
        build: &BuildSettings,
        commit: String,
    ) -> Result<Self, Failure> {
        let inline = build.dockerfile_inline.clone();
        let query = TreeQuery {
            url: git.url.clone(),
            commit,
            root: git.root.clone(),
            dockerfile: if inline.is_some() { None } else { Some(build.dockerfile.clone()) },
        };
        let tree = repositories.facts(&query, reader).await?;
        let dockerfile = inline.unwrap_or_else(|| tree.dockerfile.clone());
        let declared = declared_args(&dockerfile).map_err(|problem| {
            let message = format!("{}, line {}: {}", build.dockerfile, problem.line, problem.message);
            Failure::permanent(Code::DockerfileInvalid, message)
                .with_hint("correct the Dockerfile, commit and push, then deploy again")
        })?;
        Ok(Self { query, tree, dockerfile, declared })
    }

    /// Everything that decides what the build makes.
    pub(super) fn inputs<'a>(&'a self, build: &'a BuildSettings, args: &'a BTreeMap<String, String>) -> KeyInputs<'a> {
        KeyInputs {
            context_tree: &self.tree.context_tree,
            dockerfile: &self.dockerfile,
            target: build.target.as_deref(),
            platforms: &build.platforms,
            args,
        }
    }
}

/// The built-in variables that builds see. Secrets take part only as something to refuse, so their values are not needed.
pub(super) fn builtins_of(environment: &Environment, facts: BuiltinFacts) -> Builtins {
    let databases = environment.services.iter().filter(|service| matches!(service.kind, ServiceKind::Database(_)));
    let passwords = databases.map(|service| (service.name.clone(), "a password".to_owned())).collect();
    // The same on every target: the key of an image does not depend on where it is to run.
    let reached_at = ReachedAt::External;
    variables::builtins(environment, &BuiltinFacts { database_passwords: passwords, reached_at, ..facts })
}

/// The values of the declared arguments (C14).
pub(super) fn build_arguments(
    environment: &Environment,
    builtins: &Builtins,
    service: &Service,
    build: &BuildSettings,
    declared: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let workload = service.workload();
    let visible = workload.map_or(&[][..], |workload| &workload.secrets).iter().chain(&build.secrets).cloned();
    let visible: Vec<_> = visible.collect();
    let resolved = variables::resolve(&Scopes {
        builtins,
        project: &environment.from_project.variables,
        environment: &environment.variables,
        service: workload.map_or(&[], |workload| &workload.variables),
        secrets: environment.all_secrets().map(|name| (name.clone(), Resolved::secret("a secret"))).collect(),
        visible_secrets: &visible,
        files: workload.map_or(&[], |workload| &workload.files),
        outputs: Outputs::OfNoBuild,
    });
    let resolved = resolved.map_err(|problem| variable_failure(&problem))?;
    variables::build_args(declared, &build.args, &resolved).map_err(|problem| variable_failure(&problem))
}
