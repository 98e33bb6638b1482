//! `slipway clone`: makes an environment after another one.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use slipway_core::model::{EnvironmentMode, Name};
use slipway_core::plan::Action;
use slipway_ports::api::{CloneBody, ClonedView, DeployBody};

use crate::act::{self, Chosen};
use crate::cloned;
use crate::context::Context;
use crate::selection::Selection;
use crate::stop::{Exit, Stop};

const AFTER_HELP: &str = "\
The clone has the stages, settings, variables, declared secrets and services of the environment, and the same images: what does not \
differ is not built again. It has no data, no host names of its own, and new passwords of databases.

  slipway clone review --environment shop/staging --with-secrets --deploy
  slipway clone staging --environment shop/live --to-project mall --service db --service api";

/// The modes that somebody may ask for; one for a pull request is not made by hand.
const MODES: [EnvironmentMode; 3] = [EnvironmentMode::Production, EnvironmentMode::Staging, EnvironmentMode::Development];

/// Make an environment after another one.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Clone {
    /// The name of the clone.
    #[arg(value_name = "NAME")]
    name: Name,
    /// The project of the clone; absent: the same.
    #[arg(long, value_name = "PROJECT")]
    to_project: Option<Name>,
    /// Where the clone runs; absent: where the environment does.
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// What the clone is for; absent: the same.
    #[arg(long, value_name = "MODE", value_parser = PossibleValuesParser::new(MODES.map(EnvironmentMode::as_str)).try_map(mode))]
    mode: Option<EnvironmentMode>,
    /// Only this service. May be given several times.
    #[arg(long = "service", short, value_name = "SERVICE")]
    services: Vec<Name>,
    /// Copy the values of the secrets too; they are shown nowhere.
    #[arg(long)]
    with_secrets: bool,
    /// Deploy the clone, and follow that to its end.
    #[arg(long)]
    deploy: bool,
    #[command(flatten)]
    chosen: Chosen,
}

fn mode(text: String) -> Result<EnvironmentMode, String> {
    MODES.into_iter().find(|mode| mode.as_str() == text).ok_or(text)
}

pub(crate) async fn run(context: &Context, arguments: &Clone) -> Result<Exit, Stop> {
    let selection = context.selection()?;
    let body = CloneBody {
        name: arguments.name.clone(),
        project: arguments.to_project.clone(),
        target: arguments.target.clone(),
        mode: arguments.mode,
        services: Some(arguments.services.clone()).filter(|services| !services.is_empty()),
        with_secrets: arguments.with_secrets,
    };
    let made: ClonedView = context.client()?.post(&format!("{}/clone", selection.path()), &body).await?;
    let clone = Selection::parse(&format!("{}/{}", made.project, made.name))?;
    let services: Vec<&str> = made.services.iter().map(|service| service.name.as_str()).collect();
    let services = if services.is_empty() { "no service".to_owned() } else { services.join(", ") };
    cloned::show(context, &made, &format!("{clone} is a clone of {selection}, with {services}"))?;
    if !arguments.deploy {
        cloned::tell_next(&made);
        return Ok(Exit::Done);
    }
    let body = DeployBody { action: Some(Action::Deploy), ..DeployBody::default() };
    Ok(act::act(context, &clone, &body, &arguments.chosen).await?.exit())
}
