//! The file of a project, for the verbs that ask no server what a project gives.

use std::path::PathBuf;

use clap::Args;
use slipway_core::file;
use slipway_core::model::FromProject;

use crate::context::Context;
use crate::stop::Stop;
use crate::{environment_file, problems};

/// Where what the project gives is read from.
#[derive(Debug, Args)]
pub(crate) struct ProjectFile {
    /// The file of the project, if the environment takes from its variables or secrets.
    #[arg(long, value_name = "FILE")]
    project_file: Option<PathBuf>,
}

impl ProjectFile {
    /// What the project gives; nothing without a file.
    pub(crate) fn read(&self, context: &Context) -> Result<FromProject, Stop> {
        let Some(path) = &self.project_file else { return Ok(FromProject::default()) };
        let text = environment_file::read(path)?;
        let refuse =
            |found| problems::refuse(&path.display().to_string(), &text, &environment_file::views(found), context.output);
        file::parse_project(&text).map(|project| project.gives).map_err(refuse)
    }
}
