//! Environments that start and stop by the clock.
//!
//! What is due is the newest run since the mark of an environment, and nothing older: a server that was away, or a clock that jumps, brings
//! about one deployment at most. The mark moves once that is asked for; the request's id is made of the run, so that a kill between the two
//! asks for nothing twice. An environment that is as the run wants it is left alone. Schedules are those in force: its own, or its project's.

use std::collections::HashMap;
use std::time::Duration;

use slipway_core::auto_deploy::Standing;
use slipway_core::deployment::{Actor, Timestamp, Trigger};
use slipway_core::model::{Environment, Name, Schedule, ScheduleRule};
use slipway_core::plan::{Action, Request};
use slipway_core::schedule::{ScheduledAction, ScheduledRun, due_run, in_force, next_runs};
use slipway_ports::{Access, CancellationToken, ScheduleMark, StoreError, StoredEnvironment};
use tokio::sync::broadcast::error::RecvError;

use crate::changes::Change;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::request_id::request_id;
use crate::standing::past;

/// The longest time between two looks at the clock: nothing tells that it was set.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Engine {
    /// Starts and stops environments as their schedules say, until it is told to stop.
    pub async fn keep_schedules(&self, stop: &CancellationToken) {
        let mut changes = self.changes();
        loop {
            let pause = self.carry_out_schedules().await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = something_is_configured(&mut changes) => {}
            }
        }
    }

    /// Does what is due, and says how long until something is, or until it is to be looked again.
    async fn carry_out_schedules(&self) -> Duration {
        let access = Access::owner("schedule");
        let (environments, rules) = match self.environments_and_rules(&access).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "schedules can not be read; looking again");
                return LONGEST_PAUSE;
            }
        };
        let mut pause = LONGEST_PAUSE;
        for stored in &environments {
            let environment = &stored.environment;
            let rules = rules.get(&environment.project).map_or(&[][..], Vec::as_slice);
            let schedules = in_force(environment, rules).schedules;
            if let Err(error) = self.carry_out(&access, environment, schedules).await {
                let (project, name) = (&environment.project, &environment.name);
                tracing::warn!(%project, environment = %name, %error, "a schedule is not carried out; trying again");
            }
            let now = self.shared().settings.clock.now();
            if let Some(next) = next_runs(schedules, now, 1).first() {
                pause = pause.min(Duration::from_millis(next.at.0.abs_diff(now.0)));
            }
        }
        pause
    }

    /// All environments, and the rules of their projects.
    async fn environments_and_rules(
        &self,
        access: &Access,
    ) -> Result<(Vec<StoredEnvironment>, HashMap<Name, Vec<ScheduleRule>>), StoreError> {
        let store = &self.shared().ports.store;
        let environments = store.environments(access).await?;
        let mut rules = HashMap::new();
        for project in environments.iter().map(|stored| &stored.environment.project) {
            if !rules.contains_key(project) {
                rules.insert(project.clone(), store.project(access, project).await?.project.schedules);
            }
        }
        Ok((environments, rules))
    }

    async fn carry_out(&self, access: &Access, environment: &Environment, schedules: &[Schedule]) -> Result<(), EngineError> {
        let (project, name) = (&environment.project, &environment.name);
        let store = &self.shared().ports.store;
        let now = self.shared().settings.clock.now();
        let of = serde_json::to_string(schedules).map_err(|error| EngineError::Internal(error.to_string()))?;
        let mark = async |at: Timestamp| store.put_schedule_mark(project, name, &ScheduleMark { of: of.clone(), at }).await;
        let since = match store.schedule_mark(project, name).await? {
            None if schedules.is_empty() => return Ok(()),
            Some(mark) if mark.of == of && mark.at <= now => mark.at,
            // New schedules count from now on; so do those of a clock that was set back.
            _ => return Ok(mark(now).await?),
        };
        let Some(run) = due_run(schedules, since, now) else { return Ok(()) };
        match self.ask_for(access, environment, run).await {
            Ok(()) => {}
            // Nothing that time alone would mend, such as a secret without a value.
            Err(EngineError::Refused(reason) | EngineError::NotFound(reason)) => {
                tracing::warn!(%project, environment = %name, action = run.action.as_str(), %reason, "a schedule can not be carried out");
            }
            Err(error) => return Err(error),
        }
        Ok(mark(run.at).await?)
    }

    async fn ask_for(&self, access: &Access, environment: &Environment, run: ScheduledRun<'_>) -> Result<(), EngineError> {
        let (project, name) = (&environment.project, &environment.name);
        if !self.is_needed(access, environment, run.action).await? {
            tracing::info!(%project, environment = %name, action = run.action.as_str(), "the environment is as its schedule wants it");
            return Ok(());
        }
        let (action, request) = match run.action {
            ScheduledAction::Start => (Action::Deploy, Request { current: true, ..Request::default() }),
            ScheduledAction::Stop => (Action::Stop, Request::default()),
        };
        let at = run.at.0.to_string();
        let parts = ["schedule", project.as_str(), name.as_str(), &at, run.action.as_str()];
        let id = request_id(&parts.map(str::as_bytes));
        let trigger =
            Trigger { source: "schedule".to_owned(), actor: Actor("schedule".to_owned()), request: Some(id), link: None };
        let accepted = self.deploy(access, project, name, action, request, trigger).await?;
        tracing::info!(%project, environment = %name, action = run.action.as_str(), number = accepted.summary.number, "a schedule is carried out");
        Ok(())
    }

    /// Whether something is up that is to be stopped, or stopped that is to be up.
    async fn is_needed(&self, access: &Access, environment: &Environment, action: ScheduledAction) -> Result<bool, EngineError> {
        let services: Vec<_> =
            environment.services.iter().filter(|service| !service.skipped).map(|service| &service.name).collect();
        let place = (&environment.project, &environment.name);
        let past = past(&*self.shared().ports.store, access, place, &services).await?;
        let stands = |service: &&_| match past.standings.of(service) {
            Standing::NeverAsked => false,
            Standing::Asked | Standing::Paused => action == ScheduledAction::Stop,
            Standing::Stopped => action == ScheduledAction::Start,
        };
        Ok(services.iter().any(stands))
    }
}

/// Returns when an environment or a project was configured anew; what was missed counts as one.
async fn something_is_configured(changes: &mut tokio::sync::broadcast::Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(Change::Environment { .. } | Change::Project(_)) | Err(RecvError::Lagged(_)) => return,
            Ok(Change::Targets | Change::Deployment { .. }) => {}
            // The engine goes, and whoever waits is told to stop.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
