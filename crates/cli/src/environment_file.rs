//! Reading and checking an environment file without a server.

use std::path::Path;

use slipway_core::file::{self, EnvironmentFile, Outer, Problem};
use slipway_core::model::{Environment, FromProject};
use slipway_ports::api::FileProblem;

use crate::stop::{Exit, Stop};

/// More is no environment file.
const MOST_BYTES: u64 = 1 << 20;

/// The text of a file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<String, Stop> {
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).map_err(|error| Stop::file(path, "read", &error));
    }
    let size = std::fs::metadata(path).map_err(|error| Stop::file(path, "read", &error))?.len();
    if size > MOST_BYTES {
        return Err(Stop::new(Exit::Refused, format!("{} has {size} bytes; a file has at most {MOST_BYTES}", path.display())));
    }
    std::fs::read_to_string(path).map_err(|error| Stop::file(path, "read", &error))
}

/// The file, or all of its problems. Whether `file://` URLs are taken, and what the project gives, is for the server to say.
pub(crate) fn parse(text: &str) -> Result<EnvironmentFile, Vec<FileProblem>> {
    file::parse_in(text, &file::ParseOptions { allow_file_urls: true, is_first: false }, Outer::Unknown).map_err(views)
}

/// The environment that the file makes out of nothing, or all of its problems.
pub(crate) fn environment(text: &str, from_project: FromProject) -> Result<Environment, Vec<FileProblem>> {
    environment_with(text, from_project, true)
}

/// The same for who reads the repositories, with `file://` URLs or without.
pub(crate) fn environment_with(
    text: &str,
    from_project: FromProject,
    allow_file_urls: bool,
) -> Result<Environment, Vec<FileProblem>> {
    let options = file::ParseOptions { allow_file_urls, is_first: true };
    let file = file::parse_in(text, &options, Outer::Known(&from_project)).map_err(views)?;
    let applied = file::apply(None, &file, file::ApplyOptions::default()).map_err(views)?;
    Ok(Environment { from_project, ..applied.environment })
}

/// Problems as the API writes them.
pub(crate) fn views(problems: Vec<Problem>) -> Vec<FileProblem> {
    let view = |problem: Problem| FileProblem {
        line: problem.line,
        column: problem.column,
        path: problem.path,
        message: problem.message,
    };
    problems.into_iter().map(view).collect()
}
