//! A rollout watched to its end: objects come in by watches, a verdict goes out.

mod admission;
mod concern;
#[cfg(test)]
mod hostile_tests;
mod narrate;
pub(crate) mod patience;
pub(crate) mod pods;
pub(crate) mod snapshot;
pub(crate) mod source;
#[cfg(test)]
mod tests;
pub(crate) mod verdict;
mod volumes;

use std::time::Duration;

use kube::api::LogParams;
use kube::{Api, Client};
use slipway_core::failure::Failure;
use slipway_ports::{Activity, PodsOf, Progress, RolloutKind, RolloutRequest};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::concern::{Finding, LogSource, Since};
use self::narrate::Narrator;
use self::patience::Patience;
use self::snapshot::{Snapshot, Subject};
pub(crate) use self::source::WATCH_PERIOD;
use self::source::{KindSource, Notice, Selection, Source};
use self::verdict::{Verdict, at_timeout, is_ready_at_timeout, verdict};
use crate::calls::Calls;
use crate::text::clean;

/// So many last lines go with a failure.
const LAST_LINES: i64 = 20;

/// One rollout under watch.
pub(crate) struct Rollout {
    client: Client,
    calls: Calls,
    namespace: String,
    timeout: Duration,
    /// How long a pod may fit on no node.
    grace: Duration,
    started: Instant,
    sources: Vec<Box<dyn Source<Snapshot>>>,
    snapshot: Snapshot,
    since: Since,
    patience: Patience,
}

impl Rollout {
    /// Nothing is watched yet.
    pub(crate) fn new(client: Client, calls: Calls, request: &RolloutRequest, grace: Duration) -> Self {
        let name = match &request.kind {
            RolloutKind::Job { name } => name.clone(),
            RolloutKind::Deployment
            | RolloutKind::StatefulSet
            | RolloutKind::DaemonSet
            | RolloutKind::CronJob
            | RolloutKind::Gone => request.release.clone(),
        };
        let subject = Subject { kind: request.kind.clone(), name, namespace: request.namespace.clone() };
        Self {
            sources: sources(&client, &subject, request),
            client,
            patience: Patience::new(calls.patience),
            calls,
            namespace: request.namespace.clone(),
            timeout: request.timeout,
            grace,
            started: Instant::now(),
            snapshot: Snapshot::new(subject),
            since: Since::default(),
        }
    }

    /// Watches until there is a verdict.
    pub(crate) async fn watch(mut self, progress: &dyn Progress) -> Result<(), Failure> {
        progress.activity(Activity::Waiting);
        let (sender, mut notices) = mpsc::channel(64);
        let mut tasks = JoinSet::new();
        for (index, source) in self.sources.iter().enumerate() {
            tasks.spawn(source.again().follow(index, self.calls.clone(), sender.clone()));
        }
        let deadline = self.started + self.timeout;
        let mut narrator = Narrator::default();
        let mut wake = None;
        loop {
            let timer = [Some(deadline), wake, self.patience.end()].into_iter().flatten().min().unwrap_or(deadline);
            tokio::select! {
                Some(notice) = notices.recv() => {
                    self.take(notice)?;
                    // Changes come in bursts: one look at all of them is enough.
                    while let Ok(notice) = notices.try_recv() {
                        self.take(notice)?;
                    }
                }
                () = tokio::time::sleep_until(timer) => {}
            }
            self.check_patience()?;
            if Instant::now() >= deadline {
                return self.end_of_time().await;
            }
            if !self.patience.all_listed(self.sources.len()) {
                continue;
            }
            narrator.tell(&self.snapshot, progress);
            wake = match self.verdict() {
                Verdict::Waiting(next) => next.map(|next| self.started + next),
                seen @ (Verdict::Ready | Verdict::Failed(_)) => match self.confirmed(&seen).await? {
                    Verdict::Ready => {
                        narrator.tell(&self.snapshot, progress);
                        return Ok(());
                    }
                    Verdict::Failed(finding) => return Err(self.failure(finding).await),
                    Verdict::Waiting(next) => next.map(|next| self.started + next),
                },
            };
        }
    }

    fn verdict(&mut self) -> Verdict {
        verdict(&self.snapshot, &mut self.since, self.grace, self.started.elapsed())
    }

    /// The verdict over objects listed anew: what a watch lost or told late decides nothing. That it is ready the main object, which
    /// is the first source, says alone; why it fails may be written anywhere.
    async fn confirmed(&mut self, seen: &Verdict) -> Result<Verdict, Failure> {
        if *seen == Verdict::Ready {
            self.refresh(1).await?;
            let now = self.verdict();
            if !matches!(now, Verdict::Failed(_)) {
                return Ok(now);
            }
        }
        self.refresh(self.sources.len()).await?;
        Ok(self.verdict())
    }

