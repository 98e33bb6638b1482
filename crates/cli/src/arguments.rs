//! The command line.

use clap::{Parser, Subcommand};

use crate::output::Output;
use crate::reporters::Progress;
use crate::verbs::{
    apply, approve, build_key, cancel, clone, completion, credential, delete, deploy, exec, explain, export, history, init, job,
    key, logs, notification, open, plan, port_forward, preview, project, restart, rollback, secret, serve, service, simulate,
    stage, status, stop, target, up, validate, webhook,
};

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    internal: something in Slipway itself is wrong
  2    refused: the request, the file or the command line
  3    a build failed (beats 4)
  4    a release failed
  5    canceled
  6    not found
  7    unreachable: the server, or what it needs, does not answer
  130  interrupted by Ctrl-C; the deployment goes on
  `slipway exec` ends with the exit code of its command

Environment variables:
  SLIPWAY_HOME         the server's state; default ~/.local/share/slipway
  SLIPWAY_ENVIRONMENT  as --environment
  SLIPWAY_LOG          what the server logs, such as `debug`; default `info`
  KUBECONFIG           the cluster that `up` and `target add` add
  NO_COLOR             no colour";

/// From git to running pods: builds, mirrors and releases the services of an environment, stage by stage.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, after_help = AFTER_HELP, propagate_version = false, disable_version_flag = false)]
pub(crate) struct Arguments {
    /// The environment, `project/name`; absent: that of the `slipway.yaml` here.
    #[arg(long, short, global = true, value_name = "PROJECT/NAME", env = "SLIPWAY_ENVIRONMENT")]
    pub(crate) environment: Option<String>,
    /// How data is written to standard output.
    #[arg(long, short, global = true, value_enum, default_value_t)]
    pub(crate) output: Output,
    /// How progress is shown on standard error.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) progress: Progress,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Up(up::Up),
    Serve(serve::Serve),
    /// Stop the server, never the workloads.
    Down,
    Init(init::Init),
    Validate(validate::Validate),
    Open(open::Open),
    /// Print the JSON Schema of the environment file, with which an editor completes and checks it.
    Schema,
    Completion(completion::Completion),
    /// Check everything that a deployment needs.
    Doctor,
    Target(target::Target),
    Project(project::Project),
    Secret(secret::Secret),
    Credential(credential::Credential),
    Webhook(webhook::Webhook),
    Preview(preview::Preview),
    Notification(notification::Notification),
    Key(key::Key),
    Stage(stage::Stage),
    Service(service::Service),
    Plan(plan::Plan),
    Simulate(simulate::Simulate),
    BuildKey(build_key::BuildKey),
    Apply(apply::Apply),
    Export(export::Export),
    Clone(clone::Clone),
    Deploy(deploy::Deploy),
    Stop(stop::Stop),
    Restart(restart::Restart),
    Rollback(rollback::Rollback),
    Delete(delete::Delete),
    Status(status::Status),
    Logs(logs::Logs),
    Exec(exec::Exec),
    PortForward(port_forward::PortForward),
    Job(job::Job),
    History(history::History),
    Cancel(cancel::Cancel),
    Approve(approve::Approve),
    Explain(explain::Explain),
}
