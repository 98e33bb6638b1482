//! Services: what an environment is made of.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    BuildSettings, Bytes, GitSource, ImageSource, Millicores, Name, PathFilter, ServiceType, StageName, Variable, Workload,
};

/// One service of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Unique in its environment.
    pub name: Name,
    /// The one stage it belongs to (C2).
    pub stage: StageName,
    /// Left out of what is done to the whole environment.
    #[serde(default)]
    pub skipped: bool,
    /// What it is.
    pub kind: ServiceKind,
}

/// What a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServiceKind {
    /// Source in git, built from its Dockerfile.
    Application(Application),
    /// An image that is there already.
    Container(Container),
    /// A database in a container with a volume.
    Database(Database),
    /// Something that runs to its end, once or by schedule.
    Job(Job),
    /// A chart of the user's own.
    Helm(HelmService),
}

/// Source in git, built from its Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Where the source is.
    pub git: GitSource,
    /// How it is built.
    pub build: BuildSettings,
    /// Whether a push deploys it.
    #[serde(default)]
    pub auto_deploy: bool,
    /// Which files of a push concern it.
    #[serde(default)]
    pub paths: PathFilter,
    /// How it runs.
    pub workload: Workload,
}

/// An image that is there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The image.
    pub image: ImageSource,
    /// Whether it is deployed when its image is pushed.
    #[serde(default, skip_serializing_if = "is_off")]
    pub auto_deploy: bool,
    /// How it runs.
    pub workload: Workload,
}

/// A database in a container with a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// Which one.
    pub database_type: DatabaseType,
    /// The tag of its image, such as `15`.
    pub version: String,
    /// Instead of the official image of type and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSource>,
    /// The size of its volume.
    pub storage: Bytes,
    /// Who reaches it.
    pub access: DatabaseAccess,
    /// The CPU limit.
    pub cpu: Millicores,
    /// The memory limit.
    pub memory: Bytes,
}

/// A database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseType {
    /// PostgreSQL, port 5432.
    Postgresql,
    /// MySQL, port 3306.
    Mysql,
    /// Redis, port 6379.
    Redis,
    /// MongoDB, port 27017.
    Mongodb,
}

impl DatabaseType {
    /// The name as the environment file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
            Self::Mongodb => "mongodb",
        }
    }

    /// The port that its protocol has.
    pub fn port(self) -> u16 {
        match self {
            Self::Postgresql => 5432,
            Self::Mysql => 3306,
            Self::Redis => 6379,
            Self::Mongodb => 27017,
        }
    }

    /// The repository of its official image.
    pub fn official_image(self) -> &'static str {
        match self {
            Self::Postgresql => "docker.io/library/postgres",
            Self::Mysql => "docker.io/library/mysql",
            Self::Redis => "docker.io/library/redis",
            Self::Mongodb => "docker.io/library/mongo",
        }
    }

    /// The scheme of its connection URL.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
            Self::Mongodb => "mongodb",
        }
    }
}

/// Who reaches a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseAccess {
    /// The services of its cluster.
    Private,
    /// The outside too.
    Public,
}

/// Something that runs to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Where its image comes from.
    pub source: JobSource,
    /// Whether a push of its source or its image deploys it.
    #[serde(default, skip_serializing_if = "is_off")]
    pub auto_deploy: bool,
    /// Which files of a push concern it.
    #[serde(default, skip_serializing_if = "PathFilter::is_everything")]
    pub paths: PathFilter,
    /// When it runs.
    pub trigger: JobTrigger,
    /// Whether an unchanged job runs again.
    pub run: JobRun,
    /// Further attempts after the first.
    pub max_restarts: u32,
    /// The longest that all attempts together may take.
    pub max_duration: Duration,
    /// How it runs.
    pub workload: Workload,
}

/// Where the image of a job comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobSource {
    /// Built from git.
    Git {
        /// Where the source is.
        git: GitSource,
        /// How it is built.
        build: BuildSettings,
    },
    /// An image that is there already.
    Image(ImageSource),
}

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobTrigger {
    /// On what happens to the environment; not empty.
    Lifecycle(Vec<JobEvent>),
    /// By the clock.
    Cron {
        /// Five fields, as cron(8) reads them.
        schedule: String,
        /// An IANA time zone; absent: UTC.
        timezone: Option<String>,
        /// `allow`, `forbid` or `replace`: what happens when the last run still runs.
        concurrency: String,
    },
}

