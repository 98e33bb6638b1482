//! `slipway project`: the variables and secrets that all environments of a project share, and the rules by which they start and stop.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use slipway_core::file;
use slipway_core::model::Name;
use slipway_ports::api::{AppliedProjectView, ProjectView, SecretView};

use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};
use crate::{environment_file, problems};

/// Show projects, and the variables, secrets and rules of schedules that all their environments share.
#[derive(Debug, Args)]
#[command(after_help = "\
The file of a project is one YAML document:

  apiVersion: slipway.dev/v1
  kind: Project
  name: shop
  variables: {LOG_LEVEL: info}
  secrets: [STRIPE_KEY]
  schedules:
    - environments: preview-*
      timezone: Europe/Paris
      stop: {weekdays: [monday, tuesday, wednesday, thursday, friday], time: \"19:30\"}

  slipway project apply --file project.yaml
  printf %s \"$KEY\" | slipway secret set STRIPE_KEY --project shop")]
pub(crate) struct Project {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the projects, with their environments.
    List,
    /// Write the file of a project: what the server has.
    Export {
        /// The project.
        #[arg(value_name = "PROJECT")]
        name: Name,
    },
    /// Make a project what the file says; the next deployments use it, and its schedules count from now on.
    Apply {
        /// The file of the project; `-` is standard input.
        #[arg(long, short, value_name = "FILE")]
        file: PathBuf,
    },
}

pub(crate) async fn run(context: &Context, arguments: &Project) -> Result<Exit, Stop> {
    match &arguments.verb {
        Verb::List => list(context).await?,
        Verb::Export { name } => {
            let media_type = context.output.file_media_type();
            output::line(context.client()?.get_text(&format!("/projects/{name}/file"), media_type).await?.trim_end())?;
        }
        Verb::Apply { file } => apply(context, file).await?,
    }
    Ok(Exit::Done)
}

async fn list(context: &Context) -> Result<(), Stop> {
    let projects: Vec<ProjectView> = context.client()?.list("/projects").await?;
    match context.output {
        Output::Json => output::json(&projects),
        Output::Text if projects.is_empty() => {
            output::tell(
                "there is no project yet; `slipway apply --file slipway.yaml` makes an environment, and its project with it",
            );
            Ok(())
        }
        Output::Text => {
            let joined = |names: Vec<String>| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
            let row = |project: ProjectView| {
                let secret = |secret: &SecretView| {
                    if secret.set { secret.name.clone() } else { format!("{} (no value)", secret.name) }
                };
                let secrets = joined(project.secrets.iter().map(secret).collect());
                let rules = joined(project.schedules.into_iter().map(|rule| rule.environments).collect());
                vec![project.name, joined(project.environments), joined(project.variables), secrets, rules]
            };
            let rows: Vec<_> = projects.into_iter().map(row).collect();
            output::table(&["PROJECT", "ENVIRONMENTS", "VARIABLES", "SECRETS", "SCHEDULES"], &rows)
        }
    }
}

async fn apply(context: &Context, path: &Path) -> Result<(), Stop> {
    let text = environment_file::read(path)?;
    let shown = path.display().to_string();
    let refuse = |found: &[_]| problems::refuse(&shown, &text, found, context.output);
    // Refused here, it is refused without a server; the server checks again what it is sent.
    file::parse_project(&text).map_err(|found| refuse(&environment_file::views(found)))?;
    let answer = context.client()?.post_yaml("/projects:apply", text.clone()).await;
    let applied: AppliedProjectView =
        answer.map_err(|stop| if stop.problems.is_empty() { stop } else { refuse(&stop.problems) })?;
    match context.output {
        Output::Json => output::json(&applied),
        Output::Text if applied.changes.is_empty() => {
            output::line(format!("project {} is as the file says: nothing changed", applied.name))
        }
        Output::Text => applied.changes.iter().try_for_each(output::line),
    }
}
