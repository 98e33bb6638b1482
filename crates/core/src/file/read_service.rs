//! Reads services: name, stage, and exactly one kind.

use std::collections::HashSet;

use crate::model::{Name, ServiceKind, ServiceType, StageName};

use super::environment_file::FileService;
use super::keys_service::{KINDS, SERVICE};
use super::read_kind::{self, Surroundings};
use super::read_pipeline::StageNames;
use super::reader::{Keys, Place, Reader, shown};
use super::table::nearest;
use super::{read_environment, read_pipeline};

/// Most services of an environment.
pub(super) const MOST_SERVICES: usize = 1000;

/// Reads `services`.
pub(super) fn services(reader: &mut Reader, top: &Keys<'_>, stages: &StageNames, secrets: &[String]) -> Vec<FileService> {
    let mut services: Vec<FileService> = Vec::new();
    let mut names = HashSet::new();
    let items = reader.list_at(top, "services");
    if items.len() > MOST_SERVICES {
        reader.refuse(&top.key_location("services"), format!("{} services; expected at most {MOST_SERVICES}", items.len()));
        return services;
    }
    for item in items {
        let Some(keys) = reader.keys(item, &SERVICE) else { continue };
        let name = name(reader, &keys, &mut names);
        services.extend(service(reader, &keys, name, stages, secrets));
    }
    services
}

/// The name of a service, which no other has.
fn name(reader: &mut Reader, keys: &Keys<'_>, names: &mut HashSet<Name>) -> Option<Name> {
    let place = reader.require(keys, "name")?;
    let name = read_environment::name(reader, &place)?;
    if !names.insert(name.clone()) {
        let location = keys.key_location("name");
        reader.refuse(&location, format!("there are two services `{name}`; a service's name is unique"));
    }
    Some(name)
}

/// Refuses a stage that the file does not have; without a list of stages, one that a new environment does not have, where the file
/// makes one.
fn known_stage(reader: &mut Reader, place: &Place<'_>, stage: &StageName, stages: &StageNames) {
    let (known, what): (Vec<&str>, _) = match stages {
        StageNames::Listed(names) => (names.iter().map(String::as_str).collect(), "in `pipeline.stages`"),
        StageNames::Absent if reader.options.is_first => {
            let defaults = ServiceType::WITH_DEFAULT_STAGE.iter().filter_map(|kind| kind.default_stage_name());
            (defaults.collect(), "a stage of a new environment")
        }
        StageNames::Absent | StageNames::Unknown => return,
    };
    if known.contains(&stage.as_str()) {
        return;
    }
    let hint = nearest(stage.as_str(), known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    let hint = hint.unwrap_or_else(|| format!("; expected one of `{}`", known.join("`, `")));
    reader.refuse_value(place, format!("{} is not {what}{hint}", shown(stage.as_str())));
}

fn service(
    reader: &mut Reader,
    keys: &Keys<'_>,
    name: Option<Name>,
    stages: &StageNames,
    secrets: &[String],
) -> Option<FileService> {
    let stage_place = keys.get("stage");
    let stage = stage_place.as_ref().and_then(|place| read_pipeline::stage_name(reader, place));
    if let (Some(place), Some(stage)) = (&stage_place, &stage) {
        known_stage(reader, place, stage, stages);
    }
    let skipped = keys.get("skipped").and_then(|place| reader.boolean(&place));
    let kind = one_kind(reader, keys, &Surroundings { service: keys, secrets });
    let location = stage_place.or(keys.get("name")).map(|place| place.location()).unwrap_or_default();
    Some(FileService { name: name?, stage, skipped, kind: kind?, location })
}

/// The kind of a service; whatever is wrong with it, everything else at the service is checked.
fn one_kind(reader: &mut Reader, keys: &Keys<'_>, surroundings: &Surroundings<'_, '_>) -> Option<ServiceKind> {
    let present = keys.present(&KINDS);
    if let [kind] = present.as_slice()
        && keys.is_exact(kind)
    {
        return read_kind::kind(reader, kind, keys.get(kind)?, surroundings);
    }
    if !KINDS.iter().any(|kind| keys.has(kind)) {
        let expected = "one of `application`, `container`, `database`, `job` or `helm`";
        reader.refuse_value(&keys.place, format!("the service has no kind; expected {expected}"));
    }
    let mut exact = present.iter().filter(|kind| keys.is_exact(kind));
    if let Some(first) = exact.next() {
        for kind in exact {
            let location = keys.key_location(kind);
            reader.refuse(&location, format!("the service is `{first}` already; expected exactly one kind"));
        }
    }
    read_kind::doubtful(reader, &present, surroundings);
    None
}
