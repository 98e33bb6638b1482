//! How a fact changes a deployment, and which fact may follow which.

use super::event::{Actor, CancelScope, Event, Fact, Phase, SkipReason, StepId, Timestamp, Trigger};
use super::state::{Approval, Deployment, Merged, RunState, StepState};
use crate::plan::Plan;

/// A fact that may not follow the ones before it: the log is damaged, or two owners wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fact} may not follow: {reason}")]
pub struct IllegalEvent {
    /// The fact.
    pub fact: String,
    /// Why it may not follow.
    pub reason: String,
}

impl Deployment {
    /// Folds a whole log, which begins with `Accepted`.
    pub fn replay(events: impl IntoIterator<Item = Event>) -> Result<Self, IllegalEvent> {
        let mut events = events.into_iter();
        let mut deployment = match events.next() {
            Some(Event { at, fact: Fact::Accepted { plan, trigger } }) => Self::accepted(*plan, trigger, at),
            other => return Err(illegal("the first event", &format!("expected `Accepted`, found {other:?}"))),
        };
        for event in events {
            deployment.evolve(&event)?;
        }
        Ok(deployment)
    }

    /// Folds one fact in. A fact that may not follow leaves the deployment as it was.
    pub fn evolve(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        if let RunState::Finished { .. } = self.state {
            return Err(illegal(&format!("{:?}", event.fact), "the deployment has finished"));
        }
        match &event.fact {
            Fact::Accepted { .. } => return Err(illegal("Accepted", "the deployment was accepted before")),
            Fact::Merged { plan, trigger } => self.merge(plan, trigger, event.at)?,
            Fact::Started => self.start(event.at)?,
            Fact::StageApproved { stage, actor } => self.approve(*stage, actor, event.at, true)?,
            Fact::StageRefused { stage, actor } => self.approve(*stage, actor, event.at, false)?,
            Fact::StepStarted { step, attempt } => self.step_started(step, *attempt, event.at)?,
            Fact::StepTimed { step, .. } => {
                let StepState::Running { .. } = *self.open_step(step)? else {
                    return Err(illegal("StepTimed", &format!("the {step} is not running")));
                };
            }
            Fact::StepSucceeded { step, result } => {
                let StepState::Running { since, .. } = *self.open_step(step)? else {
                    return Err(illegal("StepSucceeded", &format!("the {step} is not running")));
                };
                self.must_not_be_failing("StepSucceeded", step)?;
                self.end_step(step, StepState::Succeeded { since, at: event.at, result: result.clone() })?;
            }
            Fact::StepSkipped { step, reason } => {
                let since = self.open_step(step)?.since();
                self.must_not_be_failing("StepSkipped", step)?;
                self.end_step(step, StepState::Skipped { since, at: event.at, reason: reason.clone() })?;
            }
            Fact::StepFailing { step, failure } => {
                let StepState::Running { .. } = *self.open_step(step)? else {
                    return Err(illegal("StepFailing", &format!("the {step} is not running")));
                };
                self.must_not_be_failing("StepFailing", step)?;
                self.failing.insert(step.clone(), failure.clone());
            }
            Fact::StepFailed { step, failure } => {
                let since = self.open_step(step)?.since();
                self.end_step(step, StepState::Failed { since, at: event.at, failure: failure.clone() })?;
            }
            Fact::StepCanceled { step } => {
                let since = self.open_step(step)?.since();
                self.end_step(step, StepState::Canceled { since, at: event.at })?;
            }
            Fact::StepInterrupted { step } => self.interrupt(step)?,
            Fact::CancelRequested { scope, force, .. } => {
                if *scope == CancelScope::Deployment {
                    self.state = RunState::Canceling;
                }
                self.cancel.push(scope.clone());
                if *force {
                    self.forced.push(scope.clone());
                }
            }
            Fact::Finished { outcome } => {
                if self.open_count() > 0 {
                    return Err(illegal("Finished", "there are open steps"));
                }
                self.state = RunState::Finished { outcome: *outcome, at: event.at };
            }
        }
        self.version += 1;
        self.latest = self.latest.max(event.at);
        Ok(())
    }

    /// It keeps its place, its time and who asked first; what it does is the later plan.
    fn merge(&mut self, plan: &Plan, trigger: &Trigger, at: Timestamp) -> Result<(), IllegalEvent> {
        if self.state != RunState::Queued {
            return Err(illegal("Merged", "the deployment is not queued"));
        }
        if plan.action != self.plan.action {
            return Err(illegal("Merged", "the action is another"));
        }
        let mut merged = std::mem::take(&mut self.merged);
        merged.push(Merged { trigger: trigger.clone(), at });
        let joined = Self::accepted(plan.clone(), self.trigger.clone(), self.accepted_at);
        *self = Self { version: self.version, merged, ..joined };
        Ok(())
    }