/// What a lifecycle job runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobEvent {
    /// A deploy.
    Start,
    /// A stop.
    Stop,
    /// A delete.
    Delete,
}

impl JobEvent {
    /// The name as the environment file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Delete => "delete",
        }
    }
}

/// Whether an unchanged job runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobRun {
    /// With every deployment.
    Always,
    /// When its image or configuration has changed.
    OnChange,
}

/// A chart of the user's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmService {
    /// Where the chart comes from.
    pub chart: ChartSource,
    /// Values, as the file writes them.
    #[serde(default)]
    pub values: serde_json::Value,
    /// Values by path, as `--set` takes them.
    #[serde(default)]
    pub set: std::collections::BTreeMap<String, serde_json::Value>,
    /// Files of values, in order.
    #[serde(default)]
    pub values_files: Vec<ValuesFile>,
    /// Whether a push to what it takes from git deploys it.
    #[serde(default, skip_serializing_if = "is_off")]
    pub auto_deploy: bool,
    /// Which files of a push concern it.
    #[serde(default, skip_serializing_if = "PathFilter::is_everything")]
    pub paths: PathFilter,
    /// The longest that the release may take.
    pub timeout: Duration,
    /// Whether the chart may hold kinds without a namespace.
    #[serde(default)]
    pub allow_cluster_wide_resources: bool,
    /// Variables of this service alone; `{{NAME}}` in its values stands for them.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// Secrets of the environment that the Secret named by `SLIPWAY_SECRET_NAME` holds.
    #[serde(default)]
    pub secrets: Vec<String>,
}

impl Eq for HelmService {}

/// Where a chart comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChartSource {
    /// A Helm repository over https.
    Repository {
        /// Its URL.
        url: String,
        /// The chart in it.
        name: String,
        /// The chart's version, or a range of versions.
        version: String,
        /// The name of the credential that reads it; the closest one if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<String>,
    },
    /// A chart in an OCI registry.
    Oci {
        /// `oci://host/path`.
        reference: String,
        /// The chart's version, or a range of versions.
        version: String,
        /// The name of the credential that reads it; the closest one if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<String>,
    },
    /// A folder of a git repository.
    Git(GitSource),
}

/// A file of values for a chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValuesFile {
    /// `root` is the path of the file.
    pub git: GitSource,
}

impl Job {
    /// The longest that it may take, where nothing else is said.
    pub const MAX_DURATION: Duration = Duration::from_secs(600);
}

impl HelmService {
    /// The longest that its release may take, where nothing else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(600);

    /// What it takes from git: its chart, and its files of values.
    pub fn git_sources(&self) -> impl Iterator<Item = &GitSource> {
        let chart = match &self.chart {
            ChartSource::Git(source) => Some(source),
            ChartSource::Repository { .. } | ChartSource::Oci { .. } => None,
        };
        chart.into_iter().chain(self.values_files.iter().map(|file| &file.git))
    }
}

/// What is off is not written, so that what is stored reads as it did before there was the switch.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_off(switch: &bool) -> bool {
    !switch
}

impl ServiceKind {
    /// The type, without what is in it.
    pub fn service_type(&self) -> ServiceType {
        match self {
            Self::Application(_) => ServiceType::Application,
            Self::Container(_) => ServiceType::Container,
            Self::Database(_) => ServiceType::Database,
            Self::Job(_) => ServiceType::Job,
            Self::Helm(_) => ServiceType::Helm,
        }
    }

    /// What a lifecycle job runs on; absent for everything that a deployment keeps up instead of running it.
    pub fn lifecycle(&self) -> Option<&[JobEvent]> {
        match self {
            Self::Job(Job { trigger: JobTrigger::Lifecycle(events), .. }) => Some(events),
            Self::Job(Job { trigger: JobTrigger::Cron { .. }, .. })
            | Self::Application(_)
            | Self::Container(_)
            | Self::Database(_)
            | Self::Helm(_) => None,
        }
    }
}

