//! The `slipway` program: one file per verb, each a client of the server's HTTP API; `serve` is the server itself.

mod act;
mod arguments;
mod client;
mod cloned;
mod context;
mod edited;
mod elapsed;
mod environment_file;
mod follow;
mod last_durations;
mod output;
mod paint;
mod pod_lines;
mod problems;
mod project_file;
mod reporters;
mod secret_input;
mod selection;
mod sse;
mod stop;
mod stream;
mod terminal;
mod tree;
mod verbs;
mod waterfall;

use std::process::ExitCode;

use clap::Parser as _;
use slipway_server::Home;

use arguments::{Arguments, Verb};
use context::Context;
use paint::Paint;
use stop::{Exit, Stop};
use verbs::{
    apply, approve, build_key, cancel, clone, completion, credential, delete, deploy, doctor, down, exec, explain, export,
    history, init, job, key, logs, notification, open, plan, port_forward, preview, project, restart, rollback, schema, secret,
    serve, service, simulate, stage, status, stop as stop_verb, target, up, validate, webhook,
};

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(exit) => exit.into(),
        Err(stop) => {
            tell(&stop);
            stop.exit.into()
        }
    }
}

fn run(arguments: Arguments) -> Result<Exit, Stop> {
    let Arguments { environment, output, progress, verb } = arguments;
    let context = Context { home: Home::find()?, output, progress, environment };
    slipway_server::install_crypto_provider();
    match &verb {
        Verb::Serve(arguments) => return serve::run(&context, arguments),
        Verb::Init(arguments) => return init::run(arguments),
        Verb::Validate(arguments) => return validate::run(&context, arguments),
        Verb::Schema => return schema::run(),
        Verb::Completion(arguments) => return completion::run(arguments),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::new(Exit::Internal, format!("no event loop: {error}")))?;
    let ended = runtime.block_on(talk(&context, &verb));
    // Input that nobody reads any more is not waited for.
    runtime.shutdown_background();
    ended
}

/// The verbs that talk to a server.
async fn talk(context: &Context, verb: &Verb) -> Result<Exit, Stop> {
    match verb {
        Verb::Serve(arguments) => serve::run(context, arguments),
        Verb::Init(arguments) => init::run(arguments),
        Verb::Validate(arguments) => validate::run(context, arguments),
        Verb::Schema => schema::run(),
        Verb::Completion(arguments) => completion::run(arguments),
        Verb::Up(arguments) => up::run(context, arguments).await,
        Verb::Down => down::run(context).await,
        Verb::Open(arguments) => open::run(context, arguments).await,
        Verb::Doctor => doctor::run(context).await,
        Verb::Target(arguments) => target::run(context, arguments).await,
        Verb::Project(arguments) => project::run(context, arguments).await,
        Verb::Secret(arguments) => secret::run(context, arguments).await,
        Verb::Credential(arguments) => credential::run(context, arguments).await,
        Verb::Webhook(arguments) => webhook::run(context, arguments).await,
        Verb::Preview(arguments) => preview::run(context, arguments).await,
        Verb::Notification(arguments) => notification::run(context, arguments).await,
        Verb::Key(arguments) => key::run(context, arguments).await,
        Verb::Stage(arguments) => stage::run(context, arguments).await,
        Verb::Service(arguments) => service::run(context, arguments).await,
        Verb::Plan(arguments) => plan::run(context, arguments).await,
        Verb::Simulate(arguments) => simulate::run(context, arguments).await,
        Verb::BuildKey(arguments) => build_key::run(context, arguments).await,
        Verb::Apply(arguments) => apply::run(context, arguments).await,
        Verb::Export(arguments) => export::run(context, arguments).await,
        Verb::Clone(arguments) => clone::run(context, arguments).await,
        Verb::Deploy(arguments) => deploy::run(context, arguments).await,
        Verb::Stop(arguments) => stop_verb::run(context, arguments).await,
        Verb::Restart(arguments) => restart::run(context, arguments).await,
        Verb::Rollback(arguments) => rollback::run(context, arguments).await,
        Verb::Delete(arguments) => delete::run(context, arguments).await,
        Verb::Status(arguments) => status::run(context, arguments).await,
        Verb::Logs(arguments) => logs::run(context, arguments).await,
        Verb::Exec(arguments) => exec::run(context, arguments).await,
        Verb::PortForward(arguments) => port_forward::run(context, arguments).await,
        Verb::Job(arguments) => job::run(context, arguments).await,
        Verb::History(arguments) => history::run(context, arguments).await,
        Verb::Cancel(arguments) => cancel::run(context, arguments).await,
        Verb::Approve(arguments) => approve::run(context, arguments).await,
        Verb::Explain(arguments) => explain::run(context, arguments).await,
    }
}

/// What is wrong, what to do next, and the code last.
fn tell(stop: &Stop) {
    if stop.message.is_empty() {
        return;
    }
    let paint = Paint::of(&std::io::stderr());
    let word = if stop.exit == Exit::Interrupted { paint.yellow("left:") } else { paint.red("error:") };
    output::tell(format!("{word} {}", stop.message));
    if let Some(hint) = &stop.hint {
        output::tell(format!("{} {hint}", paint.cyan("hint:")));
    }
    if let Some(code) = &stop.code {
        output::tell(paint.dim(format!("code: {code}")));
    }
}
