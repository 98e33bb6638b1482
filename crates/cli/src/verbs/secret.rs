//! `slipway secret set`: gives a declared secret its value, from standard input.

use std::io::{IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use slipway_core::model::VariableName;
use slipway_ports::SecretText;
use slipway_ports::api::SecretValue;

use crate::context::Context;
use crate::output;
use crate::stop::{Exit, Stop};

/// More is no secret but a file.
const MOST_BYTES: u64 = 64 << 10;

/// Give secrets their values.
#[derive(Debug, Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Set a secret to what standard input holds, less one line end.
    Set {
        /// Its name, as the environment file declares it.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

pub(crate) async fn run(context: &Context, arguments: &Secret) -> Result<Exit, Stop> {
    let Verb::Set { name } = &arguments.verb;
    let name = VariableName::new(name.clone()).map_err(|error| Stop::new(Exit::Refused, error.to_string()))?;
    let selection = context.selection()?;
    let value = read()?;
    let path = format!("{}/secrets/{name}", selection.path());
    context.client()?.send(reqwest::Method::PUT, &path, &SecretValue { value }).await?;
    output::tell(format!("{name} of {selection} is set; the next deployment uses it"));
    Ok(Exit::Done)
}

fn read() -> Result<SecretText, Stop> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        output::tell("type or paste the value, then Ctrl-D; a terminal shows what you type: better pipe it in");
    }
    let mut text = String::new();
    let read = stdin.lock().take(MOST_BYTES + 1).read_to_string(&mut text);
    let length = read.map_err(|error| Stop::new(Exit::Refused, format!("the value cannot be read: {error}")))?;
    if length as u64 > MOST_BYTES {
        return Err(Stop::new(Exit::Refused, format!("the value has more than {MOST_BYTES} bytes")));
    }
    let kept = text.strip_suffix('\n').unwrap_or(&text).len();
    text.truncate(kept);
    if text.is_empty() {
        return Err(
            Stop::new(Exit::Refused, "the value is empty").with_hint("pipe it in: `printf %s … | slipway secret set NAME`")
        );
    }
    Ok(SecretText::new(text))
}
