//! `slipway cancel`: ends a deployment, or one service of it.

use clap::Args;
use serde_json::json;
use slipway_ports::api::{DeploymentPage, HeadView};

use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// End a deployment, or one service of it.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// Its number or id; absent: the one that runs, else the last queued one.
    #[arg(value_name = "DEPLOYMENT")]
    deployment: Option<String>,
    /// Only this service; that counts as its failure.
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// Stop a lifecycle job that is running, too; without it the job runs to its end.
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Cancel) -> Result<Exit, Stop> {
    let head = find(context, arguments.deployment.as_deref()).await?;
    let client = context.client()?;
    let body = json!({"service": arguments.service, "force": arguments.force});
    client.send(reqwest::Method::POST, &format!("/deployments/{}/cancel", head.id), &body).await?;
    let what = arguments.service.as_ref().map_or(String::new(), |service| format!("`{service}` in "));
    match context.output {
        Output::Json => output::json(&json!({"id": head.id, "number": head.number, "service": arguments.service}))?,
        Output::Text => {
            output::tell(format!("canceling {what}deployment {} of {}/{}", head.number, head.project, head.environment));
        }
    }
    Ok(Exit::Done)
}

/// A deployment by number or id; absent: the oldest that has not ended.
pub(crate) async fn find(context: &Context, named: Option<&str>) -> Result<HeadView, Stop> {
    let client = context.client()?;
    match named.map(|text| text.parse::<u64>().map_err(|_| text)) {
        Some(Err(id)) => {
            if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                return Err(Stop::new(Exit::Refused, format!("`{id}` is neither the number nor the id of a deployment"))
                    .with_hint("`slipway history` lists both"));
            }
            client.get::<slipway_ports::api::DeploymentView>(&format!("/deployments/{id}")).await.map(|view| view.head)
        }
        Some(Ok(number)) => {
            let selection = context.selection()?;
            let before = number.saturating_add(1);
            let page: DeploymentPage = client.get(&format!("{}/deployments?limit=1&cursor={before}", selection.path())).await?;
            page.items.into_iter().find(|head| head.number == number).ok_or_else(|| {
                Stop::new(Exit::NotFound, format!("{selection} has no deployment {number}"))
                    .with_hint("`slipway history` lists them")
            })
        }
        None => {
            let selection = context.selection()?;
            let page: DeploymentPage = client.get(&format!("{}/deployments?limit=100", selection.path())).await?;
            page.items
                .into_iter()
                .rev()
                .find(|head| !head.state.has_ended())
                .ok_or_else(|| Stop::new(Exit::NotFound, format!("no deployment of {selection} is queued or running")))
        }
    }
}
