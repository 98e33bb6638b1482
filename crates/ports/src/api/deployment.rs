//! A deployment as the faces show it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_core::failure::Failure;
use slipway_core::model::Name;
use slipway_core::plan::Action;
use utoipa::ToSchema;

use super::schema::{ActionSchema, ActivitySchema, FailureView, NameSchema, ServiceTypeSchema};
use crate::Activity;

/// The state of a deployment, a stage, a service or a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has not begun.
    Queued,
    /// It is being done.
    Running,
    /// It did what it should.
    Succeeded,
    /// It ended badly.
    Failed,
    /// There was nothing to do, or nothing that could be done any more.
    Skipped,
    /// It is being stopped.
    Canceling,
    /// Somebody ended it.
    Canceled,
}

impl State {
    /// The state as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Canceling => "canceling",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing will happen any more.
    pub fn has_ended(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Canceling => false,
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Canceled => true,
        }
    }

    /// The state of a whole from the states of its parts: what runs or is half done is running, then the worst end counts.
    /// Nothing at all has succeeded: an empty stage does.
    pub fn of_parts(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<Self> = parts.into_iter().collect();
        let has = |state| parts.contains(&state);
        let open = parts.iter().filter(|state| !state.has_ended()).count();
        if has(Self::Canceling) {
            Self::Canceling
        } else if has(Self::Running) || (open > 0 && open < parts.len()) {
            Self::Running
        } else if open > 0 {
            Self::Queued
        } else if has(Self::Failed) {
            Self::Failed
        } else if has(Self::Canceled) {
            Self::Canceled
        } else if !parts.is_empty() && parts.iter().all(|state| *state == Self::Skipped) {
            Self::Skipped
        } else {
            Self::Succeeded
        }
    }
}

/// Who asked, and by which way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerView {
    /// `cli`, `api`, `push` …
    pub source: String,
    /// Who; of a push its repository and branch.
    pub actor: String,
    /// A page about what brought it about, such as a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// A deployment without its stages, as a history lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeadView {
    /// A UUID.
    pub id: String,
    /// Counts the deployments of its environment, from 1.
    pub number: u64,
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// Where it goes.
    pub target: String,
    /// What is done.
    #[schema(value_type = ActionSchema)]
    pub action: String,
    /// How far it has come.
    pub state: State,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// Deployments of an environment, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentPage {
    /// The deployments of this page.
    pub items: Vec<HeadView>,
    /// What to ask the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A deployment with its stages and services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentView {
    /// What a history lists of it.
    #[serde(flatten)]
    pub head: HeadView,
    /// `succeeded`, `failed` or `canceled`, once it has finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<State>,
    /// Who asked.
    pub trigger: TriggerView,
    /// The later requests that were joined to it while it was queued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MergedView>,
    /// When its turn came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// In execution order, empty ones too.
    pub stages: Vec<StageView>,
}

impl DeploymentView {
    /// Every service, in execution order.
    pub fn services(&self) -> impl Iterator<Item = &ServiceView> {
        self.stages.iter().flat_map(|stage| &stage.services)
    }

    /// Takes over what is new of one service; the state of its stage follows.
    pub fn update(&mut self, service: ServiceView) {
        let Some(stage) = self.stages.get_mut(service.stage) else { return };
        if let Some(known) = stage.services.iter_mut().find(|known| known.name == service.name) {
            *known = service;
        }
        stage.state = State::of_parts(stage.services.iter().map(|service| service.state));
    }
}

/// A request that was joined to a queued deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergedView {
    /// Who asked.
    pub trigger: TriggerView,
    /// When.
    pub at: Timestamp,
}

/// A request to do something to an environment. The default deploys all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own, and any of them may be given with any other")]
pub struct DeployBody {
    /// `deploy`, `stop`, `restart`, `delete` or `rollback`; absent: `deploy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ActionSchema>)]
    pub action: Option<Action>,
    /// The services that are meant; empty: all that are not skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceSelection>,
    /// Whether the versions that are deployed stay.
    #[serde(default)]
    pub current: bool,
    /// Whether images are built although the registry holds them.
    #[serde(default)]
    pub rebuild: bool,
    /// Whether the volumes of services that have left the environment are removed with them.
    #[serde(default)]
    pub delete_volumes: bool,
    /// Whether a rollback runs lifecycle jobs.
    #[serde(default)]
    pub run_jobs: bool,
    /// The number of the deployment that a rollback goes back to; absent: the last one that succeeded before the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<u64>,
}

