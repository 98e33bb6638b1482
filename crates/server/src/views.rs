//! From the domain to the wire: the only place where the one becomes the other.

use std::collections::BTreeMap;

use jiff::Timestamp as Time;
use slipway_core::deployment::{Deployment, Outcome, Phase, RunState, StepId, StepState, Timestamp, Trigger};
use slipway_core::file::Applied;
use slipway_core::model::{self, Environment, ScheduleRule, Service};
use slipway_core::pipeline_edit::Edited;
use slipway_core::plan::{Plan, PlannedService, Request, Selection};
use slipway_core::running::RunningStatus;
use slipway_engine::{Base, BaseState, Does, DryRun, DryRunStep};
use slipway_ports::api::{
    AppliedView, Approval, ApprovalState, ApprovalView, BaseView, BuildView, DeployBody, DeploymentHeadView, DeploymentView,
    EditedView, EnvironmentServiceView, EnvironmentView, HeadView, LogLineView, LogSectionView, MergedView, NewTarget,
    OverviewView, PipelineServiceView, PipelineStageView, PlanServiceView, PlanStageView, PlanStepView, PlanView, PreviewOfView,
    ReleaseView, ServiceView, StageView, State, TargetKind, TargetView, TriggerView,
};
use slipway_ports::{Activity, DeploymentSummary, LogLine, LogSection, PlacedLine, Platform, StoredEnvironment, Target};

use crate::schedules;

/// What the running steps do right now.
pub(crate) type Activities = BTreeMap<StepId, Activity>;

/// What time it is.
pub(crate) fn now() -> Timestamp {
    Timestamp(Time::now().as_millisecond())
}

/// A moment, for the wire; one that no calendar has is the beginning of time.
pub(crate) fn time(at: Timestamp) -> Time {
    Time::from_millisecond(at.0).unwrap_or_default()
}

pub(crate) fn run_state(state: RunState) -> State {
    match state {
        RunState::Queued => State::Queued,
        RunState::Running => State::Running,
        RunState::Canceling => State::Canceling,
        RunState::Finished { outcome, .. } => outcome_state(outcome),
    }
}

fn outcome_state(outcome: Outcome) -> State {
    match outcome {
        Outcome::Succeeded => State::Succeeded,
        Outcome::Failed => State::Failed,
        Outcome::Canceled => State::Canceled,
    }
}

/// What a request asks for.
pub(crate) fn request(body: &DeployBody) -> Request {
    let selection =
        body.services.iter().map(|service| Selection { name: service.name.clone(), version: service.version.clone() });
    Request {
        services: selection.collect(),
        and_all_others: false,
        current: body.current,
        rebuild: body.rebuild,
        delete_volumes: body.delete_volumes,
        run_jobs: body.run_jobs,
        back_to: body.back_to,
    }
}

fn stored_state(state: &str) -> State {
    let all = [State::Queued, State::Running, State::Succeeded, State::Failed, State::Skipped, State::Canceling, State::Canceled];
    // The store writes `RunState::as_str` and nothing else.
    all.into_iter().find(|known| known.as_str() == state).unwrap_or(State::Queued)
}

/// A deployment as a history lists it.
pub(crate) fn head(summary: &DeploymentSummary) -> HeadView {
    HeadView {
        id: summary.id.clone(),
        number: summary.number,
        project: summary.project.to_string(),
        environment: summary.environment.to_string(),
        target: summary.target.clone(),
        action: summary.action.clone(),
        state: stored_state(&summary.state),
        accepted_at: time(summary.accepted_at),
        finished_at: summary.finished_at.map(time),
    }
}

/// A deployment with its stages and services. The state is that of the folded facts: the summary may be older.
pub(crate) fn deployment(summary: &DeploymentSummary, deployment: &Deployment, activities: &Activities) -> DeploymentView {
    let (outcome, finished_at) = match deployment.state() {
        RunState::Finished { outcome, at } => (Some(outcome_state(outcome)), Some(time(at))),
        RunState::Queued | RunState::Running | RunState::Canceling => (None, None),
    };
    let trigger = deployment.trigger();
    let stages = deployment.plan().stages().into_iter().enumerate().map(|(order, stage)| {
        let services: Vec<ServiceView> = deployment.stage(order).map(|index| service(deployment, index, activities)).collect();
        let state = State::of_parts(services.iter().map(|service| service.state));
        StageView { order, name: stage.name.to_string(), state, approval: approval(deployment, order), services }
    });
    let merged = deployment.merged().iter();
    DeploymentView {
        head: HeadView { state: run_state(deployment.state()), finished_at, ..head(summary) },
        outcome,
        trigger: trigger_view(trigger),
        merged: merged.map(|merged| MergedView { trigger: trigger_view(&merged.trigger), at: time(merged.at) }).collect(),
        started_at: deployment.started_at().map(time),
        stages: stages.collect(),
    }
}

