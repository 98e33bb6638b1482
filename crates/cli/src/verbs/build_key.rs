//! `slipway build-key`: the image key of a service, and everything that it depends on.

use std::path::PathBuf;

use clap::Args;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::image_key::BuildKey as Key;
use slipway_server::{BuildKeyError, BuildKeyStop};

use crate::context::Context;
use crate::output::{self, Output};
use crate::project_file::ProjectFile;
use crate::stop::{Exit, Stop};
use crate::{environment_file, problems, selection};

/// Show the image key of a service, and everything that it depends on.
///
/// It is the key under which a first deployment of the file would look for the image, and build it if it is missing. The repository is
/// fetched into a temporary folder; no server, registry or cluster is asked.
#[derive(Debug, Args)]
pub(crate) struct BuildKey {
    /// The environment file; `-` is standard input.
    #[arg(long, short, value_name = "FILE", default_value = selection::FILE_NAME)]
    file: PathBuf,
    #[command(flatten)]
    project: ProjectFile,
    /// The service whose image it is.
    #[arg(long, value_name = "SERVICE")]
    service: String,
    /// Read repositories with `file://` URLs, from this machine's disk.
    #[arg(long)]
    allow_file_urls: bool,
}

pub(crate) async fn run(context: &Context, arguments: &BuildKey) -> Result<Exit, Stop> {
    let text = environment_file::read(&arguments.file)?;
    let shown = arguments.file.display().to_string();
    let environment = environment_file::environment_with(&text, arguments.project.read(context)?, arguments.allow_file_urls)
        .map_err(|found| problems::refuse(&shown, &text, &found, context.output))?;
    // Dropped at Ctrl-C, so that git ends and the temporary folder goes.
    let key = tokio::select! {
        key = slipway_server::build_key(&environment, &arguments.service, arguments.allow_file_urls) => key.map_err(stop)?,
        _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
    };
    match context.output {
        Output::Json => output::json(&key)?,
        Output::Text => print(&key)?,
    }
    Ok(Exit::Done)
}

fn print(key: &Key) -> Result<(), Stop> {
    output::line(&key.key)?;
    output::line(format!("of commit {}", key.commit))?;
    let rows: Vec<_> = key.inputs.iter().map(|input| vec![input.name.clone(), one_line(&input.value)]).collect();
    output::table(&["INPUT", "VALUE"], &rows)
}

/// A value as one line of a table; what it is exactly is in the JSON.
fn one_line(value: &str) -> String {
    if value.is_empty() { "-".to_owned() } else { value.escape_debug().to_string() }
}

fn stop(error: BuildKeyStop) -> Stop {
    let message = error.to_string();
    let (exit, hint) = match error {
        BuildKeyStop::Key(BuildKeyError::Failure(failure)) => return of_failure(failure),
        BuildKeyStop::Key(BuildKeyError::NoService { .. }) => (Exit::NotFound, "name one of them with `--service`"),
        BuildKeyStop::Key(BuildKeyError::NotBuilt(_)) => (Exit::Refused, "name an application, or a job that is built from git"),
        BuildKeyStop::Key(BuildKeyError::NeedsServer { .. }) => {
            (Exit::Refused, "give the argument another value, or ask the server with `slipway plan`")
        }
        BuildKeyStop::Disk(_) => (Exit::Internal, "free space, or set TMPDIR to a folder that can be written"),
    };
    Stop::new(exit, message).with_hint(hint)
}

fn of_failure(failure: Failure) -> Stop {
    let exit = match (failure.kind, failure.code) {
        (_, Code::Internal) => Exit::Internal,
        (FailureKind::Canceled, _) => Exit::Canceled,
        (FailureKind::Retry, _) | (_, Code::RepositoryUnreachable | Code::RepositoryUnauthorized) => Exit::Unreachable,
        (_, Code::RevisionNotFound | Code::ContextNotFound | Code::DockerfileNotFound) => Exit::NotFound,
        (FailureKind::Permanent, _) => Exit::Refused,
    };
    Stop { hint: failure.hint, code: Some(failure.code.to_string()), ..Stop::new(exit, failure.message) }
}
