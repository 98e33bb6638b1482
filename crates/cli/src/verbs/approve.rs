//! `slipway approve`: lets a deployment go on into a stage that wants approval, or not.

use clap::Args;
use slipway_ports::api::{ApprovalBody, ApprovalState, DeploymentView};

use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};
use crate::verbs::cancel;

/// Let a deployment go on into a stage that wants approval, or refuse it.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// Its number or id; absent: the one that runs.
    #[arg(value_name = "DEPLOYMENT")]
    deployment: Option<String>,
    /// The stage; absent: the one that the deployment waits for. A stage that it has not come to can be approved ahead.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Refuse: the deployment ends, canceled.
    #[arg(long)]
    refuse: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Approve) -> Result<Exit, Stop> {
    let head = cancel::find(context, arguments.deployment.as_deref()).await?;
    let body = ApprovalBody { stage: arguments.stage.clone(), approved: !arguments.refuse };
    let view: DeploymentView = context.client()?.post(&format!("/deployments/{}/approval", head.id), &body).await?;
    match context.output {
        Output::Json => output::json(&view)?,
        Output::Text => {
            let wanted = if arguments.refuse { ApprovalState::Refused } else { ApprovalState::Approved };
            let spoken = view.stages.iter().filter(|stage| stage.approval.as_ref().is_some_and(|said| said.state == wanted));
            let names: Vec<_> = spoken.map(|stage| format!("`{}`", stage.name)).collect();
            let word = if arguments.refuse { "refused" } else { "approved" };
            output::tell(format!("deployment {}: {} {word}", head.number, names.join(", ")));
        }
    }
    Ok(Exit::Done)
}
