//! `slipway stop`: scales services to nothing, in the reverse order of the stages.

use clap::Args;
use slipway_core::model::Name;
use slipway_core::plan::Action;
use slipway_ports::api::DeployBody;

use crate::act::{self, Chosen};
use crate::context::Context;
use crate::stop::{self, Exit};

/// Stop an environment, or some of its services: no pod runs, no cron job starts, volumes stay.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Only this service; may be given several times. A skipped service has to be named.
    #[arg(long = "service", short, value_name = "NAME")]
    services: Vec<Name>,
    #[command(flatten)]
    chosen: Chosen,
}

pub(crate) async fn run(context: &Context, arguments: &Stop) -> Result<Exit, stop::Stop> {
    let body = DeployBody { action: Some(Action::Stop), services: act::names(&arguments.services), ..DeployBody::default() };
    Ok(act::act(context, &context.selection()?, &body, &arguments.chosen).await?.exit())
}
