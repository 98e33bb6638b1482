//! What a service is.

use crate::model::{
    Application, BuildSettings, ChartSource, Container, Database, DatabaseAccess, GitRevision, GitSource, HelmService,
    ImageSource, Job, JobRun, JobSource, JobTrigger, PathFilter, ServiceKind, ValuesFile, Workload,
};

use super::super::written::{Mapping, Node, list, span, texts};
use super::variables;
use super::workload;

/// The key of the kind, and what stands beside it.
pub(super) fn put(keys: &mut Mapping, kind: &ServiceKind) {
    match kind {
        ServiceKind::Application(application) => {
            keys.put("application", of_application(application));
            workload::put(keys, &application.workload);
        }
        ServiceKind::Container(Container { image: source, auto_deploy, workload }) => {
            let mut container = Mapping::default();
            container.put("image", image(source));
            put_auto_deploy(&mut container, *auto_deploy, None);
            keys.put("container", container);
            workload::put(keys, workload);
        }
        ServiceKind::Database(database) => {
            keys.put("database", of_database(database));
            let Database { cpu, memory, .. } = *database;
            workload::put(keys, &Workload { cpu, memory, ..Workload::default() });
        }
        ServiceKind::Job(job) => {
            keys.put("job", of_job(job));
            workload::put(keys, &job.workload);
        }
        ServiceKind::Helm(helm) => {
            keys.put("helm", of_helm(helm));
            keys.put_filled("variables", variables(&helm.variables));
            keys.put_filled("secrets", texts(&helm.secrets));
        }
    }
}

fn of_application(application: &Application) -> Mapping {
    let Application { git: source, build, auto_deploy, paths, .. } = application;
    let mut keys = Mapping::default();
    keys.put("git", source_of(source, build));
    put_build(&mut keys, build);
    put_auto_deploy(&mut keys, *auto_deploy, Some(paths));
    keys
}

fn put_auto_deploy(keys: &mut Mapping, is_on: bool, paths: Option<&PathFilter>) {
    keys.put_unless(!is_on, "autoDeploy", true);
    let mut filter = Mapping::default();
    if let Some(paths) = paths {
        filter.put_filled("match", texts(&paths.matches));
        filter.put_filled("exclude", texts(&paths.excludes));
    }
    keys.put_filled("paths", filter);
}

/// The Dockerfile stands with the source.
fn source_of(source: &GitSource, settings: &BuildSettings) -> Mapping {
    let mut keys = git(source, "root");
    let is_plain = settings.dockerfile == BuildSettings::default().dockerfile;
    keys.put_unless(is_plain, "dockerfile", settings.dockerfile.as_str());
    keys
}

fn put_build(keys: &mut Mapping, settings: &BuildSettings) {
    keys.put_some("dockerfileInline", settings.dockerfile_inline.as_deref());
    let plain = BuildSettings::default();
    let mut build = Mapping::default();
    build.put_some("target", settings.target.as_deref());
    let mut arguments = Mapping::default();
    for (name, value) in &settings.args {
        arguments.put(name.as_str(), value.as_str());
    }
    build.put_filled("args", arguments);
    build.put_filled("secrets", texts(&settings.secrets));
    build.put_unless(settings.cpu == plain.cpu, "cpu", settings.cpu.to_string());
    build.put_unless(settings.memory == plain.memory, "memory", settings.memory.to_string());
    build.put_unless(settings.timeout == plain.timeout, "timeout", span(settings.timeout));
    build.put_filled("platforms", texts(&settings.platforms));
    keys.put_filled("build", build);
}

/// A repository; `folder` is the key of what is meant in it.
fn git(source: &GitSource, folder: &str) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("url", source.url.as_str());
    match &source.revision {
        GitRevision::DefaultBranch => {}
        // A name is for one deployment, and never part of an environment.
        GitRevision::Branch(branch) | GitRevision::Named(branch) => keys.put("branch", branch.as_str()),
        GitRevision::Commit(commit) => keys.put("commit", commit.as_str()),
    }
    // A chart says where it is also when that is the whole repository.
    let root = if source.root.is_empty() && folder == "path" { "." } else { &source.root };
    keys.put_unless(root.is_empty(), folder, root);
    keys.put_some("credential", source.credential.as_deref());
    keys
}

