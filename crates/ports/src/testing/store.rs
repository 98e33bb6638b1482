//! A store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use slipway_core::deployment::{CancelScope, Event, Fact, Outcome, Timestamp};
use slipway_core::model::{Environment, Name, Project};

use super::kept_line::{KeptLine, middle};
use crate::{
    Access, Credential, DeploymentSummary, KeptAnswer, LogCut, LogFrom, LogLine, LogMatches, LogSearch, LogSection, LogWindow,
    NewDeployment, PlacedLine, RecordedEvent, ScheduleMark, SecretText, Store, StoreError, StoredEnvironment, StoredProject,
    Target,
};

/// A store that forgets everything when it goes.
#[derive(Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Default)]
pub(super) struct Tables {
    targets: BTreeMap<String, Target>,
    environments: BTreeMap<(Name, Name), StoredEnvironment>,
    deployments: Vec<DeploymentSummary>,
    events: BTreeMap<String, Vec<Event>>,
    /// By number.
    log: BTreeMap<u64, KeptLine>,
    /// By deployment, service and phase.
    sections: BTreeMap<(String, Name, &'static str), LogSection>,
    /// The number of the last line, also of one that is gone.
    last_line: u64,
    projects: BTreeMap<Name, StoredProject>,
    /// By project, and environment unless they are the project's.
    secrets: BTreeMap<(Name, Option<Name>, String), SecretText>,
    credentials: BTreeMap<(Name, Name), Credential>,
    /// By project and environment.
    pub(super) schedule_marks: BTreeMap<(Name, Name), ScheduleMark>,
    pub(super) of_webhooks: super::webhooks::WebhookTables,
    pub(super) of_notifications: super::notifications::NotificationTables,
    pub(super) cut: super::cut::Cut,
    /// With actor and key, oldest first.
    answers: Vec<(String, String, KeptAnswer)>,
}

impl Tables {
    fn forget_deployments(&mut self, gone: &[String]) {
        self.deployments.retain(|summary| !gone.contains(&summary.id));
        self.events.retain(|deployment, _| !gone.contains(deployment));
        self.log.retain(|_, kept| !gone.contains(&kept.deployment));
        self.sections.retain(|(deployment, _, _), _| !gone.contains(deployment));
        self.of_notifications.forget(gone);
    }
}

impl MemoryStore {
    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no(what: &str) -> StoreError {
    StoreError::NotFound(what.to_owned())
}

fn fold(summary: &mut DeploymentSummary, events: &[Event]) {
    for event in events {
        summary.version += 1;
        let state = match &event.fact {
            Fact::Started => "running",
            Fact::CancelRequested { scope: CancelScope::Deployment, .. } => "canceling",
            Fact::Finished { outcome } => {
                summary.finished_at = Some(event.at);
                match outcome {
                    Outcome::Succeeded => "succeeded",
                    Outcome::Failed => "failed",
                    Outcome::Canceled => "canceled",
                }
            }
            _ => continue,
        };
        state.clone_into(&mut summary.state);
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn put_target(&self, _: &Access, target: &Target) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if target.is_default {
            tables.targets.values_mut().for_each(|other| other.is_default = false);
        }
        tables.targets.insert(target.name.clone(), target.clone());
        Ok(())
    }

    async fn targets(&self, _: &Access) -> Result<Vec<Target>, StoreError> {
        Ok(self.tables().targets.values().cloned().collect())
    }

    async fn put_environment_with_secrets(
        &self,
        access: &Access,
        environment: &Environment,
        expected_version: u64,
        secrets: &BTreeMap<String, SecretText>,
    ) -> Result<StoredEnvironment, StoreError> {
        if !access.covers(&environment.project) {
            return Err(no("project"));
        }
        let mut tables = self.tables();
        let key = (environment.project.clone(), environment.name.clone());
        let found = tables.environments.get(&key).map_or(0, |stored| stored.version);
        if found != expected_version {
            return Err(StoreError::Conflict { what: "environment".to_owned(), expected: expected_version, found });
        }
        let stored = StoredEnvironment { environment: environment.clone(), version: found + 1 };
        tables.environments.insert(key, stored.clone());
        for (name, value) in secrets {
            let key = (environment.project.clone(), Some(environment.name.clone()), name.clone());
            tables.secrets.entry(key).or_insert_with(|| value.clone());
        }
        Ok(stored)
    }

    async fn environment(&self, access: &Access, project: &Name, name: &Name) -> Result<StoredEnvironment, StoreError> {
        let found = self.tables().environments.get(&(project.clone(), name.clone())).cloned();
        found.filter(|_| access.covers(project)).ok_or_else(|| no(&format!("environment `{project}/{name}`")))
    }

    async fn environments_after(
        &self,
        access: &Access,
        after: Option<(&Name, &Name)>,
        limit: u32,
    ) -> Result<Vec<StoredEnvironment>, StoreError> {
        let all = self.environments(access).await?.into_iter();
        let rest = all.filter(|stored| after.is_none_or(|after| (&stored.environment.project, &stored.environment.name) > after));
        Ok(rest.take(limit as usize).collect())
    }

    async fn environments(&self, access: &Access) -> Result<Vec<StoredEnvironment>, StoreError> {
        let tables = self.tables();
        Ok(tables.environments.values().filter(|stored| access.covers(&stored.environment.project)).cloned().collect())
    }

    async fn remove_environment(&self, access: &Access, project: &Name, name: &Name) -> Result<bool, StoreError> {
        self.environment(access, project, name).await?;
        let mut tables = self.tables();
        let of_it = |summary: &&DeploymentSummary| (&summary.project, &summary.environment) == (project, name);
        if tables.deployments.iter().filter(of_it).any(|summary| summary.finished_at.is_none()) {
            return Ok(false);
        }
        let gone: Vec<String> = tables.deployments.iter().filter(of_it).map(|summary| summary.id.clone()).collect();
        tables.forget_deployments(&gone);
        tables.environments.remove(&(project.clone(), name.clone()));
        tables.schedule_marks.remove(&(project.clone(), name.clone()));
        tables.of_notifications.forget_environment(project, name);
        tables.secrets.retain(|(of, environment, _), _| (of, environment.as_ref()) != (project, Some(name)));
        Ok(true)
    }

    async fn put_project(&self, access: &Access, project: &Project, expected_version: u64) -> Result<StoredProject, StoreError> {
        let found = self.project(access, &project.name).await?.version;
        if found != expected_version {
            return Err(StoreError::Conflict { what: "project".to_owned(), expected: expected_version, found });
        }
        let stored = StoredProject { project: project.clone(), version: found + 1 };
        self.tables().projects.insert(project.name.clone(), stored.clone());
        Ok(stored)
    }

    async fn project(&self, access: &Access, project: &Name) -> Result<StoredProject, StoreError> {
        if !access.covers(project) {
            return Err(no(&format!("project `{project}`")));
        }
        let nothing = || Project::bare(project.clone());
        Ok(self.tables().projects.get(project).cloned().unwrap_or_else(|| StoredProject { project: nothing(), version: 0 }))
    }

    async fn projects(&self, access: &Access) -> Result<Vec<Name>, StoreError> {
        let tables = self.tables();
        let names: BTreeSet<&Name> =
            tables.environments.keys().map(|(project, _)| project).chain(tables.projects.keys()).collect();
        Ok(names.into_iter().filter(|name| access.covers(name)).cloned().collect())
    }

    async fn create_deployment(&self, access: &Access, new: &NewDeployment) -> Result<DeploymentSummary, StoreError> {
        self.environment(access, &new.project, &new.environment).await?;
        let Some(Event { at, fact: Fact::Accepted { plan, .. } }) = new.events.first() else {
            return Err(StoreError::Damaged { what: "deployment".to_owned(), reason: "no `Accepted` first".to_owned() });
        };
        let mut tables = self.tables();
        let same = |other: &&DeploymentSummary| other.project == new.project && other.environment == new.environment;
        let number = tables.deployments.iter().filter(same).map(|other| other.number).max().unwrap_or(0) + 1;
        let mut summary = DeploymentSummary {
            id: new.id.clone(),
            number,
            project: new.project.clone(),
            environment: new.environment.clone(),
            target: new.target.clone(),
            version: 0,
            state: "queued".to_owned(),
            action: plan.action.as_str().to_owned(),
            accepted_at: *at,
            finished_at: None,
        };
        fold(&mut summary, &new.events);
        tables.of_notifications.note(&new.id, 0, &new.events);
        tables.deployments.push(summary.clone());
        tables.events.insert(new.id.clone(), new.events.clone());
        Ok(summary)
    }

    async fn append(&self, deployment: &str, expected: u64, events: &[Event]) -> Result<(), StoreError> {
        self.pass().await;
        let tables = &mut *self.tables();
        let summary = tables.deployments.iter_mut().find(|summary| summary.id == deployment);
        let summary = summary.ok_or_else(|| no(&format!("deployment `{deployment}`")))?;
        if summary.version != expected {
            return Err(StoreError::Conflict { what: "deployment".to_owned(), expected, found: summary.version });
        }
        fold(summary, events);
        tables.of_notifications.note(deployment, expected, events);
        tables.events.entry(deployment.to_owned()).or_default().extend_from_slice(events);
        Ok(())
    }

    async fn events(&self, access: &Access, deployment: &str, after: u64) -> Result<Vec<RecordedEvent>, StoreError> {
        self.deployment(access, deployment).await?;
        let tables = self.tables();
        let events = tables.events.get(deployment).map_or(&[][..], Vec::as_slice);
        let numbered = (1..).zip(events.iter().cloned()).map(|(version, event)| RecordedEvent { version, event });
        Ok(numbered.filter(|recorded| recorded.version > after).collect())
    }

    async fn deployment(&self, access: &Access, id: &str) -> Result<DeploymentSummary, StoreError> {
        let found = self.tables().deployments.iter().find(|summary| summary.id == id).cloned();
        found.filter(|found| access.covers(&found.project)).ok_or_else(|| no(&format!("deployment `{id}`")))
    }

    async fn deployments(
        &self,
        access: &Access,
        project: &Name,
        name: &Name,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeploymentSummary>, StoreError> {
        self.environment(access, project, name).await?;
        let tables = self.tables();
        let same = tables.deployments.iter().rev().filter(|other| other.project == *project && other.environment == *name);
        Ok(same.filter(|found| before.is_none_or(|before| found.number < before)).take(limit as usize).cloned().collect())
    }

    async fn unfinished(&self) -> Result<Vec<DeploymentSummary>, StoreError> {
        let mut found: Vec<_> =
            self.tables().deployments.iter().filter(|summary| summary.finished_at.is_none()).cloned().collect();
        found.sort_by_key(|summary| (summary.project.clone(), summary.environment.clone(), summary.number));
        Ok(found)
    }

    async fn append_log(&self, deployment: &str, lines: &[LogLine]) -> Result<Vec<u64>, StoreError> {
        let mut tables = self.tables();
        let mut numbers = Vec::new();
        for line in lines {
            tables.last_line += 1;
            let number = tables.last_line;
            let key = (deployment.to_owned(), line.service.clone(), line.phase.as_str());
            let section = tables.sections.entry(key).or_insert_with(|| LogSection {
                service: line.service.clone(),
                phase: line.phase,
                first: number,
                last: number,
                lines: 0,
            });
            (section.last, section.lines) = (number, section.lines + 1);
            let position = section.lines;
            tables.log.insert(number, KeptLine { deployment: deployment.to_owned(), position, line: line.clone(), cut: None });
            numbers.push(number);
        }
        Ok(numbers)
    }

    async fn log(
        &self,
        access: &Access,
        deployment: &str,
        service: Option<&Name>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, LogLine)>, StoreError> {
        self.deployment(access, deployment).await?;
        let tables = self.tables();
        let wanted = tables
            .log
            .range(after + 1..)
            .filter(|(_, kept)| kept.deployment == deployment && service.is_none_or(|service| kept.line.service == *service));
        Ok(wanted.take(limit as usize).map(|(number, kept)| (*number, kept.line.clone())).collect())
    }

    async fn log_window(&self, access: &Access, deployment: &str, window: &LogWindow<'_>) -> Result<Vec<PlacedLine>, StoreError> {
        self.deployment(access, deployment).await?;
        let tables = self.tables();
        let own = tables.log.iter().filter(|(number, kept)| {
            let from = match window.from {
                LogFrom::After(after) => **number > after,
                LogFrom::Before(before) => **number < before,
                LogFrom::At(position) => window.service.is_some() && window.phase.is_some() && kept.position >= position,
            };
            from && kept.deployment == deployment
                && window.service.is_none_or(|service| kept.line.service == *service)
                && window.phase.is_none_or(|phase| kept.line.phase == phase)
        });
        let place =
            |(number, kept): (&u64, &KeptLine)| PlacedLine { number: *number, position: kept.position, line: kept.line.clone() };
        let limit = window.limit as usize;
        Ok(match window.from {
            LogFrom::After(_) | LogFrom::At(_) => own.take(limit).map(place).collect(),
            LogFrom::Before(_) => {
                let mut last: Vec<_> = own.rev().take(limit).map(place).collect();
                last.reverse();
                last
            }
        })
    }

    async fn log_sections(&self, access: &Access, deployment: &str) -> Result<Vec<LogSection>, StoreError> {
        self.deployment(access, deployment).await?;
        let tables = self.tables();
        let own = tables.sections.iter().filter(|((of, _, _), _)| of == deployment);
        let mut sections: Vec<_> = own.map(|(_, section)| section.clone()).collect();
        sections.sort_by_key(|section| section.first);
        Ok(sections)
    }

    async fn search_log(&self, access: &Access, deployment: &str, search: &LogSearch<'_>) -> Result<LogMatches, StoreError> {
        self.deployment(access, deployment).await?;
        let tables = self.tables();
        let wanted = search.text.to_ascii_lowercase();
        let own = tables.log.range(search.after + 1..).filter(|(_, kept)| kept.deployment == deployment);
        let found = own.filter(|(_, kept)| {
            search.service.is_none_or(|service| kept.line.service == *service)
                && search.phase.is_none_or(|phase| kept.line.phase == phase)
                && kept.line.text.to_ascii_lowercase().contains(&wanted)
        });
        let lines: Vec<_> = found.take(search.limit as usize).map(|(number, kept)| (*number, kept.line.clone())).collect();
        let next = lines.last().filter(|_| lines.len() == search.limit as usize).map(|(number, _)| *number);
        Ok(LogMatches { lines, next })
    }

    async fn bound_log(&self, deployment: &str, most_bytes: u64) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let own: Vec<_> =
            tables.log.iter().filter(|(_, kept)| kept.deployment == deployment).map(|(n, kept)| (*n, kept)).collect();
        if own.iter().map(|(_, kept)| kept.weight()).sum::<u64>() <= most_bytes {
            return Ok(());
        }
        let middle = middle(&own, most_bytes);
        let Some(first) = middle.first() else { return Ok(()) };
        let gone =
            middle.iter().filter_map(|number| tables.log.get(number)).fold(LogCut::default(), |sum, kept| match kept.cut {
                Some(cut) => LogCut { lines: sum.lines + cut.lines, bytes: sum.bytes + cut.bytes },
                None => sum.and(&kept.line),
            });
        for number in &middle[1..] {
            tables.log.remove(number);
        }
        if let Some(kept) = tables.log.get_mut(first) {
            kept.line.text = gone.notice(most_bytes);
            kept.cut = Some(gone);
        }
        Ok(())
    }

    async fn remove_deployments(&self, ids: &[String]) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let newest = |of: &DeploymentSummary| {
            let same =
                tables.deployments.iter().filter(|other| (&other.project, &other.environment) == (&of.project, &of.environment));
            same.map(|other| other.number).max()
        };
        let goes = tables.deployments.iter().filter(|summary| {
            ids.contains(&summary.id) && summary.finished_at.is_some() && newest(summary) != Some(summary.number)
        });
        let gone: Vec<String> = goes.map(|summary| summary.id.clone()).collect();
        tables.forget_deployments(&gone);
        Ok(gone.len() as u64)
    }

