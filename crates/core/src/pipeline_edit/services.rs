//! Edits of services: which stage they are in, and whether they take part.

use crate::model::{Environment, Name, StageName};

use super::apply::{place_of, place_of_service};
use super::refusal::Refusal;

pub(super) fn move_to(environment: &mut Environment, service: &Name, stage: &StageName) -> Result<Vec<String>, Refusal> {
    let index = place_of_service(environment, service)?;
    place_of(environment, stage)?;
    let moved = &mut environment.services[index];
    if moved.stage == *stage {
        return Ok(Vec::new());
    }
    let old = std::mem::replace(&mut moved.stage, stage.clone());
    Ok(vec![format!("service `{service}` moves from stage `{old}` to `{stage}`")])
}

pub(super) fn set_skipped(environment: &mut Environment, service: &Name, skipped: bool) -> Result<Vec<String>, Refusal> {
    let index = place_of_service(environment, service)?;
    let found = &mut environment.services[index];
    if found.skipped == skipped {
        return Ok(Vec::new());
    }
    found.skipped = skipped;
    let what = if skipped { "is skipped now" } else { "is not skipped any more" };
    Ok(vec![format!("service `{service}` {what}")])
}