fn image(source: &ImageSource) -> Mapping {
    let reference = &source.reference;
    let mut keys = Mapping::default();
    keys.put("name", format!("{}/{}", reference.host(), reference.path()));
    keys.put_some("tag", reference.tag());
    keys.put_some("digest", reference.digest());
    keys.put_some("credential", source.credential.as_deref());
    keys
}

fn of_database(database: &Database) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("type", database.database_type.as_str());
    keys.put("version", database.version.as_str());
    keys.put_some("image", database.image.as_ref().map(image));
    keys.put("storage", database.storage.to_string());
    keys.put_unless(database.access == DatabaseAccess::Private, "access", "public");
    keys
}

fn of_job(job: &Job) -> Mapping {
    let mut keys = Mapping::default();
    match &job.trigger {
        JobTrigger::Lifecycle(events) => {
            keys.put("on", events.iter().map(|event| Node::from(event.as_str())).collect::<Vec<_>>());
        }
        JobTrigger::Cron { schedule, timezone, concurrency } => {
            let mut cron = Mapping::default();
            cron.put("cron", schedule.as_str());
            cron.put_some("timezone", timezone.as_deref());
            cron.put_unless(concurrency == "forbid", "concurrency", concurrency.as_str());
            keys.put("schedule", cron);
        }
    }
    let mut source = Mapping::default();
    match &job.source {
        JobSource::Image(from) => source.put("image", image(from)),
        JobSource::Git { git, build } => source.put("git", source_of(git, build)),
    }
    keys.put("source", source);
    if let JobSource::Git { build, .. } = &job.source {
        put_build(&mut keys, build);
    }
    put_auto_deploy(&mut keys, job.auto_deploy, Some(&job.paths));
    keys.put_unless(job.run == JobRun::Always, "run", "on-change");
    keys.put_unless(job.max_restarts == 0, "maxRestarts", job.max_restarts);
    keys.put_unless(job.max_duration == Job::MAX_DURATION, "maxDuration", span(job.max_duration));
    keys
}

fn of_helm(helm: &HelmService) -> Mapping {
    let mut chart = Mapping::default();
    match &helm.chart {
        ChartSource::Repository { url, name, version, credential } => {
            chart.put("repository", url.as_str());
            chart.put("name", name.as_str());
            chart.put("version", version.as_str());
            chart.put_some("credential", credential.as_deref());
        }
        ChartSource::Oci { reference, version, credential } => {
            chart.put("oci", reference.as_str());
            chart.put("version", version.as_str());
            chart.put_some("credential", credential.as_deref());
        }
        ChartSource::Git(source) => chart.put("git", git(source, "path")),
    }
    let mut keys = Mapping::default();
    keys.put("chart", chart);
    let is_plain = helm.values.as_object().is_some_and(serde_json::Map::is_empty);
    keys.put_unless(is_plain, "values", helm.values.clone());
    let mut set = Mapping::default();
    for (path, value) in &helm.set {
        set.put(path, value.clone());
    }
    keys.put_filled("set", set);
    let file = |file: &ValuesFile| {
        let mut keys = Mapping::default();
        keys.put("git", git(&file.git, "path"));
        keys
    };
    keys.put_filled("valuesFiles", list(&helm.values_files, file));
    put_auto_deploy(&mut keys, helm.auto_deploy, Some(&helm.paths));
    keys.put_unless(helm.timeout == HelmService::TIMEOUT, "timeout", span(helm.timeout));
    keys.put_unless(!helm.allow_cluster_wide_resources, "allowClusterWideResources", true);
    keys
}
