//! The port `Workloads`: what runs, seen live, and ways into containers.

use bollard::container::LogOutput;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bollard::query_parameters::ResizeExecOptionsBuilder;
use futures::StreamExt as _;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{JobTrigger, ServiceKind};
use slipway_ports::{
    CancellationToken, ConnectRequest, ExecInput, ExecOutput, ExecRequest, ExecStreams, JobRequest, PodConnection,
    RunningServices, Silent, Target, Workloads, async_trait,
};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use crate::containers::Container;
use crate::engine::{failure, words};
use crate::health::{Condition, Seen};
use crate::local::LocalDocker;
use crate::record::Wanted;
use crate::text::clause;
use crate::{job, running};

#[async_trait]
impl Workloads for LocalDocker {
    async fn watch(
        &self,
        _: &Target,
        namespace: &str,
        seen: watch::Sender<Option<RunningServices>>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let (mut containers, mut records) = (self.health.changes(), self.records.changes());
        self.health.look(namespace, None).await?;
        loop {
            containers.mark_unchanged();
            records.mark_unchanged();
            if let Some(away) = self.health.away() {
                return Err(away);
            }
            let now = self.running(namespace);
            seen.send_if_modified(|before| {
                let is_new = before.as_ref() != Some(&now);
                *before = Some(now);
                is_new
            });
            tokio::select! {
                () = cancel.cancelled() => return Err(Failure::canceled("the watch was canceled")),
                () = seen.closed() => return Ok(()),
                _ = containers.changed() => {}
                _ = records.changed() => {}
            }
        }
    }

    async fn exec(
        &self,
        _: &Target,
        request: &ExecRequest,
        streams: ExecStreams,
        cancel: &CancellationToken,
    ) -> Result<i32, Failure> {
        let container = self.choose(&request.namespace, &request.release, request.pod.as_deref()).await?;
        if request.container.as_ref().is_some_and(|name| *name != container.service) {
            return Err(Failure::permanent(
                Code::PodUnavailable,
                format!("{} is one container, and has no others in it", container.name),
            ));
        }
        tokio::select! {
            ended = self.run_command(&container, request, streams) => ended,
            () = cancel.cancelled() => Err(Failure::canceled("the command was left")),
        }
    }

    async fn connect(&self, _: &Target, request: &ConnectRequest) -> Result<PodConnection, Failure> {
        let container = self.choose(&request.namespace, &request.release, request.pod.as_deref()).await?;
        let published = container.ports.get(&request.port).copied();
        let direct = container.address.map(|address| (address, request.port).into());
        let Some(address) = published.or(direct) else {
            return Err(Failure::retry(Code::PodUnavailable, format!("container {} has no address", container.name)));
        };
        let stream = TcpStream::connect(address).await.map_err(|error| {
            let message =
                format!("port {} of container {} is not reached: {}", request.port, container.name, clause(&error.to_string()));
            Failure::permanent(Code::PodUnavailable, message)
                .with_hint("on Docker Desktop only ports that are public or that a probe asks are reached")
        })?;
        Ok(PodConnection { pod: container.name, stream: Box::new(stream) })
    }

    async fn run_job(&self, _: &Target, request: &JobRequest) -> Result<String, Failure> {
        let record = self.records.get(&request.namespace, &request.release);
        let newest = record.and_then(|record| record.newest().map(|newest| newest.wanted.clone()));
        let is_cron = |wanted: &Wanted| matches!(&wanted.service.kind, ServiceKind::Job(job) if matches!(job.trigger, JobTrigger::Cron { .. }));
        let Some(wanted) = newest.filter(is_cron) else {
            let message = format!("there is no cron job `{}` in {}", request.release, request.namespace);
            return Err(Failure::permanent(Code::ReleaseFailed, message).with_hint("deploy it first"));
        };
        let wanted = Wanted { run: request.token.clone(), ..wanted };
        let name = format!("{}-{}", request.release, request.token);
        self.have_image(&request.namespace, &wanted, &CancellationToken::new()).await?;
        job::begin(self, &request.namespace, &wanted).await?;
        let (local, namespace) = (self.clone(), request.namespace.clone());
        // It comes to its end also when nobody waits for it.
        tokio::spawn(async move {
            if let Err(failure) = job::run(&local, &namespace, &wanted, &Silent, &CancellationToken::new()).await {
                tracing::info!(job = %wanted.service.name, namespace, %failure, "a run of a cron job has failed");
            }
        });
        Ok(name)
    }
}

impl LocalDocker {
    fn running(&self, namespace: &str) -> RunningServices {
        let all = self.records.all().into_iter().filter(|((found, _), _)| found == namespace);
        let of = |(_, service): (String, String), wanted: Wanted| {
            let seen = self.health.all_of_service(namespace, &service);
            (service, running::service(&wanted, &seen))
        };
        all.filter_map(|(place, record)| Some(of(place, record.newest()?.wanted.clone()))).collect()
    }