/// Who asked, for the wire.
pub(crate) fn trigger_view(trigger: &Trigger) -> TriggerView {
    TriggerView { source: trigger.source.clone(), actor: trigger.actor.0.clone(), link: trigger.link.clone() }
}

fn approval(deployment: &Deployment, order: usize) -> Option<ApprovalView> {
    if !deployment.plan().needs_approval(order) {
        return None;
    }
    let spoken = deployment.approval(order);
    let state = match spoken {
        Some(approval) if approval.is_approved => ApprovalState::Approved,
        Some(_) => ApprovalState::Refused,
        None if deployment.awaited_approval() == Some(order) => ApprovalState::Awaited,
        None => ApprovalState::Required,
    };
    let (actor, at) = spoken.map(|approval| (approval.actor.0.clone(), time(approval.at))).unzip();
    Some(ApprovalView { state, actor, at })
}

/// One service, by its place in the plan.
pub(crate) fn service(deployment: &Deployment, index: usize, activities: &Activities) -> ServiceView {
    let planned = &deployment.plan().services[index];
    let run = &deployment.services()[index];
    let kind = kind_of(deployment.plan(), planned);
    let canceling = deployment.is_canceled(&planned.name);
    let steps: Vec<&StepState> = run.build.iter().chain([&run.release]).collect();
    let phase = [Phase::Build, Phase::Release].into_iter().find_map(|phase| {
        let step = StepId { service: planned.name.clone(), phase };
        let runs = matches!(deployment.step(&step), Some(StepState::Running { .. }));
        activities.get(&step).copied().filter(|_| runs)
    });
    ServiceView {
        name: planned.name.to_string(),
        stage: planned.stage,
        kind,
        version: planned.version.short(),
        state: service_state(&steps, canceling),
        phase,
        build: run.build.as_ref().map(|state| {
            let key = planned.build.as_ref().and_then(|build| build.key()).map(ToString::to_string);
            build(state, key.unwrap_or_default())
        }),
        release: release(&run.release),
    }
}

/// The type of a planned service, also of one that has left the environment.
fn kind_of(plan: &Plan, planned: &PlannedService) -> String {
    let configured = plan.environment.service(&planned.name).map(Service::service_type);
    configured.or(planned.leaves).map(|kind| kind.to_string()).unwrap_or_default()
}

/// A service has failed or was canceled as soon as one of its steps has; what becomes of the other is a consequence.
pub(crate) fn service_state(steps: &[&StepState], canceling: bool) -> State {
    let any = |test: fn(&StepState) -> bool| steps.iter().any(|step| test(step));
    if any(|step| matches!(step, StepState::Running { .. })) {
        return if canceling { State::Canceling } else { State::Running };
    }
    if any(|step| matches!(step, StepState::Failed { .. })) {
        return State::Failed;
    }
    if any(|step| matches!(step, StepState::Canceled { .. })) {
        return State::Canceled;
    }
    match steps.last() {
        Some(StepState::Succeeded { .. }) => State::Succeeded,
        Some(StepState::Skipped { .. }) => State::Skipped,
        Some(_) | None => State::Queued,
    }
}

pub(crate) fn step_state(state: &StepState) -> State {
    match state {
        StepState::Waiting { .. } => State::Queued,
        StepState::Running { .. } => State::Running,
        StepState::Succeeded { .. } => State::Succeeded,
        StepState::Skipped { .. } => State::Skipped,
        StepState::Failed { .. } => State::Failed,
        StepState::Canceled { .. } => State::Canceled,
    }
}

fn build(state: &StepState, key: String) -> BuildView {
    let ReleaseView { state: name, started_at, ended_at, reason, explanation, failure, image, .. } = release(state);
    BuildView { state: name, started_at, ended_at, reason, explanation, failure, image, key }
}

