//! `slipway restart`: starts pods anew.

use clap::Args;
use slipway_core::model::Name;
use slipway_core::plan::Action;
use slipway_ports::api::DeployBody;

use crate::act::{self, Chosen};
use crate::context::Context;
use crate::stop::{Exit, Stop};

/// Restart the pods of an environment, or of some of its services, with nothing changed.
#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// Only this service; may be given several times. A skipped service has to be named.
    #[arg(long = "service", short, value_name = "NAME")]
    services: Vec<Name>,
    #[command(flatten)]
    chosen: Chosen,
}

pub(crate) async fn run(context: &Context, arguments: &Restart) -> Result<Exit, Stop> {
    let body = DeployBody { action: Some(Action::Restart), services: act::names(&arguments.services), ..DeployBody::default() };
    Ok(act::act(context, &context.selection()?, &body, &arguments.chosen).await?.exit())
}
