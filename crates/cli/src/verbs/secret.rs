//! `slipway secret set`: gives a declared secret its value, from standard input.

use clap::{Args, Subcommand};
use slipway_core::model::VariableName;
use slipway_ports::api::SecretValue;

use crate::context::Context;
use crate::output;
use crate::secret_input;
use crate::stop::{Exit, Stop};

/// Give secrets their values.
#[derive(Debug, Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Set a secret to what standard input holds, less one line end.
    Set {
        /// Its name, as the environment file declares it.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

pub(crate) async fn run(context: &Context, arguments: &Secret) -> Result<Exit, Stop> {
    let Verb::Set { name } = &arguments.verb;
    let name = VariableName::new(name.clone()).map_err(|error| Stop::new(Exit::Refused, error.to_string()))?;
    let selection = context.selection()?;
    let value = secret_input::read("slipway secret set NAME")?;
    let path = format!("{}/secrets/{name}", selection.path());
    context.client()?.send(reqwest::Method::PUT, &path, &SecretValue { value }).await?;
    output::tell(format!("{name} of {selection} is set; the next deployment uses it"));
    Ok(Exit::Done)
}
