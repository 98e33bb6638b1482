//! `slipway delete`: removes what is deployed.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;
use slipway_core::model::Name;
use slipway_core::plan::Action;
use slipway_ports::api::DeployBody;

use crate::act::{self, Chosen};
use crate::context::Context;
use crate::output;
use crate::selection::Selection;
use crate::stop::{Exit, Stop};

/// Remove what is deployed of an environment, or of some of its services, volumes and all.
///
/// Jobs for `delete` run first. The stages go in reverse order; after the last one the namespace is removed, if Slipway made it. What
/// is configured stays: `slipway deploy` brings it up again, with empty volumes.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Only this service; may be given several times.
    #[arg(long = "service", short, value_name = "NAME")]
    services: Vec<Name>,
    /// Do not ask whether it is meant.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    chosen: Chosen,
}

pub(crate) async fn run(context: &Context, arguments: &Delete) -> Result<Exit, Stop> {
    let selection = context.selection()?;
    if !arguments.yes {
        confirm(&selection, &arguments.services)?;
    }
    let body = DeployBody { action: Some(Action::Delete), services: act::names(&arguments.services), ..DeployBody::default() };
    Ok(act::act(context, &selection, &body, &arguments.chosen).await?.exit())
}

/// Data is lost: whoever means it types the environment's name.
fn confirm(selection: &Selection, services: &[Name]) -> Result<(), Stop> {
    let what = if services.is_empty() {
        format!("everything that is deployed of {selection}")
    } else {
        let names: Vec<_> = services.iter().map(|name| format!("`{name}`")).collect();
        format!("{} of {selection}", names.join(", "))
    };
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Stop::new(Exit::Refused, format!("this would remove {what}, with its volumes"))
            .with_hint("give `--yes` if that is meant"));
    }
    output::tell(format!("this removes {what}, with its volumes. Type {selection} to go on:"));
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if read.is_ok() && line.trim() == selection.to_string() {
        Ok(())
    } else {
        Err(Stop::new(Exit::Refused, "nothing was removed"))
    }
}
