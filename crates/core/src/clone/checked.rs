//! A clone is stored only if its file reads: the rules of environments are those of the file, and stand there once.

use crate::file::{self, ApplyOptions, Location, Notation, Outer, ParseOptions, Problem};
use crate::model::{Environment, FromProject};

use super::refusal::Refusal;

/// The environment, if its own file makes it.
pub(super) fn checked(clone: Environment, gives: &FromProject) -> Result<Environment, Refusal> {
    let made = read(&clone, gives).map_err(|problems| Refusal::Invalid { problems })?;
    // What it was made for is in no file.
    let made = Environment { preview: clone.preview.clone(), ..made };
    if made != clone {
        return Err(Refusal::Invalid { problems: vec![Location::default().problem("its file does not make it")] });
    }
    Ok(clone)
}

fn read(environment: &Environment, gives: &FromProject) -> Result<Environment, Vec<Problem>> {
    let text = file::write(environment, Notation::Json).map_err(|error| vec![Location::default().problem(error)])?;
    // What is stored was allowed when it was.
    let options = ParseOptions { allow_file_urls: true, is_first: true };
    let file = file::parse_in(&text, &options, Outer::Known(gives))?;
    Ok(file::apply(None, &file, ApplyOptions::default())?.environment)
}