/// A service that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSelection {
    /// Its name.
    #[schema(value_type = NameSchema)]
    pub name: Name,
    /// The version for this deployment only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A request that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedView {
    /// Whether it was joined to a deployment that was queued.
    pub joined: bool,
    /// The deployment.
    #[serde(flatten)]
    pub deployment: DeploymentView,
}

/// What is canceled. The default is the deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelBody {
    /// One service of it; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NameSchema>)]
    pub service: Option<Name>,
    /// Whether lifecycle jobs that run are stopped too.
    #[serde(default)]
    pub force: bool,
}

/// What somebody says of a stage that wants approval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalBody {
    /// The stage's name; absent: the one that the deployment waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Whether the deployment may go on.
    pub approved: bool,
}

/// How it stands with the approval of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalState {
    /// The deployment has not come to the stage.
    Required,
    /// The deployment waits for it.
    Awaited,
    /// It may go on.
    Approved,
    /// It may not.
    Refused,
}

/// The approval of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalView {
    /// How it stands.
    pub state: ApprovalState,
    /// Who has spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A stage in a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageView {
    /// Its place, from 0.
    pub order: usize,
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub state: State,
    /// Its approval, if it wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalView>,
    /// Its services, in file order.
    pub services: Vec<ServiceView>,
}

/// A service in a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceView {
    /// Its name.
    pub name: String,
    /// The place of its stage, from 0.
    pub stage: usize,
    /// `application`, `container`, `database`, `job` or `helm`.
    #[schema(value_type = ServiceTypeSchema)]
    pub kind: String,
    /// The pinned version, short: seven digits of a commit, a tag.
    pub version: String,
    /// How far it has come.
    pub state: State,
    /// What it is doing right now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ActivitySchema>)]
    pub phase: Option<Activity>,
    /// Its build; absent when it is not built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildView>,
    /// Its release.
    pub release: ReleaseView,
}

impl ServiceView {
    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.build.as_ref().and_then(|build| build.failure.as_ref()).or(self.release.failure.as_ref())
    }

    /// When the first of its steps began.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.build.as_ref().and_then(|build| build.started_at).or(self.release.started_at)
    }

    /// When the last of its steps ended, if it has ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        if self.state.has_ended() { self.release.ended_at.or(self.build.as_ref().and_then(|build| build.ended_at)) } else { None }
    }
}

macro_rules! step_view {
    ($(#[$attribute:meta])* $name:ident { $($(#[$field_attribute:meta])* $field:ident: $type:ty),* }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// How far it has come.
            pub state: State,
            /// When the last attempt began.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub started_at: Option<Timestamp>,
            /// When it ended.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub ended_at: Option<Timestamp>,
            /// Why it was skipped: `image-present`, `earlier-failure` …
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub reason: Option<String>,
            /// Why it was skipped, for a person.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub explanation: Option<String>,
            /// Why it failed.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schema(value_type = Option<FailureView>)]
            pub failure: Option<Failure>,
            /// The digest of the image that it left.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub image: Option<String>,
            $($(#[$field_attribute])* pub $field: $type,)*
        }
    };
}

step_view! {
    /// The build of a service.
    BuildView {
        /// The content address of the build.
        key: String
    }
}

step_view! {
    /// The release of a service.
    ReleaseView {
        /// The revision of the Helm release.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<u32>
    }
}

#[cfg(test)]
mod tests {
    use super::State::{Canceled, Canceling, Failed, Queued, Running, Skipped, Succeeded};
    use super::*;

    #[test]
    fn a_whole_is_what_its_parts_are() {
        for (parts, whole) in [
            (vec![], Succeeded),
            (vec![Queued, Queued], Queued),
            (vec![Succeeded, Queued], Running),
            (vec![Running, Failed], Running),
            (vec![Running, Canceling], Canceling),
            (vec![Succeeded, Failed, Canceled], Failed),
            (vec![Succeeded, Canceled], Canceled),
            (vec![Skipped, Skipped], Skipped),
            (vec![Skipped, Succeeded], Succeeded),
        ] {
            assert_eq!(State::of_parts(parts.clone()), whole, "{parts:?}");
        }
    }
}
