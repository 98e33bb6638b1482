//! `slipway deploy`: brings an environment up, and follows it to the end.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use slipway_ports::api::{DeploymentView, EnvironmentView, State};

use crate::context::Context;
use crate::follow;
use crate::output::{self, Output};
use crate::reporters::{self, Progress};
use crate::selection::Selection;
use crate::stop::{Exit, Stop};
use crate::verbs::apply;

/// Deploy an environment and follow it to its end.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// Apply this environment file first.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// With `--file`: remove the services that the file leaves out.
    #[arg(long, requires = "file")]
    prune: bool,
    /// Return as soon as the deployment is accepted.
    #[arg(long, short)]
    detach: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Deploy) -> Result<Exit, Stop> {
    let selection = match &arguments.file {
        Some(path) => {
            let applied = apply::apply(context, path, arguments.prune).await?;
            applied.changes.iter().for_each(output::tell);
            Selection::parse(&format!("{}/{}", applied.project, applied.name))?
        }
        None => context.selection()?,
    };
    let client = context.client()?;
    let view: DeploymentView = client.post(&format!("{}/deployments", selection.path()), &json!({})).await?;
    if arguments.detach {
        let number = view.head.number;
        match context.output {
            Output::Json => output::json(&view)?,
            Output::Text => output::line(&view.head.id)?,
        }
        output::tell(format!("deployment {number} of {selection} is {}; `slipway status` shows it", view.head.state.as_str()));
        return Ok(Exit::Done);
    }
    let mut reporter = reporters::reporter(context.progress);
    let run = follow::follow(&context.home, view, reporter.as_mut()).await?;
    if context.output == Output::Json && context.progress != Progress::Json {
        output::json(&run.view)?;
    }
    if run.view.head.state == State::Succeeded && context.output == Output::Text {
        // Where it is reached; the deployment is done even if this cannot be told.
        if let Ok(environment) = client.get::<EnvironmentView>(&selection.path()).await {
            for service in environment.services.iter().filter(|service| !service.urls.is_empty()) {
                output::tell(format!("{}: {}", service.name, service.urls.join(" ")));
            }
        }
    }
    Ok(Exit::of_deployment(&run.view))
}
