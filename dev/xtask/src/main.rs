//! Checks that the project runs on itself. `cargo xtask layers`, `cargo xtask errors`, `cargo xtask contract`,
//! `cargo xtask lines`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program talks there")]

mod contract;
mod errors;
mod layers;
mod lines;
mod metadata;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask layers | errors | contract | lines

  layers    fails on an arrow that runs upward or sideways, and on an impure core
  errors    fails on a failure code without a page under docs/errors
  contract  lists the rules of the pipeline contract with the end-to-end tests that prove each; fails on a rule without one
  lines     prints the lines of code per crate";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let problems = match (arguments.next().as_deref(), arguments.next()) {
        (Some("layers"), None) => layers::check(),
        (Some("errors"), None) => errors::check(),
        (Some("contract"), None) => contract::check(),
        (Some("lines"), None) => lines::print(),
        _ => Err(USAGE.to_owned()),
    };
    match problems {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}