    /// The container that is named, else one that is ready, else one that runs.
    async fn choose(&self, namespace: &str, service: &str, named: Option<&str>) -> Result<Container, Failure> {
        self.health.look(namespace, Some(service)).await?;
        let seen = self.health.all_of_service(namespace, service);
        if let Some(name) = named {
            let found = seen.into_iter().find(|seen| seen.container.name == name);
            let missing = || Failure::permanent(Code::PodUnavailable, format!("`{service}` has no container {name:?}"));
            return found.map(|seen| seen.container).ok_or_else(missing);
        }
        let is_ready = |seen: &&Seen| seen.condition == Condition::Ready && seen.container.is_running();
        let found = seen.iter().find(is_ready).or_else(|| seen.iter().find(|seen| seen.container.is_running()));
        found.map(|seen| seen.container.clone()).ok_or_else(|| {
            Failure::retry(Code::PodUnavailable, format!("no container of `{service}` runs"))
                .with_hint("`slipway status` shows why")
        })
    }

    async fn run_command(&self, container: &Container, request: &ExecRequest, streams: ExecStreams) -> Result<i32, Failure> {
        let docker = self.engine.docker().await?;
        let config = ExecConfig {
            cmd: Some(request.command.clone()),
            attach_stdin: Some(request.input),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(request.terminal),
            ..ExecConfig::default()
        };
        let refused = |error: bollard::errors::Error| match crate::engine::status(&error) {
            Some(_) => Failure::permanent(
                Code::ExecFailed,
                format!("the command does not start in {}: {}", container.name, words(&error)),
            ),
            None => failure("run a command", &error),
        };
        let exec = docker.create_exec(&container.id, config).await.map_err(refused)?;
        let options = StartExecOptions { tty: request.terminal, ..StartExecOptions::default() };
        let StartExecResults::Attached { mut output, input } =
            docker.start_exec(&exec.id, Some(options)).await.map_err(refused)?
        else {
            return Err(Failure::permanent(Code::Internal, "a command was started without its output"));
        };
        let ExecStreams { input: wanted, output: told } = streams;
        let resize = |columns: u16, rows: u16| {
            let options = ResizeExecOptionsBuilder::new().w(i32::from(columns)).h(i32::from(rows)).build();
            docker.resize_exec(&exec.id, options)
        };
        let reading = async {
            while let Some(part) = output.next().await {
                let part = match part.map_err(|error| failure("show what a command says", &error))? {
                    LogOutput::StdErr { message } => ExecOutput::Stderr(message.to_vec()),
                    LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                        ExecOutput::Stdout(message.to_vec())
                    }
                };
                if told.send(part).await.is_err() {
                    return Err(Failure::canceled("nobody reads the output of the command any more"));
                }
            }
            Ok(())
        };
        let input = if request.input { Some(input) } else { None };
        tokio::select! {
            ended = reading => ended?,
            () = feed(wanted, input, request.terminal, resize) => {}
        }
        let ended = docker.inspect_exec(&exec.id).await.map_err(|error| failure("ask how a command ended", &error))?;
        match ended.exit_code {
            // What the runtime says of a program that it can not start.
            Some(code @ (126 | 127)) => Err(Failure::permanent(
                Code::ExecFailed,
                format!("the command does not start in {}: code {code}", container.name),
            )),
            Some(code) => Ok(i32::try_from(code).unwrap_or(i32::MAX)),
            None => Err(Failure::retry(Code::ClusterUnreachable, "the connection ended before the command")),
        }
    }
}

/// Sends input and sizes until the command ends; the end of the input is told to it.
async fn feed<R: Future<Output = Result<(), bollard::errors::Error>>>(
    mut wanted: mpsc::Receiver<ExecInput>,
    mut input: Option<std::pin::Pin<Box<dyn AsyncWrite + Send>>>,
    terminal: bool,
    resize: impl Fn(u16, u16) -> R,
) {
    while let Some(next) = wanted.recv().await {
        match next {
            ExecInput::Bytes(bytes) => {
                // A command that reads no more takes no more; its exit code tells how it went.
                let Some(open) = &mut input else { continue };
                if open.write_all(&bytes).await.is_err() || open.flush().await.is_err() {
                    input = None;
                }
            }
            // A command that has ended needs no size.
            ExecInput::Resized { columns, rows } if terminal => drop(resize(columns, rows).await),
            ExecInput::Resized { .. } => {}
        }
    }
    if !terminal && let Some(open) = &mut input {
        // As above: a command that has ended needs no end of its input.
        let _ = open.shutdown().await;
    }
    std::future::pending::<()>().await;
}
