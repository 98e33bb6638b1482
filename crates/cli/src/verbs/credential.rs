//! `slipway credential`: what a project reads private repositories and registries with.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Method;
use slipway_core::model::{GitPlace, GitScheme, Name};
use slipway_ports::api::{CredentialView, NewCredential};

use crate::context::Context;
use crate::output::{self, Output};
use crate::secret_input;
use crate::stop::{Exit, Stop};

/// Set, list and remove what private repositories and registries are read with.
#[derive(Debug, Args)]
pub(crate) struct Credential {
    /// The project; absent: that of the environment.
    #[arg(long, global = true, value_name = "PROJECT")]
    project: Option<Name>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Set(Set),
    /// List the credentials, without what is secret in them.
    List,
    /// Forget a credential.
    Remove {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: Name,
    },
}

/// Set a credential: the token, password or private key that standard input holds.
///
/// It is sent to the place that it is for, and to no other. Services of the project use the one whose place is closest to their
/// repository or image, unless `credential` names one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  printf %s \"$TOKEN\" | slipway credential set github --git https://github.com/acme
  slipway credential set deploy-key --git ssh://git@github.com < ~/.ssh/deploy-key
  printf %s \"$PASSWORD\" | slipway credential set ghcr --registry ghcr.io --user acme")]
struct Set {
    /// Its name, as `credential` in an environment file has it.
    #[arg(value_name = "NAME")]
    name: Name,
    #[command(flatten)]
    place: Place,
    /// The user; absent for a git host over HTTPS: `x-access-token`.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The keys that an SSH host may prove itself with, as `ssh-keyscan` writes them; absent: the first that it shows is remembered.
    #[arg(long, value_name = "FILE", requires = "git")]
    host_keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// A git host, or a part of it: `https://github.com/acme`, `ssh://git@github.com`.
    #[arg(long, value_name = "URL")]
    git: Option<String>,
    /// A registry, or a part of it: `ghcr.io`, `docker.io/acme`.
    #[arg(long, value_name = "HOST")]
    registry: Option<String>,
}

pub(crate) async fn run(context: &Context, arguments: &Credential) -> Result<Exit, Stop> {
    let project = if let Some(project) = &arguments.project {
        project.clone()
    } else {
        let selection = context.selection();
        selection.map_err(|stop| stop.with_hint("name the project with `--project NAME`"))?.project().clone()
    };
    let place = format!("/projects/{project}/credentials");
    match &arguments.verb {
        Verb::Set(set) => {
            let new = new(set)?;
            let view: CredentialView = context.client()?.change(Method::PUT, &format!("{place}/{}", set.name), &new).await?;
            match context.output {
                Output::Json => output::json(&view)?,
                Output::Text => output::tell(format!(
                    "credential {} of project {project} is set, for {} {}; the next deployment uses it",
                    view.name, view.kind, view.place
                )),
            }
        }
        Verb::List => {
            let credentials: Vec<CredentialView> = context.client()?.list(&place).await?;
            match context.output {
                Output::Json => output::json(&credentials)?,
                Output::Text if credentials.is_empty() => {
                    output::tell(format!("project {project} has no credential; `slipway credential set` sets one"));
                }
                Output::Text => list(credentials)?,
            }
        }
        Verb::Remove { name } => {
            context.client()?.send(Method::DELETE, &format!("{place}/{name}"), &()).await?;
            output::tell(format!("credential {name} of project {project} is forgotten"));
        }
    }
    Ok(Exit::Done)
}

fn new(set: &Set) -> Result<NewCredential, Stop> {
    // Checked before anybody types a secret; the server checks again.
    let git = set.place.git.as_deref().map(GitPlace::parse).transpose();
    let git = git.map_err(|error| Stop::new(Exit::Refused, error.to_string()))?;
    let is_ssh = git.is_some_and(|place| place.scheme() == GitScheme::Ssh);
    let host_keys =
        set.host_keys.as_ref().map(|path| std::fs::read_to_string(path).map_err(|error| Stop::file(path, "read", &error)));
    let mut new = NewCredential {
        git: set.place.git.clone(),
        registry: set.place.registry.clone(),
        user: set.user.clone(),
        host_keys: host_keys.transpose()?,
        ..NewCredential::default()
    };
    let secret = secret_input::read(&format!("slipway credential set {} …", set.name))?;
    if is_ssh {
        new.private_key = Some(secret);
    } else {
        new.password = Some(secret);
    }
    Ok(new)
}

fn list(credentials: Vec<CredentialView>) -> Result<(), Stop> {
    let row = |credential: CredentialView| {
        vec![credential.name, credential.kind, credential.place, credential.login, credential.user.unwrap_or_default()]
    };
    let rows: Vec<Vec<String>> = credentials.into_iter().map(row).collect();
    output::table(&["NAME", "KIND", "PLACE", "LOGIN", "USER"], &rows)
}
