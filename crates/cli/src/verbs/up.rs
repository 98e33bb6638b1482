//! `slipway up`: starts the server in the background, and adds the cluster that it finds; without one the Docker Engine of this machine,
//! the target `local`, is the default.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use slipway_ports::api::{TargetView, VersionView};

use crate::client::Client;
use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};
use crate::verbs::{serve::Serve, target};

/// How long a server may take until it answers: it takes over what an earlier one left.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Start the server in the background, and add the cluster of KUBECONFIG if there is one.
#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    serve: Serve,
    #[command(flatten)]
    cluster: target::Cluster,
    /// Add no cluster: environments run on the Docker Engine of this machine, the target `local`, unless another is the default already.
    #[arg(long)]
    no_cluster: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Up) -> Result<Exit, Stop> {
    // Here, where somebody sees it, and not in the log of a server that ends at once.
    arguments.serve.builder()?;
    context.home.create()?;
    let started = !is_up(context).await?;
    if started {
        let mut server = start(context, &arguments.serve)?;
        wait(context, &mut server).await?;
    }
    let client = context.client()?;
    let state = if started { "the server is up" } else { "the server is up already" };
    output::tell(format!("{state} at http://{}", client.address()));
    output::tell("the page: `slipway open`");
    let target = add_target(&client, arguments).await;
    if context.output == Output::Json {
        let target = target.as_ref().ok().and_then(Option::as_ref);
        output::json(&json!({"address": client.address(), "started": started, "target": target}))?;
    }
    match target? {
        Some(target) => {
            output::tell(target::describe(&target));
            output::tell("next: `slipway deploy --file slipway.yaml`, or `slipway init` for a file to begin with");
        }
        None => output::tell("no default target; next: `slipway target add --kubeconfig FILE --default`"),
    }
    Ok(Exit::Done)
}

async fn add_target(client: &Client, arguments: &Up) -> Result<Option<TargetView>, Stop> {
    if arguments.no_cluster || arguments.cluster.found().is_none() {
        let targets: Vec<TargetView> = client.list("/targets").await?;
        return Ok(targets.into_iter().find(|target| target.default));
    }
    target::add(client, None, &arguments.cluster, true).await.map(Some)
}

/// Starts `slipway serve` apart from this terminal: in a process group of its own, its output in the home's log.
fn start(context: &Context, serve: &Serve) -> Result<Child, Stop> {
    let path = context.home.log();
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let log = log.map_err(|error| Stop::file(&path, "written", &error))?;
    let again = log.try_clone().map_err(|error| Stop::file(&path, "written", &error))?;
    let program = std::env::current_exe().map_err(|error| Stop::new(Exit::Internal, format!("where am I? {error}")))?;
    let child = Command::new(program)
        .arg("serve")
        .args(serve.to_arguments())
        .env("SLIPWAY_HOME", context.home.root())
        // It must not hold the folder that it was started in.
        .current_dir(context.home.root())
        .stdin(Stdio::null())
        .stdout(Stdio::from(log))
        .stderr(Stdio::from(again))
        .process_group(0)
        .spawn();
    child.map_err(|error| Stop::new(Exit::Internal, format!("the server does not start: {error}")))
}

/// Whether a server owns this home and answers. One that was just killed may own it for a moment still: whoever owns it either
/// comes to answer, or goes.
async fn is_up(context: &Context) -> Result<bool, Stop> {
    let since = Instant::now();
    while context.home.is_owned()? {
        if answering(context).await.is_some() {
            return Ok(true);
        }
        patiently(context, since).await?;
    }
    Ok(false)
}

/// Waits until the server answers; one that has ended says why in its log.
async fn wait(context: &Context, server: &mut Child) -> Result<(), Stop> {
    let since = Instant::now();
    loop {
        if let Some(status) = server.try_wait().ok().flatten() {
            return Err(Stop::new(Exit::Internal, format!("the server ended at once ({status}): {}", last_words(context)))
                .with_hint(format!("its log is {}", context.home.log().display())));
        }
        // The record of an earlier server may name a port that somebody else has now.
        if answering(context).await.is_some_and(|version| version.pid == server.id()) {
            return Ok(());
        }
        patiently(context, since).await?;
    }
}

async fn answering(context: &Context) -> Option<VersionView> {
    let client = context.client().ok()?;
    client.get::<VersionView>("/version").await.ok()
}

async fn patiently(context: &Context, since: Instant) -> Result<(), Stop> {
    if since.elapsed() > PATIENCE {
        return Err(Stop::new(Exit::Unreachable, format!("the server does not answer after {} s", PATIENCE.as_secs()))
            .with_hint(format!("its log is {}", context.home.log().display())));
    }
    tokio::time::sleep(LOOK_AGAIN).await;
    Ok(())
}

fn last_words(context: &Context) -> String {
    let text = File::open(context.home.log()).and_then(std::io::read_to_string).unwrap_or_default();
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it left no word").to_owned()
}
