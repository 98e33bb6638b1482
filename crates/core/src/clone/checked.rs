//! A clone is stored only if its file reads: the rules of environments are those of the file, and stand there once.

use crate::file::{self, ApplyOptions, Location, Notation, Outer, ParseOptions, Problem};
use crate::model::{Environment, FromProject};

use super::refusal::Refusal;

/// The environment, if its own file makes it. What no code carries out yet is refused too, unless what is cloned asks for it as well.
pub(super) fn checked(clone: Environment, gives: &FromProject, source: &Environment) -> Result<Environment, Refusal> {
    let (made, unsupported) = read(&clone, gives).map_err(|problems| Refusal::Invalid { problems })?;
    if made != clone {
        return Err(Refusal::Invalid { problems: vec![Location::default().problem("its file does not make it")] });
    }
    if clone.mode != source.mode && !unsupported.is_empty() {
        let problems: Vec<Problem> = unsupported.into_iter().filter(|problem| problem.path == "mode").collect();
        if !problems.is_empty() {
            return Err(Refusal::Invalid { problems });
        }
    }
    Ok(clone)
}

fn read(environment: &Environment, gives: &FromProject) -> Result<(Environment, Vec<Problem>), Vec<Problem>> {
    let text = file::write(environment, Notation::Json).map_err(|error| vec![Location::default().problem(error)])?;
    // What is stored was allowed when it was.
    let options = ParseOptions { allow_file_urls: true, is_first: true };
    let file = file::parse_in(&text, &options, Outer::Known(gives))?;
    let applied = file::apply(None, &file, ApplyOptions::default())?;
    Ok((applied.environment, file::unsupported(&file)))
}
