//! `slipway export`: the environment file of what the server has.

use clap::Args;

use crate::context::Context;
use crate::output;
use crate::stop::{Exit, Stop};

const AFTER_HELP: &str = "\
The file is what the server has: applied to nothing, it makes the same environment, with stages and services that were edited since. \
Secrets are in it by their names alone; what is as it would be without a word is left out. With `--output json` it is the same file as JSON, \
which `apply` reads too.

  slipway export --environment shop/staging > slipway.yaml";

/// Write the environment file of what the server has.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Export {}

pub(crate) async fn run(context: &Context, Export {}: &Export) -> Result<Exit, Stop> {
    let selection = context.selection()?;
    let media_type = context.output.file_media_type();
    let text = context.client()?.get_text(&format!("{}/file", selection.path()), media_type).await?;
    output::line(text.trim_end())?;
    Ok(Exit::Done)
}
