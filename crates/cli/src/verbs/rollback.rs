//! `slipway rollback`: releases again what an earlier deployment sealed.

use clap::Args;
use slipway_core::model::Name;
use slipway_core::plan::Action;
use slipway_ports::api::DeployBody;

use crate::act::{self, Chosen};
use crate::context::Context;
use crate::stop::{Exit, Stop};

/// Release again what an earlier deployment released: the same images, the same configuration.
///
/// The stored configuration stays as it is, and so do services that the earlier deployment did not have.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The number of the deployment to go back to; absent: the last one that succeeded before the newest.
    #[arg(value_name = "DEPLOYMENT")]
    deployment: Option<u64>,
    /// Only this service; may be given several times.
    #[arg(long = "service", short, value_name = "NAME")]
    services: Vec<Name>,
    /// Run its lifecycle jobs, too.
    #[arg(long)]
    run_jobs: bool,
    #[command(flatten)]
    chosen: Chosen,
}

pub(crate) async fn run(context: &Context, arguments: &Rollback) -> Result<Exit, Stop> {
    let body = DeployBody {
        action: Some(Action::Rollback),
        services: act::names(&arguments.services),
        run_jobs: arguments.run_jobs,
        back_to: arguments.deployment,
        ..DeployBody::default()
    };
    Ok(act::act(context, &context.selection()?, &body, &arguments.chosen).await?.exit())
}