    async fn put_secret(
        &self,
        access: &Access,
        project: &Name,
        environment: Option<&Name>,
        name: &str,
        value: &SecretText,
    ) -> Result<(), StoreError> {
        if !access.covers(project) {
            return Err(no("environment"));
        }
        self.tables().secrets.insert((project.clone(), environment.cloned(), name.to_owned()), value.clone());
        Ok(())
    }

    async fn secret_or_insert(
        &self,
        project: &Name,
        environment: &Name,
        name: &str,
        value: SecretText,
    ) -> Result<SecretText, StoreError> {
        let key = (project.clone(), Some(environment.clone()), name.to_owned());
        Ok(self.tables().secrets.entry(key).or_insert(value).clone())
    }

    async fn secrets(&self, project: &Name, environment: Option<&Name>) -> Result<BTreeMap<String, SecretText>, StoreError> {
        let tables = self.tables();
        let own = tables.secrets.iter().filter(|((of, name, _), _)| of == project && name.as_ref() == environment);
        Ok(own.map(|((_, _, name), value)| (name.clone(), value.clone())).collect())
    }

    async fn secret_names(
        &self,
        access: &Access,
        project: &Name,
        environment: Option<&Name>,
    ) -> Result<BTreeSet<String>, StoreError> {
        if !access.covers(project) {
            return Err(no("project"));
        }
        Ok(self.secrets(project, environment).await?.into_keys().collect())
    }

