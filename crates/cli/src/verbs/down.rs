//! `slipway down`: stops the server, never the workloads.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::context::Context;
use crate::output;
use crate::stop::{Exit, Stop};

/// How long a server may take to put its things away.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(context: &Context) -> Result<Exit, Stop> {
    if !context.home.is_owned()? {
        output::tell("no server runs; nothing to stop");
        return Ok(Exit::Done);
    }
    let record = context.home.record()?;
    context.client()?.send(reqwest::Method::POST, "/shutdown", &json!({})).await?;
    let since = Instant::now();
    // The server frees its home as the last thing.
    while context.home.is_owned()? {
        if since.elapsed() > PATIENCE {
            let pid = record.map_or(String::new(), |record| format!(" (process {})", record.pid));
            return Err(Stop::new(Exit::Internal, format!("the server{pid} has not stopped within {} s", PATIENCE.as_secs()))
                .with_hint(format!("its log is {}", context.home.log().display())));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    output::tell("the server has stopped; what it deployed runs on, and what was being deployed goes on with `slipway up`");
    Ok(Exit::Done)
}
