//! `slipway open`: the page in a browser, signed in.

use std::path::Path;
use std::process::{Command, Stdio};

use clap::Args;
use serde_json::json;
use slipway_ports::api::SignInCodeView;

use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// Open the page in a browser, signed in.
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// Print the address instead; it signs in once, within a minute.
    #[arg(long)]
    print: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Open) -> Result<Exit, Stop> {
    let given: SignInCodeView = context.client()?.post_once("/sessions/codes", &()).await?;
    let address = format!("{}#code={}", given.page, given.code.expose());
    match context.output {
        Output::Json => output::json(&json!({"address": address, "expiresAt": given.expires_at}))?,
        Output::Text if arguments.print => output::line(&address)?,
        Output::Text => {
            // Everybody on this machine sees the arguments of programs, and the code is as good as a token: the browser is told a file.
            let way = context.home.write_open_page(&address)?;
            if started(&way) {
                output::tell(format!("the browser opens {}; if it does not: slipway open --print", given.page));
            } else {
                output::tell("no browser could be started here; this address signs in, once and within a minute:");
                output::line(&address)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Starts what opens files on this system, and does not wait for it: some end with the browser.
fn started(file: &Path) -> bool {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
