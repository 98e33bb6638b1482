//! Reads the pipeline and its stages.

use std::collections::HashSet;

use crate::model::{FailurePolicy, Pipeline, PipelineMode, ServiceType, StageName};

use super::environment_file::FileStage;
use super::form::MOST_PARALLEL;
use super::keys::{PIPELINE, STAGE};
use super::reader::{Keys, MOST_ITEMS, Place, Reader, shown};
use super::references;
use super::tree::Value;

/// The pipeline as the file writes it.
pub(super) struct FilePipeline {
    pub mode: PipelineMode,
    pub on_failure: FailurePolicy,
    pub max_parallel_builds: u32,
    pub max_parallel_deploys: u32,
    pub stages: Option<Vec<FileStage>>,
    pub stage_names: StageNames,
}

/// The stages that a service may name.
pub(super) enum StageNames {
    /// These.
    Listed(Vec<String>),
    /// The file does not say it.
    Absent,
    /// The file says it, but not so that all of them could be read.
    Unknown,
}

/// Reads `pipeline`; what is absent has its default.
pub(super) fn pipeline(reader: &mut Reader, top: &Keys<'_>) -> FilePipeline {
    let mut pipeline = FilePipeline {
        mode: PipelineMode::Phased,
        on_failure: FailurePolicy::FinishStage,
        max_parallel_builds: Pipeline::DEFAULT_PARALLEL,
        max_parallel_deploys: Pipeline::DEFAULT_PARALLEL,
        stages: None,
        stage_names: if top.has("pipeline") { StageNames::Unknown } else { StageNames::Absent },
    };
    let Some(keys) = top.get("pipeline").and_then(|place| reader.keys(place, &PIPELINE)) else { return pipeline };
    if let Some(place) = keys.get("mode") {
        let choices = [("phased", PipelineMode::Phased), ("eager", PipelineMode::Eager)];
        pipeline.mode = reader.choice(&place, &choices).unwrap_or(pipeline.mode);
    }
    if let Some(place) = keys.get("onFailure") {
        let choices = [("finish-stage", FailurePolicy::FinishStage), ("fail-fast", FailurePolicy::FailFast)];
        pipeline.on_failure = reader.choice(&place, &choices).unwrap_or(pipeline.on_failure);
    }
    if let Some(place) = keys.get("maxParallelBuilds") {
        pipeline.max_parallel_builds = reader.number(&place, 1, MOST_PARALLEL).unwrap_or(pipeline.max_parallel_builds);
    }
    if let Some(place) = keys.get("maxParallelDeploys") {
        pipeline.max_parallel_deploys = reader.number(&place, 1, MOST_PARALLEL).unwrap_or(pipeline.max_parallel_deploys);
    }
    let stages_place = keys.get("stages");
    pipeline.stage_names = match &stages_place {
        Some(place) => stage_names(place).map_or(StageNames::Unknown, StageNames::Listed),
        None if keys.has("stages") => StageNames::Unknown,
        None => StageNames::Absent,
    };
    pipeline.stages = stages_place.map(|place| stages(reader, &place));
    pipeline
}

/// The names of all stages as they are written, so that what else is wrong with a stage does not make it unknown.
fn stage_names(place: &Place<'_>) -> Option<Vec<String>> {
    let Value::List(items) = &place.node.value else { return None };
    let name = |node| {
        let keys = Keys::of(Place { node, path: String::new() }, &STAGE)?;
        references::text(keys.get("name")?.node).map(str::to_owned)
    };
    if items.is_empty() || items.len() > MOST_ITEMS { None } else { items.iter().map(name).collect() }
}

fn stages(reader: &mut Reader, place: &Place<'_>) -> Vec<FileStage> {
    let mut stages: Vec<FileStage> = Vec::new();
    let items = reader.list(place);
    if !(1..=Pipeline::MOST_STAGES).contains(&items.len()) && matches!(place.node.value, Value::List(_)) {
        let most = Pipeline::MOST_STAGES;
        reader.refuse_value(place, format!("expected 1 to {most} stages, found {}", items.len()));
    }
    let mut names = HashSet::new();
    let mut roles = HashSet::new();
    for item in items {
        let Some(keys) = reader.keys(item, &STAGE) else { continue };
        let Some(stage) = stage(reader, &keys) else { continue };
        if !names.insert(stage.name.clone()) {
            reader.refuse(&stage.location, format!("there are two stages `{}`; a stage's name is unique", stage.name));
        }
        if let Some(Some(role)) = stage.default_for
            && !roles.insert(role)
        {
            let location = keys.key_location("defaultFor");
            reader.refuse(&location, format!("another stage is the default for `{role}` already"));
        }
        stages.push(stage);
    }
    stages
}

fn stage(reader: &mut Reader, keys: &Keys<'_>) -> Option<FileStage> {
    let name_place = reader.require(keys, "name");
    let name = name_place.as_ref().and_then(|place| stage_name(reader, place));
    let description = keys.get("description").and_then(|place| reader.text(&place)).unwrap_or_default();
    let default_for =
        keys.get("defaultFor").and_then(|place| if place.is_null() { Some(None) } else { role(reader, &place).map(Some) });
    let approval = keys.get("approval").and_then(|place| reader.choice(&place, &[("required", true), ("none", false)]));
    Some(FileStage {
        name: name?,
        description,
        default_for,
        approval_required: approval.unwrap_or(false),
        location: name_place.map(|place| place.location()).unwrap_or_default(),
    })
}

fn role(reader: &mut Reader, place: &Place<'_>) -> Option<ServiceType> {
    let choices = ServiceType::WITH_DEFAULT_STAGE.map(|service_type| (service_type.as_str(), service_type));
    reader.choice(place, &choices)
}

/// The name of a stage.
pub(super) fn stage_name(reader: &mut Reader, place: &Place<'_>) -> Option<StageName> {
    let text = reader.text(place)?;
    match StageName::new(text) {
        Ok(name) => Some(name),
        Err(error) => {
            reader.refuse_value(place, format!("{} is not the name of a stage: {}", shown(&error.text), error.expected));
            None
        }
    }
}
