//! Laws of the environment file.

mod all_at_once;
mod apply;
mod hostile;
mod outputs;
mod project;
mod properties;
mod refusals;
mod sample;
mod schema;

use super::{EnvironmentFile, ParseOptions, Problem, parse};

/// The sample of the format's description.
const SAMPLE: &str = include_str!("sample.yaml");
/// A file with every key of the format.
const EVERYTHING: &str = include_str!("everything.yaml");

/// A file that begins as each must, with more below.
fn file_of(more: &str) -> String {
    format!("apiVersion: slipway.dev/v1\nkind: Environment\nname: staging\n{more}")
}

fn accepted(more: &str) -> EnvironmentFile {
    match parse(&file_of(more), &ParseOptions::default()) {
        Ok(file) => file,
        Err(problems) => panic!("refused:\n{}", shown(&problems)),
    }
}

fn refused(more: &str) -> String {
    match parse(&file_of(more), &ParseOptions::default()) {
        Ok(_) => panic!("accepted:\n{more}"),
        Err(problems) => shown(&problems),
    }
}

fn shown(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
