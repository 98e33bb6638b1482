//! What a story came to, in a form that is the same however often the server died.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use slipway_core::deployment::{Deployment, Event, Fact, Phase, SkipReason, StepId};
use slipway_core::plan::Plan;
use slipway_crash::Left;
use slipway_ports::{Access, DeploymentSummary, Store as _};
use slipway_store::SqliteStore;

/// What is on record and what lies in the world, without what differs between two runs: ids, times, hashes with a salt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// By environment and number.
    pub(crate) deployments: BTreeMap<String, History>,
    pub(crate) live: BTreeMap<String, Value>,
    pub(crate) left: Left,
    /// When facts became ones, in milliseconds.
    pub(crate) times: Vec<i64>,
}

/// The facts of a deployment without its interruptions. Steps run beside each other, so each has its own order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) deployment: Vec<String>,
    pub(crate) steps: BTreeMap<String, Vec<String>>,
    /// Laws that the log breaks.
    pub(crate) broken: Vec<String>,
}

impl Outcome {
    pub(crate) fn read(folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let logs = runtime.block_on(logs(&folder.join("home")));
        let left = Left::read(&folder.join("world")).expect("the world reads");
        let mut live = left.live.clone();
        for value in live.values_mut() {
            *value = without_ids(value, &logs);
        }
        let times = logs.iter().flat_map(|(_, events)| events.iter().map(|event| event.at.0)).collect();
        let deployments = logs.iter().map(|(summary, events)| {
            let name = format!("{}/{}", summary.environment, summary.number);
            (name, History::of(events))
        });
        Self { deployments: deployments.collect(), live, left, times }
    }

    /// What is different from an uninterrupted run, after so many kills.
    pub(crate) fn lost(&self, uninterrupted: &Self) -> Vec<String> {
        let mut lost = Vec::new();
        if self.deployments != uninterrupted.deployments {
            lost.push(format!("history: {:#?} is not {:#?}", self.deployments, uninterrupted.deployments));
        }
        if self.live != uninterrupted.live {
            lost.push(format!("manifests: {:#?} are not {:#?}", self.live, uninterrupted.live));
        }
        let images = |outcome: &Self| outcome.left.images.keys().cloned().collect::<Vec<_>>();
        if images(self) != images(uninterrupted) {
            lost.push(format!("images: {:?} are not {:?}", images(self), images(uninterrupted)));
        }
        if self.left.namespaces != uninterrupted.left.namespaces {
            lost.push(format!("namespaces: {:?} are not {:?}", self.left.namespaces, uninterrupted.left.namespaces));
        }
        for (name, release) in &self.left.releases {
            if release.statuses.iter().any(|status| status.starts_with("pending-")) {
                lost.push(format!("the release {name} was left {:?}", release.statuses));
            }
        }
        for (name, history) in &self.deployments {
            lost.extend(history.broken.iter().map(|law| format!("deployment {name}: {law}")));
        }
        lost
    }

    /// What was done twice, where `kills` servers died.
    pub(crate) fn doubled(&self, uninterrupted: &Self, kills: usize) -> Vec<String> {
        let mut doubled = Vec::new();
        for (image, completed) in self.left.images.iter().filter(|(_, completed)| **completed > 1) {
            doubled.push(format!("{image} was built {completed} times"));
        }
        if self.left.jobs.len() > uninterrupted.left.jobs.len() {
            doubled.push(format!("jobs: {:?} ran, not {:?}", self.left.jobs, uninterrupted.left.jobs));
        }
        for (release, restarts) in &self.left.restarts {
            let usual = uninterrupted.left.restarts.get(release).copied().unwrap_or(0);
            if *restarts > usual {
                doubled.push(format!("the pods of {release} were started anew {restarts} times, not {usual}"));
            }
        }
        let revisions = |outcome: &Self| outcome.left.releases.values().map(|release| release.revisions).sum::<usize>();
        for (name, release) in &self.left.releases {
            let usual = uninterrupted.left.releases.get(name).map_or(0, |release| release.revisions);
            if release.revisions > usual + kills {
                doubled
                    .push(format!("the release {name} has {} revisions, {kills} kills, and {usual} without", release.revisions));
            }
        }
        // A kill interrupts every release that runs: each may have one more.
        let most = revisions(uninterrupted) + kills * uninterrupted.left.releases.len();
        if revisions(self) > most {
            doubled.push(format!("{} revisions in all", revisions(self)));
        }
        doubled
    }
}

