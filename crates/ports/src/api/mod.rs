//! The wire: what the HTTP API takes and gives, as JSON with camelCase keys and times in RFC 3339.
//!
//! These types are apart from the domain's, so that the one can change without the other. The server converts in one
//! place; the CLI reads them and nothing else.

mod board;
mod check;
mod clone;
mod credential;
mod deployment;
mod environment;
mod event;
mod explanation;
mod history;
mod key;
mod live;
mod log;
mod notification;
mod page;
mod pipeline;
mod plan;
mod problem;
mod project;
mod request_code;
mod running;
pub mod schema;
mod session;
mod target;
mod webhook;

pub use board::{BoardDeploymentView, BoardServiceView, BoardStageView, BoardView};
pub use check::{CheckStatus, CheckView, DoctorView};
pub use clone::{CloneBody, ClonedServiceView, ClonedView, ServiceCloneBody};
pub use credential::{CredentialView, NewCredential};
pub use deployment::{
    AcceptedView, ApprovalBody, ApprovalState, ApprovalView, BuildView, CancelBody, DeployBody, DeploymentPage, DeploymentView,
    HeadView, MergedView, ReleaseView, ServiceSelection, ServiceView, StageView, State, TriggerView,
};
pub use environment::{
    AppliedView, ApplyQuery, EnvironmentServiceView, EnvironmentView, PreviewOfView, ScheduledRunView, SecretValue, SecretView,
};
pub use event::{DeploymentEvent, EnvironmentEvent, Nothing, OverviewEvent, PodLogEvent, RunningEvent};
pub use explanation::{
    CriticalPieceView, ExplanationView, PartView, PieceView, RootView, ServiceExplanationView, StageExplanationView,
    StepExplanationView, StepReference,
};
pub use history::{HistoryPage, HistoryView, VersionChangeView};
pub use key::KeyRotationView;
pub use live::{DeploymentHeadView, EnvironmentStateView, OverviewView, RemovedView};
pub use log::{LogLineView, LogPage, LogSectionView, PodLineView};
pub use notification::{MadeNotificationView, MessageView, NewNotification, NotificationView};
pub use page::{Page, PageQuery};
pub use pipeline::{
    Approval, EditedView, MoveQuery, NewStage, PipelineServiceView, PipelineStageView, ServiceChange, StageChange, StageDeletion,
    StageOrder, StagePosition, StageQuery,
};
pub use plan::{BaseView, PlanServiceView, PlanStageView, PlanStepView, PlanView};
pub use problem::{FileProblem, ProblemDetails};
pub use project::{AppliedProjectView, ProjectView, ScheduleRuleView, WeekdayTimeView};
pub use request_code::REQUEST_CODES;
pub use running::{
    ExecBody, ExecControl, ExecEnd, ForwardControl, JobRunBody, JobRunView, JobStartedView, RunningChange, RunningContainerView,
    RunningPodView, RunningServiceView, RunningView, STDERR, STDOUT,
};
pub use session::{CallerView, SessionView, SignInBody, SignInCodeView};
pub use target::{NewTarget, TargetKind, TargetView};
pub use webhook::{DeliveriesQuery, DeliveryView, EffectView, MadeWebhookView, NewWebhook, TakenView, WebhookView};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The version of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// As the release is named.
    pub version: String,
    /// Its process.
    pub pid: u32,
}
