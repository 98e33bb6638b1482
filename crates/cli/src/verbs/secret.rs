//! `slipway secret`: gives declared secrets their values, from standard input, and tells which have one.

use clap::{Args, Subcommand};
use slipway_core::model::{Name, VariableName};
use slipway_ports::api::{SecretValue, SecretView};

use crate::context::Context;
use crate::output::{self, Output};
use crate::secret_input;
use crate::stop::{Exit, Stop};

/// Give secrets their values, and list which have one.
#[derive(Debug, Args)]
pub(crate) struct Secret {
    /// The project, whose secret serves all its environments; absent: the secret is the environment's.
    #[arg(long, global = true, value_name = "PROJECT")]
    project: Option<Name>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Set a secret to what standard input holds, less one line end.
    Set {
        /// Its name, as the file of the environment or of the project declares it.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// List the declared secrets, and which of them have a value.
    List,
}

pub(crate) async fn run(context: &Context, arguments: &Secret) -> Result<Exit, Stop> {
    let (owner, path) = if let Some(project) = &arguments.project {
        (format!("project {project}"), format!("/projects/{project}/secrets"))
    } else {
        let selection = context.selection()?;
        (selection.to_string(), format!("{}/secrets", selection.path()))
    };
    match &arguments.verb {
        Verb::Set { name } => {
            let name = VariableName::new(name.clone()).map_err(|error| Stop::new(Exit::Refused, error.to_string()))?;
            let value = secret_input::read("slipway secret set NAME")?;
            context.client()?.send(reqwest::Method::PUT, &format!("{path}/{name}"), &SecretValue { value }).await?;
            output::tell(format!("{name} of {owner} is set; the next deployment uses it"));
        }
        Verb::List => {
            let secrets: Vec<SecretView> = context.client()?.get(&path).await?;
            match context.output {
                Output::Json => output::json(&secrets)?,
                Output::Text if secrets.is_empty() => output::tell(format!("{owner} declares no secret")),
                Output::Text => {
                    let row = |secret: SecretView| vec![secret.name, if secret.set { "set" } else { "no value" }.to_owned()];
                    output::table(&["SECRET", "VALUE"], &secrets.into_iter().map(row).collect::<Vec<_>>())?;
                }
            }
        }
    }
    Ok(Exit::Done)
}
