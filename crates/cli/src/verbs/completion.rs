//! `slipway completion`: what a shell completes commands and options with.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::output;
use crate::stop::{Exit, Stop};

/// Print what a shell completes commands and options with.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  slipway completion bash > ~/.local/share/bash-completion/completions/slipway
  slipway completion zsh > ~/.zfunc/_slipway          # with ~/.zfunc in fpath
  slipway completion fish > ~/.config/fish/completions/slipway.fish")]
pub(crate) struct Completion {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(arguments: &Completion) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "slipway", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}
