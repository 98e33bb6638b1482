//! `slipway explain`: what happened in a deployment, when, how long, waiting for what, and why.

use clap::Args;
use jiff::Timestamp;
use slipway_ports::Activity;
use slipway_ports::api::{
    CriticalPieceView, ExplanationView, PieceView, ServiceExplanationView, StageExplanationView, State, StepExplanationView,
};

use crate::context::Context;
use crate::elapsed;
use crate::output::{self, Output};
use crate::paint::Paint;
use crate::stop::{Exit, Stop};
use crate::tree::Node;
use crate::verbs::cancel;

/// What is shorter is told in JSON alone: a server needs some milliseconds for every step.
const SHORTEST: i64 = 50;

/// Explain a deployment: what happened, when, how long, waiting for what, and why.
///
/// Times count from the moment when the deployment was accepted. Waits of less than 50 ms are left out; `--output json` has
/// every piece. The critical path is what determined the end: only what is on it makes the next deployment quicker.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Its number or id.
    #[arg(value_name = "DEPLOYMENT")]
    deployment: String,
    /// Only this service, and the critical path.
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
}

pub(crate) async fn run(context: &Context, arguments: &Explain) -> Result<Exit, Stop> {
    let head = cancel::find(context, Some(&arguments.deployment)).await?;
    let mut view: ExplanationView = context.client()?.get(&format!("/deployments/{}/explanation", head.id)).await?;
    if let Some(service) = &arguments.service {
        view = only(view, service)?;
    }
    match context.output {
        Output::Json => output::json(&view)?,
        Output::Text => draw(&view, Paint::of(&std::io::stdout())).into_iter().try_for_each(output::line)?,
    }
    Ok(Exit::Done)
}

/// The same without the other services, and without the stages that are then empty.
fn only(mut view: ExplanationView, service: &str) -> Result<ExplanationView, Stop> {
    for stage in &mut view.stages {
        stage.services.retain(|found| found.name == service);
    }
    view.stages.retain(|stage| !stage.services.is_empty());
    if view.stages.is_empty() {
        let message = format!("deployment {} has no service `{service}`", view.head.number);
        return Err(Stop::new(Exit::NotFound, message).with_hint(format!("`slipway explain {}` lists them", view.head.number)));
    }
    Ok(view)
}

fn draw(view: &ExplanationView, paint: Paint) -> Vec<String> {
    let tree = Tree { accepted_at: view.head.accepted_at, until: view.until, paint };
    let head = &view.head;
    let name = paint.bold(format!("deployment {} of {}/{}", head.number, head.project, head.environment));
    let whole = elapsed::between(head.accepted_at, Some(view.until));
    let mut root = Node::new(format!("{name} {}", tree.state(head.state, &whole)));
    root.lines.push(paint.dim(format!(
        "{}, asked for by {} by way of {} at {}",
        head.action, view.trigger.actor, view.trigger.source, head.accepted_at
    )));
    if view.queued.milliseconds >= SHORTEST {
        root.parts.push(Node::new(format!("{} for {}", view.queued.text, elapsed::duration(view.queued.milliseconds))));
    }
    let stages = view.stages.iter().map(|stage| tree.stage(stage));
    let title = if head.state.has_ended() { "critical path" } else { "critical path so far" };
    let path = Node::new(format!("{}, {whole}", paint.bold(title)));
    let path = path.with(view.critical_path.iter().filter(|link| is_told(&link.piece)).map(|link| tree.link(link)));
    root.with(stages).with([path]).draw()
}

fn is_told(piece: &PieceView) -> bool {
    piece.milliseconds >= SHORTEST || piece.doing == "running"
}

/// What every part of the tree is drawn with.
struct Tree {
    accepted_at: Timestamp,
    until: Timestamp,
    paint: Paint,
}

impl Tree {
    /// `succeeded in 5s`, `running for 5s`.
    fn state(&self, state: State, time: &str) -> String {
        let word = state.as_str();
        match state {
            State::Succeeded => format!("{} in {time}", self.paint.green(word)),
            State::Failed => format!("{} after {time}", self.paint.red(word)),
            State::Canceled => format!("{} after {time}", self.paint.yellow(word)),
            State::Canceling => format!("{} for {time}", self.paint.yellow(word)),
            State::Running => format!("{} for {time}", self.paint.cyan(word)),
            State::Queued => format!("{} for {time}", self.paint.dim(word)),
            State::Skipped => self.paint.dim(word),
        }
    }

