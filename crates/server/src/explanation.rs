//! An explanation, from the domain to the wire.

use slipway_core::deployment::{Phase, StepId, StepState, Timing};
use slipway_core::explanation::{
    CriticalPiece, Doing, Explanation, Piece, RootCause, StageExplanation, StepEnd, StepExplanation,
};
use slipway_ports::DeploymentSummary;
use slipway_ports::api::{
    CriticalPieceView, ExplanationView, HeadView, PartView, PieceView, RootView, ServiceExplanationView, StageExplanationView,
    State, StepExplanationView, StepReference,
};

use crate::views;

/// A deployment, explained. The state is that of the folded facts: the summary may be older.
pub(crate) fn view(summary: &DeploymentSummary, explanation: &Explanation) -> ExplanationView {
    let deployment = &explanation.deployment;
    let trigger = deployment.trigger();
    let state = views::run_state(deployment.state());
    let finished_at = state.has_ended().then(|| views::time(explanation.until));
    ExplanationView {
        head: HeadView { state, finished_at, ..views::head(summary) },
        trigger: views::trigger_view(trigger),
        until: views::time(explanation.until),
        queued: piece(&explanation.queued),
        stages: explanation.stages.iter().enumerate().map(|(order, found)| stage(explanation, order, found)).collect(),
        critical_path: explanation.critical_path.iter().map(critical_piece).collect(),
    }
}

fn stage(explanation: &Explanation, order: usize, stage: &StageExplanation) -> StageExplanationView {
    let deployment = &explanation.deployment;
    let services = deployment.stage(order).map(|index| {
        let planned = &deployment.plan().services[index];
        let run = &deployment.services()[index];
        let steps: Vec<&StepState> = run.build.iter().chain([&run.release]).collect();
        ServiceExplanationView {
            name: planned.name.to_string(),
            version: planned.version.short(),
            state: views::service_state(&steps, deployment.is_canceled(&planned.name)),
            steps: stage
                .steps
                .iter()
                .filter(|step| step.step.service == planned.name)
                .filter_map(|step| Some(step_view(step, deployment.step(&step.step)?)))
                .collect(),
        }
    });
    let services: Vec<ServiceExplanationView> = services.collect();
    StageExplanationView {
        order,
        name: stage.name.to_string(),
        state: State::of_parts(services.iter().map(|service| service.state)),
        began_at: stage.began_at.map(views::time),
        ended_at: stage.ended_at.map(views::time),
        services,
    }
}

fn step_view(step: &StepExplanation, state: &StepState) -> StepExplanationView {
    let mut view = StepExplanationView {
        phase: step.step.phase.as_str().to_owned(),
        state: views::step_state(state),
        pieces: step.pieces.iter().map(piece).collect(),
        reason: None,
        explanation: None,
        root: None,
        canceled_by: None,
        failure: None,
        image: state.image().map(str::to_owned),
        revision: None,
    };
    match &step.end {
        None => {}
        Some(StepEnd::Succeeded(result)) => view.revision = result.revision,
        Some(StepEnd::Skipped { reason, root }) => {
            view.reason = Some(reason.as_str().to_owned());
            view.explanation = Some(match root {
                Some(root) => format!("{reason}: {root}"),
                None => reason.to_string(),
            });
            view.root = root.as_ref().map(root_view);
        }
        Some(StepEnd::Failed { failure, root }) => {
            view.explanation = root.as_ref().map(ToString::to_string);
            view.root = root.as_ref().map(root_view);
            view.failure = Some(failure.clone());
        }
        Some(StepEnd::Canceled { by }) => {
            view.explanation = by.as_ref().map(|actor| format!("by {}", actor.0));
            view.canceled_by = by.as_ref().map(|actor| actor.0.clone());
        }
    }
    view
}

fn root_view(root: &RootCause) -> RootView {
    let text = root.to_string();
    match root {
        RootCause::Failed { step, stage } => RootView {
            service: step.service.to_string(),
            phase: Some(step.phase.as_str().to_owned()),
            stage: stage.to_string(),
            text,
        },
        RootCause::Canceled { service, stage } => {
            RootView { service: service.to_string(), phase: None, stage: stage.to_string(), text }
        }
    }
}

fn critical_piece(link: &CriticalPiece) -> CriticalPieceView {
    CriticalPieceView { step: link.step.as_ref().map(reference), piece: piece(&link.piece) }
}

fn part(timing: &Timing) -> PartView {
    PartView {
        activity: timing.activity,
        from: views::time(timing.from),
        to: views::time(timing.to),
        milliseconds: timing.milliseconds(),
    }
}

fn piece(piece: &Piece) -> PieceView {
    let mut view = PieceView {
        from: views::time(piece.from),
        to: views::time(piece.to),
        milliseconds: piece.milliseconds(),
        doing: piece.doing.as_str().to_owned(),
        text: piece.doing.to_string(),
        parts: piece.parts.iter().map(part).collect(),
        attempt: None,
        waited_for: None,
        behind: None,
    };
    match &piece.doing {
        Doing::Queued { behind } => view.behind = *behind,
        Doing::EarlierStages(blocker) | Doing::BuildsOfStage(blocker) => {
            view.waited_for = blocker.as_ref().map(|blocker| reference(&blocker.step));
        }
        Doing::SharedBuild { with } => {
            view.waited_for = Some(reference(&StepId { service: with.clone(), phase: Phase::Build }));
        }
        Doing::Window { freed_by, .. } => view.waited_for = freed_by.as_ref().map(reference),
        Doing::Running { attempt, .. } => view.attempt = Some(*attempt),
        Doing::OwnBuild | Doing::Approval { .. } | Doing::Ready | Doing::UntilCanceled { .. } => {}
    }
    view
}

fn reference(step: &StepId) -> StepReference {
    StepReference { service: step.service.to_string(), phase: step.phase.as_str().to_owned() }
}
