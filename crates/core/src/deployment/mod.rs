//! The life of a deployment: one table of facts, and three functions.
//!
//! A deployment is what its facts say. [`decide`] turns an input (somebody cancels, a build ended) into facts;
//! [`Deployment::evolve`] folds one fact into the state and refuses one that may not follow; [`due`] reads off the state
//! what must be running now. Whoever drives them appends a fact before its consequence starts, so that after a crash the same
//! fold over the stored facts leads to the same place.
//!
//! | state of a step | fact | next |
//! |---|---|---|
//! | waiting | `StepStarted` | running |
//! | waiting | `StepSkipped`, `StepCanceled`, `StepFailed` (a build whose leader failed) | ended |
//! | running | `StepSucceeded`, `StepSkipped` (nothing to do after all), `StepFailed`, `StepCanceled` | ended |
//! | running | `StepInterrupted` (its owner is gone) | waiting |
//! | running | `StepTimed` (what it did, and when; stands before its end) | running |
//!
//! Two services with the same image key are a *leader*, the first in execution order, and its *followers*: only the leader's
//! build is ever due; the followers end with it (C12). A leader that is canceled hands over to the next follower.

mod decide;
mod due;
mod event;
mod evolve;
mod queue;
mod same_image;
mod state;
mod timing;

pub use decide::{Input, Refusal, StepOutcome, decide};
pub use due::{Due, due};
pub use event::{
    Actor, CancelScope, Event, Fact, Outcome, Phase, SkipReason, StepId, StepResult, Timestamp, Trigger, WrittenOutputs,
};
pub use evolve::IllegalEvent;
pub use state::{Approval, Deployment, Merged, RunState, ServiceRun, StepState};
pub use timing::{Activity, Timing};
