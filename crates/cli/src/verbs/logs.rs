//! `slipway logs`: lines of a deployment, or of the pods of a service.

use clap::Args;
use jiff::Timestamp;
use slipway_core::model::Name;
use slipway_ports::api::{DeploymentPage, HeadView, LogLineView, LogPage};

use crate::client::encoded;
use crate::context::Context;
use crate::follow::{self, Update};
use crate::output::{self, Output};
use crate::paint::Paint;
use crate::pod_lines::{self, Wanted};
use crate::stop::{Exit, Stop};
use crate::verbs::cancel;

/// Show the lines of a service's pods, or of a deployment.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Of this service; absent: the log of the newest deployment.
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
    /// Go on with new lines.
    #[arg(long, short)]
    follow: bool,
    /// The lines of its build instead of its pods'.
    #[arg(long)]
    build: bool,
    /// The lines of this deployment, by number or id, instead of its pods'.
    #[arg(long, value_name = "DEPLOYMENT")]
    deployment: Option<String>,
    /// Of a build or deployment: only lines that hold this text, each with its number. Plain text; a to z match A to Z.
    #[arg(long, value_name = "TEXT", conflicts_with = "follow")]
    search: Option<String>,
    /// Of pods: so many last lines of each container.
    #[arg(long, value_name = "COUNT")]
    tail: Option<u32>,
    /// Of pods: only lines since then: how long ago, as `10m`, or a time, as `2026-01-31T08:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = pod_lines::since)]
    since: Option<Timestamp>,
    /// Of pods: only those of this one.
    #[arg(long, value_name = "POD")]
    pod: Option<String>,
    /// Of pods: those of the run before, of containers that were restarted.
    #[arg(long, short, conflicts_with = "follow")]
    previous: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Logs) -> Result<Exit, Stop> {
    let service = arguments.service.as_deref().map(Name::new).transpose();
    let service = service.map_err(|error| Stop::new(Exit::Refused, error.to_string()))?;
    match &service {
        Some(service) if !arguments.build && arguments.deployment.is_none() => {
            if arguments.search.is_some() {
                return Err(Stop::new(Exit::Refused, "lines of pods are not kept, so they can not be searched")
                    .with_hint("add `--build` to search the log of its build, or `--deployment` for that of a deployment"));
            }
            pods(context, arguments, service).await?;
        }
        _ => {
            let head = deployment(context, arguments.deployment.as_deref()).await?;
            let wanted = |line: &LogLineView| {
                service.as_ref().is_none_or(|service| line.service == service.as_str())
                    && (!arguments.build || line.phase == "build")
            };
            if let Some(text) = &arguments.search {
                search(context, &head, text, arguments.build, service.as_ref()).await?;
            } else if arguments.follow {
                follow_deployment(context, &head, wanted).await?;
            } else {
                print_deployment(context, &head, wanted).await?;
            }
        }
    }
    Ok(Exit::Done)
}

async fn deployment(context: &Context, named: Option<&str>) -> Result<HeadView, Stop> {
    if named.is_some() {
        return cancel::find(context, named).await;
    }
    let selection = context.selection()?;
    let page: DeploymentPage = context.client()?.get(&format!("{}/deployments?limit=1", selection.path())).await?;
    page.items.into_iter().next().ok_or_else(|| Stop::new(Exit::NotFound, format!("{selection} was never deployed")))
}

async fn print_deployment(context: &Context, head: &HeadView, wanted: impl Fn(&LogLineView) -> bool) -> Result<(), Stop> {
    let client = context.client()?;
    let mut cursor = String::new();
    loop {
        let page: LogPage = client.get(&format!("/deployments/{}/logs?limit=1000{cursor}", head.id)).await?;
        page.items.iter().filter(|line| wanted(line)).try_for_each(|line| print(context, line))?;
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(()),
        }
    }
}

/// The lines that hold a text, by the server's search.
async fn search(context: &Context, head: &HeadView, text: &str, build: bool, service: Option<&Name>) -> Result<(), Stop> {
    let client = context.client()?;
    let mut fixed = format!("/deployments/{}/logs?limit=1000&search={}", head.id, encoded(text));
    fixed.extend(service.map(|service| format!("&service={service}")));
    fixed.push_str(if build { "&phase=build" } else { "" });
    let paint = Paint::of(&std::io::stdout());
    let mut cursor = String::new();
    loop {
        let page: LogPage = client.get(&format!("{fixed}{cursor}")).await?;
        for line in &page.items {
            match context.output {
                Output::Json => output::line(serde_json::json!(line))?,
                Output::Text => {
                    let place = paint.dim(format!("{} {} {} |", line.number, line.service, line.phase));
                    output::line(format!("{place} {}", line.text))?;
                }
            }
        }
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(()),
        }
    }
}

async fn follow_deployment(context: &Context, head: &HeadView, wanted: impl Fn(&LogLineView) -> bool) -> Result<(), Stop> {
    let mut updates = follow::updates_of(&context.home, &head.id);
    while let Some(update) = updates.recv().await {
        match update? {
            Update::Log(line) if wanted(&line) => print(context, &line)?,
            Update::Lost => output::tell("the server does not answer; waiting for it up to a minute"),
            Update::Found => output::tell("the server answers again"),
            Update::Log(_) | Update::Deployment(_) | Update::Service(_) => {}
        }
    }
    Ok(())
}

fn print(context: &Context, line: &LogLineView) -> Result<(), Stop> {
    if context.output == Output::Json {
        return output::line(serde_json::json!(line));
    }
    let paint = Paint::of(&std::io::stdout());
    output::line(format!("{} {}", paint.dim(format!("{} {} |", line.service, line.phase)), line.text))
}

async fn pods(context: &Context, arguments: &Logs, service: &Name) -> Result<(), Stop> {
    let wanted = Wanted {
        path: format!("{}/services/{service}/logs", context.selection()?.path()),
        follow: arguments.follow,
        tail: arguments.tail,
        since: arguments.since,
        pod: arguments.pod.clone(),
        previous: arguments.previous,
    };
    pod_lines::print(&context.home, context.output, &wanted).await
}
