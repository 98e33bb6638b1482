//! An environment as it is wanted: its services, its stages and its variables, all checked.
//!
//! Values of these types are made by [`crate::file`] from an environment file, or read back from the store; whoever
//! holds one need not check again.

mod build;
mod credential;
mod environment;
mod image;
mod name;
mod pipeline;
mod port;
mod preview;
mod probe;
mod project;
mod quantity;
mod service;
mod variable;
mod workload;

pub use build::{BuildSettings, GitRevision, GitSource, PathFilter};
pub use credential::{CredentialPlace, GitPlace, GitScheme, InvalidPlace, RegistryPlace};
pub use environment::{Environment, EnvironmentMode, Notification, Schedule, WeekdayTime};
pub use image::{ImageReference, ImageSource, InvalidImageReference};
pub use name::{InvalidName, Name, VariableName};
pub use pipeline::{FailurePolicy, Pipeline, PipelineMode, ServiceType, Stage, StageName};
pub use port::{Port, PortProtocol};
pub use preview::{Preview, PreviewWhen, Previews};
pub use probe::{Probe, ProbeCheck, Probes};
pub use project::{FromProject, Project, ScheduleRule};
pub use quantity::{Bytes, Millicores};
pub use service::{
    Application, ChartSource, Container, Database, DatabaseAccess, DatabaseType, HelmService, Job, JobEvent, JobRun, JobSource,
    JobTrigger, Service, ServiceKind, ValuesFile,
};
pub use variable::{Variable, VariableValue};
pub use workload::{Instances, MountedFile, Rollout, Storage, Workload};