impl Service {
    /// Its type.
    pub fn service_type(&self) -> ServiceType {
        self.kind.service_type()
    }

    /// What it is built from, if it is built.
    pub fn build(&self) -> Option<(&GitSource, &BuildSettings)> {
        match &self.kind {
            ServiceKind::Application(application) => Some((&application.git, &application.build)),
            ServiceKind::Job(Job { source: JobSource::Git { git, build }, .. }) => Some((git, build)),
            ServiceKind::Container(_) | ServiceKind::Database(_) | ServiceKind::Job(_) | ServiceKind::Helm(_) => None,
        }
    }

    /// The image that it brings, if it is not built.
    pub fn image(&self) -> Option<&ImageSource> {
        match &self.kind {
            ServiceKind::Container(container) => Some(&container.image),
            ServiceKind::Job(Job { source: JobSource::Image(image), .. }) => Some(image),
            ServiceKind::Database(database) => database.image.as_ref(),
            ServiceKind::Application(_) | ServiceKind::Job(_) | ServiceKind::Helm(_) => None,
        }
    }

    /// How its containers run; databases and charts have their own ways.
    pub fn workload(&self) -> Option<&Workload> {
        match &self.kind {
            ServiceKind::Application(application) => Some(&application.workload),
            ServiceKind::Container(container) => Some(&container.workload),
            ServiceKind::Job(job) => Some(&job.workload),
            ServiceKind::Database(_) | ServiceKind::Helm(_) => None,
        }
    }

    /// Whether a push deploys it.
    pub fn auto_deploys(&self) -> bool {
        match &self.kind {
            ServiceKind::Application(Application { auto_deploy, .. })
            | ServiceKind::Container(Container { auto_deploy, .. })
            | ServiceKind::Job(Job { auto_deploy, .. })
            | ServiceKind::Helm(HelmService { auto_deploy, .. }) => *auto_deploy,
            ServiceKind::Database(_) => false,
        }
    }

    /// Which files of a push concern it, if anything of it comes from git.
    pub fn paths(&self) -> Option<&PathFilter> {
        match &self.kind {
            ServiceKind::Application(Application { paths, .. })
            | ServiceKind::Job(Job { source: JobSource::Git { .. }, paths, .. })
            | ServiceKind::Helm(HelmService { paths, .. }) => Some(paths),
            ServiceKind::Container(_) | ServiceKind::Database(_) | ServiceKind::Job(_) => None,
        }
    }

    /// Says whether a push deploys it; of a database none does.
    pub fn set_auto_deploy(&mut self, on: bool) {
        match &mut self.kind {
            ServiceKind::Application(Application { auto_deploy, .. })
            | ServiceKind::Container(Container { auto_deploy, .. })
            | ServiceKind::Job(Job { auto_deploy, .. })
            | ServiceKind::Helm(HelmService { auto_deploy, .. }) => *auto_deploy = on,
            ServiceKind::Database(_) => {}
        }
    }

    /// The same as [`Self::git_sources`], to change them.
    pub fn git_sources_mut(&mut self) -> Vec<&mut GitSource> {
        match &mut self.kind {
            ServiceKind::Application(application) => vec![&mut application.git],
            ServiceKind::Job(Job { source: JobSource::Git { git, .. }, .. }) => vec![git],
            ServiceKind::Helm(helm) => {
                let chart = match &mut helm.chart {
                    ChartSource::Git(source) => Some(source),
                    ChartSource::Repository { .. } | ChartSource::Oci { .. } => None,
                };
                chart.into_iter().chain(helm.values_files.iter_mut().map(|file| &mut file.git)).collect()
            }
            ServiceKind::Container(_) | ServiceKind::Database(_) | ServiceKind::Job(_) => Vec::new(),
        }
    }

    /// All that it takes from git: the source of its build, its chart, its files of values.
    pub fn git_sources(&self) -> Vec<&GitSource> {
        match &self.kind {
            ServiceKind::Helm(helm) => helm.git_sources().collect(),
            ServiceKind::Application(_) | ServiceKind::Container(_) | ServiceKind::Database(_) | ServiceKind::Job(_) => {
                self.build().map(|(git, _)| git).into_iter().collect()
            }
        }
    }
}
