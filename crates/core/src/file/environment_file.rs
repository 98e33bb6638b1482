//! A checked environment file.

use crate::model::{
    EnvironmentMode, FailurePolicy, Name, Notification, PipelineMode, Previews, Schedule, ServiceKind, ServiceType, StageName,
    Variable,
};

use super::problem::Location;

/// An environment as a file wants it; what the file may leave out and then keeps what exists is optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentFile {
    /// The project that it belongs to.
    pub project: Name,
    /// The environment.
    pub name: Name,
    /// What it is for.
    pub mode: EnvironmentMode,
    /// Where it runs; absent: the server's default target.
    pub target: Option<String>,
    /// Whether stages wait for each other's builds.
    pub pipeline_mode: PipelineMode,
    /// What a failed build or release means for the rest.
    pub on_failure: FailurePolicy,
    /// Most builds at a time.
    pub max_parallel_builds: u32,
    /// Most releases at a time.
    pub max_parallel_deploys: u32,
    /// Exactly these stages; absent: those that exist, or the default ones.
    pub stages: Option<Vec<FileStage>>,
    /// Variables of all services.
    pub variables: Vec<Variable>,
    /// The names of its secrets.
    pub secrets: Vec<String>,
    /// In file order.
    pub services: Vec<FileService>,
    /// Environments made for pull requests.
    pub previews: Option<Previews>,
    /// When it starts and stops by itself.
    pub schedules: Vec<Schedule>,
    /// Who is told.
    pub notifications: Vec<Notification>,
    /// Where the list of services stands.
    pub services_location: Location,
    /// What takes from outputs of jobs.
    pub(super) output_references: Vec<OutputReference>,
}

/// A place of the file that takes from an output of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutputReference {
    /// The service that takes it.
    pub(super) service: Name,
    /// The variable that the output is.
    pub(super) name: String,
    /// Where it stands.
    pub(super) location: Location,
}

impl OutputReference {
    /// Why it is refused in what a build sees.
    pub(super) fn in_a_build(&self) -> String {
        format!("`{}` is an output of a job, and no build sees those; expected a variable that is known before", self.name)
    }
}

/// A stage as a file writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStage {
    /// Unique in the file.
    pub name: StageName,
    /// What a person says about it.
    pub description: String,
    /// The role that the file gives it; absent: it says nothing about it.
    pub default_for: Option<Option<ServiceType>>,
    /// Whether somebody must approve before the stage starts.
    pub approval_required: bool,
    /// Where it stands.
    pub location: Location,
}

/// A service as a file writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileService {
    /// Unique in the file.
    pub name: Name,
    /// Its stage, if the file says it.
    pub stage: Option<StageName>,
    /// Whether it is left out, if the file says it.
    pub skipped: Option<bool>,
    /// What it is.
    pub kind: ServiceKind,
    /// Where its stage stands, else its name.
    pub location: Location,
}
