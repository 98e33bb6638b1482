//! Who tells of a deployment: each reporter consumes the same stream of updates.

mod json;
mod plain;
mod quiet;
mod summary;
mod tty;

use std::io::IsTerminal as _;

use clap::ValueEnum;
use slipway_ports::api::{ApprovalState, DeploymentView, StageView};

use crate::follow::{Run, Update};

pub(crate) use summary::headline;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Progress {
    /// `tty` on a terminal, else `plain`.
    #[default]
    Auto,
    /// A tree that is drawn in place.
    Tty,
    /// One line per change.
    Plain,
    /// One JSON object per update, on standard output.
    Json,
    /// Nothing but failures.
    Quiet,
}

/// Tells of a deployment.
pub(crate) trait Reporter {
    /// It is followed from now on.
    fn begin(&mut self, run: &Run);

    /// Something changed; the run has taken it over.
    fn update(&mut self, run: &Run, update: &Update);

    /// A little time has passed.
    fn tick(&mut self, _run: &Run) {}

    /// It is not followed any more, though it goes on.
    fn leave(&mut self, _run: &Run) {}

    /// It has ended.
    fn end(&mut self, run: &Run);
}

/// The stage that a deployment waits for the approval of.
fn awaited(view: &DeploymentView) -> Option<&str> {
    let awaited = |stage: &&StageView| stage.approval.as_ref().is_some_and(|approval| approval.state == ApprovalState::Awaited);
    view.stages.iter().find(awaited).map(|stage| stage.name.as_str())
}

/// The reporter that is wanted.
pub(crate) fn reporter(progress: Progress) -> Box<dyn Reporter> {
    match progress {
        Progress::Auto if std::io::stderr().is_terminal() => Box::new(tty::Tty::new()),
        Progress::Tty => Box::new(tty::Tty::new()),
        Progress::Auto | Progress::Plain => Box::new(plain::Plain::new()),
        Progress::Json => Box::new(json::Json),
        Progress::Quiet => Box::new(quiet::Quiet),
    }
}
