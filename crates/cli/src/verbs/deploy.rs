//! `slipway deploy`: brings an environment up, and follows it to the end.

use std::path::PathBuf;

use clap::Args;
use slipway_core::plan::Action;
use slipway_ports::api::{DeployBody, EnvironmentView, State};

use crate::act::{self, Chosen};
use crate::context::Context;
use crate::output::{self, Output};
use crate::selection::Selection;
use crate::stop::{Exit, Stop};
use crate::verbs::apply;

/// Deploy an environment, or some of its services, and follow it to the end.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// Apply this environment file first.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// With `--file`: remove the services that the file leaves out. Their releases go with this deployment, their volumes stay.
    #[arg(long, requires = "file")]
    prune: bool,
    /// Remove the volumes of services that are not in the environment any more, too.
    #[arg(long)]
    delete_volumes: bool,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    chosen: Chosen,
}

/// What `deploy` and `plan` have in common.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Only this service, in this version if one is named: a commit, tag or branch, the tag or digest of an image. May be given several
    /// times. The version holds for this deployment alone.
    #[arg(long = "service", short, value_name = "NAME[@VERSION]")]
    services: Vec<act::ServiceVersion>,
    /// Keep the versions that are deployed; only the configuration is new.
    #[arg(long)]
    current: bool,
    /// Build the images even if the registry holds them.
    #[arg(long)]
    rebuild: bool,
}

impl Options {
    /// The request that they make.
    pub(crate) fn body(&self) -> DeployBody {
        DeployBody {
            services: act::selections(&self.services),
            current: self.current,
            rebuild: self.rebuild,
            ..DeployBody::default()
        }
    }
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
    let body = DeployBody { action: Some(Action::Deploy), delete_volumes: arguments.delete_volumes, ..arguments.options.body() };
    let done = act::act(context, &selection, &body, &arguments.chosen).await?;
    if done.state() == Some(State::Succeeded) && context.output == Output::Text {
        // Where it is reached; the deployment is done even if this cannot be told.
        if let Ok(environment) = context.client()?.get::<EnvironmentView>(&selection.path()).await {
            for service in environment.services.iter().filter(|service| !service.urls.is_empty()) {
                output::tell(format!("{}: {}", service.name, service.urls.join(" ")));
            }
        }
    }
    Ok(done.exit())
}
