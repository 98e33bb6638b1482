//! One JSON object per update, for programs.

use serde_json::{Value, json};

use super::Reporter;
use crate::follow::{Run, Update};
use crate::output;

/// See the module.
#[derive(Debug)]
pub(super) struct Json;

impl Reporter for Json {
    fn begin(&mut self, _: &Run) {}

    fn update(&mut self, _: &Run, update: &Update) {
        let (kind, data) = match update {
            Update::Deployment(view) => ("deployment", json!(view)),
            Update::Service(service) => ("service", json!(service)),
            Update::Log(line) => ("log", json!(line)),
            Update::Lost => ("lost", Value::Null),
            Update::Found => ("found", Value::Null),
        };
        // A reader that went away does not end the deployment, and its exit code still counts.
        let _ = output::line(json!({"type": kind, "data": data}));
    }

    fn end(&mut self, _: &Run) {}
}