    fn stage(&self, stage: &StageExplanationView) -> Node {
        let name = self.paint.bold(&stage.name);
        if stage.services.is_empty() {
            return Node::new(format!("{name} {}", self.paint.dim("has no service")));
        }
        let line = match stage.began_at {
            Some(began) => {
                let time = elapsed::between(began, Some(stage.ended_at.unwrap_or(self.until)));
                format!("{name} {}", self.state(stage.state, &time))
            }
            None => format!("{name} {}", self.paint.dim("never began")),
        };
        Node::new(line).with(stage.services.iter().map(|service| self.service(service)))
    }

    fn service(&self, service: &ServiceExplanationView) -> Node {
        let node = Node::new(format!("{} {}", self.paint.bold(&service.name), self.paint.dim(&service.version)));
        node.with(service.steps.iter().map(|step| self.step(step)))
    }

    fn step(&self, step: &StepExplanationView) -> Node {
        let runs = step.pieces.iter().filter(|piece| piece.doing == "running");
        let (attempts, ran) = runs.fold((0, 0), |(count, sum), piece| (count + 1, sum + piece.milliseconds));
        let time = elapsed::duration(ran);
        let mut line = match (step.state, attempts) {
            (State::Queued, _) => format!("{} {}", step.phase, self.paint.dim("waits")),
            (State::Failed | State::Canceled | State::Canceling, 0) => format!("{} {}", step.phase, step.state.as_str()),
            (state, _) => format!("{} {}", step.phase, self.state(state, &time)),
        };
        if attempts > 1 {
            line += &format!(", {attempts} attempts");
        }
        if let Some(revision) = step.revision {
            line += &format!(", revision {revision}");
        }
        if let Some(why) = &step.explanation {
            line += &format!(": {why}");
        }
        let mut node = Node::new(line);
        // That the deployment was queued is told once, above.
        let told = step.pieces.iter().filter(|piece| is_told(piece) && piece.doing != "queued");
        let last = step.pieces.last().filter(|_| !step.state.has_ended());
        node.parts.extend(told.map(|piece| Node::new(self.piece(piece, last == Some(piece)))));
        // A failure that is shared with another step is told with that one.
        if let (Some(failure), None) = (&step.failure, &step.root) {
            let mut said = Node { lines: vec![self.paint.red(&failure.message)], parts: Vec::new() };
            said.lines.extend(failure.last_lines.iter().map(|line| format!("{} {line}", self.paint.dim("|"))));
            said.lines.extend(failure.hint.iter().map(|hint| format!("{} {hint}", self.paint.cyan("hint:"))));
            said.lines.push(self.paint.dim(format!("code: {}", failure.code)));
            node.parts.push(said);
        }
        node
    }

    /// When, how long, and what; the last piece of what has not ended goes on.
    fn piece(&self, piece: &PieceView, goes_on: bool) -> String {
        let so_far = if goes_on { ", so far" } else { "" };
        format!("{} {}{so_far}{}", self.times(piece), piece.text, self.parts(piece))
    }

    fn times(&self, piece: &PieceView) -> String {
        let from = format!("+{}", elapsed::between(self.accepted_at, Some(piece.from)));
        self.paint.dim(format!("{from:<8} {:>7} ", elapsed::duration(piece.milliseconds)))
    }

    fn link(&self, link: &CriticalPieceView) -> Node {
        let whose = match &link.step {
            Some(step) => format!("{} of {}", step.phase, step.service),
            None => "deployment".to_owned(),
        };
        let (text, parts) = (&link.piece.text, self.parts(&link.piece));
        Node::new(format!("{} {} {text}{parts}", self.times(&link.piece), self.paint.bold(whose)))
    }

    /// What the step did while it ran: `: fetching 0.2s, building 29s`.
    fn parts(&self, piece: &PieceView) -> String {
        let told = piece.parts.iter().filter(|part| part.milliseconds >= SHORTEST);
        let told: Vec<_> = told.map(|part| format!("{} {}", word(part.activity), elapsed::duration(part.milliseconds))).collect();
        if told.is_empty() { String::new() } else { self.paint.dim(format!(": {}", told.join(", "))) }
    }
}

/// An activity among others; what is waited for is the rollout, or the job.
fn word(activity: Activity) -> &'static str {
    match activity {
        Activity::Waiting => "waiting for the rollout",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests;
