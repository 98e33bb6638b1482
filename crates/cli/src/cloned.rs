//! What a clone made, and what to do next.

use slipway_ports::api::ClonedView;

use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::Stop;

/// Writes what a clone made, begun with a sentence about it.
pub(crate) fn show(context: &Context, cloned: &ClonedView, sentence: &str) -> Result<(), Stop> {
    if context.output == Output::Json {
        return output::json(cloned);
    }
    output::line(sentence)?;
    cloned.left_behind.iter().for_each(|what| output::tell(format!("left behind: {what}")));
    Ok(())
}

/// Tells the commands that come next.
pub(crate) fn tell_next(cloned: &ClonedView) {
    let environment = format!("--environment {}/{}", cloned.project, cloned.name);
    for secret in cloned.secrets.iter().filter(|secret| !secret.set) {
        output::tell(format!("next: printf %s \"$VALUE\" | slipway secret set {} {environment}", secret.name));
    }
    output::tell(format!("next: slipway deploy {environment}"));
}