fn release(state: &StepState) -> ReleaseView {
    let reason = match state {
        StepState::Skipped { reason, .. } => Some(reason),
        _ => None,
    };
    let (failure, revision) = match state {
        StepState::Failed { failure, .. } => (Some(failure.clone()), None),
        StepState::Succeeded { result, .. } => (None, result.revision),
        _ => (None, None),
    };
    ReleaseView {
        state: step_state(state),
        started_at: state.since().map(time),
        ended_at: state.ended_at().map(time),
        reason: reason.map(|reason| reason.as_str().to_owned()),
        explanation: reason.map(ToString::to_string),
        failure,
        image: state.image().map(str::to_owned),
        revision,
    }
}

/// A line of a deployment's log.
pub(crate) fn log_line(number: u64, line: &LogLine) -> LogLineView {
    LogLineView {
        number,
        position: None,
        at: time(line.at),
        service: line.service.to_string(),
        phase: line.phase.as_str().to_owned(),
        text: line.text.clone(),
    }
}

/// The same with its position.
pub(crate) fn placed_line(placed: &PlacedLine) -> LogLineView {
    LogLineView { position: Some(placed.position), ..log_line(placed.number, &placed.line) }
}

/// The lines of a service in a phase.
pub(crate) fn log_section(section: &LogSection) -> LogSectionView {
    LogSectionView {
        service: section.service.to_string(),
        phase: section.phase.as_str().to_owned(),
        first: section.first,
        last: section.last,
        lines: section.lines,
    }
}

/// An environment, when it starts and stops by its schedules or the rules of its project, and where the outside reaches its services on
/// a target.
pub(crate) fn environment(
    stored: &StoredEnvironment,
    rules: &[ScheduleRule],
    target: Option<&Target>,
    last: Option<&DeploymentSummary>,
) -> EnvironmentView {
    let environment = &stored.environment;
    let stages = environment.pipeline.stages.iter();
    let services = stages.flat_map(|stage| environment.services_of(&stage.name)).map(|service| EnvironmentServiceView {
        name: service.name.to_string(),
        kind: service.service_type().to_string(),
        stage: service.stage.to_string(),
        skipped: service.skipped,
        urls: target.and_then(|target| slipway_engine::public_url(environment, service, target)).into_iter().collect(),
    });
    EnvironmentView {
        project: environment.project.to_string(),
        name: environment.name.to_string(),
        mode: environment.mode.as_str().to_owned(),
        target: environment.target.clone(),
        version: stored.version,
        services: services.collect(),
        last_deployment: last.map(head),
        next_runs: schedules::next(environment, rules, now()),
        preview: environment.preview.as_ref().map(preview_of),
    }
}

fn preview_of(preview: &model::Preview) -> PreviewOfView {
    PreviewOfView {
        of: preview.of.to_string(),
        host: preview.host.clone(),
        request: preview.request(),
        branch: preview.branch.clone(),
        fork: preview.fork.clone(),
        title: preview.title.clone(),
        link: preview.link.clone(),
        over: preview.over.clone(),
    }
}

/// What applying a file did.
pub(crate) fn applied(applied: &Applied, version: u64) -> AppliedView {
    AppliedView {
        project: applied.environment.project.to_string(),
        name: applied.environment.name.to_string(),
        version,
        changes: applied.changes.clone(),
        removed: applied.removed.iter().map(ToString::to_string).collect(),
    }
}

/// The stages of an environment with their services, in execution order.
pub(crate) fn stages(environment: &Environment) -> Vec<PipelineStageView> {
    let stages = environment.pipeline.stages.iter().enumerate().map(|(order, stage)| PipelineStageView {
        order,
        name: stage.name.to_string(),
        description: stage.description.clone(),
        default_for: stage.default_for.map(|service_type| service_type.to_string()),
        approval: if stage.approval_required { Approval::Required } else { Approval::None },
        services: environment
            .services_of(&stage.name)
            .map(|service| PipelineServiceView {
                name: service.name.to_string(),
                kind: service.service_type().to_string(),
                skipped: service.skipped,
            })
            .collect(),
    });
    stages.collect()
}

/// What an edit of a pipeline did, and what the pipeline is now.
pub(crate) fn edited(edited: &Edited, version: u64) -> EditedView {
    EditedView {
        project: edited.environment.project.to_string(),
        name: edited.environment.name.to_string(),
        version,
        changes: edited.changes.clone(),
        stages: stages(&edited.environment),
    }
}

