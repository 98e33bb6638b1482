//! What is said at the end, whatever was said before: each failure with its log, its reason and the next command.

use slipway_ports::api::{DeploymentView, ServiceView, State};

use crate::elapsed;
use crate::follow::Run;
use crate::paint::Paint;

/// `deployment 3 of shop/staging succeeded in 42s`.
pub(crate) fn headline(view: &DeploymentView, paint: Paint) -> String {
    let head = &view.head;
    let name = format!("deployment {} of {}/{}", head.number, head.project, head.environment);
    let time = elapsed::between(view.started_at.unwrap_or(head.accepted_at), head.finished_at);
    let state = match head.state {
        State::Succeeded | State::Skipped => paint.green(head.state.as_str()),
        State::Failed => paint.red(head.state.as_str()),
        State::Canceled | State::Canceling => paint.yellow(head.state.as_str()),
        State::Queued | State::Running => head.state.as_str().to_owned(),
    };
    format!("{} {state} in {time}", paint.bold(name))
}

/// Each failed service: its log in full, then what, why, what next, and the code last.
pub(super) fn failures(run: &Run, paint: Paint) -> Vec<String> {
    run.view.services().filter(|service| service.failure().is_some()).map(|service| failure(run, service, paint)).collect()
}

fn failure(run: &Run, service: &ServiceView, paint: Paint) -> String {
    let Some(failure) = service.failure() else { return String::new() };
    let phase = if service.build.as_ref().is_some_and(|build| build.failure.is_some()) { "build" } else { "release" };
    let mut lines =
        vec![String::new(), format!("{} {}", paint.red("\u{2717}"), paint.bold(format!("{} {phase} failed", service.name)))];
    let of_phase: Vec<&str> = match run.logs.get(&service.name) {
        Some(log) => log.iter().filter(|line| line.phase == phase).map(|line| line.text.as_str()).collect(),
        None => Vec::new(),
    };
    // The failing thing's own last words are not always in the log, such as those of a pod.
    let in_log = |last: &str| of_phase.iter().any(|line| line.ends_with(last));
    let last = failure.last_lines.iter().map(String::as_str).filter(|last| !in_log(last));
    // What the failure says is said below.
    let said = failure.to_string();
    let shown: Vec<&str> = of_phase.iter().copied().filter(|line| *line != said).chain(last).collect();
    lines.extend(shown.iter().map(|line| format!("  {} {line}", paint.dim("\u{2502}"))));
    lines.push(format!("  {}", failure.message));
    if let Some(hint) = &failure.hint {
        lines.push(format!("  {} {hint}", paint.cyan("hint:")));
    }
    let number = run.view.head.number;
    let next = if phase == "build" {
        format!("slipway logs {} --build --deployment {number}", service.name)
    } else {
        format!("slipway logs {}", service.name)
    };
    lines.push(format!("  {} {next}", paint.cyan("next:")));
    lines.push(format!("  {}", paint.dim(format!("code: {}", failure.code))));
    lines.join("\n")
}
