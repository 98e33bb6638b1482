//! `slipway schema`: the JSON Schema of the environment file, for editors.

use crate::output;
use crate::stop::{Exit, Stop};

pub(crate) fn run() -> Result<Exit, Stop> {
    let schema = slipway_core::file::schema().map_err(|error| Stop::new(Exit::Internal, error))?;
    output::line(schema.trim_end())?;
    Ok(Exit::Done)
}
