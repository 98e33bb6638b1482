//! Which environment is meant: the one that is named, else that of the file, else that of the `slipway.yaml` right here.

use std::path::{Path, PathBuf};

use slipway_core::file::EnvironmentFile;
use slipway_core::model::{Environment, Name};

use crate::output::Output;
use crate::stop::{Exit, Stop};
use crate::{environment_file, problems};

/// The file that is looked for.
pub(crate) const FILE_NAME: &str = "slipway.yaml";

/// An environment by its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    project: Name,
    environment: Name,
}

impl Selection {
    /// Reads `project/environment`, or `environment` of the project `default`.
    pub(crate) fn parse(text: &str) -> Result<Self, Stop> {
        let (project, environment) = text.split_once('/').unwrap_or(("default", text));
        let name = |text: &str| {
            Name::new(text).map_err(|error| {
                Stop::new(Exit::Refused, error.to_string()).with_hint("an environment is named `project/environment`")
            })
        };
        Ok(Self { project: name(project)?, environment: name(environment)? })
    }

    /// The environment of a file.
    pub(crate) fn of_file(file: &EnvironmentFile) -> Self {
        Self { project: file.project.clone(), environment: file.name.clone() }
    }

    /// The named one, else that of an environment that was read already.
    pub(crate) fn named_or(named: Option<&str>, environment: &Environment) -> Result<Self, Stop> {
        let of_environment = || Self { project: environment.project.clone(), environment: environment.name.clone() };
        named.map_or_else(|| Ok(of_environment()), Self::parse)
    }

    /// The named one, else that of the file in the working directory.
    pub(crate) fn find(named: Option<&str>) -> Result<Self, Stop> {
        if let Some(text) = named {
            return Self::parse(text);
        }
        let path = PathBuf::from(FILE_NAME);
        if !path.exists() {
            return Err(Stop::new(Exit::Refused, format!("no environment is named, and there is no {FILE_NAME} here"))
                .with_hint("name it with `--environment project/environment`, or make a file with `slipway init`"));
        }
        Self::of_path(&path)
    }

    fn of_path(path: &Path) -> Result<Self, Stop> {
        let text = environment_file::read(path)?;
        let shown = path.display().to_string();
        let file = environment_file::parse(&text).map_err(|found| problems::refuse(&shown, &text, &found, Output::Text))?;
        Ok(Self::of_file(&file))
    }

    /// Its project.
    pub(crate) fn project(&self) -> &Name {
        &self.project
    }

    /// Its own name.
    pub(crate) fn name(&self) -> &Name {
        &self.environment
    }

    /// Its place in the API.
    pub(crate) fn path(&self) -> String {
        format!("/environments/{}/{}", self.project, self.environment)
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.project, self.environment)
    }
}
