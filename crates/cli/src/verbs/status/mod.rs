//! `slipway status`: the environments, or one of them: what is deployed, and what runs of it.

mod next_run;
mod running;
mod watch;

use clap::Args;
use slipway_core::running::RunningStatus;
use slipway_ports::api::{DeploymentView, EnvironmentView, RunningServiceView, RunningView, ServiceView};

use crate::context::Context;
use crate::elapsed;
use crate::output::{self, Output};
use crate::selection::Selection;
use crate::stop::{Exit, Stop};

/// Show the environments, or one of them: what is deployed, and what runs of it.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// `project/environment`; absent: that of `--environment` or of the `slipway.yaml` here, else all.
    #[arg(value_name = "ENVIRONMENT")]
    environment: Option<String>,
    /// Show what runs of one environment, live, until Ctrl-C. With `--output json`, one object a line.
    #[arg(long, short)]
    watch: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Status) -> Result<Exit, Stop> {
    let client = context.client()?;
    let selection = match &arguments.environment {
        Some(text) => Some(Selection::parse(text)?),
        None if context.names_environment() => Some(context.selection()?),
        None => None,
    };
    if arguments.watch {
        return match selection {
            Some(selection) => watch::watch(context, &selection).await,
            None => Err(Stop::new(Exit::Refused, "nothing says which environment to watch")
                .with_hint("name one: `slipway status --watch PROJECT/NAME`")),
        };
    }
    let Some(selection) = selection else {
        let environments: Vec<EnvironmentView> = client.list("/environments").await?;
        return all(context, &environments).map(|()| Exit::Done);
    };
    let environment: EnvironmentView = client.get(&selection.path()).await?;
    let deployment: Option<DeploymentView> = match &environment.last_deployment {
        Some(head) => Some(client.get(&format!("/deployments/{}", head.id)).await?),
        None => None,
    };
    // Of what was never deployed nothing runs. What can not be found out hides nothing else.
    let running = match &deployment {
        Some(_) => Some(client.get::<RunningView>(&format!("{}/running", selection.path())).await),
        None => None,
    };
    match context.output {
        Output::Json => {
            let (view, problem) = match &running {
                Some(Ok(view)) => (Some(view), None),
                Some(Err(stop)) => (None, Some(serde_json::json!({"code": stop.code, "message": stop.message}))),
                None => (None, None),
            };
            output::json(&serde_json::json!({
                "environment": environment, "deployment": deployment, "running": view, "runningProblem": problem
            }))?;
        }
        Output::Text => {
            one(&environment, deployment.as_ref(), running.as_ref().and_then(|running| running.as_ref().ok()))?;
            if let Some(Err(stop)) = &running {
                output::tell(format!("what runs is not known: {stop}"));
            }
        }
    }
    Ok(Exit::Done)
}

fn all(context: &Context, environments: &[EnvironmentView]) -> Result<(), Stop> {
    if context.output == Output::Json {
        return output::json(&environments);
    }
    if environments.is_empty() {
        output::tell("no environment yet; `slipway init` writes a file to begin with");
        return Ok(());
    }
    let row = |environment: &EnvironmentView| {
        let last = environment.last_deployment.as_ref();
        vec![
            format!("{}/{}", environment.project, environment.name),
            environment.mode.clone(),
            environment.services.len().to_string(),
            last.map_or("never deployed".to_owned(), |head| format!("{} {}", head.number, head.state.as_str())),
            last.map_or(String::new(), |head| elapsed::age(head.accepted_at)),
        ]
    };
    let rows: Vec<Vec<String>> = environments.iter().map(row).collect();
    output::table(&["ENVIRONMENT", "MODE", "SERVICES", "DEPLOYMENT", "AGE"], &rows)
}

fn one(environment: &EnvironmentView, deployment: Option<&DeploymentView>, running: Option<&RunningView>) -> Result<(), Stop> {
    let name = format!("{}/{}", environment.project, environment.name);
    match deployment {
        Some(view) => {
            let time = elapsed::between(view.started_at.unwrap_or(view.head.accepted_at), view.head.finished_at);
            let (number, state) = (view.head.number, view.head.state.as_str());
            let status = running.map_or(String::new(), |running| format!("{}, ", running.status));
            output::line(format!(
                "{name}: {status}deployment {number} {state}, {time}, {}",
                elapsed::age(view.head.accepted_at)
            ))?;
        }
        None => output::line(format!("{name}: never deployed; `slipway deploy` does it"))?,
    }
    if let Some(preview) = &environment.preview {
        output::line(format!("{name}: preview of {} for {}, {}", preview.of, preview.request, preview.title))?;
        if let Some(why) = &preview.over {
            output::line(format!("{name}: {why}; it is being deleted"))?;
        }
    }
    if let Some(next) = environment.next_runs.first() {
        output::line(format!("{name}: {}", next_run::next_run(next)))?;
    }
    let rows: Vec<Vec<String>> = environment
        .services
        .iter()
        .map(|service| {
            let run = deployment.and_then(|view| view.services().find(|run| run.name == service.name));
            let state = run.map_or("-", |run| run.state.as_str()).to_owned();
            let version = run.map_or("-", |run| run.version.as_str()).to_owned();
            let runs = running.and_then(|view| view.services.iter().find(|runs| runs.name == service.name));
            // What is wrong now comes before what happened then.
            let trouble = runs.filter(|runs| matches!(runs.status, RunningStatus::Error | RunningStatus::Warning));
            let reason = trouble.and_then(|runs| runs.reason.clone()).or(run.map(reason)).unwrap_or_default();
            vec![
                service.stage.clone(),
                service.name.clone(),
                service.kind.clone(),
                version,
                state,
                runs.map_or("-".to_owned(), running::status),
                reason,
                reached(&service.urls, runs),
            ]
        })
        .collect();
    output::table(&["STAGE", "SERVICE", "KIND", "VERSION", "STATE", "RUNNING", "REASON", "URL"], &rows)
}

/// Where the outside reaches a service: by its URLs, and by the addresses that the target has given it.
fn reached(urls: &[String], runs: Option<&RunningServiceView>) -> String {
    let addresses = runs.map_or(&[][..], |runs| &runs.addresses);
    urls.iter().chain(addresses).map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn reason(run: &ServiceView) -> String {
    let explanation = run.release.explanation.clone().or(run.build.as_ref().and_then(|build| build.explanation.clone()));
    run.failure().map(ToString::to_string).or(explanation).unwrap_or_default()
}
