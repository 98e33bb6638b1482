//! Nothing but failures.

use super::{Reporter, summary};
use crate::follow::{Run, Update};
use crate::output;
use crate::paint::Paint;

/// See the module.
#[derive(Debug)]
pub(super) struct Quiet;

impl Reporter for Quiet {
    fn begin(&mut self, _: &Run) {}

    fn update(&mut self, _: &Run, _: &Update) {}

    fn end(&mut self, run: &Run) {
        for text in summary::failures(run, Paint::of(&std::io::stderr())) {
            output::tell(text);
        }
    }
}
