//! Writes an environment as a file: read again and applied to nothing, it is the same environment. What is as it would be without a
//! word is left out, but for the stages: a file without them would get the default ones.

mod kind;
mod workload;

use crate::model::{
    Environment, EnvironmentMode, FailurePolicy, Notification, Pipeline, PipelineMode, PreviewWhen, Previews, Schedule, Service,
    ServiceType, Stage, Variable, VariableValue, WeekdayTime,
};

use super::written::{Mapping, Node, list, span, texts};

/// How a file is written. JSON is YAML, and reads as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// For persons.
    Yaml,
    /// For programs.
    Json,
}

/// The environment as a file; secrets are in it by their names alone.
///
/// # Errors
///
/// When the environment can not be written so, which is a defect of ours.
pub fn write(environment: &Environment, notation: Notation) -> Result<String, String> {
    let mut top = Mapping::default();
    top.put("apiVersion", "slipway.dev/v1");
    top.put("kind", "Environment");
    top.put("project", environment.project.as_str());
    top.put("name", environment.name.as_str());
    top.put_unless(environment.mode == EnvironmentMode::Development, "mode", environment.mode.as_str());
    top.put_some("target", environment.target.as_deref());
    top.put("pipeline", pipeline(&environment.pipeline));
    top.put_filled("variables", variables(&environment.variables));
    top.put_filled("secrets", texts(&environment.secrets));
    top.put_filled("services", list(&environment.services, service));
    top.put_some("previews", environment.previews.as_ref().map(previews));
    top.put_filled("schedules", list(&environment.schedules, schedule));
    top.put_filled("notifications", list(&environment.notifications, notification));
    document(top, notation)
}

pub(super) fn document(top: Mapping, notation: Notation) -> Result<String, String> {
    let top = Node::from(top);
    match notation {
        Notation::Yaml => serde_saphyr::to_string(&top).map_err(|error| error.to_string()),
        Notation::Json => serde_json::to_string_pretty(&top).map_err(|error| error.to_string()),
    }
}

fn pipeline(pipeline: &Pipeline) -> Mapping {
    let mut keys = Mapping::default();
    keys.put_unless(pipeline.mode == PipelineMode::Phased, "mode", "eager");
    keys.put_unless(pipeline.on_failure == FailurePolicy::FinishStage, "onFailure", "fail-fast");
    for (key, number) in
        [("maxParallelBuilds", pipeline.max_parallel_builds), ("maxParallelDeploys", pipeline.max_parallel_deploys)]
    {
        keys.put_unless(number == Pipeline::DEFAULT_PARALLEL, key, number);
    }
    keys.put("stages", list(&pipeline.stages, stage));
    keys
}

fn stage(stage: &Stage) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("name", stage.name.as_str());
    keys.put_unless(stage.description.is_empty(), "description", stage.description.as_str());
    if stage.default_for != ServiceType::of_default_stage(&stage.name) {
        keys.put("defaultFor", stage.default_for.map_or(Node::null(), |role| role.as_str().into()));
    }
    keys.put_unless(!stage.approval_required, "approval", "required");
    keys
}

fn service(service: &Service) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("name", service.name.as_str());
    keys.put("stage", service.stage.as_str());
    keys.put_unless(!service.skipped, "skipped", true);
    kind::put(&mut keys, &service.kind);
    keys
}

pub(super) fn variables(variables: &[Variable]) -> Mapping {
    let mut keys = Mapping::default();
    for Variable { name, value } in variables {
        let one = |key: &str, text: &str| {
            let mut keys = Mapping::default();
            keys.put(key, text);
            Node::from(keys)
        };
        let value = match value {
            VariableValue::Text(text) => text.as_str().into(),
            VariableValue::Secret(secret) => one("secret", secret),
            VariableValue::Alias(other) => one("alias", other),
            VariableValue::Override(text) => one("override", text),
            VariableValue::File { content, mount } => {
                let mut keys = Mapping::default();
                keys.put("file", content.as_str());
                keys.put("mount", mount.as_str());
                keys.into()
            }
        };
        keys.put(name.as_str(), value);
    }
    keys
}

fn previews(previews: &Previews) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("enabled", previews.enabled);
    keys.put_unless(previews.when == PreviewWhen::Opened, "when", previews.when.as_str());
    keys.put_unless(!previews.forks, "forks", true);
    keys.put_some("timeToLive", previews.time_to_live.map(span));
    keys
}

fn schedule(schedule: &Schedule) -> Mapping {
    let mut keys = Mapping::default();
    put_schedule(&mut keys, schedule);
    keys
}

pub(super) fn put_schedule(keys: &mut Mapping, schedule: &Schedule) {
    let weekday_time = |at: &WeekdayTime| {
        let mut keys = Mapping::default();
        keys.put("weekdays", texts(&at.weekdays));
        keys.put("time", at.time.as_str());
        keys
    };
    keys.put_unless(schedule.timezone == "UTC", "timezone", schedule.timezone.as_str());
    keys.put_some("start", schedule.start.as_ref().map(weekday_time));
    keys.put_some("stop", schedule.stop.as_ref().map(weekday_time));
}

fn notification(notification: &Notification) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("kind", notification.kind.as_str());
    keys.put_some("url", notification.url.as_deref());
    keys.put_filled("events", texts(&notification.events));
    keys.put_some("secret", notification.secret.as_deref());
    keys
}
