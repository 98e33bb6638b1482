//! What an edit of a pipeline did, in one sentence: what changed, and what the pipeline is now.

use slipway_ports::api::{EditedView, PipelineServiceView, PipelineStageView};

use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// Writes what an edit did.
pub(crate) fn show(context: &Context, edited: &EditedView) -> Result<Exit, Stop> {
    match context.output {
        Output::Json => output::json(edited)?,
        Output::Text => output::line(sentence(edited))?,
    }
    Ok(Exit::Done)
}

fn sentence(edited: &EditedView) -> String {
    let stages: Vec<String> = edited.stages.iter().map(stage).collect();
    let stages = stages.join(", ");
    let EditedView { project, name, changes, .. } = edited;
    if changes.is_empty() {
        return format!("nothing changed; the pipeline of {project}/{name} is {stages}");
    }
    format!("{}; the pipeline of {project}/{name} is now {stages}", changes.join("; "))
}

fn stage(stage: &PipelineStageView) -> String {
    if stage.services.is_empty() { format!("`{}`", stage.name) } else { format!("`{}` ({})", stage.name, services(stage)) }
}

/// The services of a stage, as a person reads them.
pub(crate) fn services(stage: &PipelineStageView) -> String {
    let name = |service: &PipelineServiceView| {
        if service.skipped { format!("{} skipped", service.name) } else { service.name.clone() }
    };
    stage.services.iter().map(name).collect::<Vec<_>>().join(", ")
}
