//! Executes one deployment: takes an input, decides, appends the facts, starts what is due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use slipway_core::deployment::{
    Deployment, Due, Event, Input, Phase, Refusal, RunState, StepId, StepOutcome, StepState, decide, due,
};
use slipway_core::plan::{BuildPlan, Plan};
use slipway_ports::{Access, DeploymentSummary, RecordedEvent, StoreError, Target};
use tokio::sync::{mpsc, oneshot};

use crate::deployed::read;
use crate::engine::Shared;
use crate::error::EngineError;
use crate::executor::{self, Assignment, Common, Ending, Stop};
use crate::feed::Feed;
use crate::single_flight::Seat;

/// What reaches a dispatcher.
pub(crate) enum Message {
    /// An executor is done. A canceled build leaves its seat to another step, if one begins now.
    Ended { step: StepId, attempt: u32, outcome: Box<StepOutcome>, seat: Option<Seat> },
    /// Somebody wants something of it.
    Told { input: Box<Input>, answer: oneshot::Sender<Result<(), EngineError>> },
}

/// One deployment in execution.
pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    summary: DeploymentSummary,
    target: Target,
    deployment: Deployment,
    /// That of the deployment, which does not change any more; every step has it.
    plan: Arc<Plan>,
    /// What its steps share.
    common: Arc<Common>,
    feed: Arc<Feed>,
    inbox: mpsc::UnboundedSender<Message>,
    stops: HashMap<StepId, Stop>,
    /// What steps that have ended left to those that begin now.
    left: Vec<Seat>,
}

impl Dispatcher {
    /// Runs a deployment to its end. An error means that this dispatcher may not, or can not, go on; the facts so far stand.
    pub(crate) async fn run(
        shared: Arc<Shared>,
        summary: DeploymentSummary,
        inbox: mpsc::UnboundedSender<Message>,
        mut messages: mpsc::UnboundedReceiver<Message>,
    ) -> Result<(), EngineError> {
        let access = Access::owner("engine");
        let deployment = read(&*shared.ports.store, &access, &summary).await?;
        let targets = shared.ports.store.targets(&access).await?;
        let target = targets.into_iter().find(|target| target.name == summary.target).ok_or_else(|| {
            EngineError::Internal(format!("the target `{}` of deployment {} is gone", summary.target, summary.id))
        })?;
        let feed = shared.feeds.of(&summary.id);
        let plan = Arc::new(deployment.plan().clone());
        let mut this = Self {
            shared,
            summary,
            target,
            deployment,
            plan,
            common: Arc::default(),
            feed,
            inbox,
            stops: HashMap::new(),
            left: Vec::new(),
        };
        let ended = this.execute(&mut messages).await;
        if let Err(EngineError::Fenced(_)) = ended {
            // The steps are another server's now: to stop them would be to put away what that one does. This process ends.
            return ended;
        }
        this.stand_down(&mut messages).await;
        this.feed.flush().await;
        this.shared.feeds.forget(&this.summary.id);
        ended
    }

    /// Without this dispatcher nobody hears the executors: they end, and put away what they began. The next dispatcher does the
    /// same steps again, so none of them may still be at work then.
    async fn stand_down(&mut self, messages: &mut mpsc::UnboundedReceiver<Message>) {
        for stop in self.stops.values() {
            stop.ask(false);
        }
        while !self.stops.is_empty() {
            match messages.recv().await {
                Some(Message::Ended { step, .. }) => {
                    self.stops.remove(&step);
                }
                Some(Message::Told { answer, .. }) => {
                    let again = "the deployment is being taken up again; try again".to_owned();
                    let _ = answer.send(Err(EngineError::Conflict(again)));
                }
                None => return,
            }
        }
    }

    async fn execute(&mut self, messages: &mut mpsc::UnboundedReceiver<Message>) -> Result<(), EngineError> {
        if !self.deployment.running().is_empty() {
            self.take(Input::OwnerGone).await?;
            // What was being stopped or put away is still running, by the facts: that begins again.
            for step in self.deployment.running() {
                self.adopt_ending(&step);
            }
        }
        if self.deployment.state() == RunState::Queued {
            self.take(Input::Start).await?;
        }
        loop {
            self.start_due().await?;
            // What nobody took over ends.
            self.left.clear();
            if let RunState::Finished { .. } = self.deployment.state() {
                return Ok(());
            }
            // The dispatcher holds a sender itself, so the channel does not close.
            let Some(message) = messages.recv().await else { return Ok(()) };
            self.handle(message).await?;
        }
    }

