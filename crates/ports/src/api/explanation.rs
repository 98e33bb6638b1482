//! What happened in a deployment, and why, as the faces show it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_core::deployment::Activity;
use slipway_core::failure::Failure;
use utoipa::ToSchema;

use super::schema::{ActivitySchema, FailureView, PhaseSchema};
use super::{HeadView, State, TriggerView};

/// A deployment, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplanationView {
    /// What a history lists of it.
    #[serde(flatten)]
    pub head: HeadView,
    /// Who asked.
    pub trigger: TriggerView,
    /// When it finished; of one that has not, the moment of this explanation.
    pub until: Timestamp,
    /// Its place in the queue.
    pub queued: PieceView,
    /// In execution order, empty ones too.
    pub stages: Vec<StageExplanationView>,
    /// What determined the end: touching pieces that add up to the time from `acceptedAt` to `until`.
    pub critical_path: Vec<CriticalPieceView>,
}

/// A stage, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageExplanationView {
    /// Its place, from 0.
    pub order: usize,
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub state: State,
    /// When the first of its steps began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    /// When the last of its steps ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its services, in file order.
    pub services: Vec<ServiceExplanationView>,
}

/// A service, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceExplanationView {
    /// Its name.
    pub name: String,
    /// The pinned version, short.
    pub version: String,
    /// How far it has come.
    pub state: State,
    /// Its build, if it has one, and its release.
    pub steps: Vec<StepExplanationView>,
}

/// A step, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepExplanationView {
    /// `build` or `release`.
    #[schema(value_type = PhaseSchema)]
    pub phase: String,
    /// How far it has come.
    pub state: State,
    /// Touching pieces from `acceptedAt` to its end, or to `until`.
    pub pieces: Vec<PieceView>,
    /// Why it was skipped: `image-present`, `earlier-failure` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it ended as it did, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// The failure or the cancel that it never started for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<RootView>,
    /// Who canceled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_by: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FailureView>)]
    pub failure: Option<Failure>,
    /// The digest of the image that it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The revision of the Helm release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}

/// A stretch of time in which one thing went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PieceView {
    /// Its first moment.
    pub from: Timestamp,
    /// Its last moment.
    pub to: Timestamp,
    /// How long it lasted.
    pub milliseconds: i64,
    /// What went on: `queued`, `earlier-stages`, `shared-build`, `own-build`, `builds-of-stage`, `approval`, `window`, `ready`, `running` or
    /// `until-canceled`.
    pub doing: String,
    /// The same for a person.
    pub text: String,
    /// What the step did while it ran, as far as that is known: one after the other, within the piece.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartView>,
    /// The attempt that was running, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The step that was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_for: Option<StepReference>,
    /// The number of the deployment that was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
}

/// A stretch of time in which a running step did one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartView {
    /// What it did.
    #[schema(value_type = ActivitySchema)]
    pub activity: Activity,
    /// Its first moment.
    pub from: Timestamp,
    /// Its last moment.
    pub to: Timestamp,
    /// How long it lasted.
    pub milliseconds: i64,
}

/// A link of the critical path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CriticalPieceView {
    /// The step that it belongs to; absent of the deployment as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepReference>,
    /// The stretch of time.
    #[serde(flatten)]
    pub piece: PieceView,
}

/// A step of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepReference {
    /// Of which service.
    pub service: String,
    /// `build` or `release`.
    #[schema(value_type = PhaseSchema)]
    pub phase: String,
}

/// What an end came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RootView {
    /// The service.
    pub service: String,
    /// The step that failed; absent when the service was canceled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The name of its stage.
    pub stage: String,
    /// The same for a person.
    pub text: String,
}
