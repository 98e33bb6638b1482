//! `slipway apply`: makes the server's environment what the file says.

use std::path::{Path, PathBuf};

use clap::Args;
use slipway_ports::api::AppliedView;

use crate::context::Context;
use crate::output::{self, Output};
use crate::selection::{self, Selection};
use crate::stop::{Exit, Stop};
use crate::{environment_file, problems};

/// Make the server's environment what the file says.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The environment file; `-` is standard input.
    #[arg(long, short, value_name = "FILE", default_value = selection::FILE_NAME)]
    file: PathBuf,
    /// Remove the services that the file leaves out; without it they are a refusal.
    #[arg(long)]
    prune: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Apply) -> Result<Exit, Stop> {
    let applied = apply(context, &arguments.file, arguments.prune).await?;
    match context.output {
        Output::Json => output::json(&applied)?,
        Output::Text => {
            if applied.changes.is_empty() {
                output::line(format!("{}/{} is as the file says: nothing changed", applied.project, applied.name))?;
            }
            applied.changes.iter().try_for_each(output::line)?;
        }
    }
    Ok(Exit::Done)
}

/// Applies a file; what is wrong with it is shown with its lines.
pub(crate) async fn apply(context: &Context, path: &Path, prune: bool) -> Result<AppliedView, Stop> {
    let text = environment_file::read(path)?;
    let shown = path.display().to_string();
    // Refused here, it is refused without a server; the server checks again what it is sent.
    environment_file::parse(&text).map_err(|found| problems::refuse(&shown, &text, &found, context.output))?;
    let answer = context.client()?.post_yaml(&format!("/environments:apply?prune={prune}"), text.clone()).await;
    answer.map_err(|stop| refused(context, &shown, &text, stop))
}

/// The environment of a file whose application would change nothing: only of that does the server's plan speak.
pub(crate) async fn check_unchanged(context: &Context, path: &Path) -> Result<Selection, Stop> {
    let text = environment_file::read(path)?;
    let shown = path.display().to_string();
    let file = environment_file::parse(&text).map_err(|found| problems::refuse(&shown, &text, &found, context.output))?;
    let answer = context.client()?.post_yaml("/environments:validate?prune=true", text.clone()).await;
    let would: AppliedView = answer.map_err(|stop| refused(context, &shown, &text, stop))?;
    if would.changes.is_empty() {
        return Ok(Selection::of_file(&file));
    }
    would.changes.iter().for_each(|change| output::tell(format!("not applied yet: {change}")));
    Err(Stop::new(Exit::Refused, format!("{shown} is not what the server has"))
        .with_hint("`slipway apply --file` first, or `slipway plan --offline --file` for the pipeline alone"))
}

fn refused(context: &Context, shown: &str, text: &str, stop: Stop) -> Stop {
    if stop.problems.is_empty() { stop } else { problems::refuse(shown, text, &stop.problems, context.output) }
}