    async fn handle(&mut self, message: Message) -> Result<(), EngineError> {
        match message {
            Message::Ended { step, attempt, outcome, seat } => {
                self.stops.remove(&step);
                self.left.extend(seat);
                let timings = self.feed.step_ended(&step);
                self.feed.flush().await;
                match self.take(Input::Ended { step, attempt, outcome: *outcome, timings }).await {
                    // It was told twice, or of an attempt that is over: nothing to do.
                    Err(EngineError::Refused(reason)) => tracing::debug!(deployment = self.summary.id, reason, "ignored"),
                    other => other?,
                }
            }
            Message::Told { input, answer } => {
                let done = self.take(*input).await;
                let fatal = matches!(done, Err(EngineError::Conflict(_) | EngineError::Fenced(_) | EngineError::Internal(_)));
                let _ = answer.send(done.clone());
                if fatal {
                    return done;
                }
            }
        }
        Ok(())
    }

    /// Begins and stops until the state asks for nothing more. A begin is on record before its step starts.
    async fn start_due(&mut self) -> Result<(), EngineError> {
        let mut begins = Vec::new();
        for wanted in due(&self.deployment) {
            match wanted {
                Due::Stop(step) => {
                    if let Some(stop) = self.stops.get(&step) {
                        stop.ask(self.deployment.is_forced(&step.service));
                    }
                }
                Due::Begin { step, attempt } => begins.push((step, attempt)),
            }
        }
        if begins.is_empty() {
            return Ok(());
        }
        self.take(Input::Begin(begins.iter().map(|(step, _)| step.clone()).collect())).await?;
        for (step, attempt) in begins {
            self.begin(step, attempt, Stop::default());
        }
        Ok(())
    }

    fn adopt_ending(&mut self, step: &StepId) {
        let Some(StepState::Running { attempt, .. }) = self.deployment.step(step) else { return };
        let (attempt, stop) = (*attempt, Stop::default());
        if self.deployment.is_canceled(&step.service) {
            stop.ask(self.deployment.is_forced(&step.service));
        }
        self.begin(step.clone(), attempt, stop);
    }

    fn begin(&mut self, step: StepId, attempt: u32, stop: Stop) {
        self.stops.insert(step.clone(), stop.clone());
        let inbox = self.inbox.clone();
        let ending = Ending::new(&self.deployment, &step, attempt, &inbox);
        let seat = self.seat_left_for(&step);
        let assignment = Assignment::new(
            &self.shared,
            &self.summary,
            &self.target,
            &self.plan,
            &self.common,
            &self.deployment,
            &step,
            &self.feed,
            stop,
            ending,
            seat,
        );
        tokio::spawn(async move {
            // A task that panics must not leave its step running for ever.
            let (outcome, seat) = match tokio::spawn(executor::execute(assignment)).await {
                Ok(ended) => ended,
                Err(error) => (executor::broken(&error), None),
            };
            let _ = inbox.send(Message::Ended { step, attempt, outcome: Box::new(outcome), seat });
        });
    }

    /// The seat on the flight to the image that a step is about to build, if a step that was canceled has left one.
    fn seat_left_for(&mut self, step: &StepId) -> Option<Seat> {
        let Some(BuildPlan::Image(build)) = &self.plan.service(&step.service)?.build else { return None };
        let wanted = executor::destination(build);
        let place = self.left.iter().position(|seat| step.phase == Phase::Build && seat.is_for(&wanted))?;
        Some(self.left.swap_remove(place))
    }

    /// Decides, appends and folds. The store is asked again until it takes the facts: nothing is lost by waiting.
    async fn take(&mut self, input: Input) -> Result<(), EngineError> {
        // A clock that was set back does not make a step end before it began.
        let now = self.shared.settings.clock.now().max(self.deployment.latest());
        let facts = decide(&self.deployment, input, now).map_err(|refusal: Refusal| EngineError::from(refusal))?;
        if facts.is_empty() {
            return Ok(());
        }
        let before = self.deployment.version();
        self.append(before, &facts).await?;
        self.shared.changes.tell_facts(&self.summary, &facts);
        for (offset, event) in (1_u64..).zip(facts) {
            self.deployment.evolve(&event).map_err(|error| EngineError::Internal(error.to_string()))?;
            self.feed.event(RecordedEvent { version: before + offset, event });
        }
        Ok(())
    }

    async fn append(&self, expected: u64, facts: &[Event]) -> Result<(), EngineError> {
        let mut pause = Duration::from_millis(100);
        let mut tried_before = false;
        loop {
            match self.shared.ports.store.append(&self.summary.id, expected, facts).await {
                // A commit whose answer was lost has been made all the same.
                Err(StoreError::Conflict { .. }) if tried_before && self.is_stored(expected, facts).await? => return Ok(()),
                Err(StoreError::Unavailable(reason)) => {
                    tried_before = true;
                    tracing::warn!(deployment = self.summary.id, reason, "the store does not take facts; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                other => return Ok(other?),
            }
        }
    }

    /// Whether exactly these facts follow the expected version.
    async fn is_stored(&self, expected: u64, facts: &[Event]) -> Result<bool, EngineError> {
        let stored = self.shared.ports.store.events(&Access::owner("engine"), &self.summary.id, expected).await?;
        Ok(stored.iter().map(|recorded| &recorded.event).eq(facts))
    }
}