/// What a deployment would do.
pub(crate) fn plan(dry_run: &DryRun) -> PlanView {
    let plan = &dry_run.plan;
    let environment = &plan.environment;
    let stages = plan.stages().into_iter().enumerate().map(|(order, stage)| {
        let services = plan.services.iter().filter(|service| service.stage == order).map(|service| PlanServiceView {
            name: service.name.to_string(),
            kind: kind_of(plan, service),
            version: service.version.short(),
            steps: dry_run.steps.iter().filter(|step| step.service == service.name).map(plan_step).collect(),
        });
        PlanStageView { order, name: stage.name.to_string(), services: services.collect() }
    });
    PlanView {
        project: environment.project.to_string(),
        environment: environment.name.to_string(),
        action: plan.action.as_str().to_owned(),
        stages: stages.collect(),
    }
}

fn plan_step(step: &DryRunStep) -> PlanStepView {
    let (word, reason, failure) = match &step.does {
        Does::Build { reason } => ("build", reason.clone(), None),
        Does::SkipBuild { reason } | Does::SkipRelease { reason } => ("skip", reason.clone(), None),
        Does::Release { reason } => ("release", reason.clone(), None),
        Does::Stop { reason } => ("stop", reason.clone(), None),
        Does::Restart { reason } => ("restart", reason.clone(), None),
        Does::Remove { reason } => ("remove", reason.clone(), None),
        Does::Fail(failure) => ("fail", failure.message.clone(), Some(failure.clone())),
    };
    let bases = step.bases.iter().map(base).collect();
    PlanStepView { phase: step.phase.as_str().to_owned(), does: word.to_owned(), reason, failure, bases }
}

fn base(base: &Base) -> BaseView {
    let (state, now, failure) = match &base.state {
        BaseState::Same => ("same", None, None),
        BaseState::Moved(digest) => ("moved", Some(digest.clone()), None),
        BaseState::Unknown(failure) => ("unknown", None, Some(failure.clone())),
    };
    let built_on = base.image.digest().unwrap_or_default().to_owned();
    BaseView { image: base.image.familiar(), built_on, state: state.to_owned(), now, failure }
}

/// A target, and the version of its API server or engine when it was asked.
pub(crate) fn target(target: &Target, version: Option<String>) -> TargetView {
    TargetView {
        name: target.name.clone(),
        kind: match target.platform {
            Platform::Kubernetes(_) => TargetKind::Kubernetes,
            Platform::Docker { .. } => TargetKind::Docker,
        },
        kubeconfig: target.cluster().map(|cluster| cluster.kubeconfig.clone()),
        context: target.cluster().map(|cluster| cluster.context.clone()),
        domain: target.domain.clone(),
        ingress_port: target.ingress_port,
        cluster_issuer: target.cluster_issuer.clone(),
        request_percent: target.request_percent,
        default: target.is_default,
        version,
    }
}

/// A target to keep; the name of its context is the one that its kubeconfig gave.
pub(crate) fn new_target(new: NewTarget, context: String) -> Target {
    Target {
        name: new.name.unwrap_or_else(|| context.clone()),
        platform: Platform::kubernetes(new.kubeconfig, context),
        domain: new.domain,
        ingress_port: new.ingress_port,
        cluster_issuer: new.cluster_issuer,
        request_percent: new.request_percent,
        is_default: new.default,
    }
}

/// Where an environment runs: its target, else the default one.
pub(crate) fn target_of<'a>(stored: &StoredEnvironment, targets: &'a [Target]) -> Option<&'a Target> {
    match &stored.environment.target {
        Some(name) => targets.iter().find(|target| target.name == *name),
        None => targets.iter().find(|target| target.is_default),
    }
}

/// The head of a deployment; its state is that of the folded facts.
pub(crate) fn deployment_head(summary: &DeploymentSummary, deployment: &Deployment) -> DeploymentHeadView {
    let finished_at = match deployment.state() {
        RunState::Finished { at, .. } => Some(time(at)),
        RunState::Queued | RunState::Running | RunState::Canceling => None,
    };
    DeploymentHeadView {
        head: HeadView { state: run_state(deployment.state()), finished_at, ..head(summary) },
        trigger: trigger_view(deployment.trigger()),
        started_at: deployment.started_at().map(time),
    }
}

/// An environment in a list, and what runs of it if that is known.
pub(crate) fn overview(
    stored: &StoredEnvironment,
    last: Option<&DeploymentSummary>,
    running: Option<RunningStatus>,
) -> OverviewView {
    let environment = &stored.environment;
    OverviewView {
        project: environment.project.to_string(),
        name: environment.name.to_string(),
        mode: environment.mode.as_str().to_owned(),
        target: environment.target.clone(),
        version: stored.version,
        services: environment.services.len(),
        last_deployment: last.map(head),
        running,
    }
}
