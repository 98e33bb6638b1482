//! What runs in the world in memory: what a test says.

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};
use tokio::sync::watch;

use super::World;
use crate::{
    CancellationToken, ConnectRequest, ExecInput, ExecOutput, ExecRequest, ExecStreams, JobRequest, PodConnection,
    RunningService, RunningServices, Target, Workloads,
};

/// How many bytes a stream of a pod holds before its writer waits.
const BUFFER: usize = 4096;

impl World {
    /// From now on this runs of a service; `None`: nothing.
    pub fn runs(&self, service: &str, running: Option<RunningService>) {
        match running {
            Some(running) => self.told().running.insert(service.to_owned(), running),
            None => self.told().running.remove(service),
        };
        self.changes.send_modify(|count| *count += 1);
    }

    fn pod_of(&self, release: &str, named: Option<&str>) -> Result<String, Failure> {
        let told = self.told();
        let pods = told.running.get(release).map(|running| running.pods.as_slice()).unwrap_or_default();
        let found = pods.iter().find(|pod| named.map_or(pod.ready, |name| pod.name == name));
        let missing = || Failure::permanent(Code::PodUnavailable, format!("{release} has no such pod"));
        found.map(|pod| pod.name.clone()).ok_or_else(missing)
    }
}

#[async_trait]
impl Workloads for World {
    /// Fails as soon as a failure of `watch` is told.
    async fn watch(
        &self,
        _: &Target,
        _: &str,
        seen: watch::Sender<Option<RunningServices>>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.act("watch", cancel).await?;
        let mut changes = self.changes.subscribe();
        loop {
            let running = self.told().running.clone();
            seen.send_if_modified(|before| {
                let changed = before.as_ref() != Some(&running);
                *before = Some(running);
                changed
            });
            tokio::select! {
                () = cancel.cancelled() => return Err(Failure::canceled("the watch was canceled")),
                () = seen.closed() => return Ok(()),
                _ = changes.changed() => self.fail_if_told("watch")?,
            }
        }
    }

    /// Writes its command and whatever it reads; `exit N` ends with N.
    async fn exec(
        &self,
        _: &Target,
        request: &ExecRequest,
        mut streams: ExecStreams,
        cancel: &CancellationToken,
    ) -> Result<i32, Failure> {
        let pod = self.pod_of(&request.release, request.pod.as_deref())?;
        let command = request.command.join(" ");
        self.act(&format!("exec {pod} {command}"), cancel).await?;
        let mut written = vec![ExecOutput::Stderr(command.clone().into_bytes())];
        loop {
            for output in written.drain(..) {
                if streams.output.send(output).await.is_err() {
                    return Err(Failure::canceled("nobody reads"));
                }
            }
            match streams.input.recv().await {
                None => break,
                Some(ExecInput::Bytes(bytes)) => written.push(ExecOutput::Stdout(bytes)),
                Some(ExecInput::Resized { columns, rows }) => {
                    written.push(ExecOutput::Stdout(format!("{columns}x{rows}").into_bytes()));
                }
            }
        }
        Ok(command.strip_prefix("exit ").and_then(|code| code.parse().ok()).unwrap_or(0))
    }

    /// Sends back what it gets.
    async fn connect(&self, _: &Target, request: &ConnectRequest) -> Result<PodConnection, Failure> {
        let pod = self.pod_of(&request.release, request.pod.as_deref())?;
        self.act_now(&format!("connect {pod} {}", request.port)).await?;
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(theirs);
            // A client that has gone is the end of it.
            let _ = tokio::io::copy(&mut read, &mut write).await;
        });
        Ok(PodConnection { pod, stream: Box::new(ours) })
    }

    async fn run_job(&self, _: &Target, request: &JobRequest) -> Result<String, Failure> {
        self.act_now(&format!("run job {}", request.release)).await?;
        Ok(format!("{}-{}", request.release, request.token))
    }
}