async fn logs(home: &Path) -> Vec<(DeploymentSummary, Vec<Event>)> {
    let store = SqliteStore::open(&home.join("slipway.db"), &home.join("secret.key")).await.expect("the store opens");
    let access = Access::owner("tester");
    let mut logs = Vec::new();
    for stored in store.environments(&access).await.expect("readable") {
        let (project, name) = (&stored.environment.project, &stored.environment.name);
        for summary in store.deployments(&access, project, name, None, 100).await.expect("readable") {
            let events = store.events(&access, &summary.id, 0).await.expect("readable");
            logs.push((summary, events.into_iter().map(|recorded| recorded.event).collect()));
        }
    }
    logs
}

impl History {
    fn of(events: &[Event]) -> Self {
        let mut history = Self::default();
        let Some(Fact::Accepted { plan, trigger }) = events.first().map(|event| &event.fact) else {
            history.broken.push("it does not begin with `Accepted`".to_owned());
            return history;
        };
        history.deployment.push(format!("accepted, asked for by {}", trigger.actor.0));
        for event in &events[1..] {
            history.enter(plan, &event.fact);
        }
        if let Err(illegal) = Deployment::replay(events.iter().cloned()) {
            history.broken.push(illegal.to_string());
        }
        if !events.is_sorted_by_key(|event| event.at) {
            history.broken.push("its facts go back in time".to_owned());
        }
        history
    }

    fn enter(&mut self, plan: &Plan, fact: &Fact) {
        let ended = match fact {
            Fact::StepStarted { step, attempt } => {
                if *attempt == 1 {
                    self.in_order(plan, step);
                    self.step(step).push("started".to_owned());
                }
                return;
            }
            Fact::StepInterrupted { .. } | Fact::StepTimed { .. } => return,
            // Pushed, and killed before that was on record: the next server finds it.
            Fact::StepSucceeded { step, result } => (step, format!("has the image {:?}", result.image)),
            Fact::StepSkipped { step, reason: SkipReason::ImagePresent { image } } => {
                (step, format!("has the image {:?}", Some(image)))
            }
            Fact::StepSkipped { step, reason } => (step, format!("{} {:?}", reason.as_str(), reason.image())),
            Fact::StepFailed { step, failure } => (step, format!("failed, {}", failure.code.as_str())),
            Fact::StepCanceled { step } => (step, "canceled".to_owned()),
            Fact::Started => return self.deployment.push("started".to_owned()),
            Fact::CancelRequested { actor, .. } => return self.deployment.push(format!("cancel, asked for by {}", actor.0)),
            Fact::Finished { outcome } => return self.deployment.push(format!("{outcome:?}")),
            other => return self.deployment.push(format!("{other:?}")),
        };
        self.step(ended.0).push(ended.1);
    }

    fn step(&mut self, step: &StepId) -> &mut Vec<String> {
        self.steps.entry(step.to_string()).or_default()
    }

    /// I2: no release of a stage begins before all of the stages before it have ended.
    fn in_order(&mut self, plan: &Plan, step: &StepId) {
        if step.phase == Phase::Build || plan.action.is_reverse() {
            return;
        }
        let stage_of = |step: &StepId| plan.services.iter().find(|service| service.name == step.service).map(|found| found.stage);
        let stage = stage_of(step);
        for service in plan.services.iter().filter(|service| Some(service.stage) < stage) {
            let before = StepId { service: service.name.clone(), phase: Phase::Release }.to_string();
            let has_ended = self.steps.get(&before).is_some_and(|facts| facts.last().is_some_and(|last| last != "started"));
            if !has_ended {
                self.broken.push(format!("the {step} begins before the {before} has ended"));
            }
        }
    }
}

/// The same with a deployment's place instead of its id, a job's run likewise, and without the salted hash of a Secret's name.
fn without_ids(value: &Value, logs: &[(DeploymentSummary, Vec<Event>)]) -> Value {
    let mut text = value.to_string();
    for (summary, _) in logs {
        let plain: String = summary.id.chars().filter(char::is_ascii_alphanumeric).collect();
        let place = format!("{}/{}", summary.environment, summary.number);
        text = text.replace(&summary.id, &place).replace(&plain[plain.len() - 10..], &place);
    }
    let mut value: Value = serde_json::from_str(&text).expect("it was JSON");
    if let Some((service, _)) = value["secret"].as_str().and_then(|secret| secret.rsplit_once('-')) {
        value["secret"] = Value::String(service.to_owned());
    }
    value
}
