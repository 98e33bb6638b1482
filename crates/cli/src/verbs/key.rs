//! `slipway key rotate`: a new key for what is encrypted in the server's home.

use clap::{Args, Subcommand};
use slipway_ports::api::KeyRotationView;

use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// The key that secrets are encrypted with.
#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a new key, encrypt every secret and credential with it, and forget the old key.
    Rotate,
}

pub(crate) async fn run(context: &Context, arguments: &Key) -> Result<Exit, Stop> {
    let Verb::Rotate = &arguments.verb;
    let rotated: KeyRotationView = context.client()?.post_once("/key:rotate", &()).await?;
    match context.output {
        Output::Json => output::json(&rotated)?,
        Output::Text => output::tell(format!(
            "the key is new: {} secrets, {} credentials and {} Secrets of the target local are encrypted with it; \
             a backup of the database needs the key file of its time",
            rotated.secrets, rotated.credentials, rotated.local_secrets
        )),
    }
    Ok(Exit::Done)
}