    async fn put_credential(&self, access: &Access, project: &Name, credential: &Credential) -> Result<(), StoreError> {
        if !access.covers(project) {
            return Err(no("project"));
        }
        self.tables().credentials.insert((project.clone(), credential.name.clone()), credential.clone());
        Ok(())
    }

    async fn credentials(&self, access: &Access, project: &Name) -> Result<Vec<Credential>, StoreError> {
        if !access.covers(project) {
            return Err(no("project"));
        }
        let tables = self.tables();
        let own = tables.credentials.iter().filter(|((of, _), _)| of == project);
        Ok(own.map(|(_, credential)| credential.clone()).collect())
    }

    async fn remove_credential(&self, access: &Access, project: &Name, name: &Name) -> Result<(), StoreError> {
        if !access.covers(project) {
            return Err(no("project"));
        }
        let removed = self.tables().credentials.remove(&(project.clone(), name.clone()));
        removed.map(drop).ok_or_else(|| no("credential"))
    }

    async fn keep_answer(&self, access: &Access, key: &str, answer: &KeptAnswer) -> Result<(), StoreError> {
        let answers = &mut self.tables().answers;
        let since = KeptAnswer::ends_before(answer.at);
        answers.retain(|(_, _, known)| known.at >= since);
        if !answers.iter().any(|(actor, known, _)| *actor == access.actor.0 && known == key) {
            answers.push((access.actor.0.clone(), key.to_owned(), answer.clone()));
        }
        let bytes =
            |answers: &[(String, String, KeptAnswer)]| answers.iter().map(|(_, _, answer)| answer.body.len()).sum::<usize>();
        while answers.len() > KeptAnswer::MOST || bytes(answers) > KeptAnswer::MOST_BYTES {
            answers.remove(0);
        }
        Ok(())
    }

    async fn kept_answer(&self, access: &Access, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        let tables = self.tables();
        let own = tables.answers.iter().find(|(actor, known, _)| *actor == access.actor.0 && known == key);
        Ok(own.map(|(_, _, answer)| answer.clone()).filter(|answer| answer.at >= since))
    }
}
