//! What is told, and how a webhook is told it.

use jiff::Timestamp as Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Event;
use crate::deployment::{Deployment, Phase, StepState, Timestamp};
use crate::model::{EnvironmentMode, Name};

/// Most failures that are told one by one.
const MOST_FAILURES: usize = 20;
/// Most characters of a reason.
const LONGEST_REASON: usize = 500;

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Message {
    /// What happened to a deployment.
    Deployment(Box<DeploymentMessage>),
    /// Somebody tries whether it arrives.
    Ping {
        /// When.
        at: Timestamp,
        /// Who tries it.
        by: String,
    },
}

/// What happened to a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentMessage {
    /// What.
    pub event: Event,
    /// When.
    pub at: Timestamp,
    /// To which.
    pub place: Place,
    /// What the deployment does.
    pub action: String,
    /// Who asked for it.
    pub asker: Asker,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its turn came, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The first steps that failed, in the order of execution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedStep>,
    /// How many more failed.
    #[serde(default)]
    pub more_failures: usize,
}

/// Where a deployment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The deployment's id.
    pub deployment: String,
    /// Its number in its environment.
    pub number: u64,
    /// Its project.
    pub project: Name,
    /// Its environment.
    pub environment: Name,
    /// What the environment is for.
    pub mode: EnvironmentMode,
    /// The page that shows it.
    pub url: String,
}

/// Who asked for a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asker {
    /// By which way.
    pub source: String,
    /// Who.
    pub actor: String,
    /// A page about what brought it about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// A step that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedStep {
    /// Of which service.
    pub service: Name,
    /// Which of its two steps.
    pub phase: Phase,
    /// The code of the failure, which has a page.
    pub code: String,
    /// What went wrong, in a sentence.
    pub reason: String,
}

impl Message {
    /// What an event of a deployment is told as. `page` is where the server shows its page, with a slash at the end.
    pub fn of(event: Event, at: Timestamp, deployment: &Deployment, (id, number): (&str, u64), page: &str) -> Self {
        let plan = deployment.plan();
        let trigger = deployment.trigger();
        let mut failures: Vec<FailedStep> = failed_steps(deployment).collect();
        let more_failures = failures.len().saturating_sub(MOST_FAILURES);
        failures.truncate(MOST_FAILURES);
        Self::Deployment(Box::new(DeploymentMessage {
            event,
            at,
            place: Place {
                deployment: id.to_owned(),
                number,
                project: plan.environment.project.clone(),
                environment: plan.environment.name.clone(),
                mode: plan.environment.mode,
                url: format!("{page}deployments/{id}"),
            },
            action: plan.action.as_str().to_owned(),
            asker: Asker { source: trigger.source.clone(), actor: trigger.actor.0.clone(), link: trigger.link.clone() },
            accepted_at: deployment.accepted_at(),
            started_at: deployment.started_at(),
            failures,
            more_failures,
        }))
    }

    /// What it tells, in a word: `deployment.failed`, or `ping`.
    pub fn kind(&self) -> String {
        match self {
            Self::Deployment(told) => format!("deployment.{}", told.event.as_str()),
            Self::Ping { .. } => "ping".to_owned(),
        }
    }

    /// When what it tells happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Deployment(told) => told.at,
            Self::Ping { at, .. } => *at,
        }
    }

    /// The body for a webhook: JSON, the same on every attempt.
    pub fn webhook_body(&self) -> String {
        let data = match self {
            Self::Deployment(told) => told.data(),
            Self::Ping { by, .. } => json!({ "by": by }),
        };
        json!({ "type": self.kind(), "timestamp": shown(self.at()), "data": data }).to_string()
    }

    /// The body for an incoming webhook of Slack: JSON, the same on every attempt.
    pub fn slack_body(&self) -> String {
        json!({ "text": super::slack::text(self) }).to_string()
    }
}

impl DeploymentMessage {
    fn data(&self) -> Value {
        let (place, asker) = (&self.place, &self.asker);
        let failures: Vec<Value> = self.failures.iter().map(FailedStep::data).collect();
        let mut data = json!({
            "deployment": place.deployment,
            "number": place.number,
            "project": place.project,
            "environment": place.environment,
            "mode": place.mode,
            "action": self.action,
            "state": if self.event == Event::Started { "running" } else { self.event.as_str() },
            "trigger": { "source": asker.source, "actor": asker.actor },
            "acceptedAt": shown(self.accepted_at),
            "failures": failures,
            "moreFailures": self.more_failures,
            "url": place.url,
        });
        if let Some(link) = &asker.link {
            data["trigger"]["link"] = json!(link);
        }
        if let Some(started) = self.started_at {
            data["startedAt"] = json!(shown(started));
        }
        if self.event != Event::Started {
            data["finishedAt"] = json!(shown(self.at));
        }
        data
    }
}

impl FailedStep {
    fn data(&self) -> Value {
        json!({ "service": self.service, "phase": self.phase, "code": self.code, "message": self.reason })
    }
}

fn failed_steps(deployment: &Deployment) -> impl Iterator<Item = FailedStep> {
    deployment.plan().services.iter().zip(deployment.services()).flat_map(|(planned, run)| {
        [Phase::Build, Phase::Release].into_iter().filter_map(|phase| {
            let Some(StepState::Failed { failure, .. }) = run.step(phase) else { return None };
            let reason = shortened(&failure.message, LONGEST_REASON);
            Some(FailedStep { service: planned.name.clone(), phase, code: failure.code.to_string(), reason })
        })
    })
}

/// A text of at most so many characters; where it was cut it says so.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// A time as RFC 3339 has it; one that no calendar holds is the first.
fn shown(at: Timestamp) -> String {
    Moment::from_millisecond(at.0).unwrap_or(Moment::UNIX_EPOCH).to_string()
}
