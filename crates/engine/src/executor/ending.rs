//! That a step can not succeed any more is on record before what it began is put away: a server that dies in between would begin it
//! again, and make the same mistake anew.

use slipway_core::deployment::{Deployment, Input, StepId};
use slipway_core::failure::Failure;
use tokio::sync::{mpsc, oneshot};

use crate::dispatcher::Message;

/// What is on record of the end of a step, and the way to put it there.
pub(crate) struct Ending {
    step: StepId,
    attempt: u32,
    failing: Option<Failure>,
    inbox: mpsc::UnboundedSender<Message>,
}

impl Ending {
    /// The end of a step that is about to be carried out, or that an earlier server had begun to put away.
    pub(crate) fn new(deployment: &Deployment, step: &StepId, attempt: u32, inbox: &mpsc::UnboundedSender<Message>) -> Self {
        Self { step: step.clone(), attempt, failing: deployment.failing(step).cloned(), inbox: inbox.clone() }
    }

    /// Why the step can not succeed any more, as an earlier server put it on record.
    pub(super) fn failing(&self) -> Option<Failure> {
        self.failing.clone()
    }

    /// Puts on record that the step can not succeed any more. Unless this returns true nothing may be put away: whoever drives the
    /// deployment next begins the step again.
    pub(super) async fn record(&self, failure: &Failure) -> bool {
        let input = Input::Failing { step: self.step.clone(), attempt: self.attempt, failure: failure.clone() };
        let (answer, answered) = oneshot::channel();
        let told = self.inbox.send(Message::Told { input: Box::new(input), answer });
        told.is_ok() && matches!(answered.await, Ok(Ok(())))
    }
}