    fn approve(&mut self, stage: usize, actor: &Actor, at: Timestamp, is_approved: bool) -> Result<(), IllegalEvent> {
        if !self.plan.needs_approval(stage) || self.approvals.contains_key(&stage) {
            return Err(illegal("StageApproved or StageRefused", &format!("stage {stage} waits for no approval")));
        }
        self.approvals.insert(stage, Approval { actor: actor.clone(), at, is_approved });
        Ok(())
    }

    fn start(&mut self, at: Timestamp) -> Result<(), IllegalEvent> {
        if self.state != RunState::Queued {
            return Err(illegal("Started", "the deployment is not queued"));
        }
        self.state = RunState::Running;
        self.started_at = Some(at);
        Ok(())
    }

    fn step_started(&mut self, step: &StepId, attempt: u32, at: Timestamp) -> Result<(), IllegalEvent> {
        if self.state != RunState::Running {
            return Err(illegal("StepStarted", &format!("the deployment is {}", self.state.as_str())));
        }
        match *self.open_step(step)? {
            StepState::Waiting { attempts } if attempts + 1 == attempt => {
                let index = self.index[&step.service];
                self.queue_mut(step.phase).start(index);
                *self.open_step(step)? = StepState::Running { attempt, since: at };
                Ok(())
            }
            _ => Err(illegal("StepStarted", &format!("the {step} is not waiting for attempt {attempt}"))),
        }
    }

    fn interrupt(&mut self, step: &StepId) -> Result<(), IllegalEvent> {
        let StepState::Running { attempt, .. } = *self.open_step(step)? else {
            return Err(illegal("StepInterrupted", &format!("the {step} is not running")));
        };
        self.must_not_be_failing("StepInterrupted", step)?;
        let index = self.index[&step.service];
        self.queue_mut(step.phase).interrupt(index);
        *self.open_step(step)? = StepState::Waiting { attempts: attempt };
        Ok(())
    }

    fn end_step(&mut self, step: &StepId, ended: StepState) -> Result<(), IllegalEvent> {
        let index = self.index[&step.service];
        self.queue_mut(step.phase).end(index);
        self.failing.remove(step);
        let counts_as_failure = matches!(ended, StepState::Failed { .. } | StepState::Canceled { .. });
        let gives_image = match &ended {
            StepState::Succeeded { .. } => true,
            StepState::Skipped { reason, .. } => *reason != SkipReason::EarlierFailure,
            StepState::Waiting { .. } | StepState::Running { .. } | StepState::Failed { .. } | StepState::Canceled { .. } => {
                false
            }
        };
        let was_canceled = matches!(ended, StepState::Canceled { .. });
        *self.open_step(step)? = ended;
        if counts_as_failure {
            let stage = self.services[index].stage;
            self.failed_stage = Some(self.failed_stage.map_or(stage, |failed| failed.min(stage)));
        }
        if step.phase == Phase::Build {
            if gives_image {
                self.releases.make_ready(index);
            }
            if was_canceled {
                self.hand_over(index);
            }
        }
        Ok(())
    }

    /// The next follower of a canceled leader leads. While a build runs, its service leads, and a follower was canceled.
    fn hand_over(&mut self, index: usize) {
        if self.same_image.with(index).iter().any(|other| self.builds.running().contains(other)) {
            return;
        }
        let next = self.same_image.with(index).iter().copied().find(|other| self.builds.waiting().contains(other));
        if let Some(next) = next {
            self.builds.make_ready(next);
        }
    }

    fn must_not_be_failing(&self, fact: &str, step: &StepId) -> Result<(), IllegalEvent> {
        if self.failing.contains_key(step) { Err(illegal(fact, &format!("the {step} can only fail now"))) } else { Ok(()) }
    }

    fn open_step(&mut self, step: &StepId) -> Result<&mut StepState, IllegalEvent> {
        let index = self.index.get(&step.service).copied();
        let state = index.and_then(|index| match step.phase {
            Phase::Build => self.services[index].build.as_mut(),
            Phase::Release => Some(&mut self.services[index].release),
        });
        match state {
            Some(state) if !state.has_ended() => Ok(state),
            Some(state) => Err(illegal(&format!("a fact about the {step}"), &format!("the step is {}", state.as_str()))),
            None => Err(illegal(&format!("a fact about the {step}"), "the plan has no such step")),
        }
    }
}

fn illegal(fact: &str, reason: &str) -> IllegalEvent {
    IllegalEvent { fact: fact.to_owned(), reason: reason.to_owned() }
}
