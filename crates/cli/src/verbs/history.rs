//! `slipway history`: the deployments of an environment, newest first.

use clap::Args;
use slipway_ports::api::DeploymentPage;

use crate::context::Context;
use crate::elapsed;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// List the deployments of an environment, newest first.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// At most so many.
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

pub(crate) async fn run(context: &Context, arguments: &History) -> Result<Exit, Stop> {
    let selection = context.selection()?;
    let client = context.client()?;
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let left = arguments.limit as usize - items.len();
        let page: DeploymentPage =
            client.get(&format!("{}/deployments?limit={}{cursor}", selection.path(), left.min(100))).await?;
        items.extend(page.items);
        match page.next_cursor {
            Some(next) if items.len() < arguments.limit as usize => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    if context.output == Output::Json {
        output::json(&items)?;
        return Ok(Exit::Done);
    }
    if items.is_empty() {
        output::tell(format!("{selection} was never deployed; `slipway deploy` does it"));
        return Ok(Exit::Done);
    }
    let row = |head: &slipway_ports::api::HeadView| {
        vec![
            head.number.to_string(),
            head.action.clone(),
            head.state.as_str().to_owned(),
            elapsed::between(head.accepted_at, head.finished_at),
            elapsed::age(head.accepted_at),
            head.id.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    output::table(&["NUMBER", "ACTION", "STATE", "TOOK", "AGE", "ID"], &rows)?;
    Ok(Exit::Done)
}
