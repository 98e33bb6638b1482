//! A job run to its end: one container for each attempt, its lines streamed to who waits.

use std::time::Duration;

use bollard::query_parameters::LogsOptionsBuilder;
use futures::StreamExt as _;
use jiff::Timestamp;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Job, ServiceKind};
use slipway_ports::{CancellationToken, Progress};
use tokio::time::Instant;

use crate::containers::{self, Container, Ended, Life};
use crate::engine::failure;
use crate::local::LocalDocker;
use crate::making::New;
use crate::record::Wanted;
use crate::spec::Blueprint;
use crate::text::clean;

/// The first pause between two attempts; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Runs a job until it has succeeded, or can't any more. A run that an earlier server has begun goes on.
pub(crate) async fn run(
    local: &LocalDocker,
    namespace: &str,
    wanted: &Wanted,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let ServiceKind::Job(job) = &wanted.service.kind else {
        return Err(Failure::permanent(Code::Internal, format!("`{}` is no job", wanted.service.name)));
    };
    let run = Run { local, namespace, wanted, job };
    // One that was made and never started has begun in the year 1.
    let attempts = run.attempts().await?;
    let first = attempts.iter().find(|attempt| attempt.life != Life::Created);
    let began = first.and_then(|first| first.started_at.parse::<Timestamp>().ok());
    let passed = began.and_then(|began| Duration::try_from(Timestamp::now().duration_since(began)).ok()).unwrap_or_default();
    let deadline = Instant::now() + job.max_duration.saturating_sub(passed.min(job.max_duration));
    tokio::select! {
        ended = run.to_its_end(progress) => ended,
        () = cancel.cancelled() => Err(Failure::canceled(format!("waiting for job {} was canceled", wanted.service.name))),
        () = tokio::time::sleep_until(deadline) => Err(run.out_of_time().await),
    }
}

/// Begins a run of a job, unless it has begun.
pub(crate) async fn begin(local: &LocalDocker, namespace: &str, wanted: &Wanted) -> Result<(), Failure> {
    let ServiceKind::Job(job) = &wanted.service.kind else {
        return Err(Failure::permanent(Code::Internal, format!("`{}` is no job", wanted.service.name)));
    };
    Run { local, namespace, wanted, job }.begin(0).await
}

struct Run<'a> {
    local: &'a LocalDocker,
    namespace: &'a str,
    wanted: &'a Wanted,
    job: &'a Job,
}

impl Run<'_> {
    fn name(&self) -> &str {
        self.wanted.service.name.as_str()
    }

    /// The attempts of this run so far, oldest first.
    async fn attempts(&self) -> Result<Vec<Container>, Failure> {
        let mut all = containers::list(self.local.engine.docker().await?, self.namespace, Some(self.name())).await?;
        all.retain(|container| container.run.as_deref() == Some(&self.wanted.run));
        Ok(all)
    }

    async fn to_its_end(&self, progress: &dyn Progress) -> Result<(), Failure> {
        let docker = self.local.engine.docker().await?;
        let mut pause = FIRST_PAUSE;
        // The attempt whose lines were passed on: one that ends at once has some, too.
        let mut followed = None;
        loop {
            let attempts = self.attempts().await?;
            let Some(last) = attempts.last() else {
                self.begin(0).await?;
                continue;
            };
            match &last.life {
                // It may lack its files.
                Life::Created => self.begin(last.ordinal).await?,
                Life::Running | Life::Restarting(_) => {
                    self.follow(last, progress).await?;
                    followed = Some(last.ordinal);
                }
                Life::Ended(_) if followed != Some(last.ordinal) => {
                    self.follow(last, progress).await?;
                    followed = Some(last.ordinal);
                }
                Life::Ended(Ended { code: 0, .. }) => return Ok(()),
                Life::Ended(ended) if attempts.len() > self.job.max_restarts as usize => {
                    let lines = containers::last_lines(docker, &last.id).await;
                    let message = format!("job {} failed after {} attempts: {}", self.name(), attempts.len(), ended.words());
                    return Err(Failure::permanent(Code::JobFailed, message)
                        .with_hint("read the last lines: the program ends with an error")
                        .with_last_lines(lines));
                }
                Life::Ended(ended) => {
                    progress.line(&format!("attempt {}: {}; trying again", attempts.len(), ended.words()));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    self.begin(last.ordinal + 1).await?;
                }
            }
        }
    }

    /// Begins an attempt, unless somebody else who waits for the same run has begun it.
    async fn begin(&self, ordinal: u32) -> Result<(), Failure> {
        let docker = self.local.engine.docker().await?;
        let _turn = self.local.turn(self.namespace, &format!("{}-{}", self.name(), self.wanted.run)).await;
        if self.attempts().await?.iter().any(|attempt| attempt.ordinal == ordinal && attempt.life != Life::Created) {
            return Ok(());
        }
        let secret = self.local.variables(self.namespace, self.wanted)?;
        let new = New {
            namespace: self.namespace,
            wanted: self.wanted,
            blueprint: &Blueprint::of(self.wanted)?,
            suffix: format!("{}-{ordinal}", self.wanted.run),
            ordinal,
            secret: &secret,
        };
        new.start(docker).await
    }

    /// Passes its lines on until it has ended.
    async fn follow(&self, container: &Container, progress: &dyn Progress) -> Result<(), Failure> {
        let docker = self.local.engine.docker().await?;
        let options = LogsOptionsBuilder::new().follow(true).stdout(true).stderr(true).build();
        let mut lines = Box::pin(docker.logs(&container.id, Some(options)));
        while let Some(output) = lines.next().await {
            let output = output.map_err(|error| failure("show the lines of a job", &error))?;
            for line in String::from_utf8_lossy(output.as_ref()).lines().filter(|line| !line.is_empty()) {
                progress.line(&clean(line));
            }
        }
        // Its lines end with it, or with a connection: whether it has ended is asked, and waited for.
        let mut waiting = Box::pin(docker.wait_container(&container.id, None));
        match waiting.next().await {
            // A code that is not 0 comes as an error.
            None | Some(Ok(_) | Err(bollard::errors::Error::DockerContainerWaitError { .. })) => Ok(()),
            Some(Err(error)) => Err(failure("wait for a job", &error)),
        }
    }

    async fn out_of_time(&self) -> Failure {
        let ended = async {
            let docker = self.local.engine.docker().await?;
            let mut lines = Vec::new();
            for attempt in self.attempts().await?.iter().filter(|attempt| attempt.is_running()) {
                containers::stop(docker, &attempt.id).await?;
                lines = containers::last_lines(docker, &attempt.id).await;
            }
            Ok::<_, Failure>(lines)
        };
        match ended.await {
            Ok(lines) => {
                let message = format!("job {} did not end within {} s", self.name(), self.job.max_duration.as_secs());
                Failure::permanent(Code::JobTimeout, message)
                    .with_hint("give the job more time (maxDuration), or make it shorter")
                    .with_last_lines(lines)
            }
            Err(failure) => failure,
        }
    }
}
