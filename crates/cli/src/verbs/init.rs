//! `slipway init`: writes an environment file to begin with.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::output;
use crate::selection;
use crate::stop::{Exit, Stop};

/// What is written: every line of it is explained, and it validates as it is.
const TEMPLATE: &str = include_str!("init/slipway.yaml");

/// Write an environment file to begin with.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where; a file that is there is never overwritten.
    #[arg(long, short, value_name = "FILE", default_value = selection::FILE_NAME)]
    file: PathBuf,
}

pub(crate) fn run(arguments: &Init) -> Result<Exit, Stop> {
    let path = &arguments.file;
    let mut file = OpenOptions::new().create_new(true).write(true).open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Stop::new(Exit::Refused, format!("{} is there already", path.display()))
            .with_hint("name another one with `--file`, or take this one away first"),
        _ => Stop::file(path, "written", &error),
    })?;
    file.write_all(TEMPLATE.as_bytes()).map_err(|error| Stop::file(path, "written", &error))?;
    output::tell(format!("wrote {}", path.display()));
    output::tell("next: edit it, check it with `slipway validate`, bring it up with `slipway deploy --file FILE`");
    Ok(Exit::Done)
}
