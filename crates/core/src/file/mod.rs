//! The environment file: one YAML document that says how an environment is wanted. A project has one too, for the variables of all
//! its environments.
//!
//! [`parse`] reads a text and names everything that is wrong with it, each with its place; [`parse_project`] does so for a project.
//! [`apply`] makes the wanted environment out of what is there and the file; [`write()`] is the way back.
//!
//! The keys of the file are one table, from which unknown keys, [`reference()`] and [`schema()`] come.

mod apply;
mod changes;
mod environment_file;
mod form;
mod keys;
mod keys_service;
mod keys_workload;
mod notation;
mod problem;
mod project;
mod read_environment;
mod read_kind;
mod read_pipeline;
mod read_schedules;
mod read_service;
mod read_source;
mod read_variables;
mod read_workload;
mod reader;
mod reference;
mod references;
mod scalar;
mod schema;
mod table;
mod tree;
mod write;
mod written;

#[cfg(test)]
mod tests;

use crate::model::FromProject;

pub(crate) use apply::stage_of_new;
pub use apply::{Applied, ApplyOptions, apply};
pub use environment_file::{EnvironmentFile, FileService, FileStage};
pub(crate) use notation::is_host_name;
pub use notation::{is_branch, is_on_loopback, path_in_repository, web_url};
pub use problem::{Location, Problem};
pub use project::{parse_project, project_changes, project_of, write_project};
pub use reference::reference;
pub use scalar::duration;
pub use schema::schema;
pub(crate) use table::nearest;
pub use write::{Notation, write};

/// What the reader of a file may allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Whether git URLs may be `file:///…`: only where who writes the file may read the server's disk.
    pub allow_file_urls: bool,
    /// Whether the file is for an environment that there is not yet: a stage that neither the file nor the default pipeline has
    /// is then a mistake, while an environment that exists may have it.
    pub is_first: bool,
}

/// What the project of an environment gives it.
#[derive(Debug, Clone, Copy)]
pub enum Outer<'a> {
    /// This, and nothing else.
    Known(&'a FromProject),
    /// Only the server knows: what nothing in the file defines may be the project's.
    Unknown,
}

/// Reads the file of an environment whose project gives it nothing; on failure all of its problems, by place.
pub fn parse(text: &str, options: &ParseOptions) -> Result<EnvironmentFile, Vec<Problem>> {
    parse_in(text, options, Outer::Known(&FromProject::default()))
}

/// Reads an environment file; on failure all of its problems, by place.
pub fn parse_in(text: &str, options: &ParseOptions, outer: Outer<'_>) -> Result<EnvironmentFile, Vec<Problem>> {
    read(text, *options, |reader, root| read_environment::environment(reader, root, outer))
}

/// What a document is read as, unless something is wrong with it.
fn read<T>(
    text: &str,
    options: ParseOptions,
    make: impl FnOnce(&mut reader::Reader, &tree::Node) -> Option<T>,
) -> Result<T, Vec<Problem>> {
    let mut problems = Vec::new();
    let Some(root) = tree::read(text, &mut problems) else { return Err(problems) };
    let mut reader = reader::Reader::new(options, problems);
    let made = make(&mut reader, &root);
    match made {
        Some(made) if reader.is_clean() => Ok(made),
        _ => Err(reader.into_problems()),
    }
}
