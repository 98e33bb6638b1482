//! `slipway validate`: checks an environment file without a server.

use std::path::PathBuf;

use clap::Args;

use crate::context::Context;
use crate::output::{self, Output};
use crate::project_file::ProjectFile;
use crate::stop::{Exit, Stop};
use crate::{environment_file, problems, selection};

/// Check an environment file without a server.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// The file; `-` is standard input.
    #[arg(long, short, value_name = "FILE", default_value = selection::FILE_NAME)]
    file: PathBuf,
    #[command(flatten)]
    project: ProjectFile,
}

pub(crate) fn run(context: &Context, arguments: &Validate) -> Result<Exit, Stop> {
    let text = environment_file::read(&arguments.file)?;
    let shown = arguments.file.display().to_string();
    let refuse = |found: Vec<_>| problems::refuse(&shown, &text, &found, context.output);
    let environment = environment_file::environment(&text, arguments.project.read(context)?).map_err(refuse)?;
    match context.output {
        Output::Json => output::line("[]")?,
        Output::Text => output::tell(format!(
            "{shown} is valid: {}/{}, {} services in {} stages",
            environment.project,
            environment.name,
            environment.services.len(),
            environment.pipeline.stages.len()
        )),
    }
    Ok(Exit::Done)
}
