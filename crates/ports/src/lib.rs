//! What the engine needs of the world, as traits, and the types that pass between the two.
//!
//! A port is named for its role ([`Builder`]); the adapter that fills it is named for its product (`BuildKit`). Every call
//! may fail with a [`Failure`](slipway_core::failure::Failure), whose kind says whether to try again. Every call may be
//! repeated with the same arguments and does no harm by it: the engine promises *at least once*.
//!
//! Calls that take long report through a [`Progress`] and end early when their [`CancellationToken`] fires; they then
//! return a failure of the kind `Canceled`, after they have put away what they began.

mod addresses;
pub mod api;
mod builder;
mod charts;
mod cluster;
mod credentials;
mod images;
mod kept_answer;
mod lease;
mod log_cut;
mod log_window;
mod notifications;
mod progress;
mod registry;
mod releases;
mod repositories;
mod request_hosts;
mod schedule_marks;
mod secret;
mod seen_lines;
mod standard_webhooks;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod webhooks;
mod workloads;

pub use addresses::{Addresses, Names};
pub use async_trait::async_trait;
pub use builder::{BuildRequest, Builder, BuiltImage};
pub use charts::{ChartPlace, ChartVersion, Charts};
pub use cluster::{
    Cluster, ClusterIssuer, IssuerState, JobOutput, LogPods, LogQuery, Namespace, PodLine, PodsOf, RolloutKind, RolloutRequest,
    SecretObject,
};
pub use credentials::{Credential, Login, Reader};
pub use images::{Freed, ImageCollector, NeededImage};
pub use kept_answer::KeptAnswer;
pub use lease::{Epoch, Lease, Leases};
pub use log_cut::LogCut;
pub use log_window::{LogFrom, LogSection, LogWindow, PlacedLine};
pub use notifications::{
    Answer, MessageDelivery, MessageState, Notifications, Notifier, Occasion, Post, Receiver, ReceiverAddress, ReceiverKind,
    ReceiverStanding, Sign, UnknownReceiverKind, receivers_of,
};
pub use progress::{Progress, Silent};
pub use registry::{BuildClaim, BuildTurn, Presence, Registry, RepositoryTag};
pub use releases::{
    ChartNeeds, DEPLOYMENT_LABEL, FetchedChart, MadeFrom, NeededChart, ReleaseRequest, ReleaseStatus, Releases, Revision,
    Upgraded, UserChart, WantedImage,
};
pub use repositories::{Export, Repositories, Tips, TreeFacts, TreeQuery};
pub use request_hosts::{CommitState, CommitStatus, HostPlace, HostedRequest, MarkedComment, RequestHosts};
pub use schedule_marks::{ScheduleMark, ScheduleMarks};
pub use secret::SecretText;
pub use seen_lines::SeenLines;
pub use slipway_core::deployment::Activity;
pub use standard_webhooks::{SIGNING_SECRET, WEBHOOK_HEADERS, signature, signing_code, signing_key, signing_secret};
pub use store::{
    Access, DeploymentSummary, DockerEngine, KubeContext, LOCAL_TARGET, LogLine, LogMatches, LogSearch, NewDeployment, Platform,
    RecordedEvent, Store, StoreError, StoredEnvironment, StoredProject, Target,
};
pub use tokio_util::sync::CancellationToken;
pub use webhooks::{Delivery, Effect, EffectKind, NewDelivery, Webhook, Webhooks};
pub use workloads::{
    ByteStream, ConnectRequest, ExecInput, ExecOutput, ExecRequest, ExecStreams, JobRequest, JobRun, JobRunState, PodConnection,
    RunningContainer, RunningPod, RunningService, RunningServices, Workloads,
};