    async fn refresh(&mut self, count: usize) -> Result<(), Failure> {
        let sources = self.sources.iter().take(count);
        let lists = futures::future::try_join_all(sources.map(|source| source.list(&self.calls))).await;
        let updates = lists.map_err(|trouble| trouble.failure(&self.what()))?;
        for update in updates {
            update(&mut self.snapshot);
        }
        Ok(())
    }

    async fn end_of_time(&mut self) -> Result<(), Failure> {
        self.refresh(self.sources.len()).await?;
        match self.verdict() {
            Verdict::Ready => Ok(()),
            Verdict::Failed(finding) => Err(self.failure(finding).await),
            Verdict::Waiting(_) if is_ready_at_timeout(&self.snapshot) => Ok(()),
            Verdict::Waiting(_) => Err(self.failure(at_timeout(&self.snapshot, self.grace, self.timeout)).await),
        }
    }

    /// Takes what a source tells into the snapshot; a refusal ends the rollout.
    fn take(&mut self, notice: Notice<Snapshot>) -> Result<(), Failure> {
        let taken = self.patience.take(notice, &mut self.snapshot);
        taken.map_err(|trouble| trouble.failure(&self.what()))
    }

    fn check_patience(&self) -> Result<(), Failure> {
        self.patience.over().map_or(Ok(()), |trouble| Err(trouble.failure(&self.what())))
    }

    fn what(&self) -> String {
        format!("watch the rollout of {} in namespace {}", self.snapshot.subject.name, self.namespace)
    }

    async fn failure(&self, finding: Finding) -> Failure {
        let failure = finding.failure();
        match &finding.logs {
            Some(source) => failure.with_last_lines(self.last_lines(source).await),
            None => failure,
        }
    }

    /// The last lines of a container; none when they can't be had, which is no reason to hide the failure.
    async fn last_lines(&self, source: &LogSource) -> Vec<String> {
        let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        for previous in [true, false] {
            let parameters = LogParams {
                container: Some(source.container.clone()),
                tail_lines: Some(LAST_LINES),
                limit_bytes: Some(64 * 1024),
                previous,
                ..LogParams::default()
            };
            match self.calls.once(pods.logs(&source.pod, &parameters)).await {
                Ok(text) if !text.trim().is_empty() => return text.lines().map(clean).collect(),
                Ok(_) => {}
                Err(trouble) => tracing::debug!(pod = source.pod, ?trouble, "the last lines of a container can't be read"),
            }
        }
        Vec::new()
    }
}

/// The kinds that a rollout of this subject is made of.
fn sources(client: &Client, subject: &Subject, request: &RolloutRequest) -> Vec<Box<dyn Source<Snapshot>>> {
    let namespace = &subject.namespace;
    let main = Selection { fields: Some(format!("metadata.name={}", subject.name)), labels: None };
    let labels = match (&subject.kind, request.pods) {
        (RolloutKind::Job { name }, _) => Some(format!("job-name={name}")),
        (_, PodsOf::Release) => Some(format!("app.kubernetes.io/instance={}", request.release)),
        (_, PodsOf::Namespace) => None,
    };
    let parts = Selection { labels, fields: None };
    let mut sources: Vec<Box<dyn Source<Snapshot>>> = Vec::new();
    macro_rules! source {
        ($selection:expr, $place:ident) => {
            sources.push(Box::new(KindSource {
                api: Api::namespaced(client.clone(), namespace),
                selection: $selection.clone(),
                place: |snapshot: &mut Snapshot| &mut snapshot.$place,
            }))
        };
    }
    match &subject.kind {
        RolloutKind::Deployment => {
            source!(main, deployments);
            source!(parts, replica_sets);
        }
        RolloutKind::StatefulSet => source!(main, stateful_sets),
        RolloutKind::DaemonSet => source!(main, daemon_sets),
        RolloutKind::Job { .. } => source!(main, jobs),
        RolloutKind::CronJob => source!(main, cron_jobs),
        RolloutKind::Gone => {}
    }
    if subject.kind != RolloutKind::CronJob {
        source!(parts, pods);
    }
    if !matches!(subject.kind, RolloutKind::CronJob | RolloutKind::Gone) {
        // A Deployment of a chart of ours has no volumes: what has some is a StatefulSet.
        if subject.kind != RolloutKind::Deployment || request.pods == PodsOf::Namespace {
            source!(Selection::default(), claims);
        }
        source!(Selection::default(), events);
    }
    sources
}
